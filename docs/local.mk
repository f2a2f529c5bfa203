# SPDX-License-Identifier: LGPL-2.1-or-later
# The folder as a whole: its made pages must not be made again by "make dist".
EXTRA_DIST += docs

# The Wine that configure found, and one for each other calling convention and
# way to run 32-bit programs.
CONFORM_FLAGS = --wine '$(WINE)' \
	--wine "$$($(top_srcdir)/tests/wine/make-wine bookworm-i386)" \
	--wine "$$($(top_srcdir)/tests/wine/make-wine trixie-i386)" \
	--wine "$$($(top_srcdir)/tests/wine/make-wine trixie-wow64)"

# Takes some minutes. A FAIL belongs into the page like any other result.
docs/conformance.md: docs/conformance.head.md all
	$(AM_V_GEN)page=$(srcdir)/docs/conformance.md; \
	{ cat $(srcdir)/docs/conformance.head.md && \
		{ tools/winewatch conform $(CONFORM_FLAGS) --markdown=- || \
			test $$? = 1; }; } > $$page.new && \
	mv $$page.new $$page || { rm -f $$page.new; false; }
.PHONY: docs/conformance.md

# Takes minutes, and is for root alone: makes two Debians in folders.
docs/tour.md:
	$(AM_V_GEN)$(MAKE) $(AM_MAKEFLAGS) check-debian && \
		cp artefacts/tour.md $(srcdir)/$@
.PHONY: docs/tour.md

# Takes about half an hour.
PERFORMANCE_FLAGS = --wine '$(WINE)' \
	--wine "$$($(top_srcdir)/tests/wine/make-wine trixie)"

docs/performance.md: docs/performance.head.md all
	$(AM_V_GEN)$(srcdir)/docs/performance.sh $(srcdir) tools/winewatch \
		$(PERFORMANCE_FLAGS)
.PHONY: docs/performance.md

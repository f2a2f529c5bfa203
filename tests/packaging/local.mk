# SPDX-License-Identifier: LGPL-2.1-or-later
# What packagers and users of packages rely on.
packaging_scripts = \
	tests/packaging/abi.sh \
	tests/packaging/completion.sh \
	tests/packaging/manuals.sh \
	tests/packaging/version.sh \
	tests/packaging/words.sh
dist_check_SCRIPTS += $(packaging_scripts) tests/packaging/debian.sh \
	tests/packaging/pictures.sh
TESTS += $(packaging_scripts) tests/packaging/pictures.sh
EXTRA_DIST += \
	tests/packaging/abi.x86_64 \
	tests/packaging/completion.bash \
	tests/packaging/completion.zsh \
	tests/packaging/lib.sh

packaging_programs = tests/packaging/list tests/packaging/types
check_PROGRAMS += $(packaging_programs)
tests_packaging_list_SOURCES = tests/packaging/list.c
tests_packaging_list_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
tests_packaging_types_SOURCES = tests/packaging/types.c

# What asks nothing of the kernel it runs on, and starts no Wine: for whoever
# builds packages.
anywhere_programs = \
	$(kernel_unit_tests) \
	$(dlls_unit_tests) \
	$(pagemap_tests) \
	$(packaging_programs)
anywhere_tests = \
	$(kernel_unit_tests) \
	$(dlls_unit_tests) \
	$(pagemap_tests) \
	tests/api/manual.sh \
	tests/api/symbols.sh \
	$(packaging_scripts)
check-anywhere:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(anywhere_tests)' \
		check_PROGRAMS='$(anywhere_programs)' check_DATA=

# Takes minutes: the packages, made from what "make dist" makes.
check-debian: dist
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/packaging/debian.sh \
		check_PROGRAMS= check_DATA=

# What tests leave there is for people to look at.
clean-local: clean-artefacts
clean-artefacts:
	rm -rf artefacts
.PHONY: check-anywhere check-debian clean-artefacts

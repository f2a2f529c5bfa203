# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests that start Wine. They share one prefix, made by the first of them.
TESTS += \
	tests/wine/rollback.sh \
	tests/wine/win32-stock.sh \
	tests/wine/win32-winewatch.sh

dist_check_SCRIPTS += \
	tests/wine/rollback.sh \
	tests/wine/win32-stock.sh \
	tests/wine/win32-winewatch.sh
EXTRA_DIST += \
	tests/wine/lib.sh \
	tests/wine/known-faults-8.0 \
	tests/wine/known-faults.awk

clean-local: clean-wine
clean-wine:
	rm -rf tests/wine/prefix
	rm -f tests/wine/prefix.lock tests/wine/prefix.log \
		tests/wine/prefix.made tests/wine/doctor.log tests/wine/*.uffd
.PHONY: clean-wine

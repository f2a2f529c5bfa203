# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests that start Wine. Those of one Wine share a prefix, made by the first. Two
# that take minutes and differ little from others are left to check-long.
TESTS += \
	tests/wine/doctor-10.sh \
	tests/wine/off.sh \
	tests/wine/refused.sh \
	tests/wine/rollback.sh \
	tests/wine/run-exit.sh \
	tests/wine/system-calls.sh \
	tests/wine/two-sides.sh \
	tests/wine/win32-i386.sh \
	tests/wine/win32-mprotect.sh \
	tests/wine/win32-stock.sh \
	tests/wine/win32-stock-10.sh \
	tests/wine/win32-wow64.sh \
	tests/wine/win32-winewatch.sh \
	tests/wine/win32-winewatch-10.sh

dist_check_SCRIPTS += \
	tests/wine/doctor-10.sh \
	tests/wine/off.sh \
	tests/wine/refused.sh \
	tests/wine/rollback.sh \
	tests/wine/run-exit.sh \
	tests/wine/system-calls.sh \
	tests/wine/two-sides.sh \
	tests/wine/win32-i386.sh \
	tests/wine/win32-i386-10.sh \
	tests/wine/win32-mprotect.sh \
	tests/wine/win32-mprotect-10.sh \
	tests/wine/win32-stock.sh \
	tests/wine/win32-stock-10.sh \
	tests/wine/win32-wow64.sh \
	tests/wine/win32-winewatch.sh \
	tests/wine/win32-winewatch-10.sh \
	tests/wine/make-wine
EXTRA_DIST += \
	tests/wine/lib.sh \
	tests/wine/queries.c \
	tests/wine/suite.sh \
	tests/wine/known-faults-8.0 \
	tests/wine/known-faults-10.0 \
	tests/wine/known-faults-i386 \
	tests/wine/known-faults-wow64 \
	tests/wine/known-faults-mprotect \
	tests/wine/known-faults-winewatch \
	tests/wine/known-faults.awk

if WITH_MINGW
windows_programs += tests/wine/x86_64-windows/queries.exe
endif

tests/wine/x86_64-windows/%.exe: tests/wine/%.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(WW_FLAGS) -O2 -static -o $@ $<

# A library that somebody else preloads.
check_LTLIBRARIES += tests/wine/libother.la
tests_wine_libother_la_SOURCES = tests/wine/other.c
tests_wine_libother_la_LDFLAGS = -module -avoid-version -rpath /nowhere

clean-local: clean-wine
clean-wine:
	rm -rf tests/wine/prefix* tests/wine/tmp
	rm -f tests/wine/*.uffd tests/wine/*.out tests/wine/doctor.log
.PHONY: clean-wine

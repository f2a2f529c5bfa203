# SPDX-License-Identifier: LGPL-2.1-or-later
# PAGEMAP_SCAN in user space: every rule of every revision on a model, and the
# engine against the running kernel.
if WITH_CMOCKA
pagemap_tests = \
	tests/pagemap/limits \
	tests/pagemap/mainline \
	tests/pagemap/remarks \
	tests/pagemap/sources \
	tests/pagemap/states \
	tests/pagemap/v6 \
	tests/pagemap/v10 \
	tests/pagemap/v16

check_PROGRAMS += $(pagemap_tests)
TESTS += $(pagemap_tests)

check_LTLIBRARIES += libwwscan.la
libwwscan_la_SOURCES = tests/pagemap/scan.c tests/pagemap/scan.h
libwwscan_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
libwwscan_la_LIBADD = libwwmodel.la $(CMOCKA_LIBS)

tests_pagemap_limits_LDADD = libwwscan.la
tests_pagemap_mainline_LDADD = libwwscan.la
tests_pagemap_remarks_LDADD = libwwscan.la
tests_pagemap_sources_LDADD = libwwscan.la
tests_pagemap_states_LDADD = libwwscan.la
tests_pagemap_v6_LDADD = libwwscan.la
tests_pagemap_v10_LDADD = libwwscan.la
tests_pagemap_v16_LDADD = libwwscan.la
endif

check_PROGRAMS += tests/pagemap/differential
TESTS += tests/pagemap/differential
tests_pagemap_differential_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/differential.c \
	tests/pagemap/script.c \
	tests/pagemap/script.h
tests_pagemap_differential_LDADD = libwwmodel.la

check_PROGRAMS += tests/pagemap/expected
TESTS += tests/pagemap/expected
tests_pagemap_expected_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/expected.c \
	tests/pagemap/expected.h \
	tests/pagemap/oracle.c \
	tests/pagemap/rules.c \
	tests/pagemap/script.c \
	tests/pagemap/script.h
tests_pagemap_expected_LDADD = libwwmodel.la

check_PROGRAMS += tests/pagemap/entry
TESTS += tests/pagemap/entry
tests_pagemap_entry_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/entry.c
tests_pagemap_entry_CFLAGS = $(AM_CFLAGS) -pthread
tests_pagemap_entry_LDADD = libwwpagemap.la libwwkernel.la

check_PROGRAMS += tests/pagemap/mprotect
TESTS += tests/pagemap/mprotect
tests_pagemap_mprotect_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/mprotect.c
tests_pagemap_mprotect_CFLAGS = $(AM_CFLAGS) -pthread
tests_pagemap_mprotect_LDADD = libwwpagemap.la libwwkernel.la

# Run by hand, and by "make check-long": it takes as much memory as it scans.
check_PROGRAMS += tests/pagemap/speed
tests_pagemap_speed_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/speed.c
tests_pagemap_speed_LDADD = libwwmodel.la libwwkernel.la
tests_pagemap_speed_CFLAGS = $(AM_CFLAGS) -pthread

check_PROGRAMS += tests/pagemap/traps
TESTS += tests/pagemap/traps
tests_pagemap_traps_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/traps.c
tests_pagemap_traps_LDADD = libwwkernel.la
tests_pagemap_traps_CFLAGS = $(AM_CFLAGS) -pthread

dist_check_SCRIPTS += tests/pagemap/public.sh tests/pagemap/rows.sh
TESTS += tests/pagemap/public.sh tests/pagemap/rows.sh

# SPDX-License-Identifier: LGPL-2.1-or-later
# PAGEMAP_SCAN in user space: every rule of every revision on a model, and the
# engine against the running kernel.
if WITH_CMOCKA
pagemap_tests = \
	tests/pagemap/limits \
	tests/pagemap/mainline \
	tests/pagemap/remarks \
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
	tests/pagemap/differential.c
tests_pagemap_differential_LDADD = libwwmodel.la

check_PROGRAMS += tests/pagemap/entry
TESTS += tests/pagemap/entry
tests_pagemap_entry_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/pagemap/entry.c
tests_pagemap_entry_LDADD = libwwpagemap.la

dist_check_SCRIPTS += tests/pagemap/public.sh
TESTS += tests/pagemap/public.sh

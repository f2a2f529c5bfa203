# SPDX-License-Identifier: LGPL-2.1-or-later
# Unit tests, on a model kernel: one subject a program.
if WITH_CMOCKA
check_LTLIBRARIES += libwwfake.la
libwwfake_la_SOURCES = tests/unit/fake.c tests/unit/fake.h
libwwfake_la_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
libwwfake_la_CFLAGS = $(AM_CFLAGS) -pthread
libwwfake_la_LIBADD = libwwkernel.la $(CMOCKA_LIBS)

inject_sources = \
	tests/unit/inject.h \
	tests/unit/inject_ops.c \
	tests/unit/inject_play.c \
	tests/unit/inject_rows.c

kernel_unit_tests = \
	tests/unit/fork \
	tests/unit/inject \
	tests/unit/known \
	tests/unit/query \
	tests/unit/random \
	tests/unit/regions \
	tests/unit/released \
	tests/unit/share \
	tests/unit/slots \
	tests/unit/spans \
	tests/unit/stats \
	tests/unit/uffd

check_PROGRAMS += $(kernel_unit_tests)
TESTS += $(kernel_unit_tests)

tests_unit_fork_LDADD = libwwfake.la
tests_unit_inject_SOURCES = tests/unit/inject.c $(inject_sources) \
	tests/kernel/tap.c tests/kernel/tap.h
tests_unit_inject_LDADD = libwwfake.la
tests_unit_known_LDADD = libwwfake.la
tests_unit_query_LDADD = libwwfake.la
tests_unit_random_LDADD = libwwfake.la
tests_unit_regions_LDADD = libwwfake.la
tests_unit_released_LDADD = libwwfake.la
tests_unit_share_LDADD = libwwfake.la
tests_unit_slots_LDADD = libwwfake.la
tests_unit_slots_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_spans_LDADD = libwwfake.la
tests_unit_spans_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_stats_LDADD = libwwfake.la
tests_unit_stats_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_uffd_LDADD = libwwfake.la

if WITH_DLLS
dlls_unit_tests = \
	tests/unit/memory \
	tests/unit/status \
	tests/unit/table

check_PROGRAMS += $(dlls_unit_tests)
TESTS += $(dlls_unit_tests)

# The test has watching.c's functions itself, so that object stays out.
tests_unit_memory_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
tests_unit_memory_LDADD = libwwenter.la libwwfake.la
tests_unit_status_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
tests_unit_status_CFLAGS = $(AM_CFLAGS) -pthread
tests_unit_status_LDADD = libwwntdll.la libwwfake.la
tests_unit_table_LDADD = libwwenter.la libwwfake.la
endif
endif

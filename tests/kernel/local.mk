# SPDX-License-Identifier: LGPL-2.1-or-later
# Programs on the running kernel, one subject each.
kernel_test_sources = \
	tests/kernel/memory.c \
	tests/kernel/memory.h \
	tests/kernel/tap.c \
	tests/kernel/tap.h
kernel_tests = \
	tests/kernel/arrays \
	tests/kernel/commits \
	tests/kernel/discard \
	tests/kernel/foreign \
	tests/kernel/fork \
	tests/kernel/handshake \
	tests/kernel/hugezero \
	tests/kernel/inject \
	tests/kernel/kernel_writes \
	tests/kernel/killed \
	tests/kernel/locked \
	tests/kernel/mprotect \
	tests/kernel/page_tables \
	tests/kernel/probe \
	tests/kernel/queries \
	tests/kernel/readers \
	tests/kernel/softdirty \
	tests/kernel/stress \
	tests/kernel/suspended \
	tests/kernel/swap \
	tests/kernel/system_calls \
	tests/kernel/unarmed \
	tests/kernel/unregistered \
	tests/kernel/walk_end

check_PROGRAMS += $(kernel_tests)
TESTS += $(kernel_tests)

tests_kernel_commits_SOURCES = tests/kernel/commits.c $(kernel_test_sources)
tests_kernel_commits_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_commits_LDADD = libwwkernel.la
tests_kernel_discard_SOURCES = tests/kernel/discard.c $(kernel_test_sources)
tests_kernel_discard_LDADD = libwwkernel.la
tests_kernel_foreign_SOURCES = tests/kernel/foreign.c $(kernel_test_sources)
tests_kernel_foreign_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_foreign_LDADD = libwwkernel.la
tests_kernel_fork_SOURCES = tests/kernel/fork.c $(kernel_test_sources)
tests_kernel_fork_LDADD = libwwkernel.la
tests_kernel_handshake_SOURCES = tests/kernel/handshake.c $(kernel_test_sources)
tests_kernel_handshake_LDADD = libwwkernel.la
tests_kernel_hugezero_SOURCES = tests/kernel/hugezero.c $(kernel_test_sources)
tests_kernel_hugezero_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_hugezero_LDADD = libwwkernel.la
tests_kernel_inject_SOURCES = tests/kernel/inject.c tests/unit/inject.h \
	tests/unit/inject_ops.c tests/unit/inject_play.c \
	tests/unit/inject_rows.c $(kernel_test_sources)
tests_kernel_inject_LDADD = libwwkernel.la
tests_kernel_kernel_writes_SOURCES = tests/kernel/kernel_writes.c $(kernel_test_sources)
tests_kernel_kernel_writes_LDADD = libwwkernel.la
tests_kernel_locked_SOURCES = tests/kernel/locked.c $(kernel_test_sources)
tests_kernel_locked_LDADD = libwwkernel.la
tests_kernel_mprotect_SOURCES = tests/kernel/mprotect.c $(kernel_test_sources)
tests_kernel_mprotect_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_mprotect_LDADD = libwwkernel.la
tests_kernel_page_tables_SOURCES = tests/kernel/page_tables.c $(kernel_test_sources)
tests_kernel_page_tables_LDADD = libwwkernel.la
tests_kernel_queries_SOURCES = tests/kernel/queries.c $(kernel_test_sources)
tests_kernel_queries_LDADD = libwwkernel.la
tests_kernel_readers_SOURCES = tests/kernel/readers.c $(kernel_test_sources)
tests_kernel_readers_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_readers_LDADD = libwwkernel.la
tests_kernel_system_calls_SOURCES = tests/kernel/system_calls.c \
	tests/kernel/calls.c tests/kernel/calls.h $(kernel_test_sources)
tests_kernel_system_calls_LDADD = libwwkernel.la
tests_kernel_unarmed_SOURCES = tests/kernel/unarmed.c $(kernel_test_sources)
tests_kernel_unarmed_LDADD = libwwkernel.la
tests_kernel_unregistered_SOURCES = tests/kernel/unregistered.c $(kernel_test_sources)
tests_kernel_unregistered_LDADD = libwwkernel.la
tests_kernel_walk_end_SOURCES = tests/kernel/walk_end.c $(kernel_test_sources)
tests_kernel_walk_end_LDADD = libwwkernel.la
tests_kernel_arrays_SOURCES = tests/kernel/arrays.c $(kernel_test_sources)
tests_kernel_arrays_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_arrays_LDADD = libwwkernel.la
tests_kernel_killed_SOURCES = tests/kernel/killed.c $(kernel_test_sources)
tests_kernel_killed_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_killed_LDADD = libwwkernel.la
tests_kernel_softdirty_SOURCES = tests/kernel/softdirty.c $(kernel_test_sources)
tests_kernel_softdirty_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_softdirty_LDADD = libwwkernel.la
tests_kernel_stress_SOURCES = tests/kernel/stress.c $(kernel_test_sources)
tests_kernel_stress_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_stress_LDADD = libwwkernel.la
tests_kernel_suspended_SOURCES = tests/kernel/suspended.c $(kernel_test_sources)
tests_kernel_suspended_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_suspended_LDADD = libwwkernel.la
tests_kernel_swap_SOURCES = tests/kernel/swap.c $(kernel_test_sources)
tests_kernel_swap_CFLAGS = $(AM_CFLAGS) -pthread
tests_kernel_swap_LDADD = libwwkernel.la
tests_kernel_probe_SOURCES = tests/kernel/probe.c $(kernel_test_sources)
tests_kernel_probe_LDADD = libwwkernel.la
if WITH_SECCOMP
tests_kernel_probe_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS) -DWITH_SECCOMP
tests_kernel_probe_LDADD += $(SECCOMP_LIBS)
else
tests_kernel_probe_CPPFLAGS = $(AM_CPPFLAGS)
endif

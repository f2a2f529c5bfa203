# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 calls as native programs have them, one subject each.
native_test_sources = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/native/memory.c \
	tests/native/memory.h

native_tests = \
	tests/native/arguments \
	tests/native/cancelled \
	tests/native/cut_off \
	tests/native/fork \
	tests/native/header \
	tests/native/interrupted \
	tests/native/limits \
	tests/native/many \
	tests/native/model \
	tests/native/no_backend \
	tests/native/placeholders \
	tests/native/places \
	tests/native/processes \
	tests/native/reused_pid \
	tests/native/rows \
	tests/native/scarce \
	tests/native/status \
	tests/native/storm \
	tests/native/stress \
	tests/native/system_calls \
	tests/native/vectors

# Those that watch, once more without the kernel's help.
native_scripts = tests/native/on-mprotect.sh

if WITH_DLLS
check_PROGRAMS += $(native_tests)
dist_check_SCRIPTS += $(native_scripts)
TESTS += $(native_tests) $(native_scripts)
else
EXTRA_DIST += $(native_scripts)
endif

# Inside the library, with Wine's headers.
tests_native_arguments_SOURCES = tests/native/arguments.c \
	tests/kernel/tap.c tests/kernel/tap.h
tests_native_arguments_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
tests_native_arguments_LDADD = libwwkernelbase.la
tests_native_status_SOURCES = tests/native/status.c \
	tests/kernel/tap.c tests/kernel/tap.h
tests_native_status_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)
tests_native_status_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_status_LDADD = libwwkernelbase.la

# One half with each.
tests_native_header_SOURCES = tests/native/header.c tests/native/values.h \
	tests/kernel/tap.c tests/kernel/tap.h
tests_native_header_LDADD = libwwvalues.la
if WITH_DLLS
check_LTLIBRARIES += libwwvalues.la
endif
libwwvalues_la_SOURCES = tests/native/values_wine.c tests/native/values.h
libwwvalues_la_CPPFLAGS = $(AM_CPPFLAGS) $(WINE_CPPFLAGS)

# Outside, with the installed header.
tests_native_system_calls_SOURCES = tests/native/system_calls.c \
	tests/kernel/calls.c tests/kernel/calls.h $(native_test_sources)
tests_native_system_calls_LDADD = libwritewatch-win32.la
tests_native_cancelled_SOURCES = tests/native/cancelled.c $(native_test_sources)
tests_native_cancelled_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_cancelled_LDADD = libwritewatch-win32.la
tests_native_cut_off_SOURCES = tests/native/cut_off.c $(native_test_sources)
tests_native_cut_off_LDADD = libwritewatch-win32.la
tests_native_fork_SOURCES = tests/native/fork.c $(native_test_sources)
tests_native_fork_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_fork_LDADD = libwritewatch-win32.la
tests_native_interrupted_SOURCES = tests/native/interrupted.c \
	tests/native/shadow.c tests/native/shadow.h $(native_test_sources)
tests_native_interrupted_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_interrupted_LDADD = libwritewatch-win32.la
tests_native_limits_SOURCES = tests/native/limits.c $(native_test_sources)
tests_native_limits_LDADD = libwritewatch-win32.la
tests_native_many_SOURCES = tests/native/many.c tests/native/shadow.c \
	tests/native/shadow.h $(native_test_sources)
tests_native_many_LDADD = libwritewatch-win32.la
tests_native_model_SOURCES = tests/native/model.c $(native_test_sources)
tests_native_model_LDADD = libwritewatch-win32.la
tests_native_no_backend_SOURCES = tests/native/no_backend.c $(native_test_sources)
tests_native_no_backend_LDADD = libwritewatch-win32.la
tests_native_placeholders_SOURCES = tests/native/placeholders.c \
	$(native_test_sources)
tests_native_placeholders_LDADD = libwritewatch-win32.la
tests_native_places_SOURCES = tests/native/places.c $(native_test_sources)
tests_native_places_LDADD = libwritewatch-win32.la
tests_native_processes_SOURCES = tests/native/processes.c $(native_test_sources)
tests_native_processes_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_processes_LDADD = libwritewatch-win32.la
tests_native_reused_pid_SOURCES = tests/native/reused_pid.c $(native_test_sources)
tests_native_reused_pid_LDADD = libwritewatch-win32.la
tests_native_rows_SOURCES = tests/native/rows.c $(native_test_sources)
tests_native_rows_LDADD = libwritewatch-win32.la
tests_native_scarce_SOURCES = tests/native/scarce.c tests/native/shadow.c \
	tests/native/shadow.h $(native_test_sources)
tests_native_scarce_LDADD = libwritewatch-win32.la
tests_native_storm_SOURCES = tests/native/storm.c tests/native/shadow.c \
	tests/native/shadow.h $(native_test_sources)
tests_native_storm_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_storm_LDADD = libwritewatch-win32.la
tests_native_stress_SOURCES = tests/native/stress.c $(native_test_sources)
tests_native_stress_CFLAGS = $(AM_CFLAGS) -pthread
tests_native_stress_LDADD = libwritewatch-win32.la
tests_native_vectors_SOURCES = tests/native/vectors.c $(native_test_sources)
tests_native_vectors_LDADD = libwritewatch-win32.la

# SPDX-License-Identifier: LGPL-2.1-or-later
EXTRA_DIST += tests/required tests/tools/tap.sh

dist_check_SCRIPTS += \
	tests/tools/bench.sh \
	tests/tools/conform.sh \
	tests/tools/doctor.sh \
	tests/tools/doctor-wine.sh \
	tests/tools/manual.sh \
	tests/tools/run.sh \
	tests/tools/top-wine.sh

if WITH_TOOL
TESTS += \
	tests/tools/bench.sh \
	tests/tools/conform.sh \
	tests/tools/doctor.sh \
	tests/tools/doctor-wine.sh \
	tests/tools/manual.sh \
	tests/tools/run.sh \
	tests/tools/top \
	tests/tools/top-wine.sh

check_PROGRAMS += \
	tests/tools/bench-json \
	tests/tools/conform-json \
	tests/tools/doctor-json \
	tests/tools/top
endif
tests_tools_bench_json_SOURCES = tests/tools/bench-json.c
tests_tools_bench_json_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_tools_bench_json_LDADD = $(JANSSON_LIBS)
tests_tools_conform_json_SOURCES = tests/tools/conform-json.c
tests_tools_conform_json_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_tools_conform_json_LDADD = $(JANSSON_LIBS)
tests_tools_doctor_json_SOURCES = tests/tools/doctor-json.c
tests_tools_doctor_json_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_tools_doctor_json_LDADD = $(JANSSON_LIBS)

# The shared library, so that it is found in the process.
tests_tools_top_SOURCES = \
	tests/kernel/tap.c \
	tests/kernel/tap.h \
	tests/tools/top.c \
	tests/tools/top_worker.c \
	tests/tools/top_worker.h
tests_tools_top_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_tools_top_CFLAGS = $(AM_CFLAGS) -pthread
tests_tools_top_LDADD = libwritewatch.la libwwkernel.la $(JANSSON_LIBS)

if WITH_SECCOMP
check_PROGRAMS += tests/tools/deny
endif
tests_tools_deny_SOURCES = tests/tools/deny.c
tests_tools_deny_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
tests_tools_deny_LDADD = $(SECCOMP_LIBS)

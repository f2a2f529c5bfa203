# SPDX-License-Identifier: LGPL-2.1-or-later
# The C library as its users have it: its header, its shared object, its pages.
api_common_sources = \
	tests/api/pages.c \
	tests/api/pages.h \
	tests/kernel/tap.c \
	tests/kernel/tap.h
api_cppflags = -D_GNU_SOURCE -I$(top_srcdir)/include
api_programs = \
	tests/api/errors \
	tests/api/faults \
	tests/api/fork \
	tests/api/queries \
	tests/api/threads \
	tests/api/trackers \
	tests/api/watch
api_scripts = \
	tests/api/documented.sh \
	tests/api/examples.sh \
	tests/api/header.sh \
	tests/api/manual.sh \
	tests/api/pkgconfig.sh \
	tests/api/symbols.sh

check_PROGRAMS += $(api_programs)
dist_check_SCRIPTS += $(api_scripts)
TESTS += $(api_programs) $(api_scripts)
EXTRA_DIST += tests/api/lib.sh

# An installation, for the tests that build with one, made before any test runs:
# when libtool installs a library, it is away from the build for a moment.
api_installed = tests/api/installed.stamp
check_DATA += $(api_installed)
CLEANFILES += $(api_installed) tests/api/installed.out
$(api_installed): $(check_PROGRAMS) $(check_LTLIBRARIES) $(include_HEADERS) \
		$(dist_examples_DATA) $(dist_man_MANS)
	$(AM_V_GEN)$(MKDIR_P) tests/api && rm -rf tests/api/installed && \
	$(MAKE) $(AM_MAKEFLAGS) install \
		DESTDIR='$(abs_top_builddir)/tests/api/installed' \
		> tests/api/installed.out 2>&1 && : > $@
clean-installed:
	rm -rf tests/api/installed
clean-local: clean-installed
.PHONY: clean-installed

# The compiler of the build, for tests that compile what users would.
AM_TESTS_ENVIRONMENT += CC='$(CC)'; export CC;

tests_api_errors_SOURCES = tests/api/errors.c $(api_common_sources)
tests_api_errors_CPPFLAGS = $(api_cppflags)
tests_api_errors_CFLAGS = $(AM_CFLAGS) -pthread
tests_api_errors_LDADD = libwritewatch.la
tests_api_faults_SOURCES = tests/api/faults.c $(api_common_sources)
tests_api_faults_CPPFLAGS = $(api_cppflags)
tests_api_faults_CFLAGS = $(AM_CFLAGS) -pthread
tests_api_faults_LDADD = libwritewatch.la
tests_api_fork_SOURCES = tests/api/fork.c $(api_common_sources)
tests_api_fork_CPPFLAGS = $(api_cppflags)
tests_api_fork_LDADD = libwritewatch.la
tests_api_queries_SOURCES = tests/api/queries.c $(api_common_sources)
tests_api_queries_CPPFLAGS = $(api_cppflags)
tests_api_queries_LDADD = libwritewatch.la
tests_api_threads_SOURCES = tests/api/threads.c $(api_common_sources)
tests_api_threads_CPPFLAGS = $(api_cppflags)
tests_api_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_api_threads_LDADD = libwritewatch.la
tests_api_trackers_SOURCES = tests/api/trackers.c $(api_common_sources)
tests_api_trackers_CPPFLAGS = $(api_cppflags)
tests_api_trackers_LDADD = libwritewatch.la
tests_api_watch_SOURCES = tests/api/watch.c $(api_common_sources)
tests_api_watch_CPPFLAGS = $(api_cppflags)
tests_api_watch_LDADD = libwritewatch.la

# SPDX-License-Identifier: LGPL-2.1-or-later
# What takes minutes and is no part of `make check`.
dist_check_SCRIPTS += tests/long.sh

check-long: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(top_srcdir)/tests/long.sh
.PHONY: check-long

# What takes minutes of CPU time, but not of yours: those that take longest first,
# so that none is left alone at the end.
more_tests = $(vm_tests) $(sanitizer_tests) $(fuzz_tests)
check-more:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(more_tests)'
check-more-and-debian: dist
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='tests/packaging/debian.sh $(more_tests)'
.PHONY: check-more check-more-and-debian

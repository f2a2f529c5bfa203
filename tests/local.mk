# SPDX-License-Identifier: LGPL-2.1-or-later
# What takes minutes and is no part of `make check`.
dist_check_SCRIPTS += tests/long.sh

check-long: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(top_srcdir)/tests/long.sh
.PHONY: check-long

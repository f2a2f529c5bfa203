# SPDX-License-Identifier: LGPL-2.1-or-later
# Instructions of the user-space path, counted by callgrind: they repeat exactly,
# where times do not.
dist_check_SCRIPTS += tests/history/history.sh
EXTRA_DIST += tests/history/bounds tests/history/count.awk

if WITH_CMOCKA
TESTS += tests/history/history.sh
check_PROGRAMS += tests/history/history
endif
tests_history_history_LDADD = libwwfake.la libwwmodel.la

history-bounds: tests/history/history
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/history/history.sh --set
.PHONY: history-bounds

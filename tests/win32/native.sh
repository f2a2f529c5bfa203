#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite and the rollback example as native programs.
set -u
suite=$top_builddir/tests/win32/native-writewatch
rollback=$top_builddir/examples/rollback
winewatch=$top_builddir/tools/winewatch
if test -x "$winewatch" && ! answer=$("$winewatch" doctor 2>&1); then
	echo "1..0 # SKIP no backend here:" \
		"$(echo "$answer" | grep -m 1 -i -w no)"
	exit 0
fi

n_rows=$("$suite" --list | wc -l)
echo "1..$((n_rows + 1))"
"$suite" | grep -v '^1\.\.'
output=$("$rollback" 20 2>&1)
echo "$output" | sed 's/^/# /'
if test "$(echo "$output" | tail -n 1)" = "copy: identical"; then
	echo "ok $((n_rows + 1)) - rollback"
else
	echo "not ok $((n_rows + 1)) - rollback"
fi

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# winewatch top runs a Windows program and shows what it writes and asks.
set -u
. "$top_srcdir/tests/wine/lib.sh"
rollback=$top_builddir/examples/x86_64-windows/rollback.exe
need_wine "$rollback"
need_winewatch

# The example writes 1500 pages before each query; it is still at it when top has
# seen enough, and ends with its wineserver.
looks=$(timeout 60 "$winewatch" top --json --delay=0.5 --count=4 -- \
	$WINE "$rollback" 20000 2>"$work/top.out" 9>&-)
status=$?
last=$(echo "$looks" | tail -n 1)
sed 's/^/# /' "$work/top.out"
echo "# $last"

# member OBJECT NAME: a number in the last look.
member() {
	echo "$last" | sed -n "s/.*\"$1\":{[^}]*\"$2\":\([0-9]*\)[,}].*/\1/p"
}

echo 1..5
is 1 "it shows the looks that were asked for" \
	"$status, $(echo "$looks" | wc -l)" "0, 4"
is 2 "of the Windows program" \
	"$(echo "$last" | sed -n 's/.*"name":"\([^"]*\)".*/\1/p')" rollback.exe
is 3 "with its region" \
	"$(echo "$last" | sed -n 's/.*"bytes":\([0-9]*\).*/\1/p')" 134217728
calls=$(member get calls)
is 4 "and its queries" "$((${calls:-0} > 0))" 1
# 1500 a call, and all 32768 once, if it came in time for the first
pages=$(member get pages)
is 5 "which report what it writes" \
	"$((${pages:-1} % 1500 == 0 || ${pages:-1} % 1500 == 32768 % 1500))" 1

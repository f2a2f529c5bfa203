#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rollback example keeps a true copy on stock Wine and with winewatch.
set -u
. "$top_srcdir/tests/wine/lib.sh"
rollback=$top_builddir/examples/x86_64-windows/rollback.exe
need_wine "$rollback"

# keeps_copy NUMBER NAME, with the program's output as standard input.
keeps_copy() {
	output=$(cat)
	echo "$output" | sed 's/^/# /'
	if test "$(echo "$output" | tail -n 1)" = "copy: identical"; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
	fi
}

frames=20
need_winewatch
log=$work/rollback.uffd
rm -f "$log"
echo 1..3
stock "$rollback" $frames | keeps_copy 1 "stock Wine"
watched "$rollback" $frames | keeps_copy 2 "with winewatch"
was_watched 3

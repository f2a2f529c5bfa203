#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# One `winewatch run` for 64-bit and 32-bit programs: each Wine gets the library
# of its own kind, in its own calling convention, and the dynamic loader has
# nothing to complain of.
set -u
. "$top_srcdir/tests/wine/lib.sh"
need_library32
need_winewatch
log=$work/two-sides.uffd
n_rows=0

# entered NAME CONVENTION: two lines, for the Wine of that name.
entered() {
	n_rows=$((n_rows + 2))
	command=$("$here/make-wine" "$1" 2>"$work/make-wine.out") || {
		why=$(tail -n 1 "$work/make-wine.out")
		echo "ok $((n_rows - 1)) - $1 # SKIP $why"
		echo "ok $n_rows - $1 # SKIP $why"
		return
	}
	rm -f "$log"
	complaints=$(WINEWATCH_LOG=debug WINEWATCH_LOG_FILE=$log \
		"$winewatch" run -- "$command" --version 2>&1 >/dev/null)
	is $((n_rows - 1)) "$1: nobody complains" "$complaints" ""
	is $n_rows "$1: its convention" \
		"$(sed -n 's/.*: entered .*: abi \([a-z0-9]*\),.*/\1/p' \
			"$log" 2>/dev/null | sort -u)" "$2"
}

echo 1..6
entered bookworm-i386 stdcall
entered trixie-i386 cdecl
entered trixie sysv

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where a sandbox refuses userfaultfd, programs run as on the stock Wine, row by
# row, and one line in the log says why.
set -u
. "$top_srcdir/tests/wine/lib.sh"
suite=$top_builddir/tests/win32/x86_64-windows/writewatch.exe
need_wine "$suite"
need_winewatch
need_deny

# Rows that do not wait and do not depend on chance.
groups="validate result state guard input foreign"

# rows COMMAND...: which of them pass there.
rows() {
	for group in $groups; do
		"$@" --group "$group" 2>&1 9>&- </dev/null
	done | tr -d '\r' | sed -e '/^#/d; /^1\.\./d; s/ # .*//' \
		-e 's/^\(wine client error:\)[^:]*/\1/'
}

# logged ERRNO GROUP: rows that all allocate watched memory, some many times,
# with the log in the file $log.
logged() {
	WINEWATCH_LOG=info WINEWATCH_LOG_FILE=$log "$deny" userfaultfd "$1" \
		"$winewatch" run -- $WINE "$suite" --group "$2" \
		2>&1 9>&- </dev/null
}

# refused NUMBER ERRNO REASON: four lines.
refused() {
	log=$work/refused.uffd
	rm -f "$log"
	rows "$deny" userfaultfd "$2" "$winewatch" run -- $WINE "$suite" \
		>"$work/refused.out"
	is "$1" "$2: every row as on the stock Wine, and no other output" \
		"$(diff "$work/stock.out" "$work/refused.out")" ""
	n_rows=$(logged "$2" result; logged "$2" allocate-many-regions)
	n_rows=$(echo "$n_rows" | grep -c -E '^(not )?ok ')
	is $(($1 + 1)) "$2: as many lines in the log as processes" \
		"$(wc -l <"$log")" "$n_rows"
	is $(($1 + 2)) "$2: each from another process" \
		"$(sed 's/\].*//' "$log" | sort -u | wc -l)" "$n_rows"
	is $(($1 + 3)) "$2: each says that there is no backend, and why" \
		"$(grep -c "^winewatch\[[0-9]*\]: $version, no backend: .*: $3;" \
			"$log")" "$n_rows"
}

LC_ALL=C
export LC_ALL
version=$("$winewatch" --version | sed 's/.* //')
rows $WINE "$suite" >"$work/stock.out"
echo 1..9
is 1 "the stock Wine passes some rows and not others" \
	"$(sed -n 's/ok .*/ok/p' "$work/stock.out" | sort -u | tr '\n' ' ')" \
	"not ok ok "
refused 2 EPERM "Operation not permitted"
refused 6 ENOSYS "Function not implemented"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Switched off, winewatch asks the kernel for nothing and says nothing: the
# program runs behind a filter that ends whoever asks for a userfaultfd.
set -u
. "$top_srcdir/tests/wine/lib.sh"
rollback=$top_builddir/examples/x86_64-windows/rollback.exe
need_wine "$rollback"
need_winewatch
need_deny
output=$work/off.out

# filtered VARIABLE=VALUE: its output, and the log, in the file $output.
filtered() {
	env "$1" WINEWATCH_LOG=debug "$deny" userfaultfd KILL \
		"$winewatch" run -- $WINE "$rollback" 5 \
		>"$output" 2>&1 9>&- </dev/null
}

# off NUMBER VARIABLE=VALUE: two lines.
off() {
	filtered "$2"
	is "$1" "$2: the program runs, exit status" $? 0
	is $(($1 + 1)) "$2: its own output and nothing else" \
		"$(grep -v -E '^(frames|[a-z]+_[a-z0-9_]+): [0-9.]+.?$' \
			"$output" | tr -d '\r')" "copy: identical"
}

echo 1..6
off 1 WINEWATCH=0
off 3 WINE_DISABLE_KERNEL_WRITEWATCH=1
filtered WINEWATCH=
is 5 "switched on, the filter ends it: exit status" $? 159
is 6 "and the log tells that it entered Wine" \
	"$(grep -c -m 1 '^winewatch\[[0-9]*\]: entered ' "$output")" 1

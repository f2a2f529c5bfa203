#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What comes through `winewatch run` from a Windows program: its exit status,
# one line of log on standard error, and the work of other preloaded libraries.
set -u
. "$top_srcdir/tests/wine/lib.sh"
suite=$top_builddir/tests/win32/x86_64-windows/writewatch.exe
need_wine "$suite"
need_winewatch
row="--row result-write-and-reset"
output=$work/run-exit.out
version=$("$winewatch" --version | sed 's/.* //')
other=$top_builddir/tests/wine/.libs/libother.so
preload=$("$winewatch" run printenv LD_PRELOAD)
log=$work/run-exit.uffd
OTHER_LOG=$work/other.out
export OTHER_LOG

# run ARGUMENT...: the suite with winewatch, its output in files.
run() {
	"$winewatch" run -- $WINE "$suite" "$@" \
		>"$output" 2>"$log" 9>&- </dev/null
}

# preloaded NUMBER NAME COMMAND...: two lines: it is with us in the Wine
# process, and does not keep us from being there.
preloaded() {
	number=$1 name=$2
	shift 2
	rm -f "$OTHER_LOG"
	WINEWATCH_LOG=info "$@" $WINE "$suite" $row \
		>"$output" 2>"$log" 9>&- </dev/null
	is "$number" "another library $name ours: the row passes" $? 0
	was_watched $((number + 1))
	is $((number + 2)) "and the other one is there" \
		"$(sed -n '$s,.*/,,p' "$OTHER_LOG" 2>/dev/null)" ntdll.so
}

echo 1..13
run $row
is 1 "a program that ends with 0" $? 0
is 2 "nothing is logged without being asked for" "$(cat "$log")" ""
run --child 1 $row
is 3 "a program that ends with 42" $? 42
run --no-such-option
is 4 "a program that ends with 2" $? 2
WINEWATCH_LOG=info run $row
is 5 "the exit status with a log" $? 0
is 6 "the log on standard error: one line with version and backend" \
	"$(sed 's/\[[0-9]*\]/[PID]/' "$log")" \
	"winewatch[PID]: $version, backend uffd"
is 7 "and nothing of it on standard output" \
	"$(grep -c winewatch "$output")" 0
preloaded 8 after env LD_PRELOAD="$other" "$winewatch" run
preloaded 11 before "$winewatch" run env LD_PRELOAD="$other:$preload"

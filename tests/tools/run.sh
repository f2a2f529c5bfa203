#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# winewatch run: what COMMAND sees, what its end looks like, what is refused.
set -u
. "$top_srcdir/tests/tools/tap.sh"

# refused NAME STATUS PATTERN ARGUMENT...: one line on standard error, nothing
# on standard output, that exit status.
refused() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" > "$folder/out" 2> "$folder/err"
	is "$name: exit status" $? "$status"
	is "$name: one line" "$(lines "$folder/err"), $(lines "$folder/out")" \
		"1, 0"
	like "$name: message" "$(cat "$folder/err")" "$pattern"
}

# A program on its own, away from its build tree.
mkdir -p "$folder/bin" "$folder/a b/tools" "$folder/a b/dlls/winewatch/.libs"
cp "$winewatch" "$folder/bin/winewatch"
cp "$winewatch" "$folder/a b/tools/winewatch"
: > "$folder/a b/dlls/winewatch/.libs/libwinewatch.so"

refused "a library in a folder with a space" 126 \
	"winewatch: */a b/*: a path with a colon or a space*(move *" \
	"$folder/a b/tools/winewatch" run true
installed=$("$folder/bin/winewatch" run true 2>&1)
if [ -n "$installed" ]; then
	refused "a missing library" 127 \
		"winewatch: */libwinewatch.so: not found (install *" \
		"$folder/bin/winewatch" run true
else
	skip 3 "a missing library" "winewatch is installed on this machine"
fi

"$winewatch" run > "$folder/out" 2>&1
is "no COMMAND: usage" $? 2
like "no COMMAND: message" "$(cat "$folder/out")" "*no COMMAND was given*"
"$winewatch" run --no-such-option true > "$folder/out" 2>&1
is "an unknown option: usage" $? 2
"$winewatch" no-such-command > "$folder/out" 2>&1
is "an unknown command: usage" $? 2
like "an unknown command: message" "$(cat "$folder/out")" \
	"winewatch: unknown command 'no-such-command'*"

if [ ! -f "$library" ]; then
	skip 1 "rows that preload" "libwinewatch.so was not built"
	done_testing
	exit
fi
preload=$(realpath "$library")
# One name for two libraries, if there is one for 32-bit programs.
either=$(realpath "$top_builddir/dlls/winewatch")/preload
[ ! -f "$either/lib/i386-linux-gnu/libwinewatch.so" ] ||
	preload="$either/\$LIB/libwinewatch.so"

refused "a missing COMMAND" 127 "winewatch: */nothing: command not found (*" \
	"$winewatch" run "$folder/nothing"
refused "a missing Wine" 127 "winewatch: */wine64: *apt-get install wine*" \
	"$winewatch" run -- "$folder/wine64"
: > "$folder/file"
refused "COMMAND is not executable" 126 "winewatch: */file: *ermission*" \
	"$winewatch" run -- "$folder/file"

"$winewatch" run -- sh -c 'exit 7'
is "the exit status is COMMAND's" $? 7
sh -c '"$0" run sh -c "kill -TERM \$\$"; exit $?' "$winewatch" 2> /dev/null
is "so is its end by a signal" $? 143
is "arguments arrive as they are" \
	"$("$winewatch" run printf '<%s>' '' 'a  b' --json -- '*' "'")" \
	"<><a  b><--json><--><*><'>"
is "-- before COMMAND ends the options" \
	"$("$winewatch" run -- echo -- --help)" "-- --help"
is "standard input is COMMAND's" "$(echo text | "$winewatch" run cat)" "text"

is "LD_PRELOAD holds the library" \
	"$("$winewatch" run printenv LD_PRELOAD)" "$preload"
is "in front of what stands there" \
	"$(LD_PRELOAD=/no/1.so:/no/2.so "$winewatch" run \
		printenv LD_PRELOAD 2> /dev/null)" "$preload:/no/1.so:/no/2.so"
is "blanks separate, too" \
	"$(LD_PRELOAD='/no/1.so /no/2.so' "$winewatch" run \
		printenv LD_PRELOAD 2> /dev/null)" "$preload:/no/1.so:/no/2.so"
is "not twice" \
	"$(LD_PRELOAD=/no/1.so:$preload "$winewatch" run \
		printenv LD_PRELOAD 2> /dev/null)" "$preload:/no/1.so"
is "not twice when it runs itself" \
	"$("$winewatch" run "$winewatch" run printenv LD_PRELOAD)" "$preload"
is "a process without Wine sees nothing of it" \
	"$(WINEWATCH_LOG=debug "$winewatch" run echo quiet 2>&1)" "quiet"
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# winewatch conform, on stand-ins for the suite and for Wines; and one group of
# the real suite.
set -u
. "$top_srcdir/tests/tools/tap.sh"
unset WINEPREFIX
backend=$("$winewatch" doctor | sed -n 's/^backend: //p')
[ "$backend" != none ] || skip_all "no backend works here: see winewatch doctor"
# One native column: the others are alike.
export WINEWATCH_BACKEND="$backend"
facts_of=$top_builddir/tests/tools/conform-json

# A build tree of its own, with the library if there is one.
tree=$folder/tree
mkdir -p "$tree/tools/conform" "$tree/dlls/winewatch/.libs" \
	"$tree/tests/win32/x86_64-windows" "$folder/tmp"
cp "$winewatch" "$tree/tools/winewatch"
native=$tree/tests/win32/native-writewatch
windows=$tree/tests/win32/x86_64-windows/writewatch.exe
if [ -f "$library" ]; then
	cp "$library" "$tree/dlls/winewatch/.libs/libwinewatch.so"
fi

# program FILE: makes it from standard input.
program() {
	{ echo '#!/bin/sh'; cat; } > "$1"
	chmod +x "$1"
}

# A suite: its list, or what stands in for a run of it. It tells what it was
# asked and what it sees of the environment.
list='good	WT	pinned	what is good
bad	MS	pinned	what is *bad*
hangs	INF	pinned	what hangs
open	W8	not pinned	what nobody knows
absent	L	pinned	what is not here'
suite() {
	cat > "$1.rows"
	program "$1" <<'END'
echo "$0 $* $WINEWATCH,$LD_PRELOAD,$WINEPREFIX" >> "${0%/tree/*}/calls"
[ "$1" != --list ] || exec cat "${0%/tree/*}/list"
. "$0.rows"
END
}
printf '%s\n' "$list" > "$folder/list"
suite "$native" <<'END'
cat <<'TAP'
1..5
# rows.c:7: a remark on what passes
ok 1 - good
# rows.c:8: got 1
# rows.c:9: wanted 2
not ok 2 - bad
not ok 3 - hangs # timeout after 9 s
# rows.c:10: another answer
not ok 4 - open # TODO not pinned
ok 5 - absent # SKIP needs Windows
TAP
exit 1
END
# The same with carriage returns, and with what else a program may print.
suite "$windows" <<'END'
echo "words of nobody"
printf '1..5\r\nok 1 - good\r\n# rows.c:8: got 1\r\nnot ok 2 - bad\r\n'
printf 'ok 3 - hangs\r\nok 4 - open\r\nok 5 - absent\r\n'
END

# wine NAME VERSION: a stand-in whose programs are those of the shell.
wine() {
	program "$folder/$1" <<END
[ "\$1" != --version ] || exec echo "wine-$2 (Stand-in)"
echo "stand-in, \$WINEDEBUG, \${TMPDIR-none}" > "\$WINEPREFIX/file"
exec "\$@"
END
}
wine wine-8 8.0.7
wine wine-9 9.0
wine wine-x x
lists=$tree/tools/conform
echo '# a remark' > "$lists/known-faults-8.0"
echo 'bad it is known to be' >> "$lists/known-faults-8.0"
echo 'hangs it is said to hang' >> "$lists/known-faults-8.0"
echo 'open maybe not sure' >> "$lists/known-faults-8.0"
echo 'absent maybe not sure either' >> "$lists/known-faults-8.0"
cp "$lists/known-faults-8.0" "$lists/known-faults-10.0"
: > "$lists/known-faults-winewatch"

# conform ARGUMENT...: the stand-ins', with status and facts.
conform() {
	rm -f "$folder/calls"
	TMPDIR=$folder/tmp timeout 300 "$tree/tools/winewatch" conform \
		--json="$folder/json" "$@" > "$folder/out" 2> "$folder/err"
	status=$?
	facts=$("$facts_of" < "$folder/json" 2>&1)
	valid=$?
}

# cell ROW SYSTEM: its result.
cell() {
	printf '%s\n' "$facts" | sed -n "s|^cell $1, $2: ||p"
}

# The slow one beside all the others.
cp -R "$tree" "$folder/slow-tree"
slow=$folder/slow-tree/tests/win32/native-writewatch
program "$slow" <<'END'
[ "$1" != --list ] || exec cat "${0%/slow-tree/*}/list"
echo $$ > "$0.pid"
echo "ok 1 - good"
echo "# rows.c:1: on its way"
exec sleep 200
END
timeout 300 "$folder/slow-tree/tools/winewatch" conform --timeout=1 \
	--wine="$folder/no-wine" --json=- > "$folder/slow.json" \
	2> "$folder/slow.err" &
slow_pid=$!

conform --wine="$folder/wine-8"
is "the JSON object is as specified" "$valid" 0
[ "$valid" = 0 ] || printf '%s\n' "$facts" | sed 's/^/# /'
is "nothing on standard error" "$(cat "$folder/err")" ""
is "a row fails: exit status" "$status" 1
is "it names the kernel" "$(printf '%s\n' "$facts" |
	sed -n 's/^kernel //p')" "$(uname -r)"
is "the systems" "$(printf '%s\n' "$facts" | sed -n 's/^system //p' |
	tr '\n' ,)" "native/$backend,wine 8.0.7,wine 8.0.7 + winewatch,"
is "the rows, once each" "$(printf '%s\n' "$facts" | sed -n 's/^row //p')" \
	"$(printf '%s\n' "$list" | cut -f 1,2,4 | sed 's/	/, /g')"
is "pass" "$(cell good "native/$backend")" "pass"
is "FAIL, with its remarks" "$(cell bad "native/$backend")" \
	"FAIL: rows.c:8: got 1; rows.c:9: wanted 2"
is "FAIL by timeout" "$(cell hangs "native/$backend")" \
	"FAIL: timeout after 9 s"
is "not pinned, with its remarks" "$(cell open "native/$backend")" \
	"not pinned: rows.c:10: another answer"
is "skipped, with its reason" "$(cell absent "native/$backend")" \
	"skipped: needs Windows"
is "carriage returns: pass" "$(cell good "wine 8.0.7")" "pass"
is "known fault, with its reason" "$(cell bad "wine 8.0.7")" \
	"known fault: it is known to be"
is "a known fault that does not show" "$(cell hangs "wine 8.0.7")" \
	"pass: does not show here: it is said to hang"
is "an answer where none is pinned" "$(cell open "wine 8.0.7")" "pass"
if [ -f "$library" ]; then
	is "a Wine that winewatch does not serve" \
		"$(cell bad "wine 8.0.7 + winewatch")" \
		"skipped: winewatch met no 64-bit Wine in it"
else
	skip 1 "a Wine that winewatch does not serve" "no libwinewatch.so"
fi
like "the text has the matrix" "$(cat "$folder/out")" \
	"*bad  *FAIL  *known fault  *skipped*known fault:*  wine 8.0.7: it is known to be: bad*"
is "the suite ran with these options" "$(sed 's|,.*||; s|.*/||' \
	"$folder/calls" | tr '\n' ,)" "$(printf '%s,' \
	'native-writewatch --list ' 'native-writewatch --group  ' \
	'writewatch.exe --list ' 'writewatch.exe --group  --timeout 20 ')"
is "its prefix is gone" "$(ls "$folder/tmp")" ""

WINEWATCH=force LD_PRELOAD=/no/1.so conform --wine="$folder/wine-8"
is "nothing of ours reaches a Wine as it is" "$(sed -n \
	's|.*writewatch.exe --group.*--timeout 20 ||p' "$folder/calls" |
	sed "s|$folder/tmp/winewatch-conform-......\$|its own|")" ",,its own"
mkdir "$folder/prefix"
WINEPREFIX=$folder/prefix conform --wine="$folder/wine-8"
is "a given prefix is used, and stays" "$(cat "$folder/prefix/file")" \
	"stand-in, -all, none"

conform --wine="$folder/wine-9" --wine="$folder/wine-9"
is "the same Wine again" "$(printf '%s\n' "$facts" | grep -c \
	'^system wine 9.0.* (2)$')" 2
is "an unlisted Wine: a fault of all listed ones" "$(cell bad "wine 9.0")" \
	"known fault: it is known to be"
is "and none is certain" "$(cell hangs "wine 9.0")" "pass"
for other in 8.0 10.0; do
	cp "$lists/known-faults-$other" "$folder/faults"
	sed -i '/^bad/d' "$lists/known-faults-$other"
	conform --wine="$folder/wine-9"
	is "an unlisted Wine: not a fault of $other" \
		"$(cell bad "wine 9.0")" "FAIL: rows.c:8: got 1"
	cp "$folder/faults" "$lists/known-faults-$other"
done
conform --wine="$folder/wine-x"
is "a Wine without a number is an unlisted one" "$(cell bad "wine x")" \
	"known fault: it is known to be"

conform --wine="$folder/wine-8" --group=good
is "a group: exit status" "$status" 0
is "a group: its rows" "$(printf '%s\n' "$facts" | grep -c '^row')" 1
is "a group: the suite is told" "$(grep -c 'group good' "$folder/calls")" 2
conform --wine="$folder/wine-8" --row=open
is "a row: exit status" "$status" 0
is "a row: it is there" "$(cell open "native/$backend")" \
	"not pinned: rows.c:10: another answer"
conform --wine="$folder/wine-8" --row=ope
is "no such row: usage" "$status" 2
like "no such row: message" "$(cat "$folder/err")" \
	"winewatch: the suite has no row ope"

conform --wine="$folder/wine-8" --row=good --timeout=7
is "a timeout reaches every suite" "$(grep -c -e '--timeout 7' \
	"$folder/calls")" 2

conform --wine="$folder/wine-8" --markdown="$folder/md"
like "Markdown: the matrix" "$(cat "$folder/md")" \
	"*| bad | what is \\\\\\*bad\\\\\\* | MS | FAIL | known fault | skipped |*"
like "Markdown: what is not pinned" "$(cat "$folder/md")" \
	"*| open | what nobody knows | W8, not pinned | not pinned | pass |*"
is "Markdown: as many columns in each line of the matrix" \
	"$(sed -n '/^| row /,/^$/s/[^|]//gp' "$folder/md" | sort -u)" "|||||||"
like "Markdown: the known faults" "$(cat "$folder/md")" \
	"*## Known faults*\\* wine 8.0.7: it is known to be: bad*"
is "Markdown: no paths" "$(grep -c "$folder" "$folder/md")" 0
"$tree/tools/winewatch" conform --wine="$folder/wine-8" --markdown=- \
	> "$folder/out"
is "Markdown on standard output, alone" "$(cat "$folder/out")" \
	"$(cat "$folder/md")"

suite "$windows" <<'END'
echo "ok 1 - good"
echo "# rows.c:1: on its way"
echo "the last words" >&2
kill -SEGV $$
END
conform --wine="$folder/wine-8"
is "a suite that dies: rows before" "$(cell good "wine 8.0.7")" "pass"
is "a suite that dies: a listed row" "$(cell hangs "wine 8.0.7")" \
	"known fault: it is said to hang"
rm "$lists/known-faults-8.0" "$lists/known-faults-10.0"
conform --wine="$folder/wine-8"
like "a suite that dies: other rows" "$(cell hangs "wine 8.0.7")" \
	"FAIL: no result: the suite ended with exit status 139*; rows.c:1: on its way"
suite "$windows" <<'END'
echo "the last words" >&2
exit 3
END
conform --wine="$folder/wine-8"
is "a suite that prints nothing" "$(cell good "wine 8.0.7")" \
	"FAIL: no result: the suite ended with exit status 3: the last words"

program "$folder/wine-broken" <<'END'
echo "it is broken" >&2
exit 5
END
conform --wine="$folder/wine-broken" --row=good
is "a Wine that does not start: exit status" "$status" 3
is "its cells" "$(cell good "wine: $folder/wine-broken")" \
	"skipped: it ended with exit status 5: it is broken"
like "and a message" "$(cat "$folder/err")" "winewatch: *wine-broken: it *"
program "$folder/wine-silent" <<'END'
[ "$1" != --version ] || echo wine-7.0
END
conform --wine="$folder/wine-silent" --row=good
is "a Wine that runs nothing: exit status" "$status" 3
is "its cells" "$(cell good "wine 7.0")" \
	"skipped: the suite lists no rows: it ended with exit status 0"
rm "$windows"
conform --wine="$folder/wine-8" --row=good
is "no suite for Wine" "$(cell good "wine 8.0.7")" \
	"skipped: the suite is not there: its program writewatch.exe was not built"
rm "$native"
conform --wine="$folder/wine-8"
is "nothing to run: exit status" "$status" 3
like "and a message" "$(cat "$folder/err")" "*there is nothing*"

# usage NAME PATTERN ARGUMENT...: exit status 2 and that message.
usage() {
	name=$1 pattern=$2
	shift 2
	"$tree/tools/winewatch" conform "$@" > "$folder/out" 2> "$folder/err"
	is "$name: usage" $? 2
	like "$name: message" "$(cat "$folder/err")" "$pattern"
}

usage "an argument" "*'x' is not an option of conform*" x
usage "an unknown option" "*unrecognized option*" --x
usage "two files" "*--json was given twice*" --json=a --json=b
usage "two results, one output" "*two results*" --json=- --markdown=-
usage "a row and a group" "*exclude each other*" --row=a --group=a
usage "a timeout of nothing" "*not a number of seconds*" --timeout=0
usage "a timeout of words" "*not a number of seconds*" --timeout=1x

# Its group begins with a process that leaves it and stays.
program "$folder/wine-daemon" <<'END'
[ "$1" != --version ] || exec echo wine-6.0
setsid sleep 200 &
echo $! > "$0.pid"
[ "$2" != --list ] || printf 'good\tWT\tpinned\tgood\n'
[ "$2" = --list ] || sleep 200
END
: > "$windows"
TMPDIR=$folder/tmp "$tree/tools/winewatch" conform \
	--wine="$folder/wine-daemon" > "$folder/out" 2> "$folder/err" &
conform_pid=$!
for _ in $(seq 200); do
	[ "$(ls "$folder/tmp")" ] && [ -s "$folder/wine-daemon.pid" ] && break
	sleep 0.05
done
kill -TERM "$conform_pid"
wait "$conform_pid" 2> /dev/null
is "ended by a signal: exit status" $? 143
is "ended by a signal: its prefix is gone" "$(ls "$folder/tmp")" ""
is "ended by a signal: so are the processes" \
	"$(kill -0 "$(cat "$folder/wine-daemon.pid")" 2> /dev/null; echo $?)" 1

if [ -x "$top_builddir/tests/win32/native-writewatch" ]; then
	"$winewatch" conform --group=validate --wine=false --json=- \
		> "$folder/json" 2> "$folder/err"
	is "the real suite runs: exit status without a Wine" $? 3
	facts=$("$facts_of" < "$folder/json")
	is "the real suite: valid" $? 0
	is "the real suite: a row" \
		"$(cell validate-size-zero "native/$backend")" pass
else
	skip 3 "the real suite" "it was not built: see configure"
fi

wait "$slow_pid"
is "a suite that hangs: exit status" $? 1
facts=$("$facts_of" < "$folder/slow.json")
is "a suite that hangs: rows before" "$(cell good "native/$backend")" pass
is "a suite that hangs: other rows" "$(cell bad "native/$backend")" \
	"FAIL: no result: the suite did not end within 35 s; rows.c:1: on its way"
is "and it was ended" "$(kill -0 "$(cat "$slow.pid")" 2> /dev/null; echo $?)" 1
done_testing

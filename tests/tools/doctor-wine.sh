#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# winewatch doctor on Wines: stand-ins that say what libwinewatch.so would say,
# and the Wine of this machine.
set -u
. "$top_srcdir/tests/tools/tap.sh"
[ -f "$library" ] || skip_all "libwinewatch.so was not built"

"$winewatch" doctor > /dev/null
without_wine=$?

# wine NAME: makes a stand-in from standard input.
stand_in() {
	{ echo '#!/bin/sh'; cat; } > "$folder/$1"
	chmod +x "$folder/$1"
}

# try STATE COMMAND: asks about COMMAND; its facts in $facts, and a row on its
# state and the exit status.
try() {
	"$winewatch" doctor --json --wine="$2" > "$folder/json" 2> "$folder/err"
	status=$?
	facts=$("$top_builddir/tests/tools/doctor-json" < "$folder/json" 2>&1)
	case $1 in
	supported) wanted=$without_wine ;;
	missing) wanted=1 ;;
	*) wanted=3 ;;
	esac
	is "${2##*/}: state and exit status" \
		"$(fact wine) $status $(cat "$folder/err")" "$1 $wanted "
}

fact() {
	printf '%s\n' "$facts" | sed -n "s/^$1 //p" | tail -n 1
}

# The slow one first, beside all the others.
stand_in wine-hangs <<'END'
echo $$ > "$0.pid"
exec sleep 120
END
"$winewatch" doctor --wine="$folder/wine-hangs" > "$folder/hangs" 2>&1 &
hangs=$!

stand_in wine-entered <<'END'
echo "a wrapper's own words"
echo "wine-8.0 (Stand-in)"
echo "winewatch[1]: an older line" >> "$WINEWATCH_LOG_FILE"
echo "winewatch[2]: stayed out of /a: b/ntdll.so: no way: abi unknown, own watches no" >> "$WINEWATCH_LOG_FILE"
echo "winewatch[3]: entered /a: b/ntdll.so: abi ms, own watches no" >> "$WINEWATCH_LOG_FILE"
[ "$1" = --version ] && [ "$WINEWATCH_LOG" = debug ]
END
try supported "$folder/wine-entered"
is "its version" "$(fact version)" "wine-8.0 (Stand-in)"
is "its convention" "$(fact abi)" "ms"
is "its watches" "$(fact own_watches)" "false"

try supported "WHERE=here; \"$folder/wine-entered\""
is "COMMAND is the shell's" "$(fact abi)" "ms"

stand_in wine-own <<'END'
echo wine-11.0
echo "winewatch[3]: stayed out of /a/ntdll.so: has its own: abi sysv, own watches yes" >> "$WINEWATCH_LOG_FILE"
END
try supported "$folder/wine-own"
is "its convention" "$(fact abi)" "sysv"
is "its watches" "$(fact own_watches)" "true"
like "the reason" "$(fact reason)" "*of its own*leaves it alone"

stand_in wine-odd <<'END'
echo wine-99.0
echo "winewatch[3]: stayed out of /a/ntdll.so: it is: odd: abi unknown, own watches no" >> "$WINEWATCH_LOG_FILE"
END
try missing "$folder/wine-odd"
like "the reason" "$(fact reason)" "*: it is: odd"
is "its convention" "$(fact abi)" "unknown"

stand_in wine-silent <<'END'
printf 'wine-7.0\r\n'
END
try missing "$folder/wine-silent"
is "its version" "$(fact version)" "wine-7.0"
is "its watches" "$(fact own_watches)" "null"
WINEWATCH=0
export WINEWATCH
try unknown "$folder/wine-silent"
like "switched off: the reason" "$(fact reason)" "*off by WINEWATCH=0"
unset WINEWATCH
WINE_DISABLE_KERNEL_WRITEWATCH=1
export WINE_DISABLE_KERNEL_WRITEWATCH
try unknown "$folder/wine-silent"
like "switched off by Wine's variable" "$(fact reason)" \
	"*off by WINE_DISABLE_KERNEL_WRITEWATCH=1"
unset WINE_DISABLE_KERNEL_WRITEWATCH

stand_in wine-broken <<'END'
echo "the first line" >&2
echo "it is broken" >&2
exit 5
END
try missing "$folder/wine-broken"
is "the reason" "$(fact reason)" "its exit status is 5: it is broken"

try missing "$folder/no-such-wine"
like "the reason" "$(fact reason)" "*127*not found*"
like "the remedy" "$(fact remedy)" "apt-get install wine*"

stand_in wine-killed <<'END'
kill -KILL $$
END
try missing "exec $folder/wine-killed"
is "the reason" "$(fact reason)" "it was ended by signal 9"

"$winewatch" doctor --json --wine="$folder/wine-own" \
	--wine="$folder/wine-broken" > "$folder/json"
is "one of two is broken: exit status" $? 1
is "and both are there" \
	"$("$top_builddir/tests/tools/doctor-json" < "$folder/json" |
		sed -n 's/^wine //p' | tr '\n' ' ')" "supported missing "

TMPDIR=$folder/nowhere "$winewatch" doctor --wine="$folder/wine-own" \
	> "$folder/out"
is "no folder for the log: exit status" $? 3
like "and the reason" "$(cat "$folder/out")" "*not started: No such file*"
is "no log is left behind" \
	"$(TMPDIR=$folder "$winewatch" doctor --wine="$folder/wine-own" \
		> /dev/null; ls "$folder" | grep -c doctor-)" 0

if [ -z "$WINE" ]; then
	skip 2 "the Wine of this machine" "there is none"
elif [ "$without_wine" != 0 ]; then
	skip 2 "the Wine of this machine" "this kernel has no backend"
else
	try supported "$WINE"
	like "it has a convention" "$(fact abi)" "[ms]*"
	echo "# $(fact version), abi $(fact abi)"
fi

wait "$hangs"
is "a Wine that hangs: exit status" $? 3
like "and the reason" "$(cat "$folder/hangs")" "*did not end within 30 s*"
# An orphan may stay a zombie for a while, until someone has waited for it.
state=$(sed 's/.*) //; s/ .*//' "/proc/$(cat "$folder/wine-hangs.pid")/stat" \
	2> /dev/null)
like "and it was ended" "${state:-gone}" "[ZXg]*"
done_testing

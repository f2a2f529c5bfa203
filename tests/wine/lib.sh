# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the tests that start Wine: one prefix per Wine and build directory,
# what is missing, and a clean end. Sourced; the test runs with `set -u`.

here=$top_srcdir/tests/wine
work=$top_builddir/tests/wine
WINEPREFIX=$work/prefix
WINEDEBUG=-all
WINEDLLOVERRIDES='mscoree,mshtml='
# A wineserver leaves its folder behind: here, where it is cleaned away.
TMPDIR=$work/tmp
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES TMPDIR
# What a caller has set must not reach the stock Wine.
unset WINEWATCH WINEWATCH_LOG WINEWATCH_LOG_FILE \
	WINEWATCH_BACKEND WINE_DISABLE_KERNEL_WRITEWATCH

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

# The server that belongs to $WINE: beside the loader, or in the PATH.
find_server() {
	for server in "$(dirname "$(readlink -f "${WINE%% *}")")/wineserver" \
			"$(command -v wineserver)"; do
		test -x "$server" && return
	done
	server=
}

# need_suite SUITE: from here on $WINE is the one of another Debian suite, with
# a prefix of its own.
need_suite() {
	WINE=$("$here/make-wine" "$1" 2>"$work/make-wine.out") ||
		skip "$(tail -n 1 "$work/make-wine.out")"
	WINEPREFIX=$work/prefix-$1
	# Debian's Wine 10 aborts where this is set.
	unset TMPDIR
}

# need_wine PROGRAM…: skip without a Wine or without one of the programs;
# otherwise there is a prefix from here to the end of the test.
need_wine() {
	test -n "$WINE" || skip "no Wine was found (apt-get install wine64)"
	for program; do
		test -f "$program" || skip "${program##*/} is not built" \
			"(apt-get install gcc-mingw-w64-x86-64)"
	done
	find_server
	test -n "$server" || skip "no wineserver belongs to $WINE"

	# Each running test holds the lock shared. Only this shell has it: a
	# wineserver outlives the program that started it.
	mkdir -p "${TMPDIR:-$work}"
	exec 9>>"$WINEPREFIX.lock"
	flock -x 9
	if test ! -e "$WINEPREFIX.made"; then
		rm -rf "$WINEPREFIX"
		mkdir -p "$WINEPREFIX"
		$WINE wineboot -i >"$WINEPREFIX.log" 2>&1 9>&- </dev/null
		"$server" -w 9>&-
		test -f "$WINEPREFIX/system.reg" ||
			skip "$WINE makes no prefix, see $WINEPREFIX.log"
		: >"$WINEPREFIX.made"
	fi
	flock -s 9
	trap leave EXIT
	trap 'exit 1' HUP INT TERM
}

# The prefix holds its name, as Debian's Wine does.
remove_server_folder() {
	name=$(cat "$WINEPREFIX/wineserver" 2>/dev/null)
	case $name in
	*/*) ;;
	wine-*) rm -rf "/tmp/$name" "$WINEPREFIX/wineserver" ;;
	esac
}

# The last test to end stops the wineserver.
leave() {
	flock -u 9
	if flock -n -x 9; then
		"$server" -k 9>&-
		"$server" -w 9>&-
		test -n "${TMPDIR:-}" || remove_server_folder
	fi
}

# need_winewatch: skip without the library, the command or the kernel.
need_winewatch() {
	winewatch=$top_builddir/tools/winewatch
	test -x "$winewatch" ||
		skip "the winewatch command is not built, see configure"
	test -f "$top_builddir/dlls/winewatch/libwinewatch.la" ||
		skip "libwinewatch is not built, see configure"
	"$winewatch" doctor >"$work/doctor.log" 2>&1 ||
		skip "no backend here: $(grep -m 1 -i -w no "$work/doctor.log")"
}

# need_library32: skip without the library for a 32-bit unix side.
need_library32() {
	preloads=$top_builddir/dlls/winewatch/preload
	test -f "$preloads/lib/i386-linux-gnu/libwinewatch.so" ||
		skip "the 32-bit libwinewatch is not built" \
			"(apt-get install gcc-multilib)"
}

# stock COMMAND… and watched COMMAND…: a Windows program on the two Wines,
# its output without carriage returns. The exit status is the filter's:
# programs are judged by what they print.
stock() {
	$WINE "$@" 2>&1 9>&- </dev/null | tr -d '\r'
}

# Needs $log, which then tells whether winewatch was really there.
watched() {
	WINEWATCH_LOG=info WINEWATCH_LOG_FILE=$log \
		"$winewatch" run -- $WINE "$@" 2>&1 9>&- </dev/null |
		tr -d '\r'
}

# need_deny: skip without the program that puts a filter before system calls.
need_deny() {
	deny=$top_builddir/tests/tools/deny
	test -x "$deny" || skip "tests/tools/deny is not built" \
		"(apt-get install libseccomp-dev)"
}

# is NUMBER NAME GOT WANTED: a TAP line, ok if both texts are the same.
is() {
	if test "$3" = "$4"; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		printf 'got:    %s\nwanted: %s\n' "$3" "$4" | sed 's/^/# /'
	fi
}

# was_watched NUMBER: a TAP line for it.
was_watched() {
	if grep -q '^winewatch\[[0-9]*\]: .*backend '"${WINEWATCH_BACKEND:-uffd}" "$log"; then
		echo "ok $1 - winewatch names its backend"
	else
		sed 's/^/# /' "$log"
		echo "not ok $1 - winewatch names its backend"
	fi
}

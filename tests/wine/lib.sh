# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the tests that start Wine: one prefix per build directory, what is
# missing, and a clean end. Sourced; the test runs with `set -u`.

here=$top_srcdir/tests/wine
work=$top_builddir/tests/wine
WINEPREFIX=$work/prefix
WINEDEBUG=-all
WINEDLLOVERRIDES='mscoree,mshtml='
export WINEPREFIX WINEDEBUG WINEDLLOVERRIDES
# What a caller has set must not reach the stock Wine.
unset WINEWATCH WINEWATCH_LOG WINEWATCH_LOG_FILE \
	WINE_DISABLE_KERNEL_WRITEWATCH

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
	exec 9>>"$work/prefix.lock"
	flock -x 9
	if test ! -e "$work/prefix.made"; then
		rm -rf "$WINEPREFIX"
		mkdir -p "$WINEPREFIX"
		$WINE wineboot -i >"$work/prefix.log" 2>&1 9>&- </dev/null
		"$server" -w 9>&-
		test -f "$WINEPREFIX/system.reg" ||
			skip "$WINE makes no prefix, see tests/wine/prefix.log"
		: >"$work/prefix.made"
	fi
	flock -s 9
	trap leave EXIT
	trap 'exit 1' HUP INT TERM
}

# The last test to end stops the wineserver.
leave() {
	flock -u 9
	if flock -n -x 9; then
		"$server" -k 9>&-
		"$server" -w 9>&-
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

# was_watched NUMBER: a TAP line for it.
was_watched() {
	if grep -q '^winewatch\[[0-9]*\]: .*uffd' "$log"; then
		echo "ok $1 - winewatch names its backend"
	else
		sed 's/^/# /' "$log"
		echo "not ok $1 - winewatch names its backend"
	fi
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of the command share: TAP rows, and a folder that vanishes.
# To be read in by a test after "set -u".
winewatch=$top_builddir/tools/winewatch
library=$top_builddir/dlls/winewatch/.libs/libwinewatch.so
n_rows=0
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
# The answers must not depend on the environment of whoever runs the test.
unset LD_PRELOAD WINEWATCH WINE_DISABLE_KERNEL_WRITEWATCH \
	WINEWATCH_LOG WINEWATCH_LOG_FILE
LC_ALL=C
export LC_ALL

# is NAME GOT WANTED: one row, ok if both texts are the same.
is() {
	n_rows=$((n_rows + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n_rows - $1"
	else
		echo "not ok $n_rows - $1"
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" | sed 's/^/# /'
	fi
}

# like NAME GOT PATTERN: one row, ok if the text matches the shell pattern.
like() {
	n_rows=$((n_rows + 1))
	case $2 in
	$3) echo "ok $n_rows - $1" ;;
	*)
		echo "not ok $n_rows - $1"
		printf 'got:    %s\nwanted: %s\n' "$2" "$3" | sed 's/^/# /'
		;;
	esac
}

# skip COUNT NAME WHY: that many rows that cannot be tried here.
skip() {
	for _ in $(seq "$1"); do
		n_rows=$((n_rows + 1))
		echo "ok $n_rows - $2 # SKIP $3"
	done
}

# skip_all WHY: ends a test that cannot be tried here at all.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# The plan, at the end, when the number of rows is known.
done_testing() {
	echo "1..$n_rows"
}

# lines FILE: how many lines it has.
lines() {
	wc -l < "$1" | tr -d ' '
}

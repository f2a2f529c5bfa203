#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds winewatch and shows what it does: the same Windows program on this
# machine's Wine, without and with it, side by side. Installs what is missing
# for that; may be run again. WINE=COMMAND names another Wine.
set -eu
cd "$(dirname "$0")"
build=build

say() {
	echo "quickstart: $*"
}

fail() {
	echo "quickstart: $*" >&2
	exit 1
}

# quietly WHAT COMMAND...: one line while it runs, all of it if it fails.
quietly() {
	say "$1"
	shift
	"$@" > "$build/quickstart.log" 2>&1 || {
		cat "$build/quickstart.log" >&2
		fail "failed (above): $*"
	}
}

in_build() {
	(cd "$build" && "$@")
}

./packaging/install-dependencies.sh build
mkdir -p "$build"
[ -f configure ] || quietly "making configure" ./autogen.sh
quietly "configuring" in_build ../configure ${WINE:+WINE="$WINE"}
quietly "building" make -C "$build" -j "$(nproc)"

winewatch=$PWD/$build/tools/winewatch
program=$PWD/$build/examples/x86_64-windows/rollback.exe
wine=${WINE:-$(sed -n 's/^WINE = //p' "$build/Makefile")}
[ -n "$wine" ] || fail "no Wine was found (apt-get install wine64)"
[ -f "$program" ] ||
	fail "rollback.exe was not built (apt-get install gcc-mingw-w64-x86-64)"

# What is measured is the default, whatever this shell has set.
unset LD_PRELOAD WINEWATCH WINE_DISABLE_KERNEL_WRITEWATCH \
	WINEWATCH_LOG WINEWATCH_LOG_FILE
"$winewatch" doctor --wine="$wine" > "$build/quickstart.log" || {
	cat "$build/quickstart.log" >&2
	fail "winewatch cannot work here (above)"
}
sed -n 's/^backend: /quickstart: kernel backend: /p' "$build/quickstart.log"

# Debian's wineserver keeps a folder of its own in TMPDIR for ever.
folder=$(mktemp -d)
export WINEPREFIX="$folder/prefix" WINEDEBUG=-all \
	WINEDLLOVERRIDES="mscoree,mshtml=" TMPDIR="$folder"

# The wineserver stands beside the Wine (a wrapper's last word), or in PATH.
wineserver() {
	path=$(command -v "${wine##* }") || path=$wine
	for server in "${path%/*}/wineserver64" "${path%/*}/wineserver"; do
		[ -x "$server" ] || continue
		"$server" "$@"
		return
	done
	command wineserver "$@"
}

clean_up() {
	wineserver -k -w > /dev/null 2>&1 || :
	rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# measure NAME COMMAND...: runs rollback.exe, its figures into $folder/NAME.
# Wine's exit status does not tell whether a program ran; what it prints does.
measure() {
	name=$1
	shift
	say "running rollback.exe, $name"
	"$@" "$program" > "$folder/out" 2> "$folder/err" || :
	tr -d '\r' < "$folder/out" > "$folder/$name"
	grep -q '^copy: identical$' "$folder/$name" || {
		cat "$folder/err" "$folder/$name" >&2
		fail "rollback.exe failed, $name (above)"
	}
}

say "making a wineprefix"
$wine wineboot --init > "$folder/out" 2>&1 || {
	cat "$folder/out" >&2
	fail "$wine cannot make a wineprefix (above)"
}
measure stock $wine
measure winewatch "$winewatch" run -- $wine

# row LABEL KEY: both figures and how many times the first is the second.
row() {
	sed -n "s/^$2: //p" "$folder/stock" "$folder/winewatch" | awk '
		{ figure[NR] = $1 }
		END {
			if (NR != 2 || figure[2] <= 0)
				exit 1
			printf "%-32s %12s %12s %8.1fx\n", label, figure[1],
			       figure[2], figure[1] / figure[2]
		}' label="$1" - || fail "rollback.exe did not print $2"
}

printf '\n%-32s %12s %12s %9s\n' "$($wine --version)" stock winewatch ratio
row "write, ns a page (mean)" write_ns_per_page_mean
row "query, us (median)" query_us_median
row "query, us (99 %)" query_us_p99
row "frame, us (median)" frame_us_median
row "frame, us (99 %)" frame_us_p99
printf '%-32s %12s %12s\n\n' "copy verified byte for byte" identical identical
say "your own programs: $build/tools/winewatch run -- $wine PROGRAM.exe"

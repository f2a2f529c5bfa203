#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# boehm.sh WINEWATCH WINE [RUNS]: how long the Boehm collector's own test program
# takes in a Wine, as it is and with winewatch in turn: medians of the time of
# day, as a row of a Markdown table. The program is built for Windows, where its
# incremental collection asks GetWriteWatch, from Debian's source package, which
# comes from where this machine's own packages come from, only once. The exit
# status is 77 if something that it needs is not there.
set -eu

fail() {
	echo "boehm.sh: $*" >&2
	exit 1
}

lacks() {
	echo "boehm.sh: $*" >&2
	exit 77
}

test $# -ge 2 || fail "usage: boehm.sh WINEWATCH WINE [RUNS]"
winewatch=$(readlink -f "$1")
wine=$2
runs=${3:-5}
compiler=x86_64-w64-mingw32-gcc
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/winewatch
program=$cache/gctest.exe
bound=300

# ---- The program ----

# What apt knows of this machine's own Debian suite, "FIELD: VALUE" a line.
own_source() {
	. /etc/os-release
	for release in "${VERSION_CODENAME:-}" stable testing unstable; do
		apt-get indextargets 'Created-By: Packages' \
			"Release: $release" 'Component: main' 2> /dev/null |
			sed '/^$/q' | grep . && return
	done
}

field() {
	echo "$source" | sed -n "s/^$1: //p"
}

# An apt that knows only the sources of that suite.
write_apt_state() {
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
	: > "$1/status"
	keyring=$(field 'Signed-By')
	test -f "$keyring" || keyring=
	echo "deb-src ${keyring:+[signed-by=$keyring] }$(field 'Repo-URI')" \
		"$(field 'Codename') main" > "$1/sources.list"
	cat > "$1/apt.conf" << END_OF_FILE
Dir::Etc::SourceList "$1/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$1/lists";
Dir::State::Status "$1/status";
Dir::Cache "$1/cache";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Update::Error-Mode "any";
END_OF_FILE
}

fetch() {
	source=$(own_source) || lacks "apt knows no mirror of a Debian suite"
	write_apt_state "$work/apt"
	(
		cd "$work"
		APT_CONFIG=$work/apt/apt.conf
		export APT_CONFIG
		apt-get -q update && apt-get -q source --download-only libgc
	) > "$work/log" 2>&1 ||
		lacks "no libgc: $(grep -m 1 '^[EW]:' "$work/log")"
	tar -xf "$work"/libgc_*.orig.tar.* -C "$work"
}

build() {
	command -v "$compiler" > /dev/null || lacks "$compiler is missing:" \
		"apt-get install gcc-mingw-w64-x86-64"
	fetch
	(
		cd "$work"/gc-*/
		"$compiler" -O2 -w -static -Iinclude -DALL_INTERIOR_POINTERS \
			-DGC_NOT_DLL -o "$program.new" tests/test.c extra/gc.c \
			-luser32
	) > "$work/log" 2>&1 || fail "gctest: $(tail -n 1 "$work/log")"
	mv "$program.new" "$program"
}

# ---- Running it ----

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# run COMMAND...: the time it takes. It says in its log whether all is well.
run() {
	rm -f "$work/gc.log"
	started=$(now_ms)
	timeout $bound "$@" sh -c "$wine \"\$@\"" sh "$program" \
		< /dev/null > "$work/log" 2>&1 || fail "gctest failed or hung"
	ended=$(now_ms)
	grep -aq 'Switched to incremental mode' "$work/gc.log" &&
		grep -aq 'Collector appears to work' "$work/gc.log" ||
		fail "gctest says nothing good"
	echo $((ended - started))
}

median() {
	sort -n "$1" | sed -n "$((($(wc -l < "$1") + 1) / 2))p"
}

measure() {
	for _ in $(seq "$runs"); do
		run env >> "$work/stock"
		run "$winewatch" run -- >> "$work/watched"
	done
	version=$(sh -c "$wine --version" | sed 's/ .*//' | tr -d '\r')
	awk -v wine="$version" -v stock="$(median "$work/stock")" \
		-v ours="$(median "$work/watched")" \
		'BEGIN { printf "| %s | %.2f s | %.2f s | %.2f |\n", wine,
			stock / 1000, ours / 1000, stock / ours }'
}

work=$(mktemp -d)
export WINEPREFIX="$work/prefix" WINEDEBUG=-all \
	WINEDLLOVERRIDES='mscoree,mshtml=' GC_LOG_FILE="$work/gc.log"
# Debian's Wine 10.0 aborts where this is set.
unset TMPDIR
unset LD_PRELOAD WINEWATCH WINE_DISABLE_KERNEL_WRITEWATCH
server=$(dirname "$(readlink -f "${wine%% *}")")/wineserver
test -x "$server" || server=$(command -v wineserver) || server=:

# The prefix of Debian's Wine holds the name of the server's folder.
leave() {
	"$server" -k > /dev/null 2>&1 || :
	"$server" -w > /dev/null 2>&1 || :
	name=$(cat "$WINEPREFIX/wineserver" 2> /dev/null) || :
	case ${name:-} in
	*/*) ;;
	wine-*) rm -rf "/tmp/$name" ;;
	esac
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

mkdir -p "$cache"
exec 9>> "$program.lock"
flock 9
test -f "$program" || build 9>&-
exec 9>&-
timeout $bound sh -c "$wine wineboot -i" < /dev/null > "$work/log" 2>&1 ||
	lacks "$wine makes no prefix: $(tail -n 1 "$work/log")"
measure

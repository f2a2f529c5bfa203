#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs the Debian packages that are missing for building winewatch ("build")
# or for building and testing it ("check"). Does nothing when none is missing.
set -eu

build="build-essential autoconf automake libtool pkg-config
	gcc-mingw-w64-x86-64 gcc-mingw-w64-i686 libjansson-dev libncurses-dev
	libwine-dev wine64"
check="$build clang cpio cppcheck debootstrap gcc-multilib gnuplot-nox kmod
	libclang-rt-dev libcmocka-dev libseccomp-dev man-db qemu-system-x86 valgrind zsh"

fail() {
	echo "${0##*/}: $1" >&2
	exit 1
}

case ${1:-} in
build) packages=$build ;;
check) packages=$check ;;
*) fail "usage: ${0##*/} build|check" ;;
esac

# The names on one line, for messages.
names() {
	echo $1
}

command -v dpkg-query > /dev/null && command -v apt-get > /dev/null ||
	fail "this is no Debian system; install what README.md lists by hand"

missing=
for package in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) ||
		state=none
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo > /dev/null ||
		fail "no sudo here; as root: apt-get install $(names "$missing")"
	as_root=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# apt ARGUMENT...: apt-get, heard only when it fails.
apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		apt-get -y -q "$@" > "$log" 2>&1 < /dev/null || {
		tail -n 20 "$log" >&2
		fail "apt-get $1 failed (above); missing: $(names "$missing")"
	}
}

echo "installing: $(names "$missing")"
apt update
apt install --no-install-recommends $missing

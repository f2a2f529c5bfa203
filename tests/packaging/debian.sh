#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian packages, made from what "make dist" made: built and examined in a
# Debian of its own, installed by apt in another one, and tried there. Takes
# minutes; "make check-debian" runs it. The tour of all commands stays in the
# build's folder artefacts.
set -u
. "$top_srcdir/tests/tools/tap.sh"
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$top_srcdir/debian/changelog")
tarball=$top_builddir/winewatch-$version.tar.gz
log=$folder/log
started=$(date +%s)

[ "$(id -u)" = 0 ] || skip_all "only root can make a Debian of its own"
command -v debootstrap > /dev/null || skip_all "debootstrap is missing"
[ -f "$tarball" ] || skip_all "there is no $tarball: make dist"

# What apt knows of this machine's own Debian suite, "FIELD: VALUE" a line.
own_source() {
	. /etc/os-release
	apt-get indextargets 'Created-By: Packages' 'Component: main' \
		"Release: ${VERSION_CODENAME:-stable}" 2> /dev/null | sed '/^$/q'
}

field() {
	own_source | sed -n "s/^$1: //p"
}

# In a chroot the root is no mount whose propagation could be changed.
propagation() {
	unshare -m true 2> /dev/null || echo --propagation unchanged
}

# within ROOT COMMAND: a shell command there; no process of it is left behind.
within() {
	timeout --kill-after=10 900 unshare --mount --pid --fork --kill-child \
		$(propagation) --mount-proc="$1/proc" chroot "$1" env -i \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive sh -e -c "$2" < /dev/null
}

# row NAME COMMAND...: a row about it, with what went wrong if it fails.
row() {
	name=$1
	shift
	n_rows=$((n_rows + 1))
	if "$@" > "$log" 2>&1; then
		echo "ok $n_rows - $name"
		echo "# $(($(date +%s) - started)) s"
		return 0
	fi
	echo "not ok $n_rows - $name"
	{
		grep -A 5 '^not ok' "$log"
		tail -n 40 "$log"
	} | sed 's/^/# /'
	return 1
}

# Nothing further makes sense without this row.
must() {
	row "$@" || { done_testing && exit 1; }
}

make_root() {
	mirror=$(field Repo-URI)
	keyring=$(field Signed-By)
	[ -f "$keyring" ] || keyring=
	unshare -m $(propagation) debootstrap --variant=minbase \
		${keyring:+--keyring="$keyring"} \
		"$(field Release)" "$1" "$mirror"
}

apt='apt-get -q -y --no-install-recommends'

prepare() {
	cp -a "$fresh" "$1" && mkdir "$1/build" &&
		tar -x -f "$tarball" -C "$1/build" --no-same-owner &&
		within "$1" "cd /build/winewatch-$version
			$apt update
			$apt build-dep ./"
}

# lintian, whose every error or warning counts.
examine() {
	within "$1" "$apt install lintian
		cd /build
		lintian --allow-root --fail-on error,warning \
			--show-overrides *.changes"
}

# Programs of both kinds load the library of theirs, without a word of the dynamic
# loader.
preloads() {
	cat > "$1/tmp/maps.c" <<- 'END'
		#include <stdio.h>
		int main(void)
		{
			FILE *file = fopen("/proc/self/maps", "r");
			for (int c; (c = getc(file)) != EOF;)
				putchar(c);
			return 0;
		}
	END
	cat > "$1/tmp/wanted" <<- 'END'
		32: /usr/lib/x86_64-linux-gnu/winewatch/preload/lib/i386-linux-gnu/libwinewatch.so
		64: /usr/lib/x86_64-linux-gnu/winewatch/libwinewatch.so
	END
	within "$1" "$apt install /build/winewatch_*.deb \
			/build/libwritewatch-win32-0_*.deb
		cd /tmp
		for bits in 32 64; do
			gcc -m\$bits -o maps maps.c
			winewatch run ./maps 2>&1 |
				sed -n 's/.* \(.*winewatch.so\)/\1/p
					/ld.so:/p' |
				sort -u | sed \"s/^/\$bits: /\"
		done > got
		diff wanted got"
}

# The tour, by the packages in the folder debs. What it says of the kernel's
# settings is in /sys.
tour() {
	mkdir -p "$top_builddir/artefacts" &&
		cp "$top_srcdir/docs/tour.sh" "$1" &&
		within "$1" "mount -t sysfs sysfs /sys || :
			cd /debs && sh /tour.sh > /tour.md" &&
		cp "$1/tour.md" "$top_builddir/artefacts"
}

fresh=$folder/fresh builder=$folder/builder user=$folder/user
packages="libwritewatch-dev libwritewatch-win32-0 libwritewatch0 winewatch"

must "a fresh Debian can be made" make_root "$fresh"
must "what debian/control asks for can be had" prepare "$builder"
must "the packages build" within "$builder" \
	"cd /build/winewatch-$version && dpkg-buildpackage -us -uc -b"
row "lintian has nothing against them" examine "$builder"
row "each kind of program loads its own library" preloads "$builder"

mv "$fresh" "$user"
mkdir "$user/debs"
echo 'APT::Install-Recommends "false";' > "$user/etc/apt/apt.conf.d/recommends"
must "all of them are there" cp $(for package in $packages; do
	echo "$builder/build/${package}_${version}_amd64.deb"
done) "$user/debs"
must "the lists are there" within "$user" "$apt update"
if "$winewatch" doctor | grep -q -x "backend: uffd"; then
	row "every command of the tour ends as it should" tour "$user"
	row "nothing is left when they are removed" within "$user" \
		"find /etc /usr /var -path /var/lib/apt -prune -o \\( \
			-name '*winewatch*' -o -name '*writewatch*' \\) -print |
			diff /dev/null -"
else
	skip 2 "the tour" "it needs the backend uffd"
fi
must "apt installs them, and wine" within "$user" \
	"cd /debs && $apt install ./*.deb wine"
row "winewatch run wine rollback.exe works" within "$user" "$(sed 1d \
	"$top_srcdir/debian/tests/rollback")"
sed 's/^/# /' "$log"
row "programs build with the libraries" within "$user" \
	"$apt install gcc libc6-dev pkg-config
	$(sed 1d "$top_srcdir/debian/tests/build")"
row "no page of the manual has warnings" within "$user" "$apt install man-db
	for file in \$(dpkg -L $packages | grep '/man/.*\.gz\$'); do
		name=\${file##*/}
		name=\${name%.gz}
		man --warnings=w -E UTF-8 \${name##*.} \${name%.*} 2>&1 > page
		test -s page || echo \$name is empty
	done | tee /dev/stderr | diff /dev/null -"
row "completions are where the shells look" within "$user" \
	"test -s /usr/share/bash-completion/completions/winewatch
	test -s /usr/share/zsh/vendor-completions/_winewatch"
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wherever a version is named it is configure.ac's.
set -u
. "$top_srcdir/tests/tools/tap.sh"
version=$(sed -n 's/^AC_INIT(\[winewatch\], \[\([^]]*\)\].*/\1/p' \
	"$top_srcdir/configure.ac")
like "configure.ac has a version" "$version" "[0-9]*.[0-9]*.[0-9]*"

is "NEWS begins with it" "$(head -n 1 "$top_srcdir/NEWS")" \
	"winewatch $version"
is "so does debian/changelog" "$(sed -n '1s/^\(.*)\).*/\1/p' \
	"$top_srcdir/debian/changelog")" "winewatch ($version)"
for name in writewatch writewatch-win32; do
	file=$top_builddir/packaging/$name.pc
	is "$name.pc has it" "$(sed -n 's/^Version: //p' "$file")" "$version"
done
if [ -x "$winewatch" ]; then
	is "winewatch --version has it" "$("$winewatch" --version)" \
		"winewatch $version"
else
	skip 1 "winewatch --version has it" "the command is not built here"
fi
is "README.md and docs/tour.md show it" "$(grep -h -o -E \
	'[0-9]+\.[0-9]+\.[0-9]+, backend' "$top_srcdir/README.md" \
	"$top_srcdir/docs/tour.md" | sort -u)" "$version, backend"
is "each version of the symbols is that of a release" \
	"$(sed -n 's/^WRITEWATCH_\(WIN32_\)\{0,1\}\(.*\) {$/\2/p' \
		"$top_srcdir/kernel/libwritewatch.map" \
		"$top_srcdir/dlls/kernelbase/libwritewatch-win32.map" |
	while read -r symbols; do
		grep -q "^winewatch $symbols\." "$top_srcdir/NEWS" ||
			echo "$symbols"
	done)" ""
is "since which version is as old as the symbols" \
	"$(grep -h -o -E 'Since [0-9]+\.[0-9]+' "$top_srcdir"/include/*.h \
		"$top_srcdir"/include/writewatch/*.h | sort -u |
	while read -r since number; do
		grep -q "^winewatch $number\." "$top_srcdir/NEWS" ||
			echo "$since $number"
	done)" ""
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The shared object exports exactly the names of its map, which are those of
# the headers, and needs nothing but the C library.
set -u
. "$top_srcdir/tests/tools/tap.sh"
object=$top_builddir/.libs/libwritewatch.so
command -v nm > /dev/null && command -v readelf > /dev/null ||
	skip_all "nm or readelf is missing (binutils)"

in_the_map() {
	sed -n 's/^\t\(ww_[a-z_]*\);$/\1/p' \
		"$top_srcdir/kernel/libwritewatch.map" | sort
}

in_the_object() {
	nm -D --defined-only --without-symbol-versions "$object" |
		awk '$2 != "A" { print $3 }' | sort
}

in_the_header() {
	sed -n 's/^WW_API .*[ *]\(ww_[a-z_]*\)(.*/\1/p' \
		"$top_srcdir/include/writewatch.h" \
		"$top_srcdir/include/writewatch/pagemap.h" | sort
}

in_the_map > "$folder/map"
like "the map has names" "$(cat "$folder/map")" "*ww_get*"
is "the object exports the names of the map" \
	"$(in_the_object)" "$(cat "$folder/map")"
is "the headers declare the names of the map" \
	"$(in_the_header)" "$(cat "$folder/map")"
is "all have a version" \
	"$(nm -D --defined-only --with-symbol-versions "$object" |
		grep ' T ' | grep -v -c '@@WRITEWATCH_')" 0
is "it needs the C library alone" \
	"$(readelf -d "$object" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		grep -v '^ld-')" libc.so.6
is "its soname has one number" \
	"$(readelf -d "$object" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" \
	libwritewatch.so.0
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What programs in use rely on is still there: every symbol that debian/*.symbols
# lists, with its version, and every type and value in abi.x86_64. What is new
# has to be added to these lists. The types of <writewatch/win32.h> are held
# against Wine's by tests/native/header.
set -u
. "$top_srcdir/tests/tools/tap.sh"
command -v nm > /dev/null || skip_all "nm is missing (binutils)"

# exports OBJECT: as "NAME@VERSION".
exports() {
	nm -D --defined-only --with-symbol-versions "$1" |
		sed -n 's/^[^ ]* [TRDB] \([^@]*\)@@*/\1@/p' | LC_ALL=C sort
}

# listed PACKAGE: the same in its list, without those of the versions themselves.
listed() {
	sed -n -E 's/^ ([^@]+@[^ ]+) .*/\1/p' \
		"$top_srcdir/debian/$1.symbols" | grep -v -E '^(.*)@\1$' |
		LC_ALL=C sort
}

# compare NAME LIST NOW: rows about both ways in which they may differ.
compare() {
	is "$1: nothing is gone or has changed" "$(comm -23 "$2" "$3")" ""
	is "$1: nothing is new" "$(comm -13 "$2" "$3")" ""
}

# symbols LIBRARY PACKAGE
symbols() {
	object=$top_builddir/.libs/$1.so
	if [ ! -f "$object" ]; then
		skip 4 "$1" "it is not built here"
		return
	fi
	listed "$2" > "$folder/list"
	exports "$object" > "$folder/now"
	like "$1: the list has symbols" "$(cat "$folder/list")" "*@*"
	compare "$1" "$folder/list" "$folder/now"
	is "$1: the soname is the list's" \
		"$(readelf -d "$object" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" \
		"$(sed -n '1s/ .*//p' "$top_srcdir/debian/$2.symbols")"
}

symbols libwritewatch libwritewatch0
symbols libwritewatch-win32 libwritewatch-win32-0

if [ "$(uname -m)" = x86_64 ]; then
	grep -v '^#' "$top_srcdir/tests/packaging/abi.x86_64" |
		LC_ALL=C sort > "$folder/list"
	"$top_builddir/tests/packaging/types" | LC_ALL=C sort > "$folder/now"
	compare "the types" "$folder/list" "$folder/now"
else
	skip 2 "the types" "their sizes are listed for x86_64 only"
fi
done_testing

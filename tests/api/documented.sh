#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every function that a library exports is documented: by a comment of its own in
# a header, which says since when there is it, and by a manual page. What holds
# for all of them, each header says at its beginning.
set -u
. "$top_srcdir/tests/tools/tap.sh"
include=$top_srcdir/include
headers="$include/writewatch.h $include/writewatch/pagemap.h
	$include/writewatch/win32.h"

# exported MAP: the functions of a library.
exported() {
	sed -n 's/^\t\([A-Za-z_0-9]*\);$/\1/p' "$1"
}

# comment_of FUNCTION: what stands right before its declaration.
comment_of() {
	awk -v name="$1" '
		/^\/\*\*/ { text = ""; inside = 1 }
		inside { text = text $0 "\n"; if (/\*\//) inside = 0; next }
		/^$/ { text = "" }
		$0 ~ "^[A-Za-z].*[ *]" name "\\(" { printf "%s", text; exit }
	' $headers | tr -s ' *\n\t' ' '
}

# page_of FUNCTION: the manual page that has it, or nothing.
page_of() {
	case $1 in
	ww_*) page=$top_srcdir/man/$1.3 ;;
	*) page=$top_srcdir/man/writewatch-win32.7 ;;
	esac
	case $1 in
	ww_*) [ -f "$page" ] && echo "$page" ;;
	*) grep -q "^\.B.*\b$1\b" "$page" && echo "$page" ;;
	esac
}

for map in kernel/libwritewatch.map dlls/kernelbase/libwritewatch-win32.map; do
	functions=$(exported "$top_srcdir/$map")
	is "$map has functions" "$(echo "$functions" | grep -c -v '^$' |
		sed 's/^[1-9].*/some/')" some
	for function in $functions; do
		like "$function: its comment says since when" \
			"$(comment_of "$function")" "*Since [0-9]*.[0-9]*"
		like "$function: its page" "$(page_of "$function")" "*/man/*"
	done
done

# heading HEADER: its first comment.
heading() {
	sed '1d; /\*\//q' "$1" | tr -s ' *\n\t' ' '
}

for header in $headers; do
	name=${header#"$include/"}
	like "$name says how failures are told" "$(heading "$header")" \
		"*[Ff]ail*"
	like "$name says what threads may do" "$(heading "$header")" "*hread*"
	like "$name says what units it has" "$(cat "$header")" "*bytes*"
done
done_testing

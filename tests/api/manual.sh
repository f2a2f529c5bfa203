#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The pages of the C library say what its headers say: every function has one,
# with the headers' prototype and exactly the headers' errors; they render; the
# example compiles and runs.
set -u
. "$top_srcdir/tests/api/lib.sh"
headers="$top_srcdir/include/writewatch.h
	$top_srcdir/include/writewatch/pagemap.h"
command -v man > /dev/null || skip_all "man is missing"

one_space() {
	tr -s '[:space:]' ' ' | sed 's/ $//'
}

# header_of FUNCTION: its comment and prototype.
header_of() {
	awk -v name="$1" '
		/^\/\*/ { text = "" }
		{ text = text $0 "\n" }
		/^WW_API/ { found = $0 ~ "[ *]" name "\\(" }
		/;$/ && found { printf "%s", text; exit }' $headers
}

prototype_of() {
	header_of "$1" | sed -n '/^WW_API/,$s/^WW_API //p; /^\t/p' |
		grep -v '^ \*' | one_space
}

# The errors named in what is read, a line each.
errors() {
	grep -o -e '-E[A-Z][A-Z0-9]*' | sort -u
}

# page_of FUNCTION: the page that describes it, which may be another's.
page_of() {
	target=$(sed -n 's|^\.so man3/||p' "$man/$1.3")
	echo "$man/${target:-$1.3}"
}

functions=$(sed -n 's/^\t\(ww_[a-z_]*\);$/\1/p' \
	"$top_srcdir/kernel/libwritewatch.map")
is "the map has functions" "$(echo "$functions" | grep -c -x ww_get)" 1

for function in $functions; do
	if [ ! -f "$man/$function.3" ]; then
		is "$function has a page" none "$function.3"
		continue
	fi
	page=$(page_of "$function")
	render "$page" > "$folder/page"
	name=$(section NAME < "$folder/page" | one_space)
	like "$function is named by its page" " ${name%% - *}," "* $function,*"
	prototype=$(prototype_of "$function")
	like "$function has a prototype" "$prototype" "*$function(*);"
	synopsis=$(section SYNOPSIS < "$folder/page" | one_space)
	case $synopsis in
	*" $prototype"*) synopsis=$prototype ;;
	esac
	is "the page has it" "$synopsis" "$prototype"
	echo "$function" >> "$folder/${page##*/}.functions"
done

for list in "$folder"/*.functions; do
	page=${list##*/}
	page=$man/${page%.functions}
	while read -r function; do
		header_of "$function"
	done < "$list" | errors > "$folder/wanted"
	render "$page" | section ERRORS | errors > "$folder/got"
	is "${page##*/} has the errors of the header" \
		"$(one_space < "$folder/got")" "$(one_space < "$folder/wanted")"
done

for page in "$man"/ww_*.3 "$man/writewatch.7"; do
	grep -q '^\.so ' "$page" && continue
	is "${page##*/} renders without a warning" \
		"$(man --warnings -E UTF-8 -l "$page" 2>&1 > /dev/null)" ""
	for other in $(sed -n 's/^\.BR \(ww_[a-z_]*\) (3).*/\1/p' "$page"); do
		[ -f "$man/$other.3" ] || is "it refers to pages" none "$other.3"
	done
done

example > "$folder/example.c"
$CC -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Werror \
	-I"$top_srcdir/include" -L"$top_builddir/.libs" \
	-o "$folder/example" "$folder/example.c" -lwritewatch > "$folder/cc" 2>&1
is "the example compiles without a warning" "$(cat "$folder/cc")" ""
example_runs env LD_LIBRARY_PATH="$top_builddir/.libs" "$folder/example"
done_testing

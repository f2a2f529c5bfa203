#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every page of the manual renders without a warning, as it is installed, and can
# be looked up by each of its names.
set -u
. "$top_srcdir/tests/tools/tap.sh"
command -v man > /dev/null || skip_all "man is missing"

# names PAGE: what whatis(1) is to find it by; nothing if the page has no such
# line.
names() {
	lexgrog "$1" 2> /dev/null | sed -n 's/.*: "\([^ ]*\) - .*/\1/p'
}

# rendered SECTION NAME: the warnings, of which all are asked for.
rendered() {
	MANWIDTH=80 man -M "$folder/man" --warnings=w -E UTF-8 "$1" "$2" 2>&1 \
		> "$folder/page"
}

for page in "$top_srcdir"/man/*.[1-8]; do
	section=$folder/man/man${page##*.}
	mkdir -p "$section" && cp "$page" "$section"
done

for page in "$top_srcdir"/man/*.[1-8]; do
	file=${page##*/}
	is "$file renders without a warning" \
		"$(rendered "${file##*.}" "${file%.*}")" ""
	like "$file has a text" "$(cat "$folder/page")" "*NAME*${file%.*}*"
	target=$(sed -n 's|^\.so man[0-9]/||p' "$page")
	if [ -n "$target" ]; then
		is "$file is one of the names of $target" "$(names \
			"$top_srcdir/man/$target" | grep -x "${file%.*}")" \
			"${file%.*}"
		continue
	fi
	is "$file can be looked up" "$(names "$page" | grep -x "${file%.*}")" \
		"${file%.*}"
	is "$file is in the section that it says" "$(sed -n \
		's/^\.TH [^ ]* \([1-8]\) .*/\1/p' "$page")" "${file##*.}"
done
done_testing

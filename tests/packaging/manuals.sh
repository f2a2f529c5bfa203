#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every page of the manual renders without a warning and can be looked up by
# each of its names.
set -u
. "$top_srcdir/tests/tools/tap.sh"
command -v man > /dev/null || skip_all "man is missing"

# names PAGE: what whatis(1) is to find it by; nothing if the page has no such
# line.
names() {
	lexgrog "$1" 2> /dev/null | sed -n 's/.*: "\([^ ]*\) - .*/\1/p'
}

for page in "$top_srcdir"/man/*.[1-8]; do
	file=${page##*/}
	target=$(sed -n 's|^\.so man[0-9]/||p' "$page")
	if [ -n "$target" ]; then
		is "$file is one of the names of $target" "$(names \
			"$top_srcdir/man/$target" | grep -x "${file%.*}")" \
			"${file%.*}"
		continue
	fi
	is "$file renders without a warning" "$(MANWIDTH=80 man --warnings \
		-E UTF-8 -l "$page" 2>&1 > /dev/null)" ""
	is "$file can be looked up" "$(names "$page" | grep -x "${file%.*}")" \
		"${file%.*}"
	is "$file is in the section that it says" "$(sed -n \
		's/^\.TH [^ ]* \([1-8]\) .*/\1/p' "$page")" "${file##*.}"
done
done_testing

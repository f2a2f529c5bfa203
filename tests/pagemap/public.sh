#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What users of ww_pagemap_scan() have: its header compiles alone, in C and C++;
# its page renders, its tables are those of the structures, and its example runs.
set -u
. "$top_srcdir/tests/api/lib.sh"
page=$man/ww_pagemap_scan.3

# compiles NAME COMPILER ARGUMENT...: a row about a source that only includes
# the header.
compiles() {
	name=$1
	shift
	if ! command -v "$1" > /dev/null; then
		skip 1 "$name" "$1 is missing"
		return
	fi
	is "$name" "$("$@" -Wall -Wextra -Werror -pedantic-errors -fsyntax-only \
		-I"$top_srcdir/include" "$folder/source" 2>&1 || echo failed)" ""
}

cat > "$folder/source" << 'END'
#include <writewatch/pagemap.h>
#include <writewatch/pagemap.h>
int call(struct ww_pagemap **pagemap, void *argument);
int call(struct ww_pagemap **pagemap, void *argument)
{
	if (ww_pagemap_open(pagemap, 0, WW_PAGEMAP_V18, WW_PAGEMAP_ENGINE))
		return ww_pagemap_source(*pagemap)[0];
	return ww_pagemap_scan(*pagemap, 0, argument);
}
END
for standard in c99 c17; do
	compiles "$standard, gcc" gcc -x c -std=$standard
	compiles "$standard, clang" clang -x c -std=$standard
done
for standard in c++11 c++20; do
	compiles "$standard, g++" g++ -x c++ -std=$standard
	compiles "$standard, clang++" clang++ -x c++ -std=$standard
done

# The tables, as a program that agrees with them only if it compiles.
offsets() {
	sed -n '/^request\t/,/^bytes in all/p' "$page" | sed 's/ (32 bits)//g' |
		awk -F '\t' '
	BEGIN {
		split("v6 v16 mainline", revision, " ")
		alias["length"] = "n_bytes"
		alias["category_inverted"] = "inverted"
		alias["required_mask"] = alias["category_mask"] = "required"
		alias["anyof_mask"] = "anyof"
		alias["excluded_mask"] = "excluded"
		alias["return_mask"] = "returned"
		alias["walk_end (out)"] = "walk_end"
	}
	{
		for (i = 2; i <= 4; i++) {
			type = "struct ww_pm_arg_" revision[i - 1]
			if ($i == "\\-")
				continue
			if ($1 == "request")
				what = "_IOWR(\x27f\x27, 16, " type ")"
			else if ($1 == "bytes in all")
				what = "sizeof(" type ")"
			else
				what = "offsetof(" type ", " \
					(alias[$1] ? alias[$1] : $1) ")"
			print "_Static_assert(" what " == " $i ", \"" $1 "\");"
		}
	}'
}
{
	echo '#include <stddef.h>'
	echo '#include "abi.h"'
	offsets
} > "$folder/offsets.c"
is "the page has all offsets" "$(grep -c _Static_assert "$folder/offsets.c")" 39
is "they are those of the structures" \
	"$($CC -std=c11 -D_GNU_SOURCE -fsyntax-only \
		-I"$top_srcdir/kernel/pagemap" "$folder/offsets.c" 2>&1)" ""

# Numbers and structures are the same for 32-bit programs, with headers that
# need no C library of theirs.
mkdir -p "$folder/32/sys"
echo '#include <asm-generic/ioctl.h>' > "$folder/32/sys/ioctl.h"
same_in_32_bits() {
	if ! echo | $CC -m32 -ffreestanding -fsyntax-only -x c - 2> /dev/null
	then
		skip 1 "$1" "$CC has no -m32"
		return
	fi
	grep -E "#include|$2" "$folder/offsets.c" > "$folder/32.c"
	is "$1" "$($CC -m32 -ffreestanding -std=c11 -D_GNU_SOURCE \
		-fsyntax-only -I"$folder/32" -I"$top_srcdir/kernel/pagemap" \
		"$folder/32.c" 2>&1)" ""
}
same_in_32_bits "row_6_26: v6 and v10 are the same in 32 bits" ww_pm_arg_v6
same_in_32_bits "row_16_21: v16 and v18 are the same in 32 bits" ww_pm_arg_v16
same_in_32_bits "mainline is the same in 32 bits" ww_pm_arg_mainline

if command -v man > /dev/null; then
	is "the page renders without a warning" \
		"$(man --warnings -E UTF-8 -l "$page" 2>&1 > /dev/null)" ""
	render "$page" | section EXAMPLES | sed -n '/#include/,$p' \
		> "$folder/example.c"
	$CC -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Werror \
		-I"$top_srcdir/include" -L"$top_builddir/.libs" \
		-o "$folder/example" "$folder/example.c" -lwritewatch \
		> "$folder/cc" 2>&1
	is "the example compiles without a warning" "$(cat "$folder/cc")" ""
	is "and runs" "$(LD_LIBRARY_PATH="$top_builddir/.libs" \
		"$folder/example" 2>&1)" "pages 2 to 3
pages 7 to 7"
else
	skip 3 "the page and its example" "man is missing"
fi
done_testing

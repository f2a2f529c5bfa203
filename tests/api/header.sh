#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The header compiles alone, twice, without a warning, as old and new C and C++.
set -u
. "$top_srcdir/tests/tools/tap.sh"

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
#include <writewatch.h>
#include <writewatch.h>
struct ww_open_options options = { sizeof(options), 0, 0 };
int call(struct ww *ww, void *start, size_t n_bytes)
{
	struct ww_range run;
	return (int)ww_get_runs(ww, start, n_bytes, WW_GET_RESET, &run, 1);
}
END
for standard in c99 c11 c17; do
	compiles "$standard, gcc" gcc -x c -std=$standard
	compiles "$standard, clang" clang -x c -std=$standard
done
for standard in c++11 c++17 c++20; do
	compiles "$standard, g++" g++ -x c++ -std=$standard
	compiles "$standard, clang++" clang++ -x c++ -std=$standard
done
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What gcc -fanalyzer, cppcheck and, in the long form, clang-tidy say about every
# source of the product. A finding fails unless the list `findings` has it, with
# the reason why it may stay.
work=$top_builddir/tests/sanitizers/analyzers
. "$top_srcdir/tests/sanitizers/lib.sh"
: "${WINE_CPPFLAGS:=}"
# some tools tidy up the names of files
top_srcdir=$(cd "$top_srcdir" && pwd -P)

# Lines FILE CHECK, once each, from the compilers' FILE:LINE:COLUMN: text [CHECK].
findings() {
	sed -n -E 's/^([^: ]+):[0-9]+:[0-9]+: (warning|error|performance|portability|style): .*\[([^][ ]+)\]$/\1 \3/p' |
		sed "s|^$top_srcdir/||" | sort -u
}

known() {
	sed -n "s/^$1 \([^ ]* [^ ]*\) .*/\1/p" "$top_srcdir/tests/sanitizers/findings" |
		sort -u
}

# skip NAME WHY
skip() {
	n_rows=$((n_rows + 1))
	echo "ok $n_rows - $1 # SKIP $2"
}

# judge TOOL: what its output has beyond the list; errors without a [CHECK] mean
# that it could not read a source.
judge() {
	findings <"$work/$1.out" >"$work/$1.found"
	known "$1" >"$work/$1.known"
	comm -23 "$work/$1.found" "$work/$1.known" >"$work/$1.new"
	cat "$work/$1.new"
	test ! -s "$work/$1.new" || cat "$work/$1.out"
	! grep -E ': (fatal )?error: .*[^]]$' "$work/$1.out" &&
		test ! -s "$work/$1.new"
}

# each COMMAND...: with one source after the other as its last argument.
each() {
	printf '%s\n' $sources | xargs -P "$(nproc)" -n 1 "$@"
}

compiler_flags="-std=gnu11 -D_GNU_SOURCE -DPKGLIBDIR=\"\" -I$top_builddir
	-I$top_srcdir -I$top_srcdir/include -I$top_srcdir/include/private
	$WINE_CPPFLAGS"

analyze_gcc() {
	each gcc $compiler_flags -Wall -Wextra -O1 -fanalyzer -c \
		-fdiagnostics-plain-output -o /dev/null >"$work/gcc.out" 2>&1
	judge gcc
}

analyze_cppcheck() {
	cppcheck -q -j "$(nproc)" --std=c11 --enable=warning,performance \
		--template='{file}:{line}:{column}: {severity}: {message} [{id}]' \
		--library=posix,gnu -D__linux__ -D__x86_64__ -D_GNU_SOURCE \
		-I"$top_srcdir/include" -I"$top_srcdir/include/private" \
		$sources >"$work/cppcheck.out" 2>&1
	judge cppcheck
}

analyze_tidy() {
	printf '%s\n' $sources | xargs -P "$(nproc)" -I '{}' clang-tidy --quiet \
		--config-file="$top_srcdir/.clang-tidy" '{}' -- $compiler_flags \
		>"$work/tidy.out" 2>"$work/tidy.err"
	judge tidy
}

sources=$(find "$top_srcdir/kernel" "$top_srcdir/tools" -name '*.c' | sort)
test -z "$WINE_CPPFLAGS" ||
	sources="$sources $(find "$top_srcdir/dlls" -name '*.c' | sort)"
row 'gcc -fanalyzer' analyze_gcc
if command -v cppcheck >/dev/null; then
	row cppcheck analyze_cppcheck
else
	skip cppcheck 'not there: apt-get install cppcheck'
fi
if [ -z "$WW_LONG" ]; then
	skip clang-tidy 'it takes minutes: make check-long'
elif command -v clang-tidy >/dev/null; then
	row clang-tidy analyze_tidy
else
	skip clang-tidy 'not there: apt-get install clang-tidy'
fi
finish

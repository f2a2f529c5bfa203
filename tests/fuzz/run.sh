#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh TARGET SECONDS SOURCE...: builds a fuzz target with libFuzzer and both
# sanitizers, from the sources it tests, and runs it from its corpus. An input
# that breaks it is left in the build tree, and the way to run it again is
# printed.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
target=$1
seconds=$2
shift 2
work=$top_builddir/tests/fuzz/$target.fuzz
CC=${FUZZ_CC:-clang}
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

mkdir -p "$work/corpus" "$work/seeds"
echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' \
	> "$work/try.c"
if ! "$CC" -fsanitize=fuzzer,address,undefined -o "$work/try" "$work/try.c" \
	2> "$work/try.log"; then
	echo "skipped: $CC cannot build with libFuzzer (see $work/try.log)"
	exit 0
fi
sources=
for source; do
	sources="$sources $top_srcdir/$source"
done
"$CC" -std=gnu11 -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -I"$top_srcdir/include" \
	-I"$top_srcdir/include/private" -o "$work/$target" \
	"$top_srcdir/tests/fuzz/$target.c" $sources
"$top_builddir/tests/fuzz/$target" --binary "$work/seeds"
"$work/$target" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
	-rss_limit_mb=512 -malloc_limit_mb=64 -print_final_stats=1 \
	-artifact_prefix="$work/" "$work/corpus" "$work/seeds" \
	> "$work/log" 2>&1 || {
	tail -n 40 "$work/log"
	echo "again: $work/$target $work/crash-..."
	exit 1
}
grep -E 'Done|cov:|stat::' "$work/log" | tail -n 3

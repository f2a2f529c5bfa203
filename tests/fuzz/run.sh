#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh TARGET SOURCE|FLAG...: builds a fuzz target with libFuzzer and both
# sanitizers, from the sources that it tests, and runs it from its corpus for
# FUZZ_SECONDS. An input that breaks it is left in the build tree, and the way to
# run it again is printed.
set -u
: "${top_srcdir:?}" "${top_builddir:?}" "${FUZZ_SECONDS:=60}"
target=$1
shift
work=$top_builddir/tests/fuzz/$target.fuzz
CC=${FUZZ_CC:-clang}
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

# broken NAME: the row, and what was said.
broken() {
	echo "not ok 1 - $1"
	tail -n 40 "$work/log" | sed 's/^/# /'
	exit 1
}

can_fuzz() {
	echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' \
		>"$work/try.c"
	"$CC" -fsanitize=fuzzer,address,undefined -o "$work/try" "$work/try.c" \
		2>"$work/log"
}

build() {
	"$CC" -std=gnu11 -g -O1 -D_GNU_SOURCE \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-I"$top_builddir" -I"$top_srcdir/include" \
		-I"$top_srcdir/include/private" \
		-o "$work/$target" "$@" 2>"$work/log"
}

mkdir -p "$work/corpus" "$work/seeds"
can_fuzz || {
	echo "1..0 # SKIP $CC cannot build with libFuzzer, see $work/log"
	exit 0
}
echo 1..1
for argument; do
	case $argument in
	-* | /*) set -- "$@" "$argument" ;;
	*) set -- "$@" "$top_srcdir/$argument" ;;
	esac
	shift
done
build "$top_srcdir/tests/fuzz/$target.c" "$@" || broken "$target is not built"
"$top_builddir/tests/fuzz/$target" --binary "$work/seeds" >"$work/log" 2>&1 ||
	broken "$target: its corpus"
timeout $((FUZZ_SECONDS + 120)) "$work/$target" \
	-max_total_time="$FUZZ_SECONDS" -max_len=4096 -timeout=20 \
	-rss_limit_mb=1024 -malloc_limit_mb=64 -print_final_stats=1 \
	-artifact_prefix="$work/" "$work/corpus" "$work/seeds" \
	>"$work/log" 2>&1 || broken "$target: again with $work/$target INPUT"
echo "ok 1 - $target: no input breaks it, looked for $FUZZ_SECONDS s"
grep '^Done' "$work/log" | sed 's/^/# /'

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What takes minutes, run by hand: the model tests with millions of steps,
# natively and on every Wine there is, a storm of calls, and every setting of the
# virtual machines; prints TAP and a summary.
set -u
native=$top_builddir/tests/win32/native-writewatch
exe=$top_builddir/tests/win32/x86_64-windows/writewatch.exe
results=$top_builddir/tests/long.results
: >"$results"

# row NAME COMMAND…: its last lines are shown if it fails, or its seed.
row() {
	name=$1
	shift
	if "$@" >"$results.log" 2>&1; then
		result=ok
		grep -E '^# (seed|Done|.* ns a page|.* calls|.* killed|.*lost [0-9])' \
			"$results.log"
	else
		result='not ok'
		tail -n 20 "$results.log" | sed 's/^#* */# /'
	fi
	echo "$result - $name" | tee -a "$results"
}

skipped() {
	echo "ok - $1 # SKIP $2" | tee -a "$results"
}

# Programs in Wine are judged by what they print.
passes_in_wine() {
	watched "$exe" --timeout 1800 "$@" >"$results.wine"
	cat "$results.wine"
	grep -q '^ok ' "$results.wine" && ! grep -q '^not ok ' "$results.wine"
}

# on_wine NAME [SUITE]: in a process of its own, which skip ends.
on_wine() (
	trap - EXIT
	. "$top_srcdir/tests/wine/lib.sh"
	where=$1
	log=$results.uffd
	skip() {
		skipped "on $where" "$*"
		exit 0
	}
	test -z "${2:-}" || need_suite "$2"
	need_wine "$exe"
	need_winewatch
	for name in model-exact model-shared; do
		row "$name, 1 million steps, $where" \
			passes_in_wine --group "$name" --steps 1000000
	done
	for i in 1 2 3; do
		row "stress $i, $where" passes_in_wine --group stress
	done
	row "a crowd for 20 minutes, $where" \
		passes_in_wine --group stress-crowd --steps 1200
	row "40 pairs of children, $where" \
		passes_in_wine --group stress-children --steps 40
	row "40,000 regions, $where" \
		passes_in_wine --group stress-regions --steps 40000
)

# passes_as_tap TEST: but for what it says is known.
passes_as_tap() {
	"$@" >"$results.wine" 2>&1
	cat "$results.wine"
	grep -q -E '^(ok |1\.\.0 )' "$results.wine" &&
		! grep '^not ok ' "$results.wine" | grep -v '# TODO'
}

# What the machine has written is the result.
passes_in_machine() {
	grep -q '^ok ' "$results.vm" && ! grep -A 9 '^not ok ' "$results.vm"
}

# in_machine SUITE: every setting on its kernel, and 100,000 random scans.
in_machine() {
	env vm_long=yes "$top_srcdir/tests/vm/$1.sh" >"$results.vm" 2>&1
	why=$(sed -n 's/^1\.\.0 # SKIP //p' "$results.vm")
	if test -n "$why"; then
		skipped "on the kernel of $1" "$why"
		return
	fi
	row "on the kernel of $1" passes_in_machine
	grep '^# Linux' "$results.vm"
}

if test -x "$native"; then
	for name in model-exact model-shared; do
		row "$name, 10 million steps, native" \
			timeout 1800 "$native" --row "$name" --steps 10000000
	done
	for i in 1 2 3 4 5; do
		row "stress $i, native" timeout 600 "$native" --group stress
	done
else
	skipped "native" "the native suite is not built"
fi
if test -x "$top_builddir/tests/native/storm"; then
	row "a storm of ten minutes, native" \
		timeout 900 "$top_builddir/tests/native/storm" 600
	row "signals for a minute, native" \
		timeout 200 "$top_builddir/tests/native/interrupted" 60
else
	skipped "a storm" "the native tests are not built"
fi
row "pagemap differential, 1 million" \
	timeout 1800 "$top_builddir/tests/pagemap/differential" 1000000
row "the engine against the kernel, 1 GiB" \
	timeout 600 "$top_builddir/tests/pagemap/speed"
for target in arguments command engine foreign regions table; do
	row "fuzzing $target, 10 minutes" \
		env FUZZ_SECONDS=600 "$top_srcdir/tests/fuzz/$target.sh"
done
for tool in address analyzers m32 memcheck thread; do
	row "all tests with $tool" \
		env WW_LONG=yes "$top_srcdir/tests/sanitizers/$tool.sh"
done
on_wine 'Wine'
on_wine 'Wine of trixie' trixie
for name in win32-i386-10 win32-mprotect-10; do
	row "tests/wine/$name.sh" passes_as_tap "$top_srcdir/tests/wine/$name.sh"
done
for suite in bookworm trixie sid; do
	in_machine $suite
done

echo "1..$(wc -l <"$results")"
n_failed=$(grep -c '^not ok' "$results")
echo "# $(grep -c '^ok' "$results") passed or skipped, $n_failed failed"
rm -f "$results" "$results.log" "$results.wine" "$results.uffd" \
	"$results.vm"
test "$n_failed" = 0

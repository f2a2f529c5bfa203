#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds winewatch without a warning with gcc and clang, runs every test, here
# and on three kernels in virtual machines, and tries an installation. Installs
# what is missing for that; may be run again. The last line is always
# "N passed, N failed, N skipped", counting the rows of all tests; the exit
# status is 0 only if none failed. With CI=true, the tests named in
# tests/required must not skip themselves. "check.sh debian" builds and tries the
# Debian packages, too.
set -u
cd "$(dirname "$0")" || exit 1
build=build-check
clang_build=build-check-clang
installed=$build/installed
passed=0
failed=0
skipped=0
started=$(date +%s)

say() {
	echo "check: [$(($(date +%s) - started)) s] $*"
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
	exit
}

# row NAME COMMAND...: a row of our own, with the output only if it fails.
row() {
	name=$1
	shift
	say "$name"
	if "$@" > "$build/row.log" 2>&1; then
		passed=$((passed + 1))
		return 0
	fi
	failed=$((failed + 1))
	tail -n 100 "$build/row.log"
	echo "FAIL: $name"
	return 1
}

# Nothing further makes sense without this row.
must() {
	row "$@" || finish
}

in_folder() {
	(cd "$1" && shift && "$@")
}

# strictly FOLDER ARGUMENT...: make there, a warning of any compiler being an
# error. The second compiler's programs are never run.
strictly() {
	folder=$1
	level=-O2
	[ "$folder" = "$build" ] || level=-O0
	shift
	make -C "$folder" --no-print-directory CFLAGS="-g $level -Werror" \
		x86_64_CC="$(sed -n 's/^x86_64_CC = //p' "$folder/Makefile") -Werror" \
		i386_CC="$(sed -n 's/^i386_CC = //p' "$folder/Makefile") -Werror" \
		"$@"
}

# compile FOLDER: the programs and those of the tests.
compile() {
	strictly "$1" -j "$(nproc)" all &&
		strictly "$1" -j "$(nproc)" check TESTS=
}

# try_installation STATUS: the command works from where it was installed, the
# doctor's exit status being STATUS, and all that belongs to it is there.
try_installation() {
	rm -rf "$installed"
	strictly "$build" install DESTDIR="$PWD/$installed" || return
	prefix=$installed/usr/local
	"$prefix/bin/winewatch" --version || return
	"$prefix/bin/winewatch" doctor
	[ $? = "$1" ] || return
	for file in include/writewatch.h lib/libwritewatch.so \
		lib/winewatch/libwinewatch.so share/man/man1/winewatch.1 \
		lib/winewatch/conform/writewatch.exe \
		lib/winewatch/conform/known-faults-winewatch; do
		[ -s "$prefix/$file" ] || {
			echo "not installed: $file"
			return 1
		}
	done
	"$prefix/lib/winewatch/conform/native-writewatch" --list > /dev/null
}

# The results of all tests, a word each.
results() {
	find "$build/tests" -name '*.trs' -exec sed -n \
		's/^:test-result: \([A-Z]*\).*/\1/p' {} +
}

count() {
	results | grep -c -E -x "$1"
}

# Rows that failed and what was said about them; rows that were skipped.
show() {
	find "$build/tests" -name '*.log' | sort | while read -r log; do
		[ -f "${log%.log}.trs" ] || continue
		awk -v wanted="$1" '
			$0 ~ "^(" wanted "): tests/" { print; shown = 1; next }
			shown && /^#/ { print "    " $0; next }
			{ shown = 0 }' "$log"
	done
}

# A required test that did not run, or has nothing but skipped rows.
check_required() {
	while read -r test; do
		case $test in
		'' | '#'*) continue ;;
		esac
		grep -q -E '^:test-result: X?(PASS|FAIL)' \
			"$build/${test%.sh}.trs" 2> /dev/null && continue
		echo "required, but skipped: $test"
	done < tests/required
}

mkdir -p "$build" "$clang_build"
rm -f "$build/check.failed"
say "looking for what is missing"
if ! ./packaging/install-dependencies.sh check; then
	failed=1
	finish
fi

must "making configure" ./autogen.sh
must "configuring" in_folder "$build" ../configure
must "building without a warning, gcc" compile "$build"
row "configuring for clang" in_folder "$clang_build" ../configure CC=clang &&
	row "building without a warning, clang" compile "$clang_build"

say "running the tests"
find "$build/tests" -name '*.trs' -delete
more=check-more
[ "${1:-}" != debian ] || more=check-more-and-debian
{
	# one more than there are CPUs: some wait for what hangs in stock Wine
	strictly "$build" -j "$(($(nproc) + 1))" check 2>&1 ||
		: > "$build/check.failed"
	strictly "$build" -j "$(nproc)" $more 2>&1 || : > "$build/check.failed"
} | tee "$build/check.log" |
	grep --line-buffered -E '^(X?PASS|X?FAIL|SKIP|ERROR):'
"$build/tools/winewatch" doctor > "$build/doctor.log"
row "installing" try_installation $?

echo
show 'SKIP'
show 'FAIL|XPASS|ERROR'
passed=$((passed + $(count 'PASS|XFAIL')))
failed=$((failed + $(count 'FAIL|XPASS|ERROR')))
skipped=$((skipped + $(count 'SKIP')))
if [ -f "$build/check.failed" ] && [ "$failed" = 0 ]; then
	tail -n 20 "$build/check.log"
	echo "FAIL: make check ended before its tests did"
	failed=1
fi
missing=$(check_required)
if [ -n "$missing" ]; then
	echo "$missing"
	[ "${CI:-}" != true ] ||
		failed=$((failed + $(echo "$missing" | wc -l)))
fi
head -n 2 "$build/doctor.log"
finish

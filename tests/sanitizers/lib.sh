# SPDX-License-Identifier: LGPL-2.1-or-later
# A build of its own with a tool that watches, and the tests that run in it: a
# row each. Sourced; a variable `work` names its folder. WW_LONG is set for the
# long form.
set -u
: "${top_srcdir:?}" "${top_builddir:?}" "${WW_LONG:=}"
# Those of the build around us are not meant for ours.
unset CFLAGS MAKEFLAGS MFLAGS
n_rows=0
n_failed=0
mkdir -p "$work" || exit 1

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

# row NAME COMMAND...: what it says is shown only if it fails.
row() {
	name=$1
	shift
	n_rows=$((n_rows + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $n_rows - $name"
		return 0
	fi
	echo "not ok $n_rows - $name"
	n_failed=$((n_failed + 1))
	grep -v '^ok ' "$work/log" | tail -n 60 | sed 's/^/# /'
	return 1
}

finish() {
	echo "1..$n_rows"
	exit $((n_failed > 0))
}

# can_run COMPILER FLAG...: whether programs made so run here.
can_run() {
	echo 'int main(void) { return 0; }' >"$work/try.c"
	"$@" -o "$work/try" "$work/try.c" >"$work/log" 2>&1 && "$work/try"
}

# build COMPILER FLAGS: the programs of $programs. Configuring once is enough.
build() {
	cd "$work" || return
	test Makefile -nt "$top_srcdir/configure" ||
		"$top_srcdir/configure" -q --without-mingw CC="$1" || return
	make -s -j "$(nproc)" CFLAGS="$2" $programs
}

# without_page_0 COMMAND...: root may map page 0, which ThreadSanitizer cannot
# bear.
without_page_0() {
	if setpriv --bounding-set=-sys_rawio true 2>/dev/null; then
		setpriv --bounding-set=-sys_rawio "$@"
	else
		"$@"
	fi
}

# in_build PROGRAM: it has two minutes. A test that fails and a report of the
# sanitizer both end it with a status.
in_build() {
	(cd "$work" &&
		top_builddir=$work without_page_0 timeout 120 "./$1" </dev/null)
}

# run_all COMPILER FLAGS: a row for the build and one for each program.
run_all() {
	row "built with $2" build "$@" || finish
	for program in $programs; do
		row "${program#tests/}" in_build "$program"
	done
	finish
}

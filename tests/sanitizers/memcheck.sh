#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests on the fake kernel and on the model of PAGEMAP_SCAN under memcheck;
# the kernel's own userfaultfd it does not know, and the backend mprotect, which
# tests/unit/uffd chooses, refuses to run there. Its findings are errors: bad
# accesses, uses of what was never set, and leaks.
work=$top_builddir/tests/sanitizers/memcheck
. "$top_srcdir/tests/sanitizers/lib.sh"

programs='tests/unit/known tests/unit/query tests/unit/regions
	tests/unit/slots'
test -z "$WW_LONG" || programs="$programs
	tests/unit/fork tests/unit/memory tests/unit/random tests/unit/share
	tests/unit/spans tests/unit/stats tests/unit/status tests/unit/table
	tests/pagemap/limits tests/pagemap/mainline tests/pagemap/remarks
	tests/pagemap/sources tests/pagemap/states tests/pagemap/v10
	tests/pagemap/v16 tests/pagemap/v6"

# As "make check" has built them; libtool knows what is a wrapper.
under_memcheck() {
	(cd "$top_builddir" && timeout 300 ./libtool --mode=execute valgrind \
		-q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite "./$1" </dev/null)
}

command -v valgrind >/dev/null || skip_all "no valgrind: apt-get install valgrind"
for program in $programs; do
	test -x "$top_builddir/$program" || skip_all "$program is not built"
	row "${program#tests/}" under_memcheck "$program"
done
finish

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The unit tests, and those of PAGEMAP_SCAN on its model, as 32-bit programs: what
# is wrong with the size of a number shows there. For cmocka, of which systems
# have no 32-bit library, there is a stand-in.
work=$top_builddir/tests/sanitizers/m32
. "$top_srcdir/tests/sanitizers/lib.sh"

programs='tests/unit/fork tests/unit/known tests/unit/query tests/unit/random
	tests/unit/regions tests/unit/released tests/unit/share tests/unit/slots
	tests/unit/spans tests/unit/stats tests/unit/uffd
	tests/pagemap/limits tests/pagemap/mainline tests/pagemap/remarks
	tests/pagemap/sources tests/pagemap/states tests/pagemap/v10
	tests/pagemap/v16 tests/pagemap/v6'
test -z "$WW_LONG" || programs="$programs
	tests/unit/inject tests/pagemap/differential tests/pagemap/expected"
CPPFLAGS=-I$top_srcdir/tests/unit/m32
CMOCKA_CFLAGS=$CPPFLAGS
CMOCKA_LIBS=-pthread
export CPPFLAGS CMOCKA_CFLAGS CMOCKA_LIBS

can_run gcc -m32 || skip_all "no 32-bit programs: apt-get install gcc-multilib"
run_all 'gcc -m32' '-g -O1'

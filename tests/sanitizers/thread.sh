#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests of the registry and of the path of queries with ThreadSanitizer.
#
# Left out: kernel/suspended, since the sanitizer holds signals back until a
# thread makes a system call; kernel/commits and native/model, whose memory lies
# where the sanitizer has its own.
work=$top_builddir/tests/sanitizers/thread
. "$top_srcdir/tests/sanitizers/lib.sh"

programs='tests/unit/share tests/unit/slots tests/unit/spans tests/unit/stats
	tests/unit/status tests/api/threads tests/kernel/arrays
	tests/kernel/stress tests/native/stress'
test -z "$WW_LONG" || programs="$programs
	tests/unit/fork tests/unit/known tests/unit/query tests/unit/random
	tests/unit/regions tests/unit/uffd
	tests/api/faults tests/api/fork tests/api/queries
	tests/kernel/foreign tests/kernel/fork tests/kernel/hugezero
	tests/kernel/killed tests/kernel/mprotect tests/kernel/queries
	tests/kernel/readers
	tests/native/fork tests/native/processes
	tests/native/status tests/pagemap/entry tests/pagemap/mprotect"
flags=-fsanitize=thread
export TSAN_OPTIONS="suppressions=$top_srcdir/tests/sanitizers/thread.supp"

can_run clang $flags || skip_all "clang cannot build with ThreadSanitizer"
run_all clang "-g -O1 $flags"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests with AddressSanitizer, which also finds leaks, and
# UndefinedBehaviorSanitizer.
#
# Left out, because the sanitizer shows in what they count: native/no_backend
# (mappings), native/system_calls (system calls). api/errors leaves no address
# space to look for leaks in.
work=$top_builddir/tests/sanitizers/address
. "$top_srcdir/tests/sanitizers/lib.sh"

programs='tests/unit/fork tests/unit/known tests/unit/memory tests/unit/query
	tests/unit/random tests/unit/regions tests/unit/released
	tests/unit/share tests/unit/slots tests/unit/spans tests/unit/stats
	tests/unit/status tests/unit/table tests/unit/uffd
	tests/api/faults tests/api/queries tests/api/trackers
	tests/kernel/arrays tests/kernel/mprotect tests/kernel/queries
	tests/native/arguments tests/native/model tests/native/processes
	tests/native/stress'
test -z "$WW_LONG" || programs="$programs
	tests/api/fork tests/api/threads tests/api/watch
	tests/fuzz/pagemap_engine
	tests/kernel/commits tests/kernel/discard tests/kernel/foreign
	tests/kernel/fork tests/kernel/handshake tests/kernel/hugezero
	tests/kernel/kernel_writes tests/kernel/killed tests/kernel/locked
	tests/kernel/page_tables tests/kernel/probe tests/kernel/readers
	tests/kernel/stress
	tests/kernel/suspended tests/kernel/system_calls tests/kernel/unarmed
	tests/kernel/unregistered tests/kernel/walk_end
	tests/native/cut_off tests/native/fork tests/native/header
	tests/native/limits tests/native/placeholders tests/native/places
	tests/native/reused_pid tests/native/rows tests/native/status
	tests/native/vectors
	tests/pagemap/differential tests/pagemap/entry tests/pagemap/expected
	tests/pagemap/limits tests/pagemap/mainline tests/pagemap/mprotect
	tests/pagemap/remarks tests/pagemap/sources tests/pagemap/states
	tests/pagemap/traps tests/pagemap/v10 tests/pagemap/v16 tests/pagemap/v6"
flags='-fsanitize=address,undefined -fno-sanitize-recover=all'

can_run gcc $flags || skip_all "gcc cannot build with AddressSanitizer"
run_all gcc "-g -O1 $flags"

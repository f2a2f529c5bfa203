#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Descriptors of the library are not in the programs that a program starts, and
# its memory is never writable and executable at once.
set -u
. "$top_srcdir/tests/tools/tap.sh"

starter=$top_builddir/tests/interplay/starter
[ -n "$("$starter" true)" ] || skip_all "no backend"

# Those of the library, as far as a link names them.
ours='memfd:winewatch|userfaultfd|/pagemap|/clear_refs'
is "the program has them" "$("$starter" | grep -c -E "$ours" | sed 's/^[23]$/some/')" \
	some
is "what it starts by fork and exec has not" \
	"$("$starter" ls -l /proc/self/fd | grep -E "$ours")" ""
is "also by posix_spawn" \
	"$("$starter" --spawn ls -l /proc/self/fd | grep -E "$ours")" ""
is "nor what is started after a fork that watched" \
	"$("$starter" --child ls -l /proc/self/fd | grep -E "$ours")" ""
is "nothing is writable and executable" \
	"$("$starter" --maps | grep -c ' .wx')" 0
for backend in mprotect softdirty; do
	is "nor with backend $backend" \
		"$(WINEWATCH_BACKEND=$backend "$starter" --maps | grep -c ' .wx')" 0
done
done_testing

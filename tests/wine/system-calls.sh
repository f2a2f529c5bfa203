#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Under Wine a query makes one system call: so many queries in a row make as many
# scans in a row, and nothing between them.
set -u
. "$top_srcdir/tests/wine/lib.sh"
queries=$top_builddir/tests/wine/x86_64-windows/queries.exe
command -v strace >/dev/null || skip "no strace (apt-get install strace)"
strace -o /dev/null true 2>/dev/null || skip "ptrace is refused"
need_wine "$queries"
need_winewatch

log=$work/system-calls.uffd
trace=$work/system-calls.out
rm -f "$log" "$trace"
echo 1..3
output=$(WINE="strace -f -o $trace $WINE" watched "$queries" | tr -d '\r')
if test "$output" = "300 queries, answered"; then
	echo "ok 1 - $output"
else
	echo "not ok 1 - ${output:-no output}"
fi

# The most scans of one thread between two other calls of its.
longest=$(awk '
	/ioctl\(.*(PAGEMAP_SCAN|0x66, 0x10|0xc0606610)/ {
		if (++n[$1] > most)
			most = n[$1]
		next
	}
	# the second half of a line that another thread has cut
	/<\.\.\. ioctl resumed>/ { next }
	{ n[$1] = 0 }
	END { print most + 0 }' "$trace")
if test "$longest" -eq 300; then
	echo "ok 2 - 300 scans in a row"
else
	echo "not ok 2 - $longest scans in a row"
fi
was_watched 3
rm -f "$trace"

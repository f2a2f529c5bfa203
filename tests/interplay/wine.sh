#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a Wine process starts has no descriptor of ours, and the process itself no
# more memory that is writable and executable than on the stock Wine.
set -u
. "$top_srcdir/tests/wine/lib.sh"
starter=$top_builddir/tests/interplay/x86_64-windows/starter-windows.exe
need_wine "$starter"
need_winewatch
log=$work/interplay.uffd
look=$work/interplay.look
rm -f "$log"

# In the shell that the program starts: its own descriptors, and the mappings of
# the program.
look() {
	cat > "$look" <<'END'
ls -l /proc/self/fd
for process in /proc/[0-9]*; do
	grep -a -q 'starter-windows[.]exe' $process/cmdline 2>/dev/null &&
		grep -q '/ntdll[.]so' $process/maps &&
		echo "writable and executable: $(grep -c ' .wx' $process/maps)"
done
rm -f "$0"
END
	"$1" "$starter" 'Z:\bin\sh' "$look"
}

echo 1..5
without=$(look stock)
with=$(look watched)
is 1 "the program starts another" "$(echo "$with" | grep -c '^ended')" 1
is 2 "which has descriptors" "$(echo "$with" | grep -c ' 1 -> ')" 1
is 3 "and none of ours" \
	"$(echo "$with" | grep -E 'memfd:winewatch|userfaultfd|/pagemap')" ""
is 4 "memory that is writable and executable" \
	"$(echo "$with" | grep '^writable')" \
	"$(echo "$without" | grep '^writable' || echo "none was found")"
was_watched 5
rm -f "$look"

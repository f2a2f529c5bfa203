#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The log file is the user's alone, is only ever appended to, and a link or a
# pipe that somebody put in its place is left alone.
set -u
. "$top_srcdir/tests/tools/tap.sh"

load=$top_builddir/tests/enter/load
ntdll=$top_builddir/tests/enter/sysv/.libs/ntdll.so
[ -x "$load" ] && [ -f "$library" ] || skip_all "libwinewatch is not built"

# logged FILE: a process that logs there, with everything allowed by its mask.
logged() {
	(umask 0 && WINEWATCH_LOG=debug WINEWATCH_LOG_FILE=$1 \
		LD_PRELOAD=$library timeout 20 "$load" "$ntdll" > /dev/null)
	echo "exit $?"
}

is "a new file" "$(logged "$folder/new")" "exit 0"
is "it has a line" "$(lines "$folder/new")" 1
is "it is its owner's alone" "$(stat -c %a "$folder/new")" 600
echo before > "$folder/old"
logged "$folder/old" > /dev/null
is "another is appended to" "$(head -n 1 "$folder/old"), $(lines "$folder/old")" \
	"before, 2"
ln -s old "$folder/link"
is "a link" "$(logged "$folder/link")" "exit 0"
is "nothing is written through it" "$(lines "$folder/old")" 2
ln -s nowhere "$folder/broken"
logged "$folder/broken" > /dev/null
is "nothing is made through it" "$(ls "$folder")" "broken
link
new
old"
mkfifo "$folder/pipe"
is "a pipe that nobody reads does not stop it" "$(logged "$folder/pipe")" \
	"exit 0"
done_testing

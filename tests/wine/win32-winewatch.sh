#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite on Wine with winewatch: every row passes.
set -u
. "$top_srcdir/tests/wine/lib.sh"
suite=$top_builddir/tests/win32/x86_64-windows/writewatch.exe
need_wine "$suite"
need_winewatch

log=$work/win32-winewatch.uffd
rm -f "$log"
n_rows=$(stock "$suite" --list | wc -l)
echo "1..$((n_rows + 1))"
watched "$suite" | grep -v '^1\.\.'
was_watched $((n_rows + 1))

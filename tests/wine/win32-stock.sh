#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite on the stock Wine, which checks the suite itself: whatever
# Wine is known to do wrong is listed row by row.
set -u
. "$top_srcdir/tests/wine/lib.sh"
suite=$top_builddir/tests/win32/x86_64-windows/writewatch.exe
need_wine "$suite"

version=$($WINE --version 9>&- | sed -n 's/^wine-\([0-9]*\.[0-9]*\).*/\1/p')
faults=$here/known-faults-$version
test -f "$faults" || skip "the faults of Wine $version are not listed"
# Some faults are endless loops; nothing that works takes this long.
stock "$suite" --timeout 20 | awk -v faults="$faults" -f "$here/known-faults.awk"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite as a 32-bit program, with winewatch, where Wine runs those on
# its 64-bit side. A Wine that cannot run them says nothing and ends well.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
suite=$top_builddir/tests/win32/i386-windows/writewatch.exe
test -f "$suite" || skip "the 32-bit suite is not built" \
	"(apt-get install gcc-mingw-w64-i686)"
need_wine "$suite"
stock "$suite" --list | grep -q -P '\t' || skip "$WINE runs no 32-bit programs"
need_winewatch
log=$work/win32-i386-try.uffd
rm -f "$log"
watched "$suite" --row result-write-and-reset >/dev/null
grep -s -q uffd "$log" || skip "$WINE has a 32-bit side of its own," \
	"which winewatch is not built for"
suite_with_winewatch known-faults-i386

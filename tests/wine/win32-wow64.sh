#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite as a 32-bit program with winewatch on a Wine 10 that runs those
# on its 64-bit unix side.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
use_32_bit_suite
need_suite trixie-wow64
suite_with_winewatch known-faults-wow64

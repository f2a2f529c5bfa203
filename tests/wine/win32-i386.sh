#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite as a 32-bit program on a Wine 8 with a 32-bit unix side, with
# winewatch.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
need_library32
use_32_bit_suite
need_suite bookworm-i386
suite_with_winewatch known-faults-i386

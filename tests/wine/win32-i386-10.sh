#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same on Wine 10, whose 32-bit calling convention is another, too.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
need_library32
use_32_bit_suite
need_suite trixie-i386
suite_with_winewatch known-faults-i386

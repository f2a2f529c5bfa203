#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite on Wine 10 with winewatch.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
need_suite trixie
suite_with_winewatch known-faults-winewatch

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite on Wine with winewatch, where the mprotect backend is forced.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
WINEWATCH_BACKEND=mprotect
export WINEWATCH_BACKEND
suite_with_winewatch known-faults-mprotect

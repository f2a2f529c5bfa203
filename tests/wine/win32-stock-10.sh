#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite on a stock Wine 10, whose calling convention is another.
set -u
. "$top_srcdir/tests/wine/lib.sh"
. "$top_srcdir/tests/wine/suite.sh"
need_suite trixie
suite_on_stock

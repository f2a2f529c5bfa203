#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same as enter.sh, for the library of a 32-bit unix side.
exec sh "$top_srcdir/tests/enter/enter.sh" 32

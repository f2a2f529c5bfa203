#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs on the kernel of Debian unstable, the newest.
exec "$top_srcdir/tests/vm/run" ${vm_long:+--long} sid $vm_programs

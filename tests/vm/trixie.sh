#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs on the kernel of Debian 13, 6.12.
exec "$top_srcdir/tests/vm/run" ${vm_long:+--long} trixie $vm_programs

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs on the kernel of Debian 12, 6.1, where softdirty is the best
# backend.
exec "$top_srcdir/tests/vm/run" bookworm $vm_programs

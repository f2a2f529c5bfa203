#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs on the kernel of Debian 12, 6.1, where softdirty is the best
# backend, and all of them once more on mprotect.
exec "$top_srcdir/tests/vm/run" --all-on mprotect ${vm_long:+--long} \
	bookworm $vm_programs

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The programs on the kernel of Debian 12, 6.1: those of the Win32 suite need a
# backend, which it has not.
programs=
for program in $vm_programs; do
	case $program in
	tests/win32/*) ;;
	*) programs="$programs $program" ;;
	esac
done
exec "$top_srcdir/tests/vm/run" bookworm $programs

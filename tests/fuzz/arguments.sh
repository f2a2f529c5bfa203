#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for arguments that NtGetWriteWatch answers against its rules.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-15}
export FUZZ_SECONDS
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" nt_arguments \
	$WINE_CPPFLAGS dlls/ntdll/writewatch.c tests/unit/fake.c \
	"$top_srcdir"/kernel/*.c -lcmocka -pthread

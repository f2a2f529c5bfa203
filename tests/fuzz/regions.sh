#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for calls and failures after which the registry loses a write.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-15}
export FUZZ_SECONDS
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" registry \
	tests/unit/fake.c "$top_srcdir"/kernel/*.c -lcmocka -pthread

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for calls and failures after which the registry loses a write.
set -u
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" registry \
	tests/unit/fake.c "$top_srcdir"/kernel/*.c -lcmocka -pthread

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for a file that leads those astray who look at another process.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-15}
export FUZZ_SECONDS
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" shared \
	kernel/foreign.c kernel/foreign_find.c kernel/foreign_look.c \
	kernel/known.c kernel/merge.c kernel/share.c kernel/stats.c \
	tools/foreign_text.c tools/tool.c tools/top_look.c tools/top_text.c \
	"$top_builddir/.libs/libwwkernel.a" -ljansson -lm -pthread

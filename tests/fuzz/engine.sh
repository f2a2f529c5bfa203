#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for arguments and address spaces that break the engine of PAGEMAP_SCAN.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
export FUZZ_SECONDS
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" pagemap_engine \
	kernel/pagemap/decode.c kernel/pagemap/emit.c kernel/pagemap/engine.c \
	kernel/pagemap/model.c kernel/pagemap/revisions.c kernel/pagemap/user.c

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for images in which the service table is taken to be where it is not.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-15}
export FUZZ_SECONDS
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" table_finder \
	-Ddl_iterate_phdr=fuzz_iterate_libraries dlls/winewatch/table.c kernel/linux.c

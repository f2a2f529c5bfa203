#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Looks for arguments that the winewatch command takes for others, or that break
# it. Only what reads arguments is built anew; the rest is linked as it is.
set -u
FUZZ_SECONDS=${FUZZ_SECONDS:-15}
export FUZZ_SECONDS
sources='tools/bench.c tools/conform.c tools/doctor.c tools/run.c tools/top.c'
rest=
for object in ${TOOL_OBJECTS:-}; do
	case $object in
	*-bench.o) [ "${object%/*}" = tools ] && continue ;;
	*-conform.o | *-doctor.o | *-run.o | *-top.o) continue ;;
	esac
	rest="$rest $top_builddir/$object"
done
[ -n "$rest" ] || {
	echo "1..0 # SKIP the winewatch command is not built"
	exit 0
}
exec "${SHELL:-sh}" "$top_srcdir/tests/fuzz/run.sh" options \
	-DPKGLIBDIR='""' $sources $rest "$top_builddir/.libs/libwwkernel.a" \
	-Wl,--wrap=argp_parse,--wrap=argp_error \
	-Wl,--wrap=resize_array,--wrap=format_text $TOOL_LIBS -pthread

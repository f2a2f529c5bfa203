#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the programs of tests/api and tests/native that watch memory with the
# mprotect backend: a row for each.
set -u
: "${top_builddir:=$PWD}"
WINEWATCH_BACKEND=mprotect
export WINEWATCH_BACKEND
output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
n=0

for program in api/errors api/faults api/fork api/queries api/threads \
	api/trackers api/watch native/arguments native/cancelled native/fork \
	native/limits native/model native/placeholders native/places \
	native/processes native/rows native/scarce native/storm native/stress \
	native/vectors; do
	n=$((n + 1))
	if timeout 300 "$top_builddir/tests/$program" >"$output" 2>&1; then
		echo "ok $n - $program"
		sed -n 's/^ok [0-9]* - \(.*\) # SKIP/# not with mprotect: \1:/p' \
			"$output"
	else
		echo "not ok $n - $program"
		sed 's/^/# /' "$output"
	fi
done
echo "1..$n"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# No operation takes more instructions than tests/history/bounds allows: a bound
# is what was counted when it was set, and a few percent. A lower count is a
# reason to lower the bound; "make history-bounds" sets all of them anew.
set -u
. "$top_srcdir/tests/tools/tap.sh"
here=$top_srcdir/tests/history
history=$top_builddir/tests/history/history
compiler=$(sed -n 's/^# compiler: //p' "$here/bounds")

command -v valgrind > /dev/null ||
	skip_all "valgrind is missing: apt-get install valgrind"
[ "$("$history" --compiler)" = "$compiler" ] ||
	skip_all "the bounds are of $compiler: this is $("$history" --compiler)"

# One file for each operation. What binding a function costs is not asked for.
LD_BIND_NOW=1 timeout 300 valgrind --tool=callgrind --compress-strings=no \
	--compress-pos=no --dump-after=begin '--dump-after=op_*' \
	--callgrind-out-file="$folder/out" "$history" > "$folder/log" 2>&1
is "all operations are right: exit status" $? 0
grep -v '^==' "$folder/log" | sed 's/^/# /'
for file in $(grep -l '^desc: Trigger: --dump-after=op_' "$folder"/out.*); do
	awk -f "$here/count.awk" "$file"
done | sort > "$folder/counts"
sed -n 's/^\(op_[^ ]*\).*/\1/p' "$here/bounds" | sort > "$folder/names"
is "the operations have bounds, each one" \
	"$(sed 's/ .*//' "$folder/counts")" "$(cat "$folder/names")"

# The bounds anew, in their order.
set_bounds() {
	awk 'NR == FNR { count[$1] = $2; next }
		$1 in count { $2 = int(count[$1] * 1.03) + 5 }
		{ print }' "$folder/counts" "$here/bounds" > "$folder/bounds" &&
		cp "$folder/bounds" "$here/bounds"
}

if [ "${1:-}" = --set ]; then
	set_bounds
	exit
fi

# row OPERATION BOUND
row() {
	count=$(sed -n "s/^$1 //p" "$folder/counts")
	[ "${count:-0}" -gt 0 ] && [ "$count" -le "$2" ]
	is "${1#op_}: ${count:-no} instructions, at most $2" $? 0
}

while read -r operation bound; do
	case $operation in
	op_*) row "$operation" "$bound" ;;
	esac
done < "$here/bounds"
done_testing

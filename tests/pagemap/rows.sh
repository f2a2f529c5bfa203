#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every row about PAGEMAP_SCAN, every remark of its reviewers, every bug and
# every trap has a test that is named after it, or a reason here why it cannot
# have one.
set -u
. "$top_srcdir/tests/tools/tap.sh"
tests=$top_srcdir/tests

# What cannot be tried from user space, or is nothing that a program does. A
# line: its names, "|", the reason.
cat > "$folder/reasons" << 'END'
row_6_23|locks and notifiers of the kernel: a source of pages has neither
row_16_18 row_16_19|flushes and notifiers inside the kernel: nothing shows them
row_18_8|names of the kernel's variables
remark_N1 remark_N2 remark_N3 remark_N5 remark_N6 remark_N7|style: macros, names, goto, truth values
remark_N11 remark_N12 remark_N13|style: double negation, a condition of kfree, names
remark_M9|documentation; the tables of the manual are checked in public.sh
remark_M18|where the kernel keeps a value that it computed once
remark_X2 remark_X3|style: prefixes, line lengths, early returns
trap_K16|tried where calls are refused: kernel/probe.c, api/errors.c, tools/doctor.sh
END

# Names of tests that are run: of cmocka, of TAP rows, and of programs whose
# first comment says which trap they show.
{
	sed -n 's/.*cmocka_unit_test(\([a-zA-Z0-9_]*\)).*/\1/p' \
		"$tests"/pagemap/*.c
	grep -hoE '"(row|trap)_[A-Z0-9_]+' "$tests"/pagemap/*.c \
		"$tests"/pagemap/*.sh | tr -d '"'
	for program in "$tests"/kernel/*.c; do
		sed -n '2,4p' "$program" | grep -E '(Traps?|Fact) K' |
			grep -oE '\bK[0-9]+' | sed 's/^/trap_/'
	done
} | sed 's/$/_/' > "$folder/names"

# tested NAME: whether a test has it, alone or with others: remark_L2_L3_...
tested() {
	kind=${1%%_*}
	grep -qE "^${kind}_([A-Z][0-9]+_)*${1#"$kind"_}_" "$folder/names"
}

reason_for() {
	sed -n "s/^\([^|]* \)*$1\( [^|]*\)*|//p" "$folder/reasons"
}

# every KIND PREFIX LAST: a row of this test for each of them.
every() {
	for i in $(seq "$3"); do
		name=${1}_$2$i
		why=$(reason_for "$name")
		if tested "$name"; then
			is "$name has a test, and no reason to have none" \
				"$why" ""
		else
			like "$name has no test, and a reason" "$why" '?*'
		fi
	done
}

every row 6_ 27
every row 10_ 15
every row 16_ 22
every row 18_ 9
every row G_ 6
every row M_ 16
every remark N 14
every remark M 21
every remark R 2
every remark X 10
every remark L 7
every trap K 17
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# winewatch doctor on the kernel: the JSON object, the exit statuses, and a
# kernel that refuses.
set -u
. "$top_srcdir/tests/tools/tap.sh"
deny=$top_builddir/tests/tools/deny

# ask ARGUMENT...: runs "ARGUMENT... doctor --json", status in $status, the
# facts in $facts.
ask() {
	"$@" --json > "$folder/json" 2> "$folder/err"
	status=$?
	facts=$("$top_builddir/tests/tools/doctor-json" < "$folder/json" 2>&1)
	valid=$?
}

fact() {
	printf '%s\n' "$facts" | sed -n "s/^$1 //p"
}

# What the exit status must be, from the facts.
expected_status() {
	case $(fact backend) in
	none)
		case $facts in
		*feature*' missing'*) echo 1 ;;
		*) echo 3 ;;
		esac
		;;
	*) echo 0 ;;
	esac
}

ask "$winewatch" doctor
is "the JSON object is as specified" "$valid" 0
[ "$valid" = 0 ] || printf '%s\n' "$facts" | sed 's/^/# /'
is "nothing on standard error" "$(cat "$folder/err")" ""
is "it names the running kernel" "$(fact kernel)" "$(uname -r)"
is "it names the version" "winewatch $(fact version)" \
	"$("$winewatch" --version)"
is "the exit status follows from it" "$status" "$(expected_status)"
backend=$(fact backend)
echo "# kernel $(uname -r), backend $backend"

"$winewatch" doctor > "$folder/out" 2> "$folder/err"
is "the text has the same exit status" $? "$status"
like "and names the backend" "$(cat "$folder/out")" "*backend: $backend*"

feature=$(fact feature | head -n 1)
"$winewatch" doctor --feature="${feature% *}" > "$folder/out"
got=$?
case $feature in
*' supported') wanted=0 ;;
*' missing') wanted=1 ;;
*) wanted=3 ;;
esac
is "--feature has the exit status of that feature" "$got" "$wanted"
ask "$winewatch" doctor --feature="${feature% *}"
is "and answers for that feature alone" "$valid $(fact feature)" "0 $feature"

# usage NAME PATTERN ARGUMENT...: exit status 2 and that message.
usage() {
	name=$1 pattern=$2
	shift 2
	"$winewatch" doctor "$@" > "$folder/out" 2> "$folder/err"
	is "$name: usage" $? 2
	like "$name: message" "$(cat "$folder/err")" "$pattern"
}

usage "an unknown feature" "winewatch: there is no feature 'x'*" --feature=x
usage "two features" "*given twice*" --feature=x --feature=x
usage "an argument" "*'x' is not an option of doctor*" x
usage "an unknown option" "*unrecognized option*" --x

"$winewatch" doctor --json > /dev/full 2> "$folder/err"
is "a full disk is no answer" $? 3
is "and is told" "$(cat "$folder/err")" \
	"winewatch: standard output could not be written"

if [ ! -x "$deny" ]; then
	skip 6 "a kernel that refuses" "libseccomp is missing"
elif [ "$backend" = none ]; then
	skip 6 "a kernel that refuses" "this kernel has no backend"
else
	for error in EPERM:unknown ENOSYS:missing; do
		state=${error##*:}
		ask "$deny" userfaultfd "${error%:*}" "$winewatch" doctor
		is "userfaultfd gives ${error%:*}: valid" "$valid" 0
		like "... another backend, userfaultfd $state" \
			"$(fact backend), $(fact 'feature userfaultfd')" \
			"[!u]*, $state"
		is "... exit status" "$status" 0
	done
fi
done_testing

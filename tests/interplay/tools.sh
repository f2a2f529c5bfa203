#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A watching program under the tools of those who look for its faults: it is told
# exactly what it has written, or that there is no backend; it never crashes.
set -u
. "$top_srcdir/tests/tools/tap.sh"

watcher=$top_builddir/tests/interplay/watcher
[ "$("$watcher")" = exact ] || skip_all "no backend"

# have PROGRAM NAME: whether it is there; a skipped row if not.
have() {
	command -v "$1" > /dev/null && return 0
	skip 1 "$2" "no $1"
	return 1
}

# What the program does itself.
for backend in uffd softdirty mprotect; do
	for mode in '' segv uffd; do
		name="backend $backend${mode:+, mode $mode}"
		answer=$(WINEWATCH_BACKEND=$backend timeout 60 "$watcher" $mode)
		case $answer in
		'no backend') skip 1 "$name" "$answer" ;;
		*) is "$name" "$answer" exact ;;
		esac
	done
done

if have strace "strace -f"; then
	if strace -o /dev/null true 2> /dev/null; then
		is "strace -f" "$(timeout 60 strace -f -o /dev/null "$watcher")" exact
	else
		skip 1 "strace -f" "ptrace is refused"
	fi
fi

# It answers userfaultfd with ENOSYS, and goes on after a handler of SIGSEGV with
# stale registers.
if have valgrind valgrind; then
	answer=$(timeout 100 valgrind -q "$watcher" 2> "$folder/valgrind")
	status=$?
	if grep -q -i 'debug *info' "$folder/valgrind"; then
		skip 1 "valgrind" "it does not understand this compiler"
	elif [ "$answer" = "no backend" ]; then
		is "valgrind: refused" $status 0
	else
		is "valgrind" "$answer" exact
	fi
fi

# begin_waiting and end_waiting: a program whose memory others look at, in $pid,
# $address and $page; then what it said at its end, in $said.
begin_waiting() {
	mkfifo "$folder/in" "$folder/out"
	timeout 100 "$watcher" wait < "$folder/in" > "$folder/out" &
	exec 7> "$folder/in" 8< "$folder/out"
	read -r pid address page <&8
}

end_waiting() {
	echo go >&7
	said=$(tr '\n' ';' <&8)
	exec 7>&- 8<&-
	wait
	rm -f "$folder/in" "$folder/out"
}

if have gdb gdb; then
	begin_waiting
	timeout 60 gdb -nx -batch -p "$pid" \
		-ex "set {char}($address + 5 * $page) = 7" \
		-ex "print {char}($address + 9 * $page)" \
		> "$folder/gdb" 2>&1
	attached=$?
	end_waiting
	if grep -q "ptrace:" "$folder/gdb"; then
		skip 1 "gdb writes a page and reads another" "ptrace is refused"
	else
		is "gdb writes a page and reads another" "$attached, $said" \
			"0, written: 5;exact;"
	fi
fi
if have gdb "gdb stops in the midst of writes"; then
	is "gdb stops in the midst of writes" "$(timeout 100 gdb -nx -batch \
		-ex 'break ww_get' -ex run -ex 'ignore 1 20' -ex continue \
		-ex delete -ex continue "$watcher" 2>&1 < /dev/null |
		grep -x exact)" exact
fi
if have gcore "a core dump"; then
	begin_waiting
	timeout 100 gcore -o "$folder/core" "$pid" > "$folder/gcore" 2>&1
	dumped=$?
	end_waiting
	if grep -q "ptrace:" "$folder/gcore"; then
		skip 1 "a core dump" "ptrace is refused"
	else
		is "a core dump has watched memory, and changes none" \
			"$dumped, $(grep -a -c 'watched-dumped' \
			"$folder/core.$pid"), $said" "0, 1, exact;"
	fi
	rm -f "$folder"/core.*
fi
done_testing

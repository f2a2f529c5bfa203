#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the library makes of a Wine when its ntdll.so is loaded: its service
# table is replaced all or nothing, and the log says which in one line. On
# stand-ins for Wine's ntdll.so.
set -u
. "$top_srcdir/tests/tools/tap.sh"

# With an argument, as 32-bit programs.
bits=${1:-64}
load=$top_builddir/tests/enter/load
if [ "$bits" = 32 ]; then
	load=$top_builddir/tests/enter/i386/load
	library=$(realpath "$top_builddir/dlls/winewatch")
	library=$library/preload/lib/i386-linux-gnu/libwinewatch.so
fi
all="AllocateVirtualMemory AllocateVirtualMemoryEx FreeVirtualMemory"
all="$all GetWriteWatch ResetWriteWatch ReadVirtualMemory WriteVirtualMemory"
all="$all LockVirtualMemory ProtectVirtualMemory"

# ntdll VARIANT: the stand-in's path.
ntdll() {
	case $bits in
	32) echo "$top_builddir/tests/enter/i386/$1/ntdll.so" ;;
	*) echo "$top_builddir/tests/enter/$1/.libs/ntdll.so" ;;
	esac
}

# name_of ABI: what the log calls it.
name_of() {
	case $bits$1 in
	32ms) echo stdcall ;;
	32sysv) echo cdecl ;;
	*) echo "$1" ;;
	esac
}

# loaded VARIANT [ENVIRONMENT]...: the facts about it, and the log in $folder.
loaded() {
	file=$(ntdll "$1")
	shift
	rm -f "$folder/log"
	env WINEWATCH_LOG=debug WINEWATCH_LOG_FILE="$folder/log" "$@" \
		LD_PRELOAD="$library" "$load" "$file" 2>&1
}

# log: its lines, with PID for the process.
log() {
	[ ! -e "$folder/log" ] || sed 's/^winewatch\[[0-9]*\]: /winewatch[PID]: /' \
		"$folder/log"
}

# entered VARIANT ABI OWN [ENVIRONMENT]...
entered() {
	variant=$1 abi=$(name_of "$2") own=$3
	shift 3
	is "$variant${1:+, $1}: the services are replaced, the table is as it was" \
		"$(loaded "$variant" "$@")" "replaced: $all
table: $access
userfaultfds: 0"
	is "$variant${1:+, $1}: the log says so" "$(log)" \
		"winewatch[PID]: entered $(ntdll "$variant"): abi $abi, own watches $own"
}

# stayed_out VARIANT ABI OWN REASON [ENVIRONMENT]...
stayed_out() {
	variant=$1 abi=$(name_of "$2") own=$3 reason=$4
	shift 4
	is "$variant${1:+, $1}: nothing is replaced" "$(loaded "$variant" "$@")" \
		"replaced:
table: $access
userfaultfds: 0"
	is "$variant${1:+, $1}: the log says why" "$(log)" \
		"winewatch[PID]: stayed out of $(ntdll "$variant"): $reason: abi $abi, own watches $own"
}

# left_alone ENVIRONMENT: nothing is replaced, probed or said.
left_alone() {
	is "$1: nothing is replaced" "$(loaded sysv "$1")" "replaced:
table: r--p
userfaultfds: 0"
	is "$1: no log" "$(log)" ""
}

# Without the library, for comparison.
is "a table that nobody touched" "$("$load" "$(ntdll sysv)")" "replaced:
table: r--p
userfaultfds: 0"

access=r--p
entered sysv sysv no
entered ms ms no
entered now sysv no
access=rw-p
entered norelro sysv no
access=r--p

own_reason="it has kernel write watches of its own (WINEWATCH=force replaces them)"
table_reason="its service table was not recognised"
stayed_out own sysv yes "$own_reason"
stayed_out own-ms ms yes "$own_reason"
stayed_out own sysv yes "$own_reason" WINEWATCH=1
entered own sysv yes WINEWATCH=force
entered own-ms ms yes WINEWATCH=force
stayed_out twice sysv no "$table_reason"
stayed_out twice sysv no "$table_reason" WINEWATCH=force
stayed_out alone sysv no "$table_reason"
stayed_out lacking sysv no "a service is not exported"
stayed_out strange unknown no "its calling convention was not recognised"
stayed_out no-watch unknown no "it has no NtGetWriteWatch"
calls_reason="its system calls were not recognised"
stayed_out sysv sysv no "$calls_reason" WINEWATCH_BACKEND=mprotect
stayed_out ms ms no "$calls_reason" WINEWATCH_BACKEND=softdirty
entered sysv sysv no WINEWATCH_BACKEND=uffd

left_alone WINEWATCH=0
left_alone WINE_DISABLE_KERNEL_WRITEWATCH=1
entered sysv sysv no WINE_DISABLE_KERNEL_WRITEWATCH=0
entered sysv sysv no WINE_DISABLE_KERNEL_WRITEWATCH=
entered sysv sysv no WINEWATCH=

# The log's levels and places.
rm -f "$folder/log"
is "a quiet load says nothing" "$(LD_PRELOAD=$library "$load" "$(ntdll sysv)" \
	2>&1 > /dev/null)" ""
is "so does one at info" "$(WINEWATCH_LOG=info LD_PRELOAD=$library \
	"$load" "$(ntdll sysv)" 2>&1 > /dev/null)" ""
like "standard error without a log file" "$(WINEWATCH_LOG=debug \
	LD_PRELOAD=$library "$load" "$(ntdll sysv)" 2>&1 > /dev/null)" \
	"winewatch\\[[1-9]*\\]: entered *: abi $(name_of sysv), own watches no"

# A file that is not there: dlopen's own answer.
is "no such ntdll.so" "$(LD_PRELOAD=$library "$load" "$folder/ntdll.so")" \
	"$("$load" "$folder/ntdll.so")"

# The same library under other names is not Wine's.
cp "$(ntdll sysv)" "$folder/other.so"
is "another name" "$(LD_PRELOAD=$library "$load" "$folder/other.so")" "replaced:
table: r--p
userfaultfds: 0"

is "loaded twice" "$(LD_PRELOAD=$library "$load" "$(ntdll sysv)" again)" \
	"replaced: $all
table: r--p
userfaultfds: 0"

# answers VARIANT WHAT COUNT: that many facts, all of which must be so.
answers() {
	LD_PRELOAD=$library WINEWATCH=force "$load" "$(ntdll "$1")" "$2" \
		> "$folder/rows" 2>&1
	is "$1: $2: everything is tried" "$(lines "$folder/rows")" "$3"
	while IFS=: read -r name answer; do
		is "$1: $name" "$answer" " yes"
	done < "$folder/rows"
}

# The convention: what Wine is given, and what the program gets.
refusal=$(WINEWATCH_LOG=info LD_PRELOAD=$library "$load" "$(ntdll sysv)" watch \
	2>&1 > /dev/null | sed -n 's/.*no backend: //p')
for variant in sysv ms norelro own own-ms; do
	answers "$variant" call 5
	if [ -n "$refusal" ]; then
		skip 10 "$variant: watch" "no backend: $refusal"
	else
		answers "$variant" watch 9
	fi
done
done_testing

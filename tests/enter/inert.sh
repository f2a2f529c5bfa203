#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A process that loads no ntdll.so does not notice the library: no descriptor,
# no thread, no output, no log file, and dlopen searches where it always did.
set -u
. "$top_srcdir/tests/tools/tap.sh"

enter=$top_builddir/tests/enter
caller=$enter/.libs/libcaller.so
early=$enter/.libs/libearly.so

# the_same NAME COMMAND...: output and exit status do not depend on it.
the_same() {
	name=$1
	shift
	without=$("$@" 2>&1; echo "exit $?")
	with=$(WINEWATCH_LOG=debug WINEWATCH_LOG_FILE="$folder/log" \
		LD_PRELOAD="$library" "$@" 2>&1; echo "exit $?")
	is "$name" "$with" "$without"
}

the_same "a shell" sh -c 'echo hello; exit 3'
the_same "ls" ls -l "$top_srcdir/tests"
the_same "the descriptors of a shell" sh -c 'cd /proc/self/fd && echo *'
the_same "the descriptors of ls" sh -c 'ls /proc/self/fd | wc -l'
the_same "the threads of grep" grep Threads: /proc/self/status
the_same "the blocked signals of grep" grep -E '^Sig(Blk|Ign|Cgt):' \
	/proc/self/status
the_same "a program that loads libraries" "$enter/plain" "$caller" libfound.so
is "and it found them by the RUNPATH of their caller" \
	"$(LD_PRELOAD=$library "$enter/plain" "$caller" libfound.so | sed -n 2p)" \
	found
the_same "a name that nobody knows" "$enter/plain" "$caller" libnowhere.so
the_same "ntdll.so as a bare name" "$enter/plain" "$caller" ntdll.so
the_same "an ntdll.so that is not there" "$enter/plain" "$caller" \
	"$folder/ntdll.so"
is "no log file" "$(ls "$folder")" ""

# Another preloaded library calls dlopen in its constructor. The later one's
# runs first; the order is tried both ways.
for preload in "$library:$early" "$early:$library"; do
	is "a dlopen before our constructors" \
		"$(LD_PRELOAD=$preload "$enter/plain" "$caller" libfound.so |
			sed 4d)" "early: found
caller found, libm found
found"
done
done_testing

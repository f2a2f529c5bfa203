#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints docs/tour.md: what a new user sees of every command. To be run by root in
# a fresh Debian, in the folder with the packages; all but installing is done by
# an ordinary user. A command with another exit status than it ought to have is
# named on standard error.
set -u
failed=0
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# No names of machines: a kernel's release ends where the distribution's part of
# it begins.
print_log() {
	sed -e 's/\(Linux [0-9][0-9.]*\)-[^ ,]*/\1/' -e 's/\r$//' \
		-e 's/\("kernel": *"[0-9][0-9.]*\)-[^"]*/\1/' "$log" | sed "$1"
}

# end COMMAND STATUS GOT
end() {
	[ "$2" = "$3" ] && return
	echo "tour: exit status $3, not $2: $1" >&2
	failed=1
}

# as_root COMMAND [SED]: what it prints, changed by the sed script.
as_root() {
	echo "# $1"
	sh -c "$1" > "$log" 2>&1
	end "$1" 0 $?
	print_log "${2:-}"
}

# try STATUS COMMAND [SED]: the same for the user.
try() {
	echo "\$ $2"
	timeout 120 runuser -u player -- env -i HOME=/home/player \
		PATH=/usr/bin:/bin LC_ALL=C.UTF-8 WINEDEBUG=-all \
		WINEDLLOVERRIDES=mscoree,mshtml= \
		sh -c "cd && $2" > "$log" 2>&1
	end "$2" "$1" $?
	print_log "${3:-}"
}

begin() {
	printf '\n## %s\n\n' "$1"
	cat
	printf '\n```console\n'
}

fence() {
	echo '```'
}

useradd --create-home player || exit
cat << 'END'
# A tour

Every command once, as it was typed in a fresh Debian 12 that installs nothing
which is only recommended, and what came of it. The packages are those of
[packages.md](packages.md). `make docs/tour.md` does it all again and writes this
page.
END

begin Installing << 'END'
In a folder with the packages, as root (much of what apt says is left out, here
and at the end):
END
as_root 'apt-get install -y ./*.deb wine' '
	/newly installed/b
	/^Setting up .*\(winewatch\|libwritewatch\)/!d'
fence
cat << 'END'

From here on by an ordinary user without a display, for which Wine wants to be
told not to talk and not to ask:

```console
$ export WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml=
```
END

begin 'winewatch doctor: is it working?' << 'END'
What this kernel and this Wine can do, and for every no the reason and the remedy;
the same for other programs.
END
try 0 'winewatch --version'
try 0 'winewatch doctor --wine wine'
try 0 'winewatch doctor --json --feature=pagemap-scan'
try 0 'WINEWATCH_BACKEND=mprotect winewatch doctor | grep backend'
fence

begin 'winewatch run: a Windows program' << 'END'
The example writes 1,500 of 32,768 pages a frame, asks GetWriteWatch which, copies
those, and compares at the end. First with winewatch, whose line appears because it
was asked for, then without it. What Wine says is about its first start, here
without 32-bit programs; what the times are on a quiet machine stands in
[README.md](../README.md).
END
example=/usr/share/doc/winewatch/examples/rollback.exe
try 0 "WINEWATCH_LOG=info winewatch run wine $example"
try 0 "WINEWATCH=0 WINEWATCH_LOG=info winewatch run wine $example 60"
try 0 "wine $example 60"
fence

begin 'winewatch top: what it writes' << 'END'
[top.md](top.md) says what the columns are. A program goes on when nobody looks any
more.
END
try 0 "winewatch top --count=3 -- wine $example 1500"
try 0 "winewatch top --json --count=3 -- wine $example 1500 | tail -n 1"
try 1 'sleep 5 & winewatch top $!'
fence

begin 'winewatch conform: does it behave like Windows?' << 'END'
One group of the rules; without `--group` it is all of them, in some minutes.
END
try 0 'winewatch conform --wine wine --group=validate'
fence

begin 'winewatch bench: how fast it is' << 'END'
Two cases, beside the methods of others. Nothing else should run meanwhile; here
something may have.
END
try 0 'winewatch bench --quick --case=get-reset/8192/random --case=commit'
try 0 'winewatch bench --list | head -n 3'
fence

begin 'The libraries: a program of one'"'"'s own' << 'END'
With a compiler and pkg-config, as root `apt-get install gcc libc6-dev pkg-config`.
END
apt-get install -y gcc libc6-dev pkg-config > "$log" 2>&1
end 'apt-get install gcc' 0 $?
try 0 'cp /usr/share/doc/libwritewatch-dev/examples/*.c . && ls *.c'
for name in checkpoint cards; do
	try 0 "cc -O2 -o $name $name.c \$(pkg-config --cflags --libs writewatch)"
done
try 0 './checkpoint saved'
try 0 './cards'
for name in pageguard rollback; do
	try 0 "cc -O2 -o $name $name.c \$(pkg-config --cflags --libs writewatch-win32)"
done
try 0 './pageguard'
try 0 './rollback'
try 0 'winewatch top --count=2 -- ./rollback 1500'
fence

begin 'Getting help' << 'END'
`winewatch --help` has all of it, `man winewatch` explains it, and
`man ww_get` has an example that compiles.
END
try 0 'winewatch help run'
try 0 'winewatch help top'
try 2 'winewatch top'
fence

begin 'Taking it away' << 'END'
Nothing was changed that would have to be put back.
END
as_root 'apt-get purge -y winewatch libwritewatch-dev libwritewatch-win32-0 libwritewatch0' \
	'/^Purging\|^Removing/!d'
try 127 'winewatch doctor'
fence
exit "$failed"

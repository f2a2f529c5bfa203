#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# An installation in a folder of its own: a program builds against it with what
# pkg-config says alone, and the pages are found.
set -u
. "$top_srcdir/tests/api/lib.sh"
command -v pkg-config > /dev/null || skip_all "pkg-config is missing"
# this test is no part of the make that started it
unset MAKEFLAGS MFLAGS MAKELEVEL

make -C "$top_builddir" install-libLTLIBRARIES install-includeHEADERS \
	install-pkgconfigDATA install-man DESTDIR="$folder/root" \
	> "$folder/log" 2>&1
is "it can be installed" $? 0
file=$(find "$folder/root" -name writewatch.pc)
like "there is one writewatch.pc" "$file" "*/pkgconfig/writewatch.pc"
PKG_CONFIG_SYSROOT_DIR=$folder/root
PKG_CONFIG_LIBDIR=${file%/*}
PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS PKG_CONFIG_ALLOW_SYSTEM_LIBS
LD_LIBRARY_PATH=${file%/pkgconfig/*}
export LD_LIBRARY_PATH

cat > "$folder/program.c" << 'END'
#include <stdio.h>
#include <writewatch.h>
int main(void)
{
	return puts(ww_version()) < 0;
}
END
$CC -Werror -o "$folder/program" "$folder/program.c" \
	$(pkg-config --cflags --libs writewatch) 2> "$folder/cc"
is "a program builds with pkg-config alone" "$(cat "$folder/cc")" ""
is "it finds the library, of the version that pkg-config names" \
	"$("$folder/program")" "$(pkg-config --modversion writewatch)"

if command -v man > /dev/null; then
	example > "$folder/example.c"
	$CC -o "$folder/example" "$folder/example.c" \
		$(pkg-config --cflags --libs writewatch) 2> "$folder/cc"
	is "so does the example of the pages" "$(cat "$folder/cc")" ""
	example_runs "$folder/example"
	pages=$(find "$folder/root" -type d -name man3)
	for name in ww_get ww_close; do
		like "man finds $name" \
			"$(man -M "${pages%/man3}" -E ascii 3 $name 2>&1)" \
			"*NAME*$name*SYNOPSIS*"
	done
else
	skip 4 "the installed pages and their example" "man is missing"
fi

if [ -f "${file%/*}/writewatch-win32.pc" ]; then
	make -C "$top_builddir" install-writewatchHEADERS \
		DESTDIR="$folder/root" > "$folder/log" 2>&1
	$CC -Werror -O2 -o "$folder/rollback" "$top_srcdir/examples/rollback.c" \
		$(pkg-config --cflags --libs writewatch-win32) 2> "$folder/cc"
	is "a port builds with pkg-config alone" "$(cat "$folder/cc")" ""
	like "and runs" "$("$folder/rollback" 5)" "*copy: identical"
else
	skip 2 "a port builds with pkg-config alone" \
		"the Win32 library is not built here"
fi

done_testing

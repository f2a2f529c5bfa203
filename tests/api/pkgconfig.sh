#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# An installation: a program builds against it with what
# pkg-config says alone, and the pages are found.
set -u
. "$top_srcdir/tests/api/lib.sh"
command -v pkg-config > /dev/null || skip_all "pkg-config is missing"
use_installed

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
	pages=$(find "$installed" -type d -name man3)
	for name in ww_get ww_close; do
		like "man finds $name" \
			"$(man -M "${pages%/man3}" -E ascii 3 $name 2>&1)" \
			"*NAME*$name*SYNOPSIS*"
	done
else
	skip 4 "the installed pages and their example" "man is missing"
fi

if pkg-config --exists writewatch-win32; then
	$CC -Werror -O2 -o "$folder/rollback" "$top_srcdir/examples/rollback.c" \
		$(pkg-config --cflags --libs writewatch-win32) 2> "$folder/cc"
	is "a port builds with pkg-config alone" "$(cat "$folder/cc")" ""
	like "and runs" "$("$folder/rollback" 5)" "*copy: identical"
else
	skip 2 "a port builds with pkg-config alone" \
		"the Win32 library is not built here"
fi

done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The installed examples build with what pkg-config says alone, and do what
# they say.
set -u
. "$top_srcdir/tests/api/lib.sh"
command -v pkg-config > /dev/null || skip_all "pkg-config is missing"
use_installed

# An example that uses ww_open says so where there is no backend.
cat > "$folder/probe.c" << 'END'
#include <writewatch.h>
int main(void)
{
	struct ww *ww;
	return ww_open(&ww, 0) < 0;
}
END
$CC -o "$folder/probe" "$folder/probe.c" \
	$(pkg-config --cflags --libs writewatch) && "$folder/probe"
has_backend=$?

# example NAME PACKAGE LAST ARGUMENT...: builds it with PACKAGE and runs it; its
# last line is LAST.
example() {
	name=$1 package=$2 last=$3
	shift 3
	if ! pkg-config --exists "$package"; then
		skip 2 "$name" "$package is not built here"
		return
	fi
	source=$(find "$installed" -name "$name.c")
	$CC -std=c11 -Wall -Wextra -Werror -O2 -o "$folder/$name" "$source" \
		$(pkg-config --cflags --libs "$package") 2> "$folder/cc"
	is "$name builds with pkg-config alone" "$(cat "$folder/cc")" ""
	if [ $has_backend != 0 ]; then
		skip 1 "$name runs" "no backend here"
		return
	fi
	timeout 60 "$folder/$name" "$@" > "$folder/out" 2>&1
	is "$name ends well" "$? $(tail -n 1 "$folder/out")" "0 $last"
	sed 's/^/# /' "$folder/out"
}

example cards writewatch "objects: all found, no more kept"
example checkpoint writewatch "restored: identical" "$folder/saved"
example pageguard writewatch-win32 "replay: identical"
example rollback writewatch-win32 "copy: identical" 5
is "there are no others" \
	"$(cd "$top_srcdir/examples" && echo *.c)" \
	"cards.c checkpoint.c pageguard.c rollback.c"
done_testing

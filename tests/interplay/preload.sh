#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Beside other preloaded libraries, in either order, and in a program with
# AddressSanitizer.
set -u
. "$top_srcdir/tests/tools/tap.sh"

watcher=$top_builddir/tests/interplay/watcher
overlay=$top_builddir/tests/interplay/.libs/liboverlay.so
load=$top_builddir/tests/enter/load
ntdll=$top_builddir/tests/enter/sysv/.libs/ntdll.so
[ "$("$watcher")" = exact ] || skip_all "no backend"

is "a native program" "$(LD_PRELOAD=$overlay "$watcher" 2>&1)" "overlay: used
exact"

if [ -f "$library" ]; then
	alone=$(LD_PRELOAD=$library "$load" "$ntdll" watch)
	is "alone, everything is answered" "$(echo "$alone" | grep -c -v yes)" 0
	for preload in "$library:$overlay" "$overlay:$library"; do
		is "${preload##*/} after the other" \
			"$(LD_PRELOAD=$preload "$load" "$ntdll" watch 2>&1)" \
			"overlay: used
$alone"
	done
	is "a shell with both" "$(LD_PRELOAD="$library $overlay" \
		sh -c 'echo "$((1 + 1))"' 2> /dev/null)" 2
else
	skip 4 "libwinewatch beside another" "libwinewatch is not built"
fi

sources="$top_srcdir/tests/interplay/watcher.c"
sanitized="${CC:-cc} -std=gnu11 -g -D_GNU_SOURCE -I$top_srcdir/include
	-fsanitize=address"
libraries=$top_builddir/.libs
if $sanitized -o "$folder/sanitized" "$sources" -L"$libraries" -lwritewatch \
		2> "$folder/errors"
then
	for mode in '' uffd; do
		is "AddressSanitizer${mode:+, mode $mode}" \
			"$(LD_LIBRARY_PATH=$libraries timeout 60 \
			"$folder/sanitized" $mode 2>&1)" exact
	done
	is "AddressSanitizer, backend mprotect" \
		"$(ASAN_OPTIONS=handle_segv=0 WINEWATCH_BACKEND=mprotect \
		LD_LIBRARY_PATH=$libraries timeout 60 "$folder/sanitized" 2>&1)" \
		exact
	is "AddressSanitizer, backend mprotect, with its own handler below" \
		"$(WINEWATCH_BACKEND=mprotect LD_LIBRARY_PATH=$libraries \
		timeout 60 "$folder/sanitized" 2>&1)" exact
	if [ -f "$library" ]; then
		is "AddressSanitizer and libwinewatch" \
			"$(ASAN_OPTIONS=verify_asan_link_order=0 \
			LD_PRELOAD=$library LD_LIBRARY_PATH=$libraries \
			timeout 60 "$folder/sanitized" 2>&1)" exact
	fi
else
	skip 5 "AddressSanitizer" "the compiler has none"
fi
done_testing

# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite on $WINE, without and with winewatch. Sourced after lib.sh.
suite=$top_builddir/tests/win32/x86_64-windows/writewatch.exe

# use_32_bit_suite: as a program for 32-bit Windows.
use_32_bit_suite() {
	suite=$top_builddir/tests/win32/i386-windows/writewatch.exe
	test -f "$suite" || skip "the 32-bit suite is not built" \
		"(apt-get install gcc-mingw-w64-i686)"
}

# suite_on_stock: whatever Wine is known to do wrong is listed row by row.
suite_on_stock() {
	need_wine "$suite"
	version=$($WINE --version 9>&- |
		sed -n 's/^wine-\([0-9]*\.[0-9]*\).*/\1/p')
	faults=$here/known-faults-$version
	test -f "$faults" || skip "the faults of Wine $version are not listed"
	# Some faults are endless loops; nothing that works takes this long.
	stock "$suite" --timeout 10 |
		awk -v faults="$faults" -f "$here/known-faults.awk"
}

# suite_with_winewatch LIST: every row passes but those that only Wine can mend,
# which are listed there.
suite_with_winewatch() {
	need_wine "$suite"
	need_winewatch
	log=$work/$(basename "$0" .sh).uffd
	rm -f "$log"
	n_rows=$(stock "$suite" --list | grep -c -P '\t')
	echo "1..$((n_rows + 1))"
	watched "$suite" | grep -v '^1\.\.' |
		awk -v faults="$here/$1" \
			-f "$here/known-faults.awk"
	was_watched $((n_rows + 1))
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of the C library's pages share. To be read in by a test after
# "set -u"; brings tests/tools/tap.sh along.
. "$top_srcdir/tests/tools/tap.sh"
man=$top_srcdir/man

# render PAGE: as a reader on a plain terminal sees it.
render() {
	MANWIDTH=80 man -E ascii -l "$1" 2> /dev/null
}

# section NAME: that section of a rendered page.
section() {
	awk -v name="$1" '/^[A-Z]/ { inside = $0 == name; next } inside'
}

# The example of the pages: what its section has from the first #include on.
example() {
	render "$man/ww_get.3" | section EXAMPLES | sed -n '/#include/,$p'
}

# use_installed: with a row; what pkg-config finds, and what programs load, is what
# the build has installed for the tests.
use_installed() {
	installed=$top_builddir/tests/api/installed
	file=$(find "$installed" -name writewatch.pc)
	like "there is one writewatch.pc" "$file" "*/pkgconfig/writewatch.pc"
	PKG_CONFIG_SYSROOT_DIR=$installed
	PKG_CONFIG_LIBDIR=${file%/*}
	PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
	PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
	LD_LIBRARY_PATH=${file%/pkgconfig/*}
	export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR LD_LIBRARY_PATH
	export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS PKG_CONFIG_ALLOW_SYSTEM_LIBS
}

# example_runs COMMAND...: a row about the compiled example.
example_runs() {
	said=$("$@" 2>&1)
	case $said in
	ww_open:*) skip 1 "the example runs" "no backend here: $said" ;;
	*) is "the example runs" "$said" "50 pages copied, equal" ;;
	esac
}

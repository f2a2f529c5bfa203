# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of commands and options share: the lists that the command is
# made from. To be read in by a test after "set -u"; brings tests/tools/tap.sh
# along.
. "$top_srcdir/tests/tools/tap.sh"
[ -x "$winewatch" ] || skip_all "the winewatch command is not built here"
"$top_builddir/tests/packaging/list" > "$folder/list"

commands() {
	sed -n 's/^command //p' "$folder/list"
}

# options_of COMMAND: with what they take, "--json=FILE".
options_of() {
	sed -n "/^options $1\$/,/^[^-]/s/^--/--/p" "$folder/list"
}

variables() {
	sed '1,/^variables$/d' "$folder/list"
}

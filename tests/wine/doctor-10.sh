#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The doctor and the rollback example on Wine 10, behind a wrapper command.
set -u
. "$top_srcdir/tests/wine/lib.sh"
rollback=$top_builddir/examples/x86_64-windows/rollback.exe
need_suite trixie
need_wine "$rollback"
need_winewatch
facts=$top_builddir/tests/tools/doctor-json
test -x "$facts" || skip "tests/tools/doctor-json is not built" \
	"(apt-get install libjansson-dev)"

"$winewatch" doctor --json --wine="$WINE" 9>&- | "$facts" |
	tr -d '\r' >"$work/doctor-10.out"

# fact NAME: what the doctor says of it.
fact() {
	sed -n "s/^$1 //p" "$work/doctor-10.out" | tail -n 1
}

log=$work/doctor-10.uffd
rm -f "$log"
echo 1..6
is 1 "the doctor on a wrapper: winewatch serves its Wine" "$(fact wine)" \
	supported
is 2 "its calling convention" "$(fact abi)" sysv
is 3 "its version is 10" "$(fact version | cut -c 1-8)" wine-10.
is 4 "the rollback example, stock" \
	"$(stock "$rollback" 20 | tail -n 1)" "copy: identical"
is 5 "the rollback example, with winewatch" \
	"$(watched "$rollback" 20 | tail -n 1)" "copy: identical"
was_watched 6

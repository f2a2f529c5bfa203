#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program that has gained privileges does not load libwinewatch, and what links
# the libraries does not listen to its environment.
set -u
. "$top_srcdir/tests/tools/tap.sh"

[ "$(id -u)" -eq 0 ] || skip_all "only root can make a setuid program"
command -v setpriv > /dev/null || skip_all "no setpriv (util-linux)"
[ -f "$library" ] || skip_all "libwinewatch is not built"

# As somebody else, where that user can read it.
chmod 755 "$folder"
cp "$top_builddir/tests/interplay/privileged" "$folder/plain"
cp "$folder/plain" "$folder/setuid"
cp "$library" "$folder/libwinewatch.so"
chown 1 "$folder/setuid"
chmod 4755 "$folder/setuid"

# started PROGRAM: what it says of itself, as nobody, with our environment.
started() {
	LD_PRELOAD=$folder/libwinewatch.so WINEWATCH_BACKEND=nonsense \
		setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$folder/$1" 2> "$folder/errors"
}

case $(started setuid) in
*"privileged: no"*) skip_all "no setuid programs where mktemp makes folders" ;;
esac
[ -n "$(WINEWATCH_BACKEND='' "$folder/plain" | grep ignored)" ] ||
	skip_all "no backend"
is "a plain program" "$(started plain)" "privileged: no
preloaded: yes
environment: obeyed"
is "a setuid program" "$(started setuid)" "privileged: yes
preloaded: no
environment: ignored"
done_testing

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The man page says what winewatch --help says, and renders.
set -u
. "$top_srcdir/tests/tools/tap.sh"
page=$top_srcdir/man/winewatch.1

# The tagged paragraphs of the page, a line each, without its macros.
in_the_page() {
	sed 's/\\f[BIR]//g; s/\\-/-/g' "$page" | awk '
		/^\.SH / { wanted = /COMMANDS|OPTIONS|ENVIRONMENT/ }
		/^\./ { if (text != "") print text; text = "" }
		/^\.TP/ { tagged = wanted }
		/^\.[A-SU-Z]/ { tagged = 0 }
		!/^\./ && tagged { text = text (text == "" ? "" : " ") $0 }
		END { if (text != "") print text }' | sort
}

# The same of the help text; argp is told to keep each on one line.
in_the_help() {
	ARGP_HELP_FMT=rmargin=4000,opt-doc-col=400 "$winewatch" --help |
		sed -n '/^  /{s/  */ /g; s/^ //; p}' | sort
}

in_the_page > "$folder/page"
in_the_help > "$folder/help"
like "the help text has its commands" "$(cat "$folder/help")" "*doctor \[*"
diff "$folder/help" "$folder/page" > "$folder/diff"
is "the page has the texts of --help" $? 0
sed 's/^/# /' "$folder/diff"
is "winewatch help is winewatch --help, but for its own options" \
	"$("$winewatch" --help | grep -c 'WINEWATCH_LOG')" \
	"$("$winewatch" help | grep -c 'WINEWATCH_LOG')"
"$winewatch" help doctor > "$folder/a" && "$winewatch" doctor --help \
	> "$folder/b"
is "help COMMAND is COMMAND --help" "$(cat "$folder/a")" "$(cat "$folder/b")"
like "--version" "$("$winewatch" --version)" "winewatch [0-9]*.[0-9]*.[0-9]*"

if command -v man > /dev/null; then
	is "man has no warnings" \
		"$(man --warnings -l "$page" 2>&1 > /dev/null)" ""
else
	skip 1 "man has no warnings" "man is missing"
fi
done_testing

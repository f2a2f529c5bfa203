#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# README.md, the pages in docs and the manual name no command, option or
# environment variable that winewatch does not have, and leave none out that
# they ought to name.
set -u
. "$top_srcdir/tests/packaging/lib.sh"
commands | sort > "$folder/commands"
like "the lists have commands" "$(cat "$folder/commands")" "*doctor*"
like "and options" "$(options_of doctor)" "*--json*"
like "and variables" "$(variables)" "*WINEWATCH_LOG*"

# What stands as code in a Markdown text, a span or a line each.
code() {
	awk '
		/^```/ { fenced = !fenced; next }
		fenced || /^(    |\t)/ { print; next }
		{ while (match($0, /`[^`]+`/)) {
			print substr($0, RSTART + 1, RLENGTH - 2)
			$0 = substr($0, RSTART + RLENGTH)
		} }' "$1"
}

# What winewatch is called with, behind a prompt and variables if there are any,
# as "COMMAND" and "COMMAND --OPTION".
uses() {
	awk '{
		for (i = 1; $i ~ /^[$#]$|^[A-Z_]+=/; i++)
			;
		command = $(i + 1)
		if ($i !~ /(^|\/)winewatch$/ || command !~ /^[a-z]+$/)
			next
		print command
		for (i += 2; i <= NF && $i != "--" && $i != "#"; i++)
			while (command != "run" && match($i, /--[a-z-]+/)) {
				print command, substr($i, RSTART, RLENGTH)
				$i = substr($i, RSTART + RLENGTH)
			}
	}' | sort -u
}

# Everything that there is, in the same form.
while read -r command; do
	echo "$command"
	options_of "$command" | sed "s/^/$command /; s/=.*//"
	echo "$command --help"
done < "$folder/commands" | sort > "$folder/known"

# check TEXT: rows about what it calls winewatch with, from standard input, and
# the variables it names.
check() {
	uses > "$folder/uses"
	is "${1##*/} has no command or option that there is not" \
		"$(comm -23 "$folder/uses" "$folder/known")" ""
	is "${1##*/} has no variable that there is not" \
		"$(sed 's/\\-/-/g' "$1" | grep -o -E '\bWINEWATCH(_[A-Z_]+)?' |
			sort -u | while read -r name; do
			variables | grep -q -x "$name" || echo "$name"
		done)" ""
}

for text in "$top_srcdir"/*.md "$top_srcdir"/docs/*.md; do
	code "$text" > "$folder/code"
	check "$text" < "$folder/code"
done
grep -o -E '"[^"]*"' "$top_srcdir/PACKAGERS" | tr -d '"' > "$folder/code"
check "$top_srcdir/PACKAGERS" < "$folder/code"
code "$top_srcdir/README.md" | uses > "$folder/uses"
is "README.md leaves no command out" \
	"$(comm -13 "$folder/uses" "$folder/commands" | grep -v -x help)" ""

if command -v man > /dev/null; then
	page=$top_srcdir/man/winewatch.1
	MANWIDTH=1000 man -E ascii -l "$page" 2> /dev/null |
		sed -n 's/^  *winewatch /winewatch /p' > "$folder/code"
	check "$page" < "$folder/code"
	uses < "$folder/code" > "$folder/uses"
	is "the manual leaves nothing out" "$(grep -v -e '--help$' \
		"$folder/known" | comm -13 "$folder/uses" -)" ""
	MANWIDTH=1000 man -E ascii -l "$page" | awk '
		/^[A-Z]/ { wanted = $0 == "SYNOPSIS" } wanted' |
		grep -o -E -e '--[a-z]+(=[A-Z]+)?' | sort -u > "$folder/got"
	while read -r command; do
		options_of "$command"
	done < "$folder/commands" | sort -u > "$folder/wanted"
	is "its synopsis has what options take" "$(cat "$folder/got")" \
		"$(cat "$folder/wanted")"
else
	skip 4 "the manual" "man is missing"
fi
done_testing

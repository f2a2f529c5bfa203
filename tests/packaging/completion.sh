#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# In bash and in zsh, every command and option is completed, and what options
# take.
set -u
. "$top_srcdir/tests/packaging/lib.sh"
completion=$top_srcdir/packaging/completion
itself="--help
--usage
--version"
mkdir "$folder/bin" "$folder/dir"
: > "$folder/file"
cd "$folder" || exit 1

words() {
	sort -u | sed 's/=.*//'
}

# Of a shell, whose function says what it offers for the words it is given:
# offers NAME WANTED WORD...
offers() {
	name=$1 wanted=$2
	shift 2
	is "$shell: $name" "$("$shell"_offers "$@" | words)" \
		"$(printf '%s\n' "$wanted" | words)"
}

bash_offers() {
	bash "$top_srcdir/tests/packaging/completion.bash" \
		"$completion/winewatch.bash" "$winewatch" winewatch "$@" \
		2> "$folder/compopt"
}

# As one line, where = stands between two words.
zsh_offers() {
	PATH=$folder/bin:$PATH timeout 60 zsh -f \
		"$top_srcdir/tests/packaging/completion.zsh" "$folder/bin" \
		"winewatch $(echo "$*" | sed 's/ = */=/g')"
}

try_all() {
	for command in $(commands); do
		offers "a beginning of $command" "$command" "${command%?}"
		case $command in
		run | help) continue ;;
		esac
		offers "the options of $command" "$(options_of "$command")
$itself" "$command" --
	done
	offers "help takes a command" doctor help do
	offers "an option after another" --feature doctor --wine = x --fea
	offers "features" "uffd-wp-async" doctor --feature = uffd-
	offers "cases" "clean/1GiB" bench --case = clean
	offers "files" "file" bench --json = fi
	offers "commands" "winewatch-test" doctor --wine = winewatch-tes
	offers "a process" $$ top $$
	offers "a command behind --" "winewatch-test" top -- winewatch-tes
	offers "run takes a command" "winewatch-test" run winewatch-tes
	offers "also behind --" "winewatch-test" run -- winewatch-tes
}

ln -s "$winewatch" bin/winewatch
ln -s "$winewatch" bin/winewatch-test
PATH=$folder/bin:$PATH
n_commands=$(commands | wc -l)

if command -v bash > /dev/null; then
	shell=bash
	offers "all commands" "$(commands)
$itself" ''
	try_all
	offers "folders" "dir" bench --svg = d
	is "bash: they are file names" "$(cat "$folder/compopt")" filenames
	bash_offers doctor --feat > /dev/null
	is "bash: no space behind =" "$(cat "$folder/compopt")" nospace
else
	skip $((2 * n_commands + 12)) "bash" "bash is missing"
fi

if command -v zsh > /dev/null; then
	shell=zsh
	cp "$completion/winewatch.zsh" bin/_winewatch
	offers "all commands" "$(commands)" ''
	try_all
else
	skip $((2 * n_commands + 9)) "zsh" "zsh is missing"
fi
done_testing

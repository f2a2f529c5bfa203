# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of winewatch in bash. The words come from its own help texts, so
# they are those of the winewatch that is completed.

# __winewatch_commands WINEWATCH
__winewatch_commands() {
	"$1" --help 2> /dev/null |
		sed -n '/^ Commands:/,/^$/s/^  \([a-z]\+\) .*/\1/p'
}

# __winewatch_options WINEWATCH COMMAND: as "--json=FILE"; all in one line of
# help, so that no text begins a line.
__winewatch_options() {
	ARGP_HELP_FMT=rmargin=4000 "$1" "$2" --help 2> /dev/null |
		sed -n -E 's/^ +(-., )?(--[a-z-]+(=[A-Z]+)?).*/\2/p'
}

# __winewatch_reply WORD ARGUMENT...: compgen's words for WORD are the answer.
__winewatch_reply() {
	mapfile -t COMPREPLY < <(compgen "${@:2}" -- "$1")
}

# __winewatch_argument WINEWATCH COMMAND OPTION WORD: what the option takes.
__winewatch_argument() {
	case $2,$(__winewatch_options "$1" "$2" | grep -e "^$3=") in
	*=FILE)
		compopt -o filenames
		__winewatch_reply "$4" -f
		;;
	*=DIR)
		compopt -o filenames
		__winewatch_reply "$4" -d
		;;
	*=COMMAND)
		__winewatch_reply "$4" -c
		;;
	doctor,--feature=*)
		__winewatch_reply "$4" -W "$("$1" doctor 2> /dev/null | sed -n \
			'/^kernel features:/,/^$/s/^  \([a-z-]\+\) .*/\1/p')"
		;;
	bench,--case=*)
		__winewatch_reply "$4" -W "$("$1" bench --list 2> /dev/null)"
		;;
	*=*)
		;;
	*)
		return 1
		;;
	esac
}

# __winewatch_other FIRST: the words from that number on are another command's.
__winewatch_other() {
	if declare -F _command_offset > /dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		__winewatch_reply "${COMP_WORDS[COMP_CWORD]}" -c
	else
		compopt -o default
	fi
}

# __winewatch_first: the number of the first word that is no option.
__winewatch_first() {
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) echo $((i + 1)) && return ;;
		-*) ;;
		*) break ;;
		esac
	done
	echo "$i"
}

_winewatch() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} first

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		__winewatch_reply "$word" -W "$(__winewatch_commands "$1")
			--help --usage --version"
		return
	fi
	first=$(__winewatch_first)
	if [[ $command == run && ($first -lt $COMP_CWORD || $word != -*) ]] ||
		[[ ${COMP_WORDS[first - 1]} == -- ]]; then
		__winewatch_other "$first"
		return
	fi
	if [[ $command == help ]]; then
		__winewatch_reply "$word" -W "$(__winewatch_commands "$1")"
		return
	fi
	# = is a word of its own.
	if [[ $word == = ]]; then
		word=
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [[ $before == --* ]] &&
		__winewatch_argument "$1" "$command" "$before" "$word"; then
		return
	fi
	if [[ $command == top && $word != -* ]]; then
		__winewatch_reply "$word" -W "$(cd /proc && echo [0-9]*)"
		return
	fi
	__winewatch_reply "$word" -W \
		"$(__winewatch_options "$1" "$command" | sed 's/=.*/=/')"
	[[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace
}
complete -F _winewatch winewatch

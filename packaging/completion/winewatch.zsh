#compdef winewatch
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of winewatch in zsh. The words and their explanations come from its
# own help texts, so they are those of the winewatch that is completed.

# The help text of a command, or all of it, an entry a line.
_winewatch_help() {
	ARGP_HELP_FMT=rmargin=4000,opt-doc-col=400 \
		_call_program help $program ${1:+$1} --help
}

_winewatch_commands() {
	local -a commands
	commands=(${(f)"$(_winewatch_help |
		sed -n '/^ Commands:/,/^$/s/^  \([a-z]*\) .*   *\(.*\)/\1:\2/p')"})
	_describe -t commands command commands
}

# The options of a command, as _arguments wants them.
_winewatch_options() {
	local line option text action
	local -a specs
	for line in ${(f)"$(_winewatch_help $1 | sed -n -E \
		's/^ +(-., )?(--[^ ]+) +(.*)/\2 \3/p')"}; do
		option=${line%% *} text=${line#* }
		text=${text//(#m)[\[\]:\\]/\\$MATCH}
		case $1,$option in
		*=FILE) action=_files ;;
		*=DIR) action='_files -/' ;;
		*=COMMAND) action=_command_names ;;
		doctor,--feature=*) action=_winewatch_features ;;
		bench,--case=*) action=_winewatch_cases ;;
		*) action=' ' ;;
		esac
		case $option in
		*=*) specs+=("*${option%%=*}=[$text]:${option#*=}:$action") ;;
		*) specs+=("${option}[$text]") ;;
		esac
	done
	[[ $1 != top ]] || specs+=(':process:_winewatch_processes')
	_arguments $specs
}

_winewatch_features() {
	local -a features
	features=($(_call_program features $program doctor | sed -n \
		'/^kernel features:/,/^$/s/^  \([a-z-]*\) .*/\1/p'))
	_describe feature features
}

_winewatch_cases() {
	local -a cases
	cases=($(_call_program cases $program bench --list))
	_describe case cases
}

_winewatch_processes() {
	local -a processes
	processes=(/proc/<->(N:t))
	_describe process processes
}

_winewatch() {
	local program=$words[1] command=$words[2]
	setopt local_options extended_glob

	if ((CURRENT == 2)); then
		_winewatch_commands
		return
	fi
	shift words
	((CURRENT--))
	# What stands behind -- is another command's.
	if ((words[(i)--] < CURRENT)); then
		((CURRENT -= words[(i)--]))
		shift $words[(i)--] words
		_normal
		return
	fi
	case $command in
	run)
		_arguments -S '(-)1: :_command_names -e' '*::arguments: _normal'
		;;
	help) _winewatch_commands ;;
	*) _winewatch_options $command ;;
	esac
}

_winewatch "$@"

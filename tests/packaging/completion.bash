# SPDX-License-Identifier: LGPL-2.1-or-later
# completion.bash FILE WINEWATCH WORD...: what the completion in FILE offers for
# the last of the words, the first being the command; = is a word of its own.
source "$1"
program=$2
COMP_WORDS=("${@:3}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))

# Outside of a completion bash has none.
compopt() {
	echo "${@: -1}" >&2
}

_winewatch "$program"
((!${#COMPREPLY[@]})) || printf '%s\n' "${COMPREPLY[@]}"

# SPDX-License-Identifier: LGPL-2.1-or-later
# completion.zsh FOLDER LINE: what zsh offers to complete LINE with, in a shell of
# its own on a terminal of its own; _winewatch is in FOLDER.
zmodload zsh/zpty
folder=$1 line=$2

cat > $folder/zshrc << 'END'
PROMPT=
fpath=($folder $fpath)
autoload -U compinit && compinit -u -D
compadd() {
	local -a words
	if [[ ${@[1,(i)(-|--)]} != *-[OAD]* ]]; then
		builtin compadd -A words "$@"
		print -lr -- $words >> $folder/words
	fi
	builtin compadd "$@"
}
complete_and_leave() {
	zle list-choices
	print -r -- end >> $folder/words
	exit
}
zle -N complete_and_leave
bindkey '^I' complete_and_leave
print ready
END
: > $folder/words
zpty shell folder=${(q)folder} zsh -f -i || exit 1
zpty -w shell "source $folder/zshrc"
zpty -r shell said '*ready*' 
zpty -w -n shell "$line"$'\t'
for _ in {1..200}; do
	[[ $(< $folder/words) == *end ]] && break
	sleep 0.05
done
zpty -d shell
grep -v -x -e end -e '' $folder/words | sort -u

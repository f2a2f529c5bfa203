#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# winewatch bench: every case is there, all methods answer alike, and the
# results are as the manual says. How long anything takes is not looked at.
set -u
. "$top_srcdir/tests/tools/tap.sh"
facts_of=$top_builddir/tests/tools/bench-json
deny=$top_builddir/tests/tools/deny

# bench ARGUMENT...: runs it; afterwards its exit status is in $status. The time
# is for a machine that has much else to do.
bench() {
	timeout 300 "$winewatch" bench "$@" > "$folder/out" 2> "$folder/err"
	status=$?
}

# The names of all cases, as the manual gives them.
names() {
	printf '%s\n' reserve/256GiB commit/1GiB decommit/1GiB \
		alloc-free/64KiB clean/1GiB first-touch/512/blocks
	for pages in 1 16 1024 8192 262144; do
		for pattern in sequential random alternating 1% clean; do
			for call in get get-again get-reset reset; do
				echo "$call/$pages/$pattern"
			done
		done
		for order in sequential random; do
			printf "%s/$pages/$order\n" first-touch \
				write-after-reset
		done
	done
	threads=1
	while [ "$threads" -le 2 ] || [ "$threads" -le "$(nproc)" ]; do
		printf "threads/$threads/%s\n" get/8192/sequential \
			get-reset/8192/clean
		threads=$((threads * 2))
	done
	for size in 1-1080 6-1080 1-8192 8-8192; do
		for rest in 3-0-0 3-0-1 3-1-0 3-1-1 10-0-0 10-0-1 10-1-0 10-1-1
		do
			printf "mix/$size-$rest/%s\n" write query
		done
	done
}

names | sort > "$folder/names"
bench --list
is "--list: exit status" "$status" 0
sort "$folder/out" | diff "$folder/names" - > "$folder/diff"
is "--list has every case" $? 0
sed 's/^/# /' "$folder/diff"
is "no case twice" "$(uniq -d "$folder/names")" ""
bench --list --case=get/16/ --case=clean
is "--list with --case" "$(tr '\n' , < "$folder/out")" \
	"clean/1GiB,get/16/sequential,get/16/random,get/16/alternating,get/16/1%,get/16/clean,"

# usage NAME PATTERN ARGUMENT...: exit status 2 and that message.
usage() {
	name=$1 pattern=$2
	shift 2
	bench "$@"
	is "$name: usage" "$status" 2
	like "$name: message" "$(cat "$folder/err")" "$pattern"
}

usage "an argument" "*'x' is not an option of bench*" x
usage "an unknown option" "*unrecognized option*" --x
usage "two files" "*--json was given twice*" --json=a --json=b
usage "two folders" "*--svg was given twice*" --svg=a --svg=b
usage "two outputs" "*two results*" --json=- --targets
usage "targets and a list" "*exclude each other*" --list --targets
usage "no such case" "winewatch: no case begins so: *--list*" --case=got

mkdir "$folder/bin"
PATH=$folder/bin "$winewatch" bench --quick --case=get/1/ --svg="$folder/svg" \
	> "$folder/out" 2> "$folder/err"
is "no gnuplot: exit status" $? 3
is "no gnuplot: message" "$(cat "$folder/err")" \
	"winewatch: --svg needs gnuplot, which is missing: apt-get install gnuplot-nox"
is "no gnuplot: nothing is measured" "$(cat "$folder/out")" ""

if [ -x "$deny" ]; then
	timeout 60 "$deny" userfaultfd EPERM "$winewatch" bench --quick \
		--case=get/1/ > "$folder/out" 2> "$folder/err"
	is "nothing can be measured: exit status" $? 3
	like "nothing can be measured: message" "$(cat "$folder/err")" \
		"winewatch: winewatch: *doctor*"
else
	skip 2 "nothing can be measured" "libseccomp is missing"
fi

if [ "$("$winewatch" doctor | sed -n 's/^backend: //p')" != uffd ]; then
	skip 1 "measuring" "this kernel does not have the uffd backend"
	done_testing
	exit
fi

# The largest cases take seconds each, and are left to those who measure.
set -- --case=get/1 --case=get/8192 --case=get-again/1 --case=get-reset/1 \
	--case=reset/1 --case=write-after-reset/1 --case=first-touch/1 \
	--case=threads --case=mix/6-1080-3 --case=reserve --case=commit \
	--case=decommit --case=alloc-free --case=clean
bench --list "$@"
sort "$folder/out" > "$folder/names"
bench --quick --json=- "$@"
is "all answers are right: exit status" "$status" 0
is "nothing on standard error" "$(cat "$folder/err")" ""
facts=$("$facts_of" < "$folder/out" 2>&1)
is "the JSON object is as specified" $? 0
like "it names kernel and version" "$facts" "kernel $(uname -r)
version [0-9]*"
printf '%s\n' "$facts" | sed 1,2d > "$folder/rows"

# cases_of METHOD: the cases that were measured with it.
cases_of() {
	sed -n "s/ $1 [0-9]*\$//p" "$folder/rows" | sort
}

cases_of winewatch | diff "$folder/names" - > "$folder/diff"
is "winewatch is measured in every case" $? 0
sed 's/^/# /' "$folder/diff"
for method in wine-10.7 wine-stock; do
	is "so is $method" "$(cases_of "$method")" "$(cases_of winewatch)"
done
is "so is ioctl, but where the memory is winewatch's" "$(cases_of ioctl)" \
	"$(cases_of winewatch | grep -v -e first-touch -e mix)"
is "unwatched memory has no queries" "$(cases_of unwatched)" \
	"$(cases_of winewatch | grep -e first-touch -e ^reserve -e commit \
		-e alloc-free -e 'mix.*write')"
is "all methods agree on the pages of a case" "$(sed 's/ .* / /' \
	"$folder/rows" | sort -u | sed 's/ .*//' | uniq -d)" ""
is "all pages" "$(sed -n 's|^get/8192/sequential winewatch ||p' \
	"$folder/rows")" 8192
is "half of them" "$(sed -n 's|^get/8192/random winewatch ||p' \
	"$folder/rows")" 4096
is "one of a hundred" "$(sed -n 's|^get/8192/1% winewatch ||p' \
	"$folder/rows")" 82

set -- --quick --case=get-reset/16/ --case=alloc-free
bench "$@" --json="$folder/json"
is "the table: exit status" "$status" 0
like "the table" "$(cat "$folder/out")" "winewatch * on Linux $(uname -r), *huge pages: *
*median *least *most *runs*alloc-free/64KiB, 16 pages
  winewatch *  wine-10.7 *get-reset/16/sequential, 16 pages
  winewatch *  ioctl *get-reset/16/clean, 0 pages*"
is "and the JSON object in a file" "$("$facts_of" < "$folder/json" |
	grep -c '^get-reset/16/random ')" 4
bench "$@" --targets
is "--targets: exit status" "$status" 0
like "--targets: what was not measured" "$(cat "$folder/out")" \
	"*commit/1GiB  *  -  not measured*"
bench --quick --targets --case=get-reset/1024/sequential
like "--targets: what was" "$(grep '^get-reset/1024/sequential .*wine' \
	"$folder/out")" \
	"*wine-10.7*times speed* [0-9].[0-9][0-9]  *[mM]*[eE][tT]"
bench "$@" --json="$folder/no/file"
is "no such file: exit status" "$status" 3
like "no such file: message" "$(cat "$folder/err")" \
	"winewatch: $folder/no/file: No such*"

if command -v gnuplot > /dev/null; then
	bench "$@" --svg="$folder/svg"
	is "--svg: exit status" "$status" 0
	is "--svg: the files" "$(ls "$folder/svg" | tr '\n' ,)" \
		"alloc-free.svg,bench.gnuplot,get-reset.svg,"
	is "--svg: they are whole" "$(cat "$folder"/svg/*.svg |
		grep -c '</svg>')" 2
else
	skip 3 "--svg" "gnuplot is missing"
fi

# A Wine that is none: what it answers is what is measured.
cat > "$folder/wine" << 'END_OF_FILE'
#!/bin/sh
[ "$1" != --version ] || exec echo wine-9.9
echo ready
while read -r cases; do
	case $cases in
	alloc-free*)
		printf 'sample\talloc-free/64KiB\twatched\t16\t300.0\r\n'
		printf 'sample\talloc-free/64KiB\tunwatched\t16\t100.0\n'
		;;
	commit*)
		printf 'message\tno answer is right\n'
		printf 'wrong\tcommit/1GiB\twatched\n'
		;;
	clean*)
		printf 'remark\tclean/1GiB: left out\n'
		;;
	*)
		exit 1
		;;
	esac
	echo 'done'
done
END_OF_FILE
chmod +x "$folder/wine"
bench --quick --case=alloc-free --case=clean --case=get/1/random \
	--wine "$folder/wine"
is "--wine: exit status" "$status" 0
like "--wine: what it answers" "$(cat "$folder/out")" "*
  wine-9.9 * 300 * 300 * 1
  wine-9.9-unwatched * 100 *"
like "--wine: its remarks" "$(cat "$folder/out")" \
	"*wine-9.9+winewatch: left out: *wine-9.9: clean/1GiB: left out*"
like "--wine: a program that ends" "$(cat "$folder/out")" \
	"*wine-9.9: its program ended in 1/random*"
bench --quick --case=commit --wine "$folder/wine"
is "--wine: a wrong answer: exit status" "$status" 1
is "--wine: a wrong answer: message" "$(cat "$folder/err")" \
	"winewatch: wine-9.9: no answer is right"
bench --quick --case=alloc-free --wine false
is "--wine: no Wine: exit status" "$status" 3
like "--wine: no Wine: message" "$(cat "$folder/err")" \
	"winewatch: wine: false: it ended with exit status 1*"
like "--wine: no Wine: the others are measured" "$(cat "$folder/out")" \
	"*alloc-free/64KiB*winewatch *"

in_wine() {
	timeout 300 "$winewatch" bench --quick --wine "$WINE" \
		--case=get-reset/16/ --case=reserve --case=first-touch/1/ \
		--case=mix/6-1080-3-1-1 --case=threads/2/get/ "$@" \
		> "$folder/out" 2> "$folder/err"
}

if [ -n "${WINE:-}" ] &&
	[ -f "$top_builddir/bench/x86_64-windows/winewatch-bench.exe" ] &&
	"$winewatch" doctor --wine "$WINE" > "$folder/doctor"; then
	in_wine --json="$folder/json" --targets
	is "a Wine: exit status" $? 0
	is "a Wine: nothing on standard error" "$(cat "$folder/err")" ""
	"$facts_of" < "$folder/json" | sed 1,2d > "$folder/rows"
	cases_of winewatch > "$folder/names"
	version=$(sed -n 's/.* \(wine-[^ ]*\)+winewatch [0-9]*$/\1/p' \
		"$folder/rows" | sort -u)
	for method in "$version" "$version+winewatch"; do
		cases_of "$method" | diff "$folder/names" - > "$folder/diff"
		is "a Wine: every case${method#"$version"}" $? 0
		sed 's/^/# /' "$folder/diff"
	done
	is "a Wine: memory that is not watched" \
		"$(cases_of "$version+winewatch-unwatched")" \
		"$(grep -e first-touch -e ^reserve -e 'mix.*write' \
			"$folder/names")"
	sed -n "/^$version+winewatch\$/,\$p" "$folder/out" > "$folder/wines"
	like "a Wine: --targets" "$(grep -e reserve -e 6-1080-3-1-1 \
		"$folder/wines")" \
		"reserve/256GiB *unwatched *times cost * 1.1 * [0-9].*
mix/6-1080-3-1-1 *stock *times speed * 1 * [0-9]*"
else
	skip 6 "a Wine" "it or its program of the bench is missing"
fi
done_testing

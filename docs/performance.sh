#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# performance.sh SOURCES WINEWATCH [OPTION]...: measures with "winewatch bench
# OPTION...", natively three times and in the Wines that it names once, there also
# with bench/boehm.sh; and makes docs/performance.md of it, with its plots.
set -eu

sources=$1
docs=$1/docs
winewatch=$2
shift 2
# Those that are small; "winewatch bench --svg" draws more.
plots="reserve commit clean write-after-reset get-reset"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# measure RUN OPTION...
measure() {
	run=$1
	shift
	"$winewatch" bench --targets --json="$work/bench.json" \
		--svg="$work/plots" "$@" > "$work/$run.targets"
}

# measure_natively RUN OPTION...: the Wines left out.
measure_natively() {
	run=$1 options=
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--wine) shift ;;
		*) options="$options $1" ;;
		esac
		shift
	done
	measure "$run" $options
}

# Such a page is a try, not a result.
print_warning() {
	case " $* " in
	*" --quick "*) printf 'With `--quick`: not exact.\n\n' ;;
	esac
}

print_boehm() {
	printf '\n## The Boehm collector\n\n'
	echo "Medians of five runs of its test program, of the time of day. The"
	printf 'target is 1.8 times the speed.\n\n'
	echo '| Wine | as it is | with winewatch | times speed |'
	echo '|---|---|---|---|'
	while [ $# -gt 1 ]; do
		[ "$1" != --wine ] ||
			"$sources/bench/boehm.sh" "$winewatch" "$2" || [ $? = 77 ]
		shift
	done
}

print_plots() {
	printf '\n## Plots\n\n'
	echo "Of the last run; the bars in the curves are the extremes."
	for plot in $plots; do
		test -f "$work/plots/$plot.svg" || continue
		printf '\n![%s](performance-%s.svg)\n' "$plot" "$plot"
		mv "$work/plots/$plot.svg" "$work/performance-$plot.svg"
	done
}

measure_natively 1 "$@"
measure_natively 2 "$@"
measure 3 "$@"
{
	cat "$docs/performance.head.md"
	print_warning "$@"
	awk -f "$docs/performance.awk" "$docs/performance.reasons" \
		"$work/bench.json" "$work"/[123].targets
	print_boehm "$@"
	print_plots
} > "$work/performance.md"
mv "$work"/performance*.svg "$work/performance.md" "$docs"

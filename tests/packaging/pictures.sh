#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What winewatch bench draws and winewatch top prints, as PNG pictures in the
# build's folder artefacts, where continuous integration keeps them.
set -u
. "$top_srcdir/tests/tools/tap.sh"
command -v gnuplot > /dev/null || skip_all "gnuplot is missing"
[ -x "$winewatch" ] || skip_all "the winewatch command is not built here"
pictures=$top_builddir/artefacts
mkdir -p "$pictures" && rm -f "$pictures"/*.png || exit 1

# width FILE: of the picture, in pixels; nothing if it is no PNG file.
width() {
	[ "$(head -c 4 "$1" | tail -c 3)" = PNG ] &&
		echo $((0x$(od -A n -t x1 -j 16 -N 4 "$1" | tr -d ' ')))
}

# is_drawn NAME PIXELS: a row, ok if NAME.png has that width and is not empty:
# nothing but a background would make a smaller file.
is_drawn() {
	file=$pictures/$1.png
	is "$1.png is there" "$(width "$file" 2>&1)" "$2"
	is "$1.png is not empty" \
		"$(find "$file" -size +8k 2> /dev/null)" "$file"
}

# The plots: what bench has gnuplot draw, with another pen.
timeout 120 "$winewatch" bench --quick --case=get-reset/1 --case=get-reset/8 \
	--case=alloc-free --svg="$folder" > "$pictures/bench.txt" 2> "$folder/err"
is "winewatch bench measures and draws" "$? $(cat "$folder/err")" "0 "
sed -e 's/terminal svg size \([0-9,]*\) dynamic/terminal pngcairo size \1/' \
	-e 's/\(output ".*\)\.svg"/\1.png"/' "$folder/bench.gnuplot" \
	> "$pictures/bench.gnuplot"
(cd "$pictures" && timeout 60 gnuplot bench.gnuplot) > "$folder/err" 2>&1
is "gnuplot draws PNG pictures of it" "$? $(cat "$folder/err")" "0 "
rm -f "$pictures/bench.gnuplot"
is_drawn get-reset 1500
is_drawn alloc-free 1500

# The picture of a text: white on black, in a font whose letters have one width.
draw_text() {
	timeout 60 gnuplot <<- END 2>&1
		set terminal pngcairo size 900,440 font "DejaVu Sans Mono,11" \
			background "black"
		set output "$2"
		unset border
		unset tics
		set label 1 system("cat '$1'") at screen 0.01,0.97 \
			textcolor "white" noenhanced
		plot [0:1] [0:1] 2 notitle
	END
}

if [ -x "$top_builddir/examples/rollback" ] &&
	"$winewatch" doctor | grep -q -x 'backend: uffd'; then
	"$top_builddir/examples/rollback" 5000 > /dev/null &
	example=$!
	# It is a script of libtool's at first.
	for _ in $(seq 100); do
		grep -q libwritewatch "/proc/$example/maps" && break
		sleep 0.1
	done
	LC_ALL=C.UTF-8 timeout 60 "$winewatch" top --delay=0.5 --count=3 \
		$example > "$pictures/top.txt" 2> "$folder/err"
	is "winewatch top shows an example" "$?" 0
	kill $example
	wait $example 2> /dev/null
	is "gnuplot draws that" \
		"$(draw_text "$pictures/top.txt" "$pictures/top.png")" ""
	is_drawn top 900
else
	skip 4 "winewatch top" "it needs the backend uffd and the Win32 library"
fi
ls "$pictures" | sed 's/^/# artefacts\//'
done_testing

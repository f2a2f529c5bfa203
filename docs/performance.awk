# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the results of docs/performance.md. Reads docs/performance.reasons, the
# JSON object of the last run of "winewatch bench", and what each run has printed
# with --targets, which is in files that are named *.targets.

# ---- Reading ----

FILENAME ~ /reasons$/ {
	if (!/^#/ && split($0, fields, "\t") == 2) {
		n_reasons++
		pattern[n_reasons] = fields[1]
		reason[n_reasons] = fields[2]
	}
	next
}

# A key and its value are a line of the JSON object.
FILENAME ~ /json$/ {
	value = $0
	sub(/^[^:]*: "?/, "", value)
	sub(/"?,?$/, "", value)
	if (/"case":/)
		name = value
	else if (/"method":/)
		method = value
	else if (/"median_ns":/) {
		median_case[++n_medians] = name
		median_method[n_medians] = method
		median[n_medians] = value + 0
	}
	next
}

FNR == 1 {
	n_runs++
	wine = ""
	machine = $0
}

FNR <= 3 || /^$/ {
	next
}

/^wine-[^ :]*$/ {
	wine = $0
	next
}

is_row() {
	add_row()
	next
}

!($0 in remarked) {
	remarked[$0] = 1
	remark[++n_remarks] = $0
}

function trimmed(first, n_characters,	text) {
	text = substr($0, first, n_characters)
	gsub(/^ +| +$/, "", text)
	return text
}

function is_row() {
	return trimmed(82, 20) ~ /^(met|NOT MET|reported|not measured)$/
}

# Of one Wine, or those that are measured natively.
function belongs(method, wine,	base) {
	if (wine == "")
		return method ~ /^(winewatch|wine-10\.7|wine-stock|ioctl|unwatched)$/
	base = wine
	sub(/\+winewatch$/, "", base)
	return method == base || index(method, wine) == 1 || \
		method == base "-unwatched"
}

function medians(name, wine,	i, text) {
	for (i = 1; i <= n_medians; i++)
		if (median_case[i] == name && belongs(median_method[i], wine))
			text = text (text == "" ? "" : ", ") \
				median_method[i] " " readable(median[i])
	return text
}

function three_digits(number) {
	return sprintf(number < 10 ? "%.2f" : number < 100 ? "%.1f" : "%.0f", \
		number)
}

function readable(ns) {
	if (ns < 1000)
		return three_digits(ns) " ns"
	if (ns < 1000000)
		return three_digits(ns / 1000) " µs"
	return three_digits(ns / 1000000) " ms"
}

function add_row(	key) {
	key = wine SUBSEP trimmed(1, 36) SUBSEP trimmed(38, 11)
	if (!(key in limit)) {
		keys[++n_keys] = key
		limit[key] = trimmed(62, 8)
		unit[key] = trimmed(50, 11)
	}
	ratio[key, n_runs] = trimmed(71, 10)
	n_measured[key]++
	n_met[key] += trimmed(82, 20) == "met"
	n_missed[key] += trimmed(82, 20) == "NOT MET"
}

# ---- Writing ----

function target_of(key) {
	if (limit[key] == "-")
		return "reported"
	if (unit[key] == "KiB")
		return "< " limit[key] " KiB"
	return (unit[key] == "times cost" ? "≤ " : "≥ ") limit[key] "×"
}

function result_of(key) {
	if (n_missed[key])
		return "**missed in " n_missed[key] " of " n_measured[key] "**"
	if (n_met[key])
		return "met"
	return limit[key] == "-" ? "" : "not measured"
}

function print_row(key,		parts, i) {
	split(key, parts, SUBSEP)
	printf "| %s | %s | %s |", parts[2], parts[3], target_of(key)
	for (i = 1; i <= n_runs; i++)
		if ((key, i) in ratio)
			printf " %s |", ratio[key, i]
	print " " result_of(key) " |"
}

# Natively each run has a column; in a Wine only the last measures.
function print_table(system_wanted, title,	parts, i, first) {
	first = system_wanted == "" ? 1 : n_runs
	print "\n### " title "\n"
	printf "| case | against | target |"
	for (i = first; i <= n_runs; i++)
		printf " run %d |", i
	print " |"
	printf "|---|---|---|"
	for (i = first; i <= n_runs; i++)
		printf "---|"
	print "---|"
	for (i = 1; i <= n_keys; i++) {
		split(keys[i], parts, SUBSEP)
		if (parts[1] == system_wanted)
			print_row(keys[i])
	}
}

# The place of the first reason that fits; 0: none does.
function reason_for(text,	i) {
	for (i = 1; i <= n_reasons; i++)
		if (text ~ pattern[i])
			return i
	return 0
}

# The cases of a target: of a mix, two.
function evidence(name, wine) {
	if (name !~ /^mix\//)
		return medians(name, wine)
	return "writing " medians(name "/write", wine) "; asking " \
		medians(name "/query", wine)
}

function print_missed(	i, j, parts) {
	for (i = 1; i <= n_keys; i++)
		if (n_missed[keys[i]]) {
			split(keys[i], parts, SUBSEP)
			group[i] = reason_for(parts[1] " " parts[2] " " parts[3])
		}
	for (j = n_reasons; j >= 0; j--)
		for (i = 1; i <= n_keys; i++)
			if (i in group && group[i] == j)
				print_one_missed(i, j)
}

function print_one_missed(i, j,		parts) {
	if (!any_missed++)
		print "\n## What was missed, and why\n\n" \
			"With the medians of the last run."
	if (!(j in printed_reason)) {
		printed_reason[j] = 1
		print "\n" (j ? reason[j] : "No reason is known:") "\n"
	}
	split(keys[i], parts, SUBSEP)
	print "* " (parts[1] == "" ? "" : parts[1] ": ") "**" parts[2] \
		"** against " parts[3] ": " evidence(parts[2], parts[1])
}

END {
	print machine ". Ratios; `its page tables` in KiB."
	print_table("", "Native")
	for (i = 1; i <= n_keys; i++) {
		split(keys[i], parts, SUBSEP)
		if (parts[1] != "" && !(parts[1] in printed)) {
			printed[parts[1]] = 1
			print_table(parts[1], parts[1])
		}
	}
	if (n_remarks)
		print "\nLeft out:\n"
	for (i = 1; i <= n_remarks; i++)
		print "* " remark[i]
	print_missed()
}

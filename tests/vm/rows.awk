# SPDX-License-Identifier: LGPL-2.1-or-later
# rows.awk EXPECTED PLAN RESULTS: what a virtual machine wrote, as TAP, a row
# for each line of its plan and one for the kernel's messages, and a line for
# each suite. Exit status 1 if a row failed.
function name_of(line,   word, i, name) {
	split(line, word)
	if (word[1] != "run")
		return line
	for (i = 3; i in word; i++)
		name = name (i > 3 ? " " : "") word[i]
	return name
}

function row(passed, name,   i) {
	print (passed ? "" : "not ") "ok " ++n_rows " - " name
	for (i = 1; i <= n_said; i++)
		print "# " said[i]
	n_failed += !passed
	n_said = 0
}

function say(text) {
	said[++n_said] = text
}

# What a program that passed has found out about the kernel, or left out.
function keep_findings(   i, n) {
	n = n_said
	n_said = 0
	for (i = 1; i <= n; i++)
		if (said[i] ~ /this kernel|^skipped: /)
			say(said[i])
}

# What its lines and its exit status say of a program.
function result() {
	if (line !~ /^run /)
		return failed ? "failed" : "done"
	if (status == "")
		return "did not end"
	if (skipped != "")
		return status == 0 ? "skip" : "skipped itself, but status " status
	if (planned == "" && n_ok + n_not_ok == 0)
		return "status " status
	if (status != 0 || n_not_ok)
		return n_not_ok " rows failed, status " status
	if (planned != n_ok)
		return n_ok " rows of " planned
	return "pass"
}

function finish(   name, got, wanted, label, program) {
	if (line == "")
		return
	name = name_of(line)
	got = result()
	program = name
	sub(/ .*/, "", program)
	wanted = line !~ /^run / ? "done" : name ~ /^tools/ ? "status 0" : "pass"
	if (setting name in expected)
		wanted = expected[setting name]
	else if (name in expected)
		wanted = expected[name]
	else if (program in expected)
		wanted = expected[program]
	if (got != wanted)
		say("got: " got "; wanted: " wanted)
	else if (line ~ /^run / && name !~ /^tools/)
		keep_findings()
	label = name
	if (got == "skip")
		label = label " refuses:" skipped
	else if (got == "pass")
		label = label ": " n_ok " rows" \
			(n_skipped ? ", " n_skipped " of them skipped" : "")
	if (seconds >= 10)
		say(seconds " s")
	if (sub(/^setting /, "", line)) {
		setting = line ": "
		label = setting "set"
	} else {
		label = setting label
	}
	row(got == wanted, label)
	if (line ~ /^run [0-9]+ tests/)
		count(program, got == wanted, got == "skip")
	line = ""
}

# Of each suite, what there was with each setting: rows that passed, programs
# that refused or failed.
function count(program, passed, refused,   suite, cell) {
	suite = program
	gsub(/^tests\/|\/[^\/]*$/, "", suite)
	if (!(suite in cells_of))
		suites[++n_suites] = suite
	cell = suite SUBSEP setting
	if (!(cell in n_programs))
		cells_of[suite] = cells_of[suite] "\n" setting
	n_programs[cell]++
	n_rows_ok[cell] += n_ok
	n_refused[cell] += refused
	n_wrong[cell] += !passed
}

function cell_text(cell) {
	return n_rows_ok[cell] " ok" \
		(n_refused[cell] ? ", refused " n_refused[cell] : "") \
		(n_wrong[cell] ? ", FAILED " n_wrong[cell] : "")
}

function summarize(   i, j, n, settings) {
	for (i = 1; i <= n_suites; i++) {
		printf "# Linux %s, %s:", release, suites[i]
		n = split(substr(cells_of[suites[i]], 2), settings, "\n")
		for (j = 1; j <= n; j++)
			printf "%s %s%s", (j > 1 ? ";" : ""), settings[j],
				cell_text(suites[i] SUBSEP settings[j])
		print ""
	}
}

function begin(text) {
	line = text
	planned = status = skipped = ""
	n_ok = n_not_ok = n_skipped = failed = n_said = seconds = 0
}

{ sub(/\r$/, "") }
FILENAME == ARGV[1] {
	if (NF && !/^#/) {
		answer = $1 == "status" ? $1 " " $2 : $1
		expected[substr($0, length(answer) + 2)] = answer
	}
	next
}
FILENAME == ARGV[2] {
	plan[++n_plan] = $0
	next
}
/^@@ kernel / { release = $3; next }
/^@@ line / { finish(); begin(substr($0, 9)); n_begun++; next }
/^@@ status / { status = $3; next }
/^@@ took / { seconds = $3; next }
/^@@ failed$/ { failed = 1; next }
/^@@ messages$/ { finish(); messages = 1; next }
/^@@ off$/ { ended = 1; next }
# A program may grow out of its control group on purpose; then the kernel says who
# has asked for memory.
messages && /invoked oom-killer/ { outgrown = 1 }
messages && /Call Trace/ && outgrown { outgrown = 0; next }
messages {
	if (/BUG|WARNING:|Oops|Call Trace|general protection|Out of memory:/)
		say($0)
	next
}
/^ok .*# SKIP/ {
	n_skipped++
	if (!/needs Windows/)
		say("skipped: " $0)
}
/^ok / { n_ok++; next }
/^not ok / { n_not_ok++; say($0); next }
/^1\.\.0 *# *SKIP/ { skipped = $0; sub(/^1\.\.0 *# *SKIP/, "", skipped); next }
/^1\.\.[0-9]+/ { planned = substr($1, 4); next }
{ sub(/^# /, ""); say($0) }
END {
	if (!ended && line != "")
		say("the machine ended here")
	finish()
	if (ended)
		row(n_said == 0, "the kernel has nothing to complain of")
	while (n_begun < n_plan)
		row(0, name_of(plan[++n_begun]) ": the machine did not get there")
	if (!ended)
		row(0, "the machine comes to its end")
	print "1.." n_rows
	summarize()
	exit n_failed != 0
}

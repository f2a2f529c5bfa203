# SPDX-License-Identifier: LGPL-2.1-or-later
# Turns the known faults of a Wine, one "ROW [maybe] REASON" a line in the file
# named by -v faults, into TAP's TODO. A fault that is certain and does not
# show is a failure; with "maybe" it is a matter of chance.

BEGIN {
	while ((got = (getline line < faults)) > 0) {
		if (line ~ /^(#|$)/)
			continue
		split(line, word, " ")
		name = word[1]
		chance[name] = word[2] == "maybe"
		sub(/^[^ ]+ +(maybe +)?/, "", line)
		reason[name] = line
	}
	if (got < 0) {
		print "Bail out! cannot read " faults
		exit
	}
}

/^(not )?ok / {
	good = $1 == "ok"
	name = good ? $4 : $5
	if (name in reason) {
		seen[name] = 1
		detail = ""
		if (match($0, / # .*/))
			detail = " (" substr($0, RSTART + 3) ")"
		sub(/ # .*/, "")
		if (!good || !chance[name])
			$0 = $0 " # TODO " reason[name] detail
	}
}

{
	print
	fflush()
}

END {
	for (name in reason)
		if (!(name in seen))
			print "Bail out! no row " name ", see " faults
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# Reads what callgrind has written at the end of one function op_*, and prints
# its name and its instructions, with those of all that it calls but of the
# models, whose functions are fake_*.
/^desc: Trigger: / {
	operation = $0
	sub(/.*=/, "", operation)
}
/^fn=/ {
	caller = substr($0, 4)
}
/^cfn=/ {
	called = substr($0, 5)
}
/^calls=/ {
	getline
	if (caller == operation)
		n += $2
	if (called ~ /^fake_/ && caller !~ /^fake_/)
		n -= $2
	next
}
/^[0-9]/ {
	if (caller == operation)
		n += $2
}
END {
	print operation, n
}

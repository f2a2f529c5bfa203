/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conformance suite of Win32 write watches: its groups of rows. */
#include "rows.h"

static const struct row *const groups[] = {
	validation_rows,
	result_rows,
	allocation_rows,
	state_rows,
	input_rows,
	array_rows,
	thread_rows,
	stress_rows,
	NULL,
};

int main(int argc, char **argv)
{
	return run_rows(groups, argc, argv);
}

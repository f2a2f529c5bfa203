/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conformance suite of Win32 write watches: its groups of rows. */
#include "rows.h"

#include <string.h>

static const struct row *const groups[] = {
	validation_rows,
	result_rows,
	allocation_rows,
	state_rows,
	guard_rows,
	input_rows,
	io_rows,
	antidebug_rows,
	fault_rows,
	array_rows,
	race_rows,
	thread_rows,
	placeholder_rows,
	handle_rows,
	foreign_rows,
	client_rows,
	model_rows,
	stress_rows,
	crowd_rows,
	children_rows,
	many_rows,
	NULL,
};

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "--foreign"))
		return run_foreign(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "--intrude"))
		return run_intruder(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "--page-tables"))
		return run_page_tables(argv[2]);
	return run_rows(groups, argc, argv);
}

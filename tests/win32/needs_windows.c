/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The groups whose calls there are in Windows only, on other systems. */
#include "rows.h"

#define LEFT_OUT(group, name) \
	const struct row group[] = { \
		{ name, "needs Windows", NULL, 0 }, \
		{ 0 }, \
	}

LEFT_OUT(guard_rows, "guard");
LEFT_OUT(input_rows, "input");
LEFT_OUT(race_rows, "array-race");
LEFT_OUT(thread_rows, "thread");
LEFT_OUT(foreign_rows, "foreign");

int run_foreign(char **arguments)
{
	(void)arguments;
	return 1;
}

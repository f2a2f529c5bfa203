/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the commands, options and environment variables that there are. */
#include "commands.h"
#include "environment.h"

#include <stdio.h>

int main(void)
{
	static const char *const lines[] = {
#define C(name, arguments, what) "command " #name,
		WW_COMMANDS(C)
#undef C
#define O(symbol, name, argument, what) "--" name argument,
#define L(command, options) "options " #command, options(O)
		WW_OPTION_LISTS(L)
#undef L
#undef O
		"variables",
#define V(symbol, name, values, what) name,
		WW_ENVIRONMENT(V)
#undef V
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		puts(lines[i]);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the commands of winewatch share: their entry points, the exit statuses
 * and the one way to complain.
 */
#ifndef WW_TOOLS_TOOL_H
#define WW_TOOLS_TOOL_H

#include "commands.h"

#include <stddef.h>

enum {
	EXIT_PRESENT = 0,	/* doctor: all that is required is there */
	EXIT_MISSING = 1,	/* doctor: something required is not */
	EXIT_CONFORMS = 0,	/* conform: no row fails but known faults */
	EXIT_FAILS = 1,		/* conform: some row does */
	EXIT_MEASURED = 0,	/* bench: all that was asked for */
	EXIT_WRONG = 1,		/* bench: some answer was */
	EXIT_SHOWN = 0,		/* top: something was */
	EXIT_UNWATCHED = 1,	/* top: there was no watched memory */
	EXIT_USAGE = 2,
	EXIT_UNKNOWN = 3,	/* all of these: could not tell */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/*
 * Each command gets its own arguments, argv[0] being "winewatch NAME", and
 * returns the exit status.
 */
#define C(name, arguments, what) int name##_command(int argc, char **argv);
WW_COMMANDS(C)
#undef C

/* Prints "winewatch: " and the message as one line on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like asprintf(3), but ends the program when memory is exhausted. */
char *format_text(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Like reallocarray(3), but ends the program when memory is exhausted. */
void *resize_array(void *array, size_t n, size_t n_bytes_each);

/* The folder this program is in, or NULL; the caller frees it. */
char *program_folder(void);

#endif

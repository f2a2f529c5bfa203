/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TAP on standard output. */
#include "tap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_rows, n_failed;

bool ok(bool passed, const char *name, ...)
{
	va_list args;

	n_rows++;
	n_failed += !passed;
	printf("%sok %d - ", passed ? "" : "not ", n_rows);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	return passed;
}

void skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++n_rows, name, why);
	fflush(stdout);
}

void diag(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void skip_all(const char *why, ...)
{
	va_list args;

	printf("1..0 # SKIP ");
	va_start(args, why);
	vprintf(why, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	exit(0);
}

void bail_out(const char *what)
{
	int error = errno;

	ok(false, "%s: %s", what, strerror(error));
	exit(done_testing());
}

int done_testing(void)
{
	printf("1..%d\n", n_rows);
	fflush(stdout);
	return n_failed != 0;
}

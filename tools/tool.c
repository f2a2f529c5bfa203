/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of winewatch share. */
#include "config.h"

#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void complain(const char *format, ...)
{
	va_list arguments;

	fputs("winewatch: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

char *format_text(const char *format, ...)
{
	va_list arguments;
	char *text;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		complain("out of memory");
		exit(EXIT_UNKNOWN);
	}
	return text;
}

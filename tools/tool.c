/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands of winewatch share. */
#include "config.h"

#include "tool.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void complain(const char *format, ...)
{
	va_list arguments;

	fputs("winewatch: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static void __attribute__((noreturn)) exit_without_memory(void)
{
	complain("out of memory");
	exit(EXIT_UNKNOWN);
}

char *format_text(const char *format, ...)
{
	va_list arguments;
	char *text;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0)
		exit_without_memory();
	return text;
}

void *resize_array(void *array, size_t n, size_t n_bytes_each)
{
	array = reallocarray(array, n, n_bytes_each);
	if (!array)
		exit_without_memory();
	return array;
}

char *program_folder(void)
{
	char self[PATH_MAX];
	ssize_t n_bytes = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n_bytes < 0)
		return NULL;
	self[n_bytes] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return format_text("%s", self);
}

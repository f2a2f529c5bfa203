/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cases of winewatch bench as a Windows program. It measures what it is
 * told on standard input, the names of cases in a line, once for each line, and
 * answers with lines of fields between tabs:
 *
 *	ready					at the start
 *	sample	CASE  METHOD  PAGES  NS
 *	wrong	CASE  METHOD
 *	remark	TEXT				why something was left out
 *	message	TEXT				on a wrong answer, or the end
 *	done					at the end of each line
 *
 * METHOD is watched or unwatched. Usage: winewatch-bench [--quick]
 */
#include "../bench.h"

#include "../../tools/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NAMES 16
#define LINE_BYTES (MOST_NAMES * (BENCH_NAME_BYTES + 1))

/* ---- What the cases need of the tool that they are part of elsewhere ---- */

static void __attribute__((noreturn)) out_of_memory(void)
{
	complain("out of memory");
	exit(EXIT_UNKNOWN);
}

void complain(const char *format, ...)
{
	va_list arguments;

	fputs("message\t", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
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
		out_of_memory();
	return text;
}

void *resize_array(void *array, size_t n, size_t n_bytes_each)
{
	size_t n_bytes;
	void *bigger = NULL;

	if (!__builtin_mul_overflow(n, n_bytes_each, &n_bytes))
		bigger = realloc(array, n_bytes ? n_bytes : 1);
	if (!bigger)
		out_of_memory();
	return bigger;
}

/* ---- Answers ---- */

static void print_row(const struct bench_row *row)
{
	for (size_t i = 0; i < row->n_samples; i++)
		printf("sample\t%s\t%s\t%zu\t%.1f\n", row->name, row->method,
		       row->pages, row->samples[i]);
	if (row->wrong)
		printf("wrong\t%s\t%s\n", row->name, row->method);
}

static void print_all(const struct bench *bench)
{
	for (size_t i = 0; i < bench->n_rows; i++)
		print_row(&bench->rows[i]);
	for (size_t i = 0; i < bench->n_remarks; i++)
		printf("remark\t%s\n", bench->remarks[i]);
	puts("done");
	fflush(stdout);
}

static void measure(char *line, bool quick)
{
	const char *names[MOST_NAMES];
	struct bench bench = { .prefixes = names, .quick = quick, .once = true };
	char *why_not;

	for (char *name = strtok(line, " \r\n"); name;
	     name = strtok(NULL, " \r\n"))
		if (bench.n_prefixes < MOST_NAMES)
			names[bench.n_prefixes++] = name;
	if (!bench.n_prefixes)
		return;
	bench_list(&bench);
	why_not = bench_run(&bench);
	if (why_not)
		complain("%s", why_not);
	free(why_not);
	print_all(&bench);
	bench_free(&bench);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	char line[LINE_BYTES];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		measure(line, quick);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing and measuring the cases, and keeping what was measured. */
#include "config.h"

#include "method.h"

#include "../tools/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Cases ---- */

static bool is_asked_for(const struct bench *bench, const char *name)
{
	for (size_t i = 0; i < bench->n_prefixes; i++)
		if (strncmp(name, bench->prefixes[i],
			    strlen(bench->prefixes[i])) == 0)
			return true;
	return !bench->n_prefixes;
}

bool bench_wants(struct bench *bench, const char *name)
{
	if (!is_asked_for(bench, name))
		return false;
	if (!bench->is_listing)
		return true;
	bench->cases = resize_array(bench->cases, bench->n_cases + 1,
				    sizeof(*bench->cases));
	snprintf(bench->cases[bench->n_cases++], BENCH_NAME_BYTES, "%s", name);
	return false;
}

static void visit(struct bench *bench)
{
	bench_reservation_cases(bench);
	bench_touch_cases(bench);
	bench_page_cases(bench);
	bench_thread_cases(bench);
	bench_mix_cases(bench);
}

void bench_list(struct bench *bench)
{
	bench->is_listing = true;
	visit(bench);
	bench->is_listing = false;
}

size_t bench_repetitions(const struct bench *bench, size_t full, size_t quick)
{
	if (bench->once)
		return 1;
	return bench->quick ? quick : full;
}

void bench_begin(struct bench *bench, const char *name)
{
	if (bench->progress)
		bench->progress(bench, name);
}

void bench_end(struct bench *bench, size_t n_cases)
{
	bench->n_done += n_cases;
}

/* ---- Rows ---- */

static struct bench_row *find_row(const struct bench *bench, const char *name,
				  const char *method)
{
	for (size_t i = bench->n_rows; i--;)
		if (strcmp(bench->rows[i].method, method) == 0 &&
		    strcmp(bench->rows[i].name, name) == 0)
			return &bench->rows[i];
	return NULL;
}

static struct bench_row *row_of(struct bench *bench, const char *name,
				const char *method)
{
	struct bench_row *row = find_row(bench, name, method);

	if (row)
		return row;
	bench->rows = resize_array(bench->rows, bench->n_rows + 1,
				   sizeof(*bench->rows));
	row = &bench->rows[bench->n_rows++];
	*row = (struct bench_row){ 0 };
	snprintf(row->name, sizeof(row->name), "%s", name);
	snprintf(row->method, sizeof(row->method), "%s", method);
	return row;
}

void bench_add(struct bench *bench, const char *name, const char *method,
	       double ns, size_t pages)
{
	struct bench_row *row = row_of(bench, name, method);
	size_t i = row->n_samples++;

	row->pages = pages;
	row->samples = resize_array(row->samples, row->n_samples,
				    sizeof(*row->samples));
	for (; i && row->samples[i - 1] > ns; i--)
		row->samples[i] = row->samples[i - 1];
	row->samples[i] = ns;
}

void bench_record(struct bench *bench, const char *name,
		  const struct bench_method *method, double ns, size_t pages)
{
	bench_add(bench, name, method->name, ns, pages);
}

void bench_add_wrong(struct bench *bench, const char *name, const char *method)
{
	row_of(bench, name, method)->wrong = bench->wrong = true;
}

void bench_wrong(struct bench *bench, const char *name,
		 const struct bench_method *method, const char *format, ...)
{
	va_list arguments;
	char what[200];

	if (row_of(bench, name, method->name)->wrong)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	complain("%s: %s: wrong answer: %s", name, method->name, what);
	bench_add_wrong(bench, name, method->name);
}

const struct bench_row *bench_find(const struct bench *bench, const char *name,
				   const char *method)
{
	const struct bench_row *row = find_row(bench, name, method);

	return row && row->n_samples && !row->wrong ? row : NULL;
}

double bench_median(const struct bench_row *row)
{
	size_t middle = row->n_samples / 2;

	return row->n_samples % 2
		       ? row->samples[middle]
		       : (row->samples[middle - 1] + row->samples[middle]) / 2;
}

void bench_remark(struct bench *bench, const char *format, ...)
{
	va_list arguments;
	char line[200];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < bench->n_remarks; i++)
		if (strcmp(bench->remarks[i], line) == 0)
			return;
	bench->remarks = resize_array(bench->remarks, bench->n_remarks + 1,
				      sizeof(*bench->remarks));
	bench->remarks[bench->n_remarks++] = format_text("%s", line);
}

bool bench_has_memory(struct bench *bench, const char *name, size_t n_bytes)
{
	if (bench_free_bytes() > n_bytes + n_bytes / 8)
		return true;
	bench_remark(bench, "%s: left out: it needs %zu MiB of free memory",
		     name, (n_bytes + n_bytes / 8) >> 20);
	return false;
}

/* ---- Methods ---- */

void bench_check(const struct bench_method *method, const char *step, int ret)
{
	if (!ret)
		return;
	complain("%s could not %s memory: %s", method->name, step,
		 strerror(-ret));
	exit(EXIT_UNKNOWN);
}

void bench_map(const struct bench_method *method, struct bench_memory *memory,
	       size_t n_bytes)
{
	const struct bench_method *maker = method->maker ? method->maker
							 : method;

	memory->method = maker;
	bench_check(maker, "reserve", maker->reserve(memory, n_bytes));
	bench_check(maker, "commit", maker->commit(memory));
}

static void close_methods(int n)
{
	while (n--)
		if (bench_methods[n]->close)
			bench_methods[n]->close();
}

static char *open_methods(void)
{
	for (int i = 0; i < bench_n_methods; i++) {
		const struct bench_method *method = bench_methods[i];
		int ret = method->open ? method->open() : 0;

		if (ret) {
			close_methods(i);
			return format_text("%s: %s (winewatch doctor says why)",
					   method->name, strerror(-ret));
		}
	}
	return NULL;
}

char *bench_run(struct bench *bench)
{
	char *why_not = open_methods();

	if (why_not)
		return why_not;
	bench->tables_kib = -1;
	bench_pin((int)bench_n_cpus() - 1);
	visit(bench);
	bench_pin(-1);
	close_methods(bench_n_methods);
	return NULL;
}

void bench_free(struct bench *bench)
{
	for (size_t i = 0; i < bench->n_rows; i++)
		free(bench->rows[i].samples);
	for (size_t i = 0; i < bench->n_remarks; i++)
		free(bench->remarks[i]);
	free(bench->rows);
	free(bench->remarks);
	free(bench->cases);
}

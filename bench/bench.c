/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing and measuring the cases, and keeping what was measured. */
#include "config.h"

#include "method.h"

#include "../tools/tool.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

const struct bench_method *const bench_methods[BENCH_N_METHODS] = {
	&bench_winewatch, &bench_wine_10_7, &bench_wine_stock, &bench_ioctl,
	&bench_unwatched,
};

static cpu_set_t allowed;

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
	sched_getaffinity(0, sizeof(allowed), &allowed);
	bench->is_listing = true;
	visit(bench);
	bench->is_listing = false;
}

size_t bench_repetitions(const struct bench *bench, size_t full, size_t quick)
{
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
				const struct bench_method *method)
{
	struct bench_row *row = find_row(bench, name, method->name);

	if (row)
		return row;
	bench->rows = resize_array(bench->rows, bench->n_rows + 1,
				   sizeof(*bench->rows));
	row = &bench->rows[bench->n_rows++];
	*row = (struct bench_row){ .method = method->name };
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

void bench_record(struct bench *bench, const char *name,
		  const struct bench_method *method, double ns, size_t pages)
{
	struct bench_row *row = row_of(bench, name, method);

	row->pages = pages;
	row->samples = resize_array(row->samples, row->n_samples + 1,
				    sizeof(*row->samples));
	row->samples[row->n_samples++] = ns;
}

void bench_wrong(struct bench *bench, const char *name,
		 const struct bench_method *method, const char *format, ...)
{
	struct bench_row *row = row_of(bench, name, method);
	va_list arguments;
	char what[200];

	if (row->wrong)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	complain("%s: %s: wrong answer: %s", name, method->name, what);
	row->wrong = bench->wrong = true;
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

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
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

/* ---- The machine ---- */

static double now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double bench_cpu_ns(void)
{
	return now_ns(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

size_t bench_n_cpus(void)
{
	return (size_t)CPU_COUNT(&allowed);
}

void bench_pin(int cpu)
{
	cpu_set_t one;

	if (cpu < 0) {
		sched_setaffinity(0, sizeof(allowed), &allowed);
		return;
	}
	cpu %= CPU_COUNT(&allowed);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed) && cpu-- == 0)
			CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Of /proc/meminfo; as much as possible if it does not say. */
static size_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	size_t kilobytes = SIZE_MAX / 1024;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %zu kB", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes * 1024;
}

bool bench_has_memory(struct bench *bench, const char *name, size_t n_bytes)
{
	if (available_bytes() > n_bytes + n_bytes / 8)
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

static void close_methods(size_t n)
{
	while (n--)
		if (bench_methods[n]->close)
			bench_methods[n]->close();
}

static char *open_methods(void)
{
	for (size_t i = 0; i < BENCH_N_METHODS; i++) {
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
	close_methods(BENCH_N_METHODS);
	for (size_t i = 0; i < bench->n_rows; i++)
		qsort(bench->rows[i].samples, bench->rows[i].n_samples,
		      sizeof(double), by_value);
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

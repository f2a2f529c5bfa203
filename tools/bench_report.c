/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bench has measured, as text and as JSON. */
#include "config.h"

#include "bench_report.h"

#include "foreign_text.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static bool is_good(const struct bench_row *row)
{
	return row->n_samples && !row->wrong;
}

/* ---- Text ---- */

void bench_print_machine(const struct bench_machine *machine, FILE *file)
{
	fprintf(file, "winewatch %s on Linux %s, %s, huge pages: %s",
		machine->version, machine->kernel, machine->cpu,
		machine->huge_pages);
}

/* Three digits that count, as plain as possible. */
static void print_ns(double ns, FILE *file)
{
	fprintf(file, " %12.*f", ns < 10 ? 2 : ns < 100 ? 1 : 0, ns);
}

static void print_row(const struct bench_row *row, FILE *file)
{
	fprintf(file, "  %-28s", row->method);
	print_ns(bench_median(row), file);
	print_ns(row->samples[0], file);
	print_ns(row->samples[row->n_samples - 1], file);
	fprintf(file, " %5zu\n", row->n_samples);
}

static void print_case(const struct bench *bench, const char *name, FILE *file)
{
	bool any = false;

	for (size_t i = 0; i < bench->n_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (strcmp(row->name, name) != 0 || !is_good(row))
			continue;
		if (!any)
			fprintf(file, "\n%s, %zu %s\n", name, row->pages,
				row->pages == 1 ? "page" : "pages");
		any = true;
		print_row(row, file);
	}
}

void bench_print_remarks(const struct bench *bench, FILE *file)
{
	if (bench->n_remarks)
		fputc('\n', file);
	for (size_t i = 0; i < bench->n_remarks; i++)
		fprintf(file, "%s\n", bench->remarks[i]);
}

void bench_text(const struct bench *bench, const struct bench_machine *machine,
		FILE *file)
{
	bench_print_machine(machine, file);
	fprintf(file, "\nns, for each page that is written or for a call\n\n"
		"  %-28s %12s %12s %12s %5s\n", "", "median", "least", "most",
		"runs");
	for (size_t i = 0; i < bench->n_cases; i++)
		print_case(bench, bench->cases[i], file);
	bench_print_remarks(bench, file);
}

/* ---- JSON ---- */

/* To a tenth: all the rest is noise. */
static double rounded(double ns)
{
	return round(ns * 10) / 10;
}

static json_t *row_json(const struct bench_row *row)
{
	return json_pack("{s:s, s:s, s:f, s:f, s:f, s:I, s:I}",
			 "case", row->name, "method", row->method,
			 "median_ns", rounded(bench_median(row)),
			 "min_ns", rounded(row->samples[0]),
			 "max_ns", rounded(row->samples[row->n_samples - 1]),
			 "runs", (json_int_t)row->n_samples,
			 "pages", (json_int_t)row->pages);
}

void bench_json(const struct bench *bench, const struct bench_machine *machine,
		FILE *file)
{
	json_t *rows = json_array();
	json_t *object;

	for (size_t i = 0; i < bench->n_rows; i++)
		if (is_good(&bench->rows[i]))
			json_array_append_new(rows, row_json(&bench->rows[i]));
	object = json_pack("{s:s, s:o, s:s, s:o}", "kernel", machine->kernel,
			   "cpu", foreign_text(machine->cpu),
			   "version", machine->version, "rows", rows);
	json_dumpf(object, file, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	fputc('\n', file);
	json_decref(object);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program for gnuplot that draws what the bench has measured: a file with
 * curves over the number of pages for each kind of call, and one with bars for
 * each kind of case that has no such number. The data are in it.
 */
#include "config.h"

#include "bench_report.h"

#include <string.h>

/* The methods that were measured, in the order in which they were first. Their
 * numbers are those of their colours. */
#define MOST_METHODS 32

/* Behind the eight that gnuplot has itself. */
static const char *const more_colours[] = {
	"#999999", "#8c564b", "#17becf", "#bcbd22", "#e377c2", "#7f0000",
	"#006400", "#00008b",
};

struct methods {
	size_t n;
	const char *names[MOST_METHODS];
};

static void add_method(struct methods *methods, const char *name)
{
	for (size_t i = 0; i < methods->n; i++)
		if (strcmp(methods->names[i], name) == 0)
			return;
	if (methods->n < MOST_METHODS)
		methods->names[methods->n++] = name;
}

/* ---- Curves ---- */

static const char *const families[] = {
	"first-touch", "write-after-reset", "get", "get-again", "get-reset",
	"reset",
};

#define MOST_PATTERNS 8

/* The patterns that a family was measured with, in order. */
struct patterns {
	const char *family;
	size_t n;
	char names[MOST_PATTERNS][BENCH_NAME_BYTES];
};

/* FAMILY/PAGES/PATTERN; other names are not of the family. */
static bool split(const char *name, const char *family, size_t *pages,
		  char *pattern)
{
	size_t n = strlen(family);

	return strncmp(name, family, n) == 0 &&
	       sscanf(name + n, "/%zu/%63s", pages, pattern) == 2;
}

static void add_pattern(struct patterns *patterns, const char *pattern)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (strcmp(patterns->names[i], pattern) == 0)
			return;
	if (patterns->n < MOST_PATTERNS)
		snprintf(patterns->names[patterns->n++], BENCH_NAME_BYTES, "%s",
			 pattern);
}

static void find_patterns(const struct bench *bench, struct patterns *patterns)
{
	char pattern[BENCH_NAME_BYTES];
	size_t pages;

	for (size_t i = 0; i < bench->n_rows; i++)
		if (bench->rows[i].n_samples &&
		    split(bench->rows[i].name, patterns->family, &pages, pattern))
			add_pattern(patterns, pattern);
}

/* pages, median, least, most; false if there is nothing. */
static bool print_points(const struct bench *bench,
			 const struct patterns *patterns, size_t pattern,
			 const struct methods *methods, size_t method,
			 FILE *file)
{
	const char *name = methods->names[method];
	char other[BENCH_NAME_BYTES];
	bool any = false;
	size_t pages;

	for (size_t i = 0; i < bench->n_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (!split(row->name, patterns->family, &pages, other) ||
		    strcmp(other, patterns->names[pattern]) != 0 ||
		    strcmp(row->method, name) != 0 ||
		    bench_find(bench, row->name, name) != row)
			continue;
		if (!any)
			fprintf(file, "$d%zu_%zu << END\n", pattern, method);
		any = true;
		fprintf(file, "%zu %.1f %.1f %.1f\n", pages, bench_median(row),
			row->samples[0], row->samples[row->n_samples - 1]);
	}
	if (any)
		fputs("END\n", file);
	return any;
}

static void print_curves(const struct bench *bench,
			 const struct methods *methods,
			 const struct patterns *patterns, size_t pattern,
			 FILE *file)
{
	bool has[MOST_METHODS];
	const char *before = "plot";

	for (size_t i = 0; i < methods->n; i++)
		has[i] = print_points(bench, patterns, pattern, methods, i,
				      file);
	fprintf(file, "set title \"%s, %s\"\n", patterns->family,
		patterns->names[pattern]);
	for (size_t i = 0; i < methods->n; i++) {
		if (!has[i])
			continue;
		fprintf(file, "%s $d%zu_%zu using 1:2:3:4 with yerrorlines "
			"linetype %zu title \"%s\"", before, pattern, i, i + 1,
			methods->names[i]);
		before = ", \\\n";
	}
	fputc('\n', file);
}

static void print_family(const struct bench *bench,
			 const struct methods *methods, const char *family,
			 FILE *file)
{
	struct patterns patterns = { .family = family };
	size_t n_rows;

	find_patterns(bench, &patterns);
	if (!patterns.n)
		return;
	n_rows = patterns.n > 3 ? 2 : 1;
	fprintf(file, "reset\nset output \"%s.svg\"\n"
		"set logscale xy\nset xlabel \"pages\"\nset ylabel \"ns\"\n"
		"set xrange [0.7:400000]\nset key below\n"
		"set multiplot layout %zu,%zu\n", family, n_rows,
		(patterns.n + n_rows - 1) / n_rows);
	for (size_t i = 0; i < patterns.n; i++)
		print_curves(bench, methods, &patterns, i, file);
	fputs("unset multiplot\n", file);
}

/* ---- Bars ---- */

struct bars {
	const char *file;
	const char *prefix, *suffix;	/* of the names */
};

static const struct bars bars[] = {
	{ "reserve", "reserve/", "" },
	{ "commit", "commit/", "" },
	{ "decommit", "decommit/", "" },
	{ "alloc-free", "alloc-free/", "" },
	{ "clean", "clean/", "" },
	{ "threads", "threads/", "" },
	{ "mix-write", "mix/", "/write" },
	{ "mix-query", "mix/", "/query" },
};

static bool is_of(const struct bars *bars, const char *name)
{
	size_t n = strlen(name), n_suffix = strlen(bars->suffix);

	return strncmp(name, bars->prefix, strlen(bars->prefix)) == 0 &&
	       n >= n_suffix && strcmp(name + n - n_suffix, bars->suffix) == 0;
}

static void print_medians(const struct bench *bench,
			  const struct methods *methods, const char *name,
			  FILE *file)
{
	fprintf(file, "\"%s\"", name);
	for (size_t i = 0; i < methods->n; i++) {
		const struct bench_row *row =
			bench_find(bench, name, methods->names[i]);

		if (row)
			fprintf(file, " %.1f", bench_median(row));
		else
			fputs(" NaN", file);
	}
	fputc('\n', file);
}

/* Whether any case of the bars was measured with the method. */
static bool has_bars(const struct bench *bench, const struct bars *bars,
		     const char *method)
{
	for (size_t i = 0; i < bench->n_cases; i++)
		if (is_of(bars, bench->cases[i]) &&
		    bench_find(bench, bench->cases[i], method))
			return true;
	return false;
}

static void print_plot(const struct bench *bench, const struct methods *methods,
		       const struct bars *bars, FILE *file)
{
	const char *before = "plot";

	for (size_t i = 0; i < methods->n; i++) {
		const char *name = methods->names[i];

		if (!has_bars(bench, bars, name))
			continue;
		fprintf(file, "%s $bars using %zu:xtic(1) linetype %zu "
			"title \"%s\"", before, i + 2, i + 1, name);
		before = ", \\\n";
	}
	fputc('\n', file);
}

static void print_bars(const struct bench *bench, const struct methods *methods,
		       const struct bars *bars, FILE *file)
{
	size_t n = 0;

	for (size_t i = 0; i < bench->n_cases; i++) {
		if (!is_of(bars, bench->cases[i]))
			continue;
		if (!n++)
			fputs("$bars << END\n", file);
		print_medians(bench, methods, bench->cases[i], file);
	}
	if (!n)
		return;
	fprintf(file, "END\nreset\nset output \"%s.svg\"\nset ylabel \"ns\"\n"
		"set style data histograms\nset style fill solid\n"
		"set logscale y\nset yrange [1:]\nset xtics rotate by -45\n"
		"set key outside\n",
		bars->file);
	print_plot(bench, methods, bars, file);
}

void bench_plots(const struct bench *bench, const struct bench_machine *machine,
		 FILE *file)
{
	struct methods methods = { 0 };

	for (size_t i = 0; i < bench->n_rows; i++)
		add_method(&methods, bench->rows[i].method);
	fputs("# ", file);
	bench_print_machine(machine, file);
	fputs("\nset terminal svg size 1500,900 dynamic background \"white\"\n"
	      "set linetype cycle 16\n", file);
	for (size_t i = 0; i < sizeof(more_colours) / sizeof(*more_colours); i++)
		fprintf(file, "set linetype %zu linecolor rgb \"%s\"\n", i + 9,
			more_colours[i]);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		print_family(bench, &methods, families[i], file);
	for (size_t i = 0; i < sizeof(bars) / sizeof(*bars); i++)
		print_bars(bench, &methods, &bars[i], file);
}

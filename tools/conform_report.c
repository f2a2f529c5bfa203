/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to show a matrix. */
#include "config.h"

#include "conform_report.h"

#include "foreign_text.h"

#include <string.h>

/* Whether another row of the column before this one has the same words. */
static bool was_said(const struct matrix *matrix, size_t system, size_t row)
{
	const struct cell *cell = matrix_cell(matrix, system, row);

	while (row--) {
		const struct cell *other = matrix_cell(matrix, system, row);

		if (other->result == cell->result &&
		    strcmp(other->detail, cell->detail) == 0)
			return true;
	}
	return false;
}

/* The rows of the column that have the result and the words of this one. */
static void print_rows_like(const struct matrix *matrix, FILE *file,
			    size_t system, size_t row)
{
	const struct cell *cell = matrix_cell(matrix, system, row);
	const char *before = "";

	for (; row < matrix->n_rows; row++) {
		const struct cell *other = matrix_cell(matrix, system, row);

		if (other->result != cell->result ||
		    strcmp(other->detail, cell->detail) != 0)
			continue;
		fprintf(file, "%s%s", before, matrix->rows[row].name);
		before = ", ";
	}
}

typedef void (*print_words)(FILE *file, const char *text);

/* A line for all rows of a system that have that result for one reason. */
static void print_details(const struct matrix *matrix, FILE *file,
			  enum result result, const char *before,
			  print_words print)
{
	for (size_t i = 0; i < matrix->n_systems; i++)
		for (size_t row = 0; row < matrix->n_rows; row++) {
			const struct cell *cell = matrix_cell(matrix, i, row);

			if (cell->result != result ||
			    was_said(matrix, i, row))
				continue;
			fputs(before, file);
			print(file, matrix->systems[i].name);
			fputs(": ", file);
			print(file, cell->detail);
			fputs(*cell->detail ? ": " : "", file);
			print_rows_like(matrix, file, i, row);
			fputc('\n', file);
		}
}

static bool has_any(const struct matrix *matrix, enum result result)
{
	for (size_t i = 0; i < matrix->n_systems; i++)
		if (matrix_count(matrix, i, result))
			return true;
	return false;
}

/* ---- Text ---- */

static int row_width(const struct matrix *matrix)
{
	size_t width = strlen("not pinned");

	for (size_t i = 0; i < matrix->n_rows; i++) {
		size_t n = strlen(matrix->rows[i].name);

		width = n > width ? n : width;
	}
	return (int)width;
}

static int system_width(const struct system *system)
{
	size_t n = strlen(system->name);
	size_t least = strlen("known fault");

	return (int)(n > least ? n : least);
}

/* One field of a line, which the last system ends. */
static void print_field(const struct matrix *matrix, FILE *file, size_t system,
			const char *text)
{
	if (system + 1 < matrix->n_systems)
		fprintf(file, "  %-*s", system_width(&matrix->systems[system]),
			text);
	else
		fprintf(file, "  %s\n", text);
}

static void print_head(const struct matrix *matrix, FILE *file, int width)
{
	fprintf(file, "%-*s", width, "");
	for (size_t i = 0; i < matrix->n_systems; i++)
		print_field(matrix, file, i, matrix->systems[i].name);
}

static void print_row(const struct matrix *matrix, FILE *file, int width,
		      size_t row)
{
	fprintf(file, "%-*s", width, matrix->rows[row].name);
	for (size_t i = 0; i < matrix->n_systems; i++)
		print_field(matrix, file, i,
			    result_words[matrix_cell(matrix, i, row)->result]);
}

static void print_counts(const struct matrix *matrix, FILE *file, int width,
			 enum result result)
{
	fprintf(file, "%-*s", width, result_words[result]);
	for (size_t i = 0; i < matrix->n_systems; i++) {
		char count[24];

		snprintf(count, sizeof(count), "%zu",
			 matrix_count(matrix, i, result));
		print_field(matrix, file, i, count);
	}
}

static void print_plain(FILE *file, const char *text)
{
	fputs(text, file);
}

void conform_text(const struct conformance *conformance, FILE *file)
{
	const struct matrix *matrix = conformance->matrix;
	int width = row_width(matrix);

	fprintf(file, "winewatch %s on Linux %s\n\n", conformance->version,
		conformance->kernel);
	print_head(matrix, file, width);
	for (size_t row = 0; row < matrix->n_rows; row++)
		print_row(matrix, file, width, row);
	fputc('\n', file);
	print_head(matrix, file, width);
	for (int result = 0; result < N_RESULTS; result++)
		print_counts(matrix, file, width, result);
	for (int result = RESULT_PASS + 1; result < N_RESULTS; result++) {
		if (!has_any(matrix, result))
			continue;
		fprintf(file, "\n%s:\n", result_words[result]);
		print_details(matrix, file, result, "  ", print_plain);
	}
}

/* ---- JSON ---- */

static json_t *row_json(const struct matrix *matrix, size_t row)
{
	json_t *cells = json_object();

	for (size_t i = 0; i < matrix->n_systems; i++) {
		const struct cell *cell = matrix_cell(matrix, i, row);

		json_object_set_new(cells, matrix->systems[i].name,
				    json_pack("{s:s, s:o}", "result",
					      result_words[cell->result],
					      "detail",
					      foreign_text(cell->detail)));
	}
	return json_pack("{s:s, s:s, s:o, s:o}",
			 "row", matrix->rows[row].name,
			 "source", matrix->rows[row].source,
			 "rule", foreign_text(matrix->rows[row].rule),
			 "cells", cells);
}

void conform_json(const struct conformance *conformance, FILE *file)
{
	const struct matrix *matrix = conformance->matrix;
	json_t *systems = json_array();
	json_t *rows = json_array();
	json_t *object;

	for (size_t i = 0; i < matrix->n_systems; i++)
		json_array_append_new(systems,
				      json_string(matrix->systems[i].name));
	for (size_t row = 0; row < matrix->n_rows; row++)
		json_array_append_new(rows, row_json(matrix, row));
	object = json_pack("{s:s, s:s, s:o, s:o}",
			   "version", conformance->version,
			   "kernel", conformance->kernel,
			   "systems", systems, "rows", rows);
	json_dumpf(object, file, JSON_INDENT(2));
	fputc('\n', file);
	json_decref(object);
}

/* ---- Markdown ---- */

/* Text in a table or in a list. */
static void print_escaped(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*_[]<>|", *text))
			fputc('\\', file);
		fputc(*text, file);
	}
}

/* The first columns, as "| ONE | TWO |", and those of the systems. */
static void table_head(const struct matrix *matrix, FILE *file,
		       const char *first, const char *rule)
{
	fprintf(file, "\n%s", first);
	for (size_t i = 0; i < matrix->n_systems; i++) {
		fputc(' ', file);
		print_escaped(file, matrix->systems[i].name);
		fputs(" |", file);
	}
	fprintf(file, "\n%s", rule);
	for (size_t i = 0; i < matrix->n_systems; i++)
		fputs("---|", file);
	fputc('\n', file);
}

static void count_table(const struct matrix *matrix, FILE *file)
{
	table_head(matrix, file, "| rows |", "|---|");
	for (int result = 0; result < N_RESULTS; result++) {
		fprintf(file, "| %s |", result_words[result]);
		for (size_t i = 0; i < matrix->n_systems; i++)
			fprintf(file, " %zu |",
				matrix_count(matrix, i, result));
		fputc('\n', file);
	}
}

static void rule_table(const struct matrix *matrix, FILE *file)
{
	table_head(matrix, file, "| row | rule | source |", "|---|---|---|");
	for (size_t row = 0; row < matrix->n_rows; row++) {
		const struct row *it = &matrix->rows[row];

		fprintf(file, "| %s | ", it->name);
		print_escaped(file, it->rule);
		fprintf(file, " | %s%s |", it->source,
			it->pinned ? "" : ", not pinned");
		for (size_t i = 0; i < matrix->n_systems; i++)
			fprintf(file, " %s |",
				result_words[matrix_cell(matrix, i, row)
						     ->result]);
		fputc('\n', file);
	}
}

static void list(const struct matrix *matrix, FILE *file, enum result result,
		 const char *title)
{
	if (!has_any(matrix, result))
		return;
	fprintf(file, "\n## %s\n\n", title);
	print_details(matrix, file, result, "* ", print_escaped);
}

void conform_markdown(const struct conformance *conformance, FILE *file)
{
	const struct matrix *matrix = conformance->matrix;

	fprintf(file, "winewatch %s on Linux %s:\n", conformance->version,
		conformance->kernel);
	count_table(matrix, file);
	fputs("\n## Row by row\n", file);
	rule_table(matrix, file);
	list(matrix, file, RESULT_FAIL, "Failing");
	list(matrix, file, RESULT_KNOWN_FAULT, "Known faults");
	list(matrix, file, RESULT_NOT_PINNED, "Other answers where none is "
	     "pinned");
	list(matrix, file, RESULT_SKIPPED, "Skipped");
}

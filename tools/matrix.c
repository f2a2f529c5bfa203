/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What winewatch conform finds out: rules by systems. */
#include "config.h"

#include "matrix.h"

#include "tool.h"

#include <stdlib.h>
#include <string.h>

const char *const result_words[N_RESULTS] = {
#define R(symbol, words) words,
	WW_RESULTS(R)
#undef R
};

static bool is_wanted(const struct matrix *matrix, const char *name)
{
	if (matrix->only)
		return strcmp(name, matrix->only) == 0;
	return strncmp(name, matrix->group, strlen(matrix->group)) == 0;
}

void matrix_add_row(struct matrix *matrix, const char *name, const char *source,
		    bool pinned, const char *rule)
{
	size_t n = matrix->n_rows;

	if (!is_wanted(matrix, name) || matrix_find_row(matrix, name) < n)
		return;
	matrix->rows = resize_array(matrix->rows, n + 1, sizeof(*matrix->rows));
	matrix->rows[n] = (struct row){
		.name = format_text("%s", name),
		.source = format_text("%s", source),
		.rule = format_text("%s", rule),
		.pinned = pinned,
	};
	matrix->n_rows = n + 1;
}

size_t matrix_find_row(const struct matrix *matrix, const char *name)
{
	size_t i = 0;

	while (i < matrix->n_rows && strcmp(matrix->rows[i].name, name) != 0)
		i++;
	return i;
}

static bool has_system(const struct matrix *matrix, const char *name)
{
	for (size_t i = 0; i < matrix->n_systems; i++)
		if (strcmp(matrix->systems[i].name, name) == 0)
			return true;
	return false;
}

static char *unlike_others(const struct matrix *matrix, const char *name)
{
	char *unlike = format_text("%s", name);

	for (int i = 2; has_system(matrix, unlike); i++) {
		free(unlike);
		unlike = format_text("%s (%d)", name, i);
	}
	return unlike;
}

struct system *matrix_add_system(struct matrix *matrix, const char *name)
{
	size_t n = matrix->n_systems;
	struct system *system;

	matrix->systems = resize_array(matrix->systems, n + 1, sizeof(*system));
	system = &matrix->systems[n];
	*system = (struct system){
		.name = unlike_others(matrix, name),
		.cells = resize_array(NULL, matrix->n_rows + 1,
				      sizeof(*system->cells)),
		.n_cells = matrix->n_rows,
	};
	memset(system->cells, 0, system->n_cells * sizeof(*system->cells));
	matrix->n_systems = n + 1;
	return system;
}

void cell_set(struct cell *cell, enum result result, char *detail)
{
	free(cell->detail);
	*cell = (struct cell){ .result = result, .detail = detail };
}

void system_set_rest(struct system *system, enum result result,
		     const char *detail)
{
	for (size_t i = 0; i < system->n_cells; i++)
		if (!system->cells[i].detail)
			cell_set(&system->cells[i], result,
				 format_text("%s", detail));
}

const struct cell *matrix_cell(const struct matrix *matrix,
			       size_t system, size_t row)
{
	static char no_row[] = "its suite does not have this row";
	static const struct cell skipped = {
		.result = RESULT_SKIPPED, .detail = no_row
	};
	const struct system *column = &matrix->systems[system];

	return row < column->n_cells ? &column->cells[row] : &skipped;
}

size_t matrix_count(const struct matrix *matrix, size_t system,
		    enum result result)
{
	size_t n = 0;

	for (size_t row = 0; row < matrix->n_rows; row++)
		n += matrix_cell(matrix, system, row)->result == result;
	return n;
}

static void free_system(struct system *system)
{
	for (size_t i = 0; i < system->n_cells; i++)
		free(system->cells[i].detail);
	free(system->cells);
	free(system->name);
}

void matrix_free(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_systems; i++)
		free_system(&matrix->systems[i]);
	for (size_t i = 0; i < matrix->n_rows; i++) {
		free(matrix->rows[i].name);
		free(matrix->rows[i].source);
		free(matrix->rows[i].rule);
	}
	free(matrix->systems);
	free(matrix->rows);
}

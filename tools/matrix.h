/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What winewatch conform finds out: rules by systems. */
#ifndef WW_TOOLS_MATRIX_H
#define WW_TOOLS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/* R(symbol, its words) */
#define WW_RESULTS(R) \
	R(PASS, "pass") \
	R(FAIL, "FAIL") \
	R(KNOWN_FAULT, "known fault") \
	R(NOT_PINNED, "not pinned") \
	R(SKIPPED, "skipped")

enum result {
#define R(symbol, words) RESULT_##symbol,
	WW_RESULTS(R)
#undef R
	N_RESULTS
};

extern const char *const result_words[N_RESULTS];

struct cell {
	enum result result;
	char *detail;		/* one line, or ""; NULL: nothing is known yet */
};

/* A rule, as the suite lists it. */
struct row {
	char *name;
	char *source;
	char *rule;
	bool pinned;
};

struct system {
	char *name;
	struct cell *cells;	/* one for each row there was when it began */
	size_t n_cells;
};

struct matrix {
	const char *only;	/* the one row that is wanted, or NULL */
	const char *group;	/* what its name must begin with */
	struct row *rows;
	size_t n_rows;
	struct system *systems;
	size_t n_systems;
};

/* Adds a row unless it is there or not wanted. */
void matrix_add_row(struct matrix *matrix, const char *name, const char *source,
		    bool pinned, const char *rule);

/* The place of that row, or n_rows. */
size_t matrix_find_row(const struct matrix *matrix, const char *name);

/*
 * Adds a column, whose name is made unlike all others. No rows may be added
 * until its cells are set. Valid until the next one is added.
 */
struct system *matrix_add_system(struct matrix *matrix, const char *name);

/* Sets a cell, anew if need be; takes over `detail`. */
void cell_set(struct cell *cell, enum result result, char *detail);

/* Sets all cells about which nothing is known yet. */
void system_set_rest(struct system *system, enum result result,
		     const char *detail);

/* The cell; also where the system does not have the row. */
const struct cell *matrix_cell(const struct matrix *matrix,
			       size_t system, size_t row);

/* How many cells of the column have that result. */
size_t matrix_count(const struct matrix *matrix, size_t system,
		    enum result result);

void matrix_free(struct matrix *matrix);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The known faults of Wines, row by row. */
#include "config.h"

#include "faults.h"

#include "tool.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST "known-faults-"
#define MAYBE "maybe "

static void add(struct faults *faults, const char *row, bool maybe,
		const char *reason)
{
	faults->list = resize_array(faults->list, faults->n + 1,
				    sizeof(*faults->list));
	faults->list[faults->n++] = (struct fault){
		.row = format_text("%s", row),
		.reason = format_text("%s", reason),
		.maybe = maybe,
	};
}

static void read_line(struct faults *faults, char *line)
{
	char *reason = line + strcspn(line, " ");
	bool maybe;

	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || *line == '#')
		return;
	if (*reason)
		*reason++ = '\0';
	maybe = strncmp(reason, MAYBE, strlen(MAYBE)) == 0;
	add(faults, line, maybe, reason + (maybe ? strlen(MAYBE) : 0));
}

static bool read_list(struct faults *faults, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t n_bytes = 0;

	if (!file)
		return false;
	while (getline(&line, &n_bytes, file) >= 0)
		read_line(faults, line);
	free(line);
	fclose(file);
	return true;
}

static bool load(struct faults *faults, const char *path)
{
	*faults = (struct faults){ 0 };
	return read_list(faults, path);
}

bool faults_add(struct faults *faults, const char *folder, const char *name)
{
	char *path = format_text("%s/" LIST "%s", folder, name);
	bool found = read_list(faults, path);

	free(path);
	return found;
}

bool faults_load(struct faults *faults, const char *folder, const char *name)
{
	*faults = (struct faults){ 0 };
	return faults_add(faults, folder, name);
}

static const struct fault *find(const struct faults *faults, const char *row)
{
	for (size_t i = 0; i < faults->n; i++)
		if (strcmp(faults->list[i].row, row) == 0)
			return &faults->list[i];
	return NULL;
}

/* Leaves in `common` what `others` have as well. */
static void intersect(struct faults *common, const struct faults *others)
{
	struct faults both = { 0 };

	for (size_t i = 0; i < common->n; i++)
		if (find(others, common->list[i].row))
			add(&both, common->list[i].row, true,
			    common->list[i].reason);
	faults_free(common);
	*common = both;
}

/*
 * What every listed Wine does wrong, an unlisted one most likely does, too; all
 * else has to be looked at by somebody.
 */
static void load_common(struct faults *common, const char *folder)
{
	char *pattern = format_text("%s/" LIST "[0-9]*", folder);
	glob_t found;

	*common = (struct faults){ 0 };
	if (glob(pattern, 0, NULL, &found) == 0) {
		load(common, found.gl_pathv[0]);
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct faults others;

			load(&others, found.gl_pathv[i]);
			intersect(common, &others);
			faults_free(&others);
		}
		globfree(&found);
	}
	free(pattern);
}

void faults_load_wine(struct faults *faults, const char *folder,
		      const char *version)
{
	/* Releases of a stable series have the faults of its first. */
	size_t major = strspn(version, "0123456789");
	size_t minor = version[major] == '.'
			       ? strspn(version + major + 1, "0123456789") : 0;
	char *series = format_text("%.*s", (int)(major + 1 + minor), version);

	if (!minor || !faults_load(faults, folder, series))
		load_common(faults, folder);
	free(series);
}

static void judge(const struct fault *fault, struct cell *cell)
{
	if (cell->result == RESULT_FAIL)
		cell_set(cell, RESULT_KNOWN_FAULT,
			 format_text("%s", fault->reason));
	else if (cell->result == RESULT_PASS && !fault->maybe)
		cell_set(cell, RESULT_PASS,
			 format_text("does not show here: %s", fault->reason));
}

void faults_judge(const struct faults *faults, const struct matrix *matrix,
		  struct system *system)
{
	for (size_t i = 0; i < faults->n; i++) {
		size_t row = matrix_find_row(matrix, faults->list[i].row);

		if (row < system->n_cells)
			judge(&faults->list[i], &system->cells[row]);
	}
}

void faults_free(struct faults *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		free(faults->list[i].row);
		free(faults->list[i].reason);
	}
	free(faults->list);
	*faults = (struct faults){ 0 };
}

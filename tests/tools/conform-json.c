/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the JSON object of winewatch conform from standard input and checks it
 * against its schema. Prints its facts, a line each, for the shell to compare;
 * the exit status is 1 if anything is not as the schema says.
 */
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	exit(1);
}

/* A member of that type; the object must have n_keys members. */
static json_t *member(json_t *object, const char *key, json_type type,
		      size_t n_keys)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		fail(key, "is not there");
	if (json_object_size(object) != n_keys)
		fail(key, "is not among as many keys as there should be");
	if (json_typeof(value) != type)
		fail(key, "is of another type");
	return value;
}

/* A text of one line. */
static const char *text(json_t *object, const char *key, size_t n_keys)
{
	const char *value = json_string_value(member(object, key, JSON_STRING,
						     n_keys));

	if (strpbrk(value, "\r\n"))
		fail(key, "has more than one line");
	return value;
}

static void check_cell(const char *row, const char *system, json_t *cell)
{
	static const char *const results[] = {
		"pass", "FAIL", "known fault", "not pinned", "skipped"
	};
	const char *result = text(cell, "result", 2);
	const char *detail = text(cell, "detail", 2);
	size_t i = 0;

	while (i < 5 && strcmp(result, results[i]) != 0)
		i++;
	if (i == 5)
		fail(row, "has a result of its own");
	if (!*detail && (*result == 's' || *result == 'k'))
		fail(row, "has no reason");
	printf("cell %s, %s: %s%s%s\n", row, system, result,
	       *detail ? ": " : "", detail);
}

static void check_row(json_t *row, json_t *systems)
{
	const char *name = text(row, "row", 4);
	json_t *cells = member(row, "cells", JSON_OBJECT, 4);
	json_t *system;
	size_t i;

	printf("row %s, %s, %s\n", name, text(row, "source", 4),
	       text(row, "rule", 4));
	json_array_foreach(systems, i, system) {
		const char *key = json_string_value(system);

		check_cell(name, key, member(cells, key, JSON_OBJECT,
					     json_array_size(systems)));
	}
}

int main(void)
{
	json_error_t error;
	json_t *root = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	json_t *systems, *rows, *value;
	size_t i;

	if (!root)
		fail("standard input", error.text);
	printf("version %s\n", text(root, "version", 4));
	printf("kernel %s\n", text(root, "kernel", 4));
	systems = member(root, "systems", JSON_ARRAY, 4);
	rows = member(root, "rows", JSON_ARRAY, 4);
	json_array_foreach(systems, i, value) {
		if (!json_is_string(value))
			fail("systems", "has something else than names");
		printf("system %s\n", json_string_value(value));
	}
	json_array_foreach(rows, i, value)
		check_row(value, systems);
	json_decref(root);
	return 0;
}

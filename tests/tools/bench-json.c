/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the JSON object of winewatch bench from standard input and checks it
 * against its schema. Prints a line for each row, for the shell to compare; the
 * exit status is 1 if anything is not as the schema says.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define N_ROOT_KEYS 4
#define N_ROW_KEYS 7

static void fail(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	exit(1);
}

static json_t *member(json_t *object, const char *key, size_t n_keys)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		fail(key, "is not there");
	if (json_object_size(object) != n_keys)
		fail(key, "is not among as many keys as there should be");
	return value;
}

static const char *text(json_t *object, const char *key, size_t n_keys)
{
	const char *value = json_string_value(member(object, key, n_keys));

	if (!value || !*value)
		fail(key, "is no text");
	return value;
}

static json_int_t whole(json_t *row, const char *key)
{
	json_t *value = member(row, key, N_ROW_KEYS);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		fail(key, "is no whole number");
	return json_integer_value(value);
}

static double time_of(json_t *row, const char *key)
{
	json_t *value = member(row, key, N_ROW_KEYS);

	if (!json_is_real(value) || json_real_value(value) <= 0)
		fail(key, "is no time");
	return json_real_value(value);
}

static void check_row(json_t *row)
{
	const char *name = text(row, "case", N_ROW_KEYS);
	double median = time_of(row, "median_ns");

	if (time_of(row, "min_ns") > median || time_of(row, "max_ns") < median)
		fail(name, "has a median outside of its extremes");
	if (!whole(row, "runs"))
		fail(name, "has no runs");
	printf("%s %s %" JSON_INTEGER_FORMAT "\n", name,
	       text(row, "method", N_ROW_KEYS), whole(row, "pages"));
}

int main(void)
{
	json_error_t error;
	json_t *root = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	json_t *rows, *row;
	size_t i;

	if (!root)
		fail("it", error.text);
	printf("kernel %s\n", text(root, "kernel", N_ROOT_KEYS));
	printf("version %s\n", text(root, "version", N_ROOT_KEYS));
	text(root, "cpu", N_ROOT_KEYS);
	rows = member(root, "rows", N_ROOT_KEYS);
	if (!json_is_array(rows))
		fail("rows", "are no array");
	json_array_foreach(rows, i, row)
		check_row(row);
	json_decref(root);
	return 0;
}

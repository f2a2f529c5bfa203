/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads the JSON object of winewatch doctor from standard input and checks it
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

/* The object must have exactly these keys. */
static void check_keys(const char *where, json_t *object,
		       const char *const *keys, size_t n_keys)
{
	if (!json_is_object(object))
		fail(where, "is not an object");
	if (json_object_size(object) != n_keys)
		fail(where, "has another number of keys");
	for (size_t i = 0; i < n_keys; i++)
		if (!json_object_get(object, keys[i]))
			fail(keys[i], "is not there");
}

#define CHECK_KEYS(where, object, ...) do { \
	static const char *const keys[] = { __VA_ARGS__ }; \
	check_keys(where, object, keys, sizeof(keys) / sizeof(*keys)); \
} while (0)

/* A text of one line. */
static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	if (!value)
		fail(key, "is not a string");
	if (strchr(value, '\n'))
		fail(key, "has more than one line");
	return value;
}

static const char *text_or_null(json_t *object, const char *key)
{
	return json_is_null(json_object_get(object, key)) ? "null"
							  : text(object, key);
}

static bool is_one_of(const char *value, const char *const *values)
{
	while (*values && strcmp(*values, value) != 0)
		values++;
	return *values;
}

/* State, reason and remedy; returns the state. */
static const char *check_answer(const char *where, json_t *object)
{
	static const char *const states[] = {
		"supported", "missing", "unknown", NULL
	};
	const char *state = text(object, "state");
	bool supported = strcmp(state, "supported") == 0;

	if (!is_one_of(state, states))
		fail(where, "has a state of its own");
	if (!supported && !*text(object, "reason"))
		fail(where, "is a no without a reason");
	if (supported == (*text(object, "remedy") != '\0'))
		fail(where, "has a remedy if and only if it needs none");
	return state;
}

static void check_features(json_t *features)
{
	const char *name;
	json_t *feature;

	if (!json_is_object(features) || json_object_size(features) == 0)
		fail("features", "is not an object with members");
	json_object_foreach(features, name, feature) {
		CHECK_KEYS(name, feature, "state", "reason", "remedy");
		printf("feature %s %s\n", name, check_answer(name, feature));
	}
}

static void check_wine(json_t *wine)
{
	static const char *const abis[] = { "ms", "sysv", "unknown", NULL };
	const char *command;
	json_t *own;

	CHECK_KEYS("wine", wine, "command", "version", "abi", "own_watches",
		   "state", "reason", "remedy");
	command = text(wine, "command");
	if (!is_one_of(text(wine, "abi"), abis))
		fail(command, "has an abi of its own");
	own = json_object_get(wine, "own_watches");
	if (!json_is_null(own) && !json_is_boolean(own))
		fail(command, "own_watches is neither null nor a boolean");
	printf("wine %s\n", check_answer(command, wine));
	printf("version %s\n", text_or_null(wine, "version"));
	printf("abi %s\n", text(wine, "abi"));
	printf("own_watches %s\n", json_is_null(own) ? "null"
				   : json_is_true(own) ? "true" : "false");
	printf("reason %s\n", text(wine, "reason"));
	printf("remedy %s\n", text(wine, "remedy"));
}

int main(void)
{
	json_error_t error;
	json_t *root = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	json_t *wines, *wine;
	size_t i;

	if (!root)
		fail("standard input", error.text);
	CHECK_KEYS("the object", root, "version", "kernel", "backend",
		   "features", "wine");
	printf("version %s\n", text(root, "version"));
	printf("kernel %s\n", text(root, "kernel"));
	printf("backend %s\n", text(root, "backend"));
	check_features(json_object_get(root, "features"));
	wines = json_object_get(root, "wine");
	if (!json_is_array(wines))
		fail("wine", "is not an array");
	json_array_foreach(wines, i, wine)
		check_wine(wine);
	json_decref(root);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input of a fuzz target, taken from its beginning. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t *at;
	size_t n_left;
};

/* False, and nothing is taken, when there are fewer bytes left. */
static inline bool take(struct input *input, void *target, size_t n_bytes)
{
	if (input->n_left < n_bytes)
		return false;
	memcpy(target, input->at, n_bytes);
	input->at += n_bytes;
	input->n_left -= n_bytes;
	return true;
}

static inline void expect(bool right)
{
	if (!right)
		abort();
}

#endif

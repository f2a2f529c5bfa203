/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random scripts of steps, which a seed repeats and a failure shortens. */
#ifndef TESTS_PAGEMAP_SCRIPT_H
#define TESTS_PAGEMAP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that is drawn after this follows from the seed. */
void random_begin(uint64_t seed);
uint64_t random_bits(void);
/* 0 to n - 1. */
uint64_t below(uint64_t n);
bool one_in(unsigned n);
/* An index, drawn by its weight. */
size_t draw_weighted(const unsigned *weight, size_t n);

/* Drops every one of n steps without which the script still fails; it failed at
 * step `last`. */
void shrink(bool *dropped, size_t n, size_t last, bool (*fails)(void *script),
	    void *script);

#endif

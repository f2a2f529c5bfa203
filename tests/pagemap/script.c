/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random scripts of steps, which a seed repeats and a failure shortens. */
#include "script.h"

static uint64_t random_state;

uint64_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

void random_begin(uint64_t seed)
{
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (int i = 0; i < 8; i++)
		random_bits();
}

uint64_t below(uint64_t n)
{
	return random_bits() % n;
}

bool one_in(unsigned n)
{
	return !below(n);
}

size_t draw_weighted(const unsigned *weight, size_t n)
{
	unsigned total = 0;
	uint64_t at;
	size_t i;

	for (i = 0; i < n; i++)
		total += weight[i];
	at = below(total);
	for (i = 0; at >= weight[i]; i++)
		at -= weight[i];
	return i;
}

void shrink(bool *dropped, size_t n, size_t last, bool (*fails)(void *script),
	    void *script)
{
	for (size_t i = last + 1; i < n; i++)
		dropped[i] = true;
	for (size_t i = last; i--;) {
		dropped[i] = true;
		if (!fails(script))
			dropped[i] = false;
	}
}

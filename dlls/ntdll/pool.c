/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory for bookkeeping. Small blocks, of sizes that are powers of two, are cut
 * from slabs and used again; a mapping for each would double the cost of a small
 * reservation. Big ones are mappings.
 */
#include "pool.h"

#include "tracker.h"

#include <string.h>

#define SMALLEST 64
#define N_SIZES 7	/* up to 4096 bytes */
#define SLAB_BYTES 65536

struct block {
	struct block *next;
};

static struct block *unused[N_SIZES];
static char *slab;
static size_t slab_left;

/* Which of the sizes; N_SIZES for a big block. */
static size_t size_index(size_t n_bytes)
{
	size_t i = 0;

	while (i < N_SIZES && n_bytes > (size_t)SMALLEST << i)
		i++;
	return i;
}

static void *cut(size_t n_bytes)
{
	if (slab_left < n_bytes) {
		char *new = ww_linux.map(SLAB_BYTES);

		if (!new)
			return NULL;
		slab = new;
		slab_left = SLAB_BYTES;
	}
	slab_left -= n_bytes;
	return slab + slab_left;
}

void *ww_pool_take(size_t n_bytes)
{
	size_t i = size_index(n_bytes);
	struct block *block;

	if (i == N_SIZES)
		return ww_linux.map(n_bytes);
	block = unused[i];
	if (!block)
		return cut((size_t)SMALLEST << i);
	unused[i] = block->next;
	return memset(block, 0, n_bytes);
}

void ww_pool_give(void *memory, size_t n_bytes)
{
	size_t i = size_index(n_bytes);
	struct block *block = memory;

	if (i == N_SIZES) {
		ww_linux.unmap(memory, n_bytes);
		return;
	}
	block->next = unused[i];
	unused[i] = block;
}

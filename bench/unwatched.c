/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that nobody watches, of small pages like all others. */
#include "config.h"

#include "method.h"

#include <sys/mman.h>

static int reserve(struct bench_memory *memory, size_t n_bytes)
{
	intptr_t start = bench_map_none(n_bytes);

	if (start < 0)
		return (int)start;
	memory->start = (uintptr_t)start;
	memory->n_bytes = n_bytes;
	/* a kernel without huge pages does not know it, and need not */
	madvise((void *)start, n_bytes, MADV_NOHUGEPAGE);
	return 0;
}

static int commit(struct bench_memory *memory)
{
	return bench_protect(memory, PROT_READ | PROT_WRITE);
}

static int decommit(struct bench_memory *memory)
{
	return bench_discard(memory);
}

static void release(struct bench_memory *memory)
{
	bench_unmap(memory);
}

const struct bench_method bench_unwatched = {
	.name = "unwatched",
	.reserve = reserve,
	.commit = commit,
	.decommit = decommit,
	.release = release,
};

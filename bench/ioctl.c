/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The system calls alone: memory armed with a marker for each page; queries of
 * winewatch's memory with the sizes of array that winewatch uses, of which the
 * pages are only counted.
 */
#include "config.h"

#include "method.h"

#include "../kernel/abi.h"

#include <sys/mman.h>

#define FIRST_REGIONS 341
#define MORE_REGIONS 512

static struct bench_kernel kernel;

static int open_kernel(void)
{
	return bench_kernel_open(&kernel);
}

static void close_kernel(void)
{
	bench_kernel_close(&kernel);
}

static int reserve(struct bench_memory *memory, size_t n_bytes)
{
	intptr_t start = bench_map_none(n_bytes);

	if (start < 0)
		return (int)start;
	memory->start = (uintptr_t)start;
	memory->n_bytes = n_bytes;
	return bench_kernel_register(&kernel, memory->start, n_bytes);
}

static int commit(struct bench_memory *memory)
{
	int ret = bench_kernel_arm(&kernel, memory->start, memory->n_bytes);

	return ret ? ret : bench_protect(memory, PROT_READ | PROT_WRITE);
}

static int decommit(struct bench_memory *memory)
{
	int ret = bench_discard(memory);

	return ret ? ret : bench_kernel_register(&kernel, memory->start,
						 memory->n_bytes);
}

static void release(struct bench_memory *memory)
{
	bench_unmap(memory);
}

static size_t expand(const struct page_region *vec, long n_vec,
		     uintptr_t *addresses)
{
	size_t n = 0;

	for (long i = 0; i < n_vec; i++)
		for (uintptr_t page = vec[i].start; page < vec[i].end;
		     page += BENCH_PAGE)
			addresses[n++] = page;
	return n;
}

static size_t count(const struct page_region *vec, long n_vec)
{
	size_t n_bytes = 0;

	for (long i = 0; i < n_vec; i++)
		n_bytes += vec[i].end - vec[i].start;
	return n_bytes / BENCH_PAGE;
}

static size_t get(struct bench_memory *memory, uintptr_t start, size_t n_bytes,
		  bool reset, uintptr_t *addresses)
{
	struct page_region vec[MORE_REGIONS];
	uintptr_t end = start + n_bytes;
	size_t n_vec = n_bytes / BENCH_PAGE, n = 0;
	long n_found;

	(void)memory;
	n_vec = n_vec < FIRST_REGIONS ? n_vec : FIRST_REGIONS;
	for (;;) {
		n_found = bench_kernel_scan(&kernel, start, end, reset, vec,
					    n_vec);
		if (n_found <= 0)
			return n;
		n += addresses ? expand(vec, n_found, addresses + n)
			       : count(vec, n_found);
		start = vec[n_found - 1].end;
		if ((size_t)n_found < n_vec || start == end)
			return n;
		n_vec = MORE_REGIONS;
	}
}

static void reset(struct bench_memory *memory, uintptr_t start, size_t n_bytes)
{
	(void)memory;
	bench_kernel_scan(&kernel, start, start + n_bytes, true, NULL, 0);
}

const struct bench_method bench_ioctl = {
	.name = "ioctl",
	.maker = &bench_winewatch,
	.is_bare = true,
	.open = open_kernel,
	.close = close_kernel,
	.reserve = reserve,
	.commit = commit,
	.decommit = decommit,
	.release = release,
	.get = get,
	.reset = reset,
};

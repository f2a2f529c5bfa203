/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch's own way, by the calls that its NT layer makes. */
#include "config.h"

#include "method.h"

#include "regions.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static struct ww_regions *regions;

static int open_regions(void)
{
	const char *failure;
	sigset_t all;
	int ret;

	sigfillset(&all);
	ret = ww_regions_open(&regions, &ww_linux, &all, &failure);
	if (ret)
		return ret;
	if (strcmp(ww_regions_backend(regions), ww_backend_uffd.name) == 0)
		return 0;
	ww_regions_close(regions);
	return -EOPNOTSUPP;
}

static void close_regions(void)
{
	ww_regions_close(regions);
}

static int reserve(struct bench_memory *memory, size_t n_bytes)
{
	intptr_t start = bench_map_none(n_bytes);
	sigset_t saved;
	int ret;

	if (start < 0)
		return (int)start;
	memory->start = (uintptr_t)start;
	memory->n_bytes = n_bytes;
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, memory->start, n_bytes,
			       WW_MEMORY_RESERVED);
	ww_regions_unlock(regions, &saved);
	return ret;
}

static int commit(struct bench_memory *memory)
{
	sigset_t saved;
	int ret;

	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, memory->start, memory->n_bytes);
	ret = ww_regions_protect(regions, memory->start, memory->n_bytes,
				 PROT_READ | PROT_WRITE);
	ww_regions_unlock(regions, &saved);
	return ret;
}

static int decommit(struct bench_memory *memory)
{
	sigset_t saved;
	int ret;

	ww_regions_lock(regions, &saved);
	ret = ww_regions_save(regions, memory->start, memory->n_bytes);
	if (!ret)
		ret = bench_discard(memory);
	if (!ret)
		ww_regions_decommitted(regions, memory->start, memory->n_bytes);
	ww_regions_unlock(regions, &saved);
	return ret;
}

static void release(struct bench_memory *memory)
{
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	bench_unmap(memory);
	ww_regions_released(regions, memory->start, memory->n_bytes);
	ww_regions_unlock(regions, &saved);
}

static size_t get(struct bench_memory *memory, uintptr_t start, size_t n_bytes,
		  bool reset, uintptr_t *addresses)
{
	struct ww_query query;
	size_t n;

	(void)memory;
	if (ww_query_begin(&query, regions, start, n_bytes))
		return 0;
	n = ww_query_get(&query, reset, addresses, ww_query_pages(&query));
	ww_query_end(&query);
	return n;
}

static void reset(struct bench_memory *memory, uintptr_t start, size_t n_bytes)
{
	struct ww_query query;

	(void)memory;
	if (ww_query_begin(&query, regions, start, n_bytes))
		return;
	ww_query_reset(&query);
	ww_query_end(&query);
}

const struct bench_method bench_winewatch = {
	.name = "winewatch",
	.keeps_decommitted = true,
	.counts_tables = true,
	.open = open_regions,
	.close = close_regions,
	.reserve = reserve,
	.commit = commit,
	.decommit = decommit,
	.release = release,
	.get = get,
	.reset = reset,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watched memory for the tests, and rows about it. */
#include "memory.h"

#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ww_regions *regions_or_skip(void)
{
	struct ww_regions *regions;
	const char *failure;
	sigset_t blocked;
	int ret;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGQUIT);
	ret = ww_regions_open(&regions, &ww_linux, &blocked, &failure);
	if (ret)
		skip_all("no backend: %s: %s", failure, strerror(-ret));
	return regions;
}

void tracker_or_skip(struct ww_tracker *tracker)
{
	int ret = ww_tracker_open(tracker, &ww_linux);

	if (ret)
		skip_all("no backend: %s: %s", tracker->failure, strerror(-ret));
}

char *map_pages(size_t n_pages, int protection)
{
	char *memory = mmap(NULL, n_pages * ww_page_size(), protection,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		bail_out("mapping memory");
	return memory;
}

void unmap_pages(char *memory, size_t n_pages)
{
	munmap(memory, n_pages * ww_page_size());
}

void map_over(char *memory, size_t n_pages, int protection)
{
	if (mmap(memory, n_pages * ww_page_size(), protection,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		bail_out("mapping over memory");
}

char *area_page(const struct area *area, size_t page)
{
	return area->memory + page * ww_page_size();
}

void area_write(const struct area *area, size_t page)
{
	++*(volatile char *)area_page(area, page);
}

void area_reserve(struct area *area, struct ww_regions *regions, size_t n_pages)
{
	sigset_t saved;
	int ret;

	area->regions = regions;
	area->n_pages = n_pages;
	area->memory = map_pages(n_pages, PROT_NONE);
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, (uintptr_t)area->memory,
				 n_pages * ww_page_size(),
				 WW_MEMORY_RESERVED);
	ww_regions_unlock(regions, &saved);
	if (ret) {
		errno = -ret;
		bail_out("reserving watched memory");
	}
}

void area_commit(struct area *area, size_t first, size_t n_pages)
{
	size_t n_bytes = n_pages * ww_page_size();
	sigset_t saved;
	int ret;

	ww_regions_lock(area->regions, &saved);
	ww_regions_commit(area->regions, (uintptr_t)area_page(area, first),
			  n_bytes);
	ret = mprotect(area_page(area, first), n_bytes, PROT_READ | PROT_WRITE);
	ww_regions_unlock(area->regions, &saved);
	if (ret)
		bail_out("committing memory");
}

void area_decommit(struct area *area, size_t first, size_t n_pages)
{
	uintptr_t start = (uintptr_t)area_page(area, first);
	size_t n_bytes = n_pages * ww_page_size();
	sigset_t saved;

	ww_regions_lock(area->regions, &saved);
	if (ww_regions_save(area->regions, start, n_bytes))
		bail_out("saving what was written");
	map_over(area_page(area, first), n_pages, PROT_NONE);
	ww_regions_decommitted(area->regions, start, n_bytes);
	ww_regions_unlock(area->regions, &saved);
}

void area_release(struct area *area)
{
	sigset_t saved;

	ww_regions_lock(area->regions, &saved);
	unmap_pages(area->memory, area->n_pages);
	ww_regions_released(area->regions, (uintptr_t)area->memory,
			    area->n_pages * ww_page_size());
	ww_regions_unlock(area->regions, &saved);
}

static void begin(struct ww_query *query, const struct area *area, size_t first,
		  size_t n_pages)
{
	int ret = ww_query_begin(query, area->regions,
				 (uintptr_t)area_page(area, first),
				 n_pages * ww_page_size());

	if (ret) {
		errno = -ret;
		bail_out("beginning a query");
	}
}

size_t area_get(const struct area *area, size_t first, size_t n_pages,
		bool reset, uintptr_t *addresses, size_t capacity)
{
	struct ww_query query;
	size_t n;

	begin(&query, area, first, n_pages);
	n = ww_query_get(&query, reset, addresses, capacity);
	ww_query_end(&query);
	return n;
}

void area_reset(const struct area *area, size_t first, size_t n_pages)
{
	struct ww_query query;

	begin(&query, area, first, n_pages);
	ww_query_reset(&query);
	ww_query_end(&query);
}

/* "0-2,7". What does not fit is cut off: the row has failed by then. */
static void describe(const struct area *area, const uintptr_t *addresses,
		     size_t n, char *text, size_t n_bytes)
{
	size_t length = 0;

	*text = '\0';
	for (size_t i = 0; i < n && length + 48 < n_bytes; i++) {
		uintptr_t from = addresses[i] - (uintptr_t)area->memory;
		size_t first = from / ww_page_size(), last = first;

		while (i + 1 < n &&
		       addresses[i + 1] == addresses[i] + ww_page_size())
			i++, last++;
		length += (size_t)sprintf(text + length,
					  last > first ? "%s%zu-%zu" : "%s%zu",
					  length ? "," : "", first, last);
		if (from % ww_page_size())
			length += (size_t)sprintf(text + length, "!");
	}
}

void is_written_in(const struct area *area, size_t first, size_t n_pages,
		   bool reset, size_t capacity, const char *wanted,
		   const char *name)
{
	uintptr_t *addresses = calloc(capacity, sizeof(*addresses));
	char got[1024];
	size_t n = area_get(area, first, n_pages, reset, addresses, capacity);

	describe(area, addresses, n, got, sizeof(got));
	if (!ok(!strcmp(got, wanted), "%s", name))
		diag("got %s, wanted %s", got, wanted);
	free(addresses);
}

void is_written(const struct area *area, bool reset, const char *wanted,
		const char *name)
{
	is_written_in(area, 0, area->n_pages, reset, area->n_pages, wanted, name);
}

int raw_scan(int pagemap, const void *start, size_t n_pages, uint64_t flags,
	     struct page_region *vec, size_t vec_len, uint64_t *walk_end)
{
	struct pm_scan_arg arg = { 0 };
	int ret;

	arg.size = sizeof(arg);
	arg.flags = flags;
	arg.start = (uintptr_t)start;
	arg.end = (uintptr_t)start + n_pages * ww_page_size();
	arg.vec = (uintptr_t)vec;
	arg.vec_len = vec_len;
	arg.category_mask = PAGE_IS_WRITTEN;
	arg.return_mask = PAGE_IS_WRITTEN;
	ret = ww_linux.ioctl(pagemap, PAGEMAP_SCAN, &arg);
	if (walk_end)
		*walk_end = arg.walk_end;
	return ret;
}

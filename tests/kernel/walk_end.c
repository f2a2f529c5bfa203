/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trap K1: a complete scan of more than 512 regions leaves walk_end at an inner
 * boundary (6.12, 6.18, 7.2), and a loop that believes it sees regions twice.
 */
#include "memory.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Every other page is written: as many runs as there can be. */
enum { N_RUNS = 1000, N_PAGES = 2 * N_RUNS };

static void show_trap(const struct ww_tracker *tracker, const char *memory)
{
	static struct page_region vec[N_PAGES];
	const char *end = memory + N_PAGES * ww_page_size();
	uint64_t walk_end;
	int n = raw_scan(tracker->pagemap, memory, N_PAGES, 0, vec, N_PAGES,
			 &walk_end);

	diag("this kernel: %d regions of %d, walk_end %s", n, N_RUNS,
	     walk_end == (uintptr_t)end ? "at the end" : "stale");
}

/* Scans in a loop as a query does. `times` counts how often each page came. */
static bool scan_all(struct ww_tracker *tracker, uintptr_t start, unsigned flags,
		     size_t max_runs, size_t max_pages, unsigned char *times)
{
	static struct ww_run runs[WW_MAX_RUNS];
	uintptr_t end = start + N_PAGES * ww_page_size();
	uintptr_t at = start;

	for (int calls = 0; at < end; calls++) {
		struct ww_scan scan = {
			.start = at, .n_bytes = end - at, .flags = flags,
			.max_pages = max_pages, .runs = runs,
			.max_runs = max_runs,
		};

		if (calls > N_RUNS + 1 || tracker->backend->scan(tracker, &scan))
			return false;
		for (size_t i = 0; i < scan.n_runs; i++)
			for (uintptr_t page = runs[i].start; page < runs[i].end;
			     page += ww_page_size())
				times[(page - start) / ww_page_size()]++;
		at = scan.resume;
	}
	return true;
}

static void write_every_other(char *memory)
{
	for (size_t page = 0; page < N_PAGES; page += 2)
		++*(volatile char *)(memory + page * ww_page_size());
}

static bool each_once(const unsigned char *times)
{
	for (size_t page = 0; page < N_PAGES; page++)
		if (times[page] != (page % 2 ? 0 : 1))
			return false;
	return true;
}

static void scan_with(struct ww_tracker *tracker, char *memory, size_t max_runs,
		      size_t max_pages)
{
	unsigned char times[N_PAGES] = { 0 };
	uintptr_t start = (uintptr_t)memory;

	ok(scan_all(tracker, start, 0, max_runs, max_pages, times) &&
	   each_once(times), "%zu runs and %zu pages a call: each page once",
	   max_runs, max_pages);
	memset(times, 0, sizeof(times));
	ok(scan_all(tracker, start, WW_SCAN_RESET, max_runs, max_pages, times) &&
	   each_once(times), "the same with reset");
	memset(times, 0, sizeof(times));
	ok(scan_all(tracker, start, 0, max_runs, max_pages, times) &&
	   !memchr(times, 1, sizeof(times)), "nothing is left");
	write_every_other(memory);
}

static void through_tracker(void)
{
	static const size_t limits[][2] = {
		{ WW_MAX_RUNS, N_PAGES }, { WW_MAX_RUNS - 1, N_PAGES },
		{ 500, N_PAGES }, { 1, N_PAGES }, { WW_MAX_RUNS, 500 },
		{ WW_MAX_RUNS, WW_MAX_RUNS }, { WW_MAX_RUNS, 999 },
		{ WW_MAX_RUNS, 1 },
	};
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	size_t n_bytes = N_PAGES * ww_page_size();
	struct ww_tracker tracker;

	tracker_or_skip(&tracker);
	if (tracker.backend->watch(&tracker, (uintptr_t)memory, n_bytes) ||
	    tracker.backend->arm(&tracker, (uintptr_t)memory, n_bytes))
		bail_out("watching memory");
	write_every_other(memory);
	show_trap(&tracker, memory);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		scan_with(&tracker, memory, limits[i][0], limits[i][1]);
	unmap_pages(memory, N_PAGES);
	ww_tracker_close(&tracker);
}

/* The area's even pages below 2 * n_runs, in order, without duplicates. */
static bool is_even_pages(const struct area *area, const uintptr_t *addresses,
			  size_t n, size_t n_runs)
{
	for (size_t i = 0; i < n; i++)
		if (addresses[i] != (uintptr_t)area_page(area, 2 * i))
			return false;
	return n == n_runs;
}

static void through_registry(size_t n_runs)
{
	static uintptr_t addresses[N_PAGES];
	struct area area;
	size_t n;

	area_reserve(&area, regions_or_skip(), N_PAGES);
	area_commit(&area, 0, N_PAGES);
	for (size_t i = 0; i < n_runs; i++)
		area_write(&area, 2 * i);
	n = area_get(&area, 0, N_PAGES, false, addresses, N_PAGES);
	ok(is_even_pages(&area, addresses, n, n_runs), "Get of %zu runs", n_runs);
	n = area_get(&area, 0, N_PAGES, true, addresses, N_PAGES);
	ok(is_even_pages(&area, addresses, n, n_runs), "the same with reset");
	ok(!area_get(&area, 0, N_PAGES, false, addresses, N_PAGES),
	   "nothing is left");
	area_release(&area);
	ww_regions_close(area.regions);
}

int main(void)
{
	through_tracker();
	through_registry(WW_MAX_RUNS - 1);
	through_registry(WW_MAX_RUNS);
	through_registry(WW_MAX_RUNS + 1);
	through_registry(N_RUNS);
	return done_testing();
}

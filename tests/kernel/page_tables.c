/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trap K17: write-protecting across holes installs page tables, 32 MiB of them
 * for 16 GiB. A reservation costs none, nor does a query over it; and watching
 * adds no mappings.
 */
#include "memory.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define GIB (UINT64_C(1) << 30)

enum { N_COMMITS = 1000 };

static long page_table_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmPTE: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static void show_trap(void)
{
	size_t n_pages = 4 * GIB / ww_page_size();
	char *memory = map_pages(n_pages, PROT_NONE);
	struct ww_tracker tracker;
	long before;

	tracker_or_skip(&tracker);
	before = page_table_kib();
	if (tracker.backend->watch(&tracker, (uintptr_t)memory, 4 * GIB) ||
	    tracker.backend->reset(&tracker, (uintptr_t)memory, 4 * GIB))
		bail_out("watching memory");
	diag("this kernel: a reset across 4 GiB of holes costs %ld KiB",
	     page_table_kib() - before);
	ww_tracker_close(&tracker);
	unmap_pages(memory, n_pages);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void is_cheap(long before, double since, const char *name)
{
	long kib = page_table_kib() - before;

	ok(kib < 1024, "%s: less than 1 MiB of page tables", name);
	diag("%s: %ld KiB, %.3f ms", name, kib, 1e3 * (now() - since));
}

static void query_all(const struct area *area, long before, const char *wanted)
{
	double since = now();
	uintptr_t addresses[8];

	area_get(area, 0, area->n_pages, false, addresses, 8);
	is_cheap(before, since, "Get");
	is_written_in(area, 0, area->n_pages, false, 8, wanted, "it is exact");
	since = now();
	is_written_in(area, 0, area->n_pages, true, 8, wanted, "Get with reset");
	is_cheap(before, since, "Get with reset");
	since = now();
	area_reset(area, 0, area->n_pages);
	is_cheap(before, since, "Reset");
	is_written_in(area, 0, area->n_pages, false, 8, "", "all is clean");
}

static void reserve(struct ww_regions *regions)
{
	long before = page_table_kib();
	double since = now();
	struct area area;

	area_reserve(&area, regions, 64 * GIB / ww_page_size());
	is_cheap(before, since, "reserving 64 GiB");
	query_all(&area, before, "");
	area_commit(&area, 0, 1);
	area_commit(&area, 5000000, 1);
	area_commit(&area, area.n_pages - 1, 1);
	area_write(&area, 5000000);
	query_all(&area, before, "5000000");
	area_write(&area, 0);
	area_write(&area, area.n_pages - 1);
	is_written_in(&area, 0, area.n_pages, true, 8, "0,16777215", "the ends");
	/* what a thread left behind, or a decommit saved, costs what it holds */
	area_write(&area, 5000000);
	since = now();
	area_decommit(&area, 5000000, 1);
	is_cheap(before, since, "a decommit");
	query_all(&area, before, "5000000");
	area_release(&area);
}

/* What is committed costs what its pages will need when they are used. */
static void commit(struct ww_regions *regions)
{
	size_t n_pages = GIB / ww_page_size();
	long n_tables = (long)(GIB / ww_block_size()), before, kib;
	struct area area;

	area_reserve(&area, regions, n_pages);
	before = page_table_kib();
	area_commit(&area, 0, n_pages);
	kib = page_table_kib() - before;
	ok(kib <= (n_tables + 4) * (long)ww_page_size() / 1024,
	   "1 GiB is committed: no more page tables than for its pages");
	diag("%ld KiB", kib);
	is_written(&area, false, "", "nothing is written");
	area_release(&area);
}

/* How many mappings have memory in this range. */
static int n_maps(uintptr_t start, uintptr_t end)
{
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512];
	int n = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < end &&
		    to > start)
			n++;
	if (file)
		fclose(file);
	return n;
}

static int maps_of_commits(struct area *area, size_t n_pages, size_t step,
			   bool watched)
{
	uintptr_t start = (uintptr_t)area->memory;

	for (size_t i = 0; i < N_COMMITS; i++)
		if (watched)
			area_commit(area, i * step, 1);
		else
			mprotect(area_page(area, i * step), ww_page_size(),
				 PROT_READ | PROT_WRITE);
	return n_maps(start, start + n_pages * ww_page_size());
}

static void count_maps(struct ww_regions *regions, size_t step, const char *name)
{
	size_t n_pages = N_COMMITS * step;
	struct area plain = { .memory = map_pages(n_pages, PROT_NONE) };
	struct area watched;
	int without = maps_of_commits(&plain, n_pages, step, false), with;

	area_reserve(&watched, regions, n_pages);
	with = maps_of_commits(&watched, n_pages, step, true);
	ok(with <= without + 2, "1,000 commits %s: no more maps than without",
	   name);
	diag("%d maps without the watch, %d with it", without, with);
	for (size_t i = 0; i < N_COMMITS; i++)
		area_write(&watched, i * step);
	area_reset(&watched, 0, n_pages);
	with = n_maps((uintptr_t)watched.memory,
		      (uintptr_t)watched.memory + n_pages * ww_page_size());
	ok(with <= without + 2, "nor when all of them were written and reset");
	area_release(&watched);
	unmap_pages(plain.memory, n_pages);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	show_trap();
	reserve(regions);
	commit(regions);
	count_maps(regions, 1, "in a row");
	count_maps(regions, 16, "16 pages apart");
	ww_regions_close(regions);
	return done_testing();
}

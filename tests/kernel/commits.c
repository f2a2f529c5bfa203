/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many small commits in a large reservation: they stay exact, cost no mappings of
 * their own, and what lies between two of them is scanned through without ever
 * being reported, unless somebody wrote there.
 */
#include "memory.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define GIB (UINT64_C(1) << 30)

enum { N_COMMITS = 10000, COMMIT_PAGES = 16, N_RACES = 2000, RACE_PAGES = 60,
       MIXED_PAGES = 64 };

static struct ww_regions *regions;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

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

/* How many mappings have memory in the area. */
static int n_maps(const struct area *area)
{
	uintptr_t end = (uintptr_t)area_page(area, area->n_pages);
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512];
	int n = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < end &&
		    to > (uintptr_t)area->memory)
			n++;
	if (file)
		fclose(file);
	return n;
}

/* ---- Many commits ---- */

/* The numbers below N_COMMITS, in no order. */
static void shuffle(unsigned *numbers)
{
	const char *text = getenv("SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 0) : (unsigned)time(NULL);

	diag("SEED=%u", seed);
	for (unsigned i = 0; i < N_COMMITS; i++) {
		unsigned other = (unsigned)rand_r(&seed) % (i + 1);

		numbers[i] = numbers[other];
		numbers[other] = i;
	}
}

static void commit_plainly(const struct area *area, size_t first, size_t n_pages)
{
	if (mprotect(area_page(area, first), n_pages * ww_page_size(),
		     PROT_READ | PROT_WRITE))
		bail_out("committing memory");
}

/* As much memory without a watch, for its mappings and its time. */
static int without_watch(const unsigned *order, size_t n_commits, size_t step,
			 size_t n_pages, double *seconds)
{
	struct area area = { .memory = map_pages(n_commits * step, PROT_NONE),
			     .n_pages = n_commits * step };
	double since = now();
	int maps;

	for (size_t i = 0; i < n_commits; i++)
		commit_plainly(&area, (order ? order[i] : i) * step, n_pages);
	*seconds = now() - since;
	maps = n_maps(&area);
	unmap_pages(area.memory, area.n_pages);
	return maps;
}

static void is_exact(const struct area *area, size_t step)
{
	enum { N_WRITTEN = N_COMMITS / 100 };
	uintptr_t addresses[N_WRITTEN + 1];
	size_t n_wrong = 0;

	ok(!area_get(area, 0, area->n_pages, false, addresses, N_WRITTEN + 1),
	   "nothing is written");
	for (size_t i = 0; i < N_WRITTEN; i++)
		area_write(area, 100 * i * step + i % COMMIT_PAGES);
	ok(area_get(area, 0, area->n_pages, true, addresses, N_WRITTEN + 1) ==
	   N_WRITTEN, "one page of every hundredth commit is written");
	for (size_t i = 0; i < N_WRITTEN; i++)
		n_wrong += addresses[i] != (uintptr_t)
			area_page(area, 100 * i * step + i % COMMIT_PAGES);
	ok(!n_wrong, "they are the right ones");
	ok(!area_get(area, 0, area->n_pages, false, addresses, N_WRITTEN + 1),
	   "clean again");
}

static void many(const unsigned *order, size_t step, const char *name)
{
	double plain, since;
	int without = without_watch(order, N_COMMITS, step, COMMIT_PAGES, &plain);
	long before = page_table_kib();
	struct area area;

	area_reserve(&area, regions, 256 * GIB / ww_page_size());
	ok(page_table_kib() - before < 64, "256 GiB are reserved");
	since = now();
	for (size_t i = 0; i < N_COMMITS; i++)
		area_commit(&area, (order ? order[i] : i) * step, COMMIT_PAGES);
	diag("%s: %.1f us a commit, %.1f without the watch, %ld KiB of page tables",
	     name, 1e6 * (now() - since) / N_COMMITS, 1e6 * plain / N_COMMITS,
	     page_table_kib() - before);
	ok(n_maps(&area) <= without + 2, "%s: no more mappings than without", name);
	is_exact(&area, step);
	/* one for each commit, two where it reaches into another block, and one for
	 * each GiB */
	ok(page_table_kib() - before < 4 * (N_COMMITS + N_COMMITS / 8 + 256),
	   "hardly more page tables than commits");
	area_release(&area);
}

static void large_ones(void)
{
	size_t n_pages = ww_block_size() / ww_page_size(), n_commits = 4000;
	double plain;
	int without = without_watch(NULL, n_commits, n_pages, n_pages, &plain);
	struct area area;

	area_reserve(&area, regions, n_commits * n_pages);
	for (size_t i = 0; i < n_commits; i++)
		area_commit(&area, i * n_pages, n_pages);
	ok(n_maps(&area) <= without + 2, "4,000 large ones in a row: no more mappings");
	diag("%d mappings, %d without the watch", n_maps(&area), without);
	for (size_t i = 0; i < n_commits; i += 100)
		area_decommit(&area, i * n_pages + 7, n_pages);
	for (size_t i = 0; i < n_commits; i += 100)
		area_commit(&area, i * n_pages + 7, n_pages);
	ok(n_maps(&area) <= without + 2, "nor when some went and came back");
	area_release(&area);
}

/* ---- What lies between ---- */

static void gaps(void)
{
	struct area area;

	area_reserve(&area, regions, 2048);
	area_commit(&area, 0, 8);
	area_commit(&area, 100, 8);
	area_commit(&area, 600, 8);
	is_written(&area, false, "", "a gap of 92 pages: nothing is written");
	is_written(&area, true, "", "the same with reset");
	area_write(&area, 7);
	area_write(&area, 100);
	is_written(&area, true, "7,100", "both sides of it are exact");
	area_commit(&area, 50, 8);
	is_written(&area, false, "", "committed in the middle of it: clean");
	area_write(&area, 57);
	is_written(&area, true, "57", "and watched");
	area_write(&area, 50);
	area_write(&area, 3);
	area_decommit(&area, 4, 60);
	is_written(&area, false, "3,50", "decommitted: what was written stays");
	area_commit(&area, 20, 4);
	is_written(&area, true, "3,50", "also in a gap");
	is_written(&area, true, "", "until it is reset");
	area_write(&area, 20);
	is_written(&area, true, "20", "exact");
	area_release(&area);
}

/* Somebody makes pages of a gap accessible, without a word to the registry. */
static void strays(void)
{
	struct area area;

	area_reserve(&area, regions, 256);
	area_commit(&area, 0, 8);
	commit_plainly(&area, 20, 4);
	area_write(&area, 20);
	area_commit(&area, 100, 8);
	area_write(&area, 21);
	is_written(&area, false, "20-21", "strays in a gap, before and after it was");
	is_written(&area, true, "20-21", "with reset");
	is_written(&area, true, "", "clean again");
	commit_plainly(&area, 50, 1);
	area_write(&area, 50);
	area_write(&area, 20);
	is_written(&area, true, "20,50", "once more, and another one");
	area_release(&area);
}

/* Without reset, pages [first, end) are reported. Others of the area may be, too:
 * where a scan has failed, more counts as written than was. */
static void is_seen(const struct area *area, size_t first, size_t end,
		    const char *name)
{
	uintptr_t reported[MIXED_PAGES];
	size_t n = area_get(area, 0, MIXED_PAGES, false, reported, MIXED_PAGES);
	size_t n_seen = 0;

	for (size_t i = 0; i < n; i++)
		n_seen += reported[i] >= (uintptr_t)area_page(area, first) &&
			  reported[i] < (uintptr_t)area_page(area, end);
	ok(n_seen == end - first, "%s", name);
	diag("%zu of %zu seen, %zu reported", n_seen, end - first, n);
}

/* Arming the gap fails at memory that somebody replaced, when it has passed what
 * somebody wrote. */
static void strays_before_replaced_memory(void)
{
	struct area area;

	area_reserve(&area, regions, MIXED_PAGES);
	area_commit(&area, 0, 4);
	commit_plainly(&area, 8, 4);
	area_write(&area, 8);
	area_write(&area, 9);
	map_over(area_page(&area, 20), 2, PROT_NONE);
	area_commit(&area, 30, 4);
	is_seen(&area, 8, 10, "strays before replaced memory in a gap");
	is_written_in(&area, 0, 4, false, 4, "", "what was committed before is clean");
	is_written_in(&area, 30, 4, false, 4, "", "and what was after it");
	area_reset(&area, 0, area.n_pages);
	is_written(&area, false, "", "clean after a reset");
	area_release(&area);
}

/* A scan fails at memory that somebody replaced, and the repair takes the gap out
 * of the runs that holds what somebody wrote. */
static void stray_beside_replaced_memory(void)
{
	struct area area;

	area_reserve(&area, regions, MIXED_PAGES);
	area_commit(&area, 0, 4);
	area_commit(&area, 30, 4);
	commit_plainly(&area, 8, 2);
	area_write(&area, 8);
	map_over(area_page(&area, 32), 2, PROT_NONE);
	is_seen(&area, 8, 9, "a stray in a gap before replaced memory");
	is_written_in(&area, 0, 4, false, 4, "", "what was committed before is clean");
	area_reset(&area, 0, area.n_pages);
	is_written(&area, false, "", "clean after a reset");
	area_release(&area);
}

/* Writes where a gap will be, while it becomes one. */
static void *stray(void *argument)
{
	struct area *area = argument;

	for (size_t page = 2; page < 2 + RACE_PAGES; page++)
		area_write(area, page);
	return NULL;
}

static size_t race(void)
{
	uintptr_t addresses[RACE_PAGES + 4];
	struct area area;
	pthread_t thread;
	size_t n;

	area_reserve(&area, regions, RACE_PAGES + 4);
	area_commit(&area, 0, 2);
	commit_plainly(&area, 2, RACE_PAGES);
	pthread_create(&thread, NULL, stray, &area);
	for (volatile int i = rand() % 20000; i > 0; i--)
		;
	area_commit(&area, RACE_PAGES + 2, 2);
	n = area_get(&area, 0, area.n_pages, true, addresses, area.n_pages);
	pthread_join(thread, NULL);
	n += area_get(&area, 0, area.n_pages, true, addresses, area.n_pages);
	area_release(&area);
	return n < RACE_PAGES ? RACE_PAGES - n : 0;
}

static void race_strays(void)
{
	size_t lost = 0;

	for (int i = 0; i < N_RACES; i++)
		lost += race();
	ok(!lost, "strays racing what makes a gap: nothing is lost");
	diag("%zu of %d lost", lost, N_RACES * RACE_PAGES);
}

int main(void)
{
	static unsigned order[N_COMMITS];
	size_t far_apart = 256 * GIB / ww_page_size() / N_COMMITS;

	regions = regions_or_skip();
	shuffle(order);
	many(NULL, COMMIT_PAGES, "in a row");
	many(order, 2 * COMMIT_PAGES, "near each other, in no order");
	many(order, far_apart, "far apart, in no order");
	large_ones();
	gaps();
	strays();
	strays_before_replaced_memory();
	stray_beside_replaced_memory();
	race_strays();
	ww_regions_close(regions);
	return done_testing();
}

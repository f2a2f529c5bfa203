/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trap K5: when the kernel cannot store a result, the bits that it has reset
 * are gone. The kernel therefore never stores into a caller's array; and a
 * caller whose own array faults, and who is unwound and never comes back, has
 * lost nothing.
 */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { N_PAGES = 2048, N_ROUNDS = 400 };

static __thread sigjmp_buf unwound;

static void on_fault(int signal)
{
	siglongjmp(unwound, signal);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault };

	sigaction(SIGSEGV, &action, NULL);
}

/* An array of which only `n_bytes` can be stored. */
static uintptr_t *bad_array(size_t n_bytes)
{
	size_t usable = 8 * ww_page_size();
	char *memory = map_pages(16, PROT_READ | PROT_WRITE);

	if (mprotect(memory + usable, usable, PROT_NONE))
		bail_out("protecting memory");
	return (uintptr_t *)(memory + usable - n_bytes);
}

static void show_trap(void)
{
	char *memory = map_pages(8, PROT_READ | PROT_WRITE);
	struct page_region *bad, vec[8];
	struct ww_tracker tracker;
	int ret, left;

	tracker_or_skip(&tracker);
	if (tracker.backend->watch(&tracker, (uintptr_t)memory,
				   8 * ww_page_size()))
		bail_out("watching memory");
	memset(memory, 1, 8 * ww_page_size());
	bad = (struct page_region *)bad_array(0);
	ret = raw_scan(tracker.pagemap, memory, 8, PM_SCAN_WP_MATCHING, bad, 8,
		       NULL);
	left = raw_scan(tracker.pagemap, memory, 8, 0, vec, 8, NULL);
	diag("this kernel: a reset into a bad array says %s, and the pages are %s",
	     ret < 0 ? strerrorname_np(-ret) : "nothing",
	     left ? "still written" : "forgotten");
	ww_tracker_close(&tracker);
	unmap_pages(memory, 8);
}

/* Get with reset of all, into an array that faults after `n_bytes`. */
static bool faults(const struct area *area, size_t n_bytes)
{
	struct ww_query query;

	if (sigsetjmp(unwound, 1))
		return true;
	if (ww_query_begin(&query, area->regions, (uintptr_t)area->memory,
			   N_PAGES * ww_page_size()))
		return false;
	ww_query_get(&query, true, bad_array(n_bytes), N_PAGES);
	ww_query_end(&query);
	return false;
}

static void dirty_some(const struct area *area)
{
	for (size_t page = 0; page < 20; page++)
		area_write(area, page * 2);
	for (size_t page = 1000; page < 1020; page++)
		area_write(area, page);
}

static const char all_of_them[] = "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,"
	"32,34,36,38,1000-1019";

static void same_thread(const struct area *area, size_t n_bytes)
{
	dirty_some(area);
	ok(faults(area, n_bytes), "a fault after %zu bytes", n_bytes);
	is_written(area, false, all_of_them, "nothing is lost");
	is_written(area, true, all_of_them, "nothing, with reset");
	is_written(area, true, "", "all is clean again");
}

struct unlucky {
	const struct area *area;
	size_t n_bytes;
	bool faulted;
	pthread_barrier_t barrier;
};

/* Faults and never calls again, but lives on for a while. */
static void *fault_and_stay(void *argument)
{
	struct unlucky *unlucky = argument;

	unlucky->faulted = faults(unlucky->area, unlucky->n_bytes);
	pthread_barrier_wait(&unlucky->barrier);
	pthread_barrier_wait(&unlucky->barrier);
	return NULL;
}

static void another_thread(const struct area *area, size_t n_bytes)
{
	struct unlucky unlucky = { .area = area, .n_bytes = n_bytes };
	pthread_t thread;

	pthread_barrier_init(&unlucky.barrier, NULL, 2);
	dirty_some(area);
	pthread_create(&thread, NULL, fault_and_stay, &unlucky);
	pthread_barrier_wait(&unlucky.barrier);
	ok(unlucky.faulted, "another thread faults after %zu bytes and stays",
	   n_bytes);
	is_written(area, true, all_of_them, "everyone else has its pages");
	is_written(area, true, "", "once");
	pthread_barrier_wait(&unlucky.barrier);
	pthread_join(thread, NULL);
	is_written(area, true, "", "also when it is gone");
}

static void ended_thread(const struct area *area)
{
	struct unlucky unlucky = { .area = area, .n_bytes = 40 };
	pthread_t thread;

	pthread_barrier_init(&unlucky.barrier, NULL, 2);
	dirty_some(area);
	pthread_create(&thread, NULL, fault_and_stay, &unlucky);
	pthread_barrier_wait(&unlucky.barrier);
	pthread_barrier_wait(&unlucky.barrier);
	pthread_join(thread, NULL);
	is_written(area, true, all_of_them, "a thread that faulted and ended");
	is_written(area, true, "", "all is clean again");
}

/* A range that only overlaps what the other thread had asked for. */
static void overlapping(const struct area *area)
{
	dirty_some(area);
	ok(faults(area, 40), "a fault in a query of all");
	is_written_in(area, 30, 980, true, N_PAGES, "30,32,34,36,38,1000-1009",
		      "a query of a part has its pages");
	is_written(area, true, "0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,"
		   "1010-1019", "a query of all has the rest");
	is_written(area, true, "", "all is clean again");
}

/* The region goes away while a record of it is left behind, and another takes
 * its place: pages of the old one may be reported for it, none may be missed. */
static void released(struct ww_regions *regions)
{
	struct area area, other;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	dirty_some(&area);
	ok(faults(&area, 40), "a fault, then a release");
	area_release(&area);
	area_reserve(&other, regions, N_PAGES);
	area_commit(&other, 0, N_PAGES);
	area_write(&other, 2000);
	is_written_in(&other, 1900, 148, true, N_PAGES, "2000",
		      "the next region has its page");
	is_written(&other, true, "", "and nothing of the one before");
	diag("it lies %s", other.memory == area.memory ? "in its place"
						      : "elsewhere");
	area_release(&other);
}

static void many_rounds(const struct area *area)
{
	uintptr_t *addresses = calloc(N_PAGES, sizeof(*addresses));
	size_t bad = 0, most = 0;

	for (size_t round = 0; round < N_ROUNDS; round++) {
		size_t n_bytes = (size_t)rand() % 8192 & ~(size_t)7, n;

		for (size_t page = round % 3; page < N_PAGES; page += 2)
			area_write(area, page);
		faults(area, n_bytes);
		n = area_get(area, 0, N_PAGES, true, addresses, N_PAGES);
		bad += n < N_PAGES / 2 - 1;
		most = n > most ? n : most;
		for (size_t i = 1; i < n; i++)
			bad += addresses[i] <= addresses[i - 1];
		bad += area_get(area, 0, N_PAGES, true, addresses, N_PAGES) != 0;
	}
	ok(!bad, "%d rounds with more than one batch: nothing is lost", N_ROUNDS);
	diag("at most %zu pages reported of %d written", most, N_PAGES / 2);
	free(addresses);
}

/* Of a query cut off in its second batch, what the first had reported of
 * decommitted pages is in no committed run. */
static void decommitted_in_batches(struct ww_regions *regions)
{
	enum { MANY = 1000 };
	uintptr_t *array = bad_array(100 * sizeof(*array)), out[MANY];
	struct area area;
	size_t n;

	area_reserve(&area, regions, MANY);
	area_commit(&area, 0, MANY);
	for (size_t page = 0; page < MANY; page += 2)
		area_write(&area, page);
	area_decommit(&area, 0, MANY);
	if (!sigsetjmp(unwound, 1))
		area_get(&area, 0, MANY, true, array, MANY);
	n = area_get(&area, 0, MANY, true, out, MANY);
	ok(n >= MANY / 2, "decommitted pages survive a fault in a later batch");
	diag("%zu pages reported for %d written", n, MANY / 2);
	ok(area_get(&area, 0, MANY, true, out, MANY) == 0, "and only once");
	area_release(&area);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();
	struct area area;

	catch_faults();
	show_trap();
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	same_thread(&area, 0);
	same_thread(&area, 8);
	same_thread(&area, 39 * 8);
	another_thread(&area, 0);
	another_thread(&area, 40);
	another_thread(&area, 39 * 8);
	ended_thread(&area);
	overlapping(&area);
	many_rounds(&area);
	area_release(&area);
	released(regions);
	decommitted_in_batches(regions);
	ww_regions_close(regions);
	return done_testing();
}

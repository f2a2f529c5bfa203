/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A query without reset sees every page that was written, whatever others do to
 * the memory meanwhile: a reset may follow it, and would lose what it missed.
 */
#include "memory.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* The page in question lies behind many clean ones, in pieces too far from each
 * other to be scanned as one: others come in between. */
enum { N_PIECES = 16, PIECE_PAGES = 256, STEP = 1024, N_PAGES = N_PIECES * STEP,
       PAGE = N_PAGES - STEP, EARLIER_PAGE = PAGE - STEP, SECONDS = 2 };

struct readers {
	struct area area;
	pthread_barrier_t barrier;
	bool done, stop;
	size_t n_queries, n_missed;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag, bool value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

static void begin(struct readers *readers, struct ww_regions *regions)
{
	*readers = (struct readers){ 0 };
	pthread_barrier_init(&readers->barrier, NULL, 2);
	area_reserve(&readers->area, regions, N_PAGES);
	for (size_t page = 0; page < N_PAGES; page += STEP)
		area_commit(&readers->area, page, PIECE_PAGES);
}

static void end(struct readers *readers)
{
	diag("%zu queries, %zu without the page", readers->n_queries,
	     readers->n_missed);
	area_release(&readers->area);
	pthread_barrier_destroy(&readers->barrier);
}

/* Asks for the pages from `first` on: PAGE alone is written. */
static void look(struct readers *readers, size_t first)
{
	uintptr_t addresses[2];
	size_t n = area_get(&readers->area, first, N_PAGES - first, false,
			    addresses, 2);

	readers->n_queries++;
	readers->n_missed += n != 1 ||
		addresses[0] != (uintptr_t)area_page(&readers->area, PAGE);
}

/* ---- Decommits ---- */

static void *look_and_reset(void *argument)
{
	struct readers *readers = argument;

	for (;;) {
		pthread_barrier_wait(&readers->barrier);
		if (is_set(&readers->stop))
			return NULL;
		do
			look(readers, 0);
		while (!is_set(&readers->done));
		area_reset(&readers->area, 0, N_PAGES);
		pthread_barrier_wait(&readers->barrier);
	}
}

/* The page is decommitted between the reader's look at what is known and its
 * scans. */
static void decommit_under_reader(struct ww_regions *regions)
{
	struct readers readers;
	double until = now() + SECONDS;
	pthread_t thread;

	begin(&readers, regions);
	pthread_create(&thread, NULL, look_and_reset, &readers);
	while (now() < until) {
		area_write(&readers.area, PAGE);
		set(&readers.done, false);
		pthread_barrier_wait(&readers.barrier);
		for (volatile int i = rand() % 20000; i > 0; i--)
			;
		area_decommit(&readers.area, PAGE, 1);
		set(&readers.done, true);
		pthread_barrier_wait(&readers.barrier);
		area_commit(&readers.area, PAGE, 1);
	}
	set(&readers.stop, true);
	pthread_barrier_wait(&readers.barrier);
	pthread_join(thread, NULL);
	ok(!readers.n_missed, "a page is decommitted under a reader: always seen");
	end(&readers);
}

/* ---- Others that reset ---- */

/* Takes one page, which lies before PAGE: so PAGE is not for this query. What the
 * reader put back of it goes first. */
static void *take_another(void *argument)
{
	struct readers *readers = argument;
	uintptr_t address;

	while (!is_set(&readers->stop)) {
		area_reset(&readers->area, 0, EARLIER_PAGE + 1);
		area_write(&readers->area, EARLIER_PAGE);
		area_get(&readers->area, 0, N_PAGES, true, &address, 1);
	}
	return NULL;
}

/* The page is known to be written, and no longer in the kernel. */
static void take_before_reader(struct ww_regions *regions)
{
	struct readers readers;
	double until = now() + SECONDS;
	pthread_t thread;

	begin(&readers, regions);
	area_write(&readers.area, PAGE);
	area_decommit(&readers.area, PAGE, 1);
	pthread_create(&thread, NULL, take_another, &readers);
	while (now() < until)
		look(&readers, PAGE);
	set(&readers.stop, true);
	pthread_join(thread, NULL);
	ok(!readers.n_missed,
	   "others take pages before a decommitted one: it is always seen");
	end(&readers);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	decommit_under_reader(regions);
	take_before_reader(regions);
	ww_regions_close(regions);
	return done_testing();
}

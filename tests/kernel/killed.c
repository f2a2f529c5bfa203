/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that is terminated in the middle of a query with reset, as Wine
 * terminates threads: by pthread_exit in a signal handler. What was written
 * stands in its array or in somebody's later result.
 */
#include "memory.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_PAGES = 2048, N_ROUNDS = 400, MOST_RESULTS = 4 * N_PAGES };

static struct area area;
static bool started, inside;
static uintptr_t results[MOST_RESULTS];

static void end_thread(int signal)
{
	(void)signal;
	pthread_exit(NULL);
}

/* Takes everything, in pieces, and is killed somewhere; or waits for it. */
static void *take_all(void *argument)
{
	size_t capacity = *(size_t *)argument, n = 0, got;

	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	__atomic_store_n(&inside, true, __ATOMIC_RELEASE);
	do {
		got = area_get(&area, 0, N_PAGES, true, results + n, capacity);
		n += got;
	} while (got && n + capacity <= MOST_RESULTS);
	__atomic_store_n(&inside, false, __ATOMIC_RELEASE);
	for (;;)
		nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	return NULL;
}

static void mark(bool *seen, const uintptr_t *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (addresses[i])
			seen[(addresses[i] - (uintptr_t)area.memory) /
			     ww_page_size()] = true;
}

static void spin(unsigned long n_loops)
{
	for (volatile unsigned long i = 0; i < n_loops; i++)
		;
}

/* Returns how many pages were lost. */
static size_t one_round(unsigned round, size_t *n_inside, size_t *n_twice)
{
	static uintptr_t later[N_PAGES];
	bool seen[N_PAGES] = { 0 }, again[N_PAGES] = { 0 };
	size_t capacity = round % 3 ? 100 + round % 7 * 300 : N_PAGES;
	size_t step = 1 + round % 4, lost = 0, n;
	pthread_t thread;

	memset(results, 0, sizeof(results));
	started = false;
	for (size_t page = 0; page < N_PAGES; page += step)
		area_write(&area, page);
	pthread_create(&thread, NULL, take_all, &capacity);
	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		;
	spin((unsigned long)rand() % 150000);
	pthread_kill(thread, SIGUSR2);
	pthread_join(thread, NULL);
	*n_inside += inside;
	inside = false;
	n = area_get(&area, 0, N_PAGES, true, later, N_PAGES);
	mark(seen, results, MOST_RESULTS);
	mark(again, later, n);
	for (size_t page = 0; page < N_PAGES; page++) {
		lost += page % step == 0 && !seen[page] && !again[page];
		*n_twice += seen[page] && again[page];
	}
	if (area_get(&area, 0, N_PAGES, true, later, N_PAGES))
		lost++;
	return lost;
}

/* The unwinder that pthread_exit uses is loaded at its first call, which must
 * not be in a handler. */
static void *end_at_once(void *argument)
{
	pthread_exit(argument);
}

int main(void)
{
	struct sigaction action = { .sa_handler = end_thread };
	struct ww_regions *regions = regions_or_skip();
	size_t lost = 0, n_inside = 0, n_twice = 0;
	pthread_t thread;

	sigaction(SIGUSR2, &action, NULL);
	pthread_create(&thread, NULL, end_at_once, NULL);
	pthread_join(thread, NULL);
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	for (unsigned round = 0; round < N_ROUNDS; round++)
		lost += one_round(round, &n_inside, &n_twice);
	ok(!lost, "%d threads killed: nothing is lost", N_ROUNDS);
	ok(n_inside, "some of them inside their queries");
	diag("%zu inside, %zu pages lost, %zu reported twice", n_inside, lost,
	     n_twice);
	area_write(&area, 7);
	is_written(&area, true, "7", "exact afterwards");
	area_release(&area);
	ww_regions_close(regions);
	return done_testing();
}

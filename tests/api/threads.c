/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Four writers, and a scanner that keeps a copy by ww_get() with reset, while
 * other memory is watched and unwatched: the copy is complete whenever the
 * writers pause.
 */
#include "pages.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_PAGES = 1024, N_WRITERS = 4, SECONDS = 2 };

static struct ww *ww;
static char *memory, *copy;
static bool pause_writers, stop;
static pthread_barrier_t barrier;
static size_t n_writes[N_WRITERS], n_others, n_wrong_others;

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

/* Each writer has bytes of its own on every page. */
static void *write_at_random(void *argument)
{
	size_t number = (size_t)((size_t *)argument - n_writes), n = 0;
	unsigned int seed = (unsigned int)number;
	size_t size = page_size();

	for (;;) {
		size_t page = (size_t)rand_r(&seed) % N_PAGES;

		++*(volatile char *)(memory + page * size + number * 64);
		n++;
		if (!is_set(&pause_writers))
			continue;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		if (is_set(&stop))
			break;
	}
	n_writes[number] = n;
	return NULL;
}

static void *watch_others(void *unused)
{
	void *addresses[16];

	while (!is_set(&stop)) {
		char *other = watched_pages(ww, 16);

		write_page(other, 5);
		n_wrong_others += ww_get(ww, other, 16 * page_size(),
					 WW_GET_RESET, addresses, 16) != 1 ||
				  addresses[0] != other + 5 * page_size();
		n_wrong_others += ww_unwatch(ww, other, 16 * page_size()) != 0;
		unmap_pages(other, 16);
		n_others++;
	}
	return unused;
}

static void copy_written(size_t capacity)
{
	static void *addresses[N_PAGES];
	ssize_t n;

	do {
		n = ww_get(ww, memory, N_PAGES * page_size(), WW_GET_RESET,
			   addresses, capacity);
		for (ssize_t i = 0; i < n; i++)
			memcpy(copy + ((char *)addresses[i] - memory),
			       addresses[i], page_size());
	} while (n == (ssize_t)capacity);
}

/* Copies for a moment, has the writers pause, and counts what differs. */
static size_t one_round(size_t round)
{
	double end = now() + 0.005;
	size_t size = page_size(), n_lost = 0;

	while (now() < end)
		copy_written(round % 2 ? N_PAGES : 100);
	set(&pause_writers, true);
	pthread_barrier_wait(&barrier);
	copy_written(N_PAGES);
	for (size_t page = 0; page < N_PAGES; page++)
		n_lost += memcmp(memory + page * size, copy + page * size,
				 size) != 0;
	set(&pause_writers, false);
	return n_lost;
}

int main(void)
{
	pthread_t writers[N_WRITERS], others;
	size_t n_rounds = 0, n_lost = 0, n = 0;
	double end = now() + SECONDS;

	ww = open_or_skip();
	memory = watched_pages(ww, N_PAGES);
	copy = calloc(N_PAGES, page_size());
	pthread_barrier_init(&barrier, NULL, N_WRITERS + 1);
	for (size_t i = 0; i < N_WRITERS; i++)
		pthread_create(&writers[i], NULL, write_at_random, &n_writes[i]);
	pthread_create(&others, NULL, watch_others, NULL);
	while (!stop) {
		n_lost += one_round(n_rounds++);
		set(&stop, now() >= end);
		pthread_barrier_wait(&barrier);
	}
	for (size_t i = 0; i < N_WRITERS; i++) {
		pthread_join(writers[i], NULL);
		n += n_writes[i];
	}
	pthread_join(others, NULL);
	ok(!n_lost, "%d writers and a scanner: nothing is lost", N_WRITERS);
	ok(!n_wrong_others && n_others, "other ranges came and went: all exact");
	diag("%zu rounds, %zu writes, %zu pages lost, %zu other ranges", n_rounds,
	     n, n_lost, n_others);
	ww_close(ww);
	free(copy);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nothing is lost in a crowd: writers and a scanner that keeps a copy, writers
 * racing commits, and other regions coming and going meanwhile.
 */
#include "memory.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { N_PAGES = 1024, N_WRITERS = 4, SECONDS = 2, RACE_PAGES = 1000,
       N_RACES = 20 };

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

/* ---- Other regions ---- */

struct others {
	struct ww_regions *regions;
	bool stop;
	size_t n_done, n_wrong;
};

/* Reserves, writes, asks and releases, so that descriptors and tables change
 * under those who search them. */
static void *come_and_go(void *argument)
{
	struct others *others = argument;
	uintptr_t addresses[16];

	while (!is_set(&others->stop)) {
		struct area area[8];

		for (size_t i = 0; i < 8; i++) {
			area_reserve(&area[i], others->regions, 16);
			area_commit(&area[i], i, 2);
			area_write(&area[i], i + 1);
		}
		for (size_t i = 0; i < 8; i++) {
			size_t n = area_get(&area[i], 0, 16, true, addresses, 16);

			others->n_wrong += n != 1 || addresses[0] !=
				(uintptr_t)area_page(&area[i], i + 1);
			area_release(&area[i]);
		}
		others->n_done += 8;
	}
	return NULL;
}

/* ---- Writers and a scanner with a copy ---- */

struct crowd {
	struct area area;
	unsigned char *copy;
	bool pause, stop;
	pthread_barrier_t barrier;
	size_t n_writes[N_WRITERS];
};

struct writer {
	struct crowd *crowd;
	unsigned number;
};

static void *write_at_random(void *argument)
{
	struct writer *writer = argument;
	struct crowd *crowd = writer->crowd;
	unsigned seed = writer->number;
	size_t n = 0;

	for (;;) {
		/* each writer has bytes of its own on every page */
		volatile unsigned char *byte = (unsigned char *)
			area_page(&crowd->area, (size_t)rand_r(&seed) % N_PAGES) +
			writer->number * 64 + (size_t)rand_r(&seed) % 64;

		++*byte;
		n++;
		if (!is_set(&crowd->pause))
			continue;
		pthread_barrier_wait(&crowd->barrier);
		pthread_barrier_wait(&crowd->barrier);
		if (is_set(&crowd->stop))
			break;
	}
	crowd->n_writes[writer->number] = n;
	return NULL;
}

static void copy_written(struct crowd *crowd, size_t capacity)
{
	static uintptr_t addresses[N_PAGES];
	size_t n;

	do {
		n = area_get(&crowd->area, 0, N_PAGES, true, addresses, capacity);
		for (size_t i = 0; i < n; i++) {
			size_t offset = addresses[i] - (uintptr_t)crowd->area.memory;

			memcpy(crowd->copy + offset, (void *)addresses[i],
			       ww_page_size());
		}
	} while (n == capacity);
}

static size_t n_lost(const struct crowd *crowd)
{
	size_t n = 0, page_size = ww_page_size();

	for (size_t page = 0; page < N_PAGES; page++)
		n += memcmp(area_page(&crowd->area, page),
			    crowd->copy + page * page_size, page_size) != 0;
	return n;
}

/* Lets the writers run for a moment, stops them, and compares. */
static size_t one_round(struct crowd *crowd, size_t round)
{
	struct timespec moment = { .tv_nsec = (long)(round % 7) * 1000000 };
	double end = now() + 0.004;
	size_t lost;

	nanosleep(&moment, NULL);
	while (now() < end)
		copy_written(crowd, round % 2 ? N_PAGES : 100);
	set(&crowd->pause, true);
	pthread_barrier_wait(&crowd->barrier);
	copy_written(crowd, N_PAGES);
	lost = n_lost(crowd);
	set(&crowd->pause, false);
	return lost;
}

static void scan_crowd(struct crowd *crowd, const char *who)
{
	size_t n_rounds = 0, lost = 0, n_writes = 0;
	struct writer writers[N_WRITERS];
	pthread_t threads[N_WRITERS];
	double end = now() + SECONDS;

	set(&crowd->stop, false);
	for (unsigned i = 0; i < N_WRITERS; i++) {
		writers[i] = (struct writer){ crowd, i };
		pthread_create(&threads[i], NULL, write_at_random, &writers[i]);
	}
	while (!crowd->stop) {
		lost += one_round(crowd, n_rounds++);
		set(&crowd->stop, now() >= end);
		pthread_barrier_wait(&crowd->barrier);
	}
	for (unsigned i = 0; i < N_WRITERS; i++) {
		pthread_join(threads[i], NULL);
		n_writes += crowd->n_writes[i];
	}
	ok(!lost, "%d writers and %s: nothing is lost", N_WRITERS, who);
	diag("%zu rounds, %zu writes, %zu pages lost", n_rounds, n_writes, lost);
}

/* Asks without reset, all the time: what it finds becomes known under those who
 * reset. */
struct onlooker {
	struct crowd *crowd;
	bool stop;
	size_t n_queries;
};

static void *look_on(void *argument)
{
	static uintptr_t addresses[N_PAGES];
	struct onlooker *onlooker = argument;
	unsigned seed = 3;

	while (!is_set(&onlooker->stop)) {
		size_t n_pages = rand_r(&seed) % 2 ? (size_t)N_PAGES :
				 1 + (size_t)rand_r(&seed) % 200;
		size_t first = (size_t)rand_r(&seed) % (N_PAGES - n_pages + 1);

		area_get(&onlooker->crowd->area, first, n_pages, false, addresses,
			 n_pages);
		onlooker->n_queries++;
	}
	return NULL;
}

static void copy_of_crowd(struct ww_regions *regions)
{
	struct others others = { .regions = regions };
	struct crowd crowd = { 0 };
	struct onlooker onlooker = { .crowd = &crowd };
	pthread_t thread, second;

	area_reserve(&crowd.area, regions, N_PAGES);
	area_commit(&crowd.area, 0, N_PAGES);
	crowd.copy = calloc(N_PAGES, ww_page_size());
	pthread_barrier_init(&crowd.barrier, NULL, N_WRITERS + 1);
	pthread_create(&thread, NULL, come_and_go, &others);
	scan_crowd(&crowd, "a scanner");
	pthread_create(&second, NULL, look_on, &onlooker);
	scan_crowd(&crowd, "a scanner and an onlooker");
	set(&onlooker.stop, true);
	set(&others.stop, true);
	pthread_join(second, NULL);
	pthread_join(thread, NULL);
	ok(!others.n_wrong, "other regions came and went: all exact");
	diag("%zu regions, %zu queries of the onlooker", others.n_done,
	     onlooker.n_queries);
	free(crowd.copy);
	area_release(&crowd.area);
}

/* ---- Writers racing commits ---- */

struct race {
	struct area area;
	bool done;
};

static size_t n_faults;

/* The write is tried again until its page is there. */
static void on_fault(int signal)
{
	(void)signal;
	__atomic_fetch_add(&n_faults, 1, __ATOMIC_RELAXED);
	sched_yield();
}

static void *write_early(void *argument)
{
	struct race *race = argument;

	for (size_t page = 0; page < RACE_PAGES; page++)
		*(volatile char *)area_page(&race->area, page) = 1;
	return NULL;
}

static void *write_early_backwards(void *argument)
{
	struct race *race = argument;

	for (size_t page = RACE_PAGES; page-- > 0;)
		*((volatile char *)area_page(&race->area, page) + 8) = 1;
	return NULL;
}

/* Commits from both ends, in pieces of one to four pages. */
static void *commit_all(void *argument)
{
	struct race *race = argument;
	size_t low = 0, high = RACE_PAGES;
	unsigned seed = 1;

	while (low < high) {
		size_t n = 1 + (size_t)rand_r(&seed) % 4;

		if (n > high - low)
			n = high - low;
		if (rand_r(&seed) % 2) {
			area_commit(&race->area, low, n);
			low += n;
		} else {
			high -= n;
			area_commit(&race->area, high, n);
		}
	}
	return NULL;
}

static void collect(const struct race *race, bool *seen)
{
	uintptr_t addresses[RACE_PAGES];
	size_t n = area_get(&race->area, 0, RACE_PAGES, true, addresses, RACE_PAGES);

	for (size_t i = 0; i < n; i++)
		seen[(addresses[i] - (uintptr_t)race->area.memory) /
		     ww_page_size()] = true;
}

struct collector {
	struct race *race;
	bool seen[RACE_PAGES];
};

static void *keep_collecting(void *argument)
{
	struct collector *collector = argument;

	while (!is_set(&collector->race->done))
		collect(collector->race, collector->seen);
	return NULL;
}

static size_t one_race(struct ww_regions *regions, bool scanned)
{
	static void *(*const bodies[])(void *) = { commit_all, write_early,
						   write_early_backwards };
	struct race race = { 0 };
	struct collector collector = { .race = &race };
	pthread_t threads[3], scanner;
	size_t lost = 0;

	area_reserve(&race.area, regions, RACE_PAGES);
	if (scanned)
		pthread_create(&scanner, NULL, keep_collecting, &collector);
	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, bodies[i], &race);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	set(&race.done, true);
	if (scanned)
		pthread_join(scanner, NULL);
	collect(&race, collector.seen);
	for (size_t page = 0; page < RACE_PAGES; page++)
		lost += !collector.seen[page];
	area_release(&race.area);
	return lost;
}

static void race_commits(struct ww_regions *regions)
{
	struct sigaction action = { .sa_handler = on_fault };
	struct others others = { .regions = regions };
	size_t lost[2] = { 0 };
	pthread_t thread;

	sigaction(SIGSEGV, &action, NULL);
	pthread_create(&thread, NULL, come_and_go, &others);
	for (int i = 0; i < 2 * N_RACES; i++)
		lost[i % 2] += one_race(regions, i % 2);
	set(&others.stop, true);
	pthread_join(thread, NULL);
	ok(!lost[0], "writers racing %d commits: nothing is lost",
	   N_RACES * RACE_PAGES);
	ok(!lost[1], "the same while somebody resets");
	ok(!others.n_wrong, "other regions came and went: all exact");
	diag("%zu and %zu lost, %zu faults, %zu regions", lost[0], lost[1],
	     n_faults, others.n_done);
}

/* ---- Decommits under a query ---- */

/* Decommits what is written, piece by piece, and commits some of it again. */
static void *decommit_all(void *argument)
{
	struct race *race = argument;
	unsigned seed = 2;

	for (size_t page = 0, n; page < RACE_PAGES; page += n) {
		n = 1 + (size_t)rand_r(&seed) % 8;
		if (n > RACE_PAGES - page)
			n = RACE_PAGES - page;
		area_decommit(&race->area, page, n);
		if (rand_r(&seed) % 2)
			area_commit(&race->area, page, n);
	}
	return NULL;
}

static size_t one_decommit(struct ww_regions *regions)
{
	struct race race = { 0 };
	struct collector collector = { .race = &race };
	pthread_t thread, scanner;
	size_t lost = 0;

	area_reserve(&race.area, regions, RACE_PAGES);
	area_commit(&race.area, 0, RACE_PAGES);
	for (size_t page = 0; page < RACE_PAGES; page++)
		area_write(&race.area, page);
	pthread_create(&thread, NULL, decommit_all, &race);
	pthread_create(&scanner, NULL, keep_collecting, &collector);
	pthread_join(thread, NULL);
	set(&race.done, true);
	pthread_join(scanner, NULL);
	collect(&race, collector.seen);
	for (size_t page = 0; page < RACE_PAGES; page++)
		lost += !collector.seen[page];
	area_release(&race.area);
	return lost;
}

static void race_decommits(struct ww_regions *regions)
{
	size_t lost = 0;

	for (int i = 0; i < N_RACES; i++)
		lost += one_decommit(regions);
	ok(!lost, "decommits while somebody resets: nothing is lost");
	diag("%zu lost", lost);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	copy_of_crowd(regions);
	race_commits(regions);
	race_decommits(regions);
	ww_regions_close(regions);
	return done_testing();
}

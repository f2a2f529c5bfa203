/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that is suspended anywhere in a query, as Wine suspends threads: in
 * a signal handler. Nobody waits for it, "reset while the array was full" ends
 * for everyone else, and nothing is lost.
 */
#include "memory.h"
#include "tap.h"

#include "../../kernel/slots.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

enum { N_PAGES = 2048, N_ROUNDS = 400, CAPACITY = 128, MOST_RESULTS = 4 * N_PAGES,
       /* each page may come twice: once more when it is put back */
       MOST_CALLS = 3 * N_PAGES / CAPACITY + 2 };

static struct area area;
static sem_t stopped, go_on, leave;
static bool started, inside;

/* What one thread was told. */
struct taker {
	bool seen[N_PAGES];
	size_t n_calls;
};

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void stop(int signal)
{
	(void)signal;
	sem_post(&stopped);
	wait_for(&go_on);
}

/* Waits until the thread has begun, and stops it a little later. */
static void suspend(pthread_t thread, unsigned long most_loops)
{
	unsigned long n_loops = (unsigned long)rand() % most_loops;

	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE))
		;
	for (volatile unsigned long i = 0; i < n_loops; i++)
		;
	pthread_kill(thread, SIGUSR1);
	wait_for(&stopped);
}

static void resume(pthread_t thread)
{
	sem_post(&go_on);
	sem_post(&leave);
	pthread_join(thread, NULL);
}

static void note(struct taker *taker, const uintptr_t *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		taker->seen[(addresses[i] - (uintptr_t)area.memory) /
			    ww_page_size()] = true;
}

/* Resets while the array was full, and no more often than it may. */
static void take_all(struct taker *taker, size_t capacity)
{
	uintptr_t addresses[N_PAGES];
	size_t n;

	do {
		n = area_get(&area, 0, N_PAGES, true, addresses, capacity);
		note(taker, addresses, n);
		taker->n_calls++;
	} while (n == capacity && taker->n_calls < MOST_CALLS);
}

static void *be_suspended(void *argument)
{
	struct taker *taker = argument;

	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	__atomic_store_n(&inside, true, __ATOMIC_RELEASE);
	take_all(taker, taker->n_calls ? N_PAGES : CAPACITY);
	__atomic_store_n(&inside, false, __ATOMIC_RELEASE);
	wait_for(&leave);
	return NULL;
}

static void *take_meanwhile(void *argument)
{
	take_all(argument, CAPACITY);
	return NULL;
}

struct sums {
	size_t lost, endless, n_inside, most_calls, n_taking, n_taken;
};

/* Where the stopped thread is. */
static void note_phase(struct sums *sums)
{
	for (struct ww_slot *slot = ww_slots_first(); slot; slot = slot->next) {
		enum ww_slot_phase phase = ww_slot_phase(ww_slot_state(slot));

		sums->n_taking += phase == WW_SLOT_TAKING;
		sums->n_taken += phase == WW_SLOT_TAKEN;
	}
}

static void one_round(unsigned round, struct sums *sums)
{
	static struct taker takers[4];
	static struct taker *const late = &takers[3];
	size_t step = 1 + round % 4;
	pthread_t victim, other;

	memset(takers, 0, sizeof(takers));
	takers[0].n_calls = round % 2;
	started = false;
	for (size_t page = 0; page < N_PAGES; page += step)
		area_write(&area, page);
	pthread_create(&victim, NULL, be_suspended, &takers[0]);
	suspend(victim, 120000);
	note_phase(sums);
	sums->n_inside += __atomic_load_n(&inside, __ATOMIC_ACQUIRE);
	pthread_create(&other, NULL, take_meanwhile, &takers[1]);
	take_all(&takers[2], CAPACITY);
	pthread_join(other, NULL);
	for (int i = 1; i < 3; i++) {
		sums->endless += takers[i].n_calls == MOST_CALLS;
		if (takers[i].n_calls > sums->most_calls)
			sums->most_calls = takers[i].n_calls;
	}
	resume(victim);
	take_all(late, N_PAGES);
	for (size_t page = 0; page < N_PAGES; page += step)
		sums->lost += !takers[0].seen[page] && !takers[1].seen[page] &&
			      !takers[2].seen[page] && !late->seen[page];
}

/* Writers go on while it is suspended, too: reserve, commit, release. */
static void writers_meanwhile(void)
{
	static struct taker taker;
	struct area other;
	pthread_t victim;

	started = false;
	for (size_t page = 0; page < N_PAGES; page++)
		area_write(&area, page);
	pthread_create(&victim, NULL, be_suspended, &taker);
	suspend(victim, 5000);
	for (int i = 0; i < 300; i++) {
		area_reserve(&other, area.regions, 64);
		area_commit(&other, 3, 10);
		area_decommit(&other, 4, 2);
		area_release(&other);
	}
	area_decommit(&area, 100, 100);
	area_commit(&area, 100, 100);
	resume(victim);
	take_all(&taker, N_PAGES);
	ok(!memchr(taker.seen, false, N_PAGES),
	   "300 regions came and went meanwhile, and nothing is lost");
}

/* One query, whose region is released while it is suspended. */
static void *query_doomed(void *argument)
{
	static uintptr_t addresses[N_PAGES];
	struct area *doomed = argument;
	struct ww_query query;

	if (ww_query_begin(&query, doomed->regions,
			   (uintptr_t)doomed->memory,
			   N_PAGES * ww_page_size()))
		return NULL;
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 50; i++)
		ww_query_get(&query, true, addresses, N_PAGES);
	ww_query_end(&query);
	wait_for(&leave);
	return NULL;
}

/* Its region goes away, and others come: they are not touched by what it does
 * when it goes on. */
static size_t release_meanwhile(struct ww_regions *regions)
{
	uintptr_t addresses[64];
	struct area doomed;
	struct area others[16];
	size_t wrong = 0;
	pthread_t victim;

	area_reserve(&doomed, regions, N_PAGES);
	area_commit(&doomed, 0, N_PAGES);
	for (size_t page = 0; page < N_PAGES; page += 2)
		area_write(&doomed, page);
	started = false;
	pthread_create(&victim, NULL, query_doomed, &doomed);
	suspend(victim, 5000);
	area_release(&doomed);
	for (size_t i = 0; i < 16; i++) {
		area_reserve(&others[i], regions, 64);
		area_commit(&others[i], 0, 64);
	}
	resume(victim);
	for (size_t i = 0; i < 16; i++) {
		area_write(&others[i], i);
		wrong += area_get(&others[i], i, 1, true, addresses, 64) != 1;
		area_release(&others[i]);
	}
	return wrong;
}

static void releases(struct ww_regions *regions)
{
	size_t wrong = 0;

	for (int i = 0; i < 100; i++)
		wrong += release_meanwhile(regions);
	ok(!wrong, "100 regions released under a suspended query");
}

int main(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = SA_RESTART };
	struct ww_regions *regions = regions_or_skip();
	struct sums sums = { 0 };

	sigaction(SIGUSR1, &action, NULL);
	sem_init(&stopped, 0, 0);
	sem_init(&go_on, 0, 0);
	sem_init(&leave, 0, 0);
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	for (unsigned round = 0; round < N_ROUNDS; round++)
		one_round(round, &sums);
	ok(!sums.lost, "%d threads suspended: nothing is lost", N_ROUNDS);
	ok(!sums.endless, "every other thread's loop ends");
	ok(sums.n_inside > N_ROUNDS / 20, "some of them inside their queries");
	diag("%zu inside (%zu while taking, %zu with all taken), %zu lost, at most "
	     "%zu calls in a loop", sums.n_inside, sums.n_taking, sums.n_taken,
	     sums.lost, sums.most_calls);
	writers_meanwhile();
	releases(regions);
	area_release(&area);
	ww_regions_close(regions);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many threads at once, and no write lost: writers and a scanner that keeps a
 * copy, while others reserve, commit and release; and a writer that waits for
 * its pages to be committed.
 *
 * Usage: stress [SEED]
 */
#include "memory.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_WRITERS 4
#define N_PAGES 1024
#define SECONDS 2

static uint64_t seed;
static volatile bool stop;
static char *shared;

static volatile uint64_t *value(char *base, size_t page)
{
	return (volatile uint64_t *)(base + page * PAGE_BYTES);
}

static pthread_t start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument))
		bail_out("pthread_create");
	return thread;
}

/* ---- Writers and a scanner ---- */

struct writer {
	size_t first;
	uint64_t random, n_writes;
};

/* Each has its own pages, which hold rising numbers. */
static void *write_on(void *argument)
{
	struct writer *writer = argument;

	while (!stop) {
		size_t page = writer->first +
			      random_below(&writer->random, N_PAGES / N_WRITERS);

		*value(shared, page) = ++writer->n_writes;
	}
	return NULL;
}

/* Memory that comes and goes meanwhile. */
static void *churn(void *argument)
{
	uint64_t random = seed + 99;
	unsigned long *n_rounds = argument;

	for (; !stop; ++*n_rounds) {
		size_t n = 1 + random_below(&random, 64);
		size_t page = random_below(&random, n);
		char *base = allocate(n, MEM_RESERVE | MEM_WRITE_WATCH,
				      PAGE_READWRITE);
		const char *pages;

		if (!VirtualAlloc(base, n * PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE))
			bail_out("commit");
		touch(base, page);
		if (!VirtualFree(base + page * PAGE_BYTES, PAGE_BYTES, MEM_DECOMMIT))
			bail_out("decommit");
		pages = written(RESET, base, 0, n, 1024);
		if (strtoul(pages, NULL, 10) != page || strchr(pages, ' '))
			bail_out("a decommitted page");
		release(base);
	}
	return NULL;
}

/* What a client does: reset, and take over what is reported. */
static void scan(ULONG_PTR capacity, uint64_t *copy)
{
	static void *addresses[N_PAGES];
	ULONG_PTR count = capacity;
	DWORD granularity;

	if (GetWriteWatch(RESET, shared, N_PAGES * PAGE_BYTES, addresses, &count,
			  &granularity))
		bail_out("GetWriteWatch");
	for (ULONG_PTR i = 0; i < count; i++) {
		size_t page = ((char *)addresses[i] - shared) / PAGE_BYTES;

		copy[page] = *value(shared, page);
	}
}

static void writers_and_scanner(void)
{
	static struct writer writers[N_WRITERS];
	static uint64_t copy[N_PAGES];
	pthread_t threads[N_WRITERS], churner;
	unsigned long n_scans = 0, n_rounds = 0, n_lost = 0;
	uint64_t random = seed, n_writes = 0;
	time_t end = time(NULL) + SECONDS + 1;

	shared = watched(N_PAGES);
	for (int i = 0; i < N_WRITERS; i++) {
		writers[i].first = i * N_PAGES / N_WRITERS;
		writers[i].random = seed + i;
		threads[i] = start(write_on, &writers[i]);
	}
	churner = start(churn, &n_rounds);
	for (; time(NULL) < end; n_scans++)
		scan(random_below(&random, 4) ? N_PAGES :
		     1 + random_below(&random, N_PAGES), copy);
	stop = true;
	pthread_join(churner, NULL);
	for (int i = 0; i < N_WRITERS; i++) {
		pthread_join(threads[i], NULL);
		n_writes += writers[i].n_writes;
	}
	scan(N_PAGES, copy);
	for (size_t page = 0; page < N_PAGES; page++)
		n_lost += copy[page] != *value(shared, page);
	ok(!n_lost, "writers and a scanner: no write is lost");
	diag("%llu writes, %lu scans, %lu other reservations",
	     (unsigned long long)n_writes, n_scans, n_rounds);
	release(shared);
}

/* ---- A writer that races commits ---- */

#define COMMIT_PAGES 8192

static char *early;
static volatile size_t n_early;

static void retry(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if ((uintptr_t)info->si_addr - (uintptr_t)early >= COMMIT_PAGES * PAGE_BYTES)
		_Exit(3);
	sched_yield();
}

static void *write_early(void *argument)
{
	(void)argument;
	for (size_t page = 0; page < COMMIT_PAGES; page++) {
		*value(early, page) = page + 1;
		n_early = page + 1;
	}
	return NULL;
}

static void commit_pieces(size_t n_pages)
{
	for (size_t page = 0; page < COMMIT_PAGES; page += n_pages) {
		while (n_early < page)
			sched_yield();
		if (!VirtualAlloc(early + page * PAGE_BYTES, n_pages * PAGE_BYTES,
				  MEM_COMMIT, PAGE_READWRITE))
			bail_out("commit");
	}
}

static void writer_races_commits(size_t n_pages)
{
	static void *addresses[COMMIT_PAGES];
	ULONG_PTR count = COMMIT_PAGES;
	DWORD granularity;
	pthread_t thread;

	early = allocate(COMMIT_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			 PAGE_READWRITE);
	n_early = 0;
	thread = start(write_early, NULL);
	commit_pieces(n_pages);
	pthread_join(thread, NULL);
	if (GetWriteWatch(0, early, COMMIT_PAGES * PAGE_BYTES, addresses, &count,
			  &granularity))
		bail_out("GetWriteWatch");
	ok(count == COMMIT_PAGES, "a writer races commits of %zu pages", n_pages);
	release(early);
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = retry,
		.sa_flags = SA_SIGINFO,
	};

	watch_or_skip();
	seed = seed_of(argc, argv);
	writers_and_scanner();
	sigaction(SIGSEGV, &action, NULL);
	for (size_t n_pages = 1; n_pages <= 16; n_pages *= 4)
		writer_races_commits(n_pages);
	return done_testing();
}

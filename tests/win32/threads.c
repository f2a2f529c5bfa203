/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads that are suspended or killed anywhere inside GetWriteWatch. */
#include "pages.h"
#include "rows.h"

#ifdef _WIN32

#include <string.h>

#define RESET		WRITE_WATCH_FLAG_RESET
#define ROUNDS		400
#define N_PAGES		1024
#define ALL		(N_PAGES * PAGE_BYTES)

/*
 * A thread that does nothing but query, and write if it is told to. Between
 * rounds it stands still by itself.
 */
static struct worker {
	char *base;
	bool writes;
	volatile LONG wanted, standing;		/* the round */
	uint64_t random;
	uint32_t next;				/* the value it writes */
	uint32_t seen[N_PAGES];			/* values after a report */
	bool reported[N_PAGES];
	void **addresses;
} worker;

static volatile uint32_t *value(char *base, size_t page)
{
	return (volatile uint32_t *)(base + page * PAGE_BYTES);
}

static void query_until_wanted(struct worker *worker, LONG round)
{
	DWORD granularity;

	while (worker->wanted == round) {
		ULONG_PTR count = N_PAGES;

		for (int i = 0; worker->writes && i < 8; i++)
			*value(worker->base, random_below(&worker->random,
							  N_PAGES)) =
				++worker->next;
		if (get_error(RESET, worker->base, ALL, worker->addresses,
			      &count, &granularity))
			give_up("GetWriteWatch: error %" DU, GetLastError());
		for (ULONG_PTR i = 0; i < count; i++) {
			char *address = worker->addresses[i];
			size_t page = (address - worker->base) / PAGE_BYTES;

			worker->reported[page] = true;
			worker->seen[page] = *value(worker->base, page);
		}
	}
}

static void work(void *argument)
{
	struct worker *worker = argument;

	for (;;) {
		LONG round = worker->wanted;

		/* Even rounds are pauses. */
		if (round % 2)
			query_until_wanted(worker, round);
		worker->standing = round;
		while (worker->wanted == round)
			SwitchToThread();
	}
}

/* Let the worker go, or let it finish its call and stand still. */
static void next_round(void)
{
	LONG round = ++worker.wanted;
	uint64_t start = now_us();

	while (round % 2 == 0 && worker.standing != round)
		wait_a_turn(start, "an answer of the worker");
}

/* What the worker's answers take. */
#define ADDRESS_PAGES	(N_PAGES * sizeof(void *) / PAGE_BYTES)

/*
 * Makes the worker's stores into its array fault, in the middle of its call:
 * that is where it will often be suspended.
 */
static void hinder(void *argument)
{
	struct worker *worker = argument;

	for (;;)
		ResetWriteWatch(worker->addresses, ADDRESS_PAGES * PAGE_BYTES);
}

static HANDLE start_worker(bool writes)
{
	worker.base = watch(N_PAGES);
	worker.addresses = (void **)watch(ADDRESS_PAGES);
	worker.writes = writes;
	worker.random = row_seed() + 1;
	return start_thread(work, &worker);
}

/*
 * The loop of a collector: reset, repeat while the answer fills the array, of
 * at most MOST_ENTRIES. Returns the number of calls, at most limit.
 */
enum { MOST_ENTRIES = 64 };

static unsigned int drain(char *base, bool *reported, ULONG_PTR capacity,
			  unsigned int limit)
{
	void *addresses[MOST_ENTRIES];
	unsigned int n_calls = 0;
	ULONG_PTR count;

	do {
		DWORD granularity;

		count = capacity;
		if (get_error(RESET, base, ALL, addresses, &count,
			      &granularity))
			give_up("GetWriteWatch: error %" DU, GetLastError());
		for (ULONG_PTR i = 0; i < count; i++)
			reported[((char *)addresses[i] - base) /
				 PAGE_BYTES] = true;
	} while (++n_calls < limit && count == capacity);
	return n_calls;
}

static bool nothing_lost(int round, const bool *written, const bool *reported)
{
	for (size_t page = 0; page < N_PAGES; page++)
		if (!CHECK(!written[page] || reported[page] ||
			   worker.reported[page], "round %d: page %u is lost",
			   round, (unsigned int)page))
			return false;
	return true;
}

/*
 * Every second round writes all pages again while the worker is suspended:
 * all of them are the other thread's to see. The other rounds find out what
 * the worker had taken and not yet given to its caller; with an array of one
 * entry a single page that comes again and again makes the loop endless.
 */
static void suspended_loop_ends(void)
{
	static bool written[N_PAGES], reported[N_PAGES];
	static void *addresses[N_PAGES];
	/* it writes, so that it has something in its hands at any time */
	HANDLE thread = start_worker(true);
	uint64_t random = row_seed();
	unsigned int most = 0;

	start_thread(hinder, &worker);
	for (int round = 0; another_round(round, ROUNDS); round++) {
		ULONG_PTR capacity = round % 2 ? MOST_ENTRIES : 1;
		/* A page can be owed twice, once for the suspended call. */
		unsigned int limit = 4 * N_PAGES / capacity, n_calls;

		take(worker.base, N_PAGES, addresses, reported);
		memset(worker.reported, 0, sizeof(worker.reported));
		memset(written, 0, sizeof(written));
		memset(reported, 0, sizeof(reported));
		next_round();
		for (int i = random_below(&random, 100); i; i--) {
			size_t page = random_below(&random, N_PAGES);

			touch(worker.base, page);
			written[page] = true;
		}
		spin_us(random_below(&random, 100));
		suspend_thread(thread);
		for (size_t page = 0; round % 2 && page < N_PAGES; page++)
			touch(worker.base, page);
		n_calls = drain(worker.base, reported, capacity, limit);
		if (n_calls > most)
			most = n_calls;
		CHECK(n_calls < limit, "round %d: the loop does not end",
		      round);
		for (size_t page = 0; round % 2 && page < N_PAGES; page++)
			CHECK(reported[page], "round %d: page %u is not "
			      "reported", round, (unsigned int)page);
		resume_thread(thread);
		next_round();
		take(worker.base, N_PAGES, addresses, reported);
		if (!nothing_lost(round, written, reported))
			break;
	}
	note("at most %u calls a loop", most);
}

/* The worker writes too; whoever is told of a page last knows its value. */
static void suspended_anywhere(void)
{
	static uint32_t seen[N_PAGES];
	static bool reported[N_PAGES];
	static void *addresses[N_PAGES];
	HANDLE thread = start_worker(true);
	uint64_t random = row_seed();

	for (int round = 0; another_round(round, ROUNDS); round++) {
		next_round();
		spin_us(random_below(&random, 200));
		suspend_thread(thread);
		for (int i = 0; i < 2; i++) {
			memset(reported, 0, sizeof(reported));
			take(worker.base, N_PAGES, addresses, reported);
			for (size_t page = 0; page < N_PAGES; page++)
				if (reported[page])
					seen[page] = *value(worker.base, page);
			if (i)
				break;
			resume_thread(thread);
			next_round();
		}
		for (size_t page = 0; page < N_PAGES; page++) {
			uint32_t now = *value(worker.base, page);

			if (!CHECK(now == seen[page] ||
				   now == worker.seen[page],
				   "round %d: page %u: a write is lost", round,
				   (unsigned int)page))
				return;
		}
	}
}

/*
 * A short life: write a few pages, query, and so on, never into the same
 * array, and never an end of its own.
 */
#define LIFE_PAGES	512
#define LIFE_QUERIES	64
#define N_LIVES		8

struct life {
	char *base;
	uint64_t random;
	volatile bool started;
	uint32_t due[LIFE_PAGES];	/* its last write: from which query */
	ULONG_PTR counts[LIFE_QUERIES];
	void *addresses[LIFE_QUERIES][LIFE_PAGES];
};

static void live(void *argument)
{
	struct life *life = argument;
	DWORD granularity;

	life->started = true;
	for (uint32_t query = 0; query < LIFE_QUERIES; query++) {
		for (int i = 0; query % 2 == 0 && i < 8; i++) {
			size_t page = random_below(&life->random, LIFE_PAGES);

			touch(life->base, page);
			*(volatile uint32_t *)&life->due[page] = query + 1;
		}
		life->counts[query] = LIFE_PAGES;
		GetWriteWatch(RESET, life->base, LIFE_PAGES * PAGE_BYTES,
			      life->addresses[query], &life->counts[query],
			      &granularity);
	}
	for (;;)
		SwitchToThread();
}

/* Pages whose last write is in no answer, of the dead or of this thread. */
static int find_lost(struct life *life, const bool *reported)
{
	uint32_t told[LIFE_PAGES] = { 0 };

	for (uint32_t query = 0; query < LIFE_QUERIES; query++) {
		for (uint32_t i = 0; i < LIFE_PAGES; i++) {
			char *address = life->addresses[query][i];

			if (!address)
				break;
			told[(address - life->base) / PAGE_BYTES] = query + 1;
		}
	}
	for (int page = 0; page < LIFE_PAGES; page++)
		if (told[page] < life->due[page] && !reported[page])
			return page;
	return -1;
}

/*
 * Systems call a thread dead a moment before it has stopped: each life has
 * its own memory, and what is missing is looked for a little longer.
 */
static void killed_anywhere(void)
{
	static struct life lives[N_LIVES];
	static void *addresses[LIFE_PAGES];
	uint64_t random = row_seed();

	for (int round = 0; another_round(round, ROUNDS); round++) {
		struct life *life = &lives[round % N_LIVES];
		bool reported[LIFE_PAGES] = { false };
		uint64_t start;
		HANDLE thread;
		int lost;

		if (life->base)
			release(life->base);
		memset(life, 0, sizeof(*life));
		life->base = watch(LIFE_PAGES);
		life->random = random + 1;
		thread = start_thread(live, life);
		start = now_us();
		while (!life->started)
			wait_a_turn(start, "the start of a thread");
		spin_us(random_below(&random, 1500));
		kill_thread(thread);

		start = now_us();
		do {
			take(life->base, LIFE_PAGES, addresses, reported);
			lost = find_lost(life, reported);
		} while (lost >= 0 && now_us() - start < 1000000);
		CHECK(lost < 0, "round %d: page %d is lost", round, lost);
	}
}

#endif

const struct row thread_rows[] = {
	{ "thread-suspended-loop-ends", "INF",
	  WINDOWS_ONLY(suspended_loop_ends), 30, 0,
	  "a thread suspended in a query hinders no other" },
	{ "thread-suspended-anywhere", "INF", WINDOWS_ONLY(suspended_anywhere),
	  30, 0, "a thread suspended in a query loses nothing" },
	{ "thread-killed-anywhere", "INF", WINDOWS_ONLY(killed_anywhere), 30, 0,
	  "a thread killed in a query loses nothing" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A crowd of threads that do anything to watched memory, and are stopped. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#ifndef _WIN32
#include <unistd.h>
#endif

#define RESET		WRITE_WATCH_FLAG_RESET
#define N_REGIONS	8
#define N_STEADY	4	/* always accessible */
#define N_PAGES		256	/* of each region */
#define N_WRITERS	32
#define N_ROUNDS	20	/* unless --steps says how many seconds */
#define ROUND_US	50000

/*
 * Each page has one writer, which numbers its writes: begun before the store,
 * done after it. Whoever is told of the page has seen all that had begun when
 * the call returned, the written one among them. So once all stand still and
 * everything is asked for, done > seen is a lost write. That no write is taken
 * for seen which is not yet done would need a lock; the one that is lost behind
 * such a moment must be the last one of its page and of its round.
 */
struct page {
	uint32_t begun, done, seen;
};

/* A thread. Who is killed is followed by a new one with a state of its own. */
struct member {
	const struct role *role;
	unsigned int number;		/* among those of its role */
	HANDLE thread;
	uint64_t random;
	uint32_t standing;		/* since this pause */
	bool started;
	uint64_t n_writes, n_calls;
	void *addresses[N_PAGES];	/* what it was told last; NULL ends them */
};

struct role {
	void (*act)(struct member *member);
	unsigned int n_members;
	bool mortal;
};

static struct page pages[N_REGIONS][N_PAGES];
static char *regions[N_REGIONS];

/* Rounds are odd and pauses even. */
static uint32_t round_now;
#define ALL_END		UINT32_MAX

static uint32_t load(const uint32_t *number)
{
	return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static void store(uint32_t *number, uint32_t value)
{
	__atomic_store_n(number, value, __ATOMIC_SEQ_CST);
}

static void raise_to(uint32_t *number, uint32_t value)
{
	uint32_t old = load(number);

	while (old < value &&
	       !__atomic_compare_exchange_n(number, &old, value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

/* ---- What is asked ---- */

static void see(const char *address)
{
	for (unsigned int i = 0; i < N_REGIONS; i++) {
		size_t page = (size_t)(address - regions[i]) / PAGE_BYTES;

		if (address >= regions[i] && page < N_PAGES) {
			raise_to(&pages[i][page].seen, load(&pages[i][page].begun));
			return;
		}
	}
	give_up("bad address %p", (const void *)address);
}

static void see_all(void *const *addresses)
{
	for (size_t i = 0; i < N_PAGES && addresses[i]; i++)
		see(addresses[i]);
}

/*
 * A thread that dies in its call leaves in its array what it has been told: the
 * array begins empty.
 */
static ULONG_PTR ask(struct member *member, char *start, size_t n_pages,
		     ULONG_PTR capacity)
{
	ULONG_PTR count = capacity;
	DWORD granularity, error;

	memset(member->addresses, 0, sizeof(member->addresses));
	error = get_error(RESET, start, n_pages * PAGE_BYTES, member->addresses,
			  &count, &granularity);
	if (error || count > capacity)
		give_up("GetWriteWatch: error %" DU ", count %llu", error,
			(unsigned long long)count);
	see_all(member->addresses);
	member->n_calls++;
	return count;
}

static void ask_some(struct member *member)
{
	uint32_t first = random_below(&member->random, N_PAGES);
	uint32_t n_pages = 1 + random_below(&member->random, N_PAGES - first);
	uint32_t capacity = 1 + random_below(&member->random, N_PAGES);
	char *start = regions[random_below(&member->random, N_REGIONS)] +
		      first * PAGE_BYTES;

	if (ask(member, start, n_pages, capacity) == capacity)
		ask(member, start, n_pages, N_PAGES);
}

/* ---- What is written ---- */

static bool write_to(struct member *member, unsigned int region, char *byte)
{
#ifdef _WIN32
	/* Now and then whatever it takes: on_exception() sees to it. */
	if (region >= N_STEADY && !random_below(&member->random, 4)) {
		touch(byte, 0);
		return true;
	}
#else
	(void)member;
	(void)region;
#endif
	return try_write(byte);
}

static void write_some(struct member *member)
{
	for (unsigned int i = 0; i < 16; i++) {
		uint32_t region = random_below(&member->random, N_REGIONS);
		size_t n = member->number + N_WRITERS *
			   random_below(&member->random, N_PAGES / N_WRITERS);
		struct page *page = &pages[region][n];
		uint32_t number = page->begun + 1;

		store(&page->begun, number);
		if (!write_to(member, region, regions[region] + n * PAGE_BYTES))
			continue;
		store(&page->done, number);
		member->n_writes++;
	}
}

static void change_some(struct member *member)
{
	static const DWORD protections[] = {
		PAGE_READWRITE, PAGE_READONLY, PAGE_NOACCESS, PAGE_READWRITE,
	};
	uint32_t first = random_below(&member->random, N_PAGES);
	size_t n_bytes = PAGE_BYTES *
			 (1 + random_below(&member->random, N_PAGES - first));
	char *start = regions[N_STEADY + random_below(&member->random, N_REGIONS -
						      N_STEADY)] +
		      first * PAGE_BYTES;
	uint32_t what = random_below(&member->random, 8);
	DWORD old;

	member->n_calls++;
	if (what < 4) {
		/* fails on pages that are not committed */
		VirtualProtect(start, n_bytes, protections[what], &old);
	} else if (what == 4) {
		if (!VirtualFree(start, n_bytes, MEM_DECOMMIT))
			give_up("decommit: error %" DU, GetLastError());
	} else if (!VirtualAlloc(start, n_bytes, MEM_COMMIT, PAGE_READWRITE)) {
		give_up("commit: error %" DU, GetLastError());
	}
}

/* Regions that do not stay, so that the searches of others meet them. */
static void come_and_go(struct member *member)
{
	bool reported[16] = { false };
	size_t page = random_below(&member->random, 16);
	char *base = watch(16);

	touch(base, page);
	take(base, 16, member->addresses, reported);
	CHECK(reported[page], "page %u of a new region is lost",
	      (unsigned int)page);
	touch(base, page);
	if (reset_error(base, 16 * PAGE_BYTES))
		give_up("ResetWriteWatch: error %" DU, GetLastError());
	release(base);
	member->n_calls += 4;
	member->n_writes += 2;
}

/* ---- Where a thread is when it is asked, and what Windows makes of it ---- */

#ifdef _WIN32

#define RAISED	0xe0000042
static volatile LONG n_raised, n_apcs;

/* Also where a lazy program commits its memory. */
static LONG CALLBACK on_exception(EXCEPTION_POINTERS *info)
{
	EXCEPTION_RECORD *record = info->ExceptionRecord;
	char *address = (char *)record->ExceptionInformation[1];

	if (record->ExceptionCode == RAISED) {
		ask_some((struct member *)record->ExceptionInformation[0]);
		InterlockedIncrement(&n_raised);
		return EXCEPTION_CONTINUE_EXECUTION;
	}
	if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
		return EXCEPTION_CONTINUE_SEARCH;
	for (unsigned int i = N_STEADY; i < N_REGIONS; i++)
		if ((size_t)(address - regions[i]) < N_PAGES * PAGE_BYTES &&
		    VirtualAlloc(address, 1, MEM_COMMIT, PAGE_READWRITE))
			return EXCEPTION_CONTINUE_EXECUTION;
	return EXCEPTION_CONTINUE_SEARCH;
}

static void CALLBACK ask_in_apc(ULONG_PTR argument)
{
	ask_some((struct member *)argument);
	InterlockedIncrement(&n_apcs);
}

static void raise_and_wait(struct member *member)
{
	ULONG_PTR argument = (ULONG_PTR)member;

	RaiseException(RAISED, 0, 1, &argument);
	QueueUserAPC(ask_in_apc, GetCurrentThread(), argument);
	SleepEx(0, TRUE);
}

/*
 * The array turns bad while the call runs. A call that fails has told nothing,
 * whatever it has stored.
 */
static void **hindered_array;

static void ask_hindered(struct member *member)
{
	char *start = regions[random_below(&member->random, N_REGIONS)];
	ULONG_PTR count = N_PAGES;
	DWORD granularity, error;

	error = get_error(RESET, start, N_PAGES * PAGE_BYTES, hindered_array,
			  &count, &granularity);
	if (error && error != ERROR_NOACCESS)
		give_up("GetWriteWatch: error %" DU, error);
	for (ULONG_PTR i = 0; !error && i < count; i++)
		see(hindered_array[i]);
	member->n_calls++;
}

static void hinder(struct member *member)
{
	protect(hindered_array, PAGE_BYTES, random_below(&member->random, 2) ?
		PAGE_READWRITE : PAGE_READONLY);
	spin_us(random_below(&member->random, 20));
}

#else

/* Natively a bad array is the program's own fault. */
#define hinder		ask_some
#define ask_hindered	ask_some
#define raise_and_wait	ask_some

#endif

/*
 * Nobody may die where other threads need what he has: in the system's own
 * handling of exceptions there is a lock, and in the heap; so who writes to
 * memory that may be gone, or makes new memory, lives.
 */
static const struct role roles[] = {
	{ write_some, N_WRITERS, false },
	{ ask_some, 11, true },
	{ ask_hindered, 1, false },
	{ hinder, 1, false },
	{ change_some, 8, true },
	{ come_and_go, 6, false },
	{ raise_and_wait, 5, false },
};

#define N_MEMBERS	64
#define N_DEAD		32

/* Of the dead: a thread may still run for a moment when it is called dead. */
static struct member lives[N_MEMBERS + N_DEAD];
static struct member *members[N_MEMBERS], *dead[N_DEAD];
static uint64_t n_writes_of_dead, n_calls_of_dead;

static void rest(void)
{
#ifdef _WIN32
	Sleep(1);
#else
	usleep(1000);
#endif
}

static void take_part(void *argument)
{
	struct member *member = argument;

	__atomic_store_n(&member->started, true, __ATOMIC_SEQ_CST);
	for (;;) {
		uint32_t round = load(&round_now);
		uint64_t start = now_us();

		if (round == ALL_END)
			return;
		if (round % 2) {
			member->role->act(member);
			/* or who stops them would seldom have the processor */
			if (!random_below(&member->random, 4))
				rest();
			continue;
		}
		store(&member->standing, round);
		for (; load(&round_now) == round; rest())
			wait_a_turn(start, "the next round");
	}
}

static void start_life(struct member *member, const struct role *role,
		       unsigned int number, uint64_t random)
{
	memset(member, 0, sizeof(*member));
	member->role = role;
	member->number = number;
	member->random = random;
	member->thread = start_thread(take_part, member);
}

static void gather(uint64_t random)
{
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		for (unsigned int j = 0; j < roles[i].n_members; j++, n++) {
			members[n] = &lives[n];
			start_life(members[n], &roles[i], j, random + n);
		}
	}
	for (unsigned int i = 0; i < N_DEAD; i++)
		dead[i] = &lives[N_MEMBERS + i];
}

#ifdef _WIN32

static unsigned int n_killed, n_stopped;

static void kill_one(struct member **member, uint64_t *random)
{
	struct member *old = *member, **grave = &dead[n_killed++ % N_DEAD];

	kill_thread(old->thread);
	see_all(old->addresses);
	*member = *grave;
	*grave = old;
	n_writes_of_dead += old->n_writes;
	n_calls_of_dead += old->n_calls;
	start_life(*member, old->role, old->number,
		   *random + random_below(random, 1000));
}

/* While it stands, the answers of others must come. */
static void stop_one(struct member *member, struct member *self)
{
	suspend_thread(member->thread);
	ask_some(self);
	resume_thread(member->thread);
	n_stopped++;
}

/* As often as the system can, without waiting until it stands. */
static void jolt_one(struct member *member)
{
	for (unsigned int i = 0; i < 8; i++) {
		if (SuspendThread(member->thread) == (DWORD)-1)
			give_up("SuspendThread: error %lu", GetLastError());
		resume_thread(member->thread);
		n_stopped++;
	}
}

static void disturb(struct member *self)
{
	struct member **member = &members[random_below(&self->random, N_MEMBERS)];

	if (!__atomic_load_n(&(*member)->started, __ATOMIC_SEQ_CST))
		return;
	if ((*member)->role->mortal && random_below(&self->random, 2))
		kill_one(member, &self->random);
	else if (random_below(&self->random, 2))
		stop_one(*member, self);
	else
		jolt_one(*member);
}

static void prepare(void)
{
	hindered_array = (void **)allocate(1, MEM_RESERVE | MEM_COMMIT,
					   PAGE_READWRITE);
	AddVectoredExceptionHandler(0, on_exception);
}

static void note_disturbances(void)
{
	note("%u threads killed, %u times one suspended, %lu exceptions, "
	     "%lu APCs", n_killed, n_stopped, n_raised, n_apcs);
}

#else

static void disturb(struct member *self)
{
	ask_some(self);
}

static void prepare(void)
{
}

static void note_disturbances(void)
{
}

#endif

static void wait_for_all(uint32_t pause)
{
	for (unsigned int i = 0; i < N_MEMBERS; i++) {
		uint64_t start = now_us();

		for (; load(&members[i]->standing) != pause; rest())
			wait_a_turn(start, "a thread's pause");
	}
}

/* All that nobody has been told of, and what the dead were told. */
static unsigned int count_lost(struct member *self)
{
	unsigned int n_lost = 0;

	for (unsigned int i = 0; i < N_REGIONS; i++)
		ask(self, regions[i], N_PAGES, N_PAGES);
	for (unsigned int i = 0; i < N_DEAD; i++)
		see_all(dead[i]->addresses);
	for (unsigned int i = 0; i < N_REGIONS; i++)
		for (size_t page = 0; page < N_PAGES; page++)
			n_lost += pages[i][page].done > pages[i][page].seen;
	return n_lost;
}

static bool nothing_is_lost(struct member *self, uint32_t round)
{
	uint64_t start = now_us();
	unsigned int n_lost;

	do {
		n_lost = count_lost(self);
	} while (n_lost && now_us() - start < 1000000);
	for (unsigned int i = 0; i < N_DEAD; i++)
		memset(dead[i]->addresses, 0, sizeof(dead[i]->addresses));
	return CHECK(!n_lost, "round %u: %u writes are lost", round, n_lost);
}

static bool run_round(struct member *self, uint32_t round)
{
	uint64_t end = now_us() + ROUND_US;

	store(&round_now, 2 * round + 1);
	while (now_us() < end)
		disturb(self);
	store(&round_now, 2 * round + 2);
	wait_for_all(2 * round + 2);
	return nothing_is_lost(self, round);
}

static void note_figures(const struct member *self, uint64_t start,
			 uint32_t n_rounds)
{
	unsigned long long n_writes = n_writes_of_dead;
	unsigned long long n_calls = n_calls_of_dead + self->n_calls;

	for (unsigned int i = 0; i < N_MEMBERS; i++) {
		n_writes += members[i]->n_writes;
		n_calls += members[i]->n_calls;
	}
	note("%llu s, %u rounds, %llu pages written, %llu calls",
	     (unsigned long long)(now_us() - start) / 1000000, n_rounds,
	     n_writes, n_calls);
	note_disturbances();
}

static bool goes_on(uint32_t round, uint64_t start)
{
	uint64_t seconds = row_steps(0);

	return seconds ? now_us() - start < seconds * 1000000 :
			 another_round(round, N_ROUNDS);
}

static void crowd(void)
{
	static struct member self;
	uint64_t start = now_us();
	uint32_t round = 0;

	self.random = row_seed();
	for (unsigned int i = 0; i < N_REGIONS; i++)
		regions[i] = watch(N_PAGES);
	prepare();
	gather(self.random + 1);
	while (goes_on(round, start) && run_round(&self, round))
		round++;
	store(&round_now, ALL_END);
	for (unsigned int i = 0; i < N_MEMBERS; i++)
		join_thread(members[i]->thread);
	note_figures(&self, start, round);
}

const struct row crowd_rows[] = {
	{ "stress-crowd", "MS", crowd, 0, 0,
	  "no write is lost among threads that do anything, and are killed" },
	{ 0 },
};

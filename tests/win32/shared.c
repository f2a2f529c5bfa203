/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random calls of several threads on the same watched memory. */
#include "model.h"

#include "pages.h"

#include <stdio.h>
#include <string.h>

#define RESET		WRITE_WATCH_FLAG_RESET

/*
 * Every write draws a number first, rising page by page. Most pages are steady:
 * always committed, and they count the writes that really happened. The others
 * come and go; the numbers of their writes are noted afterwards.
 *
 * Lost: a write after the last that anyone could see when he had a report or
 * reset of the page, if the page is not reported when everybody stands still,
 * or to a call that nobody else's overlapped.
 *
 * Too much: a page is reported though no number is drawn above those that had
 * all ended before a call took the page that nobody else's overlapped. (One that
 * is drawn may have faulted, which is a report, and not have stored yet.) Of
 * calls that overlap two may report the same write. Where memory is decommitted
 * while others query, and in large regions, they may report pages that nobody
 * wrote: kernel/query.c says which. There only losses are looked for.
 */
enum {
	MOST_PAGES = 1536,
	SMALL_PAGES = 128,		/* as many runs as a record holds */
	BLOCK_PAGES = 8,
	EPOCH_STEPS = 400,		/* of each thread */
};

struct page {
	uint32_t drawn, ended;		/* numbers */
	uint32_t noted;			/* of a page that comes and goes */
	uint32_t seen;			/* what was written is reported */
	uint32_t taken;			/* numbers that have been reported */
};

static struct {
	char *base;
	size_t n_pages;
	bool exact;			/* nothing may be reported too much */
	struct page pages[MOST_PAGES];
	uint32_t calls;			/* begun, above the number that run */
	uint32_t n_waiting, turn;	/* the barrier */
	uint64_t n_alone, n_overlapped;
} shared;

struct sharer {
	unsigned int number;
	uint64_t random, n_epochs, epoch;
	/* before the call */
	uint32_t taken[MOST_PAGES], ended[MOST_PAGES];
	uint32_t seen[MOST_PAGES], written[MOST_PAGES];
	bool told[MOST_PAGES];
	void *addresses[MOST_PAGES];
};

static uint32_t load(const uint32_t *number)
{
	return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

static uint32_t add(uint32_t *number, uint32_t difference)
{
	return __atomic_add_fetch(number, difference, __ATOMIC_SEQ_CST);
}

static void raise_to(uint32_t *number, uint32_t value)
{
	uint32_t old = load(number);

	while (old < value &&
	       !__atomic_compare_exchange_n(number, &old, value, false,
					    __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
}

static uint32_t below(struct sharer *sharer, size_t limit)
{
	return random_below(&sharer->random, (uint32_t)limit);
}

/* ---- Numbers ---- */

static bool is_steady(size_t page)
{
	return page / BLOCK_PAGES % 4 != 3;
}

static uint32_t *number_in(size_t page)
{
	return (uint32_t *)(shared.base + page * PAGE_BYTES);
}

/* The number of the last write that is known to have been one. */
static uint32_t last_written(size_t page)
{
	return load(is_steady(page) ? number_in(page) :
				      &shared.pages[page].noted);
}

/* No write that has already happened has a higher one. */
static uint32_t highest(size_t page)
{
	return load(is_steady(page) ? number_in(page) :
				      &shared.pages[page].drawn);
}

/* All that were drawn have ended, up to this one; 0 if that is not so. */
static uint32_t all_ended(size_t page)
{
	uint32_t ended = load(&shared.pages[page].ended);

	return ended == load(&shared.pages[page].drawn) ? ended : 0;
}

static void write_page(size_t at)
{
	struct page *page = &shared.pages[at];
	uint32_t number = add(&page->drawn, 1);

	if (is_steady(at))
		add(number_in(at), 1);
	else if (try_write((char *)number_in(at)))
		raise_to(&page->noted, number);
	add(&page->ended, 1);
}

/* ---- Calls that may overlap ---- */

/* One word for both numbers: nobody can come in between. */
enum { ONE_RUNS = 1, ONE_BEGAN = 256 };

/* Whether nobody was in a call; and how many have begun one so far. */
static bool begin_call(uint32_t *n_begun)
{
	uint32_t calls = add(&shared.calls, ONE_BEGAN + ONE_RUNS);

	*n_begun = calls / ONE_BEGAN;
	return calls % ONE_BEGAN == ONE_RUNS;
}

static bool nobody_came(uint32_t n_begun)
{
	return load(&shared.calls) / ONE_BEGAN == n_begun;
}

static void end_call(void)
{
	add(&shared.calls, -ONE_RUNS);
}

static void look(struct sharer *sharer, size_t first, size_t n_pages)
{
	for (size_t page = first; page < first + n_pages; page++) {
		sharer->taken[page] = load(&shared.pages[page].taken);
		sharer->seen[page] = load(&shared.pages[page].seen);
		sharer->ended[page] = all_ended(page);
		sharer->written[page] = last_written(page);
		sharer->told[page] = false;
	}
}

static void fail(const struct sharer *sharer, const char *what, size_t page)
{
	const struct page *state = &shared.pages[page];

	give_up("thread %u, epoch %llu: page %u of %u is %s: drawn %u, ended "
		"%u, written %u, seen %u; before the call written %u, seen %u, "
		"taken %u", sharer->number, (unsigned long long)sharer->epoch,
		(unsigned int)page, (unsigned int)shared.n_pages, what,
		state->drawn, state->ended, last_written(page), state->seen,
		sharer->written[page], sharer->seen[page],
		sharer->taken[page]);
}

/* The page is reported or reset; what anyone writes from here on is new. */
static void take_page(struct sharer *sharer, size_t page, bool alone)
{
	raise_to(&shared.pages[page].seen, highest(page));
	if (alone)
		raise_to(&shared.pages[page].taken, sharer->ended[page]);
}

static size_t page_at(const struct sharer *sharer, const char *address,
		      size_t first, size_t n_pages)
{
	size_t offset = address - shared.base, page = offset / PAGE_BYTES;

	if (offset % PAGE_BYTES || page - first >= n_pages)
		give_up("thread %u, epoch %llu: bad address %p",
			sharer->number, (unsigned long long)sharer->epoch,
			address);
	return page;
}

/* Returns the end of what the call has looked at. */
static size_t note_answer(struct sharer *sharer, size_t first, size_t n_pages,
			  ULONG_PTR count, ULONG_PTR capacity)
{
	size_t from = first, page;

	for (ULONG_PTR i = 0; i < count; i++) {
		page = page_at(sharer, sharer->addresses[i], from,
			       first + n_pages - from);
		sharer->told[page] = true;
		from = page + 1;
		if (shared.exact &&
		    load(&shared.pages[page].drawn) <= sharer->taken[page])
			fail(sharer, "reported once more", page);
	}
	return count == capacity ? from : first + n_pages;
}

static void get(struct sharer *sharer, size_t first, size_t n_pages,
		DWORD flags, ULONG_PTR capacity)
{
	ULONG_PTR count = capacity;
	DWORD granularity, error;
	uint32_t n_begun;
	bool alone = begin_call(&n_begun);
	size_t end;

	look(sharer, first, n_pages);
	error = get_error(flags, shared.base + first * PAGE_BYTES,
			  n_pages * PAGE_BYTES, sharer->addresses, &count,
			  &granularity);
	alone &= nobody_came(n_begun);
	if (error || count > capacity)
		give_up("GetWriteWatch: error %" DU ", %u pages, room for %u",
			error, (unsigned int)count, (unsigned int)capacity);
	end = note_answer(sharer, first, n_pages, count, capacity);
	for (size_t page = first; page < end; page++) {
		if (alone && is_steady(page) && !sharer->told[page] &&
		    sharer->written[page] > sharer->seen[page])
			fail(sharer, "lost", page);
		if ((flags & RESET) && sharer->told[page])
			take_page(sharer, page, alone);
	}
	__atomic_add_fetch(alone ? &shared.n_alone : &shared.n_overlapped, 1,
			   __ATOMIC_RELAXED);
	end_call();
}

static void reset(struct sharer *sharer, size_t first, size_t n_pages)
{
	uint32_t n_begun;
	bool alone = begin_call(&n_begun);

	look(sharer, first, n_pages);
	if (reset_error(shared.base + first * PAGE_BYTES, n_pages * PAGE_BYTES))
		give_up("ResetWriteWatch: error %" DU, GetLastError());
	alone &= nobody_came(n_begun);
	for (size_t page = first; page < first + n_pages; page++)
		take_page(sharer, page, alone);
	end_call();
}

/* ---- Pages that come and go ---- */

static void come_or_go(struct sharer *sharer)
{
	size_t n_blocks = shared.n_pages / (4 * BLOCK_PAGES);
	size_t first = (below(sharer, n_blocks) * 4 + 3) * BLOCK_PAGES +
		       below(sharer, BLOCK_PAGES);
	size_t n_pages = 1 + below(sharer, BLOCK_PAGES - first % BLOCK_PAGES);
	char *start = shared.base + first * PAGE_BYTES;
	size_t n_bytes = n_pages * PAGE_BYTES;
	uint32_t what = below(sharer, 8), n_begun;
	bool ok = true;
	DWORD old;

	begin_call(&n_begun);
	if (what < 5)
		ok = VirtualAlloc(start, n_bytes, MEM_COMMIT, PAGE_READWRITE);
	else if (what < 6 && !shared.exact)
		ok = VirtualFree(start, n_bytes, MEM_DECOMMIT);
	else	/* some may not be committed */
		VirtualProtect(start, n_bytes, what < 7 ? PAGE_READONLY :
			       PAGE_READWRITE, &old);
	if (!ok)
		give_up("thread %u: what %u: error %" DU, sharer->number, what,
			GetLastError());
	end_call();
}

/* ---- Epochs ---- */

static void make_region(struct sharer *sharer)
{
	size_t n_pages = below(sharer, 4) ? SMALL_PAGES : MOST_PAGES;

	n_pages = (1 + below(sharer, n_pages / 32)) * 32;
	shared.base = allocate(n_pages, MEM_RESERVE | MEM_WRITE_WATCH,
			       PAGE_READWRITE);
	shared.n_pages = n_pages;
	shared.exact = n_pages <= SMALL_PAGES && below(sharer, 2);
	memset(shared.pages, 0, sizeof(shared.pages));
	for (size_t page = 0; page < n_pages; page += BLOCK_PAGES)
		if (is_steady(page) &&
		    !VirtualAlloc(shared.base + page * PAGE_BYTES,
				  BLOCK_PAGES * PAGE_BYTES, MEM_COMMIT,
				  PAGE_READWRITE))
			give_up("commit: error %" DU, GetLastError());
}

/* Everybody else stands still: nothing may be missing, all becomes clean. */
static void check_all(struct sharer *sharer)
{
	memset(sharer->told, 0, sizeof(sharer->told));
	take(shared.base, shared.n_pages, sharer->addresses, sharer->told);
	for (size_t at = 0; at < shared.n_pages; at++) {
		struct page *page = &shared.pages[at];

		if (!sharer->told[at] && last_written(at) > page->seen)
			fail(sharer, "lost", at);
		page->seen = highest(at);
		page->taken = page->drawn;
	}
}

static void next_epoch(struct sharer *sharer)
{
	if (sharer->epoch) {
		check_all(sharer);
		if (sharer->epoch % 8)
			return;
		release(shared.base);
	}
	make_region(sharer);
}

/* The first thread does something while the others wait for it. */
static void meet(struct sharer *sharer, void (*act)(struct sharer *))
{
	uint32_t turn = load(&shared.turn);
	uint64_t start = now_us();

	if (sharer->number) {
		add(&shared.n_waiting, 1);
		while (load(&shared.turn) == turn)
			wait_a_turn(start, "the other threads");
		return;
	}
	while (load(&shared.n_waiting) < N_MODEL_THREADS - 1)
		wait_a_turn(start, "the other threads");
	act(sharer);
	shared.n_waiting = 0;
	add(&shared.turn, 1);
}

static void step(struct sharer *sharer)
{
	size_t first = below(sharer, shared.n_pages);
	size_t n_pages = 1 + below(sharer, shared.n_pages - first);
	uint32_t what = below(sharer, 64);

	if (what < 36)
		for (int i = below(sharer, 16); i >= 0; i--)
			write_page(first + below(sharer, n_pages));
	else if (what < 58)
		get(sharer, first, n_pages, what % 4 ? RESET : 0,
		    what % 3 ? n_pages : 1 + below(sharer, n_pages));
	else if (what < 59)
		reset(sharer, first, n_pages);
	else
		come_or_go(sharer);
}

static void share(void *argument)
{
	struct sharer *sharer = argument;

	for (;; sharer->epoch++) {
		meet(sharer, next_epoch);
		if (sharer->epoch == sharer->n_epochs)
			return;
		for (int i = 0; i < EPOCH_STEPS; i++)
			step(sharer);
	}
}

void model_shared(void)
{
	static struct sharer sharers[N_MODEL_THREADS];
	uint64_t n_epochs = row_steps(50000) / (EPOCH_STEPS * N_MODEL_THREADS);
	uint64_t random = row_seed();
	HANDLE threads[N_MODEL_THREADS];

	if (backend_is("softdirty"))
		skip_row("softdirty reports too much where threads fault");
	for (unsigned int i = 0; i < N_MODEL_THREADS; i++) {
		sharers[i].number = i;
		sharers[i].random = random + i;
		sharers[i].n_epochs = n_epochs;
		if (i)
			threads[i] = start_thread(share, &sharers[i]);
	}
	share(&sharers[0]);
	for (unsigned int i = 1; i < N_MODEL_THREADS; i++)
		join_thread(threads[i]);
	note("%llu queries alone, %llu overlapped",
	     (unsigned long long)shared.n_alone,
	     (unsigned long long)shared.n_overlapped);
}

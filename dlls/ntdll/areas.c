/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reserved memory. The areas lie in one array, sorted by address; the states of
 * a reservation's pages are a byte each, in memory that is not there until it is
 * used, since a garbage collector reserves 256 GiB at once. None of it comes from
 * malloc, which a program may well have built on top of us.
 */
#include "areas.h"

#include "mapping.h"
#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* ---- Protections ---- */

static const struct {
	ULONG protect;
	int prot;
} protections[] = {
	{ 0, PROT_NONE },
#define V(protect, prot) { protect, prot },
	WW_PROTECTIONS(V)
#undef V
};

#define N_PROTECTIONS (sizeof(protections) / sizeof(protections[0]))

/* Neither has a meaning for pages that cannot be accessed, and they exclude
 * each other. */
static bool cache_state(ULONG modifiers, ULONG access, unsigned char *state)
{
	static const struct {
		ULONG modifier;
		unsigned char state;
	} kinds[] = {
		{ PAGE_NOCACHE, WW_PAGE_NOCACHE },
		{ PAGE_WRITECOMBINE, WW_PAGE_WRITECOMBINE },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (modifiers == kinds[i].modifier) {
			*state = kinds[i].state;
			return access != PAGE_NOACCESS;
		}
	*state = 0;
	return !modifiers;
}

unsigned char ww_state_of(ULONG protect)
{
	ULONG access = protect & 0xff;
	unsigned char cache;

	if (!cache_state(protect & ~(ULONG)0xff, access, &cache))
		return 0;
	for (size_t i = 1; i < N_PROTECTIONS; i++)
		if (protections[i].protect == access)
			return (unsigned char)i | cache;
	return 0;
}

ULONG ww_state_protect(unsigned char state)
{
	return protections[state & WW_PAGE_ACCESS].protect |
	       (state & WW_PAGE_NOCACHE ? PAGE_NOCACHE : 0) |
	       (state & WW_PAGE_WRITECOMBINE ? PAGE_WRITECOMBINE : 0);
}

int ww_state_prot(unsigned char state)
{
	return protections[state & WW_PAGE_ACCESS].prot;
}

/* ---- The states of a reservation's pages ---- */

/* The states of so many pages are known together never to have been set, so
 * that looking at them need not make them present. */
#define CHUNK 4096

struct ww_page_states {
	size_t n_bytes;		/* of this block */
	size_t n_areas;
	unsigned char *used;	/* a byte a chunk */
	unsigned char *pages;	/* a byte a page */
};

static struct ww_page_states *new_states(size_t n_pages)
{
	size_t n_chunks = n_pages / CHUNK + 1;
	size_t n_bytes = sizeof(struct ww_page_states) + n_chunks + n_pages;
	struct ww_page_states *states = ww_pool_take(n_bytes);

	if (states) {
		states->n_bytes = n_bytes;
		states->n_areas = 1;
		states->used = (unsigned char *)(states + 1);
		states->pages = states->used + n_chunks;
	}
	return states;
}

static void leave_states(struct ww_page_states *states)
{
	if (!--states->n_areas)
		ww_pool_give(states, states->n_bytes);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The end of the chunk around a page. */
static size_t chunk_end(size_t page)
{
	return (page / CHUNK + 1) * CHUNK;
}

/* The first page of [at, end) whose state is another, eight at a time while
 * they are the same. */
static size_t find_other(const unsigned char *pages, size_t at, size_t end,
			 unsigned char mask, unsigned char value)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t eight;

	for (; at + sizeof(eight) <= end; at += sizeof(eight)) {
		memcpy(&eight, pages + at, sizeof(eight));
		if ((eight & each * mask) != each * value)
			break;
	}
	while (at < end && (pages[at] & mask) == value)
		at++;
	return at;
}

static size_t run_end(const struct ww_page_states *states, size_t first,
		      size_t end, unsigned char mask)
{
	unsigned char value = states->pages[first] & mask;
	size_t at = first;

	while (at < end) {
		size_t stop = min_size(chunk_end(at), end);

		if (states->used[at / CHUNK])
			stop = find_other(states->pages, at, stop, mask, value);
		else if (value)
			stop = at;
		if (stop < end && stop < chunk_end(at))
			return stop;
		at = stop;
	}
	return end;
}

static void set_states(struct ww_page_states *states, size_t first, size_t end,
		       unsigned char mask, unsigned char value)
{
	for (size_t at = first, stop; at < end; at = stop) {
		unsigned char *used = &states->used[at / CHUNK];

		stop = min_size(chunk_end(at), end);
		if (!*used && !value)
			continue;
		*used = 1;
		for (size_t i = at; i < stop; i++)
			states->pages[i] = (states->pages[i] & ~mask) | value;
	}
}

/* ---- The array of areas ---- */

static struct ww_area *areas;
static size_t n_areas;
static size_t n_room;		/* areas that fit */

#define FIRST_ROOM 64

/* The number of areas that end at or below `address`. */
static size_t count_below(uintptr_t address)
{
	size_t first = 0, end = n_areas;

	while (first < end) {
		size_t middle = first + (end - first) / 2;

		if (areas[middle].end <= address)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

struct ww_area *ww_area_find(uintptr_t address)
{
	size_t i = count_below(address);

	return i < n_areas && areas[i].start <= address ? &areas[i] : NULL;
}

struct ww_area *ww_area_above(uintptr_t address)
{
	size_t i = count_below(address);

	if (i < n_areas && areas[i].start <= address)
		i++;
	return i < n_areas ? &areas[i] : NULL;
}

int ww_areas_make_room(size_t n)
{
	size_t more = n_room ? 2 * n_room : FIRST_ROOM;
	struct ww_area *new;

	if (n <= n_room - n_areas)
		return 0;
	new = ww_pool_take(more * sizeof(*areas));
	if (!new)
		return -ENOMEM;
	if (n_areas) {
		memcpy(new, areas, n_areas * sizeof(*areas));
		ww_pool_give(areas, n_room * sizeof(*areas));
	}
	areas = new;
	n_room = more;
	return 0;
}

static void insert(size_t i, const struct ww_area *area)
{
	memmove(areas + i + 1, areas + i, (n_areas - i) * sizeof(*areas));
	areas[i] = *area;
	n_areas++;
}

static void erase(size_t i)
{
	leave_states(areas[i].states);
	n_areas--;
	memmove(areas + i, areas + i + 1, (n_areas - i) * sizeof(*areas));
}

int ww_area_add(const struct ww_area *new)
{
	struct ww_area area = *new;

	if (ww_areas_make_room(1))
		return -ENOMEM;
	area.first = 0;
	area.states = new_states((area.end - area.start) / ww_page_size());
	if (!area.states)
		return -ENOMEM;
	insert(count_below(area.start), &area);
	return 0;
}

static size_t page_of(const struct ww_area *area, uintptr_t address)
{
	return area->first + (address - area->start) / ww_page_size();
}

void ww_area_split(struct ww_area *area, uintptr_t at)
{
	struct ww_area rest = *area;

	rest.first = page_of(area, at);
	rest.start = at;
	rest.states->n_areas++;
	area->end = at;
	insert((size_t)(area - areas) + 1, &rest);
}

/* The pages that go are not asked for again: their states may stay. */
void ww_area_cut(struct ww_area *area, uintptr_t start, uintptr_t end)
{
	if (area->start == start && area->end == end) {
		erase((size_t)(area - areas));
	} else if (area->start == start) {
		area->first = page_of(area, end);
		area->start = end;
	} else {
		if (area->end != end)
			ww_area_split(area, end);
		area->end = start;
	}
}

int ww_areas_join(uintptr_t start, uintptr_t end)
{
	struct ww_area joined = *ww_area_find(start);
	size_t i = count_below(start);

	joined.end = end;
	joined.first = 0;
	joined.states = new_states((end - start) / ww_page_size());
	if (!joined.states)
		return -ENOMEM;
	while (i < n_areas && areas[i].start < end)
		erase(i);
	insert(i, &joined);
	return 0;
}

unsigned char ww_area_state(const struct ww_area *area, uintptr_t address)
{
	return area->states->pages[page_of(area, address)];
}

uintptr_t ww_area_run(const struct ww_area *area, uintptr_t start, uintptr_t end,
		      unsigned char mask)
{
	size_t first = page_of(area, start);
	size_t last = run_end(area->states, first, page_of(area, end), mask);

	return start + (last - first) * ww_page_size();
}

void ww_area_set(struct ww_area *area, uintptr_t start, uintptr_t end,
		 unsigned char mask, unsigned char value)
{
	set_states(area->states, page_of(area, start), page_of(area, end), mask,
		   value);
}

/* ---- Places ---- */

/* Windows programs release memory and count on reserving it again, in parts or
 * at a better alignment. In the midst of Linux's own mappings the next mmap of
 * anyone would take such a hole, ours for bookkeeping first of all; so areas lie
 * where nobody maps by himself: above the shadow memory of sanitizers and below
 * programs. For the same reason places are taken in turn. */
#define LOWEST_PLACE 0x110000000000
#define HIGHEST_PLACE 0x500000000000
#define PLACE_STEP ((uintptr_t)2 << 20)

static uintptr_t next_place;

/* Up to 2 TiB above the lowest, so that addresses cannot be foretold. */
static uintptr_t first_place(void)
{
	int saved = errno;
	uint32_t steps;

	if (getrandom(&steps, sizeof(steps), GRND_NONBLOCK) != sizeof(steps))
		steps = 0;
	errno = saved;
	return LOWEST_PLACE + (steps & 0xfffff) * PLACE_STEP;
}

static uintptr_t find_place(const struct ww_place *wanted)
{
	uintptr_t mask = wanted->alignment - 1, at = wanted->lowest;

	for (size_t i = count_below(at);; i++) {
		at = (at + mask) & ~mask;
		if (at > wanted->end || wanted->n_bytes > wanted->end - at)
			return 0;
		if (i == n_areas || (areas[i].start >= at &&
				     areas[i].start - at >= wanted->n_bytes))
			return at;
		if (areas[i].end > at)
			at = areas[i].end;
	}
}

/* The highest instead of the lowest. */
static uintptr_t find_place_down(const struct ww_place *wanted)
{
	uintptr_t mask = wanted->alignment - 1, end = wanted->end, at;
	size_t i = count_below(end);

	if (i < n_areas && areas[i].start < end)
		i++;
	for (;; i--) {
		if (end < wanted->lowest || end - wanted->lowest < wanted->n_bytes)
			return 0;
		at = (end - wanted->n_bytes) & ~mask;
		if (!i || areas[i - 1].end <= at)
			return at >= wanted->lowest ? at : 0;
		if (areas[i - 1].start < end)
			end = areas[i - 1].start;
	}
}

static uintptr_t find_place_in_turn(const struct ww_place *wanted)
{
	struct ww_place rest = *wanted;
	uintptr_t place;

	if (!next_place)
		next_place = first_place();
	if (rest.lowest < next_place)
		rest.lowest = next_place;
	place = find_place(&rest);
	if (!place)
		place = find_place(wanted);
	if (place)
		next_place = place + wanted->n_bytes;
	return place;
}

uintptr_t ww_areas_place(const struct ww_place *wanted)
{
	struct ww_place ours = *wanted;

	if (sizeof(void *) < 8)
		return 0;
	if (ours.lowest < LOWEST_PLACE)
		ours.lowest = LOWEST_PLACE;
	if (ours.end > HIGHEST_PLACE)
		ours.end = HIGHEST_PLACE;
	return ours.top_down ? find_place_down(&ours) : find_place_in_turn(&ours);
}

/* ---- The lock ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int holder_cancel_state;

/* Files are opened and closed under the lock, where a cancelled thread would end
 * and keep it. */
void ww_areas_lock(sigset_t *saved)
{
	int cancel_state;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, saved);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	pthread_mutex_lock(&mutex);
	holder_cancel_state = cancel_state;
}

void ww_areas_unlock(const sigset_t *saved)
{
	int cancel_state = holder_cancel_state;

	pthread_mutex_unlock(&mutex);
	pthread_setcancelstate(cancel_state, NULL);
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

/* fork takes the locks last registered first, so these handlers have to come
 * after the registry's. Before there is a registry nothing is registered: a
 * child of a program with threads may then inherit the lock locked, and may do
 * nothing but exec anyway. */
static sigset_t fork_mask;

static void lock_for_fork(void)
{
	sigset_t saved;

	ww_areas_lock(&saved);
	fork_mask = saved;
}

static void unlock_after_fork(void)
{
	sigset_t saved = fork_mask;

	ww_areas_unlock(&saved);
}

void ww_areas_after_registry(void)
{
	static bool done;

	if (!done)
		done = !pthread_atfork(lock_for_fork, unlock_after_fork,
				       unlock_after_fork);
}

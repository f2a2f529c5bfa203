/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shadow of shadow.h. */
#include "shadow.h"

#include <string.h>

/* By the numbers of shadow_page's access. */
static const DWORD protections[] = {
	0, PAGE_READWRITE, PAGE_READONLY, PAGE_NOACCESS, PAGE_EXECUTE_READWRITE,
};

enum { N_ACCESS = sizeof(protections) / sizeof(protections[0]) };

const char *const shadow_calls[N_CALLS] = {
	"none", "a write", "get", "get with reset", "reset", "commit",
	"decommit", "protect", "a visit",
};

static uint32_t below(struct shadow *shadow, uint32_t limit)
{
	return random_below(&shadow->random, limit);
}

static volatile uint64_t *page_at(const struct shadow *shadow, size_t page)
{
	return (volatile uint64_t *)(shadow->base + page * PAGE_BYTES);
}

static bool is_readable(const struct shadow_page *page)
{
	return page->access && protections[page->access] != PAGE_NOACCESS;
}

static bool is_writable(const struct shadow_page *page)
{
	return is_readable(page) && protections[page->access] != PAGE_READONLY;
}

/* ---- What is under way ---- */

/* The thread may be ended between any two of these steps: nothing is under way
 * before all of it is said. */
static void begin(struct shadow *shadow, enum shadow_call call, size_t first,
		  size_t n_pages)
{
	shadow->first = first;
	shadow->n_pages = n_pages;
	memset(shadow->results, 0, n_pages * sizeof(shadow->results[0]));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&shadow->call, call, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void end(struct shadow *shadow)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&shadow->call, NO_CALL, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void went_wrong(struct shadow *shadow)
{
	shadow->figures->wrong++;
	shadow->wrong = shadow->call;
	shadow->error = GetLastError();
}

/* Counts a call. Those that may fail do so for want of something. */
static bool succeeded(struct shadow *shadow, bool success)
{
	DWORD error = GetLastError();

	shadow->figures->calls++;
	if (success)
		return true;
	if (shadow->limited && (error == ERROR_NOT_ENOUGH_MEMORY ||
				error == ERROR_COMMITMENT_LIMIT))
		shadow->figures->refused++;
	else
		went_wrong(shadow);
	return false;
}

/* ---- Writes ---- */

static void is_as_written(struct shadow *shadow, size_t page)
{
	if (is_readable(&shadow->pages[page]) &&
	    *page_at(shadow, page) != shadow->pages[page].value) {
		went_wrong(shadow);
		shadow->pages[page].value = *page_at(shadow, page);
	}
}

static void note_write(struct shadow *shadow, size_t page)
{
	shadow->pages[page].value = shadow->value = shadow->new_value;
	shadow->pages[page].written = true;
	shadow->figures->writes++;
}

static void write_some(struct shadow *shadow)
{
	for (size_t n = 1 + below(shadow, 8); n; n--) {
		size_t page = below(shadow, SHADOW_PAGES);

		shadow->new_value = shadow->value + 1;
		begin(shadow, A_WRITE, page, 1);
		is_as_written(shadow, page);
		if (is_writable(&shadow->pages[page])) {
			*page_at(shadow, page) = shadow->new_value;
			note_write(shadow, page);
		}
		end(shadow);
	}
}

/* ---- Queries ---- */

static void note_report(struct shadow *shadow, size_t page, bool reset)
{
	shadow->figures->reported++;
	shadow->figures->spare += !shadow->pages[page].written;
	if (reset)
		shadow->pages[page].written = false;
}

/* Results are ascending and in the range; what they have passed and not named
 * was not written. */
static void compare(struct shadow *shadow, size_t count, size_t capacity,
		    bool reset)
{
	size_t end_page = shadow->first + shadow->n_pages, i = 0;

	for (size_t page = shadow->first; page < end_page; page++) {
		if (i < count && shadow->results[i] == page_at(shadow, page)) {
			note_report(shadow, page, reset);
			i++;
		} else if (shadow->pages[page].written &&
			   (i < count || count < capacity)) {
			shadow->figures->lost++;
			shadow->pages[page].written = false;
		}
	}
	if (i != count)
		went_wrong(shadow);
}

static void get(struct shadow *shadow, size_t first, size_t n_pages,
		size_t capacity, bool reset)
{
	ULONG_PTR count = capacity;
	DWORD granularity;

	begin(shadow, reset ? A_GET_RESET : A_GET, first, n_pages);
	if (succeeded(shadow, !GetWriteWatch(reset ? RESET : 0,
					     shadow->base + first * PAGE_BYTES,
					     n_pages * PAGE_BYTES,
					     shadow->results, &count,
					     &granularity)))
		compare(shadow, count, capacity, reset);
	end(shadow);
}

static void forget(struct shadow *shadow, size_t first, size_t n_pages)
{
	for (size_t i = 0; i < n_pages; i++)
		shadow->pages[first + i].written = false;
}

static void reset(struct shadow *shadow, size_t first, size_t n_pages)
{
	begin(shadow, A_RESET, first, n_pages);
	if (succeeded(shadow, !ResetWriteWatch(shadow->base + first * PAGE_BYTES,
					       n_pages * PAGE_BYTES)))
		forget(shadow, first, n_pages);
	end(shadow);
}

/* ---- Memory ---- */

static void note_access(struct shadow *shadow, size_t first, size_t n_pages,
			unsigned char access)
{
	for (size_t i = 0; i < n_pages; i++) {
		shadow->pages[first + i].access = access;
		if (!access)
			shadow->pages[first + i].value = 0;
	}
}

static void commit(struct shadow *shadow, size_t first, size_t n_pages,
		   unsigned char access)
{
	begin(shadow, A_COMMIT, first, n_pages);
	if (succeeded(shadow, VirtualAlloc(shadow->base + first * PAGE_BYTES,
					   n_pages * PAGE_BYTES, MEM_COMMIT,
					   protections[access]) != NULL))
		note_access(shadow, first, n_pages, access);
	end(shadow);
}

static void decommit(struct shadow *shadow, size_t first, size_t n_pages)
{
	begin(shadow, A_DECOMMIT, first, n_pages);
	if (succeeded(shadow, VirtualFree(shadow->base + first * PAGE_BYTES,
					  n_pages * PAGE_BYTES, MEM_DECOMMIT)))
		note_access(shadow, first, n_pages, 0);
	end(shadow);
}

/* Of committed pages only, at most n_pages of them. */
static void protect(struct shadow *shadow, size_t first, size_t n_pages,
		    unsigned char access)
{
	size_t n = 0;
	DWORD old;

	while (n < n_pages && shadow->pages[first + n].access)
		n++;
	if (!n)
		return;
	begin(shadow, A_PROTECT, first, n);
	if (succeeded(shadow, VirtualProtect(shadow->base + first * PAGE_BYTES,
					     n * PAGE_BYTES, protections[access],
					     &old)))
		note_access(shadow, first, n, access);
	end(shadow);
}

/* ---- Visits ---- */

/* Writes one page of those that were just reserved, which is then the only one
 * that is reported. */
static void write_in_zone(struct shadow *shadow, size_t n_pages, size_t page)
{
	ULONG_PTR count = ZONE_PAGES;
	void *results[ZONE_PAGES];
	DWORD granularity;

	touch(shadow->zone, page);
	shadow->figures->writes++;
	if (!succeeded(shadow, !GetWriteWatch(RESET, shadow->zone,
					      n_pages * PAGE_BYTES, results,
					      &count, &granularity)))
		return;
	shadow->figures->reported += count;
	for (size_t i = 0; i < count; i++)
		if (results[i] == shadow->zone + page * PAGE_BYTES)
			return;
	shadow->figures->lost++;
}

static void visit(struct shadow *shadow)
{
	size_t n_pages = 1 + below(shadow, ZONE_PAGES);
	bool committed = below(shadow, 2);
	DWORD type = MEM_RESERVE | MEM_WRITE_WATCH | (committed ? MEM_COMMIT : 0);
	DWORD access = PAGE_READWRITE;

	begin(shadow, A_VISIT, 0, 0);
	if (succeeded(shadow, VirtualAlloc(shadow->zone, n_pages * PAGE_BYTES,
					   type, access) != NULL)) {
		if (committed ||
		    succeeded(shadow, VirtualAlloc(shadow->zone, n_pages *
						   PAGE_BYTES, MEM_COMMIT,
						   access) != NULL))
			write_in_zone(shadow, n_pages, below(shadow, n_pages));
		shadow->figures->calls++;
		if (!VirtualFree(shadow->zone, 0, MEM_RELEASE)) {
			went_wrong(shadow);
			shadow->zone = NULL;
		}
	}
	end(shadow);
}

static void leave_zone(struct shadow *shadow)
{
	MEMORY_BASIC_INFORMATION info;

	if (!VirtualQuery(shadow->zone, &info, sizeof(info)) ||
	    (info.State != MEM_FREE && !VirtualFree(shadow->zone, 0, MEM_RELEASE)))
		went_wrong(shadow);
}

/* ---- After the end of a thread ---- */

static unsigned char access_of(DWORD protection)
{
	unsigned char access = N_ACCESS - 1;

	while (access && protections[access] != protection)
		access--;
	return access;
}

/* A call either has happened or it has not. */
static void look_again(struct shadow *shadow)
{
	MEMORY_BASIC_INFORMATION info;

	for (size_t i = 0; i < shadow->n_pages; i++) {
		size_t page = shadow->first + i;

		if (!VirtualQuery((char *)page_at(shadow, page), &info,
				  sizeof(info)))
			went_wrong(shadow);
		else
			note_access(shadow, page, 1, access_of(info.Protect));
		is_as_written(shadow, page);
	}
}

/* What stands in the array was reported, all else will be. */
static void take_over(struct shadow *shadow)
{
	for (size_t i = 0; i < shadow->n_pages && shadow->results[i]; i++) {
		size_t page = (size_t)((char *)shadow->results[i] -
				       shadow->base) / PAGE_BYTES;

		if (page < SHADOW_PAGES)
			note_report(shadow, page, true);
		else
			went_wrong(shadow);
	}
}

void shadow_recover(struct shadow *shadow)
{
	switch (shadow->call) {
	case A_WRITE:
		if (is_writable(&shadow->pages[shadow->first]) &&
		    *page_at(shadow, shadow->first) == shadow->new_value)
			note_write(shadow, shadow->first);
		break;
	case A_GET_RESET:
		take_over(shadow);
		break;
	case A_RESET:
		forget(shadow, shadow->first, shadow->n_pages);
		break;
	case A_COMMIT:
	case A_DECOMMIT:
	case A_PROTECT:
		look_again(shadow);
		break;
	case A_VISIT:
		leave_zone(shadow);
		break;
	default:
		break;
	}
	end(shadow);
}

/* ---- Steps ---- */

void shadow_begin(struct shadow *shadow, char *base, uint64_t seed,
		  struct figures *figures)
{
	memset(shadow, 0, sizeof(*shadow));
	shadow->base = base;
	shadow->random = seed;
	shadow->figures = figures;
}

void shadow_take_all(struct shadow *shadow)
{
	get(shadow, 0, SHADOW_PAGES, SHADOW_PAGES, true);
}

void shadow_step(struct shadow *shadow)
{
	size_t first = below(shadow, SHADOW_PAGES);
	size_t n_pages = 1 + below(shadow, (uint32_t)(SHADOW_PAGES - first));
	/* more often than not it can be written */
	unsigned char access = below(shadow, 2) ? 1 :
			       (unsigned char)(1 + below(shadow, N_ACCESS - 1));

	switch (below(shadow, 16)) {
	case 0:
		get(shadow, first, n_pages, 1 + below(shadow, n_pages), false);
		break;
	case 1:
		get(shadow, first, n_pages, 1 + below(shadow, n_pages), true);
		break;
	case 2:
		shadow_take_all(shadow);
		break;
	case 3:
		reset(shadow, first, n_pages);
		break;
	case 4:
	case 5:
		commit(shadow, first, n_pages, access);
		break;
	case 6:
		decommit(shadow, first, n_pages);
		break;
	case 7:
		protect(shadow, first, n_pages, access);
		break;
	case 8:
		if (shadow->zone)
			visit(shadow);
		break;
	default:
		write_some(shadow);
	}
}

void figures_add(struct figures *sum, const struct figures *more)
{
	sum->writes += more->writes;
	sum->calls += more->calls;
	sum->refused += more->refused;
	sum->reported += more->reported;
	sum->spare += more->spare;
	sum->lost += more->lost;
	sum->wrong += more->wrong;
}

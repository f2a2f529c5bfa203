/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random calls, by several threads, against a plain model of their effect. */
#include "model.h"

#include "pages.h"
#include "rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#ifndef _WIN32
#include <sys/uio.h>
#include <unistd.h>
#endif

#define RESET		WRITE_WATCH_FLAG_RESET
#define WRITABLE	(PAGE_READWRITE | PAGE_EXECUTE_READWRITE)
#define READABLE	(WRITABLE | PAGE_READONLY | PAGE_EXECUTE_READ)

enum {
	MOST_PAGES = 1600,
	N_REGIONS = 6,
	N_LAST = 12,
	MOST_STORED = 16 * 4096,	/* by one system call; a pipe's size */
};

/* What one page must be. */
struct page {
	unsigned char protection;	/* 0: not committed */
	bool written;
	bool is_known;			/* the contents are */
	unsigned char value;		/* of the first byte */
};

struct region {
	char *base;			/* NULL: none */
	size_t n_pages;
	bool watched;
	struct page pages[MOST_PAGES];
};

/* For the diagnostics. */
struct step {
	uint64_t number;
	const char *what;
	char *base;
	size_t first, n_pages;
	DWORD argument;
};

/* A thread and its own memory, in which every answer has to be exact. */
struct worker {
	unsigned int number;
	uint64_t random, n_steps, done;
	struct region regions[N_REGIONS];
	struct step last[N_LAST];
	void *addresses[MOST_PAGES + 1];
	char stored[MOST_STORED];
};

/* Pages of a region, and the bytes that stand for them in a call. */
struct range {
	struct region *region;
	size_t first, n_pages;
	char *start;
	size_t n_bytes;
};

static uint32_t below(struct worker *worker, size_t limit)
{
	return random_below(&worker->random, (uint32_t)limit);
}

static bool one_in(struct worker *worker, uint32_t n)
{
	return !below(worker, n);
}

static struct step *step_of(struct worker *worker)
{
	return &worker->last[worker->done % N_LAST];
}

static void log_step(struct worker *worker, const char *what,
		     const struct range *range, DWORD argument)
{
	*step_of(worker) = (struct step){
		worker->done, what, range->region->base, range->first,
		range->n_pages, argument,
	};
}

/* The calls that led to a mismatch, then the mismatch. */
static void __attribute__((noreturn, format(__printf__, 2, 3)))
mismatch(struct worker *worker, const char *format, ...)
{
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (unsigned int i = 1; i <= N_LAST; i++) {
		struct step *step = &worker->last[(worker->done + i) % N_LAST];

		if (step->what)
			note("thread %u, step %llu: %s(%p, first %u, pages %u, "
			     "%#" DX ")", worker->number,
			     (unsigned long long)step->number, step->what,
			     step->base, (unsigned int)step->first,
			     (unsigned int)step->n_pages, step->argument);
	}
	give_up("thread %u, step %llu, %s: %s", worker->number,
		(unsigned long long)worker->done, step_of(worker)->what, text);
}

static void expect_error(struct worker *worker, DWORD got, DWORD expected)
{
	if (got != expected)
		mismatch(worker, "error %" DU ", expected %" DU, got, expected);
}

/* ---- Choosing ---- */

/* Small ones are many; the largest have more runs than one scan returns. */
static size_t any_size(struct worker *worker)
{
	static const uint16_t most[] = { 16, 16, 16, 16, 80, 80, 80, 400 };

	return 1 + below(worker, one_in(worker, 64) ? MOST_PAGES :
			 most[below(worker, 8)]);
}

static DWORD any_protection(struct worker *worker)
{
	static const unsigned char protections[] = {
		PAGE_READWRITE, PAGE_READWRITE, PAGE_READWRITE, PAGE_READWRITE,
		PAGE_EXECUTE_READWRITE, PAGE_READONLY, PAGE_EXECUTE,
		PAGE_EXECUTE_READ, PAGE_NOACCESS,
	};

	return protections[below(worker, sizeof(protections))];
}

/* Whole pages, or an uneven range that begins and ends inside of them. */
static struct range any_range(struct worker *worker, struct region *region)
{
	struct range range = {
		.region = region,
		.first = below(worker, region->n_pages),
	};
	size_t most = region->n_pages - range.first, skip, cut;

	range.n_pages = 1 + below(worker, one_in(worker, 4) ? most :
				  most < 8 ? most : 8);
	if (one_in(worker, 8)) {
		range.first = 0;
		range.n_pages = region->n_pages;
	}
	range.start = region->base + range.first * PAGE_BYTES;
	range.n_bytes = range.n_pages * PAGE_BYTES;
	if (one_in(worker, 4)) {
		skip = below(worker, PAGE_BYTES);
		cut = below(worker, PAGE_BYTES - (range.n_pages > 1 ? 0 : skip));
		range.start += skip;
		range.n_bytes -= skip + cut;
	}
	return range;
}

static struct page *page_of(const struct range *range, size_t i)
{
	return &range->region->pages[range->first + i];
}

static void widen(struct range *range)
{
	range->start = range->region->base + range->first * PAGE_BYTES;
	range->n_bytes = range->n_pages * PAGE_BYTES;
}

static bool all_are(const struct range *range, DWORD protections)
{
	for (size_t i = 0; i < range->n_pages; i++)
		if (!(page_of(range, i)->protection & protections))
			return false;
	return true;
}

/* ---- The calls, and what the model says of them ---- */

static void fill(struct page *pages, size_t n_pages, struct page value)
{
	for (size_t i = 0; i < n_pages; i++)
		pages[i] = value;
}

static void reserve(struct worker *worker, struct region *region)
{
	DWORD type = MEM_RESERVE | (one_in(worker, 2) ? MEM_COMMIT : 0) |
		     (one_in(worker, 16) ? 0 : MEM_WRITE_WATCH) |
		     (one_in(worker, 4) ? MEM_TOP_DOWN : 0);
	DWORD protection = any_protection(worker);
	struct range range = { .region = region, .n_pages = any_size(worker) };

	region->base = NULL;
	log_step(worker, "reserve", &range, type);
	region->base = VirtualAlloc(NULL, range.n_pages * PAGE_BYTES, type,
				    protection);
	if (!region->base || (uintptr_t)region->base % GRANULE_BYTES)
		mismatch(worker, "%p, error %" DU, region->base,
			 GetLastError());
	step_of(worker)->base = region->base;
	region->n_pages = range.n_pages;
	region->watched = type & MEM_WRITE_WATCH;
	fill(region->pages, range.n_pages, (struct page){
		.protection = type & MEM_COMMIT ? protection : 0,
		.is_known = true,
	});
}

static void commit(struct worker *worker, struct range *range)
{
	DWORD protection = any_protection(worker);
	char *expected = range->region->base + range->first * PAGE_BYTES;
	char *got;

	log_step(worker, "commit", range, protection);
	got = VirtualAlloc(range->start, range->n_bytes, MEM_COMMIT,
			   protection);
	if (got != expected)
		mismatch(worker, "%p, error %" DU ", expected %p", got,
			 GetLastError(), expected);
	for (size_t i = 0; i < range->n_pages; i++)
		page_of(range, i)->protection = protection;
}

static void decommit(struct worker *worker, struct range *range)
{
	bool whole = one_in(worker, 8);

	if (whole) {
		range->first = 0;
		range->n_pages = range->region->n_pages;
		range->start = range->region->base;
		range->n_bytes = 0;
	}
	log_step(worker, "decommit", range, 0);
	if (!VirtualFree(range->start, range->n_bytes, MEM_DECOMMIT))
		mismatch(worker, "error %" DU, GetLastError());
	for (size_t i = 0; i < range->n_pages; i++) {
		struct page *page = page_of(range, i);

		*page = (struct page){ 0, page->written, true, 0 };
	}
}

static void change_protection(struct worker *worker, struct range *range)
{
	DWORD protection = any_protection(worker), old = 0, error = 0;

	log_step(worker, "protect", range, protection);
	if (!VirtualProtect(range->start, range->n_bytes, protection, &old))
		error = GetLastError();
	expect_error(worker, error,
		     all_are(range, ~0u) ? 0 : ERROR_INVALID_ADDRESS);
	if (error)
		return;
	if (old != page_of(range, 0)->protection)
		mismatch(worker, "it was %#" DX ", expected %#x", old,
			 page_of(range, 0)->protection);
	for (size_t i = 0; i < range->n_pages; i++)
		page_of(range, i)->protection = protection;
}

/* The contents may be discarded. */
static void discard(struct worker *worker, struct range *range)
{
	DWORD error = 0;

	if (!range->region->watched || !all_are(range, ~0u))
		return;
	widen(range);
	log_step(worker, "MEM_RESET", range, 0);
	if (!VirtualAlloc(range->start, range->n_bytes, MEM_RESET,
			  PAGE_READWRITE))
		error = GetLastError();
	expect_error(worker, error, 0);
	for (size_t i = 0; i < range->n_pages; i++)
		page_of(range, i)->is_known = false;
}

static void give_back(struct worker *worker, struct range *range)
{
	range->first = 0;
	range->n_pages = range->region->n_pages;
	log_step(worker, "release", range, 0);
	if (!VirtualFree(range->region->base, 0, MEM_RELEASE))
		mismatch(worker, "error %" DU, GetLastError());
	range->region->base = NULL;
}

#ifdef _WIN32
#define give_back_part give_back
#else
static struct region *empty_region(struct worker *worker)
{
	for (int i = 0; i < N_REGIONS; i++)
		if (!worker->regions[i].base)
			return &worker->regions[i];
	return NULL;
}

/* What is left on either side is a reservation of its own. */
static void give_back_part(struct worker *worker, struct range *range)
{
	struct region *region = range->region, *rest = empty_region(worker);
	size_t end = range->first + range->n_pages;
	NTSTATUS status;
	PVOID base;
	SIZE_T size;

	if (!rest)
		return;
	widen(range);
	base = range->start;
	size = range->n_bytes;
	log_step(worker, "release part", range, 0);
	status = NtFreeVirtualMemory(GetCurrentProcess(), &base, &size,
				     MEM_RELEASE);
	if (status)
		mismatch(worker, "status %#x", (unsigned int)status);
	if (end < region->n_pages) {
		rest->base = region->base + end * PAGE_BYTES;
		rest->n_pages = region->n_pages - end;
		rest->watched = region->watched;
		memcpy(rest->pages, region->pages + end,
		       rest->n_pages * sizeof(*rest->pages));
	}
	region->n_pages = range->first;
	if (!range->first)
		region->base = NULL;
}
#endif

static void free_some(struct worker *worker, struct range *range)
{
	if (!one_in(worker, 3))
		give_back_part(worker, range);
	else
		give_back(worker, range);
}

/* ---- Writing ---- */

static void check_contents(struct worker *worker, const struct range *range,
			   size_t i)
{
	struct page *page = page_of(range, i);
	unsigned char got;

	if (!page->is_known || !(page->protection & READABLE))
		return;
	got = *(volatile unsigned char *)(range->region->base +
					  (range->first + i) * PAGE_BYTES);
	if (got != page->value)
		mismatch(worker, "page %u holds %u, expected %u",
			 (unsigned int)(range->first + i), got, page->value);
}

static void write_page(struct worker *worker, const struct range *range,
		       size_t i)
{
	struct page *page = page_of(range, i);
	char *byte = range->region->base + (range->first + i) * PAGE_BYTES;
	bool can = page->protection & WRITABLE;

	/* a fault is slow */
	if (!can && !one_in(worker, 32))
		return;
	check_contents(worker, range, i);
	if (!!try_write(byte) != can)
		mismatch(worker, "a write to page %u %s",
			 (unsigned int)(range->first + i),
			 can ? "failed" : "succeeded");
	if (!can)
		return;
	page->written = true;
	page->value++;
}

static void write_pages(struct worker *worker, struct range *range)
{
	size_t most = 1 + below(worker, 16);

	log_step(worker, "write", range, 0);
	if (one_in(worker, 2))
		for (size_t i = 0; i < range->n_pages && i < most; i++)
			write_page(worker, range, i);
	else
		for (size_t i = 0; i < most; i++)
			write_page(worker, range,
				   below(worker, range->n_pages));
}

#ifdef _WIN32
static bool store_at_once(void *to, const void *from, size_t n_bytes)
{
	SIZE_T n = 0;

	return WriteProcessMemory(GetCurrentProcess(), to, from, n_bytes, &n) &&
	       n == n_bytes;
}

static bool store_through_pipe(void *to, const void *from, size_t n_bytes)
{
	HANDLE reader, writer;
	DWORD n = 0;
	bool ok;

	if (!CreatePipe(&reader, &writer, NULL, MOST_STORED))
		return false;
	ok = WriteFile(writer, from, n_bytes, &n, NULL) &&
	     ReadFile(reader, to, n_bytes, &n, NULL) && n == n_bytes;
	CloseHandle(reader);
	CloseHandle(writer);
	return ok;
}
#else
static bool store_at_once(void *to, const void *from, size_t n_bytes)
{
	struct iovec source = { (void *)from, n_bytes };
	struct iovec destination = { to, n_bytes };

	return process_vm_writev(getpid(), &source, 1, &destination, 1, 0) ==
	       (ssize_t)n_bytes;
}

static bool store_through_pipe(void *to, const void *from, size_t n_bytes)
{
	int ends[2];
	bool ok;

	if (pipe(ends))
		return false;
	ok = write(ends[1], from, n_bytes) == (ssize_t)n_bytes &&
	     read(ends[0], to, n_bytes) == (ssize_t)n_bytes;
	close(ends[0]);
	close(ends[1]);
	return ok;
}
#endif

static void write_by_system(struct worker *worker, struct range *range)
{
	unsigned char value = below(worker, 256);
	bool ok;

	/* mprotect's armed pages cannot be written so */
	if (range->n_bytes > MOST_STORED || !all_are(range, WRITABLE) ||
	    backend_is("mprotect"))
		return;
	log_step(worker, "write by the system", range, value);
	memset(worker->stored, value, range->n_bytes);
	if (value % 2)
		ok = store_at_once(range->start, worker->stored,
				   range->n_bytes);
	else
		ok = store_through_pipe(range->start, worker->stored,
					range->n_bytes);
	if (!ok)
		mismatch(worker, "error %" DU, GetLastError());
	for (size_t i = 0; i < range->n_pages; i++) {
		struct page *page = page_of(range, i);

		page->written = true;
		/* else it begins behind the first byte */
		if (i || (uintptr_t)range->start % PAGE_BYTES == 0) {
			page->value = value;
			page->is_known = true;
		}
	}
}

/* ---- Queries ---- */

static void reset(struct worker *worker, struct range *range)
{
	log_step(worker, "ResetWriteWatch", range, 0);
	expect_error(worker, reset_error(range->start, range->n_bytes),
		     range->region->watched ? 0 : ERROR_INVALID_PARAMETER);
	if (range->region->watched)
		for (size_t i = 0; i < range->n_pages; i++)
			page_of(range, i)->written = false;
}

static size_t count_written(const struct range *range)
{
	size_t n = 0;

	for (size_t i = 0; i < range->n_pages; i++)
		n += page_of(range, i)->written;
	return n;
}

/* Too little, just enough, one more, plenty, or more than memory holds. */
static ULONG_PTR any_capacity(struct worker *worker, const struct range *range)
{
	switch (below(worker, 8)) {
	case 0:
		return 1;
	case 1:
		return 1 + below(worker, range->n_pages);
	case 2:
		return count_written(range) ?: 1;
	case 3:
		return count_written(range) + 1;
	case 4:
		return (ULONG_PTR)1 << 28;
	default:
		return MOST_PAGES;
	}
}

static void check_answer(struct worker *worker, const struct range *range,
			 DWORD flags, ULONG_PTR capacity, ULONG_PTR count)
{
	ULONG_PTR n = 0;

	for (size_t i = 0; i < range->n_pages && n < capacity; i++) {
		struct page *page = page_of(range, i);
		char *address = range->region->base +
				(range->first + i) * PAGE_BYTES;
		bool told = n < count && worker->addresses[n] == address;

		if (told != page->written)
			mismatch(worker, "page %u is %sreported; answer %u of "
				 "%u is %p, room for %u",
				 (unsigned int)(range->first + i),
				 told ? "" : "not ", (unsigned int)n,
				 (unsigned int)count,
				 n < count ? worker->addresses[n] : NULL,
				 (unsigned int)capacity);
		n += told;
		if (told && (flags & RESET))
			page->written = false;
	}
	if (n != count)
		mismatch(worker, "%u pages, expected %u", (unsigned int)count,
			 (unsigned int)n);
}

static void get(struct worker *worker, struct range *range)
{
	DWORD flags = one_in(worker, 2) ? RESET : 0, granularity = 0, error;
	ULONG_PTR capacity = any_capacity(worker, range), count = capacity;
	size_t room = capacity < MOST_PAGES ? capacity : MOST_PAGES;

	log_step(worker, flags ? "GetWriteWatch, reset" : "GetWriteWatch",
		 range, capacity);
	worker->addresses[room] = worker;
	error = get_error(flags, range->start, range->n_bytes,
			  worker->addresses, &count, &granularity);
	expect_error(worker, error,
		     range->region->watched ? 0 : ERROR_INVALID_PARAMETER);
	if (error)
		return;
	if (granularity != PAGE_BYTES)
		mismatch(worker, "granularity %" DU, granularity);
	if (worker->addresses[room] != worker)
		mismatch(worker, "stored more than the array can hold");
	check_answer(worker, range, flags, capacity, count);
}

/* Each with one thing wrong; nothing may change. */
static void get_badly(struct worker *worker, struct range *range)
{
	ULONG_PTR count = 7, *count_at = &count;
	DWORD granularity = 7, *granularity_at = &granularity, flags = RESET;
	DWORD expected = ERROR_INVALID_PARAMETER;
	void **addresses = worker->addresses;
	size_t n_bytes = range->n_bytes;
	uint32_t what = below(worker, 7);

	switch (what) {
	case 0:
		n_bytes = 0;
		break;
	case 1:
		flags = RESET | 2;
		break;
	case 2:
		count = 0;
		break;
	case 3:
		n_bytes = range->region->base - range->start + 1 +
			  range->region->n_pages * PAGE_BYTES;
		break;
	case 4:
		count_at = NULL;
		break;
	case 5:
		granularity_at = NULL;
		break;
	default:
		addresses = NULL;
	}
	if (what >= 4)
		expected = ERROR_NOACCESS;
	log_step(worker, "GetWriteWatch, wrong", range, what);
	expect_error(worker, get_error(flags, range->start, n_bytes, addresses,
				       count_at, granularity_at), expected);
	if (count != (what == 2 ? 0 : 7) || granularity != 7)
		mismatch(worker, "the outputs changed");
}

/* ---- Steps ---- */

static void step(struct worker *worker)
{
	struct region *region = &worker->regions[below(worker, N_REGIONS)];
	uint32_t what = below(worker, 128);
	struct range range;

	step_of(worker)->what = NULL;
	if (!region->base) {
		reserve(worker, region);
		return;
	}
	range = any_range(worker, region);
	if (what < 44)
		write_pages(worker, &range);
	else if (what < 92)
		get(worker, &range);
	else if (what < 99)
		reset(worker, &range);
	else if (what < 107)
		commit(worker, &range);
	else if (what < 112)
		decommit(worker, &range);
	else if (what < 119)
		change_protection(worker, &range);
	else if (what < 121)
		write_by_system(worker, &range);
	else if (what < 123)
		discard(worker, &range);
	else if (what < 126)
		get_badly(worker, &range);
	else
		free_some(worker, &range);
}

static void work(void *argument)
{
	struct worker *worker = argument;

	while (worker->done < worker->n_steps) {
		step(worker);
		__atomic_store_n(&worker->done, worker->done + 1,
				 __ATOMIC_RELAXED);
	}
}

/* For as long as it takes, but it must go on. */
static void finish(HANDLE thread, struct worker *worker)
{
	uint64_t start = now_us(), last = 0, done;

	while ((done = __atomic_load_n(&worker->done, __ATOMIC_RELAXED)) <
	       worker->n_steps) {
		if (done != last)
			start = now_us();
		last = done;
		wait_a_turn(start, "the next step of a thread");
	}
	join_thread(thread);
}

static void exact(void)
{
	static struct worker workers[N_MODEL_THREADS];
	uint64_t n_steps = row_steps(50000), random = row_seed();
	HANDLE threads[N_MODEL_THREADS];

	if (backend_is("softdirty"))
		skip_row("softdirty reports too much where threads fault");
	for (unsigned int i = 0; i < N_MODEL_THREADS; i++) {
		workers[i].number = i;
		workers[i].random = random + i;
		workers[i].n_steps = n_steps / N_MODEL_THREADS;
		if (i)
			threads[i] = start_thread(work, &workers[i]);
	}
	work(&workers[0]);
	for (unsigned int i = 1; i < N_MODEL_THREADS; i++)
		finish(threads[i], &workers[i]);
}

const struct row model_rows[] = {
	{ "model-exact", "INF", exact, 300, 0,
	  "random calls of threads with memory of their own are exact" },
	{ "model-shared", "INF", model_shared, 300, 0,
	  "random calls of threads on the same memory lose nothing" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Swapping: written pages stay written and clean ones clean, on their way out,
 * while they are out and when they come back, with every backend there is.
 */
#include "memory.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT			/* 5.4 */
#define MADV_PAGEOUT 21
#endif

/* An eighth is zero pages, which are never swapped out. */
enum {
	N_PAGES = 512, N_DATA = N_PAGES / 8 * 7,
	MOST_TRIES = 20, N_ROUNDS = 100
};

#define ENTRY_SWAPPED (UINT64_C(1) << 62)

static struct ww_tracker tracker;
static const char *name;		/* of the backend */

static char *page_at(char *memory, size_t page)
{
	return memory + page * ww_page_size();
}

static void write_page(char *memory, size_t page)
{
	++*(volatile char *)page_at(memory, page);
}

static char read_page(char *memory, size_t page)
{
	return *(volatile char *)page_at(memory, page);
}

static size_t n_swapped(const char *memory)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entries[N_PAGES];
	off_t offset = (off_t)((uintptr_t)memory / ww_page_size() *
			       sizeof(entries[0]));
	size_t n = 0;

	if (pread(pagemap, entries, sizeof(entries), offset) != sizeof(entries))
		bail_out("/proc/self/pagemap");
	close(pagemap);
	for (size_t i = 0; i < N_PAGES; i++)
		n += (entries[i] & ENTRY_SWAPPED) != 0;
	return n;
}

/* Pages that somebody else holds for a moment stay; markers read as swapped. */
static size_t swap_out(char *memory)
{
	size_t n = 0;

	for (int i = 0; i < MOST_TRIES && n < N_DATA; i++) {
		madvise(memory, N_PAGES * ww_page_size(), MADV_PAGEOUT);
		n = n_swapped(memory);
	}
	return n;
}

/* With contents that are no zeroes and not alike, which could be left out. */
static void fill(char *memory)
{
	for (size_t page = 0; page < N_DATA; page++)
		for (size_t i = 0; i < ww_page_size(); i += sizeof(size_t))
			*(size_t *)(page_at(memory, page) + i) =
				(page + 1) * (i + 1) * 2654435761u;
}

static void need_swap(void)
{
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);

	fill(memory);
	if (!swap_out(memory))
		skip_all("this machine swaps nothing out");
	unmap_pages(memory, N_PAGES);
}

static char *watched(void)
{
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	size_t n_bytes = N_PAGES * ww_page_size();

	if (tracker.backend->watch(&tracker, (uintptr_t)memory, n_bytes) ||
	    tracker.backend->arm(&tracker, (uintptr_t)memory, n_bytes))
		bail_out("watching memory");
	return memory;
}

static void done_with(char *memory)
{
	tracker.backend->unwatch(&tracker, (uintptr_t)memory,
				 N_PAGES * ww_page_size());
	unmap_pages(memory, N_PAGES);
}

static int scan(char *memory, unsigned flags, bool *found)
{
	struct ww_run runs[N_PAGES];
	struct ww_scan scan = {
		.start = (uintptr_t)memory, .n_bytes = N_PAGES * ww_page_size(),
		.flags = flags, .max_pages = N_PAGES, .runs = runs,
		.max_runs = N_PAGES,
	};

	memset(found, 0, N_PAGES);
	if (tracker.backend->scan(&tracker, &scan))
		bail_out("scanning");
	for (size_t i = 0; i < scan.n_runs; i++)
		for (uint64_t at = runs[i].start; at < runs[i].end;
		     at += ww_page_size())
			found[(at - (uintptr_t)memory) / ww_page_size()] = true;
	return (int)scan.n_pages;
}

/* A row: exactly every `stride`th page of the data is written; none with 0. */
static void is_written_every(char *memory, unsigned flags, size_t stride,
			     const char *what)
{
	bool found[N_PAGES];
	int n = scan(memory, flags, found);
	size_t n_wrong = 0;

	for (size_t i = 0; i < N_PAGES; i++)
		n_wrong += found[i] != (stride && i < N_DATA && !(i % stride));
	if (!ok(!n_wrong, "%s: %s", name, what))
		diag("%d pages, %zu of them or others wrong", n, n_wrong);
}

static void write_every(char *memory, size_t stride)
{
	for (size_t i = 0; i < N_DATA; i += stride)
		write_page(memory, i);
}

static void go_out(char *memory, const char *what)
{
	size_t n = swap_out(memory);

	if (!ok(n >= N_DATA, "%s: %s", name, what))
		diag("%zu pages of %d are swapped out", n, N_DATA);
}

static void out_and_in(void)
{
	char *memory = watched();
	size_t sum = 0;

	fill(memory);
	for (size_t page = N_DATA; page < N_PAGES; page++)
		(void)read_page(memory, page);
	is_written_every(memory, WW_SCAN_RESET, 1, "all is written");
	write_every(memory, 3);
	go_out(memory, "all goes out, a third written");
	is_written_every(memory, 0, 3, "which is so outside");
	for (size_t page = 0; page < N_PAGES; page++)
		sum += read_page(memory, page) == (char)((page + 1) *
				2654435761u + !(page % 3));
	is_written_every(memory, WW_SCAN_RESET, 3, "and when it was read again");
	ok(sum >= N_DATA, "%s: with its contents", name);
	go_out(memory, "all goes out clean");
	is_written_every(memory, 0, 0, "which it is outside");
	write_every(memory, 5);
	is_written_every(memory, 0, 5, "some is written there");
	go_out(memory, "it goes out once more");
	is_written_every(memory, WW_SCAN_RESET, 5, "and is reset there");
	is_written_every(memory, 0, 0, "so that it is clean");
	for (size_t page = 0; page < N_PAGES; page++)
		(void)read_page(memory, page);
	is_written_every(memory, 0, 0, "also when it was read again");
	write_every(memory, 7);
	is_written_every(memory, 0, 7, "and watched");
	done_with(memory);
}

static void reset_outside(void)
{
	char *memory = watched();

	fill(memory);
	go_out(memory, "written, and out");
	if (tracker.backend->reset(&tracker, (uintptr_t)memory,
				   N_PAGES * ww_page_size()))
		bail_out("resetting");
	is_written_every(memory, 0, 0, "a reset of what is outside");
	write_every(memory, 2);
	is_written_every(memory, 0, 2, "and then writes");
	done_with(memory);
}

/* Memory that others wrote before it was armed, of which mprotect knows
 * nothing. A huge page would be there as a whole. */
static void arm_outside(void)
{
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);

	madvise(memory, N_PAGES * ww_page_size(), MADV_NOHUGEPAGE);
	fill(memory);
	if (tracker.backend->watch(&tracker, (uintptr_t)memory,
				   N_PAGES * ww_page_size()))
		bail_out("watching memory");
	go_out(memory, "not armed, and out");
	is_written_every(memory, WW_SCAN_UNARMED, 1, "it counts as written");
	is_written_every(memory, WW_SCAN_ARM, 1,
			 "so it does to who arms it");
	is_written_every(memory, 0, 0, "clean then");
	write_every(memory, 2);
	is_written_every(memory, 0, 2, "and watched");
	done_with(memory);
}

/* A writer raises pages whose last value was reported and copied: one that is
 * lost stays so. Pages go out all the while, by another thread. */
static char *raced;
static _Atomic char values[N_PAGES];
static atomic_bool ends;

static void *raise_some(void *argument)
{
	unsigned state = *(unsigned *)argument;

	while (!ends) {
		size_t page = (size_t)rand_r(&state) % N_PAGES;

		if (values[page] == read_page(raced, page))
			write_page(raced, page);
	}
	return argument;
}

static void *push_out(void *argument)
{
	while (!ends)
		madvise(raced, N_PAGES * ww_page_size(), MADV_PAGEOUT);
	return argument;
}

static size_t take_raced(void)
{
	bool found[N_PAGES];
	int n = scan(raced, WW_SCAN_RESET, found);

	for (size_t page = 0; page < N_PAGES; page++)
		if (found[page])
			values[page] = read_page(raced, page);
	return (size_t)n;
}

static void race(void)
{
	unsigned seed = (unsigned)time(NULL);
	size_t n_reported = 0, n_lost = 0;
	pthread_t writer, pusher;

	diag("seed %u", seed);
	memset((void *)values, 0, sizeof(values));
	raced = watched();
	ends = false;
	pthread_create(&writer, NULL, raise_some, &seed);
	pthread_create(&pusher, NULL, push_out, NULL);
	for (int i = 0; i < N_ROUNDS; i++) {
		n_reported += take_raced();
		usleep(1000);
	}
	ends = true;
	pthread_join(writer, NULL);
	pthread_join(pusher, NULL);
	take_raced();
	for (size_t page = 0; page < N_PAGES; page++)
		n_lost += values[page] != read_page(raced, page);
	ok(n_reported && !n_lost, "%s: no write is lost to swapping", name);
	diag("%zu pages reported, %zu lost", n_reported, n_lost);
	done_with(raced);
}

static void with_backend(const struct ww_backend *backend)
{
	int ret = ww_tracker_open_backend(&tracker, &ww_linux, backend->name);

	name = backend->name;
	if (ret == -ENOTRECOVERABLE) {
		ok(false, "%s: its self-test", name);
		return;
	}
	if (ret) {
		skip(name, strerror(-ret));
		return;
	}
	out_and_in();
	reset_outside();
	if (backend != &ww_backend_mprotect)
		arm_outside();
	race();
	ww_tracker_close(&tracker);
}

int main(void)
{
	alarm(280);
	need_swap();
	for (size_t i = 0; ww_backends[i]; i++)
		with_backend(ww_backends[i]);
	return done_testing();
}

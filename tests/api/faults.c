/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A query whose array cannot be written, left by siglongjmp() from the SIGSEGV
 * handler: nothing is lost, for whoever asks next.
 */
#include "pages.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { N_PAGES = 64, MANY = 3000, N_ROUNDS = 200 };

static struct ww *ww;
static __thread sigjmp_buf unwound;

static void on_fault(int signal)
{
	siglongjmp(unwound, signal);
}

/* An array of which only `n_bytes` can be written. */
static void *bad_array(size_t n_bytes)
{
	static char *pages;
	size_t usable = 16 * page_size();

	if (!pages) {
		pages = map_pages(32, PROT_READ | PROT_WRITE);
		mprotect(pages + usable, usable, PROT_NONE);
	}
	return pages + usable - n_bytes;
}

static bool get_faults(char *memory, size_t n_pages, size_t n_bytes)
{
	if (sigsetjmp(unwound, 1))
		return true;
	ww_get(ww, memory, n_pages * page_size(), WW_GET_RESET,
	       bad_array(n_bytes), n_pages);
	return false;
}

static bool get_runs_faults(char *memory, size_t n_pages, size_t n_bytes)
{
	if (sigsetjmp(unwound, 1))
		return true;
	ww_get_runs(ww, memory, n_pages * page_size(), WW_GET_RESET,
		    bad_array(n_bytes), n_pages);
	return false;
}

static void write_some(char *memory)
{
	write_page(memory, 1);
	write_page(memory, 2);
	write_page(memory, 7);
	write_page(memory, 63);
}

static void same_thread(char *memory)
{
	static const size_t usable[] = { 0, 8, 16, 24 };

	for (size_t i = 0; i < sizeof(usable) / sizeof(usable[0]); i++) {
		write_some(memory);
		ok(get_faults(memory, N_PAGES, usable[i]),
		   "ww_get with %zu bytes to write to", usable[i]);
		is_written(ww, memory, N_PAGES, "1-2,7,63", "nothing is lost");
		ok(get_runs_faults(memory, N_PAGES, usable[i]),
		   "ww_get_runs with %zu", usable[i]);
		is_written(ww, memory, N_PAGES, "1-2,7,63", "nothing is lost");
		ww_reset(ww, memory, N_PAGES * page_size());
		is_written(ww, memory, N_PAGES, "", "and it can be reset");
	}
}

static void *fault_and_end(void *memory)
{
	return get_faults(memory, N_PAGES, 8) ? memory : NULL;
}

static void other_thread(char *memory)
{
	pthread_t thread;
	void *faulted;

	write_some(memory);
	pthread_create(&thread, NULL, fault_and_end, memory);
	pthread_join(thread, &faulted);
	ok(faulted, "a thread faults and ends");
	is_written(ww, memory, N_PAGES, "1-2,7,63", "another finds its pages");
	ww_reset(ww, memory, N_PAGES * page_size());
}

/* The memory is gone before anyone asks again. */
static void unwatched(void)
{
	char *memory = watched_pages(ww, N_PAGES);

	write_some(memory);
	ok(get_faults(memory, N_PAGES, 8), "a fault, then unwatched");
	ww_unwatch(ww, memory, N_PAGES * page_size());
	is_answer(ww_watch(ww, memory, N_PAGES * page_size()), 0,
		  "and watched again");
	write_page(memory, 8);
	ok(!get_faults(memory + 8 * page_size(), 1, 8), "it can be asked");
	ww_unwatch(ww, memory, N_PAGES * page_size());
	unmap_pages(memory, N_PAGES);
}

/* A tracker that is closed with a query left behind in it. */
static void closed(void)
{
	struct ww *kept = ww;
	char *memory;

	ww = open_or_skip();
	memory = watched_pages(ww, N_PAGES);
	write_some(memory);
	ok(get_faults(memory, N_PAGES, 8), "a fault, then closed");
	ww_close(ww);
	unmap_pages(memory, N_PAGES);
	ww = kept;
}

static void many(void)
{
	char *memory = watched_pages(ww, MANY);
	void **addresses = calloc(MANY, sizeof(*addresses));
	size_t n_lost = 0;
	unsigned int seed = 1;

	for (size_t round = 0; round < N_ROUNDS; round++) {
		size_t n_written = 0;

		for (size_t page = round % 2; page < MANY; page += 2, n_written++)
			write_page(memory, page);
		get_faults(memory, MANY, (size_t)rand_r(&seed) % 12000 & ~7ul);
		n_lost += ww_get(ww, memory, MANY * page_size(), WW_GET_RESET,
				 addresses, MANY) < (ssize_t)n_written;
	}
	ok(!n_lost, "%d times in a query of many pages", N_ROUNDS);
	ww_unwatch(ww, memory, MANY * page_size());
	unmap_pages(memory, MANY);
	free(addresses);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	char *memory;

	sigaction(SIGSEGV, &action, NULL);
	ww = open_or_skip();
	memory = watched_pages(ww, N_PAGES);
	same_thread(memory);
	other_thread(memory);
	unwatched();
	closed();
	is_written(ww, memory, N_PAGES, "", "the other tracker goes on");
	many();
	ww_close(ww);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trackers as such: several at once, what opening and closing leaves behind,
 * what the library says of itself and the machine, and that errno is never
 * touched.
 */
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The first features are what uffd needs. */
enum { N_PAGES = 16, N_OPENINGS = 1000, MAX_FEATURES = 32, N_OF_UFFD = 5 };

static bool uses(const char *backend)
{
	return !strcmp(ww_backend_name(), backend);
}


/* ---- Several ---- */

static void two_ranges(void)
{
	struct ww *one = open_or_skip(), *other = open_or_skip();
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	size_t size = page_size();
	void *addresses[1];

	is_answer(ww_watch(one, memory, 8 * size), 0, "one has one half");
	is_answer(ww_watch(other, memory + 8 * size, 8 * size), 0,
		  "the other has the other");
	write_page(memory, 2);
	write_page(memory, 8);
	write_page(memory, 15);
	is_written(one, memory, 8, "2", "each sees its own");
	is_written(other, memory + 8 * size, 8, "0,7", "each sees its own");
	is_answer(ww_get(one, memory + 8 * size, 1, 0, addresses, 1), -ENOENT,
		  "and nothing of the other's");
	is_answer(ww_get(one, memory, 9 * size, 0, addresses, 1), -ERANGE,
		  "a query across both");
	ww_reset(one, memory, 8 * size);
	is_written(other, memory + 8 * size, 8, "0,7", "each resets its own");
	is_answer(ww_watch(one, memory + 8 * size, size), -EBUSY,
		  "watched by the other");
	is_answer(ww_watch(other, memory, size), -EBUSY, "watched by the one");
	is_answer(ww_watch(one, memory + 7 * size, 2 * size), -EEXIST,
		  "watched half by itself, half by the other");
	is_answer(ww_unwatch(one, memory + 8 * size, 8 * size), 0,
		  "what the other watches is ignored");
	is_written(other, memory + 8 * size, 8, "0,7", "it stays watched");
	ww_close(other);
	is_answer(ww_watch(one, memory + 8 * size, 8 * size), 0,
		  "free when the other is closed");
	is_written(one, memory + 8 * size, 8, "", "and clean");
	write_page(memory, 9);
	is_written(one, memory + 8 * size, 8, "1", "and exact");
	ww_close(one);
	unmap_pages(memory, N_PAGES);
}

/* A range that is free, then busy: nothing of the free part may stay. */
static void busy(void)
{
	struct ww *one = open_or_skip(), *other = open_or_skip();
	struct ww *third = open_or_skip();
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	size_t size = page_size();

	ww_watch(one, memory + 8 * size, 4 * size);
	write_page(memory, 9);
	is_answer(ww_watch(other, memory, N_PAGES * size), -EBUSY,
		  "some of it is another tracker's");
	is_answer(ww_watch(third, memory, 8 * size), 0, "the part before is free");
	is_answer(ww_watch(third, memory + 12 * size, 4 * size), 0,
		  "the part behind is free");
	is_written(one, memory + 8 * size, 4, "1", "its owner has not noticed");
	ww_close(one);
	ww_close(other);
	ww_close(third);
	unmap_pages(memory, N_PAGES);
}

/* ---- Opening and closing ---- */

/* The descriptors that are open, and those of them that an exec closes. */
static size_t n_descriptors(size_t *n_closing)
{
	size_t n = 0;

	*n_closing = 0;
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0;
		*n_closing += flags >= 0 && (flags & FD_CLOEXEC);
	}
	return n;
}

static size_t n_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	if (!maps)
		bail_out("reading /proc/self/maps");
	while ((c = getc(maps)) != EOF)
		n += c == '\n';
	fclose(maps);
	return n;
}

static void descriptors(void)
{
	size_t closing, closing_before, before = n_descriptors(&closing_before);
	size_t n = uses("uffd") ? 3 : uses("softdirty") ? 2 : 0;
	struct ww *ww = open_or_skip();

	ok(n_descriptors(&closing) == before + n, "%zu descriptors", n);
	ok(closing == closing_before + n, "all are closed by an exec");
	ww_close(ww);
	ok(n_descriptors(&closing) == before, "all are closed with the tracker");
}

static bool open_use_close(char *memory, unsigned int seed)
{
	struct ww *ww;
	void *addresses[N_PAGES];
	size_t n_bytes = N_PAGES * page_size();
	bool passed;

	if (ww_open(&ww, NULL))
		return false;
	if (seed % 3 == 0) {
		ww_close(ww);
		return true;
	}
	passed = !ww_watch(ww, memory, n_bytes);
	write_page(memory, seed % N_PAGES);
	passed &= ww_get(ww, memory, n_bytes, WW_GET_RESET, addresses,
			 N_PAGES) == 1;
	if (seed % 3 == 1)
		passed &= !ww_mark(ww, memory, n_bytes) &&
			  !ww_unwatch(ww, memory + page_size(), 2 * page_size());
	ww_close(ww);
	return passed;
}

static void many_openings(void)
{
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	size_t descriptors, mappings, n_good = 0, closing;

	/* the first query of a thread and the first use of stdio stay */
	open_use_close(memory, 1);
	n_mappings();
	descriptors = n_descriptors(&closing);
	mappings = n_mappings();
	for (unsigned int i = 0; i < N_OPENINGS; i++)
		n_good += open_use_close(memory, i);
	ok(n_good == N_OPENINGS, "%d trackers opened, used and closed",
	   N_OPENINGS);
	ok(n_descriptors(&closing) == descriptors, "no descriptor is left");
	ok(n_mappings() <= mappings, "no mapping is left");
	diag("%zu mappings before, %zu after", mappings, n_mappings());
	unmap_pages(memory, N_PAGES);
}

static void closed_with_all(void)
{
	struct ww *ww = open_or_skip();
	char *memory = watched_pages(ww, N_PAGES);

	write_page(memory, 1);
	ww_close(ww);
	ok(memory[page_size()] == 1, "memory outlives its tracker");
	write_page(memory, 1);
	ww = open_or_skip();
	is_answer(ww_watch(ww, memory, N_PAGES * page_size()), 0,
		  "and can be watched again");
	is_written(ww, memory, N_PAGES, "", "as not written");
	ww_close(ww);
	ww_close(NULL);
	ok(true, "closing nothing is ignored");
	unmap_pages(memory, N_PAGES);
}

/* ---- What the library says ---- */

static void names(void)
{
	struct ww *ww = open_or_skip();
	int n = 0, end = 0;

	ok(uses("uffd") || uses("softdirty") || uses("mprotect"),
	   "the backend that would be used");
	ok(uses(ww_backend(ww)), "is in use");
	ok(sscanf(ww_version(), "%*d.%*d.%d%n", &n, &end) == 1 &&
	   !ww_version()[end], "the version is three numbers");
	ww_close(ww);
}

static void features(void)
{
	struct ww_feature all[MAX_FEATURES], some[2];
	size_t closing, before = n_descriptors(&closing);
	int n = ww_probe(NULL, 0), n_wrong = 0;

	ok(n > 2 && n < MAX_FEATURES, "there are %d features", n);
	is_answer(ww_probe(all, MAX_FEATURES), n, "with room for more");
	for (int i = 0; i < n; i++) {
		if (uses("uffd") && i < N_OF_UFFD)
			n_wrong += all[i].state != WW_SUPPORTED || all[i].error ||
				   !*all[i].name || !*all[i].reason ||
				   *all[i].remedy;
		for (const char *c = all[i].name; *c; c++)
			n_wrong += !strchr("abcdefghijklmnopqrstuvwxyz0123456789-",
					   *c);
	}
	ok(!n_wrong, "all that uffd needs is supported, where that is what opens");
	memset(some, 0x5a, sizeof(some));
	is_answer(ww_probe(some, 1), n, "with room for one");
	ok(!strcmp(some[0].name, all[0].name), "in the same order");
	ok((uintptr_t)some[1].name == (uintptr_t)0x5a5a5a5a5a5a5a5aULL,
	   "and no more");
	ok(n_descriptors(&closing) == before, "no descriptor is left");
}

/* Without descriptors nothing can be told, and that is what it says. */
static void features_refused(void)
{
	struct rlimit limit, none = { 0 };
	struct ww_feature all[MAX_FEATURES];
	int n, n_said = 0;
	const char *name;

	getrlimit(RLIMIT_NOFILE, &limit);
	none.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	n = ww_probe(all, MAX_FEATURES);
	name = ww_backend_name();
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < n; i++)
		n_said += all[i].state == WW_UNKNOWN && all[i].error &&
			  *all[i].reason && *all[i].remedy;
	ok(n_said == n - 1, "no descriptors: nothing is known, with a remedy "
	   "each, but of mprotect");
	if (uses("mprotect"))
		skip("no backend would be used", "mprotect needs no descriptors");
	else
		ok(!strcmp(name, "none"), "no backend would be used");
}

/* ---- errno ---- */

static size_t n_touched;

/* errno before and after a call, whatever its answer. */
static void keeps_errno(const char *name)
{
	if (errno == 4711)
		return;
	n_touched++;
	diag("errno is %d after %s", errno, name);
	errno = 4711;
}

#define QUIETLY(call) do { (void)(call); keeps_errno(#call); } while (0)

static void untouched_errno(void)
{
	struct ww_open_options unknown = { sizeof(unknown), "none", NULL };
	size_t size = page_size(), n_bytes = N_PAGES * size;
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	struct rlimit limit, none = { 0 };
	struct ww_range runs[N_PAGES];
	void *addresses[N_PAGES];
	struct ww *ww, *other = open_or_skip();

	getrlimit(RLIMIT_NOFILE, &limit);
	none.rlim_max = limit.rlim_max;
	errno = 4711;
	QUIETLY(ww_open(&ww, &unknown));
	setrlimit(RLIMIT_NOFILE, &none);
	QUIETLY(ww_open(&ww, NULL));
	QUIETLY(ww_probe(NULL, 0));
	QUIETLY(ww_backend_name());
	QUIETLY(ww_watch(other, memory, n_bytes));
	setrlimit(RLIMIT_NOFILE, &limit);
	QUIETLY(ww_open(&ww, NULL));
	QUIETLY(ww_backend(ww));
	QUIETLY(ww_version());
	QUIETLY(ww_probe(NULL, 0));
	QUIETLY(ww_backend_name());
	QUIETLY(ww_watch(ww, memory, 1));
	QUIETLY(ww_watch(ww, memory, (size_t)1 << 46));
	QUIETLY(ww_watch(ww, memory, n_bytes));
	QUIETLY(ww_watch(ww, memory, n_bytes));
	QUIETLY(ww_watch(other, memory, n_bytes));
	write_page(memory, 3);
	QUIETLY(ww_get(ww, memory, n_bytes, 0, addresses, N_PAGES));
	QUIETLY(ww_get(ww, memory, n_bytes, 1, addresses, N_PAGES));
	QUIETLY(ww_get(ww, memory, n_bytes, 2, addresses, N_PAGES));
	QUIETLY(ww_get(ww, memory, n_bytes + 1, 0, addresses, N_PAGES));
	QUIETLY(ww_get_runs(ww, memory, n_bytes, 1, runs, N_PAGES));
	QUIETLY(ww_mark(ww, memory, n_bytes));
	QUIETLY(ww_reset(ww, memory, n_bytes));
	QUIETLY(ww_reset(ww, memory, 0));
	munmap(memory, 4 * size);
	errno = 4711;
	QUIETLY(ww_get(ww, memory, n_bytes, 1, addresses, N_PAGES));
	QUIETLY(ww_unwatch(ww, memory, n_bytes));
	QUIETLY(ww_unwatch(ww, memory, 1));
	ww_close(ww);
	keeps_errno("ww_close");
	ok(!n_touched, "errno is never touched");
	ww_close(other);
	munmap(memory + 4 * size, n_bytes - 4 * size);
}

int main(void)
{
	ww_close(open_or_skip());
	two_ranges();
	busy();
	descriptors();
	many_openings();
	closed_with_all();
	names();
	features();
	features_refused();
	untouched_errno();
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trackers across fork(): the child reports everything once and is exact from
 * then on, whichever call it makes first; and nothing it does reaches its
 * parent.
 */
#include "pages.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_PAGES = 600 };

static struct ww *ww;
static char *memory;

static size_t all_bytes(void)
{
	return N_PAGES * page_size();
}

/* The pages that the child finds written: one run from `first`, or nothing. */
static bool is_run(size_t first, size_t n_pages)
{
	struct ww_range runs[2];
	ssize_t n = ww_get_runs(ww, memory, all_bytes(), WW_GET_RESET, runs, 2);

	if (!n_pages)
		return !n;
	return n == 1 && runs[0].start == memory + first * page_size() &&
	       runs[0].n_bytes == n_pages * page_size();
}

/* ---- Bodies of children. They return which of their steps failed. ---- */

static int ask_first(void)
{
	if (!is_run(0, N_PAGES))
		return 1;
	if (!is_run(0, 0))
		return 2;
	write_page(memory, 33);
	if (!is_run(33, 1))
		return 3;
	return is_run(0, 0) ? 0 : 4;
}

static int reset_first(void)
{
	if (ww_reset(ww, memory, all_bytes()))
		return 1;
	write_page(memory, 34);
	return is_run(34, 1) ? 0 : 2;
}

static int mark_first(void)
{
	if (ww_mark(ww, memory, page_size()))
		return 1;
	if (!is_run(0, N_PAGES))
		return 2;
	return is_run(0, 0) ? 0 : 3;
}

static int watch_first(void)
{
	char *own = map_pages(8, PROT_READ | PROT_WRITE);
	void *addresses[8];
	ssize_t n;

	if (ww_watch(ww, own, 8 * page_size()))
		return 1;
	write_page(own, 3);
	n = ww_get(ww, own, 8 * page_size(), WW_GET_RESET, addresses, 8);
	if (n != 1 && n != 8)
		return 2;
	if (addresses[n == 8 ? 3 : 0] != own + 3 * page_size())
		return 3;
	write_page(own, 4);
	n = ww_get(ww, own, 8 * page_size(), WW_GET_RESET, addresses, 8);
	if (n != 1 || addresses[0] != own + 4 * page_size())
		return 4;
	return is_run(0, N_PAGES) ? 0 : 5;
}

static int unwatch_first(void)
{
	char *behind = memory + 8 * page_size();
	struct ww_range run;

	if (ww_unwatch(ww, memory, 8 * page_size()))
		return 1;
	if (ww_get_runs(ww, memory, 1, 0, &run, 1) != -ENOENT)
		return 2;
	if (ww_get_runs(ww, behind, all_bytes() - 8 * page_size(), 0, &run, 1) !=
	    1 || run.start != behind)
		return 3;
	return run.n_bytes == all_bytes() - 8 * page_size() ? 0 : 4;
}

static int close_first(void)
{
	ww_close(ww);
	return 0;
}

static int close_and_open(void)
{
	ww_close(ww);
	if (ww_open(&ww, NULL))
		return 1;
	if (ww_watch(ww, memory, all_bytes()))
		return 2;
	if (!is_run(0, 0))
		return 3;
	write_page(memory, 35);
	return is_run(35, 1) ? 0 : 4;
}

static int write_everything(void)
{
	memset(memory, 9, all_bytes());
	return is_run(0, N_PAGES) ? 0 : 1;
}

/* The kernel's interfaces cannot be opened again: all is always written. */
static int without_descriptors(void)
{
	struct rlimit none = { 0 };

	if (setrlimit(RLIMIT_NOFILE, &none))
		return 1;
	if (!is_run(0, N_PAGES))
		return 2;
	write_page(memory, 36);
	return is_run(0, N_PAGES) ? 0 : 3;
}

static int status_of(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(body());
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		return 100 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static int have_a_child(void)
{
	int ret = ask_first();

	if (ret)
		return ret;
	write_page(memory, 40);
	ret = status_of(ask_first);
	if (ret)
		return 10 + ret;
	return is_run(40, 1) ? 0 : 20;
}

static int have_a_child_first(void)
{
	int ret = status_of(ask_first);

	if (ret)
		return 10 + ret;
	ret = ask_first();
	return ret ? 20 + ret : 0;
}

/* ---- The parent ---- */

static const struct {
	int (*body)(void);
	const char *name;
} children[] = {
	{ ask_first, "a child that asks" },
	{ reset_first, "a child that resets" },
	{ mark_first, "a child that marks" },
	{ watch_first, "a child that watches memory of its own" },
	{ unwatch_first, "a child that unwatches" },
	{ close_first, "a child that closes" },
	{ close_and_open, "a child that closes and opens" },
	{ write_everything, "a child that writes everything" },
	{ without_descriptors, "a child without descriptors" },
	{ have_a_child, "a child with a child" },
	{ have_a_child_first, "a child with a child, both new" },
};

/* Written pages of the parent stay so and clean ones stay clean. */
static void one_child(int (*body)(void), const char *name)
{
	int step;

	if (body == without_descriptors && !strcmp(ww_backend(ww), "mprotect")) {
		skip(name, "mprotect needs none");
		return;
	}
	ww_reset(ww, memory, all_bytes());
	write_page(memory, 1);
	write_page(memory, 50);
	step = status_of(body);
	if (!ok(!step, "%s", name))
		diag(step > 100 ? "it died of signal %d" : "at its step %d",
		     step > 100 ? step - 100 : step);
	is_written(ww, memory, N_PAGES, "1,50", "its parent sees its own writes");
	ww_reset(ww, memory, all_bytes());
	write_page(memory, 2);
	is_written(ww, memory, N_PAGES, "2", "and goes on");
}

/* A child that goes on watching where its parent has other memory. */
static void watch_in_place(void)
{
	char *place = map_pages(8, PROT_READ | PROT_WRITE);
	struct ww *other = open_or_skip();
	int status;
	pid_t pid;

	memset(place, 1, 8 * page_size());
	pid = fork();
	if (!pid)
		_exit(ww_watch(ww, place, 8 * page_size()) != 0);
	waitpid(pid, &status, 0);
	ok(!status, "a child watches memory of before");
	is_answer(ww_watch(other, place, 8 * page_size()), 0,
		  "it is free in its parent");
	ww_close(other);
	unmap_pages(place, 8);
}

int main(void)
{
	ww = open_or_skip();
	memory = watched_pages(ww, N_PAGES);
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++)
		one_child(children[i].body, children[i].name);
	watch_in_place();
	ww_close(ww);
	return done_testing();
}

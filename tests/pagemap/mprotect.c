/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PAGEMAP_SCAN on the page states of the mprotect backend: what it watches, what
 * was written, and what a scan protects. SEED=n repeats a run.
 */
#include "tracker.h"

#include <writewatch/pagemap.h>

#include "../../kernel/mprotect.h"
#include "../../kernel/pagemap/abi.h"
#include "../../kernel/pagemap/proc.h"
#include "../kernel/tap.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, N_PAGES = 1536, N_WATCHED = 1024 };

static struct ww_tracker tracker;
static struct ww_proc proc;
static char *memory;
static struct ww_pm_region regions[N_PAGES + 1];

static void write_page(size_t page)
{
	((volatile char *)memory)[page * PAGE] = 1;
}

static void map_memory(void)
{
	memory = mmap(NULL, N_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		bail_out("mmap");
	madvise(memory, N_PAGES * PAGE, MADV_NOHUGEPAGE);
}

/* The first pages are watched, and armed. */
static void watch_memory(void)
{
	const struct ww_backend *backend = &ww_backend_mprotect;

	if (ww_tracker_open_backend(&tracker, &ww_linux, "mprotect") ||
	    backend->watch(&tracker, (uintptr_t)memory, N_WATCHED * PAGE) ||
	    backend->arm(&tracker, (uintptr_t)memory, N_WATCHED * PAGE))
		bail_out("the mprotect backend");
}

/* Whatever this kernel has. */
static void open_source(void)
{
	if (ww_proc_open(&proc, 0))
		bail_out("/proc/self");
	proc.way = WW_PROC_MPROTECT;
}

static struct ww_pm_arg_mainline mainline(size_t first, size_t n_pages)
{
	return (struct ww_pm_arg_mainline){
		.size = sizeof(struct ww_pm_arg_mainline),
		.start = (uintptr_t)memory + first * PAGE,
		.end = (uintptr_t)memory + (first + n_pages) * PAGE,
		.vec = (uintptr_t)regions, .vec_len = N_PAGES,
		.required = WW_PM_WRITTEN, .returned = WW_PM_WRITTEN,
	};
}

static int scan(struct ww_pm_arg_mainline *arg)
{
	if (ww_proc_begin(&proc))
		bail_out("/proc/self/pagemap");
	return ww_pagemap_engine_scan(&ww_pagemap_mainline_2026, &proc.pages,
				      WW_PM_SCAN_MAINLINE, arg);
}

static int count(size_t first, size_t n_pages, uint64_t flags)
{
	struct ww_pm_arg_mainline arg = mainline(first, n_pages);
	int n, n_found = 0;

	arg.flags = flags;
	n = scan(&arg);
	for (int i = 0; i < n; i++)
		n_found += (int)((regions[i].n_pages_or_end -
				  regions[i].start) / PAGE);
	return n < 0 ? n : n_found;
}

/* ---- One page at a time ---- */

static void cycle(void)
{
	const uint64_t take = WW_PM_WP_MATCHING | WW_PM_CHECK_WPASYNC;

	ok(count(0, N_WATCHED, take) == 0, "armed memory is not written");
	write_page(5);
	write_page(7);
	ok(count(0, N_WATCHED, 0) == 2, "writes are seen");
	ok(regions[0].start == (uintptr_t)memory + 5 * PAGE, "where they are");
	ok(count(0, 6, take) == 1, "one is taken");
	ok(count(0, N_WATCHED, take) == 1, "the other stayed");
	ok(count(0, N_WATCHED, take) == 0, "and then it is taken");
	write_page(5);
	ok(count(0, N_WATCHED, take) == 1, "a write after that is seen");
	ok(memory[5 * PAGE] == 1 && memory[7 * PAGE] == 1, "nothing is lost");
}

static void unwatched(void)
{
	struct ww_pm_arg_mainline arg = mainline(0, N_PAGES);

	ok(count(N_WATCHED - 1, 2, WW_PM_CHECK_WPASYNC) == -EPERM,
	   "memory that is not watched is refused");
	ok(count(N_WATCHED, 8, WW_PM_WP_MATCHING) == 0, "or passed over");
	ok(count(N_WATCHED, 8, 0) == 8, "it reads as written");
	arg.required = WW_PM_WPALLOWED;
	arg.returned = WW_PM_WPALLOWED;
	ok(scan(&arg) == 1 &&
	   regions[0].n_pages_or_end == (uintptr_t)memory + N_WATCHED * PAGE,
	   "and is told apart");
}

static void older(void)
{
	struct ww_pm_arg_v16 arg = {
		.size = sizeof(arg), .flags = WW_PM_V16_GET | WW_PM_V16_WP,
		.start = (uintptr_t)memory, .n_bytes = N_WATCHED * PAGE,
		.vec = (uintptr_t)regions, .vec_len = 2, .max_pages = 3,
		.required = WW_PM_V10_WRITTEN, .returned = WW_PM_V10_WRITTEN,
	};
	int n;

	for (size_t i = 10; i < 15; i++)
		write_page(i);
	ww_proc_begin(&proc);
	n = ww_pagemap_engine_scan(&ww_pagemap_v18, &proc.pages,
				   WW_PM_SCAN_V16, &arg);
	ok(n == 1 && regions[0].n_pages_or_end == 3, "v18 takes three pages");
	ok(count(0, N_WATCHED, WW_PM_WP_MATCHING) == 2, "and left two");
}

/* A caller whose argument and array lie in what it watches. */
static void array_in_watched_memory(void)
{
	struct ww_pm_region *array = (void *)(memory + 200 * PAGE - 16);
	struct ww_pm_arg_mainline *arg = (void *)(memory + 300 * PAGE);

	*arg = mainline(0, N_WATCHED);
	arg->vec = (uintptr_t)array;
	arg->flags = WW_PM_WP_MATCHING;
	write_page(20);
	write_page(199);
	ok(scan(arg) == 3 && array[0].start == (uintptr_t)memory + 20 * PAGE &&
	   array[1].start == (uintptr_t)memory + 199 * PAGE &&
	   arg->walk_end == arg->end,
	   "the array and the argument may be watched");
	ok(count(0, N_WATCHED, 0) == 3, "and were written");
}

/* ---- Random writes, limits and resets ---- */

static bool written[N_WATCHED];
static uint64_t random_state;

static size_t below(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)((random_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n);
}

/* Exactly the written pages, from the first on. */
static bool is_answer(int n, size_t first, size_t end, size_t max_pages)
{
	size_t page = first, found = 0;

	for (int i = 0; i < n; i++) {
		size_t at = (size_t)(regions[i].start - (uintptr_t)memory) / PAGE;
		size_t to = (size_t)(regions[i].n_pages_or_end -
				     (uintptr_t)memory) / PAGE;

		while (page < at)
			if (written[page++])
				return false;
		for (; page < to; page++, found++)
			if (!written[page])
				return false;
	}
	while (page < end && found < max_pages)
		if (written[page++])
			return false;
	return found <= max_pages;
}

static bool take_some(void)
{
	size_t first = below(N_WATCHED);
	size_t n_pages = 1 + below(N_WATCHED - first);
	struct ww_pm_arg_mainline arg = mainline(first, n_pages);
	bool reset = below(2);
	int n;

	arg.flags = reset ? WW_PM_WP_MATCHING : 0;
	arg.max_pages = below(2) ? 1 + below(100) : N_PAGES;
	n = scan(&arg);
	if (n < 0 || !is_answer(n, first, first + n_pages, arg.max_pages))
		return false;
	for (int i = 0; i < n && reset; i++)
		for (uint64_t at = regions[i].start;
		     at < regions[i].n_pages_or_end; at += PAGE)
			written[(at - (uintptr_t)memory) / PAGE] = false;
	return true;
}

static void random_resets(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	int round = 0;

	random_state = seed * 2 + 1;
	diag("SEED=%" PRIu64, seed);
	count(0, N_WATCHED, WW_PM_WP_MATCHING);
	memset(written, 0, sizeof(written));
	for (; round < 300; round++) {
		for (size_t n = below(100); n; n--) {
			size_t page = below(N_WATCHED);

			write_page(page);
			written[page] = true;
		}
		if (!take_some())
			break;
	}
	ok(round == 300, "no write is lost, and none is reported twice");
}

/* ---- The way in ---- */

/* A kernel without PAGEMAP_SCAN. */
static bool refuse_scans(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WW_PM_SCAN_MAINLINE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What a forked child gets of its parent's pages: nothing is known. */
static bool child_knows_nothing(struct ww_pagemap *pagemap)
{
	struct ww_pm_arg_mainline arg = mainline(0, 8);
	int status;
	pid_t child = fork();

	if (!child) {
		arg.flags = WW_PM_CHECK_WPASYNC;
		_exit(ww_pagemap_scan(pagemap, WW_PM_SCAN_MAINLINE, &arg) !=
		      -EPERM);
	}
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

static void way_in(void)
{
	struct ww_pm_arg_mainline arg = mainline(0, N_WATCHED);
	struct ww_pagemap *pagemap, *parents;

	if (!refuse_scans() ||
	    ww_pagemap_open(&pagemap, 0, WW_PAGEMAP_MAINLINE, 0)) {
		skip("where the kernel has nothing", "no filter for calls");
		return;
	}
	if (strcmp(ww_pagemap_source(pagemap), "mprotect")) {
		skip("where the kernel has nothing", "it has soft-dirty bits");
		ww_pagemap_close(pagemap);
		return;
	}
	count(0, N_WATCHED, WW_PM_WP_MATCHING);
	write_page(3);
	arg.flags = WW_PM_WP_MATCHING | WW_PM_CHECK_WPASYNC;
	ok(ww_pagemap_scan(pagemap, WW_PM_SCAN_MAINLINE, &arg) == 1 &&
	   regions[0].start == (uintptr_t)memory + 3 * PAGE,
	   "where the kernel has nothing, a write is seen");
	ok(ww_pagemap_scan(pagemap, WW_PM_SCAN_MAINLINE, &arg) == 0, "once");
	ok(child_knows_nothing(pagemap), "and not by a forked child");
	if (!ww_pagemap_open(&parents, getppid(), WW_PAGEMAP_MAINLINE, 0)) {
		ok(!strcmp(ww_pagemap_source(parents), "none"),
		   "nor in another process");
		ww_pagemap_close(parents);
	}
	ww_pagemap_close(pagemap);
}

int main(void)
{
	alarm(120);
	map_memory();
	watch_memory();
	open_source();
	cycle();
	unwatched();
	older();
	array_in_watched_memory();
	random_resets();
	way_in();
	ww_proc_close(&proc);
	return done_testing();
}

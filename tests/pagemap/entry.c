/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ww_pagemap_scan() on this process and on others: what it passes on is the
 * kernel's ioctl, and what the engine answers on /proc is the same, where /proc
 * can tell it.
 */
#include <writewatch/pagemap.h>

#include "../../kernel/abi.h"
#include "../../kernel/pagemap/abi.h"
#include "../kernel/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_PAGES = 1536, PAGE = 4096, N_REGIONS = N_PAGES + 1 };

/* What /proc tells as well as the ioctl. */
#define TOLD (WW_PM_WPALLOWED | WW_PM_WRITTEN | WW_PM_FILE | WW_PM_PRESENT | \
	      WW_PM_SWAPPED)

static char *memory;
static bool watched;
static struct ww_pm_region regions[N_REGIONS], others[N_REGIONS];

/* ---- Helpers ---- */

static struct ww_pagemap *open_it(pid_t pid, enum ww_pagemap_abi abi,
				  unsigned flags)
{
	struct ww_pagemap *pagemap = NULL;

	if (ww_pagemap_open(&pagemap, pid, abi, flags))
		bail_out("ww_pagemap_open");
	return pagemap;
}

static struct ww_pm_arg_mainline whole(struct ww_pm_region *vec)
{
	memset(vec, 0, sizeof(regions));
	return (struct ww_pm_arg_mainline){
		.size = sizeof(struct ww_pm_arg_mainline),
		.start = (uintptr_t)memory,
		.end = (uintptr_t)memory + N_PAGES * PAGE,
		.vec = (uintptr_t)vec, .vec_len = N_REGIONS, .returned = TOLD,
	};
}

static int scan(struct ww_pagemap *pagemap, struct ww_pm_arg_mainline *arg)
{
	return ww_pagemap_scan(pagemap, WW_PM_SCAN_MAINLINE, arg);
}

static void map_memory(void)
{
	memory = mmap(NULL, N_PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		bail_out("mmap");
	/* /proc does not tell huge pages */
	madvise(memory, N_PAGES * PAGE, MADV_NOHUGEPAGE);
}

static bool watch_memory(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
	};
	struct uffdio_register range = {
		.range = { (uintptr_t)memory, N_PAGES * PAGE },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	return uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api) &&
	       !ioctl(uffd, UFFDIO_REGISTER, &range);
}

static void write_page(size_t page)
{
	((volatile char *)memory)[page * PAGE] = 1;
}

static bool same_regions(int n)
{
	return n >= 0 && !memcmp(regions, others, (size_t)n * sizeof(*regions));
}

/* ---- Opening ---- */

static void refuses(const char *name, pid_t pid, int abi, unsigned flags,
		    int wanted)
{
	struct ww_pagemap *pagemap = (struct ww_pagemap *)&pagemap;
	int saved, ret;

	errno = saved = 1234;
	ret = ww_pagemap_open(&pagemap, pid, (enum ww_pagemap_abi)abi, flags);
	ok(ret == wanted && errno == saved &&
	   pagemap == (struct ww_pagemap *)&pagemap, "%s", name);
}

static pid_t exited_child(void)
{
	siginfo_t info;
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	return child;
}

static void opening(void)
{
	pid_t dead = exited_child();

	refuses("no such revision", 0, 6, 0, -EINVAL);
	refuses("nor a negative one", 0, -1, 0, -EINVAL);
	refuses("unknown flags", 0, WW_PAGEMAP_V6, 2, -EINVAL);
	refuses("a negative process", -5, WW_PAGEMAP_V6, 0, -ESRCH);
	refuses("a zombie", dead, WW_PAGEMAP_MAINLINE, 0, -ESRCH);
	refuses("a zombie, for the engine", dead, WW_PAGEMAP_V10, 0, -ESRCH);
	waitpid(dead, NULL, 0);
	refuses("a process that is gone", dead, WW_PAGEMAP_MAINLINE, 0, -ESRCH);
	ww_pagemap_close(NULL);
}

/* ---- Passing on ---- */

static void passes(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct ww_pagemap *ours = open_it(0, WW_PAGEMAP_MAINLINE, 0);
	struct ww_pm_arg_mainline arg = whole(regions), copy = whole(others);
	int n, wanted;

	if (strcmp(ww_pagemap_source(ours), "ioctl")) {
		skip("the kernel's ioctl is passed on", "it has none");
	} else {
		arg.returned = copy.returned = 255;
		wanted = ioctl(pagemap, WW_PM_SCAN_MAINLINE, &arg);
		n = scan(ours, &copy);
		ok(n == wanted && n > 0 && same_regions(n) &&
		   copy.walk_end == arg.walk_end,
		   "the kernel's ioctl is passed on");
	}
	close(pagemap);
	ww_pagemap_close(ours);
}

static void sources(void)
{
	static const char *const known =
		"ioctl uffd-wp soft-dirty mprotect none";

	for (int abi = WW_PAGEMAP_V6; abi <= WW_PAGEMAP_GUARD; abi++) {
		struct ww_pagemap *ours = open_it(0, abi, WW_PAGEMAP_ENGINE);
		const char *source = ww_pagemap_source(ours);

		ok(strcmp(source, "ioctl") && strstr(known, source),
		   "revision %d, forced to the engine: %s", abi, source);
		ww_pagemap_close(ours);
	}
}

/* ---- Bad arguments, of both ways ---- */

static void refused(struct ww_pagemap *pagemap, const char *way,
		    const char *what, struct ww_pm_arg_mainline arg, int wanted)
{
	int ret;

	errno = 1234;
	ret = scan(pagemap, &arg);
	ok(ret == wanted && errno == 1234, "%s: %s", way, what);
}

static void bad_arguments(unsigned flags, const char *way)
{
	struct ww_pagemap *ours = open_it(0, WW_PAGEMAP_MAINLINE, flags);
	struct ww_pm_arg_mainline arg = whole(regions), bad = arg;
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	write_page(0);
	bad.size--;
	refused(ours, way, "size", bad, -EINVAL);
	bad = arg;
	bad.start++;
	refused(ours, way, "start", bad, -EINVAL);
	bad = arg;
	bad.vec = 0;
	refused(ours, way, "no array", bad, -EINVAL);
	bad.vec = 8;
	refused(ours, way, "an array that is not there", bad, -EFAULT);
	bad.vec = (uintptr_t)page;
	refused(ours, way, "an array that cannot be written", bad, -EFAULT);
	bad.vec = UINT64_MAX - 4095;
	refused(ours, way, "an array of the kernel", bad, -EFAULT);
	ok(ww_pagemap_scan(ours, WW_PM_SCAN_MAINLINE, NULL) == -EFAULT,
	   "%s: no argument", way);
	ok(ww_pagemap_scan(ours, WW_PM_SCAN_MAINLINE, page) == -EINVAL,
	   "%s: an empty argument", way);
	ok(ww_pagemap_scan(ours, WW_PM_SCAN_V16, &arg) == -EINVAL,
	   "%s: another revision's request", way);
	ok(ww_pagemap_scan(ours, FIOCLEX, NULL) == -EINVAL,
	   "%s: a request of every file", way);
	munmap(page, PAGE);
	ww_pagemap_close(ours);
}

/* ---- Processes ---- */

static void dies(unsigned flags, const char *way)
{
	pid_t child = fork();
	struct ww_pm_arg_mainline arg = whole(regions);
	struct ww_pagemap *ours;
	int before;

	if (!child) {
		alarm(60);
		pause();
		_exit(0);
	}
	write_page(3);
	ours = open_it(child, WW_PAGEMAP_MAINLINE, flags);
	before = scan(ours, &arg);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ok(before > 0, "%s: a child's memory", way);
	ok(scan(ours, &arg) == -ESRCH, "trap_K15, %s: it has gone", way);
	arg.size = 1;
	if (flags & WW_PAGEMAP_ENGINE)
		ok(scan(ours, &arg) == -ESRCH,
		   "row_M_16: whatever the argument, as in 6.18");
	ww_pagemap_close(ours);
}

/* ---- The engine against the kernel ---- */

static void prepare(void)
{
	madvise(memory, N_PAGES * PAGE, MADV_DONTNEED);
	for (size_t i = 0; i < N_PAGES; i += 1 + i % 7)
		write_page(i);
}

/* Whether this kernel takes untouched memory for written is seen on it. */
static enum ww_pagemap_abi newest(void)
{
	struct ww_pagemap *theirs = open_it(0, WW_PAGEMAP_MAINLINE, 0);
	struct ww_pm_arg_mainline arg = whole(regions);
	int n;

	madvise(memory, N_PAGES * PAGE, MADV_DONTNEED);
	write_page(0);
	arg.required = WW_PM_WRITTEN;
	n = scan(theirs, &arg);
	ww_pagemap_close(theirs);
	return n > 1 ? WW_PAGEMAP_GUARD : WW_PAGEMAP_MAINLINE;
}

/* The same with the kernel, then with the engine. */
static void both(const char *name, uint64_t flags, uint64_t mask,
		 uint64_t max_pages, uint64_t vec_len)
{
	struct ww_pagemap *theirs = open_it(0, WW_PAGEMAP_MAINLINE, 0);
	struct ww_pagemap *ours = open_it(0, newest(),
					  WW_PAGEMAP_ENGINE);
	struct ww_pm_arg_mainline arg = whole(regions), copy = whole(others);
	int n, wanted, after, wanted_after;

	arg.flags = copy.flags = flags;
	arg.required = copy.required = mask;
	arg.max_pages = copy.max_pages = max_pages;
	arg.vec_len = copy.vec_len = vec_len;
	prepare();
	wanted = scan(theirs, &arg);
	arg = whole(regions);
	arg.required = mask;
	wanted_after = scan(theirs, &arg);
	prepare();
	n = scan(ours, &copy);
	copy = whole(others);
	copy.required = mask;
	after = scan(ours, &copy);
	ok(n == wanted && n >= 0 && after == wanted_after && same_regions(after),
	   "%s", name);
	if (n != wanted || after != wanted_after)
		diag("%d for %d, then %d for %d", n, wanted, after,
		     wanted_after);
	ww_pagemap_close(theirs);
	ww_pagemap_close(ours);
}

static void against_kernel(void)
{
	struct ww_pagemap *theirs = open_it(0, WW_PAGEMAP_MAINLINE, 0);
	bool passed_on = !strcmp(ww_pagemap_source(theirs), "ioctl");

	ww_pagemap_close(theirs);
	if (!passed_on || !watched) {
		skip("the engine answers as the kernel", "it does not scan");
		return;
	}
	both("all pages", 0, 0, 0, N_REGIONS);
	both("the written ones", 0, WW_PM_WRITTEN, 0, N_REGIONS);
	both("what is there", 0, WW_PM_PRESENT, 0, N_REGIONS);
	both("protected", 1, WW_PM_WRITTEN, 0, N_REGIONS);
	both("some are protected", 1, WW_PM_PRESENT, 100, N_REGIONS);
	both("until the array is full", 1, WW_PM_PRESENT, 0, 20);
	both("checked", 3, WW_PM_PRESENT, 0, N_REGIONS);
}

/* ---- Write, see, reset, gone ---- */

static int count(struct ww_pagemap *pagemap, uint64_t flags, uint64_t max_pages)
{
	struct ww_pm_arg_v16 arg = {
		.size = sizeof(arg), .flags = flags,
		.start = (uintptr_t)memory, .n_bytes = 16 * PAGE,
		.vec = flags & WW_PM_V16_GET ? (uintptr_t)regions : 0,
		.vec_len = N_REGIONS, .max_pages = max_pages,
		.required = WW_PM_V10_WRITTEN, .returned = WW_PM_V10_WRITTEN,
	};
	int n = ww_pagemap_scan(pagemap, WW_PM_SCAN_V16, &arg), n_pages = 0;

	for (int i = 0; i < n; i++)
		n_pages += (int)regions[i].n_pages_or_end;
	return n < 0 ? n : n_pages;
}

/* Whether writes to the memory are told from none. */
static bool tells_writes(const struct ww_pagemap *pagemap)
{
	const char *source = ww_pagemap_source(pagemap);

	return !strcmp(source, "soft-dirty") ||
	       (!strcmp(source, "uffd-wp") && watched);
}

static void cycle(void)
{
	struct ww_pagemap *ours = open_it(0, WW_PAGEMAP_V18, 0);
	struct ww_pagemap *second = open_it(0, WW_PAGEMAP_V18, 0);
	const uint64_t both_ops = WW_PM_V16_GET | WW_PM_V16_WP;

	if (!tells_writes(ours)) {
		skip("write, see, reset, gone", "nothing tells what is written");
		return;
	}
	for (size_t i = 0; i < 16; i++)
		write_page(i);
	ok(count(ours, WW_PM_V16_GET, 0) == 16, "all are written");
	ok(count(ours, both_ops, 5) == 5, "five are taken");
	ok(count(ours, WW_PM_V16_GET, 0) == 11, "the others stay");
	ok(regions[0].start == (uintptr_t)memory + 5 * PAGE, "which they are");
	ok(count(second, both_ops, 0) == 11, "another sees the same");
	ok(count(ours, both_ops, 0) == 0, "and takes them from the first");
	write_page(7);
	ok(count(ours, both_ops, 0) == 1, "a write is seen");
	ok(count(second, WW_PM_V16_GET, 0) == 0, "once");
	madvise(memory + 2 * PAGE, PAGE, MADV_DONTNEED);
	ok(count(second, WW_PM_V16_GET, 0) == 1, "dropped contents are seen");
	ww_pagemap_close(ours);
	ww_pagemap_close(second);
}

/* ---- Random writes, limits and resets ---- */

/* A page that was written and dropped before any scan may have been empty when
 * it was cleaned, which on soft-dirty bits is no change. */
static enum { CLEAN, DIRTY, EITHER } state[N_PAGES];
static uint64_t random_state;

static size_t below(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % n;
}

static void change_memory(bool soft_dirty)
{
	for (size_t n = below(200); n; n--) {
		size_t page = below(N_PAGES);

		write_page(page);
		state[page] = DIRTY;
		if (below(20))
			continue;
		madvise(memory + page * PAGE, PAGE, MADV_DONTNEED);
		state[page] = soft_dirty ? EITHER : DIRTY;
	}
}

/* Exactly the dirty pages from `first` on, the lowest of them. */
static bool is_answer(size_t first, size_t max_pages, int n)
{
	size_t page = first, found = 0;

	for (int i = 0; i < n; i++) {
		size_t start = (regions[i].start - (uintptr_t)memory) / PAGE;

		while (page < start)
			if (state[page++] == DIRTY)
				return false;
		for (size_t j = 0; j < regions[i].n_pages_or_end; j++, found++) {
			if (state[page] == CLEAN)
				return false;
			state[page++] = CLEAN;
		}
	}
	if (max_pages && found == max_pages)
		return true;
	while (page < N_PAGES)
		if (state[page++] == DIRTY)
			return false;
	return n >= 0;
}

static bool take_some(struct ww_pagemap *pagemap)
{
	size_t first = below(N_PAGES), max_pages = below(3) ? below(100) : 0;
	struct ww_pm_arg_v16 arg = {
		.size = sizeof(arg), .flags = WW_PM_V16_GET | WW_PM_V16_WP,
		.start = (uintptr_t)memory + first * PAGE,
		.n_bytes = (N_PAGES - first) * PAGE,
		.vec = (uintptr_t)regions, .vec_len = N_REGIONS,
		.max_pages = max_pages,
		.required = WW_PM_V10_WRITTEN, .returned = WW_PM_V10_WRITTEN,
	};

	return is_answer(first, max_pages,
			 ww_pagemap_scan(pagemap, WW_PM_SCAN_V16, &arg));
}

static void random_resets(void)
{
	struct ww_pagemap *ours = open_it(0, WW_PAGEMAP_V18, 0);
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	int round = 0;

	if (!tells_writes(ours)) {
		skip("no write is lost", "nothing tells what is written");
		return;
	}
	diag("SEED=%llu", (unsigned long long)seed);
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (size_t i = 0; i < N_PAGES; i++)
		state[i] = DIRTY;
	prepare();
	for (; round < 300; round++) {
		change_memory(!strcmp(ww_pagemap_source(ours), "soft-dirty"));
		if (!take_some(ours))
			break;
	}
	ok(round == 300, "no write is lost, and none is reported twice");
	ww_pagemap_close(ours);
}

/* v6 cleans pages alone, or with their mapping. */
static int count_dirty(struct ww_pagemap *pagemap, uint64_t flags)
{
	struct ww_pm_arg_v6 arg = {
		.start = (uintptr_t)memory, .n_bytes = 16 * PAGE,
		.vec = (uintptr_t)regions, .vec_len = N_REGIONS, .flags = flags,
		.required = WW_PM_V6_SOFT_DIRTY, .returned = WW_PM_V6_SOFT_DIRTY,
	};
	int n = ww_pagemap_scan(pagemap, WW_PM_SCAN_V6, &arg), n_pages = 0;

	for (int i = 0; i < n; i++)
		n_pages += (int)regions[i].n_pages_or_end;
	return n < 0 ? n : n_pages;
}

static void soft_dirty(void)
{
	struct ww_pagemap *ours = open_it(0, WW_PAGEMAP_V6, 0);
	const uint64_t alone = WW_PM_V6_NO_REUSED;

	if (strcmp(ww_pagemap_source(ours), "soft-dirty")) {
		ok(count_dirty(ours, 0) == -EINVAL,
		   "without that bit v6 refuses to look for it");
		skip("v6 clears soft-dirty", "there is no such bit");
		ww_pagemap_close(ours);
		return;
	}
	munmap(memory, N_PAGES * PAGE);
	map_memory();
	write_page(1);
	ok(count_dirty(ours, 0) == 16, "a new mapping is dirty");
	ok(count_dirty(ours, alone) == 1, "of its pages, those written");
	ok(count_dirty(ours, alone | WW_PM_V6_CLEAR) == 1, "they are cleaned");
	ok(count_dirty(ours, alone) == 0, "and then they are clean");
	ok(count_dirty(ours, 0) == 16, "the mapping is still dirty");
	ok(count_dirty(ours, WW_PM_V6_CLEAR) == 16, "it is cleaned");
	ok(count_dirty(ours, 0) == 0, "and then it is clean");
	write_page(20);
	write_page(9);
	ok(count_dirty(ours, WW_PM_V6_CLEAR) == 1, "a write is seen");
	ok(count_dirty(ours, 0) == 0, "once");
	memory += 16 * PAGE;
	ok(count_dirty(ours, alone) == 1, "elsewhere none was forgotten");
	ok(count_dirty(ours, 0) == 16, "nor that the mapping was new");
	memory -= 16 * PAGE;
	ww_pagemap_close(ours);
}

/* ---- Threads that are cancelled ---- */

/* In it from its first cancellation point on. */
static void *scan_cancelled(void *pagemap)
{
	struct ww_pm_arg_mainline arg = whole(others);

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	scan(pagemap, &arg);
	pthread_testcancel();
	return NULL;
}

/* Else the second scan waits for ever. */
static void cancelled(void)
{
	struct ww_pagemap *pagemap = open_it(0, WW_PAGEMAP_MAINLINE,
					     WW_PAGEMAP_ENGINE);
	struct ww_pm_arg_mainline arg = whole(regions);
	void *result = NULL;
	pthread_t thread;

	if (pthread_create(&thread, NULL, scan_cancelled, pagemap) ||
	    pthread_join(thread, &result))
		bail_out("a thread");
	ok(result == PTHREAD_CANCELED && scan(pagemap, &arg) >= 0,
	   "a thread that is cancelled in a scan leaves no lock");
	ww_pagemap_close(pagemap);
}

int main(void)
{
	alarm(120);
	map_memory();
	watched = watch_memory();
	opening();
	passes();
	sources();
	bad_arguments(0, "passed on");
	bad_arguments(WW_PAGEMAP_ENGINE, "engine");
	dies(0, "passed on");
	dies(WW_PAGEMAP_ENGINE, "engine");
	against_kernel();
	cycle();
	random_resets();
	soft_dirty();
	cancelled();
	return done_testing();
}

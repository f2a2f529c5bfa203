/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traps K6, K7 and K13 on the running kernel, and the guard against each: a
 * reset that ignores masks, hugetlb pages that a loop cannot get past, and
 * guard regions that read as written.
 */
#include "../../kernel/abi.h"
#include "../../kernel/pagemap/abi.h"
#include "../kernel/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <writewatch.h>

#ifndef MADV_GUARD_INSTALL		/* 6.13 */
#define MADV_GUARD_INSTALL 102
#endif

enum { N_PAGES = 16, PAGE = 4096 };
#define HUGE_PAGE ((size_t)2 << 20)

static int uffd, pagemap;

static char *map(size_t n_bytes, int flags)
{
	return mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void watch(char *memory, size_t n_bytes)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)memory, n_bytes },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	if (ioctl(uffd, UFFDIO_REGISTER, &range))
		bail_out("UFFDIO_REGISTER");
}

static char *watched_pages(void)
{
	char *memory = map(N_PAGES * PAGE, 0);

	if (memory == MAP_FAILED)
		bail_out("mmap");
	watch(memory, N_PAGES * PAGE);
	for (size_t i = 0; i < N_PAGES; i++)
		((volatile char *)memory)[i * PAGE] = 1;
	return memory;
}

static struct ww_pm_arg_mainline over(const char *memory, size_t n_bytes,
				      struct ww_pm_region *region)
{
	return (struct ww_pm_arg_mainline){
		.size = sizeof(struct ww_pm_arg_mainline),
		.start = (uintptr_t)memory, .end = (uintptr_t)memory + n_bytes,
		.vec = (uintptr_t)region, .vec_len = region ? 1 : 0,
		.required = WW_PM_WRITTEN, .returned = WW_PM_WRITTEN,
	};
}

static int scan(struct ww_pm_arg_mainline *arg)
{
	return ioctl(pagemap, WW_PM_SCAN_MAINLINE, arg);
}

/* The guard: a reset has no masks but the written one. */
static void trap_K6_reset_ignores_masks(void)
{
	char *memory = watched_pages();
	struct ww_pm_region region;
	struct ww_pm_arg_mainline
		reset = over(memory, N_PAGES * PAGE, NULL),
		look = over(memory, N_PAGES * PAGE, &region);

	reset.flags = WW_PM_WP_MATCHING;
	reset.required = WW_PM_FILE;
	ok(scan(&look) == 1 && scan(&reset) == 0 && scan(&look) == 0,
	   "trap_K6: a reset without an array takes what its masks reject");
	munmap(memory, N_PAGES * PAGE);
}

/* A caller that goes on at walk_end: at most one step a page. */
static bool loop_ends(struct ww_pm_arg_mainline arg, size_t n_most)
{
	for (size_t n = 0; n < n_most && arg.start < arg.end; n++) {
		if (scan(&arg) < 0)
			return false;
		arg.start = arg.walk_end;
	}
	return arg.start >= arg.end;
}

static void trap_K7_hugetlb(void)
{
	char *memory = map(2 * HUGE_PAGE, MAP_HUGETLB);
	struct ww_pm_region region;
	struct ww_pm_arg_mainline arg;

	if (memory == MAP_FAILED) {
		skip("trap_K7: a part of a hugetlb page is not got past",
		     "this machine has no hugetlb pages");
		return;
	}
	watch(memory, 2 * HUGE_PAGE);
	*(volatile char *)memory = 1;
	arg = over(memory, HUGE_PAGE / 2, &region);
	arg.flags = WW_PM_WP_MATCHING;
	ok(!loop_ends(arg, HUGE_PAGE / PAGE),
	   "trap_K7: a part of a hugetlb page is not got past");
	munmap(memory, 2 * HUGE_PAGE);
}

/* The guard: hugetlb pages are not watched. Not reserved and never touched, it
 * takes none. */
static void trap_K7_is_stayed_off(void)
{
	char *memory = map(HUGE_PAGE, MAP_HUGETLB | MAP_NORESERVE);
	struct ww *ww;

	if (memory == MAP_FAILED || ww_open(&ww, NULL)) {
		skip("trap_K7: hugetlb pages are not watched",
		     "this kernel has no hugetlb pages, or no backend");
		return;
	}
	ok(ww_watch(ww, memory, HUGE_PAGE) == -EINVAL,
	   "trap_K7: hugetlb pages are not watched");
	ww_close(ww);
	munmap(memory, HUGE_PAGE);
}

static void trap_K13_guard_regions(void)
{
	static const char *const row =
		"trap_K13: a guard region reads as written and swapped";
	char *memory = watched_pages();
	struct ww_pm_region region;
	struct ww_pm_arg_mainline arg = over(memory, PAGE, &region);

	if (madvise(memory, PAGE, MADV_GUARD_INSTALL)) {
		skip(row, "this kernel has none");
		return;
	}
	arg.returned = WW_PM_WRITTEN | WW_PM_SWAPPED | WW_PM_PRESENT;
	ok(scan(&arg) == 1 && region.bits == (WW_PM_WRITTEN | WW_PM_SWAPPED),
	   "%s", row);
	/* the guard: its own bit, where the kernel knows it */
	arg.inverted = arg.required = WW_PM_GUARD;
	if (scan(&arg) < 0)
		skip("trap_K13: its own bit keeps it out", "not known here");
	else
		ok(scan(&arg) == 0, "trap_K13: its own bit keeps it out");
	munmap(memory, N_PAGES * PAGE);
}

/* The numbers that the running kernel answers to, whatever headers were there
 * when this was built. */
static void trap_K14_definitions(void)
{
	ok(PAGEMAP_SCAN == 0xC0606610 && sizeof(struct pm_scan_arg) == 96 &&
	   sizeof(struct page_region) == 24 && PAGE_IS_WRITTEN == 2 &&
	   PM_SCAN_WP_MATCHING == 1 && PM_SCAN_CHECK_WPASYNC == 2 &&
	   UFFD_FEATURE_WP_ASYNC == 1 << 15 &&
	   UFFD_FEATURE_WP_UNPOPULATED == 1 << 13,
	   "trap_K14: definitions are the kernel's, with any headers");
}

int main(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
	};
	struct ww_pm_arg_mainline arg = { .size = sizeof(arg) };

	alarm(60);
	trap_K14_definitions();
	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || scan(&arg)) {
		skip("traps K6, K7 and K13", "this kernel has no PAGEMAP_SCAN");
		return done_testing();
	}
	trap_K6_reset_ignores_masks();
	trap_K7_hugetlb();
	trap_K7_is_stayed_off();
	trap_K13_guard_regions();
	return done_testing();
}

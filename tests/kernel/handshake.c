/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traps K9 and K10: a register's answer holds bit numbers, not ioctl numbers;
 * a handshake may succeed with fewer features than were asked for; and what a
 * kernel claims is believed only after a self-test. The lies are told by a
 * layer above the real kernel.
 */
#include "memory.h"
#include "tap.h"

#include "../../kernel/uffd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static enum {
	NO_LIE, NO_FEATURES, NO_ASYNC, NO_UNPOPULATED, NO_IOCTL,
	SEES_NOTHING, SEES_ALL, NEVER_RESETS, IGNORES_LIMIT,
} lie;

static uint64_t dropped_features(void)
{
	switch (lie) {
	case NO_FEATURES:
		return ~UINT64_C(0);
	case NO_ASYNC:
		return UFFD_FEATURE_WP_ASYNC;
	case NO_UNPOPULATED:
		return UFFD_FEATURE_WP_UNPOPULATED;
	default:
		return 0;
	}
}

static int lie_about_scan(int fd, struct pm_scan_arg *arg)
{
	struct page_region *vec = (void *)(uintptr_t)arg->vec;
	int n;

	if (lie == NEVER_RESETS)
		arg->flags &= ~(uint64_t)PM_SCAN_WP_MATCHING;
	if (lie == IGNORES_LIMIT)
		arg->max_pages = 0;
	n = ww_linux.ioctl(fd, PAGEMAP_SCAN, arg);
	if (lie == SEES_NOTHING && n > 0)
		return 0;
	if (lie == SEES_ALL && n >= 0 && vec) {
		*vec = (struct page_region){ arg->start, arg->end,
					     PAGE_IS_WRITTEN };
		return 1;
	}
	return n;
}

static int lying_ioctl(int fd, unsigned long request, void *argument)
{
	int ret;

	if (request == PAGEMAP_SCAN)
		return lie_about_scan(fd, argument);
	ret = ww_linux.ioctl(fd, request, argument);
	if (request == UFFDIO_API)
		((struct uffdio_api *)argument)->features &= ~dropped_features();
	if (request == UFFDIO_REGISTER && lie == NO_IOCTL)
		((struct uffdio_register *)argument)->ioctls &=
			~(UINT64_C(1) << _UFFDIO_WRITEPROTECT);
	return ret;
}

static void is_caught(const char *name, const char *step, int error)
{
	struct ww_kernel_ops ops = ww_linux;
	struct ww_tracker tracker;
	int ret;

	ops.ioctl = lying_ioctl;
	ret = ww_tracker_open(&tracker, &ops);
	if (!ok(ret == -error && !strcmp(tracker.failure, step), "%s is noticed",
		name))
		diag("%d, %s", ret, ret ? tracker.failure : "opened");
	if (ret)
		ok(tracker.uffd < 0 && tracker.pagemap < 0, "nothing stays open");
	else
		ww_tracker_close(&tracker);
}

static void show_answers(void)
{
	char *memory = map_pages(1, PROT_READ | PROT_WRITE);
	struct uffdio_register reg = { 0 };
	struct uffdio_api api = { 0 };
	int uffd = ww_uffd_create(&ww_linux);

	api.api = UFFD_API;
	ww_linux.ioctl(uffd, UFFDIO_API, &api);
	ww_linux.close(uffd);
	diag("this kernel: features offered 0x%llx",
	     (unsigned long long)api.features);
	uffd = ww_uffd_create(&ww_linux);
	ok(!ww_uffd_handshake(&ww_linux, uffd), "the handshake");
	reg.range.start = (uintptr_t)memory;
	reg.range.len = ww_page_size();
	reg.mode = UFFDIO_REGISTER_MODE_WP;
	ok(!ww_linux.ioctl(uffd, UFFDIO_REGISTER, &reg), "a register");
	diag("this kernel: its answer is 0x%llx",
	     (unsigned long long)reg.ioctls);
	ok(ww_uffd_can_protect(reg.ioctls), "it allows write-protection");
	ww_linux.close(uffd);
	unmap_pages(memory, 1);
}

static void bit_numbers(void)
{
	ok(ww_uffd_can_protect(UINT64_C(1) << 6), "bit 6 is write-protection");
	ok(!ww_uffd_can_protect(~(UINT64_C(1) << 6)), "no other bit is");
	ok(!ww_uffd_can_protect(0), "an empty answer is a no");
	/* the number of the ioctl has bits set that an answer may have, too */
	ok(!ww_uffd_can_protect(UFFDIO_WRITEPROTECT & ~(UINT64_C(1) << 6)),
	   "the ioctl's own number says nothing");
}

int main(void)
{
	struct ww_tracker tracker;

	tracker_or_skip(&tracker);
	ww_tracker_close(&tracker);
	bit_numbers();
	show_answers();
	lie = NO_FEATURES;
	is_caught("a handshake without features",
		  "asynchronous write-protection", EOPNOTSUPP);
	lie = NO_ASYNC;
	is_caught("one without WP_ASYNC",
		  "asynchronous write-protection", EOPNOTSUPP);
	lie = NO_UNPOPULATED;
	is_caught("one without WP_UNPOPULATED",
		  "asynchronous write-protection", EOPNOTSUPP);
	lie = NO_IOCTL;
	is_caught("a register without write-protection", "the self-test",
		  EOPNOTSUPP);
	lie = SEES_NOTHING;
	is_caught("a scan that sees nothing", "the self-test", ENOTRECOVERABLE);
	lie = SEES_ALL;
	is_caught("a scan that sees everything", "the self-test",
		  ENOTRECOVERABLE);
	lie = NEVER_RESETS;
	is_caught("a scan that never resets", "the self-test", ENOTRECOVERABLE);
	lie = IGNORES_LIMIT;
	is_caught("a scan that ignores its limit", "the self-test",
		  ENOTRECOVERABLE);
	return done_testing();
}

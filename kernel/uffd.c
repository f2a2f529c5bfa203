/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The uffd backend: userfaultfd in asynchronous write-protect mode, where the
 * kernel resolves the faults itself, and PAGEMAP_SCAN to read the bits back.
 * Linux 6.7 and later. In this mode the kernel's own writes (read(2),
 * process_vm_writev, /proc/PID/mem) are tracked too, so UFFD_USER_MODE_ONLY
 * loses nothing and needs no privilege.
 */
#include "uffd.h"

#include "abi.h"
#include "hugezero.h"

#include <errno.h>
#include <fcntl.h>

_Static_assert(sizeof(struct ww_run) == sizeof(struct page_region) &&
	       offsetof(struct ww_run, end) == offsetof(struct page_region, end),
	       "a run is what the kernel stores");

#define WANTED_FEATURES (UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED)

/* Older kernels say EINVAL to what they do not know; to our callers that would
 * be an argument of theirs. */
static int not_there(int ret)
{
	return ret == -EINVAL ? -EOPNOTSUPP : ret;
}

int ww_uffd_create(const struct ww_kernel_ops *ops)
{
	return not_there(ops->userfaultfd(O_CLOEXEC | O_NONBLOCK |
					  UFFD_USER_MODE_ONLY));
}

int ww_uffd_handshake(const struct ww_kernel_ops *ops, int uffd)
{
	struct uffdio_api api = { 0 };
	int ret;

	api.api = UFFD_API;
	api.features = WANTED_FEATURES;
	ret = ops->ioctl(uffd, UFFDIO_API, &api);
	if (ret < 0)
		return not_there(ret);
	if ((api.features & WANTED_FEATURES) != WANTED_FEATURES)
		return -EOPNOTSUPP;
	return 0;
}

int ww_pagemap_scan_known(const struct ww_kernel_ops *ops, int pagemap)
{
	struct pm_scan_arg arg = { 0 };

	arg.size = sizeof(arg);
	return ops->ioctl(pagemap, PAGEMAP_SCAN, &arg);
}

int ww_uffd_can_protect(uint64_t ioctls)
{
	return (ioctls & 1ULL << _UFFDIO_WRITEPROTECT) != 0;
}

/* A userfaultfd of the program's own under the same number would take our
 * memory, and stop whoever writes there. */
static bool has_uffd(const struct ww_tracker *tracker)
{
	return ww_is_same_file(tracker->ops, tracker->uffd, tracker->uffd_file);
}

static int uffd_watch(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes)
{
	struct uffdio_register reg = { 0 };
	int ret;

	if (!has_uffd(tracker))
		return -EBADF;
	reg.range.start = start;
	reg.range.len = n_bytes;
	reg.mode = UFFDIO_REGISTER_MODE_WP;
	ret = tracker->ops->ioctl(tracker->uffd, UFFDIO_REGISTER, &reg);
	if (ret < 0)
		return ret;
	return ww_uffd_can_protect(reg.ioctls) ? 0 : -EOPNOTSUPP;
}

static int uffd_unwatch(struct ww_tracker *tracker, uintptr_t start,
			size_t n_bytes)
{
	struct uffdio_range range = { .start = start, .len = n_bytes };

	if (!has_uffd(tracker))
		return -EBADF;
	return tracker->ops->ioctl(tracker->uffd, UFFDIO_UNREGISTER, &range);
}

static int uffd_arm(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes)
{
	struct uffdio_writeprotect wp = { 0 };
	int ret;

	wp.range.start = start;
	wp.range.len = n_bytes;
	wp.mode = UFFDIO_WRITEPROTECT_MODE_WP;
	/* EAGAIN: an address space that is just being changed by an event of
	 * this descriptor. We ask for no events, so this ends. */
	do
		ret = tracker->ops->ioctl(tracker->uffd, UFFDIO_WRITEPROTECT, &wp);
	while (ret == -EAGAIN);
	return ret < 0 ? ret : 0;
}

/* What there is to know about memory that was never armed: a page that is
 * there and is not the zero page has been written. */
#define THERE (PAGE_IS_PRESENT | PAGE_IS_SWAPPED)

/* Exactly these masks keep the kernel on its fast path; any other costs 15 to
 * 30 times as much for a clean page. It is meant for armed memory only: the
 * fast path reads a page without any entry as written. */
static void ask_for_written(struct pm_scan_arg *arg)
{
	arg->flags = PM_SCAN_CHECK_WPASYNC;
	arg->category_mask = PAGE_IS_WRITTEN;
	arg->return_mask = PAGE_IS_WRITTEN;
}

static void ask_for_there(struct pm_scan_arg *arg)
{
	arg->category_mask = PAGE_IS_WRITTEN | PAGE_IS_PFNZERO;
	arg->category_inverted = PAGE_IS_PFNZERO;
	arg->category_anyof_mask = THERE;
	arg->return_mask = PAGE_IS_WRITTEN;
}

/* Every page matches, so every page is write-protected. */
static void ask_for_all(struct pm_scan_arg *arg)
{
	arg->flags = PM_SCAN_CHECK_WPASYNC | PM_SCAN_WP_MATCHING;
	arg->return_mask = PAGE_IS_WRITTEN | THERE | PAGE_IS_PFNZERO;
}

static void ask(struct pm_scan_arg *arg, unsigned flags)
{
	arg->size = sizeof(*arg);
	if (flags & WW_SCAN_ARM)
		ask_for_all(arg);
	else if (flags & WW_SCAN_UNARMED)
		ask_for_there(arg);
	else
		ask_for_written(arg);
	if (flags & WW_SCAN_RESET)
		arg->flags |= PM_SCAN_WP_MATCHING;
}

/* To count pages that nobody limits would cost 2 % of a query of many runs. */
static bool is_limited(const struct ww_scan *scan)
{
	return scan->max_pages != WW_SCAN_UNLIMITED;
}

/* The kernel's walk_end is never read: a complete scan of more than 512 runs
 * leaves it at an inner boundary. A scan that found fewer runs and fewer
 * pages than it was allowed has seen the whole range; any other is known to be
 * complete up to the end of its last run. */
static void note_progress(struct ww_scan *scan)
{
	uint64_t n_bytes = 0;

	for (size_t i = 0; i < scan->n_runs && is_limited(scan); i++)
		n_bytes += scan->runs[i].end - scan->runs[i].start;
	scan->n_pages = (size_t)n_bytes / ww_page_size();
	if (scan->n_runs < scan->max_runs && scan->n_pages < scan->max_pages)
		scan->resume = scan->start + scan->n_bytes;
	else
		scan->resume = (uintptr_t)scan->runs[scan->n_runs - 1].end;
}

static bool is_there(uint64_t categories)
{
	return (categories & THERE) && !(categories & PAGE_IS_PFNZERO);
}

/* Of runs of every kind only those that were written are left. A marker looks like
 * a page in swap, but is armed, and so is no page that was written since. */
static void keep_written(struct ww_scan *scan)
{
	uint64_t wanted = scan->flags & WW_SCAN_UNARMED ? 0 : PAGE_IS_WRITTEN;
	size_t n = 0;

	for (size_t i = 0; i < scan->n_runs; i++)
		if (is_there(scan->runs[i].categories) &&
		    (scan->runs[i].categories & wanted) == wanted)
			scan->runs[n++] = scan->runs[i];
	scan->n_runs = n;
}

static int pagemap_of(const struct ww_tracker *tracker)
{
	return __atomic_load_n(&tracker->pagemap, __ATOMIC_RELAXED);
}

/* What a scan has stored before it failed. */
static size_t n_stored(const struct ww_scan *scan)
{
	size_t n = 0;

	while (n < scan->max_runs && scan->runs[n].end)
		n++;
	return n;
}

static int uffd_scan(struct ww_tracker *tracker, struct ww_scan *scan)
{
	struct pm_scan_arg arg = { 0 };
	int ret;

	ask(&arg, scan->flags);
	arg.start = scan->start;
	arg.end = scan->start + scan->n_bytes;
	arg.vec = (uintptr_t)scan->runs;
	arg.vec_len = scan->max_runs;
	arg.max_pages = scan->max_pages;
	ret = tracker->ops->ioctl(pagemap_of(tracker), PAGEMAP_SCAN, &arg);
	if (ret >= 0) {
		scan->n_runs = (size_t)ret;
		note_progress(scan);
	} else if (scan->flags & WW_SCAN_ARM) {
		scan->n_runs = n_stored(scan);
	}
	if (scan->flags & WW_SCAN_ARM)
		keep_written(scan);
	return ret < 0 ? ret : 0;
}

/* Without an output array the kernel write-protects every page of the range,
 * whatever the masks say: what a reset wants. */
static int uffd_reset(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes)
{
	struct pm_scan_arg arg = { 0 };
	int ret;

	ask(&arg, WW_SCAN_RESET);
	arg.start = start;
	arg.end = start + n_bytes;
	ret = tracker->ops->ioctl(pagemap_of(tracker), PAGEMAP_SCAN, &arg);
	return ret < 0 ? ret : 0;
}

static int fail(struct ww_tracker *tracker, const char *step, int error)
{
	tracker->failure = step;
	return error;
}

static int open_uffd(struct ww_tracker *tracker)
{
	int ret;

	tracker->uffd = ww_uffd_create(tracker->ops);
	if (tracker->uffd < 0)
		return fail(tracker, "userfaultfd", tracker->uffd);
	tracker->uffd_file = tracker->ops->identify(tracker->uffd);
	ret = ww_uffd_handshake(tracker->ops, tracker->uffd);
	if (ret < 0)
		return fail(tracker, "asynchronous write-protection", ret);
	return 0;
}

/* Scans of other threads may be under way. */
static int open_pagemap(struct ww_tracker *tracker)
{
	int fd = tracker->ops->open_pagemap();

	if (fd >= 0)
		tracker->pagemap_file = tracker->ops->identify(fd);
	__atomic_store_n(&tracker->pagemap, fd, __ATOMIC_RELAXED);
	return fd < 0 ? fail(tracker, "/proc/self/pagemap", fd) : 0;
}

static int open_descriptors(struct ww_tracker *tracker)
{
	int ret = open_uffd(tracker);

	if (!ret)
		ret = open_pagemap(tracker);
	if (ret)
		return ret;
	ret = ww_pagemap_scan_known(tracker->ops, tracker->pagemap);
	if (ret < 0)
		return fail(tracker, "PAGEMAP_SCAN", ret);
	ret = ww_tracker_self_test(tracker);
	if (ret < 0)
		return fail(tracker, "the self-test", ret);
	return 0;
}

static void uffd_close(struct ww_tracker *tracker)
{
	ww_close_same_file(tracker->ops, tracker->pagemap, tracker->pagemap_file);
	ww_close_same_file(tracker->ops, tracker->uffd, tracker->uffd_file);
	tracker->pagemap = tracker->uffd = -1;
}

static int uffd_open(struct ww_tracker *tracker)
{
	int ret;

	tracker->uffd = tracker->pagemap = -1;
	tracker->huge_zero = ww_huge_zero_allowed();
	ret = open_descriptors(tracker);
	if (ret < 0)
		uffd_close(tracker);
	return ret;
}

static enum ww_recovery uffd_recover(struct ww_tracker *tracker)
{
	enum ww_recovery done = WW_INTACT;

	if (!ww_is_same_file(tracker->ops, tracker->pagemap,
			     tracker->pagemap_file) && !open_pagemap(tracker))
		done = WW_REOPENED;
	if (has_uffd(tracker))
		return done;
	if (!open_uffd(tracker))
		return WW_UNWATCHED;
	ww_close_same_file(tracker->ops, tracker->uffd, tracker->uffd_file);
	tracker->uffd = -1;
	return done;
}

static int uffd_protect(struct ww_tracker *tracker, uintptr_t start,
			size_t n_bytes, int access)
{
	return tracker->ops->protect(start, n_bytes, access);
}

/* A scan of its own for each of two runs costs as much as 400 clean pages between
 * them: 1,000 runs of 64 KiB with as much between them take 806 µs one by one and
 * 428 µs together (6.18). */
#define MAX_GAP ((size_t)1 << 20)

const struct ww_backend ww_backend_uffd = {
	.name = "uffd",
	.seen_by_others = true,
	.max_gap = MAX_GAP,
	.open = uffd_open,
	.close = uffd_close,
	.recover = uffd_recover,
	.watch = uffd_watch,
	.unwatch = uffd_unwatch,
	.arm = uffd_arm,
	.scan = uffd_scan,
	.reset = uffd_reset,
	.protect = uffd_protect,
};

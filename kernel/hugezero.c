/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Laying huge zero pages.
 *
 * Write-protecting memory without page tables installs a marker for every page.
 * Where a huge zero page lies, it sets one bit in one entry. The first write to
 * such a block makes the kernel split it into zero pages that all keep the bit,
 * and only the page that is written loses it: results are as exact as with
 * markers (6.12, 6.18 and 7.2; tests/kernel/hugezero.c). On 6.18, for 1 GiB:
 *
 *				markers		huge zero pages
 *	arming			5.3 ms		0.65 ms
 *	scan while untouched	830 µs		35 µs
 *	first write to a page	3.0 µs		2.1 µs
 *
 * What a block that was split gains in use it may lose when it goes: a decommit
 * walks over 512 zero pages instead of markers (1 GiB with two pages in each block
 * written: 29 ms instead of 6).
 *
 * A block that has a page table already would be filled with small zero pages
 * instead, which takes 275 µs: our callers avoid it.
 *
 * The whole view is advised to have huge pages while they are mapped, not only the
 * blocks: up to 6.12 at least, what is populated gets a list of owners of its own
 * unless the mapping beside it has the same advice, and then the two never join
 * again (4,000 commits left 4,000 mappings). That costs 0.4 µs for each mapping in
 * the view, twice, so views with many runs have markers. Memory of others in it
 * that was never armed may get a huge page meanwhile, all of which reads as written.
 */
#include "hugezero.h"

#include "abi.h"

#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22	/* Linux 5.14 */
#endif

size_t ww_block_size(void)
{
	return ww_page_size() / sizeof(uint64_t) * ww_page_size();
}

bool ww_huge_zero_settle(struct ww_tracker *tracker, uintptr_t start,
			 size_t n_bytes)
{
	return !tracker->ops->advise(start, n_bytes, MADV_NOHUGEPAGE);
}

static bool is_huge_zero(struct ww_tracker *tracker, uintptr_t start)
{
	struct pm_scan_arg arg = { 0 };
	struct page_region region;

	arg.size = sizeof(arg);
	arg.start = start;
	arg.end = start + ww_block_size();
	arg.vec = (uintptr_t)&region;
	arg.vec_len = 1;
	arg.category_mask = PAGE_IS_HUGE | PAGE_IS_PFNZERO;
	arg.return_mask = PAGE_IS_HUGE | PAGE_IS_PFNZERO;
	return tracker->ops->ioctl(tracker->pagemap, PAGEMAP_SCAN, &arg) == 1 &&
	       region.start == arg.start && region.end == arg.end;
}

/* The machine's settings may not allow huge pages, or no huge zero page, and
 * nothing says so: the first block of all tells. If they change later, a block
 * gets small zero pages, which are armed like any others. */
static bool first_block_tells(struct ww_tracker *tracker, uintptr_t start)
{
	if (tracker->ops->advise(start, ww_block_size(), MADV_POPULATE_READ))
		return false;
	tracker->huge_zero = is_huge_zero(tracker, start) ? WW_HUGE_ZERO_WORKS
							  : WW_HUGE_ZERO_OFF;
	return tracker->huge_zero == WW_HUGE_ZERO_WORKS;
}

static void populate(struct ww_tracker *tracker, const struct ww_span *view,
		     uintptr_t start, size_t n_bytes)
{
	const struct ww_kernel_ops *ops = tracker->ops;
	size_t view_bytes = view->end - view->start;

	if (!ops->advise(view->start, view_bytes, MADV_HUGEPAGE) &&
	    (tracker->huge_zero == WW_HUGE_ZERO_WORKS ||
	     first_block_tells(tracker, start)))
		ops->advise(start, n_bytes, MADV_POPULATE_READ);
	ops->advise(view->start, view_bytes, MADV_NOHUGEPAGE);
}

/* Who reads inaccessible memory at that moment reads zeroes instead of being
 * refused; nobody can write. Taking access away again splits no mapping, so it
 * does not fail for want of one.
 *
 * Another process may have committed some of it, which nobody here has heard of:
 * its pages must not lose their access even for a moment. So the kernel is asked,
 * and one that does not know arms page by page. What is still open is a commit
 * from outside that overtakes this one, of the same block, between the two calls
 * here. */
void ww_huge_zero_lay(struct ww_tracker *tracker, const struct ww_span *view,
		      uintptr_t start, size_t n_bytes, bool inaccessible)
{
	const struct ww_kernel_ops *ops = tracker->ops;

	if (tracker->huge_zero == WW_HUGE_ZERO_OFF)
		return;
	if (inaccessible && (ops->is_closed(start, n_bytes) != 1 ||
			     ops->protect(start, n_bytes, PROT_READ)))
		return;
	populate(tracker, view, start, n_bytes);
	if (inaccessible)
		ops->protect(start, n_bytes, PROT_NONE);
}

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
 * What is populated gets a list of owners, and up to 6.12 at least it never joins
 * a mapping beside it that has another, or none (4,000 commits left 4,000 mappings).
 * It takes the list of the mapping that it is cut from. So the first blocks are laid
 * while the view is still one mapping, which all later ones are cut from; else a
 * page on either side is advised like the blocks: then the list of what is beside
 * them is taken, if that is not charged to anyone. To advise the whole view each
 * time costs 1.3 µs for each mapping that the program's protections have left in it
 * (6.18).
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
 * nothing says so. Where only the zero page is missing, a block gets a whole huge
 * page, which is memory, and reads as written: so it is tried on memory of our own.
 * If huge pages are forbidden later, blocks get small zero pages, which are armed
 * like any others. */
static enum ww_huge_zero try_own_block(struct ww_tracker *tracker)
{
	const struct ww_kernel_ops *ops = tracker->ops;
	size_t n_bytes = ww_block_size();
	void *memory = ops->map(2 * n_bytes);
	uintptr_t start = ((uintptr_t)memory + n_bytes - 1) & ~(n_bytes - 1);
	bool works;

	if (!memory)
		return WW_HUGE_ZERO_UNTRIED;
	works = !ops->advise(start, n_bytes, MADV_HUGEPAGE) &&
		!ops->advise(start, n_bytes, MADV_POPULATE_READ) &&
		is_huge_zero(tracker, start);
	ops->unmap(memory, 2 * n_bytes);
	return works ? WW_HUGE_ZERO_WORKS : WW_HUGE_ZERO_OFF;
}

/* The blocks and a page on either side. */
static struct ww_span widen(const struct ww_span *view, uintptr_t start,
			    uintptr_t end)
{
	return (struct ww_span){
		.start = start > view->start ? start - ww_page_size() : start,
		.end = end < view->end ? end + ww_page_size() : end,
	};
}

static void populate(struct ww_tracker *tracker, const struct ww_span *advised,
		     uintptr_t start, size_t n_bytes)
{
	const struct ww_kernel_ops *ops = tracker->ops;
	size_t advised_bytes = advised->end - advised->start;

	if (!ops->advise(advised->start, advised_bytes, MADV_HUGEPAGE))
		ops->advise(start, n_bytes, MADV_POPULATE_READ);
	ops->advise(advised->start, advised_bytes, MADV_NOHUGEPAGE);
}

static bool is_closed(struct ww_tracker *tracker, const struct ww_span *range)
{
	return tracker->ops->is_closed(range->start,
				       range->end - range->start) == 1;
}

/* Who reads inaccessible memory at that moment reads zeroes instead of being
 * refused; nobody can write. Taking access away again splits no mapping, so it
 * does not fail for want of one.
 *
 * Another process may have committed some of it, which nobody here has heard of:
 * its pages must not lose their access even for a moment. So the kernel is asked,
 * and one that does not know arms page by page. What is still open is a commit
 * from outside that overtakes this one, of what is opened here, between the two
 * calls here.
 *
 * Committed pages without access stay out of it: they may hold something, and the
 * first touch of a guard page opens it behind our back, for good. */
static void lay_closed(struct ww_tracker *tracker, const struct ww_span *view,
		       uintptr_t start, size_t n_bytes, bool all)
{
	struct ww_span blocks = { .start = start, .end = start + n_bytes };
	struct ww_span advised = widen(view, start, blocks.end);
	const struct ww_kernel_ops *ops = tracker->ops;

	if (all && is_closed(tracker, view))
		blocks = advised = *view;
	else if (!is_closed(tracker, &blocks))
		return;
	if (ops->protect(blocks.start, blocks.end - blocks.start, PROT_READ))
		return;
	populate(tracker, &advised, start, n_bytes);
	ops->protect(blocks.start, blocks.end - blocks.start, PROT_NONE);
}

void ww_huge_zero_lay(struct ww_tracker *tracker, const struct ww_span *view,
		      uintptr_t start, size_t n_bytes,
		      enum ww_uncommitted uncommitted)
{
	struct ww_span advised = widen(view, start, start + n_bytes);

	if (tracker->huge_zero == WW_HUGE_ZERO_UNTRIED)
		tracker->huge_zero = try_own_block(tracker);
	if (tracker->huge_zero != WW_HUGE_ZERO_WORKS)
		return;
	if (uncommitted != WW_UNCOMMITTED_NONE)
		lay_closed(tracker, view, start, n_bytes,
			   uncommitted == WW_UNCOMMITTED_VIEW);
	else
		populate(tracker, &advised, start, n_bytes);
}

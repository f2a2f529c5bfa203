/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Huge zero pages under fresh memory, so that whole blocks can be armed with one
 * bit each. A *block* is what one entry of the page middle directory maps: 2 MiB
 * where pages have 4 KiB.
 *
 * All of it is best effort: what does not work is armed page by page. The memory
 * is watched; callers hold the lock that orders the changes of its access.
 */
#ifndef WW_HUGEZERO_H
#define WW_HUGEZERO_H

#include "spans.h"

/* What a tracker begins with: untried, unless the environment forbids it. */
enum ww_huge_zero ww_huge_zero_allowed(void);

/* Makes fresh memory such that a huge page never appears in it by itself, neither
 * by a write nor by khugepaged. False if that is refused. */
bool ww_huge_zero_settle(struct ww_tracker *tracker, uintptr_t start,
			 size_t n_bytes);

/* What nobody has committed yet, which is inaccessible. */
enum ww_uncommitted {
	WW_UNCOMMITTED_NONE,
	WW_UNCOMMITTED_BLOCKS,
	WW_UNCOMMITTED_VIEW,
};

/* Maps huge zero pages under whole blocks of a settled view, unless they are
 * known not to work. What is uncommitted can be read for a moment, and is
 * inaccessible again afterwards; if some of the blocks turns out to be accessible,
 * nothing is done. Committed memory has its final access, which may be none:
 * nothing is done then. */
void ww_huge_zero_lay(struct ww_tracker *tracker, const struct ww_span *view,
		      uintptr_t start, size_t n_bytes,
		      enum ww_uncommitted uncommitted);

#endif

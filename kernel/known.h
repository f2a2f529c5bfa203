/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The known-written bitmap of a registry: pages that are written whatever the
 * kernel's bits say, because they were decommitted while dirty, or because a
 * result that had reset them never reached its caller.
 *
 * Pages are numbered from address 0. Bits are set, cleared and read by any
 * thread, and cleared by other processes. A piece of the bitmap is there before
 * the first of its pages is watched, and stays (share.h), so nothing here can
 * fail.
 */
#ifndef WW_KNOWN_H
#define WW_KNOWN_H

#include "tracker.h"

#include <stdbool.h>

#define WW_KNOWN_WORD_BITS 64
/* The pages that one bit of the summary stands for. */
#define WW_KNOWN_GROUP (WW_KNOWN_WORD_BITS * WW_KNOWN_WORD_BITS)

/* With pages of 4 KiB, 64 GiB of memory. */
#define WW_KNOWN_PIECE_PAGES ((size_t)1 << 24)

/* Sparse memory, zeroed at first. */
struct ww_known_piece {
	ww_aligned64 leaves[WW_KNOWN_PIECE_PAGES / WW_KNOWN_WORD_BITS];
	ww_aligned64 summary[WW_KNOWN_PIECE_PAGES / WW_KNOWN_GROUP /
			 WW_KNOWN_WORD_BITS];
};

struct ww_known {
	/* One each, from address 0 on; NULL: none of its pages is known, and
	 * none can be set. Without the table, every page reads as known, and
	 * nothing can be set or cleared. */
	struct ww_known_piece **pieces;
};

/* Sets the bits of [first, end). */
void ww_known_set(const struct ww_known *known, size_t first, size_t end);

void ww_known_clear(const struct ww_known *known, size_t first, size_t end);

/* The same for pages that nobody watches any more, and gives back what memory
 * of the bitmap only they had used. */
void ww_known_forget(const struct ww_known *known,
		     const struct ww_kernel_ops *ops, size_t first, size_t end);

/* The first run of known pages within [first, end). False if there is none. */
bool ww_known_next(const struct ww_known *known, size_t first, size_t end,
		   size_t *run_first, size_t *run_end);

static inline size_t ww_page_number(uintptr_t address)
{
	return address / ww_page_size();
}

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The known-written bitmap of a region: pages that are written whatever the
 * kernel's bits say, because they were decommitted while dirty, or because a
 * result that had reset them never reached its caller.
 *
 * Pages are numbered from the region's first. Bits are set and read by any
 * thread; memory for them is only asked for by ww_known_reserve.
 */
#ifndef WW_KNOWN_H
#define WW_KNOWN_H

#include "tracker.h"

#include <stdbool.h>

/* Regions of up to 256 pages need no memory for their bits. */
#define WW_KNOWN_INLINE 5

struct ww_known {
	uint64_t *words;	/* NULL: no page is known to be written */
	size_t n_pages;
	uint64_t few[WW_KNOWN_INLINE];
};

void ww_known_init(struct ww_known *known, size_t n_pages);
void ww_known_free(struct ww_known *known, const struct ww_kernel_ops *ops);

/* Makes sure that bits can be set. 0 or -ENOMEM. One thread at a time. */
int ww_known_reserve(struct ww_known *known, const struct ww_kernel_ops *ops);

/* Sets the bits of [first, end). ww_known_reserve came before. */
void ww_known_set(struct ww_known *known, size_t first, size_t end);

void ww_known_clear(struct ww_known *known, size_t first, size_t end);

/* The first run of known pages within [first, end). False if there is none. */
bool ww_known_next(const struct ww_known *known, size_t first, size_t end,
		   size_t *run_first, size_t *run_end);

#endif

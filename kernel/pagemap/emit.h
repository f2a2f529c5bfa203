/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regions on their way into the caller's array, through a buffer of our own. */
#ifndef WW_PAGEMAP_EMIT_H
#define WW_PAGEMAP_EMIT_H

#include "abi.h"
#include "revision.h"

#define WW_EMIT_REGIONS 512

struct ww_emit {
	const struct ww_pagemap_call *call;
	bool dry;			/* only counts */
	uint64_t n_left;		/* pages that max_pages still allows */
	uint64_t n_out;			/* regions in the caller's array */
	unsigned n_buffered;
	bool sealed;			/* the last region grows no more */
	/* the last can still grow; n_pages_or_end is the end here */
	struct ww_pm_region buffer[WW_EMIT_REGIONS];
};

void ww_emit_begin(struct ww_emit *emit, const struct ww_pagemap_call *call,
		   bool dry);

/* How much of [start, end), all of the same bits, there is room for: where that
 * ends. */
uint64_t ww_emit_fits(const struct ww_emit *emit, uint64_t start, uint64_t end,
		      uint64_t bits);

/* Unless pages of these bits there would go on with the last region, nothing
 * does any more. */
void ww_emit_seal(struct ww_emit *emit, uint64_t start, uint64_t bits);

/* Makes room in the buffer for pages that begin there. 0 or -EFAULT. */
int ww_emit_prepare(struct ww_emit *emit, uint64_t start, uint64_t bits);

/* Adds what fits, after room was made for it. */
void ww_emit_add(struct ww_emit *emit, uint64_t start, uint64_t end,
		 uint64_t bits);

/* Writes to the caller's memory. 0 or -EFAULT. */
int ww_emit_write(const struct ww_pagemap_call *call, uint64_t address,
		  const void *source, size_t n_bytes);

/* Empties the buffer into the caller's array. 0 or -EFAULT. */
int ww_emit_flush(struct ww_emit *emit);

#endif

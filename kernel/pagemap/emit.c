/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Regions on their way into the caller's array, through a buffer of our own. */
#include "emit.h"

#include "user.h"

#include <errno.h>

void ww_emit_begin(struct ww_emit *emit, const struct ww_pagemap_call *call,
		   bool dry)
{
	emit->call = call;
	emit->dry = dry;
	emit->n_left = call->max_pages ? call->max_pages : UINT64_MAX;
	emit->n_out = 0;
	emit->n_buffered = 0;
	emit->sealed = false;
}

static bool grows(const struct ww_emit *emit, uint64_t start, uint64_t bits)
{
	const struct ww_pm_region *last;

	if (!emit->n_buffered || emit->sealed)
		return false;
	last = &emit->buffer[emit->n_buffered - 1];
	return last->n_pages_or_end == start && last->bits == bits;
}

/* The two limits know nothing of each other: a full array still takes pages
 * that its last region grows by. */
uint64_t ww_emit_fits(const struct ww_emit *emit, uint64_t start, uint64_t end,
		      uint64_t bits)
{
	if (emit->n_out + emit->n_buffered == emit->call->vec_len &&
	    !grows(emit, start, bits))
		return start;
	if ((end - start) / WW_PAGEMAP_PAGE > emit->n_left)
		return start + emit->n_left * WW_PAGEMAP_PAGE;
	return end;
}

void ww_emit_seal(struct ww_emit *emit, uint64_t start, uint64_t bits)
{
	emit->sealed = !grows(emit, start, bits);
}

int ww_emit_prepare(struct ww_emit *emit, uint64_t start, uint64_t bits)
{
	if (emit->n_buffered < WW_EMIT_REGIONS || grows(emit, start, bits))
		return 0;
	return ww_emit_flush(emit);
}

void ww_emit_add(struct ww_emit *emit, uint64_t start, uint64_t end,
		 uint64_t bits)
{
	emit->n_left -= (end - start) / WW_PAGEMAP_PAGE;
	if (grows(emit, start, bits)) {
		emit->buffer[emit->n_buffered - 1].n_pages_or_end = end;
		return;
	}
	emit->sealed = false;
	emit->buffer[emit->n_buffered++] = (struct ww_pm_region){
		start, end, bits
	};
}

static void encode(struct ww_emit *emit)
{
	for (unsigned i = 0; i < emit->n_buffered; i++) {
		struct ww_pm_region *region = &emit->buffer[i];

		region->n_pages_or_end = (region->n_pages_or_end -
					  region->start) / WW_PAGEMAP_PAGE;
	}
}

/* The array may lie in the memory that is watched, and armed by this scan. */
int ww_emit_write(const struct ww_pagemap_call *call, uint64_t address,
		  const void *source, size_t n_bytes)
{
	struct ww_pages *pages = call->pages;
	uint64_t end = address + n_bytes + WW_PAGEMAP_PAGE - 1;
	int error = ww_user_write(address, source, n_bytes);

	if (!error || !pages->ops->allow)
		return error;
	pages->ops->allow(pages, address - address % WW_PAGEMAP_PAGE,
			  end - end % WW_PAGEMAP_PAGE);
	return ww_user_write(address, source, n_bytes);
}

int ww_emit_flush(struct ww_emit *emit)
{
	uint64_t at = emit->call->vec + emit->n_out * sizeof(emit->buffer[0]);
	size_t n_bytes = emit->n_buffered * sizeof(emit->buffer[0]);

	emit->n_out += emit->n_buffered;
	if (!emit->dry && n_bytes) {
		if (!emit->call->revision->region_has_end)
			encode(emit);
		if (ww_emit_write(emit->call, at, emit->buffer, n_bytes))
			return -EFAULT;
	}
	emit->n_buffered = 0;
	return 0;
}

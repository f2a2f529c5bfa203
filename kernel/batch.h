/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The batches in which a query works: each fills the record of its slot. */
#ifndef WW_BATCH_H
#define WW_BATCH_H

#include "registry.h"

/* What the caller's array still takes: pages or runs, whichever it counts. */
struct ww_room {
	size_t n_pages;
	size_t n_runs;
};

/* Fills the record with the written pages from `from` on, as many as there is
 * room for, and returns up to where that is all of them. With `reset` they are
 * taken, and the slot says so until the next batch or the end of the query. */
uintptr_t ww_batch(struct ww_query *query, bool reset, uintptr_t from,
		   struct ww_room room);

/* Whether the query's region, or a part of it, was released under the query.
 * Whoever releases it counts that before others can reserve the memory and set
 * bits there, so bits of theirs that were just cleared are noticed by this. */
static inline bool ww_query_is_stale(const struct ww_query *query)
{
	return __atomic_load_n(&query->region->n_releases, __ATOMIC_SEQ_CST) !=
	       query->n_releases;
}

/* With the lock not held, after a scan of `failed` failed, perhaps after
 * resetting pages: what has lost its watch gets it back, and what may have been
 * `taken` counts as written, as does what the record holds. */
void ww_batch_repair(struct ww_query *query, const struct ww_span *failed,
		     bool taken);

#endif

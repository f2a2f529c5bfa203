/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One slot for every thread that queries: which region it is in, so that the
 * region's memory stays; and, for a query that resets, what it has taken from
 * the kernel and not yet handed over, so that nothing of it can be lost.
 */
#ifndef WW_SLOTS_H
#define WW_SLOTS_H

#include "tracker.h"

#include <stdbool.h>

enum ww_slot_phase {
	WW_SLOT_IDLE,		/* nothing is taken */
	WW_SLOT_TAKING,		/* the record is being filled: only the owner,
				 * or its end, may read it */
	WW_SLOT_TAKEN,		/* the record is complete, the caller does not
				 * have all of it yet: anyone may put it back */
	WW_SLOT_PUT_BACK,	/* somebody did */
};

struct ww_slot {
	/* phase in the lowest two bits, above them a number that changes with
	 * every record */
	ww_aligned64 state;
	struct ww_region *region;
	struct ww_regions *regions;	/* of the record, and of the region */
	struct ww_slot *next;
	bool claimed;
	/* the record: of one query's range, all between done_start and
	 * done_end was reported by it before, among it, between outside_start
	 * and outside_end, pages that are in no committed run; then what it is about to report.
	 * A scanned run that ends at 0 was not filled. With any_region, its
	 * region may have been released before the scan, and another one may
	 * have been scanned in its place. */
	uintptr_t start;
	uintptr_t end;
	uintptr_t done_start;
	uintptr_t done_end;
	uintptr_t outside_start;
	uintptr_t outside_end;
	bool any_region;
	size_t n_known;
	size_t n_scanned;
	size_t n_filled;	/* the owner's: scanned runs behind these end at
				 * 0 */
	struct ww_run known[WW_MAX_RUNS];
	struct ww_run scanned[WW_MAX_RUNS];
};

/* What happens to a record whose owner ends. */
typedef void ww_slot_orphan(struct ww_slot *slot);

/* Once per process, before the first claim. 0 or -errno. */
int ww_slots_init(ww_slot_orphan *orphan);

/* This thread's slot; NULL when there is no memory for it. Its thread's end
 * gives it back, after handing an unfinished record to `orphan`. */
struct ww_slot *ww_slot_mine(const struct ww_kernel_ops *ops);

/* All slots there are, in no order; slots never go away. */
struct ww_slot *ww_slots_first(void);

/* In a forked child: no other thread has survived. */
void ww_slots_after_fork(void);

static inline enum ww_slot_phase ww_slot_phase(uint64_t state)
{
	return (enum ww_slot_phase)(state & 3);
}

/* The owner begins a new phase, unless somebody has put the record back in the
 * meantime: then it says false, and the phase begins all the same. */
bool ww_slot_enter(struct ww_slot *slot, enum ww_slot_phase phase);

static inline uint64_t ww_slot_state(const struct ww_slot *slot)
{
	return __atomic_load_n(&slot->state, __ATOMIC_SEQ_CST);
}

#endif

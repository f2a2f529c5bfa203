/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the writers and the queries of a registry share. */
#ifndef WW_REGISTRY_H
#define WW_REGISTRY_H

#include "regions.h"
#include "share.h"
#include "slots.h"
#include "spans.h"

#include <pthread.h>

/* Descriptors are never unmapped. One goes back into use when its region is
 * released and no thread's slot names it; its generation has changed then. */
struct ww_region {
	ww_aligned64 generation;
	ww_aligned64 n_releases;	/* of parts, or of the whole */
	uintptr_t start;
	uintptr_t end;
	struct ww_spans runs;	/* committed memory, and small gaps within it:
				 * what scans look at. A hint: written pages
				 * outside it are looked for */
	struct ww_spans committed;	/* without the gaps */
	bool vague;		/* some of it is not in there, for want of memory */
	struct ww_spans used;	/* blocks that may have a page table */
	bool settled;		/* blocks can be laid: see hugezero.h */
	bool patchy;		/* some pages of the runs may have no entry in a
				 * page table */
	size_t n_views;
	struct ww_region *next;	/* among the retired or the unused */
};

struct ww_regions {
	struct ww_tracker tracker;
	struct ww_share share;	/* and the known-written bitmap */
	struct ww_share child;	/* while this process forks */
	struct ww_spans views;	/* value: the region, stamp: its generation */
	pthread_mutex_t mutex;
	int cancel_state;	/* of the thread that holds it */
	sigset_t blocked;
	struct ww_region *retired;
	struct ww_region *unused;
	struct ww_region *slabs;	/* the first of each is its heading */
	struct ww_regions *next;
	bool forked;		/* this is a child that has not asked yet */
};

/* With the lock held, after a scan of [start, end) failed: what is committed in
 * this region now is watched again, and marked unless it can be scanned and
 * nothing was `taken` from it. */
void ww_region_repair(struct ww_regions *regions, struct ww_region *region,
		      uintptr_t start, uintptr_t end, bool taken);

/* After a scan failed that no repair follows: true if descriptors were lost and
 * are open again, so that it is worth another try. Takes the lock. */
bool ww_regions_recover(struct ww_regions *regions);

/* With the lock held: takes written pages that were found outside the committed
 * runs into them. */
void ww_region_adopt(struct ww_regions *regions, struct ww_region *region,
		     uintptr_t start, uintptr_t end);

/* With the lock held: the pages that a slot's record lists read as written, as
 * long as the slot is in this state. */
void ww_regions_put_back_record(struct ww_regions *regions,
				const struct ww_slot *slot, uint64_t state);

/* The same, and what earlier batches of the same query had reported. */
void ww_regions_put_back(struct ww_regions *regions, const struct ww_slot *slot,
			 uint64_t state);

static inline bool ww_regions_forked(const struct ww_regions *regions)
{
	return __atomic_load_n(&regions->forked, __ATOMIC_ACQUIRE);
}

/* Widens [address, address + n_bytes) to whole pages. False if it wraps. */
static inline bool ww_widen(uintptr_t address, size_t n_bytes, uintptr_t *start,
			    uintptr_t *end)
{
	uintptr_t page_mask = ww_page_size() - 1, last;

	if (__builtin_add_overflow(address, n_bytes - 1, &last) ||
	    last >= (UINTPTR_MAX & ~page_mask))
		return false;
	*start = address & ~page_mask;
	*end = (last | page_mask) + 1;
	return true;
}

#endif

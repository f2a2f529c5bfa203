/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queries: which pages of a range were written, with or without reset.
 *
 * Why no write is lost. A page is *taken* when the scan write-protects it, or
 * when its known-written bit is cleared. Everything that is about to be taken
 * is covered by this thread's slot first: the slot says TAKING, known pages are
 * listed before their bits are cleared, and the kernel stores the pages that a
 * scan resets into the slot itself. When the list is complete the slot says
 * TAKEN, and only then are addresses stored in the caller's array, which may
 * fault; the slot is IDLE again when the caller has everything.
 *  - The thread is unwound by a fault in the array: the slot stays TAKEN. The
 *    next query of an overlapping range by anyone, or of any range by the same
 *    thread, puts the record back as known-written pages.
 *  - It is killed: the end of its thread puts the record back, from any phase.
 *  - It is suspended: while TAKING nobody touches the record, and its pages are
 *    reported when it goes on, as if the call had come a little later. While
 *    TAKEN others put it back once, marking it PUT_BACK; so another thread's
 *    loop "reset while the array was full" ends. Both report those pages then:
 *    a page may be reported twice, never not at all.
 *  - A racing write to a page: before the kernel's reset of that page it is in
 *    this result, after it the kernel keeps it for the next.
 *  - A racing setter of a known bit: it sets the bit either before we list it
 *    (reported here) or after (kept); a bit set again between listing and
 *    clearing stands for a write that this result reports.
 * A query without reset takes nothing and has no record. It may make known what
 * it found to be written, and leave out of its scans what is known. Bits are only
 * ever set by that, and whoever resets scans known pages like all others, before
 * it clears their bits: a page that was written and not yet reported is known, or
 * the kernel has it, or both.
 *
 * Reports are exact but for these cases, all of them over-reports. Pages that
 * are reported twice: what another query had taken when it was put back; what
 * two queries with reset, or one and a decommit, find at once. Pages that were
 * not written: what a query without reset finds and another resets before it
 * is made known, until the next reset; of a query cut off after its first
 * batch, all committed pages that it had passed, and what lies between
 * decommitted ones that it had reported; runs whose scan failed, with the
 * small gaps in them, and memory whose arming failed; what a query puts back
 * or makes known whose region, or a part of it, was released under it and reserved
 * anew; and all that such a query takes, since some of it may be the new region's,
 * whose owner is told as well. Another process may take pages, too: foreign.c.
 */
#include "batch.h"
#include "merge.h"

#include <writewatch.h>

#include <errno.h>

/* ---- Beginning and end ---- */

static unsigned views_stamp(struct ww_regions *regions)
{
	return __atomic_load_n(&regions->views.sequence, __ATOMIC_SEQ_CST);
}

/* Names the region in the slot, then checks that it is still the one that was
 * found: from there on its memory stays (regions.c has the other half), and
 * releases of its parts are counted that the view does not show. */
static int enter_region(struct ww_query *query)
{
	struct ww_slot *slot = query->slot;
	struct ww_span view;
	uint64_t generation;
	unsigned stamp;

	do {
		struct ww_region *region;

		stamp = views_stamp(query->regions);
		if (!ww_spans_find(&query->regions->views, query->start, &view) ||
		    view.start > query->start)
			return -ENOENT;
		region = view.value;
		__atomic_store_n(&slot->region, region, __ATOMIC_SEQ_CST);
		generation = __atomic_load_n(&region->generation, __ATOMIC_SEQ_CST);
		query->region = region;
		query->n_releases = __atomic_load_n(&region->n_releases,
						    __ATOMIC_SEQ_CST);
	} while (generation != view.stamp ||
		 views_stamp(query->regions) != stamp);
	return query->end <= view.end ? 0 : -ERANGE;
}

static void leave_region(struct ww_slot *slot)
{
	__atomic_store_n(&slot->region, NULL, __ATOMIC_RELEASE);
}

/* A record that this thread left behind when it was unwound. */
static void settle_own(struct ww_slot *slot)
{
	struct ww_regions *regions = slot->regions;
	uint64_t state = ww_slot_state(slot);
	sigset_t saved;

	if (ww_slot_phase(state) == WW_SLOT_IDLE)
		return;
	if (ww_slot_phase(state) != WW_SLOT_PUT_BACK) {
		ww_regions_lock(regions, &saved);
		ww_regions_put_back(regions, slot, state);
		ww_regions_unlock(regions, &saved);
	}
	ww_slot_enter(slot, WW_SLOT_IDLE);
}

/* The first call in a forked child; the lock does it. */
static void revive(struct ww_regions *regions)
{
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	ww_regions_unlock(regions, &saved);
}

int ww_query_begin(struct ww_query *query, struct ww_regions *regions,
		   uintptr_t address, size_t n_bytes)
{
	int ret;

	if (!ww_widen(address, n_bytes, &query->start, &query->end))
		return -ERANGE;
	query->regions = regions;
	query->none_known = query->end;
	query->slot = ww_slot_mine(regions->tracker.ops);
	if (!query->slot)
		return -ENOMEM;
	settle_own(query->slot);
	__atomic_store_n(&query->slot->regions, regions, __ATOMIC_RELAXED);
	if (ww_regions_forked(regions))
		revive(regions);
	ret = enter_region(query);
	if (ret)
		leave_region(query->slot);
	return ret;
}

void ww_query_end(struct ww_query *query)
{
	struct ww_slot *slot = query->slot;

	if (ww_slot_phase(ww_slot_state(slot)) != WW_SLOT_IDLE)
		ww_slot_enter(slot, WW_SLOT_IDLE);
	leave_region(slot);
}

size_t ww_query_pages(const struct ww_query *query)
{
	return (query->end - query->start) / ww_page_size();
}

/* ---- What others left ---- */

static bool overlaps(const struct ww_slot *slot, const struct ww_query *query)
{
	return __atomic_load_n(&slot->start, __ATOMIC_RELAXED) < query->end &&
	       __atomic_load_n(&slot->end, __ATOMIC_RELAXED) > query->start;
}

static void put_back_other(struct ww_query *query, struct ww_slot *slot,
			   uint64_t state)
{
	sigset_t saved;

	ww_regions_lock(query->regions, &saved);
	ww_regions_put_back(query->regions, slot, state);
	/* the mark goes on last: who is stopped before it does it again */
	__atomic_compare_exchange_n(&slot->state, &state,
				    (state & ~UINT64_C(3)) | WW_SLOT_PUT_BACK,
				    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	ww_regions_unlock(query->regions, &saved);
}

static void settle_others(struct ww_query *query)
{
	struct ww_slot *slot;

	for (slot = ww_slots_first(); slot; slot = slot->next) {
		uint64_t state = ww_slot_state(slot);

		if (ww_slot_phase(state) == WW_SLOT_TAKEN &&
		    __atomic_load_n(&slot->regions, __ATOMIC_RELAXED) ==
			    query->regions && overlaps(slot, query))
			put_back_other(query, slot, state);
	}
}

/* Pages that another process committed and somebody wrote: they are in no run,
 * and a run must not hide them. */
static void adopt_strays(struct ww_query *query, const struct ww_run *runs,
			 size_t n_runs)
{
	struct ww_view view;
	sigset_t saved;

	ww_regions_lock(query->regions, &saved);
	if (ww_regions_view(query->regions, query->start, &view) &&
	    view.region == query->region)
		for (size_t i = 0; i < n_runs; i++)
			ww_region_adopt(query->regions, view.region,
					runs[i].start, runs[i].end);
	ww_regions_unlock(query->regions, &saved);
}

static int scan_gap(struct ww_regions *regions, struct ww_scan *scan)
{
	struct ww_tracker *tracker = &regions->tracker;
	int ret = tracker->backend->scan(tracker, scan);

	if (ret && ww_regions_recover(regions))
		ret = tracker->backend->scan(tracker, scan);
	return ret;
}

static void find_strays(struct ww_query *query)
{
	struct ww_span gap = { .end = query->start };
	struct ww_run found[64];

	while (ww_spans_next_gap(&query->region->runs, gap.end, query->end, &gap)) {
		struct ww_scan scan = {
			.start = gap.start,
			.n_bytes = gap.end - gap.start,
			.flags = WW_SCAN_UNARMED,
			.max_pages = (gap.end - gap.start) / ww_page_size(),
			.runs = found,
			.max_runs = sizeof(found) / sizeof(found[0]),
		};

		/* a gap that cannot be scanned is one that nobody committed, as
		 * far as anyone here knows */
		if (scan_gap(query->regions, &scan) || !scan.n_runs)
			continue;
		adopt_strays(query, scan.runs, scan.n_runs);
		gap.end = scan.resume;
	}
}

/* ---- Get ---- */

static uintptr_t *expand(uintptr_t *next, uintptr_t start, uintptr_t end,
			 size_t page_size)
{
	for (; start < end; start += page_size)
		*next++ = start;
	return next;
}

static size_t hand_over_merged(const struct ww_slot *slot, uintptr_t *addresses)
{
	struct ww_merge merge = ww_merge_begin(slot->known, slot->n_known,
					       slot->scanned, slot->n_scanned);
	uintptr_t *next = addresses;
	struct ww_run run;

	while (ww_merge_next(&merge, &run))
		next = expand(next, (uintptr_t)run.start, (uintptr_t)run.end,
			      ww_page_size());
	return (size_t)(next - addresses);
}

/* Stores the record's pages in the caller's array, which may fault. Mostly they
 * come from one scan, and then a call for each run would cost a third as much as
 * the kernel takes to find it. */
static size_t hand_over(const struct ww_slot *slot, uintptr_t *addresses)
{
	const struct ww_run *run = slot->scanned, *end = run + slot->n_scanned;
	size_t page_size = ww_page_size();
	uintptr_t *next = addresses;

	if (slot->n_known)
		return hand_over_merged(slot, addresses);
	for (; run < end; run++)
		next = expand(next, (uintptr_t)run->start, (uintptr_t)run->end,
			      page_size);
	return (size_t)(next - addresses);
}

size_t ww_query_get(struct ww_query *query, bool reset, uintptr_t *addresses,
		    size_t capacity)
{
	uintptr_t from = query->start;
	size_t n = 0;

	settle_others(query);
	find_strays(query);
	while (from < query->end && n < capacity) {
		from = ww_batch(query, reset, from,
				(struct ww_room){ capacity - n, SIZE_MAX });
		n += hand_over(query->slot, addresses + n);
	}
	return n;
}

static char *end_of(const struct ww_range *range)
{
	return (char *)range->start + range->n_bytes;
}

/* Runs that go on across two batches are one for the caller. */
static size_t hand_over_runs(const struct ww_slot *slot, struct ww_range *runs,
			     size_t n)
{
	struct ww_merge merge = ww_merge_begin(slot->known, slot->n_known,
					       slot->scanned, slot->n_scanned);
	struct ww_run run;

	while (ww_merge_next(&merge, &run)) {
		size_t n_bytes = (size_t)(run.end - run.start);

		if (n && end_of(&runs[n - 1]) == (char *)(uintptr_t)run.start)
			runs[n - 1].n_bytes += n_bytes;
		else
			runs[n++] = (struct ww_range){ (void *)(uintptr_t)run.start,
						       n_bytes };
	}
	return n;
}

size_t ww_query_get_runs(struct ww_query *query, bool reset,
			 struct ww_range *runs, size_t capacity)
{
	uintptr_t from = query->start;
	size_t n = 0;

	settle_others(query);
	find_strays(query);
	while (from < query->end && n < capacity) {
		from = ww_batch(query, reset, from,
				(struct ww_room){ SIZE_MAX / ww_page_size(),
						  capacity - n });
		n = hand_over_runs(query->slot, runs, n);
	}
	return n;
}

/* ---- Reset ---- */

static void clear_known(struct ww_query *query, uintptr_t start, uintptr_t end)
{
	ww_known_clear(&query->regions->share.known, ww_page_number(start),
		       ww_page_number(end));
}

/* Known bits go before the kernel's: a bit that is set in between stands for a
 * write that the reset has not seen. */
static int clean(struct ww_query *query, const struct ww_span *run)
{
	struct ww_tracker *tracker = &query->regions->tracker;

	clear_known(query, run->start, run->end);
	return tracker->backend->reset(tracker, run->start, run->end - run->start);
}

/* What cannot be reset even after a repair stays written. The repair may have cut
 * the run. */
static void reset_run(struct ww_query *query, const struct ww_span *run)
{
	struct ww_span piece = { .end = run->start };

	if (!clean(query, run))
		return;
	ww_batch_repair(query, run, true);
	while (ww_spans_next(&query->region->runs, piece.end, run->end, &piece))
		if (clean(query, &piece))
			ww_batch_repair(query, &piece, true);
}

void ww_query_reset(struct ww_query *query)
{
	struct ww_region *region = query->region;
	struct ww_span run = { .end = query->start };

	settle_others(query);
	find_strays(query);
	/* decommitted pages, too */
	clear_known(query, query->start, query->end);
	while (ww_spans_next(&region->runs, run.end, query->end, &run))
		reset_run(query, &run);
	/* what was reset may have been written in a region that came after */
	if (ww_query_is_stale(query))
		ww_known_set(&query->regions->share.known,
			     ww_page_number(query->start),
			     ww_page_number(query->end));
}

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
 * Reports are exact but for these cases, all of them over-reports. Pages that are
 * reported twice: what another query had taken when it was put back; what two
 * queries with reset, or one and a decommit, find at once. Pages that were not
 * written: of a query cut off after its first 512 runs, all committed pages that
 * it had passed, and what lies between decommitted ones that it had reported;
 * runs whose scan failed; what a query puts back whose region was released
 * under it and reserved anew. Another process may take pages, too: foreign.c.
 */
#include "merge.h"
#include "registry.h"

#include <writewatch.h>

#include <errno.h>

/* Scans begin with few runs, because the kernel allocates for as many as are
 * asked for: 0.76 µs for up to 64, 1.25 µs for 512 (6.18). */
#define FIRST_RUNS 64

/* How often a query starts again after a scan failed and its memory was watched
 * anew, before it takes all committed pages as written. */
#define MAX_REPAIRS 3

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* ---- Beginning and end ---- */

/* Names the region in the slot, then checks that it is still the one that was
 * found: from there on its memory stays (regions.c has the other half). */
static int enter_region(struct ww_query *query)
{
	struct ww_slot *slot = query->slot;
	struct ww_span view;
	uint64_t generation;

	do {
		struct ww_region *region;

		if (!ww_spans_find(&query->regions->views, query->start, &view) ||
		    view.start > query->start)
			return -ENOENT;
		region = view.value;
		__atomic_store_n(&slot->region, region, __ATOMIC_SEQ_CST);
		generation = __atomic_load_n(&region->generation, __ATOMIC_SEQ_CST);
		query->region = region;
		query->generation = view.stamp;
	} while (generation != view.stamp);
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

static void find_strays(struct ww_query *query)
{
	struct ww_tracker *tracker = &query->regions->tracker;
	struct ww_span gap = { .end = query->start };

	while (ww_spans_next_gap(&query->region->runs, gap.end, query->end, &gap)) {
		struct ww_scan scan = {
			.start = gap.start,
			.n_bytes = gap.end - gap.start,
			.flags = WW_SCAN_UNARMED,
			.max_pages = (gap.end - gap.start) / ww_page_size(),
			.runs = query->slot->scanned,
			.max_runs = FIRST_RUNS,
		};

		/* a gap that cannot be scanned is one that nobody committed, as
		 * far as anyone here knows */
		if (tracker->backend->scan(tracker, &scan) || !scan.n_runs)
			continue;
		adopt_strays(query, scan.runs, scan.n_runs);
		gap.end = scan.resume;
	}
}

/* ---- Filling the record ---- */

/* What the caller's array still takes: pages or runs, whichever it counts. */
struct room {
	size_t n_pages;
	size_t n_runs;
};

static const struct ww_known *known(const struct ww_query *query)
{
	return &query->regions->share.known;
}

static void set_known(struct ww_query *query, const struct ww_run *run)
{
	ww_known_set(known(query), ww_page_number((uintptr_t)run->start),
		     ww_page_number((uintptr_t)run->end));
}

static void clear_known(struct ww_query *query, uint64_t start, uint64_t end)
{
	ww_known_clear(known(query), ww_page_number((uintptr_t)start),
		       ww_page_number((uintptr_t)end));
}

static bool next_known(const struct ww_query *query, uintptr_t from,
		       struct ww_run *run)
{
	size_t first, end;

	if (!ww_known_next(known(query), ww_page_number(from),
			   ww_page_number(query->end), &first, &end))
		return false;
	run->start = first * ww_page_size();
	run->end = end * ww_page_size();
	return true;
}

/* The next pages that count as written without a scan: those known to be, and,
 * when scans keep failing, all that is committed. */
static bool next_unscanned(const struct ww_query *query, bool blind,
			   uintptr_t from, struct ww_run *run)
{
	bool any = next_known(query, from, run);
	struct ww_span piece;

	if (blind && ww_spans_next(&query->region->runs, from, query->end, &piece) &&
	    (!any || piece.start < run->start)) {
		*run = (struct ww_run){ piece.start, piece.end, 0 };
		any = true;
	}
	return any;
}

/* Lists what is known to be written from `from` on, no more than there is room
 * for. Returns up to where the list is complete. */
static uintptr_t list_known(struct ww_query *query, bool blind, uintptr_t from,
			    struct room room)
{
	size_t max_runs = min_size(room.n_runs, WW_MAX_KNOWN_RUNS);
	struct ww_slot *slot = query->slot;
	struct ww_run run;

	while (from < query->end && next_unscanned(query, blind, from, &run)) {
		size_t n_pages = (run.end - run.start) / ww_page_size();

		if (n_pages > room.n_pages)
			run.end = run.start + room.n_pages * ww_page_size();
		room.n_pages -= min_size(n_pages, room.n_pages);
		__atomic_store_n(&slot->known[slot->n_known].start, run.start,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&slot->known[slot->n_known].end, run.end,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&slot->n_known, slot->n_known + 1, __ATOMIC_RELEASE);
		from = (uintptr_t)run.end;
		if (!room.n_pages || slot->n_known == max_runs)
			return from;
	}
	return query->end;
}

static void clear_listed(struct ww_query *query)
{
	const struct ww_slot *slot = query->slot;

	for (size_t i = 0; i < slot->n_known; i++)
		clear_known(query, slot->known[i].start, slot->known[i].end);
}

/* Whether the region was released under the query. Whoever releases it changes
 * its generation before others can reserve the memory and set bits there, so
 * bits of theirs that were just cleared are noticed here. */
static bool is_stale(const struct ww_query *query)
{
	return __atomic_load_n(&query->region->generation, __ATOMIC_SEQ_CST) !=
	       query->generation;
}

/* Takes what is listed, unless it is another region's by now. */
static bool take_listed(struct ww_query *query)
{
	struct ww_slot *slot = query->slot;

	clear_listed(query);
	if (!is_stale(query))
		return true;
	for (size_t i = 0; i < slot->n_known; i++)
		set_known(query, &slot->known[i]);
	return false;
}

/* Makes room in the record for what a scan may store, recognisable as not yet
 * stored. */
static void offer_runs(struct ww_slot *slot, size_t first, size_t n_runs)
{
	for (size_t i = first; i < first + n_runs; i++)
		__atomic_store_n(&slot->scanned[i].end, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->n_scanned, first + n_runs, __ATOMIC_RELEASE);
}

struct progress {
	uintptr_t reached;	/* scanned up to here */
	size_t n_runs;
	size_t n_pages;
	bool is_first;		/* the query's first batch */
	struct ww_span failed;	/* what a failed scan was about */
};

static size_t max_runs(struct room room)
{
	return min_size(room.n_runs, WW_MAX_RUNS);
}

static int scan_piece(struct ww_query *query, bool reset, struct room room,
		      const struct ww_span *piece, struct progress *progress)
{
	struct ww_tracker *tracker = &query->regions->tracker;
	struct ww_slot *slot = query->slot;
	struct ww_scan scan = {
		.start = piece->start,
		.n_bytes = piece->end - piece->start,
		.flags = reset ? WW_SCAN_RESET : 0,
		.max_pages = room.n_pages - progress->n_pages,
		.runs = slot->scanned + progress->n_runs,
		.max_runs = max_runs(room) - progress->n_runs,
	};
	size_t useful = (scan.n_bytes / ww_page_size() + 1) / 2;
	int ret;

	if (progress->is_first && !progress->n_runs)
		scan.max_runs = min_size(scan.max_runs, FIRST_RUNS);
	scan.max_runs = min_size(scan.max_runs, useful);
	offer_runs(slot, progress->n_runs, scan.max_runs);
	ret = tracker->backend->scan(tracker, &scan);
	if (ret) {
		progress->failed = *piece;
		return ret;
	}
	progress->n_runs += scan.n_runs;
	progress->n_pages += scan.n_pages;
	progress->reached = scan.resume;
	__atomic_store_n(&slot->n_scanned, progress->n_runs, __ATOMIC_RELEASE);
	return 0;
}

/* Scans the committed memory of [from, limit) until there is no more room. */
static int scan_runs(struct ww_query *query, bool reset, uintptr_t from,
		     uintptr_t limit, struct room room,
		     struct progress *progress)
{
	struct ww_span piece;

	*progress = (struct progress){
		.reached = from,
		.is_first = from == query->start,
	};
	while (ww_spans_next(&query->region->runs, progress->reached, limit,
			     &piece)) {
		int ret = scan_piece(query, reset, room, &piece, progress);

		if (ret)
			return ret;
		if (progress->n_pages >= room.n_pages ||
		    progress->n_runs == max_runs(room))
			return 0;
	}
	progress->reached = limit;
	return 0;
}

/* ---- Cutting the record to the room there is ---- */

static struct ww_merge merge_record(const struct ww_slot *slot)
{
	return ww_merge_begin(slot->known, slot->n_known, slot->scanned,
			      slot->n_scanned);
}

/* Up to where both lists together hold no more than there is room for. */
static uintptr_t fit(const struct ww_slot *slot, uintptr_t limit,
		     struct room room)
{
	struct ww_merge merge = merge_record(slot);
	struct ww_run run;

	while (ww_merge_next(&merge, &run) && run.start < limit) {
		size_t n_pages = (run.end - run.start) / ww_page_size();
		uint64_t end = run.start + room.n_pages * ww_page_size();

		if (!room.n_runs)
			return (uintptr_t)run.start;
		if (n_pages > room.n_pages && end < limit)
			return (uintptr_t)end;
		room.n_pages -= min_size(n_pages, room.n_pages);
		room.n_runs--;
	}
	return limit;
}

/* Cuts a list at `limit`. What was taken beyond it is known to be written
 * again. */
static void cut_list(struct ww_query *query, struct ww_run *runs, size_t *n_runs,
		     uintptr_t limit, bool taken)
{
	size_t n = *n_runs;

	for (; n && runs[n - 1].end > limit; n--) {
		struct ww_run *last = &runs[n - 1], rest = *last;

		if (rest.start < limit)
			rest.start = limit;
		if (taken)
			set_known(query, &rest);
		if (last->start < limit) {
			__atomic_store_n(&last->end, limit, __ATOMIC_RELAXED);
			break;
		}
	}
	__atomic_store_n(n_runs, n, __ATOMIC_RELEASE);
}

/* ---- One batch ---- */

/* A scan failed, perhaps after resetting pages: its range counts as written, as
 * does what the record holds; what has lost its watch gets it back. */
static void repair(struct ww_query *query, const struct ww_span *failed,
		   bool taken)
{
	struct ww_slot *slot = query->slot;
	struct ww_view view;
	sigset_t saved;

	ww_regions_lock(query->regions, &saved);
	if (ww_slot_phase(ww_slot_state(slot)) == WW_SLOT_TAKING)
		ww_regions_put_back_record(query->regions, slot,
					   ww_slot_state(slot));
	if (ww_regions_view(query->regions, query->start, &view) &&
	    view.region == query->region)
		ww_region_repair(query->regions, view.region, failed->start,
				 failed->end, taken);
	ww_regions_unlock(query->regions, &saved);
}

static void clear_record(struct ww_slot *slot)
{
	__atomic_store_n(&slot->n_known, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->n_scanned, 0, __ATOMIC_RELEASE);
}

/* Fills the record with written pages from `from` on, as many as there is room
 * for, and returns up to where that is all of them. */
static uintptr_t gather(struct ww_query *query, bool reset, uintptr_t from,
			struct room room)
{
	struct ww_slot *slot = query->slot;
	struct progress progress;
	uintptr_t limit;

	for (int repairs = 0;; repairs++) {
		bool blind = repairs > MAX_REPAIRS;

		clear_record(slot);
		limit = list_known(query, blind, from, room);
		if (blind)
			return limit;
		if (reset && slot->n_known && !take_listed(query)) {
			clear_record(slot);
			return query->end;
		}
		if (!scan_runs(query, reset, from, limit, room, &progress))
			break;
		repair(query, &progress.failed, reset);
	}
	if (!slot->n_known)
		return progress.reached;
	limit = fit(slot, progress.reached, room);
	cut_list(query, slot->known, &slot->n_known, limit, reset);
	cut_list(query, slot->scanned, &slot->n_scanned, limit, reset);
	return limit;
}

static size_t expand(uintptr_t *addresses, uint64_t start, uint64_t end)
{
	size_t page_size = ww_page_size(), n = 0;

	for (; start < end; start += page_size)
		addresses[n++] = (uintptr_t)start;
	return n;
}

/* Stores the record's pages in the caller's array, which may fault. */
static size_t hand_over(const struct ww_slot *slot, uintptr_t *addresses)
{
	struct ww_merge merge = merge_record(slot);
	struct ww_run run;
	size_t n = 0;

	while (ww_merge_next(&merge, &run))
		n += expand(addresses + n, run.start, run.end);
	return n;
}

static void set_any_region(struct ww_slot *slot, bool any)
{
	__atomic_store_n(&slot->any_region, any, __ATOMIC_RELAXED);
}

static void note_outside(struct ww_slot *slot, uintptr_t start, uintptr_t end)
{
	__atomic_store_n(&slot->outside_start, start, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->outside_end, end, __ATOMIC_RELAXED);
}

/* Before the list of known pages is used again: the last batch's may have been
 * decommitted, and the range that is done only stands for committed ones. */
static void keep_outside(struct ww_query *query)
{
	struct ww_slot *slot = query->slot;
	uintptr_t start = slot->outside_start;
	struct ww_span gap;

	for (size_t i = 0; i < slot->n_known; i++) {
		uintptr_t end = (uintptr_t)slot->known[i].end;

		if (!ww_spans_next_gap(&query->region->runs,
				       (uintptr_t)slot->known[i].start, end, &gap))
			continue;
		if (!slot->outside_end)
			start = gap.start;
		note_outside(slot, start, end);
	}
}

/* A new record of this query, or the next batch of the same. If somebody has
 * put the last batch back, all that it covered is theirs. */
static void begin_batch(struct ww_query *query, uintptr_t from)
{
	struct ww_slot *slot = query->slot;

	if (from == query->start) {
		__atomic_store_n(&slot->start, query->start, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->end, query->end, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->done_start, from, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->done_end, from, __ATOMIC_RELAXED);
		note_outside(slot, 0, 0);
		clear_record(slot);
		set_any_region(slot, true);
		ww_slot_enter(slot, WW_SLOT_TAKING);
	} else {
		if (ww_slot_enter(slot, WW_SLOT_TAKING)) {
			keep_outside(query);
		} else {
			__atomic_store_n(&slot->done_start, from, __ATOMIC_RELAXED);
			note_outside(slot, 0, 0);
		}
		__atomic_store_n(&slot->done_end, from, __ATOMIC_RELAXED);
		set_any_region(slot, true);
	}
}

/* The next batch, ready to be handed over. */
static uintptr_t take_batch(struct ww_query *query, bool reset, uintptr_t from,
			    struct room room)
{
	uintptr_t next;

	if (reset)
		begin_batch(query, from);
	next = gather(query, reset, from, room);
	if (reset) {
		set_any_region(query->slot, is_stale(query));
		ww_slot_enter(query->slot, WW_SLOT_TAKEN);
	}
	return next;
}

size_t ww_query_get(struct ww_query *query, bool reset, uintptr_t *addresses,
		    size_t capacity)
{
	uintptr_t from = query->start;
	size_t n = 0;

	settle_others(query);
	find_strays(query);
	while (from < query->end && n < capacity) {
		from = take_batch(query, reset, from,
				  (struct room){ capacity - n, SIZE_MAX });
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
	struct ww_merge merge = merge_record(slot);
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
		from = take_batch(query, reset, from,
				  (struct room){ SIZE_MAX / ww_page_size(),
						 capacity - n });
		n = hand_over_runs(query->slot, runs, n);
	}
	return n;
}

/* ---- Reset ---- */

/* Known bits go before the kernel's: a bit that is set in between stands for a
 * write that the reset has not seen. */
static int clean(struct ww_query *query, const struct ww_span *run)
{
	struct ww_tracker *tracker = &query->regions->tracker;

	clear_known(query, run->start, run->end);
	return tracker->backend->reset(tracker, run->start, run->end - run->start);
}

/* A run that cannot be reset even after a repair stays written. */
static void reset_run(struct ww_query *query, const struct ww_span *run)
{
	if (!clean(query, run))
		return;
	repair(query, run, true);
	if (clean(query, run))
		repair(query, run, true);
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
}

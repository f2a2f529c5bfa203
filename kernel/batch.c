/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One batch of a query: what is known and what a scan finds, in the record of
 * the thread's slot. query.c has the proof that nothing gets lost.
 *
 * A query that resets scans all committed memory of its range, known or not: the
 * kernel's bits have to go, too. One that does not asks the kernel for no page
 * that is known, and makes known what it found, where that can save a scan.
 */
#include "batch.h"

#include "merge.h"

/* The kernel allocates for as many runs as are asked for, and beyond 8 KiB that
 * costs 0.43 µs, of 1.18 µs for a call (6.18): too much where one may do. */
#define FIRST_RUNS 341

/* A call costs as much as 80 written pages of a scan that goes on (0.8 µs
 * against 10 ns, 6.18): a scan passes over known runs that are shorter, and so
 * there is no use in knowing them. */
#define WORTH_SKIPPING 128

/* How often a query starts again after a scan failed and its memory was watched
 * anew, before it takes all committed pages as written. */
#define MAX_REPAIRS 3

struct batch {
	struct ww_query *query;
	struct ww_slot *slot;
	bool reset;
	bool blind;		/* scans keep failing */
	uintptr_t from;
	struct ww_room room;
};

/* How far the scans of a batch have come. */
struct progress {
	uintptr_t reached;
	size_t n_runs;
	size_t n_pages;
	struct ww_span failed;	/* what a failed scan was about */
};

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t n_pages_of(const struct ww_run *run)
{
	return (size_t)(run->end - run->start) / ww_page_size();
}

static uint64_t bytes_worth_skipping(void)
{
	return WORTH_SKIPPING * ww_page_size();
}

static void clear_record(struct ww_slot *slot)
{
	__atomic_store_n(&slot->n_known, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->n_scanned, 0, __ATOMIC_RELEASE);
}

/* ---- What is known ---- */

static const struct ww_known *known(const struct ww_query *query)
{
	return &query->regions->share.known;
}

static void set_known(struct ww_query *query, const struct ww_run *run)
{
	query->none_known = query->end;
	ww_known_set(known(query), ww_page_number((uintptr_t)run->start),
		     ww_page_number((uintptr_t)run->end));
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
static bool next_unscanned(const struct batch *batch, uintptr_t from,
			   struct ww_run *run)
{
	struct ww_query *query = batch->query;
	bool any = next_known(query, from, run);
	struct ww_span piece;

	if (batch->blind &&
	    ww_spans_next(&query->region->runs, from, query->end, &piece) &&
	    (!any || piece.start < run->start)) {
		*run = (struct ww_run){ piece.start, piece.end, 0 };
		any = true;
	}
	return any;
}

static bool is_first(const struct batch *batch)
{
	return batch->from == batch->query->start;
}

static size_t max_runs(const struct batch *batch)
{
	return min_size(batch->room.n_runs,
			is_first(batch) ? FIRST_RUNS : WW_MAX_RUNS);
}

static void list_run(struct ww_slot *slot, const struct ww_run *run)
{
	struct ww_run *next = &slot->known[slot->n_known];

	__atomic_store_n(&next->start, run->start, __ATOMIC_RELAXED);
	__atomic_store_n(&next->end, run->end, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->n_known, slot->n_known + 1, __ATOMIC_RELEASE);
}

/* Lists what is known to be written, no more than there is room for. Returns up
 * to where the list is complete, or where a run begins or ends that no scan need
 * look at. With a reset a page that becomes known later stays so for the next
 * query, so behind what one batch has found the next need not look: that would
 * cost 3 % of a query of 8,192 pages. */
static uintptr_t list_known(struct batch *batch)
{
	size_t max = max_runs(batch);
	size_t max_pages = batch->room.n_pages;
	uintptr_t end = batch->query->end, from = batch->from;
	struct ww_run run;

	if (from >= batch->query->none_known)
		return end;

	while (from < end && next_unscanned(batch, from, &run)) {
		size_t n_pages = n_pages_of(&run);
		bool skip = !batch->reset &&
			    run.end - run.start >= bytes_worth_skipping();

		if (skip && run.start > batch->from)
			return (uintptr_t)run.start;
		if (n_pages > max_pages)
			run.end = run.start + max_pages * ww_page_size();
		max_pages -= min_size(n_pages, max_pages);
		list_run(batch->slot, &run);
		from = (uintptr_t)run.end;
		if (skip || !max_pages || batch->slot->n_known == max)
			return from;
	}
	if (batch->reset && !batch->blind)
		batch->query->none_known = from;
	return end;
}

/* Whether the list says all there is to say. */
static bool is_answered(const struct batch *batch, uintptr_t limit)
{
	const struct ww_slot *slot = batch->slot;

	return batch->blind ||
	       (!batch->reset && slot->n_known &&
		slot->known[0].start == batch->from &&
		slot->known[0].end == limit);
}

static void clear_listed(struct batch *batch)
{
	const struct ww_slot *slot = batch->slot;

	for (size_t i = 0; i < slot->n_known; i++)
		ww_known_clear(known(batch->query),
			       ww_page_number((uintptr_t)slot->known[i].start),
			       ww_page_number((uintptr_t)slot->known[i].end));
}

/* Takes what is listed, after the scan and the cut, so that a bit is never gone for
 * a page that this call does not report. Some of it may be another region's by now,
 * whose owner has to learn of it, too; the rest is nowhere but here. */
static void take_listed(struct batch *batch)
{
	const struct ww_slot *slot = batch->slot;

	clear_listed(batch);
	if (!ww_query_is_stale(batch->query))
		return;
	for (size_t i = 0; i < slot->n_known; i++)
		set_known(batch->query, &slot->known[i]);
}

static void make_long_runs_known(struct batch *batch)
{
	const struct ww_run *run = batch->slot->scanned;
	const struct ww_run *end = run + batch->slot->n_scanned;
	uint64_t n_bytes = bytes_worth_skipping();

	for (; run < end; run++)
		if (run->end - run->start >= n_bytes)
			set_known(batch->query, run);
}

/* What scans without reset have found: long runs, or all there was to look at.
 * Mostly there is no such run, and its absence shows without looking at them
 * all. */
static void make_known(struct batch *batch, const struct progress *progress)
{
	const struct ww_run *first = batch->slot->scanned;

	if (!progress->n_runs || ww_query_is_stale(batch->query))
		return;
	if (first->start == batch->from && first->end == progress->reached)
		set_known(batch->query, first);
	else if (progress->n_pages - progress->n_runs + 1 >= WORTH_SKIPPING)
		make_long_runs_known(batch);
}

/* ---- Scans ---- */

/* Makes room in the record for what a scan may take, recognisable as not yet
 * stored: behind what earlier scans have filled, it is so already. */
static void offer_runs(struct ww_slot *slot, size_t first, size_t n_runs)
{
	for (size_t i = first; i < slot->n_filled; i++)
		__atomic_store_n(&slot->scanned[i].end, 0, __ATOMIC_RELAXED);
	slot->n_filled = first;
	__atomic_store_n(&slot->n_scanned, first + n_runs, __ATOMIC_RELEASE);
}

/* Before a scan, for as much as it may fill; after it, for what it did. */
static void note_filled(struct ww_slot *slot, size_t before, size_t end)
{
	slot->n_filled = end > before ? end : before;
}

/* How many pages a scan may find: all, without counting them, where the caller has
 * room for all and nobody wants to know. */
static size_t page_limit(const struct batch *batch, const struct progress *progress)
{
	const struct ww_query *query = batch->query;
	size_t left = (query->end - batch->from) / ww_page_size();

	if (batch->reset && batch->room.n_pages >= left)
		return WW_SCAN_UNLIMITED;
	return batch->room.n_pages - progress->n_pages;
}

static int scan_piece(struct batch *batch, const struct ww_span *piece,
		      struct progress *progress)
{
	struct ww_tracker *tracker = &batch->query->regions->tracker;
	struct ww_slot *slot = batch->slot;
	size_t first = progress->n_runs, n_filled;
	/* one more than every other page of an even number: a scan that fills
	 * its array has to be repeated for what lies behind its last run */
	size_t useful = (piece->end - piece->start) / ww_page_size() / 2 + 1;
	struct ww_scan scan = {
		.start = piece->start,
		.n_bytes = piece->end - piece->start,
		.flags = batch->reset ? WW_SCAN_RESET : 0,
		.max_pages = page_limit(batch, progress),
		.runs = slot->scanned + first,
		.max_runs = min_size(max_runs(batch) - first, useful),
	};
	int ret;

	if (batch->reset)
		offer_runs(slot, first, scan.max_runs);
	n_filled = slot->n_filled;
	note_filled(slot, n_filled, first + scan.max_runs);
	ret = tracker->backend->scan(tracker, &scan);
	if (ret) {
		progress->failed = *piece;
		return ret;
	}
	note_filled(slot, n_filled, first + scan.n_runs);
	progress->n_runs += scan.n_runs;
	progress->n_pages += scan.n_pages;
	progress->reached = scan.resume;
	__atomic_store_n(&slot->n_scanned, progress->n_runs, __ATOMIC_RELEASE);
	return 0;
}

/* Scans the committed memory below `limit` until there is no more room. */
static int scan_runs(struct batch *batch, uintptr_t limit,
		     struct progress *progress)
{
	struct ww_span piece;

	*progress = (struct progress){ .reached = batch->from };
	while (ww_spans_next(&batch->query->region->runs, progress->reached,
			     limit, &piece)) {
		int ret = scan_piece(batch, &piece, progress);

		if (ret)
			return ret;
		if (progress->n_pages >= batch->room.n_pages ||
		    progress->n_runs == max_runs(batch))
			return 0;
	}
	progress->reached = limit;
	return 0;
}

void ww_batch_repair(struct ww_query *query, const struct ww_span *failed,
		     bool taken)
{
	struct ww_slot *slot = query->slot;
	struct ww_view view;
	sigset_t saved;

	ww_regions_lock(query->regions, &saved);
	query->none_known = query->end;
	if (ww_slot_phase(ww_slot_state(slot)) == WW_SLOT_TAKING)
		ww_regions_put_back_record(query->regions, slot,
					   ww_slot_state(slot));
	if (ww_regions_view(query->regions, query->start, &view) &&
	    view.region == query->region)
		ww_region_repair(query->regions, view.region, failed->start,
				 failed->end, taken);
	ww_regions_unlock(query->regions, &saved);
}

/* ---- Cutting the record to the room there is ---- */

/* Up to where both lists together hold no more than there is room for. */
static uintptr_t fit(const struct ww_slot *slot, uintptr_t limit,
		     struct ww_room room)
{
	struct ww_merge merge = ww_merge_begin(slot->known, slot->n_known,
					       slot->scanned, slot->n_scanned);
	struct ww_run run;

	while (ww_merge_next(&merge, &run) && run.start < limit) {
		size_t n_pages = n_pages_of(&run);
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
static void cut_list(struct batch *batch, struct ww_run *runs, size_t *n_runs,
		     uintptr_t limit, bool taken)
{
	size_t n = *n_runs;

	for (; n && runs[n - 1].end > limit; n--) {
		struct ww_run *last = &runs[n - 1], rest = *last;

		if (rest.start < limit)
			rest.start = limit;
		if (taken)
			set_known(batch->query, &rest);
		if (last->start < limit) {
			__atomic_store_n(&last->end, limit, __ATOMIC_RELAXED);
			break;
		}
	}
	__atomic_store_n(n_runs, n, __ATOMIC_RELEASE);
}

static uintptr_t cut(struct batch *batch, uintptr_t limit)
{
	struct ww_slot *slot = batch->slot;

	limit = fit(slot, limit, batch->room);
	cut_list(batch, slot->known, &slot->n_known, limit, false);
	cut_list(batch, slot->scanned, &slot->n_scanned, limit, batch->reset);
	return limit;
}

/* ---- All of it ---- */

static unsigned runs_stamp(const struct batch *batch)
{
	return __atomic_load_n(&batch->query->region->runs.sequence,
			       __ATOMIC_SEQ_CST);
}

/* A page that was decommitted after the list was made and before it was scanned is
 * in neither, but it is known by now: who decommits makes it known first, and the
 * runs change after that. With a reset it stays known for the next query;
 * without, a reset that follows would lose it. */
static void list_decommitted(struct batch *batch, struct progress *progress)
{
	uintptr_t limit;

	__atomic_store_n(&batch->slot->n_known, 0, __ATOMIC_RELEASE);
	limit = list_known(batch);
	if (limit < progress->reached)
		progress->reached = limit;
}

static uintptr_t gather(struct batch *batch)
{
	struct ww_slot *slot = batch->slot;
	struct progress progress;
	unsigned stamp;

	for (int repairs = 0;; repairs++) {
		uintptr_t limit;

		stamp = runs_stamp(batch);
		batch->blind = repairs > MAX_REPAIRS;
		clear_record(slot);
		limit = list_known(batch);
		if (is_answered(batch, limit))
			return limit;
		if (!scan_runs(batch, limit, &progress))
			break;
		ww_batch_repair(batch->query, &progress.failed, batch->reset);
	}
	if (!batch->reset) {
		make_known(batch, &progress);
		if (runs_stamp(batch) != stamp) {
			list_decommitted(batch, &progress);
			return cut(batch, progress.reached);
		}
	}
	if (!slot->n_known)
		return progress.reached;
	progress.reached = cut(batch, progress.reached);
	if (batch->reset)
		take_listed(batch);
	return progress.reached;
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

static void begin_record(struct ww_query *query)
{
	struct ww_slot *slot = query->slot;

	__atomic_store_n(&slot->start, query->start, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->end, query->end, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->done_start, query->start, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->done_end, query->start, __ATOMIC_RELAXED);
	note_outside(slot, 0, 0);
	clear_record(slot);
	set_any_region(slot, true);
	ww_slot_enter(slot, WW_SLOT_TAKING);
}

/* The next batch of the same query. If somebody has put the last one back, all
 * that it covered is theirs. */
static void continue_record(struct ww_query *query, uintptr_t from)
{
	struct ww_slot *slot = query->slot;

	if (ww_slot_enter(slot, WW_SLOT_TAKING)) {
		keep_outside(query);
	} else {
		__atomic_store_n(&slot->done_start, from, __ATOMIC_RELAXED);
		note_outside(slot, 0, 0);
	}
	__atomic_store_n(&slot->done_end, from, __ATOMIC_RELAXED);
	set_any_region(slot, true);
}

/* Some of what the scans have taken may be another region's by now, whose owner
 * has to learn of it, too. */
static void share_taken(struct batch *batch)
{
	const struct ww_slot *slot = batch->slot;

	for (size_t i = 0; i < slot->n_scanned; i++)
		set_known(batch->query, &slot->scanned[i]);
}

uintptr_t ww_batch(struct ww_query *query, bool reset, uintptr_t from,
		   struct ww_room room)
{
	struct ww_slot *slot = query->slot;
	struct batch batch = {
		.query = query,
		.slot = slot,
		.reset = reset,
		.from = from,
		.room = room,
	};
	uintptr_t next;
	bool stale;

	if (!reset)
		return gather(&batch);
	if (is_first(&batch))
		begin_record(query);
	else
		continue_record(query, from);
	next = gather(&batch);
	stale = ww_query_is_stale(query);
	if (stale)
		share_taken(&batch);
	set_any_region(slot, stale);
	ww_slot_enter(slot, WW_SLOT_TAKEN);
	return next;
}

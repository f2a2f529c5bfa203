/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queries on another process: its bits through /proc/PID/pagemap, its views and
 * its known-written pages through the file that its registry shares.
 *
 * Which of its pages are committed is not known here. A page counts as written
 * if it is there and its bit says so, which is how a registry looks for pages
 * that others have committed.
 *
 * Why no write is lost. A page is reported when its scan or the bitmap has it,
 * and taken later, by ww_foreign_clean, when the report is where it belongs.
 *  - A page that is written after the scan and before it is taken is in the
 *    report that was made; one that is written afterwards is dirty again.
 *    Between the two steps of taking (known bit, kernel's bit) nothing can hide:
 *    a bit that is set again in between stands for a write that the second step
 *    does not see, and stays.
 *  - Only pages of the report are taken. A caller that dies, or is unwound,
 *    before it takes them has changed nothing; one that dies while it does has
 *    taken pages that it had reported.
 *  - Somebody else queries at the same time, the owner or another process: both
 *    report a page that both see before one takes it. What the owner has taken
 *    and not yet reported is in its record, and not our business.
 *  - The owner decommits: it makes the page known before the kernel's bit goes,
 *    and here the kernel is asked before the bitmap, so one of them has it.
 *  - The owner releases the memory and reserves it anew before we take: what we
 *    then take had been reported, for that address.
 * What is over-reported: pages that two report, as above; pages of a mapping that
 * has lost its watch, as long as the owner does not query or commit there; all of
 * a forked child that has not yet asked for itself. Pages that were written and
 * then discarded by madvise are not seen: they are like those never touched.
 */
#include "foreign_find.h"
#include "merge.h"
#include "registry.h"

#include <errno.h>

/* What a query asks for at a time, on its own stack. */
#define BATCH_RUNS 128

/* ---- Ranges ---- */

static int find_view(const struct ww_foreign_range *range, struct ww_run *view)
{
	struct ww_share share;
	int ret = ww_foreign_reopen(&share, &range->process);

	if (ret)
		return ret;
	ret = ww_share_read_view(&share, range->start, view);
	ww_share_close(&share, &ww_linux);
	return ret;
}

int ww_foreign_begin(struct ww_foreign_range *range,
		     const struct ww_process *process, uintptr_t address,
		     size_t n_bytes)
{
	int saved_errno = errno, ret;
	struct ww_run view;

	if (!ww_widen(address, n_bytes, &range->start, &range->end))
		return -ERANGE;
	range->process = *process;
	ret = find_view(range, &view);
	errno = saved_errno;
	if (ret)
		return ret;
	return range->end <= view.end ? 0 : -ERANGE;
}

/* All that a call needs of a process. */
struct target {
	struct ww_share share;
	struct ww_tracker tracker;
};

/* The pagemap first: whoever still has the same file after that had the pid
 * before. The other way round, the pagemap may be a later process's. */
static int open_target(struct target *target, const struct ww_foreign_range *range)
{
	int ret = ww_foreign_pagemap(&target->tracker, range->process.pid);

	if (ret)
		return ret;
	ret = ww_foreign_reopen(&target->share, &range->process);
	if (!ret) {
		ret = ww_share_reach(&target->share, &ww_linux, range->start,
				     range->end);
		if (ret)
			ww_share_close(&target->share, &ww_linux);
	}
	if (ret)
		ww_tracker_close(&target->tracker);
	return ret;
}

static void close_target(struct target *target)
{
	ww_tracker_close(&target->tracker);
	ww_share_close(&target->share, &ww_linux);
}

/* ---- Scan ---- */

struct batch {
	struct ww_run scanned[BATCH_RUNS];
	struct ww_run known[BATCH_RUNS];
	size_t n_scanned;
	size_t n_known;
	uintptr_t reached;	/* complete up to here */
};

static int scan_there(struct target *target, struct batch *batch, uintptr_t from,
		      uintptr_t end, size_t max_pages)
{
	struct ww_scan scan = {
		.start = from,
		.n_bytes = end - from,
		.flags = WW_SCAN_UNARMED,
		.max_pages = max_pages,
		.runs = batch->scanned,
		.max_runs = BATCH_RUNS,
	};
	int ret = target->tracker.backend->scan(&target->tracker, &scan);

	batch->n_scanned = scan.n_runs;
	batch->reached = scan.resume;
	return ret;
}

static void list_known(const struct target *target, struct batch *batch,
		       uintptr_t from)
{
	size_t first, end = ww_page_number(from);

	batch->n_known = 0;
	while (ww_known_next(&target->share.known, end,
			     ww_page_number(batch->reached), &first, &end)) {
		batch->known[batch->n_known++] = (struct ww_run){
			first * ww_page_size(), end * ww_page_size(), 0 };
		if (batch->n_known == BATCH_RUNS)
			batch->reached = end * ww_page_size();
	}
}

/* The caller's array, and what it still takes. */
struct output {
	struct ww_run *runs;
	size_t n_runs;
	size_t max_runs;
	size_t max_pages;
};

static bool is_adjacent(const struct output *output, const struct ww_run *run)
{
	return output->n_runs &&
	       output->runs[output->n_runs - 1].end == run->start;
}

/* Stores a run, or what there is room for; up to where it did. */
static uintptr_t store_run(struct output *output, struct ww_run run)
{
	size_t n_pages = (run.end - run.start) / ww_page_size();

	if (n_pages > output->max_pages) {
		n_pages = output->max_pages;
		run.end = run.start + n_pages * ww_page_size();
	}
	if (!n_pages)
		return (uintptr_t)run.start;
	if (is_adjacent(output, &run))
		output->runs[output->n_runs - 1].end = run.end;
	else if (output->n_runs == output->max_runs)
		return (uintptr_t)run.start;
	else
		output->runs[output->n_runs++] = run;
	output->max_pages -= n_pages;
	return (uintptr_t)run.end;
}

/* Stores what a batch is complete about; up to where there was room. */
static uintptr_t store_batch(struct output *output, const struct batch *batch)
{
	struct ww_merge merge = ww_merge_begin(batch->scanned, batch->n_scanned,
					       batch->known, batch->n_known);
	struct ww_run run;

	while (ww_merge_next(&merge, &run) && run.start < batch->reached) {
		uintptr_t stored;

		if (run.end > batch->reached)
			run.end = batch->reached;
		stored = store_run(output, run);
		if (stored < run.end)
			return stored;
	}
	return batch->reached;
}

static int scan_range(struct target *target, const struct ww_foreign_range *range,
		      uintptr_t from, struct output *output, uintptr_t *resume)
{
	struct batch batch;
	uintptr_t stored;

	*resume = from;
	while (*resume < range->end && output->max_pages) {
		int ret = scan_there(target, &batch, *resume, range->end,
				     output->max_pages);

		if (ret)
			return ret;
		list_known(target, &batch, *resume);
		stored = store_batch(output, &batch);
		*resume = stored;
		if (stored < batch.reached)
			break;
	}
	return 0;
}

ssize_t ww_foreign_scan(const struct ww_foreign_range *range, uintptr_t from,
			struct ww_run *runs, size_t max_runs, size_t max_pages,
			uintptr_t *resume)
{
	struct output output = { runs, 0, max_runs, max_pages };
	int saved_errno = errno;
	struct target target;
	int ret = open_target(&target, range);

	if (!ret) {
		ret = scan_range(&target, range, from, &output, resume);
		close_target(&target);
	}
	errno = saved_errno;
	return ret ? ret : (ssize_t)output.n_runs;
}

/* ---- Clean ---- */

/* Known bits go before the kernel's. What is scanned again here is thrown away:
 * the scan selects, so that nothing is protected that is not there. */
static int clean(struct target *target, uintptr_t start, uintptr_t end)
{
	struct ww_run runs[64];
	struct ww_scan scan = {
		.flags = WW_SCAN_UNARMED | WW_SCAN_RESET,
		.max_pages = (end - start) / ww_page_size(),
		.runs = runs,
		.max_runs = sizeof(runs) / sizeof(runs[0]),
	};
	int ret = 0;

	ww_known_clear(&target->share.known, ww_page_number(start),
		       ww_page_number(end));
	for (; !ret && start < end; start = scan.resume) {
		scan.start = start;
		scan.n_bytes = end - start;
		ret = target->tracker.backend->scan(&target->tracker, &scan);
	}
	return ret;
}

int ww_foreign_clean(const struct ww_foreign_range *range,
		     const struct ww_run *runs, size_t n_runs)
{
	int saved_errno = errno;
	struct target target;
	int ret = open_target(&target, range);

	if (!ret) {
		for (size_t i = 0; !ret && i < n_runs; i++)
			ret = clean(&target, (uintptr_t)runs[i].start,
				    (uintptr_t)runs[i].end);
		close_target(&target);
	}
	errno = saved_errno;
	return ret;
}

int ww_foreign_reset(const struct ww_foreign_range *range)
{
	const struct ww_run all = { range->start, range->end, 0 };

	return ww_foreign_clean(range, &all, 1);
}

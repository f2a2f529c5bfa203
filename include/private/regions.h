/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The region registry: which memory is watched, which of its pages are
 * committed, which are known to be written; and the queries on it.
 *
 * A *region* is one reservation; a *view* is a range of it that still exists (a
 * partial release leaves two). Addresses are page-aligned, sizes in bytes and
 * whole pages, except where a function says that it widens them. Functions
 * return 0 or a count, or a negative errno value.
 *
 * Threads: writers (reserve, commit, decommit, release) hold the registry's
 * lock, which blocks the signals by which threads are suspended or killed.
 * Queries take no lock on their common path and hold nothing that another
 * thread could wait for; they may be suspended, killed or unwound anywhere.
 */
#ifndef WW_REGIONS_H
#define WW_REGIONS_H

#include "foreign.h"
#include "tracker.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct ww_regions;
struct ww_region;
struct ww_slot;
struct ww_range;	/* writewatch.h */

/* Opens a registry on a tracker that works, or fails like ww_tracker_open, or for
 * want of memory or a descriptor, and stores in *failure which step was refused.
 * `blocked` are the signals to block while the lock is held. */
int ww_regions_open(struct ww_regions **regions, const struct ww_kernel_ops *ops,
		    const sigset_t *blocked, const char **failure);

/* The same with a backend as ww_tracker_open_backend chooses it. */
int ww_regions_open_backend(struct ww_regions **regions,
			    const struct ww_kernel_ops *ops,
			    const sigset_t *blocked, const char *backend,
			    const char **failure);

/* Forgets everything and gives all memory back. No call may be under way, nor
 * start; queries that were left behind are forgotten, too. */
void ww_regions_close(struct ww_regions *regions);

/* Makes the registry known by this tag to ww_foreign_find_tag, if its backend lets
 * others see its bits; a forked child has none. Takes the lock. */
void ww_regions_set_tag(struct ww_regions *regions, const struct ww_tag *tag);

/* The name of the backend in use. */
const char *ww_regions_backend(const struct ww_regions *regions);

/* Whether `address`, or some of a range, is watched. No lock; for deciding
 * whether to take it. */
bool ww_regions_watched(struct ww_regions *regions, uintptr_t address);
bool ww_regions_overlap(struct ww_regions *regions, uintptr_t start,
			size_t n_bytes);

/* ---- Writers ---- */

/* In a forked child, the first lock or query opens a tracker of its own, and
 * everything counts as written. */
void ww_regions_lock(struct ww_regions *regions, sigset_t *saved);
void ww_regions_unlock(struct ww_regions *regions, const sigset_t *saved);

/* A view, as a writer sees it while it holds the lock. */
struct ww_view {
	struct ww_region *region;
	uintptr_t start;
	uintptr_t end;
};

/* The view around `address`; false if it is not watched. */
bool ww_regions_view(struct ww_regions *regions, uintptr_t address,
		     struct ww_view *view);

/* What a new region's memory is. */
enum ww_memory {
	/* Just mapped and inaccessible. */
	WW_MEMORY_RESERVED,
	/* Just mapped, and committed from the start: nobody else may know the
	 * address yet. */
	WW_MEMORY_COMMITTED,
	/* Committed, too, but a program's that may have used it: its contents
	 * and its other settings stay. */
	WW_MEMORY_IN_USE,
};

/* A new region of memory that is mapped; what the registry knew of it is stale
 * and goes. Registers the whole view and builds no page tables; arms all that is
 * committed. On failure nothing is left registered that would be in the way. */
int ww_regions_reserve(struct ww_regions *regions, uintptr_t start,
		       size_t n_bytes, enum ww_memory memory);

/* Before pages of one region become accessible: arms those that were not
 * committed and publishes all as committed. Call it before the memory can be
 * written; committing first and arming afterwards loses the writes of threads
 * that race. Never fails: pages that cannot be armed count as written. It may
 * also be followed by a commit that fails. Pages that are not committed and lie
 * in a small gap may be armed with them: where a scan fails, so that all it was
 * about counts as written, they may be reported, too. */
void ww_regions_commit(struct ww_regions *regions, uintptr_t start, size_t n_bytes);

/* Instead of mprotect(2) on memory of which some may be watched; the lock need not
 * be held. 0 or -errno; some of it may have changed then. */
int ww_regions_protect(struct ww_regions *regions, uintptr_t start,
		       size_t n_bytes, int access);

/* Whether system calls may fail, or stop early, that write to memory of which some
 * is watched, although its owner may write. No lock. */
bool ww_regions_withheld(struct ww_regions *regions, uintptr_t start,
			 size_t n_bytes);

/* Before pages of one region are decommitted: takes away access, so that a
 * racing write either faults or is seen, and remembers what was written. 0, or
 * -ENOMEM: the pages must not be decommitted then, and those that have lost
 * their access need it back. */
int ww_regions_save(struct ww_regions *regions, uintptr_t start, size_t n_bytes);

/* After they were: watches the new mapping. */
void ww_regions_decommitted(struct ww_regions *regions, uintptr_t start,
			    size_t n_bytes);

/* Before memory is released: who gets it next shall find nothing changed of its
 * access. And if it was not released after all: it reads as written then. */
void ww_regions_releasing(struct ww_regions *regions, uintptr_t start,
			  size_t n_bytes);
void ww_regions_kept(struct ww_regions *regions, uintptr_t start,
		     size_t n_bytes);

/* After memory was released, whole views or parts of one. */
void ww_regions_released(struct ww_regions *regions, uintptr_t start,
			 size_t n_bytes);

/* Ends the watch on memory that stays. */
void ww_regions_unwatch(struct ww_regions *regions, uintptr_t start,
			size_t n_bytes);

/* Makes the committed pages of a watched range read as written, and lets system
 * calls write there until the next reset. 0, or -errno if they may still fail. */
int ww_regions_mark(struct ww_regions *regions, uintptr_t start, size_t n_bytes);

/* ---- Queries ---- */

/* A range under query by this thread. A query that has begun is ended by
 * ww_query_end; one that is left behind (the thread was unwound or killed) keeps
 * its region's memory until the thread's next query or its end, and what it had
 * reset is reported by whoever asks next. */
struct ww_query {
	struct ww_regions *regions;
	struct ww_region *region;
	uint64_t n_releases;	/* of the region, when it began */
	uintptr_t none_known;	/* between here and the end no page is known to be
				 * written, but by what others do meanwhile */
	struct ww_slot *slot;
	uintptr_t start;
	uintptr_t end;
};

/* Widens [address, address + n_bytes) to whole pages and finds its view.
 * -ENOENT: address is not watched. -ERANGE: the range leaves the view, or wraps.
 * -ENOMEM: no memory for this thread's first query. */
int ww_query_begin(struct ww_query *query, struct ww_regions *regions,
		   uintptr_t address, size_t n_bytes);

/* The number of pages of the range. */
size_t ww_query_pages(const struct ww_query *query);

/* Stores the addresses of the lowest written pages, ascending, at most
 * `capacity` (at least 1), and returns how many. With `reset` exactly the pages
 * reported become clean. It never fails: what cannot be asked counts as
 * written, and as long as that lasts, again after every reset. A fault while it
 * stores loses nothing. */
size_t ww_query_get(struct ww_query *query, bool reset, uintptr_t *addresses,
		    size_t capacity);

/* The same as runs, of which `capacity` counts. */
size_t ww_query_get_runs(struct ww_query *query, bool reset,
			 struct ww_range *runs, size_t capacity);

/* Makes every page of the range clean. */
void ww_query_reset(struct ww_query *query);

/* After the caller has all results. */
void ww_query_end(struct ww_query *query);

#endif

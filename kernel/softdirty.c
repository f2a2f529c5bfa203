/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The softdirty backend: the kernel's soft-dirty bits, read from
 * /proc/self/pagemap and cleared through /proc/self/clear_refs.
 *
 * That clears the bits of the whole process. So before each clearing, all that
 * is dirty in armed memory is saved in a bitmap of our own: a page is written if
 * either says so, and what is handed over is taken from the bitmap alone.
 *
 * Why no write is lost. A page that the save finds clean is write-protected, so
 * whoever writes to it meanwhile takes a page fault first, and faults are
 * counted before the write is tried again. A fault that is not counted when the
 * clearing is over has its write still before it: that faults anew and makes the
 * page dirty. So if the number has not changed from before the save until after
 * the clearing, nothing was lost; if it has, something may be, and all armed
 * pages that are there count as written. The same holds for system calls that
 * write, which fault in the caller's name. It does not hold for what other
 * processes write to this one in that moment, whose faults are theirs, nor for
 * devices that write to pages which were pinned earlier; those are lost.
 *
 * A new mapping reads as dirty until the first clearing, with all it grows
 * together with. Watched memory is kept apart from other memory, and cleaned
 * before it can grow together: it has no huge pages, where a write would count
 * for all of one anyway. They stay away when the watch ends, as nothing says
 * what was there before.
 */
#include "abi.h"
#include "share.h"
#include "tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define ENTRY_DIRTY (UINT64_C(1) << 55)
#define ENTRY_THERE (UINT64_C(3) << 62)	/* present or swapped */

/* How many pages are looked at at a time, on the stack. */
#define BATCH 512

/* How often the save is done again because something faulted meanwhile. */
#define MAX_SAVES 8

/* ---- What there is once for the process, as the bits are ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int holder_cancel_state;
static struct ww_spans watched;		/* value: the tracker */
static struct ww_spans armed;
static struct ww_share saved = { .fd = -1 };	/* its bitmap */
static bool has_saved;

/* Whoever is suspended, cancelled or killed by a signal does not hold it. */
static void lock(sigset_t *mask)
{
	int cancel_state;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	pthread_mutex_lock(&mutex);
	holder_cancel_state = cancel_state;
}

static void unlock(const sigset_t *mask)
{
	int cancel_state = holder_cancel_state;

	pthread_mutex_unlock(&mutex);
	pthread_setcancelstate(cancel_state, NULL);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

static int prepare_error;

static void lock_for_fork(void)
{
	pthread_mutex_lock(&mutex);
}

static void unlock_after_fork(void)
{
	pthread_mutex_unlock(&mutex);
}

static void prepare_once(void)
{
	prepare_error = -pthread_atfork(lock_for_fork, unlock_after_fork,
					unlock_after_fork);
}

static int softdirty_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare_once);
	return prepare_error;
}

static void save(uintptr_t start, uintptr_t end)
{
	ww_known_set(&saved.known, ww_page_number(start), ww_page_number(end));
}

static void unsave(uintptr_t start, uintptr_t end)
{
	ww_known_clear(&saved.known, ww_page_number(start), ww_page_number(end));
}

/* ---- Entries of pagemap ---- */

/* A piece of a range, and what pagemap says of it. */
struct piece {
	uintptr_t start;
	size_t n_pages;
	uint64_t entry[BATCH];
};

static uintptr_t piece_page(const struct piece *piece, size_t i)
{
	return piece->start + i * ww_page_size();
}

static void choose(struct piece *piece, uintptr_t start, uintptr_t end)
{
	size_t n_pages = (end - start) / ww_page_size();

	piece->start = start;
	piece->n_pages = n_pages < BATCH ? n_pages : BATCH;
}

/* What cannot be read is there and dirty. */
static void read_entries(const struct ww_tracker *tracker, struct piece *piece)
{
	size_t n_bytes = piece->n_pages * sizeof(piece->entry[0]);
	off_t offset = (off_t)(ww_page_number(piece->start) *
			       sizeof(piece->entry[0]));
	int saved_errno = errno;

	if (pread(tracker->pagemap, piece->entry, n_bytes, offset) !=
	    (ssize_t)n_bytes)
		memset(piece->entry, 0xff, n_bytes);
	errno = saved_errno;
}

/* Adds what is saved to what pagemap says. */
static void add_saved(struct piece *piece)
{
	size_t base = ww_page_number(piece->start), first, end = base;

	while (ww_known_next(&saved.known, end, base + piece->n_pages, &first,
			     &end))
		for (size_t i = first; i < end; i++)
			piece->entry[i - base] |= ENTRY_DIRTY;
}

static void save_piece(const struct piece *piece, uint64_t wanted)
{
	for (size_t i = 0; i < piece->n_pages; i++)
		if (piece->entry[i] & wanted)
			save(piece_page(piece, i), piece_page(piece, i + 1));
}

/* Saves the pages of [start, end) with any of these bits. */
static void save_range(const struct ww_tracker *tracker, uintptr_t start,
		       uintptr_t end, uint64_t wanted)
{
	struct piece piece;

	for (; start < end; start = piece_page(&piece, piece.n_pages)) {
		choose(&piece, start, end);
		read_entries(tracker, &piece);
		save_piece(&piece, wanted);
	}
}

static void save_armed(const struct ww_tracker *tracker, uintptr_t start,
		       uintptr_t end, uint64_t wanted)
{
	struct ww_span span = { .end = start };

	while (ww_spans_next(&armed, span.end, end, &span))
		save_range(tracker, span.start, span.end, wanted);
}

/* ---- Clearing ---- */

/* The page faults of all other threads until now, also of ended ones. Our own
 * change nothing that is watched; reading their number may take one. */
static unsigned long faults_of_others(void)
{
	struct rusage before = { 0 }, all = { 0 }, after = { 0 };

	do {
		getrusage(RUSAGE_THREAD, &before);
		getrusage(RUSAGE_SELF, &all);
		getrusage(RUSAGE_THREAD, &after);
	} while (before.ru_minflt != after.ru_minflt ||
		 before.ru_majflt != after.ru_majflt);
	return (unsigned long)(all.ru_minflt + all.ru_majflt -
			       after.ru_minflt - after.ru_majflt);
}

static int clear_bits(const struct ww_tracker *tracker)
{
	int saved_errno = errno, ret = 0;

	if (write(tracker->clear_refs, "4", 1) != 1)
		ret = -errno;
	errno = saved_errno;
	return ret;
}

/* Moves the kernel's bits of all armed memory into ours. */
static int sweep(const struct ww_tracker *tracker)
{
	unsigned long before;
	int ret;

	for (int i = 0; i < MAX_SAVES; i++) {
		before = faults_of_others();
		save_armed(tracker, 0, UINTPTR_MAX, ENTRY_DIRTY);
		if (faults_of_others() == before)
			break;
	}
	ret = clear_bits(tracker);
	if (faults_of_others() != before)
		save_armed(tracker, 0, UINTPTR_MAX, ENTRY_THERE);
	return ret;
}

/* Whether the kernel has anything in [start, end) as dirty. */
static bool any_dirty(const struct ww_tracker *tracker, uintptr_t start,
		      uintptr_t end)
{
	struct piece piece;

	for (; start < end; start = piece_page(&piece, piece.n_pages)) {
		choose(&piece, start, end);
		read_entries(tracker, &piece);
		for (size_t i = 0; i < piece.n_pages; i++)
			if (piece.entry[i] & ENTRY_DIRTY)
				return true;
	}
	return false;
}

static int sweep_if_dirty(const struct ww_tracker *tracker, uintptr_t start,
			  uintptr_t end)
{
	return any_dirty(tracker, start, end) ? sweep(tracker) : 0;
}

/* ---- The backend ---- */

static int open_clear_refs(void)
{
	int saved_errno = errno;
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved_errno;
	return fd;
}

static int open_descriptors(struct ww_tracker *tracker)
{
	const struct ww_kernel_ops *ops = tracker->ops;

	if (!ww_is_same_file(ops, tracker->pagemap, tracker->pagemap_file)) {
		tracker->pagemap = ops->open_pagemap();
		tracker->pagemap_file = ops->identify(tracker->pagemap);
	}
	if (!ww_is_same_file(ops, tracker->clear_refs, tracker->clear_refs_file)) {
		tracker->clear_refs = open_clear_refs();
		tracker->clear_refs_file = ops->identify(tracker->clear_refs);
	}
	return tracker->pagemap < 0 ? tracker->pagemap : tracker->clear_refs;
}

/* The program may have closed descriptors that it does not know. What is read
 * from others would be taken for bits, and what is written to them be theirs. */
static void begin(struct ww_tracker *tracker, sigset_t *mask)
{
	lock(mask);
	open_descriptors(tracker);
}


static int add_watched(struct ww_tracker *tracker, uintptr_t start,
		       uintptr_t end)
{
	struct ww_span gap = { .end = start }, span = { .end = start };
	int ret = 0;

	while (ww_spans_next(&watched, span.end, end, &span))
		if (span.value != tracker)
			return -EBUSY;
	while (!ret && ww_spans_next_gap(&watched, gap.end, end, &gap)) {
		span = (struct ww_span){ gap.start, gap.end, tracker, 0 };
		ret = ww_spans_insert(&watched, tracker->ops, &span);
	}
	return ret;
}

/* A mapping that is new grows together with others after it was cleaned. */
static int separate(const struct ww_tracker *tracker, uintptr_t start,
		    uintptr_t end)
{
	int saved_errno = errno;
	int ret = sweep_if_dirty(tracker, start, start + ww_page_size());

	/* refused where there are no huge pages */
	madvise((void *)start, end - start, MADV_NOHUGEPAGE);
	errno = saved_errno;
	return ret;
}

static int softdirty_watch(struct ww_tracker *tracker, uintptr_t start,
			   size_t n_bytes)
{
	sigset_t mask;
	int ret;

	begin(tracker, &mask);
	ret = add_watched(tracker, start, start + n_bytes);
	if (!ret)
		ret = separate(tracker, start, start + n_bytes);
	unlock(&mask);
	return ret;
}

static void softdirty_forget(struct ww_tracker *tracker, uintptr_t start,
			     size_t n_bytes)
{
	sigset_t mask;

	begin(tracker, &mask);
	/* what is left without memory for a cut is saved for nothing */
	ww_spans_remove(&watched, tracker->ops, start, start + n_bytes);
	ww_spans_remove(&armed, tracker->ops, start, start + n_bytes);
	ww_known_forget(&saved.known, tracker->ops, ww_page_number(start),
			ww_page_number(start + n_bytes));
	unlock(&mask);
}

static int softdirty_unwatch(struct ww_tracker *tracker, uintptr_t start,
			     size_t n_bytes)
{
	softdirty_forget(tracker, start, n_bytes);
	return 0;
}

/* From here on the range is saved before others are cleared. */
static int add_armed(const struct ww_tracker *tracker, uintptr_t start,
		     uintptr_t end)
{
	if (ww_share_reach(&saved, tracker->ops, start, end))
		return -ENOMEM;
	return ww_spans_add(&armed, tracker->ops, start, end);
}

static int clean(const struct ww_tracker *tracker, uintptr_t start,
		 uintptr_t end)
{
	int ret = add_armed(tracker, start, end);

	if (!ret)
		ret = sweep_if_dirty(tracker, start, end);
	if (!ret)
		unsave(start, end);
	return ret;
}

static int softdirty_reset(struct ww_tracker *tracker, uintptr_t start,
			   size_t n_bytes)
{
	sigset_t mask;
	int ret;

	begin(tracker, &mask);
	ret = clean(tracker, start, start + n_bytes);
	unlock(&mask);
	return ret;
}

static bool is_there(const struct ww_tracker *tracker, uintptr_t page)
{
	struct piece piece = { .start = page, .n_pages = 1 };

	read_entries(tracker, &piece);
	return piece.entry[0] & ENTRY_THERE;
}

/* Huge pages that were there before the watch, in which a write would count for
 * all of one: a mapping that ends inside of one cuts it. */
static void cut_huge_pages(const struct ww_tracker *tracker, uintptr_t start,
			   uintptr_t end)
{
	size_t size = ww_page_size(), huge = size * (size / sizeof(void *));
	int saved_errno = errno;

	for (uintptr_t at = (start + huge - 1) / huge * huge; at < end; at += huge)
		if (is_there(tracker, at)) {
			madvise((void *)at, size, MADV_HUGEPAGE);
			madvise((void *)at, size, MADV_NOHUGEPAGE);
		}
	errno = saved_errno;
}

static int softdirty_arm(struct ww_tracker *tracker, uintptr_t start,
			 size_t n_bytes)
{
	cut_huge_pages(tracker, start, start + n_bytes);
	return softdirty_reset(tracker, start, n_bytes);
}

/* Where a scan finds what. */
enum { KERNEL = 1, SAVED = 2 };

/* Whether the pages with these bits of a piece all fitted. */
static bool collect_piece(struct ww_scan *scan, const struct piece *piece,
			  uint64_t wanted)
{
	for (size_t i = 0; i < piece->n_pages; i++) {
		scan->resume = piece_page(piece, i);
		if (piece->entry[i] & wanted &&
		    !ww_scan_add(scan, scan->resume))
			return false;
	}
	scan->resume = piece_page(piece, piece->n_pages);
	return true;
}

static void collect(const struct ww_tracker *tracker, struct ww_scan *scan,
		    unsigned sources, uint64_t wanted)
{
	uintptr_t end = scan->start + scan->n_bytes;
	struct piece piece;

	scan->n_runs = scan->n_pages = 0;
	scan->resume = scan->start;
	while (scan->resume < end) {
		choose(&piece, scan->resume, end);
		memset(piece.entry, 0, piece.n_pages * sizeof(piece.entry[0]));
		if (sources & KERNEL)
			read_entries(tracker, &piece);
		if (sources & SAVED)
			add_saved(&piece);
		if (!collect_piece(scan, &piece, wanted))
			return;
	}
}

static bool any_collected_dirty(const struct ww_tracker *tracker,
				const struct ww_scan *scan)
{
	for (size_t i = 0; i < scan->n_runs; i++)
		if (any_dirty(tracker, (uintptr_t)scan->runs[i].start,
			      (uintptr_t)scan->runs[i].end))
			return true;
	return false;
}

/* Takes what was collected. After a sweep ours is all there is to take, and what
 * the kernel has by then was written later. */
static int take(const struct ww_tracker *tracker, struct ww_scan *scan)
{
	if (any_collected_dirty(tracker, scan)) {
		int ret = sweep(tracker);

		if (ret)
			return ret;
		collect(tracker, scan, SAVED, ENTRY_DIRTY);
	}
	for (size_t i = 0; i < scan->n_runs; i++)
		unsave((uintptr_t)scan->runs[i].start,
		       (uintptr_t)scan->runs[i].end);
	return 0;
}

/* All pages that are there, whose mapping may never have been clean. A page that
 * comes after it was looked at is dirty. */
static int scan_and_arm(const struct ww_tracker *tracker, struct ww_scan *scan)
{
	int ret = clean(tracker, scan->start, scan->start + scan->n_bytes);

	if (!ret)
		collect(tracker, scan, KERNEL, ENTRY_THERE);
	/* what follows has been cleaned too soon */
	if (!ret)
		save_range(tracker, scan->resume, scan->start + scan->n_bytes,
			   ENTRY_THERE);
	return ret;
}

static bool is_armed(const struct ww_scan *scan)
{
	struct ww_span gap;

	return !ww_spans_next_gap(&armed, scan->start,
				  scan->start + scan->n_bytes, &gap);
}

static int scan_locked(const struct ww_tracker *tracker, struct ww_scan *scan)
{
	if (scan->flags & WW_SCAN_ARM)
		return scan_and_arm(tracker, scan);
	if (scan->flags & WW_SCAN_UNARMED) {
		collect(tracker, scan, KERNEL, ENTRY_THERE);
		return 0;
	}
	if (!is_armed(scan))
		return -EPERM;
	collect(tracker, scan, KERNEL | SAVED, ENTRY_DIRTY);
	return scan->flags & WW_SCAN_RESET ? take(tracker, scan) : 0;
}

static int softdirty_scan(struct ww_tracker *tracker, struct ww_scan *scan)
{
	sigset_t mask;
	int ret;

	begin(tracker, &mask);
	ret = scan_locked(tracker, scan);
	unlock(&mask);
	return ret;
}

/* Watched memory that somebody makes accessible without having armed it, as
 * another process may in Wine: what is there by now counts as written. */
static void arm_watched(const struct ww_tracker *tracker, uintptr_t start,
			uintptr_t end)
{
	struct ww_span span = { .end = start }, gap;

	while (ww_spans_next(&watched, span.end, end, &span))
		for (gap.end = span.start; ww_spans_next_gap(&armed, gap.end,
							     span.end, &gap);) {
			if (add_armed(tracker, gap.start, gap.end))
				return;
			save_range(tracker, gap.start, gap.end, ENTRY_THERE);
		}
}

/* A mapping that is dirty as a whole, and its pages with it, may grow together
 * with a clean one now and be clean itself: kernels before 6.19 lose that. */
static int softdirty_protect(struct ww_tracker *tracker, uintptr_t start,
			     size_t n_bytes, int access)
{
	sigset_t mask;
	int ret;

	begin(tracker, &mask);
	save_armed(tracker, start, start + n_bytes, ENTRY_DIRTY);
	if (access & PROT_WRITE)
		arm_watched(tracker, start, start + n_bytes);
	ret = tracker->ops->protect(start, n_bytes, access);
	unlock(&mask);
	return ret;
}

/* ---- Opening ---- */

static int fail(struct ww_tracker *tracker, const char *step, int error)
{
	tracker->failure = step;
	return error;
}

/* Where the kernel has no such bits, nothing is ever dirty, not even what has
 * just been written. */
static int see_a_bit(struct ww_tracker *tracker)
{
	char *page = tracker->ops->map(ww_page_size());
	bool seen;

	if (!page)
		return -ENOMEM;
	*(volatile char *)page = 1;
	seen = any_dirty(tracker, (uintptr_t)page,
			 (uintptr_t)page + ww_page_size());
	tracker->ops->unmap(page, ww_page_size());
	return seen ? 0 : -EOPNOTSUPP;
}

static int open_saved(const struct ww_kernel_ops *ops)
{
	sigset_t mask;
	int ret = 0;

	lock(&mask);
	if (!has_saved)
		ret = ww_share_open(&saved, ops, false);
	has_saved = !ret;
	unlock(&mask);
	return ret;
}

static int open_parts(struct ww_tracker *tracker)
{
	int ret = softdirty_prepare();

	if (ret)
		return fail(tracker, "memory", ret);
	ret = open_descriptors(tracker);
	if (tracker->pagemap < 0)
		return fail(tracker, "/proc/self/pagemap", ret);
	if (ret < 0)
		return fail(tracker, "/proc/self/clear_refs", ret);
	ret = see_a_bit(tracker);
	if (ret)
		return fail(tracker, "soft-dirty bits", ret);
	ret = open_saved(tracker->ops);
	if (ret)
		return fail(tracker, "memory", ret);
	ret = ww_tracker_self_test(tracker);
	return ret ? fail(tracker, "the self-test", ret) : 0;
}

static void softdirty_close(struct ww_tracker *tracker)
{
	ww_close_same_file(tracker->ops, tracker->pagemap, tracker->pagemap_file);
	ww_close_same_file(tracker->ops, tracker->clear_refs,
			   tracker->clear_refs_file);
	tracker->pagemap = tracker->clear_refs = -1;
}

static int softdirty_open(struct ww_tracker *tracker)
{
	int ret = open_parts(tracker);

	if (ret)
		softdirty_close(tracker);
	return ret;
}

const struct ww_backend ww_backend_softdirty = {
	.name = "softdirty",
	.prepare = softdirty_prepare,
	.open = softdirty_open,
	.close = softdirty_close,
	.watch = softdirty_watch,
	.unwatch = softdirty_unwatch,
	.forget = softdirty_forget,
	.arm = softdirty_arm,
	.scan = softdirty_scan,
	.reset = softdirty_reset,
	.protect = softdirty_protect,
};

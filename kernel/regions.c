/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writers of the registry.
 *
 * One lock serialises them. It is held across the caller's own commit or
 * release, so that what the registry says and what the memory is change
 * together; and the signals by which a thread can be suspended or killed are
 * blocked meanwhile, so that nobody ever waits for a thread that does not run.
 *
 * Retiring. A query names the region in its slot (seq_cst) before it looks at
 * the generation again (seq_cst); a release changes the generation (seq_cst)
 * before it looks at the slots (seq_cst). In the single order of these four,
 * either the query sees the new generation and lets go, or the release sees the
 * slot and keeps the descriptor for later.
 */
#include "hugezero.h"
#include "registry.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* All registries, for fork. */
static struct ww_regions *registries;
static pthread_mutex_t registries_mutex = PTHREAD_MUTEX_INITIALIZER;
static sigset_t fork_mask;
static int fork_cancel_state;

static void lock_for_fork(void)
{
	sigset_t all, saved;
	int cancel_state;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &saved);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	pthread_mutex_lock(&registries_mutex);
	fork_mask = saved;
	fork_cancel_state = cancel_state;
	for (struct ww_regions *r = registries; r; r = r->next) {
		pthread_mutex_lock(&r->mutex);
		ww_share_before_fork(&r->share, &r->child, r->tracker.ops,
				     &r->views,
				     r->tracker.backend->seen_by_others);
	}
}

static void unlock_after_fork(void)
{
	sigset_t mask = fork_mask;
	int cancel_state = fork_cancel_state;

	for (struct ww_regions *r = registries; r; r = r->next) {
		ww_share_close(&r->child, r->tracker.ops);
		pthread_mutex_unlock(&r->mutex);
	}
	pthread_mutex_unlock(&registries_mutex);
	pthread_setcancelstate(cancel_state, NULL);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void note_fork(void)
{
	for (struct ww_regions *r = registries; r; r = r->next)
		ww_share_after_fork(&r->share, &r->child, r->tracker.ops,
				    &r->views);
	/* what other threads had taken, they will never hand over here */
	for (struct ww_slot *s = ww_slots_first(); s; s = s->next) {
		uint64_t state = ww_slot_state(s);

		if (ww_slot_phase(state) == WW_SLOT_TAKING ||
		    ww_slot_phase(state) == WW_SLOT_TAKEN)
			ww_regions_put_back(s->regions, s, state);
	}
	for (struct ww_regions *r = registries; r; r = r->next)
		r->forked = true;
	ww_slots_after_fork();
	unlock_after_fork();
}

/* A thread ended in the middle of a query. */
static void put_back_orphan(struct ww_slot *slot)
{
	struct ww_regions *regions = slot->regions;
	uint64_t state;
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	state = ww_slot_state(slot);
	if (ww_slot_phase(state) != WW_SLOT_PUT_BACK)
		ww_regions_put_back(regions, slot, state);
	ww_slot_enter(slot, WW_SLOT_IDLE);
	ww_regions_unlock(regions, &saved);
}

static int global_error;

static void init_globals(void)
{
	global_error = ww_slots_init(put_back_orphan);
	/* handlers run in reverse: ours is first to take locks */
	if (!global_error)
		global_error = ww_backends_prepare();
	if (!global_error)
		global_error = -pthread_atfork(lock_for_fork, unlock_after_fork,
					       note_fork);
}

static int open_parts(struct ww_regions *regions, const struct ww_kernel_ops *ops,
		      const char *backend, const char **failure)
{
	int ret = ww_tracker_open_backend(&regions->tracker, ops, backend);

	if (ret) {
		*failure = regions->tracker.failure;
		return ret;
	}
	ret = ww_share_open(&regions->share, ops,
			    regions->tracker.backend->seen_by_others);
	if (ret) {
		*failure = "memory to share";
		ww_tracker_close(&regions->tracker);
	}
	return ret;
}

int ww_regions_open_backend(struct ww_regions **out,
			    const struct ww_kernel_ops *ops,
			    const sigset_t *blocked, const char *backend,
			    const char **failure)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ww_regions *regions;
	int ret;

	*failure = "memory";
	pthread_once(&once, init_globals);
	if (global_error)
		return global_error;
	regions = ops->map(sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	ret = open_parts(regions, ops, backend, failure);
	if (ret) {
		ops->unmap(regions, sizeof(*regions));
		return ret;
	}
	pthread_mutex_init(&regions->mutex, NULL);
	regions->blocked = *blocked;
	pthread_mutex_lock(&registries_mutex);
	regions->next = registries;
	registries = regions;
	pthread_mutex_unlock(&registries_mutex);
	*out = regions;
	return 0;
}

int ww_regions_open(struct ww_regions **regions, const struct ww_kernel_ops *ops,
		    const sigset_t *blocked, const char **failure)
{
	const char *backend = ww_backend_forced();

	return ww_regions_open_backend(regions, ops, blocked,
				       backend ? backend : ww_backend_uffd.name,
				       failure);
}

static void unlink_registry(struct ww_regions *regions)
{
	struct ww_regions **link = &registries;

	pthread_mutex_lock(&registries_mutex);
	while (*link != regions)
		link = &(*link)->next;
	*link = regions->next;
	pthread_mutex_unlock(&registries_mutex);
}

void ww_regions_set_tag(struct ww_regions *regions, const struct ww_tag *tag)
{
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	ww_share_tag(&regions->share, tag);
	ww_regions_unlock(regions, &saved);
}

const char *ww_regions_backend(const struct ww_regions *regions)
{
	return regions->tracker.backend->name;
}

static bool recover(struct ww_regions *regions);

static int watch(struct ww_regions *regions, uintptr_t start, uintptr_t end)
{
	const struct ww_backend *backend = regions->tracker.backend;
	int ret = backend->watch(&regions->tracker, start, end - start);

	if (ret == -EBADF && recover(regions))
		ret = backend->watch(&regions->tracker, start, end - start);
	return ret;
}

/* All that is there, none of whose bits means anything any more. */
static void watch_anew(struct ww_regions *regions)
{
	struct ww_span view = { .end = 0 };

	while (ww_spans_find(&regions->views, view.end, &view)) {
		watch(regions, view.start, view.end);
		ww_region_repair(regions, view.value, view.start, view.end, true);
	}
}

/* After a failure: true if there is reason to try again, because the program had
 * closed a descriptor of ours. With a userfaultfd the kernel's bits went, too. */
static bool recover(struct ww_regions *regions)
{
	struct ww_tracker *tracker = &regions->tracker;
	enum ww_recovery done = WW_INTACT;

	if (tracker->backend->recover)
		done = tracker->backend->recover(tracker);
	if (done == WW_UNWATCHED)
		watch_anew(regions);
	return done != WW_INTACT;
}

bool ww_regions_recover(struct ww_regions *regions)
{
	sigset_t saved;
	bool done;

	ww_regions_lock(regions, &saved);
	done = recover(regions);
	ww_regions_unlock(regions, &saved);
	return done;
}

/* A child has neither the parent's registrations nor its bits, and what it
 * inherited still means the parent's memory: nothing may be done through it.
 * Without a tracker of its own every scan fails, and everything counts as
 * written. */
static void revive(struct ww_regions *regions)
{
	ww_tracker_reopen(&regions->tracker);
	watch_anew(regions);
	__atomic_store_n(&regions->forked, false, __ATOMIC_RELEASE);
}

/* Files are opened and closed under the lock, where a cancelled thread would end
 * and keep it. */
void ww_regions_lock(struct ww_regions *regions, sigset_t *saved)
{
	int cancel_state;

	pthread_sigmask(SIG_BLOCK, &regions->blocked, saved);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	pthread_mutex_lock(&regions->mutex);
	regions->cancel_state = cancel_state;
	if (regions->forked)
		revive(regions);
}

void ww_regions_unlock(struct ww_regions *regions, const sigset_t *saved)
{
	int cancel_state = regions->cancel_state;

	pthread_mutex_unlock(&regions->mutex);
	pthread_setcancelstate(cancel_state, NULL);
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

bool ww_regions_watched(struct ww_regions *regions, uintptr_t address)
{
	struct ww_span span;

	return ww_spans_next(&regions->views, address, address + 1, &span);
}

bool ww_regions_view(struct ww_regions *regions, uintptr_t address,
		     struct ww_view *view)
{
	struct ww_span span;

	if (!ww_spans_find(&regions->views, address, &span) ||
	    span.start > address)
		return false;
	*view = (struct ww_view){ span.value, span.start, span.end };
	return true;
}

/* ---- Descriptors ---- */

#define SLAB_BYTES 65536

static int more_descriptors(struct ww_regions *regions)
{
	struct ww_region *slab = regions->tracker.ops->map(SLAB_BYTES);

	if (!slab)
		return -ENOMEM;
	slab->next = regions->slabs;
	regions->slabs = slab;
	for (size_t i = 1; i < SLAB_BYTES / sizeof(*slab); i++) {
		slab[i].next = regions->unused;
		regions->unused = &slab[i];
	}
	return 0;
}

static bool named_by_a_slot(const struct ww_region *region)
{
	struct ww_slot *slot;

	for (slot = ww_slots_first(); slot; slot = slot->next)
		if (__atomic_load_n(&slot->region, __ATOMIC_SEQ_CST) == region)
			return true;
	return false;
}

/* Puts retired descriptors back into use that no query is in. */
static void reclaim(struct ww_regions *regions)
{
	struct ww_region **link = &regions->retired, *region;

	while ((region = *link)) {
		if (named_by_a_slot(region)) {
			link = &region->next;
			continue;
		}
		*link = region->next;
		ww_spans_free(&region->runs, regions->tracker.ops);
		ww_spans_free(&region->committed, regions->tracker.ops);
		ww_spans_free(&region->used, regions->tracker.ops);
		region->next = regions->unused;
		regions->unused = region;
	}
}

static struct ww_region *new_region(struct ww_regions *regions, uintptr_t start,
				    uintptr_t end)
{
	struct ww_region *region;

	reclaim(regions);
	if (!regions->unused && more_descriptors(regions))
		return NULL;
	region = regions->unused;
	regions->unused = region->next;
	region->start = start;
	region->end = end;
	region->n_views = 1;
	region->settled = region->patchy = region->vague = false;
	__atomic_store_n(&region->generation, region->generation + 1,
			 __ATOMIC_SEQ_CST);
	return region;
}

static void retire(struct ww_regions *regions, struct ww_region *region)
{
	__atomic_store_n(&region->generation, region->generation + 1,
			 __ATOMIC_SEQ_CST);
	region->next = regions->retired;
	regions->retired = region;
	reclaim(regions);
}

static void unwatch(struct ww_regions *regions, uintptr_t start, uintptr_t end)
{
	regions->tracker.backend->unwatch(&regions->tracker, start, end - start);
}

static void forget(struct ww_regions *regions, uintptr_t start, uintptr_t end)
{
	const struct ww_backend *backend = regions->tracker.backend;

	if (backend->forget)
		backend->forget(&regions->tracker, start, end - start);
}

static void forget_slots(struct ww_regions *regions)
{
	struct ww_slot *slot;

	for (slot = ww_slots_first(); slot; slot = slot->next)
		if (__atomic_load_n(&slot->regions, __ATOMIC_RELAXED) == regions) {
			ww_slot_enter(slot, WW_SLOT_IDLE);
			__atomic_store_n(&slot->regions, NULL, __ATOMIC_RELAXED);
			__atomic_store_n(&slot->region, NULL, __ATOMIC_SEQ_CST);
		}
}

void ww_regions_close(struct ww_regions *regions)
{
	const struct ww_kernel_ops *ops = regions->tracker.ops;
	struct ww_region *slab;
	struct ww_span view;

	unlink_registry(regions);
	forget_slots(regions);
	while (ww_spans_find(&regions->views, 0, &view)) {
		/* a descriptor of the parent's would unwatch there */
		if (!regions->forked || !regions->tracker.backend->seen_by_others)
			unwatch(regions, view.start, view.end);
		ww_regions_released(regions, view.start, view.end - view.start);
	}
	ww_spans_free(&regions->views, ops);
	while ((slab = regions->slabs)) {
		regions->slabs = slab->next;
		ops->unmap(slab, SLAB_BYTES);
	}
	ww_share_close(&regions->share, ops);
	ww_tracker_close(&regions->tracker);
	pthread_mutex_destroy(&regions->mutex);
	ops->unmap(regions, sizeof(*regions));
}

/* ---- Changes ---- */

static void mark(struct ww_regions *regions, uint64_t start, uint64_t end)
{
	ww_known_set(&regions->share.known, ww_page_number((uintptr_t)start),
		     ww_page_number((uintptr_t)end));
}

/* Scans [start, end) and marks what it finds. */
static int mark_scanned(struct ww_regions *regions, unsigned flags,
			uintptr_t start, uintptr_t end)
{
	struct ww_run found[64];
	struct ww_scan scan = {
		.flags = flags,
		.max_pages = (end - start) / ww_page_size(),
		.runs = found,
		.max_runs = sizeof(found) / sizeof(found[0]),
	};

	for (; start < end; start = scan.resume) {
		int ret;

		memset(found, 0, sizeof(found));
		scan.start = start;
		scan.n_bytes = end - start;
		scan.n_runs = 0;
		ret = regions->tracker.backend->scan(&regions->tracker, &scan);
		if (ret && recover(regions))
			ret = regions->tracker.backend->scan(&regions->tracker,
							     &scan);
		for (size_t i = 0; i < scan.n_runs; i++)
			mark(regions, found[i].start, found[i].end);
		if (ret)
			return ret;
	}
	return 0;
}

static uintptr_t block_below(uintptr_t address)
{
	return address & ~(ww_block_size() - 1);
}

static uintptr_t block_above(uintptr_t address)
{
	return block_below(address + ww_block_size() - 1);
}

static void settle(struct ww_regions *regions, struct ww_region *region,
		   uintptr_t start, uintptr_t end)
{
	if (regions->tracker.huge_zero != WW_HUGE_ZERO_OFF &&
	    block_above(start) < block_below(end))
		region->settled = ww_huge_zero_settle(&regions->tracker, start,
						      end - start);
}

/* What is laid apart from all else may stay a mapping of its own (6.12). */
#define MOST_RUNS_LAID 8

static enum ww_uncommitted uncommitted(const struct ww_region *region)
{
	return region->vague || ww_spans_count(&region->committed) ?
		WW_UNCOMMITTED_BLOCKS : WW_UNCOMMITTED_VIEW;
}

/* Before fresh memory is armed: the whole blocks that have no page table yet. */
static void lay(struct ww_regions *regions, const struct ww_region *region,
		const struct ww_span *view, uintptr_t start, uintptr_t end,
		enum ww_uncommitted uncommitted)
{
	struct ww_span blocks = { .end = block_above(start) };

	while (region->settled &&
	       ww_spans_count(&region->runs) <= MOST_RUNS_LAID &&
	       ww_spans_next_gap(&region->used, blocks.end, block_below(end),
				 &blocks))
		ww_huge_zero_lay(&regions->tracker, view, blocks.start,
				 blocks.end - blocks.start, uncommitted);
}

/* Scans [start, end), marks what it finds and arms all of it. A scan that fails,
 * mostly since the watch has gone, may have armed pages that somebody else had
 * written, and have told of none: the next one asks for all that is there. */
static int arm_scanned(struct ww_regions *regions, uintptr_t start, uintptr_t end)
{
	if (!mark_scanned(regions, WW_SCAN_ARM, start, end))
		return 0;
	watch(regions, start, end);
	if (!mark_scanned(regions, WW_SCAN_ARM | WW_SCAN_UNARMED, start, end))
		return 0;
	mark(regions, start, end);
	return -EIO;
}

/* Arms what is about to be committed. Pages that somebody else had committed
 * and written are known to be written; all are that cannot be armed. */
static void arm_new(struct ww_regions *regions, const struct ww_view *view,
		    uintptr_t start, uintptr_t end)
{
	struct ww_span all = { .start = view->start, .end = view->end };

	lay(regions, view->region, &all, start, end, uncommitted(view->region));
	if (arm_scanned(regions, start, end))
		view->region->patchy = true;
}

/* Without memory for the run its pages are found like those that others have
 * committed; without memory for the blocks they are laid once too often. */
static void add_run(struct ww_regions *regions, struct ww_region *region,
		    uintptr_t start, uintptr_t end)
{
	const struct ww_kernel_ops *ops = regions->tracker.ops;

	ww_spans_add(&region->runs, ops, start, end);
	if (region->settled)
		ww_spans_add(&region->used, ops, block_below(start),
			     block_above(end));
}

static void publish(struct ww_regions *regions, struct ww_region *region,
		    uintptr_t start, uintptr_t end)
{
	if (ww_spans_add(&region->committed, regions->tracker.ops, start, end))
		region->vague = true;
	add_run(regions, region, start, end);
}

/*
 * Scans are cheaper through a small gap than around it, so what lies between two
 * runs is armed and joins them. Nobody has committed it, as far as anyone here
 * knows; but another process may, and then somebody may write there at any time.
 *
 * No such write is lost. The scan that arms looks at a page and protects it in one
 * step where a page table exists: a write before is found and marked, a write
 * after it is seen by the next scan. And one exists under all of a gap: a gap is
 * smaller than a block, so each block that it reaches into holds a page of the
 * runs beside it, too, and that has an entry. Whoever maps over all of a block,
 * with which its table goes, ends the watch on it, and the scan fails; and nobody
 * discards a block (MADV_DONTNEED) of which a part is only reserved.
 */
static void fill_gap(struct ww_regions *regions, struct ww_region *region,
		     uintptr_t start, uintptr_t end)
{
	if (end - start <= regions->tracker.backend->max_gap &&
	    !arm_scanned(regions, start, end))
		add_run(regions, region, start, end);
}

/* Fills the gaps on both sides of the run around `address`. */
static void join(struct ww_regions *regions, const struct ww_view *view,
		 uintptr_t address)
{
	struct ww_region *region = view->region;
	struct ww_span run, other;

	if (region->patchy || !ww_spans_find(&region->runs, address, &run) ||
	    run.start > address)
		return;
	if (ww_spans_before(&region->runs, run.start, &other) &&
	    other.end > view->start)
		fill_gap(regions, region, other.end, run.start);
	if (ww_spans_find(&region->runs, run.end, &other) &&
	    other.start < view->end)
		fill_gap(regions, region, run.end, other.start);
}

static void begin_region(struct ww_regions *regions, struct ww_region *region,
			 enum ww_memory memory)
{
	uintptr_t start = region->start, end = region->end;
	struct ww_span all = { .start = start, .end = end };

	if (memory != WW_MEMORY_IN_USE)
		settle(regions, region, start, end);
	if (memory == WW_MEMORY_RESERVED)
		return;
	lay(regions, region, &all, start, end, WW_UNCOMMITTED_NONE);
	if (regions->tracker.backend->arm(&regions->tracker, start, end - start))
		region->patchy = true;
	publish(regions, region, start, end);
}

/* A registration may have been refused in its middle, for want of a mapping, or
 * be of no use. Any other refusal comes before it has begun, and may mean that the
 * memory is somebody else's: nothing is taken from them. */
static int refused(struct ww_regions *regions, uintptr_t start, uintptr_t end,
		   int error)
{
	if (error == -ENOMEM || error == -EOPNOTSUPP)
		unwatch(regions, start, end);
	return error;
}

int ww_regions_reserve(struct ww_regions *regions, uintptr_t start,
		       size_t n_bytes, enum ww_memory memory)
{
	struct ww_region *region;
	struct ww_span view;
	int ret;

	if (ww_share_reach(&regions->share, regions->tracker.ops, start,
			   start + n_bytes))
		return -ENOMEM;
	/* released behind our back: by another process, or a handle */
	ww_regions_released(regions, start, n_bytes);
	/* by queries that had begun before a release */
	ww_known_clear(&regions->share.known, ww_page_number(start),
		       ww_page_number(start + n_bytes));
	ret = watch(regions, start, start + n_bytes);
	if (ret)
		return refused(regions, start, start + n_bytes, ret);
	region = new_region(regions, start, start + n_bytes);
	if (region) {
		view = (struct ww_span){ start, start + n_bytes, region,
					 region->generation };
		if (!ww_spans_insert(&regions->views, regions->tracker.ops, &view)) {
			begin_region(regions, region, memory);
			ww_share_views(&regions->share, &regions->views, start);
			return 0;
		}
		retire(regions, region);
	}
	unwatch(regions, start, start + n_bytes);
	return -ENOMEM;
}

void ww_regions_commit(struct ww_regions *regions, uintptr_t start, size_t n_bytes)
{
	struct ww_span gap = { .end = start };
	struct ww_view view;

	if (!ww_regions_view(regions, start, &view))
		return;
	while (ww_spans_next_gap(&view.region->runs, gap.end, start + n_bytes, &gap))
		arm_new(regions, &view, gap.start, gap.end);
	publish(regions, view.region, start, start + n_bytes);
	join(regions, &view, start);
}

int ww_regions_protect(struct ww_regions *regions, uintptr_t start,
		       size_t n_bytes, int access)
{
	return regions->tracker.backend->protect(&regions->tracker, start,
						 n_bytes, access);
}

bool ww_regions_withheld(struct ww_regions *regions, uintptr_t start,
			 size_t n_bytes)
{
	const struct ww_backend *backend = regions->tracker.backend;

	return backend->withholds && backend->withholds(start, n_bytes);
}

/* Whether the backend's states outlive the memory. */
static bool keeps_states(const struct ww_regions *regions)
{
	return regions->tracker.backend->forget;
}

int ww_regions_save(struct ww_regions *regions, uintptr_t start, size_t n_bytes)
{
	struct ww_span run = { .end = start }, gap = { .end = start };
	uintptr_t end = start + n_bytes;
	struct ww_view view;

	if (!ww_regions_view(regions, start, &view))
		return 0;
	/* The map limit. A decommit might still succeed, but a racing write
	 * would go with it. */
	if (ww_regions_protect(regions, start, n_bytes, PROT_NONE))
		return -ENOMEM;
	while (ww_spans_next(&view.region->runs, run.end, end, &run))
		if (mark_scanned(regions, 0, run.start, run.end))
			mark(regions, run.start, run.end);
	/* what others have committed: nobody can look for it later */
	while (ww_spans_next_gap(&view.region->runs, gap.end, end, &gap))
		if (mark_scanned(regions, WW_SCAN_UNARMED, gap.start, gap.end))
			mark(regions, gap.start, gap.end);
	return 0;
}

void ww_regions_decommitted(struct ww_regions *regions, uintptr_t start,
			    size_t n_bytes)
{
	const struct ww_kernel_ops *ops = regions->tracker.ops;
	uintptr_t end = start + n_bytes;
	struct ww_view view;

	if (!ww_regions_view(regions, start, &view))
		return;
	/* Without memory to cut it, a run stays too long, and what is not
	 * committed of it any more may read as written. */
	if (ww_spans_remove(&view.region->runs, ops, start, end))
		view.region->patchy = true;
	ww_spans_remove(&view.region->committed, ops, start, end);
	watch(regions, start, end);
	if (keeps_states(regions))
		regions->tracker.backend->reset(&regions->tracker, start, n_bytes);
	if (!view.region->settled)
		return;
	/* page tables went where the new mapping covers all that they served */
	ww_huge_zero_settle(&regions->tracker, start, n_bytes);
	if (block_above(start) < block_below(end))
		ww_spans_remove(&view.region->used, ops, block_above(start),
				block_below(end));
}

/* Takes one piece of a view out. */
static void release_piece(struct ww_regions *regions, const struct ww_span *view,
			  uintptr_t start, uintptr_t end)
{
	struct ww_region *region = view->value;

	forget(regions, start, end);
	/* A view that could not be cut in two stays whole; what was released
	 * of it is not committed any more, which is all that queries ask. */
	if (!ww_spans_remove(&regions->views, regions->tracker.ops, start, end))
		region->n_views += (view->start < start) + (view->end > end) - 1;
	/* Queries notice it by this: those that have found the view as it was,
	 * since the views change first, and before others can reserve the memory,
	 * since the lock is held. */
	__atomic_store_n(&region->n_releases, region->n_releases + 1,
			 __ATOMIC_SEQ_CST);
	ww_spans_remove(&region->runs, regions->tracker.ops, start, end);
	ww_spans_remove(&region->committed, regions->tracker.ops, start, end);
	ww_share_views(&regions->share, &regions->views, start);
	ww_known_forget(&regions->share.known, regions->tracker.ops,
			ww_page_number(start), ww_page_number(end));
	if (!region->n_views)
		retire(regions, region);
}

void ww_regions_released(struct ww_regions *regions, uintptr_t start,
			 size_t n_bytes)
{
	uintptr_t end = start + n_bytes;
	struct ww_span view;

	while (ww_spans_find(&regions->views, start, &view) && view.start < end) {
		uintptr_t from = view.start > start ? view.start : start;
		uintptr_t to = view.end < end ? view.end : end;

		release_piece(regions, &view, from, to);
		start = to;
	}
}

bool ww_regions_overlap(struct ww_regions *regions, uintptr_t start,
			size_t n_bytes)
{
	struct ww_span piece;

	return ww_spans_next(&regions->views, start, start + n_bytes, &piece);
}

void ww_regions_unwatch(struct ww_regions *regions, uintptr_t start,
			size_t n_bytes)
{
	struct ww_span piece = { .end = start };

	while (ww_spans_next(&regions->views, piece.end, start + n_bytes, &piece)) {
		unwatch(regions, piece.start, piece.end);
		ww_regions_released(regions, piece.start, piece.end - piece.start);
	}
}

/* ---- Help for queries ---- */

/* Also of a run that was cut by a decommit while somebody scanned it: what is
 * left of it is watched as ever. */
static bool can_be_scanned(struct ww_regions *regions, const struct ww_span *run)
{
	struct ww_run found[64];
	struct ww_scan scan = {
		.start = run->start,
		.n_bytes = run->end - run->start,
		.max_pages = (run->end - run->start) / ww_page_size(),
		.runs = found,
		.max_runs = sizeof(found) / sizeof(found[0]),
	};

	while (!regions->tracker.backend->scan(&regions->tracker, &scan)) {
		if (scan.resume >= run->end)
			return true;
		scan.start = scan.resume;
		scan.n_bytes = run->end - scan.resume;
	}
	return false;
}

/* What lies between committed pages may have lost its entries. Pages in it that
 * are written later are found like all others outside the runs; those that are
 * now would be missed by the query that asks for this. */
static void drop_gaps(struct ww_regions *regions, struct ww_region *region,
		      uintptr_t start, uintptr_t end)
{
	struct ww_span gap = { .end = start };

	while (!region->vague &&
	       ww_spans_next_gap(&region->committed, gap.end, end, &gap)) {
		mark_scanned(regions, WW_SCAN_UNARMED, gap.start, gap.end);
		ww_spans_remove(&region->runs, regions->tracker.ops, gap.start,
				gap.end);
	}
}

void ww_region_repair(struct ww_regions *regions, struct ww_region *region,
		      uintptr_t start, uintptr_t end, bool taken)
{
	struct ww_span run = { .end = start };

	recover(regions);
	region->patchy = true;
	drop_gaps(regions, region, start, end);
	while (ww_spans_next(&region->runs, run.end, end, &run)) {
		if (!taken && can_be_scanned(regions, &run))
			continue;
		watch(regions, run.start, run.end);
		mark(regions, run.start, run.end);
	}
}

void ww_region_adopt(struct ww_regions *regions, struct ww_region *region,
		     uintptr_t start, uintptr_t end)
{
	struct ww_span gap = { .end = start };

	/* Pages that were committed in the meantime are armed and need no
	 * help. */
	while (ww_spans_next_gap(&region->runs, gap.end, end, &gap)) {
		mark(regions, gap.start, gap.end);
		publish(regions, region, gap.start, gap.end);
	}
}

/* Marks pages of a region, or of any if `only` is NULL, committed or not. */
static void mark_pages(struct ww_regions *regions, const struct ww_region *only,
		       uintptr_t start, uintptr_t end)
{
	struct ww_span view = { .end = start };

	while (ww_spans_next(&regions->views, view.end, end, &view))
		if (!only || view.value == only)
			mark(regions, view.start, view.end);
}

/* Committed memory; with the `gaps` between it that scans look at, or where nothing
 * better is known. */
static const struct ww_spans *spans_of(const struct ww_region *region, bool gaps)
{
	return gaps || region->vague ? &region->runs : &region->committed;
}

static void mark_committed(struct ww_regions *regions,
			   const struct ww_region *only, uintptr_t start,
			   uintptr_t end, bool gaps)
{
	struct ww_span view = { .end = start }, run;

	while (ww_spans_next(&regions->views, view.end, end, &view)) {
		struct ww_region *region = view.value;

		if (only && region != only)
			continue;
		for (run.end = view.start;
		     ww_spans_next(spans_of(region, gaps), run.end, view.end,
				   &run);)
			mark(regions, run.start, run.end);
	}
}

/* The region that a record is about, NULL for any. The slot still names it, so
 * no other region has its descriptor. */
static const struct ww_region *region_of(const struct ww_slot *slot)
{
	if (__atomic_load_n(&slot->any_region, __ATOMIC_RELAXED))
		return NULL;
	return __atomic_load_n(&slot->region, __ATOMIC_RELAXED);
}

/* A run of a record that its owner may be about to change: false if it has. */
static bool copy_run(const struct ww_slot *slot, uint64_t state,
		     const struct ww_run *from, struct ww_run *run)
{
	run->start = __atomic_load_n(&from->start, __ATOMIC_RELAXED);
	run->end = __atomic_load_n(&from->end, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return ww_slot_state(slot) == state;
}

static void put_back_runs(struct ww_regions *regions, const struct ww_slot *slot,
			  uint64_t state, const struct ww_run *runs, size_t n_runs)
{
	const struct ww_region *only = region_of(slot);
	struct ww_run run;

	for (size_t i = 0; i < n_runs; i++) {
		if (!copy_run(slot, state, &runs[i], &run) || !run.end)
			return;
		mark_pages(regions, only, run.start, run.end);
	}
}

/* Opens committed pages for writes of the kernel. */
static int open_runs(struct ww_regions *regions, uintptr_t start,
			  uintptr_t end)
{
	const struct ww_backend *backend = regions->tracker.backend;
	struct ww_span view = { .end = start }, run;
	int ret = 0;

	while (!ret && ww_spans_next(&regions->views, view.end, end, &view)) {
		const struct ww_region *region = view.value;

		for (run.end = view.start;
		     !ret && ww_spans_next(&region->runs, run.end, view.end, &run);)
			ret = backend->mark(&regions->tracker, run.start,
					    run.end - run.start);
	}
	return ret;
}

int ww_regions_mark(struct ww_regions *regions, uintptr_t start, size_t n_bytes)
{
	mark_committed(regions, NULL, start, start + n_bytes, false);
	if (!regions->tracker.backend->mark)
		return 0;
	return open_runs(regions, start, start + n_bytes);
}

void ww_regions_releasing(struct ww_regions *regions, uintptr_t start,
			  size_t n_bytes)
{
	if (keeps_states(regions))
		unwatch(regions, start, start + n_bytes);
}

void ww_regions_kept(struct ww_regions *regions, uintptr_t start, size_t n_bytes)
{
	if (!keeps_states(regions))
		return;
	watch(regions, start, start + n_bytes);
	regions->tracker.backend->arm(&regions->tracker, start, n_bytes);
	ww_regions_mark(regions, start, n_bytes);
}

void ww_regions_put_back_record(struct ww_regions *regions,
				const struct ww_slot *slot, uint64_t state)
{
	put_back_runs(regions, slot, state, slot->known,
		      __atomic_load_n(&slot->n_known, __ATOMIC_RELAXED));
	put_back_runs(regions, slot, state, slot->scanned,
		      __atomic_load_n(&slot->n_scanned, __ATOMIC_RELAXED));
}

void ww_regions_put_back(struct ww_regions *regions, const struct ww_slot *slot,
			 uint64_t state)
{
	const struct ww_region *only = region_of(slot);
	struct ww_run done = {
		.start = __atomic_load_n(&slot->done_start, __ATOMIC_RELAXED),
		.end = __atomic_load_n(&slot->done_end, __ATOMIC_RELAXED),
	};
	struct ww_run outside = {
		.start = __atomic_load_n(&slot->outside_start, __ATOMIC_RELAXED),
		.end = __atomic_load_n(&slot->outside_end, __ATOMIC_RELAXED),
	};

	ww_regions_put_back_record(regions, slot, state);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (ww_slot_state(slot) != state)
		return;
	/* a gap may have held pages of others, which went with the rest */
	mark_committed(regions, only, done.start, done.end, true);
	mark_pages(regions, only, outside.start, outside.end);
}

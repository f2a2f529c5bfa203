/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A registry's shared file: header, views, summary and leaves of the bitmap,
 * each at an offset that the header's numbers give, all of it sparse.
 *
 * The leaves are mapped without access, and made accessible a piece at a time
 * where there are views: a program that calls mlockall would get memory for all
 * that is accessible.
 *
 * Header and table are under a sequence count as in spans.c, with two
 * differences. The owner may be stopped or killed between its two steps, so
 * readers do not wait for long. And readers believe nothing: what they find may
 * be garbage, and is only ever compared, and bounded before it is an index.
 */
#include "share.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#define MAGIC UINT64_C(0x6863746177656e69)	/* "inewatch" */
#define LAYOUT 1
#define ALIGNMENT 65536		/* the largest page there is */

/* User space by default: more is only mapped for those who ask for it. */
#define ADDRESS_BITS (sizeof(void *) == 8 ? 48 : 32)
#define MAX_VIEWS (sizeof(void *) == 8 ? (size_t)1 << 18 : (size_t)1 << 15)

/* 64 GiB of memory, with pages of 4 KiB. */
#define PIECE_BYTES ((size_t)2 << 20)
#define PIECE_PAGES (PIECE_BYTES * 8)

/* Fixed sizes: a 64-bit process may look at a 32-bit one. The magic is stored
 * last. */
struct ww_share_header {
	uint64_t magic;
	uint32_t layout;
	uint32_t page_size;
	uint64_t n_pages;
	uint64_t max_views;
	uint64_t pid;
	uint64_t sequence;	/* odd while the owner is at work */
	uint64_t n_views;
	struct ww_tag tag;
};

struct ww_shared_view {
	uint64_t start;
	uint64_t end;
};

static uint64_t align(uint64_t n_bytes)
{
	return (n_bytes + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

static uint64_t views_bytes(uint64_t max_views)
{
	return align(max_views * sizeof(struct ww_shared_view));
}

static uint64_t summary_bytes(uint64_t n_pages)
{
	return align(n_pages / WW_KNOWN_GROUP / 8);
}

/* All but the leaves. */
static uint64_t head_bytes(uint64_t n_pages, uint64_t max_views)
{
	return align(sizeof(struct ww_share_header)) + views_bytes(max_views) +
	       summary_bytes(n_pages);
}

static uint64_t leaf_bytes(uint64_t n_pages)
{
	return align(n_pages / 8);
}

static uint64_t all_bytes(uint64_t n_pages, uint64_t max_views)
{
	return head_bytes(n_pages, max_views) + leaf_bytes(n_pages);
}

static void lay_out(struct ww_share *share, void *memory, uint64_t n_pages,
		    uint64_t max_views)
{
	char *at = memory;

	share->header = memory;
	at += align(sizeof(struct ww_share_header));
	share->views = (struct ww_shared_view *)at;
	at += views_bytes(max_views);
	share->known.summary = (uint64_t *)at;
	share->known.leaves = (uint64_t *)(at + summary_bytes(n_pages));
	share->n_pages = (size_t)n_pages;
	share->max_views = (size_t)max_views;
	share->n_bytes = (size_t)all_bytes(n_pages, max_views);
}

static int allow_piece(const struct ww_share *share,
		       const struct ww_kernel_ops *ops, size_t piece)
{
	size_t offset = piece * PIECE_BYTES;
	size_t rest = (size_t)leaf_bytes(share->n_pages) - offset;

	return ops->allow((char *)share->known.leaves + offset,
			  rest < PIECE_BYTES ? rest : PIECE_BYTES);
}

int ww_share_reach(struct ww_share *share, const struct ww_kernel_ops *ops,
		   uintptr_t start, uintptr_t end)
{
	size_t last = ww_page_number(end - 1);

	if (last >= share->n_pages)
		return -ENOMEM;
	if (!share->header)
		return 0;
	for (size_t i = ww_page_number(start) / PIECE_PAGES;
	     i <= last / PIECE_PAGES; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		if (!(share->reached[i / 64] & bit) && allow_piece(share, ops, i))
			return -ENOMEM;
		share->reached[i / 64] |= bit;
	}
	return 0;
}

/* ---- The owner ---- */

/* Answers of a sandbox, or of a limit on the size of files: such a process is
 * watched as any other. */
static bool is_refused(int error)
{
	return error == -ENOSYS || error == -EPERM || error == -EACCES ||
	       error == -EFBIG;
}

static uint64_t all_pages(void)
{
	return (UINT64_C(1) << ADDRESS_BITS) / ww_page_size();
}

static int begin(struct ww_share *share, const struct ww_kernel_ops *ops,
		 void *memory, int fd)
{
	struct ww_share_header *header = memory;

	*share = (struct ww_share){ .fd = fd };
	lay_out(share, memory, all_pages(), MAX_VIEWS);
	if (ops->allow(memory, (size_t)head_bytes(all_pages(), MAX_VIEWS))) {
		ww_share_close(share, ops);
		return -ENOMEM;
	}
	header->layout = LAYOUT;
	header->page_size = (uint32_t)ww_page_size();
	header->n_pages = all_pages();
	header->max_views = MAX_VIEWS;
	header->pid = (uint64_t)getpid();
	return 0;
}

/* From here on others find it. */
static void publish(struct ww_share *share)
{
	__atomic_store_n(&share->header->magic, MAGIC, __ATOMIC_RELEASE);
}

static int open_as(struct ww_share *share, const struct ww_kernel_ops *ops,
		   const char *name)
{
	void *memory;
	int fd = ops->map_sparse(name, (size_t)all_bytes(all_pages(), MAX_VIEWS),
				 &memory);

	return fd < 0 ? fd : begin(share, ops, memory, name ? fd : -1);
}

int ww_share_open(struct ww_share *share, const struct ww_kernel_ops *ops,
		  bool found)
{
	int ret = found ? open_as(share, ops, WW_SHARE_NAME) : -EPERM;

	if (is_refused(ret))
		ret = open_as(share, ops, NULL);
	if (!ret)
		publish(share);
	return ret;
}

void ww_share_close(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	if (share->header)
		ops->unmap(share->header, share->n_bytes);
	if (share->fd >= 0)
		ops->close(share->fd);
	*share = (struct ww_share){ .fd = -1 };
}

static int copy_known(const struct ww_share *from, struct ww_share *to,
		      const struct ww_kernel_ops *ops, const struct ww_spans *views)
{
	struct ww_span view = { .end = 0 };

	while (ww_spans_find(views, view.end, &view)) {
		size_t first, end = ww_page_number(view.start);

		if (ww_share_reach(to, ops, view.start, view.end))
			return -ENOMEM;
		while (ww_known_next(&from->known, end, ww_page_number(view.end),
				     &first, &end))
			ww_known_set(&to->known, first, end);
	}
	return 0;
}

/* After a move, which only a mapping without access survives in one. */
static int allow_again(const struct ww_share *share,
		       const struct ww_kernel_ops *ops)
{
	int ret = ops->allow(share->header, (size_t)head_bytes(share->n_pages,
							       share->max_views));

	for (size_t i = 0; !ret && i < WW_SHARE_PIECES; i++)
		if (share->reached[i / 64] >> i % 64 & 1)
			ret = allow_piece(share, ops, i);
	return ret;
}

/* The new file comes to lie where the old one was: the fork may have happened in
 * a signal handler, above a search of the bitmap. */
static int take_place(struct ww_share *share, const struct ww_kernel_ops *ops,
		      struct ww_share *old)
{
	if (!old->header)
		return 0;
	if (!ops->protect((uintptr_t)share->header, share->n_bytes, PROT_NONE) &&
	    !ops->move(share->header, old->header, share->n_bytes)) {
		lay_out(share, old->header, share->n_pages, share->max_views);
		old->header = NULL;
	}
	return allow_again(share, ops);
}

void ww_share_before_fork(const struct ww_share *share, struct ww_share *child,
			  const struct ww_kernel_ops *ops,
			  const struct ww_spans *views, bool found)
{
	if ((!found || open_as(child, ops, WW_SHARE_NAME)) &&
	    open_as(child, ops, NULL))
		*child = (struct ww_share){ .fd = -1 };
	else if (copy_known(share, child, ops, views))
		ww_share_close(child, ops);
}

void ww_share_after_fork(struct ww_share *share, struct ww_share *child,
			 const struct ww_kernel_ops *ops,
			 const struct ww_spans *views)
{
	struct ww_share old = *share;

	*share = *child;
	*child = (struct ww_share){ .fd = -1 };
	/* and what a query has given back since the first copy */
	if (share->header && !copy_known(&old, share, ops, views) &&
	    !take_place(share, ops, &old)) {
		share->header->pid = (uint64_t)getpid();
		ww_share_views(share, views, 0);
		publish(share);
	} else {
		ww_share_close(share, ops);
		share->n_pages = old.n_pages;
	}
	ww_share_close(&old, ops);
}

static void write_begin(struct ww_share *share)
{
	STORE(share->header->sequence, ++share->sequence);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(struct ww_share *share)
{
	__atomic_store_n(&share->header->sequence, ++share->sequence,
			 __ATOMIC_RELEASE);
}

void ww_share_views(struct ww_share *share, const struct ww_spans *views,
		    uintptr_t address)
{
	/* one that was cut at the address ends there now */
	size_t n, i = ww_spans_index(views, address ? address - 1 : 0);
	const struct ww_span *span = ww_spans_all(views, &n);

	if (!share->header)
		return;
	if (n > share->max_views)
		n = share->max_views;
	write_begin(share);
	for (; i < n; i++) {
		STORE(share->views[i].start, span[i].start);
		STORE(share->views[i].end, span[i].end);
	}
	STORE(share->header->n_views, n);
	write_end(share);
}

void ww_share_tag(struct ww_share *share, const struct ww_tag *tag)
{
	if (!share->header)
		return;
	write_begin(share);
	for (size_t i = 0; i < sizeof(tag->words) / sizeof(tag->words[0]); i++)
		STORE(share->header->tag.words[i], tag->words[i]);
	write_end(share);
}

/* ---- Others ---- */

size_t ww_share_first_bytes(void)
{
	return ALIGNMENT;
}

int ww_share_look_at(struct ww_share *share, void *memory, size_t n_bytes,
		     pid_t pid, const struct ww_kernel_ops *ops)
{
	const struct ww_share_header *header = memory;
	uint64_t n_pages, max_views;

	if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != MAGIC ||
	    LOAD(header->layout) != LAYOUT ||
	    LOAD(header->page_size) != ww_page_size() ||
	    LOAD(header->pid) != (uint64_t)pid)
		return -ENOENT;
	n_pages = LOAD(header->n_pages);
	max_views = LOAD(header->max_views);
	/* whole words of the summary's bytes: nothing is cut short below */
	if (n_pages % (WW_KNOWN_GROUP * 8) ||
	    n_pages > (uint64_t)PIECE_PAGES * WW_SHARE_PIECES ||
	    max_views > UINT32_MAX || all_bytes(n_pages, max_views) != n_bytes)
		return -ENOENT;
	if (ops->allow(memory, (size_t)head_bytes(n_pages, max_views)))
		return -ENOMEM;
	*share = (struct ww_share){ .fd = -1 };
	lay_out(share, memory, n_pages, max_views);
	return 0;
}

/* How often a reader looks again before it takes the owner for stopped. */
#define PATIENCE 10000

/* Calls `read` until it has read between two changes. */
static int read_whole(const struct ww_share *share,
		      int (*read)(const struct ww_share *share, void *data),
		      void *data)
{
	for (int i = 0; i < PATIENCE; i++) {
		uint64_t before = __atomic_load_n(&share->header->sequence,
						  __ATOMIC_ACQUIRE);
		int ret;

		if (before & 1) {
			sched_yield();
			continue;
		}
		ret = read(share, data);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (LOAD(share->header->sequence) == before)
			return ret;
	}
	return -EBUSY;
}

static int read_tag(const struct ww_share *share, void *data)
{
	struct ww_tag *tag = data;

	for (size_t i = 0; i < sizeof(tag->words) / sizeof(tag->words[0]); i++)
		tag->words[i] = LOAD(share->header->tag.words[i]);
	return 0;
}

int ww_share_read_tag(const struct ww_share *share, struct ww_tag *tag)
{
	return read_whole(share, read_tag, tag);
}

struct lookup {
	uintptr_t address;
	struct ww_run *view;
};

static int read_view(const struct ww_share *share, void *data)
{
	const struct ww_shared_view *view = share->views;
	const struct lookup *lookup = data;
	uint64_t n = LOAD(share->header->n_views), low = 0;

	if (n > share->max_views)
		n = share->max_views;
	while (low < n) {
		uint64_t middle = low + (n - low) / 2;
		uint64_t start = LOAD(view[middle].start);
		uint64_t end = LOAD(view[middle].end);

		if (end <= lookup->address) {
			low = middle + 1;
		} else if (start > lookup->address) {
			n = middle;
		} else {
			*lookup->view = (struct ww_run){ start, end, 0 };
			return 0;
		}
	}
	return -ENOENT;
}

int ww_share_read_view(const struct ww_share *share, uintptr_t address,
		       struct ww_run *view)
{
	struct lookup lookup = { address, view };

	return read_whole(share, read_view, &lookup);
}

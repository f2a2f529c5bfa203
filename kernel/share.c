/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A registry's shared file: header, views and the pieces of the bitmap, each at
 * an offset that the header's numbers give, all of it sparse. Private memory in
 * its place has only pieces.
 *
 * Pieces are mapped where there are views: all of them take 8 GiB, which a limit
 * of address space, or of locked memory, need not leave.
 *
 * Header and table are under a sequence count as in spans.c, with two
 * differences. The owner may be stopped or killed between its two steps, so
 * readers do not wait for long. And readers believe nothing: what they find may
 * be garbage, and is only ever compared, and bounded before it is an index.
 */
#include "share.h"
#include "stats.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#define MAGIC UINT64_C(0x6863746177656e69)	/* "inewatch" */
#define LAYOUT 2
#define ALIGNMENT 65536		/* the largest page there is */

/* User space by default: more is only mapped for those who ask for it. */
#define ADDRESS_BITS (sizeof(void *) == 8 ? 48 : 32)

/* Of any process, and of this one. */
#define MOST_PIECES ((size_t)1 << 12)
#define MOST_VIEWS ((size_t)1 << 18)
#define MAX_VIEWS (sizeof(void *) == 8 ? MOST_VIEWS : (size_t)1 << 15)

/* Fixed sizes: a 64-bit process may look at a 32-bit one. The magic is stored
 * last. */
struct ww_share_header {
	ww_aligned64 magic;
	uint32_t layout;
	uint32_t page_size;
	ww_aligned64 n_pieces;
	ww_aligned64 max_views;
	ww_aligned64 pid;
	ww_aligned64 sequence;	/* odd while the owner is at work */
	ww_aligned64 n_views;
	struct ww_tag tag;
};

_Static_assert(sizeof(struct ww_share_header) <= WW_SHARE_STATS_OFFSET,
	       "the statistics come after the header");

struct ww_shared_view {
	ww_aligned64 start;
	ww_aligned64 end;
};

static uint64_t align(uint64_t n_bytes)
{
	return (n_bytes + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

static size_t views_bytes(size_t max_views)
{
	return (size_t)align(max_views * sizeof(struct ww_shared_view));
}

static size_t piece_bytes(void)
{
	return (size_t)align(sizeof(struct ww_known_piece));
}

static size_t offset_of_views(void)
{
	return (size_t)align(WW_SHARE_STATS_OFFSET + sizeof(struct ww_stats));
}

static uint64_t offset_of_piece(size_t i, size_t max_views)
{
	return offset_of_views() + views_bytes(max_views) +
	       (uint64_t)i * piece_bytes();
}

static int map_header(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	void *header;
	int ret = ops->map_part(share->fd, 0, offset_of_views(), &header);

	if (!ret)
		share->header = header;
	return ret;
}

static int map_views(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	void *views;
	int ret = ops->map_part(share->fd, offset_of_views(),
				views_bytes(share->max_views), &views);

	if (!ret)
		share->views = views;
	return ret;
}

static size_t table_bytes(const struct ww_share *share)
{
	return share->n_pieces * sizeof(*share->known.pieces);
}

static int map_table(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	share->known.pieces = ops->map(table_bytes(share));
	return share->known.pieces ? 0 : -ENOMEM;
}

/* The program may have closed it: then others do not find it any more either, and
 * private memory does for what is mapped from now on. */
static int file_of(const struct ww_share *share, const struct ww_kernel_ops *ops)
{
	return ww_is_same_file(ops, share->fd, share->file) ? share->fd : -1;
}

static int map_piece(struct ww_share *share, const struct ww_kernel_ops *ops,
		     size_t i)
{
	uint64_t offset = offset_of_piece(i, share->max_views);
	void *piece;

	if (share->known.pieces[i])
		return 0;
	if (ops->map_part(file_of(share, ops), offset, piece_bytes(), &piece))
		return -ENOMEM;
	__atomic_store_n(&share->known.pieces[i], piece, __ATOMIC_RELEASE);
	return 0;
}

int ww_share_reach(struct ww_share *share, const struct ww_kernel_ops *ops,
		   uintptr_t start, uintptr_t end)
{
	size_t last = ww_page_number(end - 1) / WW_KNOWN_PIECE_PAGES;
	int ret = 0;

	if (last >= share->n_pieces)
		return -ENOMEM;
	if (!share->known.pieces)
		return 0;
	for (size_t i = ww_page_number(start) / WW_KNOWN_PIECE_PAGES;
	     !ret && i <= last; i++)
		ret = map_piece(share, ops, i);
	return ret;
}

static void unmap_head(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	if (share->header)
		ops->unmap(share->header, offset_of_views());
	if (share->views)
		ops->unmap(share->views, views_bytes(share->max_views));
	ww_close_same_file(ops, share->fd, share->file);
	share->header = NULL;
	share->views = NULL;
	share->fd = -1;
}

static void unmap_bitmap(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	struct ww_known_piece **pieces = share->known.pieces;

	if (!pieces)
		return;
	for (size_t i = 0; i < share->n_pieces; i++)
		if (pieces[i])
			ops->unmap(pieces[i], piece_bytes());
	ops->unmap(pieces, table_bytes(share));
	share->known.pieces = NULL;
}

void ww_share_close(struct ww_share *share, const struct ww_kernel_ops *ops)
{
	unmap_head(share, ops);
	unmap_bitmap(share, ops);
}

/* ---- The owner ---- */

/* Answers of a sandbox, or of a limit on the size of files: such a process is
 * watched as any other. */
static bool is_refused(int error)
{
	return error == -ENOSYS || error == -EPERM || error == -EACCES ||
	       error == -EFBIG;
}

static size_t all_pieces(void)
{
	uint64_t n_pages = (UINT64_C(1) << ADDRESS_BITS) / ww_page_size();

	return (size_t)((n_pages + WW_KNOWN_PIECE_PAGES - 1) /
			WW_KNOWN_PIECE_PAGES);
}

static int make_head(struct ww_share *share, const struct ww_kernel_ops *ops,
		     const char *name)
{
	struct ww_share_header *header;
	int ret = ops->sparse_file(name, offset_of_piece(share->n_pieces,
							 share->max_views));

	if (ret < 0)
		return ret;
	share->fd = ret;
	share->file = ops->identify(share->fd);
	ret = map_header(share, ops);
	if (!ret)
		ret = map_views(share, ops);
	if (ret)
		return ret;
	header = share->header;
	header->layout = LAYOUT;
	header->page_size = (uint32_t)ww_page_size();
	header->n_pieces = share->n_pieces;
	header->max_views = share->max_views;
	header->pid = (uint64_t)getpid();
	return 0;
}

/* From here on others find it. */
static void publish(struct ww_share *share)
{
	if (share->header)
		__atomic_store_n(&share->header->magic, MAGIC, __ATOMIC_RELEASE);
}

static int open_as(struct ww_share *share, const struct ww_kernel_ops *ops,
		   const char *name)
{
	int ret;

	*share = (struct ww_share){ .fd = -1, .n_pieces = all_pieces(),
				    .max_views = MAX_VIEWS };
	ret = name ? make_head(share, ops, name) : 0;
	if (!ret)
		ret = map_table(share, ops);
	if (ret)
		ww_share_close(share, ops);
	return ret;
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

/* Those without a view, too: the child's parts with its parent's then. */
static int reach_same(const struct ww_share *from, struct ww_share *to,
		      const struct ww_kernel_ops *ops)
{
	int ret = 0;

	for (size_t i = 0; from->known.pieces && !ret && i < to->n_pieces; i++)
		if (from->known.pieces[i])
			ret = map_piece(to, ops, i);
	return ret;
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

void ww_share_before_fork(const struct ww_share *share, struct ww_share *child,
			  const struct ww_kernel_ops *ops,
			  const struct ww_spans *views, bool found)
{
	if ((!found || open_as(child, ops, WW_SHARE_NAME)) &&
	    open_as(child, ops, NULL))
		return;
	if (reach_same(share, child, ops) || copy_known(share, child, ops, views))
		ww_share_close(child, ops);
}

/* The child's pieces come to lie where its parent's were, and the table stays:
 * the fork may have happened in a signal handler, above a search of the bitmap.
 * A piece that cannot be moved is good where it is for every later one. */
static void take_places(struct ww_share *share, struct ww_share *child,
			const struct ww_kernel_ops *ops)
{
	struct ww_known_piece **at = share->known.pieces;
	struct ww_known_piece **from = child->known.pieces;

	if (!at) {
		share->known = child->known;
		child->known.pieces = NULL;
		return;
	}
	for (size_t i = 0; i < share->n_pieces; i++) {
		if (from[i] && ops->move(from[i], at[i], piece_bytes())) {
			ops->unmap(at[i], piece_bytes());
			at[i] = from[i];
		}
		from[i] = NULL;
	}
}

/* A call that the fork has interrupted may be about to count in the statistics,
 * so the child's header comes to lie where its parent's was. Where that cannot
 * be, the parent's stays there: what little is counted in it does no harm. */
static void keep_header(struct ww_share *share, struct ww_share *child,
			const struct ww_kernel_ops *ops)
{
	struct ww_share_header *old = share->header;

	share->header = NULL;
	if (old && child->header &&
	    !ops->move(child->header, old, offset_of_views()))
		child->header = old;
}

static void take_head(struct ww_share *share, struct ww_share *child,
		      const struct ww_kernel_ops *ops)
{
	keep_header(share, child, ops);
	unmap_head(share, ops);
	share->header = child->header;
	share->views = child->views;
	share->fd = child->fd;
	share->file = child->file;
	share->sequence = child->sequence;
	child->header = NULL;
	child->views = NULL;
	child->fd = -1;
}

void ww_share_after_fork(struct ww_share *share, struct ww_share *child,
			 const struct ww_kernel_ops *ops,
			 const struct ww_spans *views)
{
	/* and what a query has given back since the first copy */
	if (child->known.pieces && !copy_known(share, child, ops, views)) {
		take_places(share, child, ops);
		take_head(share, child, ops);
	} else {
		share->header = NULL;
		ww_share_close(share, ops);
	}
	ww_share_close(child, ops);
	if (!share->header)
		return;
	share->header->pid = (uint64_t)getpid();
	ww_share_views(share, views, 0);
	publish(share);
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

/* Where the next view is to be listed. */
struct view_list {
	struct ww_share *share;
	size_t i;
};

static void list_view(const struct ww_span *view, void *data)
{
	struct view_list *list = data;
	struct ww_share *share = list->share;

	if (list->i == share->max_views)
		return;
	STORE(share->views[list->i].start, view->start);
	STORE(share->views[list->i].end, view->end);
	list->i++;
}

/* A view in between moves all behind it, 3 ns each (6.18). */
void ww_share_views(struct ww_share *share, const struct ww_spans *views,
		    uintptr_t address)
{
	/* one that was cut at the address ends there now */
	uintptr_t below = address ? address - 1 : 0;
	struct view_list list = { share, ww_spans_index(views, below) };

	if (!share->header)
		return;
	if (list.i > share->max_views)
		list.i = share->max_views;
	write_begin(share);
	ww_spans_each(views, below, list_view, &list);
	STORE(share->header->n_views, list.i);
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

/* Takes the numbers of a header, once. */
static int read_numbers(struct ww_share *share, uint64_t n_bytes, pid_t pid)
{
	const struct ww_share_header *header = share->header;
	uint64_t n_pieces, max_views;

	if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != MAGIC ||
	    LOAD(header->layout) != LAYOUT ||
	    LOAD(header->page_size) != ww_page_size() ||
	    LOAD(header->pid) != (uint64_t)pid)
		return -ENOENT;
	n_pieces = LOAD(header->n_pieces);
	max_views = LOAD(header->max_views);
	if (!n_pieces || n_pieces > MOST_PIECES || !max_views ||
	    max_views > MOST_VIEWS ||
	    offset_of_piece((size_t)n_pieces, (size_t)max_views) != n_bytes)
		return -ENOENT;
	share->n_pieces = (size_t)n_pieces;
	share->max_views = (size_t)max_views;
	return 0;
}

int ww_share_look_at(struct ww_share *share, const struct ww_kernel_ops *ops,
		     int fd, uint64_t n_bytes, pid_t pid)
{
	int ret;

	*share = (struct ww_share){ .fd = fd, .file = ops->identify(fd) };
	ret = n_bytes < offset_of_views() ? -ENOENT : map_header(share, ops);
	if (!ret)
		ret = read_numbers(share, n_bytes, pid);
	if (!ret)
		ret = map_views(share, ops);
	if (!ret)
		ret = map_table(share, ops);
	if (ret)
		ww_share_close(share, ops);
	return ret;
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

struct listing {
	struct ww_run *views;
	size_t max;
	size_t n;
};

/* What no owner writes, but somebody may have, is left out: a view that is
 * empty, or begins before the last one ends, or is not of whole pages. */
static int read_views(const struct ww_share *share, void *data)
{
	uint64_t n = LOAD(share->header->n_views), last = 0;
	struct listing *listing = data;

	if (n > share->max_views)
		n = share->max_views;
	listing->n = 0;
	for (uint64_t i = 0; i < n && listing->n < listing->max; i++) {
		uint64_t start = LOAD(share->views[i].start);
		uint64_t end = LOAD(share->views[i].end);

		if (start < last || start >= end || (start | end) % ww_page_size())
			continue;
		listing->views[listing->n++] = (struct ww_run){ start, end, 0 };
		last = end;
	}
	return 0;
}

ssize_t ww_share_read_views(const struct ww_share *share, struct ww_run *views,
			    size_t max)
{
	struct listing listing = { views, max, 0 };
	int ret = read_whole(share, read_views, &listing);

	return ret ? ret : (ssize_t)listing.n;
}

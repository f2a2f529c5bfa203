/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a registry lets other processes see and change: a file in memory that
 * nothing but /proc/PID/fd leads to, so that the kernel's check of who may look
 * at a process is the check for this, too.
 *
 * It holds a header, the table of views, and the known-written bitmap. Header
 * and table are written by the owner under its lock and never read back, so
 * nobody can lead it astray through them. The bitmap belongs to all: whoever
 * takes a page from it reports that page.
 */
#ifndef WW_SHARE_H
#define WW_SHARE_H

#include "foreign.h"
#include "known.h"
#include "spans.h"

#define WW_SHARE_NAME "winewatch"

struct ww_share_header;
struct ww_shared_view;
struct ww_stats;

/* One side's way to the file. */
struct ww_share {
	struct ww_share_header *header;	/* NULL: there is no file */
	struct ww_shared_view *views;
	size_t max_views;
	size_t n_pieces;		/* of the bitmap, mapped or not */
	int fd;				/* -1: there is no file */
	uint64_t file;			/* which one it is */
	unsigned sequence;		/* the owner's */
	struct ww_known known;
};

/* Maps the bits of [start, end). What is mapped stays until ww_share_close, and
 * nobody else may reach at the same time; others may use the bitmap meanwhile. 0
 * or -ENOMEM. */
int ww_share_reach(struct ww_share *share, const struct ww_kernel_ops *ops,
		   uintptr_t start, uintptr_t end);

void ww_share_close(struct ww_share *share, const struct ww_kernel_ops *ops);

/* The statistics have a page of their own, where pages are small: they change
 * when nothing else does. NULL where there is no file. */
#define WW_SHARE_STATS_OFFSET 4096

static inline struct ww_stats *ww_share_stats(const struct ww_share *share)
{
	return share->header ? (struct ww_stats *)((char *)share->header +
						   WW_SHARE_STATS_OFFSET) : NULL;
}

/* ---- The owner ---- */

/* Makes the file; where files in memory are refused, or if it is not to be
 * `found`, private memory that others do not find. 0 or -errno. */
int ww_share_open(struct ww_share *share, const struct ww_kernel_ops *ops,
		  bool found);

/* Before a fork: the child's file, with the bits that are known in `views`, to
 * be `found` or not. The parent goes on to clear bits in its own while the child
 * comes to life, so a copy that the child makes itself misses pages. The parent
 * closes it. */
void ww_share_before_fork(const struct ww_share *share, struct ww_share *child,
			  const struct ww_kernel_ops *ops,
			  const struct ww_spans *views, bool found);

/* In a forked child, before anything else: its file in the place of its
 * parent's, without a tag. Every piece of the bitmap lies where it was. Without
 * memory for it every page of the child reads as known. */
void ww_share_after_fork(struct ww_share *share, struct ww_share *child,
			 const struct ww_kernel_ops *ops,
			 const struct ww_spans *views);

/* Shows views, of which those that end below `address` have not changed. */
void ww_share_views(struct ww_share *share, const struct ww_spans *views,
		    uintptr_t address);
void ww_share_tag(struct ww_share *share, const struct ww_tag *tag);

/* ---- Others ---- */

/* Makes `share` the way to a file of `n_bytes`. It owns the descriptor from now
 * on, and closes it if it fails. 0, -ENOMEM, or -ENOENT if it is not such a file,
 * or not by the process with this pid (as it sees itself): descriptors are
 * inherited, too. */
int ww_share_look_at(struct ww_share *share, const struct ww_kernel_ops *ops,
		     int fd, uint64_t n_bytes, pid_t pid);

/* -EBUSY: the owner has stopped in the middle of a change. */
int ww_share_read_tag(const struct ww_share *share, struct ww_tag *tag);

/* The view around `address`. 0, -ENOENT or -EBUSY. */
int ww_share_read_view(const struct ww_share *share, uintptr_t address,
		       struct ww_run *view);

/* The lowest views, ascending, at most `max`; how many, or -EBUSY. */
ssize_t ww_share_read_views(const struct ww_share *share, struct ww_run *views,
			    size_t max);

#endif

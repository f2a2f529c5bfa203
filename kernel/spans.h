/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sorted table of address ranges, each with a value, that readers search
 * without a lock: the views of a registry, and the committed runs of a region.
 *
 * One writer at a time, which nobody may suspend or kill while it writes. Any
 * number of readers, which may be suspended or killed anywhere: they hold
 * nothing. See spans.c for the proof.
 */
#ifndef WW_SPANS_H
#define WW_SPANS_H

#include "tracker.h"

#include <stdbool.h>

/* [start, end) in bytes. The stamp tells one use of a value from the next. */
struct ww_span {
	uintptr_t start;
	uintptr_t end;
	void *value;
	ww_aligned64 stamp;
};

#define WW_SPANS_INLINE 2

/* Spans in order, one part after the other. */
struct ww_spans_part {
	uintptr_t end;			/* of the last of them */
	size_t n;
	struct ww_span *spans;
};

struct ww_spans_directory;

struct ww_spans {
	unsigned sequence;		/* odd while the writer is at work */
	struct ww_spans_directory *directory;	/* NULL: one part, of `few` */
	size_t n_parts;			/* of the directory */
	struct ww_spans_part first;	/* without a directory */
	struct ww_span few[WW_SPANS_INLINE];
	struct ww_span *unused;		/* emptied parts */
};

/* Readers, without a lock. */

/* The first span that ends above `address`; false if there is none. */
bool ww_spans_find(const struct ww_spans *spans, uintptr_t address,
		   struct ww_span *found);

/* The first piece of a span within [address, end); false if there is none. */
bool ww_spans_next(const struct ww_spans *spans, uintptr_t address,
		   uintptr_t end, struct ww_span *piece);

/* The first piece of [address, end) outside every span. */
bool ww_spans_next_gap(const struct ww_spans *spans, uintptr_t address,
		       uintptr_t end, struct ww_span *gap);

/* The writer. */

/* How many there are, and how many of them end at `address` or below. */
size_t ww_spans_count(const struct ww_spans *spans);
size_t ww_spans_index(const struct ww_spans *spans, uintptr_t address);

/* The last span that ends at `address` or below; false if there is none. */
bool ww_spans_before(const struct ww_spans *spans, uintptr_t address,
		     struct ww_span *found);

/* Calls `each` for every span that ends above `address`, in order. */
void ww_spans_each(const struct ww_spans *spans, uintptr_t address,
		   void (*each)(const struct ww_span *span, void *data),
		   void *data);

/* Adds a range without value, which becomes one with all that it overlaps or
 * touches. 0, or -ENOMEM with nothing changed. */
int ww_spans_add(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		 uintptr_t start, uintptr_t end);

/* Adds a span that overlaps none; those it touches stay apart. 0 or -ENOMEM. */
int ww_spans_insert(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		    const struct ww_span *span);

/* Takes a range out, cutting what reaches over its ends. 0, or -ENOMEM with
 * nothing changed, which only a hole in the middle of a span can meet. */
int ww_spans_remove(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		    uintptr_t start, uintptr_t end);

/* Empties the table and gives its memory back. No reader may be in it. */
void ww_spans_free(struct ww_spans *spans, const struct ww_kernel_ops *ops);

#endif

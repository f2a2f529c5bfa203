/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the revisions of PAGEMAP_SCAN differ in, and a call in common terms. */
#ifndef WW_PAGEMAP_REVISION_H
#define WW_PAGEMAP_REVISION_H

#include "pagemap_scan.h"

#include <stddef.h>

/* One call, with masks in the revision's own bits. */
struct ww_pagemap_call {
	const struct ww_pagemap_revision *revision;
	struct ww_pages *pages;
	/* as it was given */
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t n_bytes;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t inverted;
	uint64_t required;
	uint64_t anyof;
	uint64_t excluded;
	uint64_t returned;
	/* what follows from it */
	uint64_t end;		/* of the last page */
	bool get;
	bool apply;		/* protect or clear */
	bool check;		/* unwatched memory is an error */
	bool no_reused;		/* what a mapping says is not dirt */
};

/* A rule of the arguments; true if it is broken. */
struct ww_pagemap_check {
	bool (*broken)(const struct ww_pagemap_call *call);
	int error;
};

/* A part of a hugetlb page cannot be protected. */
enum ww_pagemap_hugetlb {
	WW_HUGETLB_UNSEEN,
	WW_HUGETLB_EPERM,
	WW_HUGETLB_EINVAL_ENOSPC,	/* cut by the range, cut by max_pages */
	WW_HUGETLB_STOP,
};

struct ww_pagemap_revision {
	unsigned long request;
	size_t n_argument;
	uint64_t all_flags;
	uint64_t all_categories;
	/* the one category that can be waited for: dirty, or written */
	uint64_t written;
	/* the value of walk_end in the structure; 0 if it has none */
	size_t walk_end_at;
	void (*load)(struct ww_pagemap_call *call, const void *argument);
	/* in order, the last without a function */
	const struct ww_pagemap_check *checks;
	/* 0, 1 to pass the mapping over, or -errno */
	int (*enter)(const struct ww_pagemap_call *call, unsigned facts);
	uint64_t (*categories)(const struct ww_pagemap_call *call,
			       const struct ww_pages_unit *unit);
	/* whether a selected unit changes */
	bool (*applies)(const struct ww_pages_unit *unit, uint64_t categories);
	enum ww_pagemap_hugetlb hugetlb;
	bool clears_soft_dirty;
	bool return_selects;		/* no bits to return, no page */
	bool region_has_end;		/* else a number of pages */
	bool stops_when_full;		/* at once, not at the next page */
	bool split_seals;		/* a split huge page opens a region */
	bool reset_ignores_masks;	/* in page tables, without an array */
	bool fails_first;		/* before anything is changed */
	bool untouched_written;		/* holes and empty entries */
};

/* Fills what follows from the arguments. 0 or -errno. */
int ww_pagemap_decode(struct ww_pagemap_call *call, const void *argument);

#endif

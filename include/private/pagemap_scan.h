/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PAGEMAP_SCAN in user space: the ioctl of every revision that was posted or
 * merged, on any source of pages.
 *
 * A revision is a constant. The number of the request cannot name it: v6 and
 * v10 share one, v16 and v18 share one, and mainline never changed its own.
 */
#ifndef WW_PAGEMAP_SCAN_H
#define WW_PAGEMAP_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#define WW_PAGEMAP_PAGE ((uint64_t)4096)
/* What one page table maps, and a huge page. */
#define WW_PAGEMAP_TABLE ((uint64_t)2 << 20)

struct ww_pagemap_revision;

extern const struct ww_pagemap_revision ww_pagemap_v6;
extern const struct ww_pagemap_revision ww_pagemap_v10;
extern const struct ww_pagemap_revision ww_pagemap_v16;
extern const struct ww_pagemap_revision ww_pagemap_v18;
/* Linux 6.7, where memory that was never touched reads as clean. */
extern const struct ww_pagemap_revision ww_pagemap_mainline;
/* The same with PAGE_IS_GUARD. */
extern const struct ww_pagemap_revision ww_pagemap_guard;
/* Both with the fixes of 2026 (6.12.107; 6.18.44, 7.2): such memory reads as
 * written. */
extern const struct ww_pagemap_revision ww_pagemap_mainline_2026;
extern const struct ww_pagemap_revision ww_pagemap_guard_2026;

/* ---- A source of pages ---- */

enum ww_pages_kind {
	WW_PAGES_HOLE,		/* no page table */
	WW_PAGES_NONE,		/* an empty entry in a page table */
	WW_PAGES_ENTRY,		/* any other entry in a page table */
	WW_PAGES_HUGE,		/* one entry for a whole transparent huge page */
	WW_PAGES_HUGETLB,
};

/* What is known of a page, and of the mapping that it is in. */
enum ww_pages_facts {
	WW_PAGE_PROTECTED = 1 << 0,	/* the write-protect bit of userfaultfd */
	WW_PAGE_FILE = 1 << 1,		/* not anonymous */
	WW_PAGE_PRESENT = 1 << 2,
	WW_PAGE_SWAPPED = 1 << 3,	/* any entry that is not present */
	WW_PAGE_ZERO = 1 << 4,		/* the zero page */
	WW_PAGE_SOFT_DIRTY = 1 << 5,
	WW_PAGE_GUARD = 1 << 6,
	WW_MAPPING_WP = 1 << 8,		/* registered for write-protection, */
	WW_MAPPING_ASYNC = 1 << 9,	/* asynchronous, */
	WW_MAPPING_MARKERS = 1 << 10,	/* of untouched pages too */
	WW_MAPPING_FILE = 1 << 11,
	WW_MAPPING_SOFT_DIRTY = 1 << 12,
	WW_MAPPING_PFNMAP = 1 << 13,
};
#define WW_MAPPING_WATCHED \
	(WW_MAPPING_WP | WW_MAPPING_ASYNC | WW_MAPPING_MARKERS)

/* Pages [start, end) that are alike, in one mapping and under one page table.
 * n_whole is the size in bytes of the entry that maps them: more than
 * end - start if only a part of a huge page was asked for. */
struct ww_pages_unit {
	uint64_t start;
	uint64_t end;
	uint64_t n_whole;
	enum ww_pages_kind kind;
	unsigned facts;
};

struct ww_pages {
	const struct ww_pages_ops *ops;
	uint64_t limit;		/* addresses of user space are below */
	bool soft_dirty;	/* such a bit exists */
};

/* Ranges are of whole pages. write_protect and clear_soft_dirty get the range
 * of one unit or of its beginning; 0 or -errno, with nothing changed. */
struct ww_pages_ops {
	/* The first unit within [at, end): 1, 0 if nothing is mapped there, or
	 * -errno. */
	int (*next)(struct ww_pages *pages, uint64_t at, uint64_t end,
		    struct ww_pages_unit *unit);
	/* Holes and empty entries become markers. */
	int (*write_protect)(struct ww_pages *pages, uint64_t start, uint64_t end);
	/* mapping: also what the mapping says of these pages. */
	int (*clear_soft_dirty)(struct ww_pages *pages, uint64_t start,
				uint64_t end, bool mapping);
	/* The transparent huge page there becomes entries of its own. */
	int (*split)(struct ww_pages *pages, uint64_t address);
	/* The caller's memory there is about to be written by a system call,
	 * which failed. NULL: no source of pages makes it fail. */
	void (*allow)(struct ww_pages *pages, uint64_t start, uint64_t end);
};

/*
 * The ioctl: `argument` is the address of the revision's own structure.
 * Returns what the ioctl returns, errors as -errno. Neither a bad `argument`
 * nor a bad array in it is touched other than through the kernel, so that both
 * end in -EFAULT; as in the kernel, pages that were protected or cleared before
 * a late -EFAULT stay so.
 *
 * What was posted as v6 to v18 is followed where it is described, not where its
 * code was wrong: limits stop the scan without an error, exactly the selected
 * and delivered pages are protected or cleared, and a scan that fails on its
 * way has changed nothing. In mainline, walk_end is where to go on, always.
 */
int ww_pagemap_engine_scan(const struct ww_pagemap_revision *revision,
			   struct ww_pages *pages, unsigned long request,
			   void *argument);

#endif

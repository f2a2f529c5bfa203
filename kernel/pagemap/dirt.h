/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was known of a process's pages when their soft-dirty bits were cleared.
 * The kernel clears those of all pages at once; who wanted to clear some of
 * them keeps the others here.
 */
#ifndef WW_PAGEMAP_DIRT_H
#define WW_PAGEMAP_DIRT_H

#include "mappings.h"

enum ww_dirt_bit {
	WW_DIRT_WRITTEN = 1,	/* the page was dirty */
	WW_DIRT_FRESH = 2,	/* its mapping was */
	WW_DIRT_EMPTY = 4,	/* nothing was there when it was cleaned, and
				   nothing was seen there since */
};

struct ww_dirt_range {
	uint64_t start;
	uint64_t end;
};

struct ww_dirt_table;

struct ww_dirt {
	struct ww_dirt_table ***folder;	/* by address, in two steps */
	/* mappings that were dirty, ascending; a table may say less */
	struct ww_dirt_range *fresh;
	size_t n_fresh;
};

unsigned ww_dirt_get(const struct ww_dirt *dirt, uint64_t address);

/* A page that was dirty. 0 or -ENOMEM. */
int ww_dirt_keep(struct ww_dirt *dirt, uint64_t address);
/* Something is there now. */
void ww_dirt_occupied(struct ww_dirt *dirt, uint64_t address);
/* What the mappings say now is added to what they said; what lies in none of
 * them is forgotten. 0 or -ENOMEM, with nothing changed. */
int ww_dirt_keep_fresh(struct ww_dirt *dirt, const struct ww_mappings *mappings);

/* The page is clean; mapping: also of its mapping's dirt. `empty`: nothing is
 * there. 0 or -ENOMEM. */
int ww_dirt_clean(struct ww_dirt *dirt, uint64_t address, bool mapping,
		  bool empty);
void ww_dirt_free(struct ww_dirt *dirt);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mappings of a process, as smaps tells them. */
#ifndef WW_PAGEMAP_MAPPINGS_H
#define WW_PAGEMAP_MAPPINGS_H

#include "pagemap_scan.h"

#include <stddef.h>

struct ww_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t n_entry;	/* bytes under one entry */
	unsigned facts;		/* WW_MAPPING_FILE, WP, SOFT_DIRTY, PFNMAP */
	bool hugetlb;
	bool populated;		/* something is there */
};

struct ww_mappings {
	struct ww_mapping *item;	/* ascending */
	size_t n;
	size_t room;
};

/* Reads those that begin below `end`, from an open smaps, in place of what was
 * known. 0, -ENOMEM, or what read(2) gives: -ESRCH if the process has gone. */
int ww_mappings_read(struct ww_mappings *mappings, int smaps, uint64_t end);

/* The first that ends behind `address`; NULL if there is none. */
const struct ww_mapping *ww_mappings_find(const struct ww_mappings *mappings,
					  uint64_t address);
void ww_mappings_free(struct ww_mappings *mappings);

#endif

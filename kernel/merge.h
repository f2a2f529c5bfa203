/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two ascending lists of runs, read as one. */
#ifndef WW_MERGE_H
#define WW_MERGE_H

#include "tracker.h"

#include <stdbool.h>

struct ww_merge {
	const struct ww_run *run[2];	/* the next of each list */
	const struct ww_run *end[2];
};

struct ww_merge ww_merge_begin(const struct ww_run *a, size_t n_a,
			       const struct ww_run *b, size_t n_b);

/* The next pages that stand in either list, as one run that touches no other.
 * False at the end. */
bool ww_merge_next(struct ww_merge *merge, struct ww_run *out);

#endif

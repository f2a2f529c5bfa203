/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two ascending lists of runs, read as one. */
#include "merge.h"

struct ww_merge ww_merge_begin(const struct ww_run *a, size_t n_a,
			       const struct ww_run *b, size_t n_b)
{
	return (struct ww_merge){
		.run = { a, b },
		.end = { a + n_a, b + n_b },
	};
}

/* Takes the runs of one list that begin within `out` or touch its end; whether
 * it grew. */
static bool absorb(struct ww_merge *merge, int list, struct ww_run *out)
{
	bool grew = false;

	for (; merge->run[list] < merge->end[list] &&
	       merge->run[list]->start <= out->end; merge->run[list]++)
		if (merge->run[list]->end > out->end) {
			out->end = merge->run[list]->end;
			grew = true;
		}
	return grew;
}

bool ww_merge_next(struct ww_merge *merge, struct ww_run *out)
{
	const struct ww_run *first = NULL;

	for (int list = 0; list < 2; list++)
		if (merge->run[list] < merge->end[list] &&
		    (!first || merge->run[list]->start < first->start))
			first = merge->run[list];
	if (!first)
		return false;
	*out = *first;
	for (bool grew = true; grew;) {
		grew = absorb(merge, 0, out);
		grew = absorb(merge, 1, out) || grew;
	}
	return true;
}

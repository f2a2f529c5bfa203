/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a revision's own argument to a call in common terms. */
#include "revision.h"

/* Nothing of the range is looked at before all rules hold, and the last page is
 * whole. */
int ww_pagemap_decode(struct ww_pagemap_call *call, const void *argument)
{
	const struct ww_pagemap_check *check = call->revision->checks;

	call->revision->load(call, argument);
	for (; check->broken; check++)
		if (check->broken(call))
			return check->error;
	call->end = call->start + call->n_bytes + WW_PAGEMAP_PAGE - 1;
	call->end -= call->end % WW_PAGEMAP_PAGE;
	return 0;
}

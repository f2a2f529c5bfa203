/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The beginning of an allocation. */
#ifndef WW_ALLOCATE_H
#define WW_ALLOCATE_H

#include "memory.h"
#include "request.h"

/* Watches an area of fresh memory and makes it accessible, as far as that is
 * asked for. Needs the locks of both. */
NTSTATUS ww_area_begin(struct ww_area *area, const struct ww_vm_range *range,
		       const struct ww_request *request);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Placeholders: reserved memory that can be divided, joined, and replaced by an
 * allocation that can be turned back into one, while nobody else gets the place.
 * Under the areas' lock.
 */
#ifndef WW_PLACEHOLDERS_H
#define WW_PLACEHOLDERS_H

#include "memory.h"
#include "request.h"

/* Makes an allocation of exactly one placeholder. */
NTSTATUS ww_placeholder_replace(const struct ww_request *request,
				struct ww_vm_range *range);

/* Of a part of a placeholder: divides it. Of all of what has replaced one: makes
 * it a placeholder again. */
NTSTATUS ww_placeholder_preserve(struct ww_area *area,
				 const struct ww_vm_range *range);

/* Makes one placeholder of all that are in the range, two at least. */
NTSTATUS ww_placeholders_coalesce(const struct ww_vm_range *range);

#endif

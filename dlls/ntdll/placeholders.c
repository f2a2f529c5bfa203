/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Placeholders. Their memory is mapped all the time, so that neither Linux nor
 * another thread gets between what is released and what replaces it.
 */
#include "placeholders.h"

#include "allocate.h"
#include "mapping.h"
#include "process.h"

static bool is_exactly(const struct ww_area *area,
		       const struct ww_vm_range *range)
{
	return area->start == range->start && area->end == range->end;
}

static void become_placeholder(struct ww_area *area)
{
	ww_area_set(area, area->start, area->end, 0xff, 0);
	area->kind = WW_AREA_PLACEHOLDER;
	area->protect = PAGE_NOACCESS;
	area->watched = false;
}

/* ---- Replacing ---- */

/* Nothing is rounded here. */
static struct ww_area *find_exactly(const struct ww_request *request)
{
	struct ww_area *area = ww_area_find((uintptr_t)request->base);

	if (!area || area->kind != WW_AREA_PLACEHOLDER ||
	    area->start != (uintptr_t)request->base ||
	    area->end - area->start != request->size)
		return NULL;
	return area;
}

static NTSTATUS start(struct ww_area *area, const struct ww_vm_range *range,
		      const struct ww_request *request)
{
	NTSTATUS status;
	sigset_t saved;

	ww_vm_lock_watch(area, &saved);
	status = ww_area_begin(area, range, request);
	if (status && area->watched)
		ww_regions_unwatch(ww_process_regions(), range->start,
				   ww_vm_bytes(range));
	ww_vm_unlock_watch(area, &saved);
	return status;
}

NTSTATUS ww_placeholder_replace(const struct ww_request *request,
				struct ww_vm_range *range)
{
	struct ww_area *area = find_exactly(request);
	NTSTATUS status;

	if (!area)
		return ww_vm_status(WW_VM_NO_PLACEHOLDER);
	*range = (struct ww_vm_range){ area->start, area->end };
	area->kind = WW_AREA_REPLACED;
	area->protect = request->protect;
	area->watched = request->type & MEM_WRITE_WATCH;
	status = start(area, range, request);
	if (status)
		become_placeholder(area);
	return status;
}

/* ---- Turning back ---- */

static NTSTATUS turn_back(struct ww_area *area, const struct ww_vm_range *range)
{
	sigset_t saved;
	int ret;

	ww_vm_lock_watch(area, &saved);
	ret = ww_map_discard(range->start, ww_vm_bytes(range));
	if (!ret && area->watched)
		ww_regions_released(ww_process_regions(), range->start,
				    ww_vm_bytes(range));
	ww_vm_unlock_watch(area, &saved);
	if (!ret)
		become_placeholder(area);
	return ww_vm_status_of(ret);
}

/* ---- Dividing and joining ---- */

static NTSTATUS divide(struct ww_area *area, const struct ww_vm_range *range)
{
	if (ww_areas_make_room(2))
		return ww_vm_status(WW_VM_NO_MEMORY);
	area = ww_area_find(range->start);
	if (range->end < area->end)
		ww_area_split(area, range->end);
	if (area->start < range->start)
		ww_area_split(area, range->start);
	return STATUS_SUCCESS;
}

NTSTATUS ww_placeholder_preserve(struct ww_area *area,
				 const struct ww_vm_range *range)
{
	if (area->kind == WW_AREA_PLACEHOLDER && !is_exactly(area, range))
		return divide(area, range);
	if (area->kind == WW_AREA_REPLACED && is_exactly(area, range))
		return turn_back(area, range);
	return ww_vm_status(WW_VM_NOT_TO_PRESERVE);
}

/* From the start of the range, without a gap, up to where. */
static uintptr_t placeholders_end(const struct ww_vm_range *range, size_t *n)
{
	uintptr_t at = range->start;
	const struct ww_area *area;

	for (*n = 0; at < range->end; at = area->end, ++*n) {
		area = ww_area_find(at);
		if (!area || area->kind != WW_AREA_PLACEHOLDER ||
		    area->start != at)
			return 0;
	}
	return at;
}

NTSTATUS ww_placeholders_coalesce(const struct ww_vm_range *range)
{
	size_t n;

	if (placeholders_end(range, &n) != range->end || n < 2)
		return ww_vm_status(WW_VM_NOT_TO_COALESCE);
	if (ww_areas_join(range->start, range->end))
		return ww_vm_status(WW_VM_NO_MEMORY);
	return STATUS_SUCCESS;
}

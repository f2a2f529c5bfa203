/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reserving and committing. */
#include "allocate.h"

#include "mapping.h"
#include "placeholders.h"
#include "process.h"

#include <errno.h>

#define LARGE_ALIGNMENT ((size_t)2 << 20)

/* ---- Where ---- */

static bool is_limited(const struct ww_request *request)
{
	return request->lowest || request->highest;
}

static size_t alignment_of(const struct ww_request *request, size_t n_bytes)
{
	if (request->alignment)
		return request->alignment;
	return n_bytes < LARGE_ALIGNMENT || is_limited(request) ?
		WW_GRANULARITY : LARGE_ALIGNMENT;
}

static struct ww_place place_of(const struct ww_request *request, size_t n_bytes)
{
	return (struct ww_place){
		.lowest = request->lowest < WW_GRANULARITY ? WW_GRANULARITY :
							     request->lowest,
		.end = (request->highest ? request->highest :
					   WW_HIGHEST_ADDRESS) + 1,
		.n_bytes = n_bytes,
		.alignment = alignment_of(request, n_bytes),
		.top_down = request->type & MEM_TOP_DOWN,
	};
}

/* Apart from what Linux maps by itself if possible; else where it likes, or in
 * the midst of it. */
static int map_anywhere(uintptr_t *base, const struct ww_request *request,
			size_t n_bytes)
{
	struct ww_place place = place_of(request, n_bytes);

	*base = ww_areas_place(&place);
	if (*base && !ww_map_reserve(base, n_bytes, place.alignment))
		return 0;
	*base = 0;
	if (is_limited(request))
		return ww_map_reserve_within(base, &place);
	return ww_map_reserve(base, n_bytes, place.alignment);
}

/* Maps what a reservation asks for. */
static NTSTATUS map_request(const struct ww_request *request,
			    struct ww_vm_range *range)
{
	uintptr_t base = (uintptr_t)request->base & ~(WW_GRANULARITY - 1);
	size_t n_bytes;
	int ret;

	*range = ww_vm_whole_pages(request->base, request->size);
	n_bytes = range->end - base;
	if (base)
		ret = ww_map_reserve(&base, n_bytes, WW_GRANULARITY);
	else
		ret = map_anywhere(&base, request, n_bytes);
	*range = (struct ww_vm_range){ base, base + n_bytes };
	return ww_vm_status_of(ret);
}

/* ---- Reserving ---- */

/* Nobody else knows the address yet. */
NTSTATUS ww_area_begin(struct ww_area *area, const struct ww_vm_range *range,
		       const struct ww_request *request)
{
	struct ww_regions *regions = ww_process_regions();
	bool committed = request->type & MEM_COMMIT;
	int ret;

	if (area->watched) {
		ret = ww_regions_reserve(regions, range->start,
					 ww_vm_bytes(range), WW_MEMORY_RESERVED);
		if (ret)
			return ww_vm_status_of(ret);
		if (committed)
			ww_regions_commit(regions, range->start,
					  ww_vm_bytes(range));
	}
	return committed ? ww_vm_commit_access(area, range, request->state) :
			   STATUS_SUCCESS;
}

static void abandon(const struct ww_area *area, const struct ww_vm_range *range)
{
	ww_map_release(range->start, ww_vm_bytes(range));
	if (area->watched)
		ww_regions_released(ww_process_regions(), range->start,
				    ww_vm_bytes(range));
}

static NTSTATUS begin_area(struct ww_area *area, const struct ww_vm_range *range,
			   const struct ww_request *request)
{
	NTSTATUS status;
	sigset_t saved;

	ww_vm_lock_watch(area, &saved);
	status = ww_area_begin(area, range, request);
	if (status)
		abandon(area, range);
	ww_vm_unlock_watch(area, &saved);
	if (status)
		ww_area_cut(area, range->start, range->end);
	return status;
}

static NTSTATUS new_area(const struct ww_vm_range *range,
			 const struct ww_request *request)
{
	const struct ww_area area = {
		.start = range->start,
		.end = range->end,
		.protect = request->protect,
		.watched = request->type & MEM_WRITE_WATCH,
		.kind = request->type & MEM_RESERVE_PLACEHOLDER ?
			WW_AREA_PLACEHOLDER : WW_AREA_PLAIN,
	};

	if (ww_area_add(&area)) {
		ww_map_release(range->start, ww_vm_bytes(range));
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
	return begin_area(ww_area_find(range->start), range, request);
}

static NTSTATUS reserve(const struct ww_request *request,
			struct ww_vm_range *range)
{
	NTSTATUS status;

	if ((request->type & MEM_WRITE_WATCH) && !ww_process_open_regions())
		return ww_vm_status(WW_VM_NO_BACKEND);
	if (request->type & MEM_REPLACE_PLACEHOLDER)
		return ww_placeholder_replace(request, range);
	status = map_request(request, range);
	return status ? status : new_area(range, request);
}

/* ---- Committing ---- */

static NTSTATUS commit(const struct ww_request *request,
		       struct ww_vm_range *range)
{
	struct ww_area *area;
	NTSTATUS status;
	sigset_t saved;

	*range = ww_vm_whole_pages(request->base, request->size);
	area = ww_vm_area_of(range);
	if (!area || area->kind == WW_AREA_PLACEHOLDER)
		return ww_vm_status(WW_VM_NOT_RESERVED);
	ww_vm_lock_watch(area, &saved);
	if (area->watched)
		ww_regions_commit(ww_process_regions(), range->start,
				  ww_vm_bytes(range));
	status = ww_vm_commit_access(area, range, request->state);
	ww_vm_unlock_watch(area, &saved);
	return status;
}

static NTSTATUS reset(const struct ww_request *request,
		      struct ww_vm_range *range)
{
	const struct ww_area *area;

	*range = ww_vm_whole_pages(request->base, request->size);
	area = ww_vm_area_of(range);
	if (!area)
		return ww_vm_status(WW_VM_NOT_RESERVED);
	if (!ww_vm_all_committed(area, range))
		return ww_vm_status(WW_VM_NOT_COMMITTED);
	return STATUS_SUCCESS;
}

/* ---- The calls ---- */

/* Committing at no address in particular reserves, too. */
static NTSTATUS allocate_locked(const struct ww_request *request,
				struct ww_vm_range *range)
{
	if (request->type & WW_RESET_TYPES)
		return reset(request, range);
	if ((request->type & MEM_RESERVE) || !request->base)
		return reserve(request, range);
	return commit(request, range);
}

static NTSTATUS allocate(HANDLE process, struct ww_request *request, PVOID *base,
			 SIZE_T *size)
{
	struct ww_vm_range range;
	NTSTATUS status;
	sigset_t saved;

	status = ww_request_check(request, process);
	if (status)
		return status;
	ww_areas_lock(&saved);
	status = allocate_locked(request, &range);
	ww_areas_unlock(&saved);
	if (!status) {
		*base = (PVOID)range.start;
		*size = ww_vm_bytes(&range);
	}
	return status;
}

NTSTATUS ww_nt_allocate_virtual_memory(HANDLE process, PVOID *base,
				       ULONG_PTR zero_bits, SIZE_T *size,
				       ULONG type, ULONG protect)
{
	struct ww_request request = { .type = type, .protect = protect };
	NTSTATUS status;

	if (!base || !size)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	request.base = *base;
	request.size = *size;
	status = ww_request_zero_bits(&request, zero_bits);
	return status ? status : allocate(process, &request, base, size);
}

NTSTATUS ww_nt_allocate_virtual_memory_ex(HANDLE process, PVOID *base,
					  SIZE_T *size, ULONG type, ULONG protect,
					  MEM_EXTENDED_PARAMETER *parameters,
					  ULONG n_parameters)
{
	struct ww_request request = {
		.type = type, .protect = protect, .extended = true,
	};
	NTSTATUS status;

	if (!base || !size)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	request.base = *base;
	request.size = *size;
	status = ww_request_parameters(&request, parameters, n_parameters);
	return status ? status : allocate(process, &request, base, size);
}

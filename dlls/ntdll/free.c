/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decommitting and releasing. */
#include "handles.h"
#include "mapping.h"
#include "memory.h"
#include "placeholders.h"
#include "process.h"

#define PRESERVE (MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER)
#define COALESCE (MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS)

static NTSTATUS decommit(struct ww_area *area, const struct ww_vm_range *range)
{
	size_t n_bytes = ww_vm_bytes(range);

	if (area->watched &&
	    ww_regions_save(ww_process_regions(), range->start, n_bytes)) {
		ww_vm_restore_access(area, range);
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
	if (ww_map_discard(range->start, n_bytes)) {
		ww_vm_restore_access(area, range);
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
	if (area->watched)
		ww_regions_decommitted(ww_process_regions(), range->start, n_bytes);
	ww_area_set(area, range->start, range->end, 0xff, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS unmap(const struct ww_area *area, const struct ww_vm_range *range)
{
	int ret = ww_map_release(range->start, ww_vm_bytes(range));

	if (!ret && area->watched)
		ww_regions_released(ww_process_regions(), range->start,
				    ww_vm_bytes(range));
	return ww_vm_status_of(ret);
}

static NTSTATUS free_in_area(struct ww_area *area, const struct ww_vm_range *range,
			     ULONG type)
{
	NTSTATUS status;
	sigset_t saved;

	if (type == PRESERVE)
		return ww_placeholder_preserve(area, range);
	ww_vm_lock_watch(area, &saved);
	if (type == MEM_DECOMMIT)
		status = decommit(area, range);
	else
		status = unmap(area, range);
	ww_vm_unlock_watch(area, &saved);
	if (!status && type == MEM_RELEASE)
		ww_area_cut(area, range->start, range->end);
	return status;
}

/* Size 0 stands for all of the area, from its base. */
static NTSTATUS free_locked(PVOID base, SIZE_T size, ULONG type,
			    struct ww_vm_range *range)
{
	struct ww_area *area;

	if (type == MEM_RELEASE && ww_areas_make_room(1))
		return ww_vm_status(WW_VM_NO_MEMORY);
	*range = ww_vm_whole_pages(base, size ? size : 1);
	area = ww_area_find(range->start);
	if (!area)
		return ww_vm_status(WW_VM_NOT_ALLOCATED);
	if (type == COALESCE)
		return ww_placeholders_coalesce(range);
	if (!size) {
		if (range->start != area->start)
			return ww_vm_status(WW_VM_NOT_AT_BASE);
		range->end = area->end;
	}
	if (range->end > area->end)
		return ww_vm_status(WW_VM_FREE_LEAVES);
	return free_in_area(area, range, type);
}

static NTSTATUS check_free(HANDLE process, PVOID base, SIZE_T size, ULONG type)
{
	if (type != MEM_DECOMMIT && type != MEM_RELEASE && type != PRESERVE &&
	    type != COALESCE)
		return ww_vm_status(WW_VM_FREE_TYPE);
	if (!ww_vm_base_is_good(base))
		return ww_vm_status(WW_VM_FREE_BASE);
	if (size && !ww_vm_size_is_good(base, size))
		return ww_vm_status(WW_VM_FREE_SIZE);
	if (!size && (type == PRESERVE || type == COALESCE))
		return ww_vm_status(WW_VM_PLACEHOLDER_SIZE);
	return ww_handle_own(process, PROCESS_VM_OPERATION);
}

NTSTATUS ww_nt_free_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type)
{
	struct ww_vm_range range;
	NTSTATUS status;
	SIZE_T n_bytes;
	sigset_t saved;
	PVOID at;

	if (!base || !size)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	at = *base;
	n_bytes = *size;
	status = check_free(process, at, n_bytes, type);
	if (status)
		return status;
	ww_areas_lock(&saved);
	status = free_locked(at, n_bytes, type, &range);
	ww_areas_unlock(&saved);
	if (!status) {
		*base = (PVOID)range.start;
		*size = ww_vm_bytes(&range);
	}
	return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls on committed pages: protecting and locking. */
#include "handles.h"
#include "mapping.h"
#include "memory.h"

/* What such a call does, under the lock, to a range in one area. `argument` is
 * the call's own. */
typedef NTSTATUS change_fn(struct ww_area *area,
			   const struct ww_vm_range *range, void *argument);

static NTSTATUS check_change(HANDLE process, PVOID base, SIZE_T size)
{
	if (!ww_vm_base_is_good(base))
		return ww_vm_status(WW_VM_RANGE_BASE);
	if (!size || !ww_vm_size_is_good(base, size))
		return ww_vm_status(WW_VM_RANGE_SIZE);
	return ww_handle_own(process, PROCESS_VM_OPERATION);
}

static NTSTATUS change(HANDLE process, PVOID *base, SIZE_T *size,
		       enum ww_vm_failure outside, change_fn *act, void *argument)
{
	struct ww_area *area;
	struct ww_vm_range range;
	NTSTATUS status;
	sigset_t saved;
	PVOID at = *base;
	SIZE_T n_bytes = *size;

	status = check_change(process, at, n_bytes);
	if (status)
		return status;
	range = ww_vm_whole_pages(at, n_bytes);
	ww_areas_lock(&saved);
	area = ww_vm_area_of(&range);
	status = area ? act(area, &range, argument) : ww_vm_status(outside);
	ww_areas_unlock(&saved);
	if (!status) {
		*base = (PVOID)range.start;
		*size = ww_vm_bytes(&range);
	}
	return status;
}

struct protection {
	unsigned char state;
	ULONG old;
};

static NTSTATUS protect_pages(struct ww_area *area,
			      const struct ww_vm_range *range, void *argument)
{
	struct protection *protection = argument;

	if (!ww_vm_all_committed(area, range))
		return ww_vm_status(WW_VM_NOT_COMMITTED);
	protection->old = ww_state_protect(ww_area_state(area, range->start));
	return ww_vm_status_of(ww_vm_set_access(area, range, protection->state));
}

NTSTATUS ww_nt_protect_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				      ULONG protect, ULONG *old)
{
	struct protection protection = { .state = ww_state_of(protect) };
	NTSTATUS status;

	if (!base || !size || !old)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if (!protection.state)
		return ww_vm_status(WW_VM_PROTECTION);
	status = change(process, base, size, WW_VM_NOT_RESERVED, protect_pages,
			&protection);
	if (!status)
		*old = protection.old;
	return status;
}

/* A system call that failed in the middle may have locked some. */
static void unlock_others(const struct ww_area *area,
			  const struct ww_vm_range *range)
{
	uintptr_t at = range->start, end;

	for (; at < range->end; at = end) {
		end = ww_area_run(area, at, range->end, WW_PAGE_LOCKED);
		if (!(ww_area_state(area, at) & WW_PAGE_LOCKED))
			ww_map_unlock(at, end - at);
	}
}

static NTSTATUS lock_pages(struct ww_area *area,
			   const struct ww_vm_range *range, void *argument)
{
	uintptr_t at = range->start;

	(void)argument;
	while (at < range->end) {
		if (!ww_state_prot(ww_area_state(area, at)))
			return ww_vm_status(WW_VM_LOCK_RANGE);
		at = ww_area_run(area, at, range->end, WW_PAGE_ACCESS);
	}
	if (ww_map_lock(range->start, ww_vm_bytes(range))) {
		unlock_others(area, range);
		return ww_vm_status(WW_VM_LOCK_LIMIT);
	}
	ww_area_set(area, range->start, range->end, WW_PAGE_LOCKED, WW_PAGE_LOCKED);
	return STATUS_SUCCESS;
}

static NTSTATUS unlock_pages(struct ww_area *area,
			     const struct ww_vm_range *range, void *argument)
{
	(void)argument;
	if (!(ww_area_state(area, range->start) & WW_PAGE_LOCKED) ||
	    ww_area_run(area, range->start, range->end, WW_PAGE_LOCKED) <
		    range->end)
		return ww_vm_status(WW_VM_NOT_LOCKED);
	if (ww_map_unlock(range->start, ww_vm_bytes(range)))
		return ww_vm_status(WW_VM_NO_MEMORY);
	ww_area_set(area, range->start, range->end, WW_PAGE_LOCKED, 0);
	return STATUS_SUCCESS;
}

/* Bit 0 locks into the working set, bit 1 into memory. */
static NTSTATUS check_lock(const PVOID *base, const SIZE_T *size, ULONG type)
{
	if (!base || !size)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if (!type || (type & ~3u))
		return ww_vm_status(WW_VM_LOCK_TYPE);
	if (type & 2)
		return ww_vm_status(WW_VM_LOCK_PRIVILEGE);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_lock_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type)
{
	NTSTATUS status = check_lock(base, size, type);

	if (status)
		return status;
	return change(process, base, size, WW_VM_LOCK_RANGE, lock_pages, NULL);
}

NTSTATUS ww_nt_unlock_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				     ULONG type)
{
	NTSTATUS status = check_lock(base, size, type);

	if (status)
		return status;
	return change(process, base, size, WW_VM_NOT_LOCKED, unlock_pages, NULL);
}

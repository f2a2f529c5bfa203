/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What memory is. */
#include "handles.h"
#include "memory.h"

static void describe_area(const struct ww_area *area, uintptr_t at,
			  MEMORY_BASIC_INFORMATION *info)
{
	unsigned char state = ww_area_state(area, at);

	info->AllocationBase = (PVOID)area->start;
	info->AllocationProtect = area->protect;
	info->RegionSize = ww_area_run(area, at, area->end, WW_PAGE_PROTECTION) - at;
	info->State = state ? MEM_COMMIT : MEM_RESERVE;
	info->Protect = ww_state_protect(state);
	info->Type = MEM_PRIVATE;
}

static void describe_nothing(uintptr_t at, MEMORY_BASIC_INFORMATION *info)
{
	const struct ww_area *next = ww_area_above(at);

	info->RegionSize = (next ? next->start : WW_HIGHEST_ADDRESS + 1) - at;
	info->State = MEM_FREE;
	info->Protect = PAGE_NOACCESS;
}

static MEMORY_BASIC_INFORMATION describe(uintptr_t at)
{
	MEMORY_BASIC_INFORMATION info = { .BaseAddress = (PVOID)at };
	const struct ww_area *area;
	sigset_t saved;

	ww_areas_lock(&saved);
	area = ww_area_find(at);
	if (area)
		describe_area(area, at, &info);
	else
		describe_nothing(at, &info);
	ww_areas_unlock(&saved);
	return info;
}

NTSTATUS ww_nt_query_virtual_memory(HANDLE process, LPCVOID address,
				    MEMORY_INFORMATION_CLASS what, PVOID buffer,
				    SIZE_T n_bytes, SIZE_T *n_stored)
{
	uintptr_t at = (uintptr_t)address & ~(ww_page_size() - 1);
	NTSTATUS status;

	if (what != MemoryBasicInformation)
		return ww_vm_status(WW_VM_INFORMATION_CLASS);
	if (n_bytes < sizeof(MEMORY_BASIC_INFORMATION))
		return ww_vm_status(WW_VM_INFORMATION_SIZE);
	if (!buffer)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if ((status = ww_handle_own(process, PROCESS_QUERY_INFORMATION)))
		return status;
	if (at > WW_HIGHEST_ADDRESS)
		return ww_vm_status(WW_VM_QUERY_ADDRESS);
	*(MEMORY_BASIC_INFORMATION *)buffer = describe(at);
	if (n_stored)
		*n_stored = sizeof(MEMORY_BASIC_INFORMATION);
	return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Win32 names of the calls on virtual memory. */
#include "errors.h"

LPVOID VirtualAlloc(LPVOID base, SIZE_T size, DWORD type, DWORD protect)
{
	return VirtualAllocEx(GetCurrentProcess(), base, size, type, protect);
}

LPVOID VirtualAllocEx(HANDLE process, LPVOID base, SIZE_T size, DWORD type,
		      DWORD protect)
{
	if (!ww_succeeded(ww_nt_allocate_virtual_memory(process, &base, 0, &size,
							type, protect)))
		return NULL;
	return base;
}

/* No process is this one. */
LPVOID VirtualAlloc2(HANDLE process, LPVOID base, SIZE_T size, DWORD type,
		     DWORD protect, MEM_EXTENDED_PARAMETER *parameters,
		     ULONG n_parameters)
{
	if (!process)
		process = GetCurrentProcess();
	if (!ww_succeeded(ww_nt_allocate_virtual_memory_ex(process, &base, &size,
							   type, protect, parameters,
							   n_parameters)))
		return NULL;
	return base;
}

BOOL VirtualFree(LPVOID base, SIZE_T size, DWORD type)
{
	return VirtualFreeEx(GetCurrentProcess(), base, size, type);
}

/* NtFreeVirtualMemory releases any part of a reservation, this call does not. */
BOOL VirtualFreeEx(HANDLE process, LPVOID base, SIZE_T size, DWORD type)
{
	if (type == MEM_RELEASE && size)
		return ww_succeeded(STATUS_INVALID_PARAMETER);
	return ww_succeeded(ww_nt_free_virtual_memory(process, &base, &size, type));
}

BOOL VirtualProtect(LPVOID base, SIZE_T size, DWORD protect, LPDWORD old)
{
	return VirtualProtectEx(GetCurrentProcess(), base, size, protect, old);
}

BOOL VirtualProtectEx(HANDLE process, LPVOID base, SIZE_T size, DWORD protect,
		      LPDWORD old)
{
	return ww_succeeded(ww_nt_protect_virtual_memory(process, &base, &size,
							 protect, old));
}

SIZE_T VirtualQuery(LPCVOID address, PMEMORY_BASIC_INFORMATION info,
		    SIZE_T n_bytes)
{
	return VirtualQueryEx(GetCurrentProcess(), address, info, n_bytes);
}

SIZE_T VirtualQueryEx(HANDLE process, LPCVOID address,
		      PMEMORY_BASIC_INFORMATION info, SIZE_T n_bytes)
{
	SIZE_T n_stored;

	if (!ww_succeeded(ww_nt_query_virtual_memory(process, address,
						     MemoryBasicInformation, info,
						     n_bytes, &n_stored)))
		return 0;
	return n_stored;
}

BOOL VirtualLock(LPVOID base, SIZE_T size)
{
	return ww_succeeded(ww_nt_lock_virtual_memory(GetCurrentProcess(), &base,
						      &size, 1));
}

BOOL VirtualUnlock(LPVOID base, SIZE_T size)
{
	return ww_succeeded(ww_nt_unlock_virtual_memory(GetCurrentProcess(), &base,
							&size, 1));
}

UINT GetWriteWatch(DWORD flags, LPVOID base, SIZE_T size, LPVOID *addresses,
		   ULONG_PTR *count, ULONG *granularity)
{
	return ww_succeeded(ww_nt_get_process_write_watch(GetCurrentProcess(),
							  flags, base, size,
							  addresses, count,
							  granularity)) ? 0 : ~0u;
}

UINT ResetWriteWatch(LPVOID base, SIZE_T size)
{
	return ww_succeeded(ww_nt_reset_process_write_watch(GetCurrentProcess(),
							    base, size)) ? 0 : ~0u;
}

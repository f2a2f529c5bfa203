/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The NT names that native programs link to. */
#include "ntvirtual.h"

NTSTATUS NtOpenProcess(HANDLE *handle, ACCESS_MASK rights,
		       const OBJECT_ATTRIBUTES *attributes,
		       const CLIENT_ID *client)
{
	return ww_nt_open_process(handle, rights, attributes, client);
}

NTSTATUS NtClose(HANDLE handle)
{
	return ww_nt_close(handle);
}

NTSTATUS NtAllocateVirtualMemory(HANDLE process, PVOID *base,
				 ULONG_PTR zero_bits, SIZE_T *size, ULONG type,
				 ULONG protect)
{
	return ww_nt_allocate_virtual_memory(process, base, zero_bits, size, type,
					     protect);
}

NTSTATUS NtAllocateVirtualMemoryEx(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type, ULONG protect,
				   MEM_EXTENDED_PARAMETER *parameters,
				   ULONG n_parameters)
{
	return ww_nt_allocate_virtual_memory_ex(process, base, size, type, protect,
						parameters, n_parameters);
}

NTSTATUS NtFreeVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
			     ULONG type)
{
	return ww_nt_free_virtual_memory(process, base, size, type);
}

NTSTATUS NtProtectVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
				ULONG protect, ULONG *old)
{
	return ww_nt_protect_virtual_memory(process, base, size, protect, old);
}

NTSTATUS NtQueryVirtualMemory(HANDLE process, LPCVOID address,
			      MEMORY_INFORMATION_CLASS what, PVOID buffer,
			      SIZE_T n_bytes, SIZE_T *n_stored)
{
	return ww_nt_query_virtual_memory(process, address, what, buffer, n_bytes,
					  n_stored);
}

NTSTATUS NtLockVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
			     ULONG type)
{
	return ww_nt_lock_virtual_memory(process, base, size, type);
}

NTSTATUS NtUnlockVirtualMemory(HANDLE process, PVOID *base, SIZE_T *size,
			       ULONG type)
{
	return ww_nt_unlock_virtual_memory(process, base, size, type);
}

NTSTATUS NtGetWriteWatch(HANDLE process, ULONG flags, PVOID base, SIZE_T size,
			 PVOID *addresses, ULONG_PTR *count, ULONG *granularity)
{
	return ww_nt_get_process_write_watch(process, flags, base, size, addresses,
					     count, granularity);
}

NTSTATUS NtResetWriteWatch(HANDLE process, PVOID base, SIZE_T size)
{
	return ww_nt_reset_process_write_watch(process, base, size);
}

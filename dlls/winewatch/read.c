/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NtReadVirtualMemory into watched memory. Wine writes to the whole destination
 * before it reads, and a read that fails must not show as a write (anti-debug
 * programs look). So the source has to show first that it can be read.
 */
#include "memory.h"

/* Wine reads through /proc, where PAGE_NOACCESS is no obstacle (8.0: address 8).
 * What cannot be asked is tried. */
static bool is_accessible(const struct ww_wine *wine, HANDLE process,
			  uintptr_t at, SIZE_T size)
{
	MEMORY_BASIC_INFORMATION info;
	uintptr_t end;

	if (__builtin_add_overflow(at, size, &end))
		return false;
	for (; at < end; at = (uintptr_t)info.BaseAddress + info.RegionSize) {
		if (!NT_SUCCESS(wine->query(process, (LPCVOID)at, &info)))
			return true;
		if (info.State != MEM_COMMIT ||
		    (info.Protect & (PAGE_NOACCESS | PAGE_GUARD)))
			return false;
	}
	return true;
}

NTSTATUS ww_try_read(const struct ww_wine *wine, HANDLE process,
		     const void *address, SIZE_T size)
{
	NTSTATUS status;
	SIZE_T n = 0;
	void *trial;

	if (!is_accessible(wine, process, (uintptr_t)address, size))
		return STATUS_PARTIAL_COPY;
	trial = ww_linux.map(size);
	if (!trial)
		return STATUS_SUCCESS;
	status = wine->read(process, address, trial, size, &n);
	ww_linux.unmap(trial, size);
	return n ? STATUS_SUCCESS : status;
}

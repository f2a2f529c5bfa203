/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VirtualLock on guard pages. Locking a page is an access to it, which Windows
 * answers as any other: the guard goes and the call fails. Wine hands the range
 * to mlock, which knows of no guards.
 */
#include "memory.h"

/* Takes the guard away from the first page that has one, unless the call fails
 * before it gets there. */
static bool take_guard(const struct ww_wine *wine, uintptr_t at, uintptr_t end)
{
	MEMORY_BASIC_INFORMATION info;
	SIZE_T size = ww_page_size();
	PVOID base;
	ULONG old;

	for (; at < end; at = (uintptr_t)info.BaseAddress + info.RegionSize) {
		if (!NT_SUCCESS(wine->query(NtCurrentProcess(), (LPCVOID)at,
					    &info)) ||
		    info.State != MEM_COMMIT || (info.Protect & PAGE_NOACCESS))
			return false;
		if (info.Protect & PAGE_GUARD)
			break;
	}
	base = (PVOID)at;
	return at < end &&
	       NT_SUCCESS(wine->protect(NtCurrentProcess(), &base, &size,
					info.Protect & ~(ULONG)PAGE_GUARD, &old));
}

/* Under the lock: nobody releases the memory meanwhile. */
NTSTATUS ww_lock_guards(const struct ww_wine *wine, PVOID base, SIZE_T size)
{
	uintptr_t start = (uintptr_t)base & ~(ww_page_size() - 1), end;
	struct ww_regions *regions = ww_watching();
	bool guarded = false;
	struct ww_view view;
	sigset_t saved;

	if (__builtin_add_overflow((uintptr_t)base, size, &end))
		return STATUS_SUCCESS;
	ww_regions_lock(regions, &saved);
	if (ww_regions_view(regions, start, &view)) {
		end = end < view.end ? ((end - 1) | (ww_page_size() - 1)) + 1 :
				       view.end;
		guarded = take_guard(wine, start, end);
		/* a lock is an access that writes */
		if (!guarded && ww_regions_withheld(regions, start, end - start))
			ww_regions_mark(regions, start, end - start);
	}
	ww_regions_unlock(regions, &saved);
	return guarded ? STATUS_GUARD_PAGE_VIOLATION : STATUS_SUCCESS;
}

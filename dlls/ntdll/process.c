/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registry of this process and the queries on it. In a native program
 * nobody turns a fault into a status: pointers are tried first, by a system call
 * that says so instead of faulting.
 */
#include "areas.h"
#include "mapping.h"
#include "process.h"

#include "ntwritewatch.h"

#include <sys/mman.h>

static struct ww_regions *registry;

struct ww_regions *ww_process_regions(void)
{
	return __atomic_load_n(&registry, __ATOMIC_ACQUIRE);
}

struct ww_regions *ww_process_open_regions(void)
{
	struct ww_regions *regions = ww_process_regions();
	const char *failure;
	sigset_t all;

	if (regions)
		return regions;
	sigfillset(&all);
	if (ww_regions_open(&regions, &ww_linux, &all, &failure))
		return NULL;
	ww_areas_after_registry();
	__atomic_store_n(&registry, regions, __ATOMIC_RELEASE);
	return regions;
}

static struct ww_regions *regions_for_query(void)
{
	struct ww_regions *regions = ww_process_regions();
	sigset_t saved;

	if (regions)
		return regions;
	ww_areas_lock(&saved);
	regions = ww_process_open_regions();
	ww_areas_unlock(&saved);
	return regions;
}

/* ---- Pointers ---- */

/* What our own books say of memory that starts in a reservation; false too if
 * they do not know all of it. */
static bool recorded_as_writable(uintptr_t start, uintptr_t end)
{
	const struct ww_area *area;
	bool writable = true;
	sigset_t saved;

	ww_areas_lock(&saved);
	area = ww_area_find(start);
	if (!area || end > area->end)
		writable = false;
	while (writable && start < end) {
		writable = ww_state_prot(ww_area_state(area, start)) & PROT_WRITE;
		start = ww_area_run(area, start, end, WW_PAGE_PROTECTION);
	}
	ww_areas_unlock(&saved);
	return writable;
}

/* Of pages that are watched in part. */
static bool pages_are_writable(struct ww_regions *regions, uintptr_t start,
			       uintptr_t end)
{
	size_t page_size = ww_page_size();

	for (; start < end; start += page_size)
		if (ww_regions_watched(regions, start) ?
		    !recorded_as_writable(start, start + page_size) :
		    !ww_map_writable((const void *)start, page_size))
			return false;
	return true;
}

/* Trying to write makes a watched page written, and a call that fails must not:
 * there the books are asked. Most pointers are to the caller's variables, on the
 * page that the stack is on anyway: *page is one that is known to be writable. */
static bool is_writable(struct ww_regions *regions, const void *memory,
			size_t n_bytes, uintptr_t *page)
{
	uintptr_t mask = ww_page_size() - 1, start = (uintptr_t)memory, last;

	if (__builtin_add_overflow(start, n_bytes - 1, &last))
		return false;
	if ((start & ~mask) == *page && (last & ~mask) == *page)
		return true;
	if (ww_regions_overlap(regions, start, n_bytes) ?
	    !pages_are_writable(regions, start & ~mask, (last | mask) + 1) :
	    !ww_map_writable(memory, n_bytes))
		return false;
	*page = start & ~mask;
	return true;
}

/* No more than the call can store, which is a pointer for each page of the
 * range; a range that is refused anyway needs no array. */
static bool array_is_writable(struct ww_regions *regions, PVOID *addresses,
			      ULONG_PTR capacity, PVOID base, SIZE_T size,
			      uintptr_t *page)
{
	uintptr_t first = (uintptr_t)base / ww_page_size(), last;
	size_t n_pages;

	if (!capacity || !size ||
	    __builtin_add_overflow((uintptr_t)base, size - 1, &last))
		return true;
	n_pages = last / ww_page_size() - first + 1;
	if (capacity > n_pages)
		capacity = n_pages;
	return is_writable(regions, addresses, capacity * sizeof(*addresses), page);
}

/* ---- Queries ---- */

/* Another process is refused at its place in the order, after the arguments and
 * before the region: nobody watches NULL. */
static PVOID base_in(HANDLE process, PVOID base)
{
	return process == NtCurrentProcess() ? base : NULL;
}

static NTSTATUS answer(HANDLE process, NTSTATUS status)
{
	if (status != WW_NT_NOT_OURS)
		return status;
	return ww_vm_status(process == NtCurrentProcess() ? WW_VM_NOT_WATCHED :
							    WW_VM_HANDLE);
}

/* A pointer that cannot be used is as good as none, and is refused at its place
 * as well. */
NTSTATUS ww_nt_get_process_write_watch(HANDLE process, ULONG flags, PVOID base,
				       SIZE_T size, PVOID *addresses,
				       ULONG_PTR *count, ULONG *granularity)
{
	uintptr_t page = (uintptr_t)&process & ~(ww_page_size() - 1);
	struct ww_regions *regions = regions_for_query();

	if (!regions)
		return ww_vm_status(WW_VM_NO_BACKEND);
	base = base_in(process, base);
	if (!is_writable(regions, count, sizeof(*count), &page))
		count = NULL;
	if (!is_writable(regions, granularity, sizeof(*granularity), &page))
		granularity = NULL;
	if (count && !array_is_writable(regions, addresses, *count, base, size,
					&page))
		addresses = NULL;
	return answer(process, ww_nt_get_write_watch(regions, flags, base, size,
						     addresses, count,
						     granularity));
}

NTSTATUS ww_nt_reset_process_write_watch(HANDLE process, PVOID base, SIZE_T size)
{
	struct ww_regions *regions = regions_for_query();

	if (!regions)
		return ww_vm_status(WW_VM_NO_BACKEND);
	return answer(process, ww_nt_reset_write_watch(regions,
						       base_in(process, base),
						       size));
}

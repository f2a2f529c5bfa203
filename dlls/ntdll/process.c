/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registry of this process and the queries on it. In a native program
 * nobody turns a fault into a status: pointers are tried first, by a system call
 * that says so instead of faulting.
 */
#include "areas.h"
#include "handles.h"
#include "mapping.h"
#include "process.h"

#include "ntwritewatch.h"

#include <errno.h>
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
	if (ww_regions_open_backend(&regions, &ww_linux, &all, NULL, &failure))
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
	if (regions && ww_regions_overlap(regions, start, n_bytes) ?
	    !pages_are_writable(regions, start & ~mask, (last | mask) + 1) :
	    !ww_map_writable(memory, n_bytes))
		return false;
	*page = start & ~mask;
	return true;
}

/* A count or granularity that cannot be used is as good as none. */
static void check_outputs(struct ww_nt_get *call, uintptr_t *page)
{
	struct ww_regions *regions = ww_process_regions();

	if (!is_writable(regions, call->count, sizeof(*call->count), page))
		call->count = NULL;
	if (!is_writable(regions, call->granularity, sizeof(*call->granularity),
			 page))
		call->granularity = NULL;
}

/* No more than the call can store, which is a pointer for each page of the
 * range. */
static bool array_is_writable(const struct ww_nt_get *call, uintptr_t *page)
{
	size_t page_size = ww_page_size(), n = call->capacity;
	uintptr_t first = (uintptr_t)call->base / page_size;
	uintptr_t last = ((uintptr_t)call->base + call->size - 1) / page_size;

	if (n > last - first + 1)
		n = last - first + 1;
	return is_writable(ww_process_regions(), call->addresses,
			   n * sizeof(*call->addresses), page);
}

/* ---- Other processes ---- */

/* A pid that still is the handle's after the registry was found was so before:
 * from then on the registry is known by more than its pid. */
static NTSTATUS find_other(HANDLE handle, pid_t pid, struct ww_process *process)
{
	int ret = ww_foreign_find(process, pid);
	pid_t still;
	NTSTATUS status = ww_handle_process(handle, 0, &still);

	if (status)
		return status;
	switch (still == pid ? ret : -ESRCH) {
	case 0:
		return STATUS_SUCCESS;
	case -ENOENT:
		return ww_vm_status(WW_VM_NOT_WATCHED);
	case -ESRCH:
		return ww_nt_status(WW_NT_ENDED);
	case -EACCES:
		return ww_nt_status(WW_NT_DENIED);
	case -ENOTTY:
		return ww_vm_status(WW_VM_NO_BACKEND);
	default:
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
}

/* ---- Queries ---- */

static NTSTATUS answer(NTSTATUS status)
{
	return status == WW_NT_NOT_OURS ? ww_vm_status(WW_VM_NOT_WATCHED) : status;
}

static NTSTATUS get_own(const struct ww_nt_get *call)
{
	struct ww_regions *regions = regions_for_query();

	return regions ? ww_nt_get(regions, call) :
			 ww_vm_status(WW_VM_NO_BACKEND);
}

static NTSTATUS get_pages(HANDLE handle, pid_t pid, const struct ww_nt_get *call)
{
	struct ww_process process;
	NTSTATUS status;

	if (!pid)
		return answer(get_own(call));
	status = find_other(handle, pid, &process);
	return status ? status : answer(ww_nt_get_foreign(&process, call));
}

/* The array is the last to be refused: what would be said with another? */
static NTSTATUS refuse_array(HANDLE handle, pid_t pid,
			     const struct ww_nt_get *call)
{
	PVOID address;
	ULONG_PTR count = 1;
	ULONG granularity;
	const struct ww_nt_get other = {
		.base = call->base, .size = call->size,
		.addresses = &address, .count = &count,
		.granularity = &granularity, .capacity = 1,
	};
	NTSTATUS status = get_pages(handle, pid, &other);

	return status ? status : ww_nt_status(WW_NT_ADDRESSES_MISSING);
}

NTSTATUS ww_nt_get_process_write_watch(HANDLE handle, ULONG flags, PVOID base,
				       SIZE_T size, PVOID *addresses,
				       ULONG_PTR *count, ULONG *granularity)
{
	struct ww_nt_get call = {
		.flags = flags, .base = base, .size = size,
		.addresses = addresses, .count = count,
		.granularity = granularity,
	};
	uintptr_t page = (uintptr_t)&call & ~(ww_page_size() - 1);
	NTSTATUS status;
	pid_t pid;

	check_outputs(&call, &page);
	if ((status = ww_nt_check_get(&call)))
		return status;
	if ((status = ww_handle_process(handle, PROCESS_VM_OPERATION, &pid)))
		return status;
	if (!array_is_writable(&call, &page))
		return refuse_array(handle, pid, &call);
	return get_pages(handle, pid, &call);
}

static NTSTATUS reset_own(PVOID base, SIZE_T size)
{
	struct ww_regions *regions = regions_for_query();

	return regions ? ww_nt_reset(regions, base, size) :
			 ww_vm_status(WW_VM_NO_BACKEND);
}

NTSTATUS ww_nt_reset_process_write_watch(HANDLE handle, PVOID base, SIZE_T size)
{
	struct ww_process process;
	NTSTATUS status;
	pid_t pid;

	if ((status = ww_nt_check_reset(base, size)))
		return status;
	if ((status = ww_handle_process(handle, PROCESS_VM_OPERATION, &pid)))
		return status;
	if (!pid)
		return answer(reset_own(base, size));
	status = find_other(handle, pid, &process);
	return status ? status : answer(ww_nt_reset_foreign(&process, base, size));
}

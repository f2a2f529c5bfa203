/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watched allocations in Wine: the watch flag is taken off, so that Wine makes
 * plain memory and none of its own fault handling, and the registry follows
 * what happens to the range. Wine's own call is made under the registry's lock,
 * so that both change together.
 *
 * What another process does here with VirtualAllocEx and its like runs inside
 * ntdll.so and does not come by. The queries find it and lose nothing: pages
 * that appear where nobody committed any have been written; a mapping that was
 * replaced, after a decommit, fails its scan, and the committed pages around it,
 * up to the next gap of more than 1 MiB, are reported once. A protection changes
 * no bit, but one that meets a decommit here may lose a write to the pages that
 * go. Memory that another process has released stays watched, and reads as
 * written, until watched memory is reserved in its place.
 */
#include "memory.h"

/* The value that Microsoft documents; the headers of Wine 8.0 have another. */
#define RESET_UNDO 0x01000000

struct range {
	uintptr_t start;
	uintptr_t end;
};

/* The whole pages around [base, base + size); false if it wraps or is empty. */
static bool whole_pages(PVOID base, SIZE_T size, struct range *range)
{
	uintptr_t mask = ww_page_size() - 1, last;

	if (!size || __builtin_add_overflow((uintptr_t)base, size - 1, &last))
		return false;
	range->start = (uintptr_t)base & ~mask;
	range->end = (last | mask) + 1;
	return range->end > range->start;
}

bool ww_is_watched(HANDLE process, PVOID *base)
{
	struct ww_regions *regions = ww_watching();

	return process == NtCurrentProcess() && regions && base && *base &&
	       ww_regions_watched(regions, (uintptr_t)*base);
}

bool ww_allocation_is_ours(HANDLE process, PVOID *base, ULONG type)
{
	if (process != NtCurrentProcess())
		return false;
	if (type & MEM_WRITE_WATCH)
		return true;
	if ((type & MEM_RESERVE) && !(type & (MEM_RESET | RESET_UNDO)))
		return false;
	return ww_is_watched(process, base);
}

bool ww_is_watched_range(const void *start, SIZE_T size)
{
	struct ww_regions *regions = ww_watching();
	uintptr_t end;

	return regions && size &&
	       !__builtin_add_overflow((uintptr_t)start, size, &end) &&
	       ww_regions_overlap(regions, (uintptr_t)start, size);
}

bool ww_is_withheld(const void *start, SIZE_T size)
{
	return ww_is_watched_range(start, size) &&
	       ww_regions_withheld(ww_watching(), (uintptr_t)start, size);
}

/* ---- Allocation ---- */

static void give_back(const struct ww_allocation *allocation)
{
	bool replaced = allocation->type & MEM_REPLACE_PLACEHOLDER;
	PVOID base = allocation->base;
	SIZE_T size = replaced ? allocation->size : 0;

	allocation->wine->free(allocation->process, &base, &size, replaced ?
			       MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER :
			       MEM_RELEASE);
}

/* Memory that could not be watched goes back, and Wine does all of it. */
static NTSTATUS leave_to_wine(struct ww_allocation *allocation, PVOID asked_base,
			      SIZE_T asked_size)
{
	give_back(allocation);
	allocation->base = asked_base;
	allocation->size = asked_size;
	allocation->type |= MEM_WRITE_WATCH;
	return allocation->allocate(allocation);
}

/* Whoever has named the base may have threads that try it until it is there:
 * their writes must find it armed, so it is reserved first and committed like
 * any other memory. Nobody knows an address that Wine has chosen, and a commit
 * in the same call may be armed after it.
 *
 * Only STATUS_SUCCESS means that there is memory: what exceeds its address space
 * Wine refuses with STATUS_WORKING_SET_LIMIT_RANGE, no error by its number, and
 * the range that was asked for would be taken for a new allocation (8.0 and 10.0,
 * 32-bit; tests/win32/allocation.c). */
static NTSTATUS allocate_at_base(struct ww_regions *regions,
				 struct ww_allocation *allocation)
{
	PVOID asked_base = allocation->base;
	SIZE_T asked_size = allocation->size;
	NTSTATUS status;
	sigset_t saved;
	int ret;

	allocation->type &= ~(ULONG)MEM_COMMIT;
	status = allocation->allocate(allocation);
	allocation->type |= MEM_COMMIT;
	if (status)
		return status;
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, (uintptr_t)allocation->base,
				 allocation->size, WW_MEMORY_RESERVED);
	if (!ret) {
		ww_regions_commit(regions, (uintptr_t)allocation->base,
				  allocation->size);
		status = allocation->wine->commit(allocation->process,
						  &allocation->base,
						  &allocation->size,
						  allocation->protect);
		if (!NT_SUCCESS(status)) {
			ww_regions_unwatch(regions,
					   (uintptr_t)allocation->base,
					   allocation->size);
			give_back(allocation);
		}
	}
	ww_regions_unlock(regions, &saved);
	return ret ? leave_to_wine(allocation, asked_base, asked_size) : status;
}

static NTSTATUS allocate_watched(struct ww_allocation *allocation)
{
	struct ww_regions *regions = ww_start_watching(allocation->wine);
	PVOID asked_base = allocation->base;
	SIZE_T asked_size = allocation->size;
	NTSTATUS status;
	sigset_t saved;
	int ret;

	if (!regions)
		return allocation->allocate(allocation);
	if ((status = ww_check_allocation(allocation)))
		return status;
	allocation->type &= ~(ULONG)MEM_WRITE_WATCH;
	if (asked_base && (allocation->type & MEM_COMMIT))
		return allocate_at_base(regions, allocation);
	status = allocation->allocate(allocation);
	if (status)	/* even a "success", see above */
		return status;
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, (uintptr_t)allocation->base,
				 allocation->size,
				 allocation->type & MEM_COMMIT ?
				 WW_MEMORY_COMMITTED : WW_MEMORY_RESERVED);
	ww_regions_unlock(regions, &saved);
	return ret ? leave_to_wine(allocation, asked_base, asked_size) : status;
}

/* MEM_RESET allows the contents to be dropped and does not ask for it. Dropping
 * them would lose racing writes, and the state of the pages with them. */
static NTSTATUS reset_contents(struct ww_allocation *allocation,
			       const struct ww_view *view)
{
	struct range range;

	if (!whole_pages(allocation->base, allocation->size, &range) ||
	    range.end > view->end)
		return STATUS_CONFLICTING_ADDRESSES;
	allocation->base = (PVOID)range.start;
	allocation->size = range.end - range.start;
	return STATUS_SUCCESS;
}

/* Arm, publish, and only then let Wine make the pages accessible: the other way
 * round loses the writes of a thread that retries until the memory is there. */
static NTSTATUS commit(struct ww_regions *regions, const struct ww_view *view,
		       struct ww_allocation *allocation)
{
	struct range range;
	NTSTATUS status;

	if (whole_pages(allocation->base, allocation->size, &range) &&
	    range.end <= view->end)
		ww_regions_commit(regions, range.start, range.end - range.start);
	status = allocation->allocate(allocation);
	switch (status) {
	/* Wine says so of any mprotect that fails (8.0 at the limit of maps),
	 * and for anonymous memory that is want of memory. */
	case STATUS_ACCESS_DENIED:
		return STATUS_NO_MEMORY;
	/* And so of a range that leaves its reservation. */
	case STATUS_NOT_MAPPED_VIEW:
		return STATUS_CONFLICTING_ADDRESSES;
	default:
		return status;
	}
}

static NTSTATUS change_watched(struct ww_allocation *allocation)
{
	struct ww_regions *regions = ww_watching();
	NTSTATUS status = ww_check_allocation(allocation);
	struct ww_view view;
	sigset_t saved;

	if (status)
		return status;
	ww_regions_lock(regions, &saved);
	if (!ww_regions_view(regions, (uintptr_t)allocation->base, &view))
		status = allocation->allocate(allocation);
	else if (allocation->type & (MEM_RESET | RESET_UNDO))
		status = reset_contents(allocation, &view);
	else
		status = commit(regions, &view, allocation);
	ww_regions_unlock(regions, &saved);
	return status;
}

NTSTATUS ww_allocate(struct ww_allocation *allocation)
{
	if (allocation->type & MEM_WRITE_WATCH)
		return allocate_watched(allocation);
	return change_watched(allocation);
}

/* What was watched there has been released by others, or by a handle: it must not
 * be taken for the new memory, nor for what lies behind that. */
void ww_note_unwatched(PVOID base, SIZE_T size)
{
	struct ww_regions *regions = ww_watching();
	sigset_t saved;

	if (!ww_is_watched_range(base, size))
		return;
	ww_regions_lock(regions, &saved);
	ww_regions_released(regions, (uintptr_t)base, size);
	ww_regions_unlock(regions, &saved);
}

/* ---- Freeing ---- */

/* Wine kept the pages after we had taken away access to them: its own
 * protections still stand in its tables. */
static void restore_access(const struct ww_wine *wine, const struct range *range)
{
	uintptr_t at = range->start;
	MEMORY_BASIC_INFORMATION info;

	while (at < range->end &&
	       NT_SUCCESS(wine->query(NtCurrentProcess(), (LPCVOID)at, &info))) {
		uintptr_t next = (uintptr_t)info.BaseAddress + info.RegionSize;
		PVOID base = (PVOID)at;
		SIZE_T size;
		ULONG old;

		if (next > range->end)
			next = range->end;
		size = next - at;
		if (info.State == MEM_COMMIT)
			wine->protect(NtCurrentProcess(), &base, &size,
				      info.Protect, &old);
		at = next;
	}
}

/* Size 0 stands for the whole view, from anywhere in its first page. */
static bool decommit_range(const struct ww_view *view, PVOID base, SIZE_T size,
			   struct range *range)
{
	if (!size) {
		*range = (struct range){ view->start, view->end };
		return ((uintptr_t)base & ~(ww_page_size() - 1)) == view->start;
	}
	return whole_pages(base, size, range) && range->end <= view->end;
}

static NTSTATUS decommit(struct ww_regions *regions, const struct ww_wine *wine,
			 PVOID *base, SIZE_T *size, const struct range *range)
{
	size_t n_bytes = range->end - range->start;
	NTSTATUS status;

	if (ww_regions_save(regions, range->start, n_bytes)) {
		restore_access(wine, range);
		return STATUS_NO_MEMORY;
	}
	status = wine->free(NtCurrentProcess(), base, size, MEM_DECOMMIT);
	if (NT_SUCCESS(status))
		ww_regions_decommitted(regions, range->start, n_bytes);
	else
		restore_access(wine, range);
	return status;
}

static NTSTATUS release(struct ww_regions *regions, const struct ww_wine *wine,
			const struct ww_view *view, PVOID *base, SIZE_T *size,
			ULONG type)
{
	struct range range = { view->start, view->end };
	bool inside, gone;
	NTSTATUS status;

	if (*size)
		whole_pages(*base, *size, &range);
	inside = range.end <= view->end;
	if (inside && type & MEM_RELEASE)
		ww_regions_releasing(regions, range.start,
				     range.end - range.start);
	status = wine->free(NtCurrentProcess(), base, size, type);
	gone = NT_SUCCESS(status) && type & MEM_RELEASE;
	if (inside && type & MEM_RELEASE && !gone)
		ww_regions_kept(regions, range.start, range.end - range.start);
	if (!NT_SUCCESS(status) && !inside &&
	    (type == MEM_DECOMMIT || type == MEM_RELEASE))
		return STATUS_UNABLE_TO_FREE_VM;
	if (!gone)
		return status;
	if (type & MEM_PRESERVE_PLACEHOLDER)
		ww_regions_unwatch(regions, range.start, range.end - range.start);
	else
		ww_regions_released(regions, range.start, range.end - range.start);
	return status;
}

NTSTATUS ww_free(const struct ww_wine *wine, HANDLE process, PVOID *base,
		 SIZE_T *size, ULONG type)
{
	struct ww_regions *regions = ww_watching();
	NTSTATUS status = ww_check_free_type(type);
	struct ww_view view;
	struct range range;
	sigset_t saved;

	if (status)
		return status;
	ww_regions_lock(regions, &saved);
	if (!ww_regions_view(regions, (uintptr_t)*base, &view))
		status = wine->free(process, base, size, type);
	else if (type == MEM_DECOMMIT && decommit_range(&view, *base, *size, &range))
		status = decommit(regions, wine, base, size, &range);
	else
		status = release(regions, wine, &view, base, size, type);
	ww_regions_unlock(regions, &saved);
	return status;
}

/* ---- Protections ---- */

/* They change no bit, but must not give back the access that a decommit takes
 * away until it has seen what was written: a write that follows would go with
 * the pages (tests/win32/stress.c). */
NTSTATUS ww_protect(const struct ww_wine *wine, PVOID *base, SIZE_T *size,
		    ULONG protect, ULONG *old)
{
	struct ww_regions *regions = ww_watching();
	NTSTATUS status;
	sigset_t saved;

	ww_regions_lock(regions, &saved);
	status = wine->protect(NtCurrentProcess(), base, size, protect, old);
	ww_regions_unlock(regions, &saved);
	return status;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The NT calls on virtual memory. Each validates, then acts under the areas'
 * lock, then publishes: what an area says changes after the memory did, and a
 * call that fails half-way puts the memory back to what the area says.
 *
 * Watched memory changes inside the registry's lock as well, in the order that
 * regions.h asks for: armed before it becomes accessible, saved before it goes.
 */
#include "areas.h"
#include "mapping.h"
#include "process.h"

#include <errno.h>

#define HIGHEST_ADDRESS \
	((UINTPTR_MAX >> (sizeof(void *) == 8 ? 17 : 0)) - WW_GRANULARITY)
#define LARGE_ALIGNMENT ((size_t)2 << 20)

NTSTATUS ww_vm_status(enum ww_vm_failure failure)
{
	static const NTSTATUS statuses[] = {
#define V(name, status, what) [WW_VM_##name] = status,
		WW_VM_FAILURES(V)
#undef V
	};

	return statuses[failure];
}

/* From Linux, where it can say more than that there is no memory: something
 * else is there (EEXIST), nobody may map there (EPERM), or a policy forbids the
 * protection (EACCES). */
static NTSTATUS status_of(int error)
{
	switch (error) {
	case 0:
		return STATUS_SUCCESS;
	case -EEXIST:
	case -EPERM:
		return STATUS_CONFLICTING_ADDRESSES;
	case -EACCES:
		return STATUS_ACCESS_DENIED;
	default:
		return STATUS_NO_MEMORY;
	}
}

/* ---- Ranges ---- */

struct range {
	uintptr_t start;
	uintptr_t end;
};

static size_t range_bytes(const struct range *range)
{
	return range->end - range->start;
}

static bool base_is_good(PVOID base)
{
	return (uintptr_t)base <= HIGHEST_ADDRESS;
}

/* Of a good base and a size that is not 0. */
static bool size_is_good(PVOID base, SIZE_T size)
{
	return size - 1 <= HIGHEST_ADDRESS - (uintptr_t)base;
}

/* The whole pages around [base, base + size), both good. */
static struct range whole_pages(PVOID base, SIZE_T size)
{
	uintptr_t mask = ww_page_size() - 1;

	return (struct range){
		.start = (uintptr_t)base & ~mask,
		.end = (((uintptr_t)base + size - 1) | mask) + 1,
	};
}

/* The area that holds all of a range, or NULL. */
static struct ww_area *area_of(const struct range *range)
{
	struct ww_area *area = ww_area_find(range->start);

	return area && range->end <= area->end ? area : NULL;
}

/* ---- Areas and their memory ---- */

static void lock_watch(const struct ww_area *area, sigset_t *saved)
{
	if (area->watched)
		ww_regions_lock(ww_process_regions(), saved);
}

static void unlock_watch(const struct ww_area *area, const sigset_t *saved)
{
	if (area->watched)
		ww_regions_unlock(ww_process_regions(), saved);
}

/* Makes the memory what the area says it is. It was that before, so Linux has
 * the means for it, except where it is out of maps; then a page may stay with
 * less access than it should have. */
static void restore_access(const struct ww_area *area, const struct range *range)
{
	uintptr_t at = range->start, end;

	for (; at < range->end; at = end) {
		end = ww_area_run(area, at, range->end, WW_PAGE_ACCESS);
		ww_map_protect(at, end - at,
			       ww_state_prot(ww_area_state(area, at)));
	}
}

static int set_access(struct ww_area *area, const struct range *range,
		      unsigned char state)
{
	int ret = ww_map_protect(range->start, range_bytes(range),
				 ww_state_prot(state));

	if (ret)
		restore_access(area, range);
	else
		ww_area_set(area, range->start, range->end, WW_PAGE_PROTECTION,
			    state);
	return ret;
}

/* The same for pages that may be new, which is what Linux can have too little
 * memory for. */
static NTSTATUS commit_access(struct ww_area *area, const struct range *range,
			      unsigned char state)
{
	int ret = set_access(area, range, state);

	return ret == -ENOMEM ? ww_vm_status(WW_VM_COMMITMENT) : status_of(ret);
}

static bool all_committed(const struct ww_area *area, const struct range *range)
{
	uintptr_t at = range->start;

	while (at < range->end && ww_area_state(area, at))
		at = ww_area_run(area, at, range->end, WW_PAGE_ACCESS);
	return at >= range->end;
}

/* ---- Allocation: what is asked for ---- */

struct request {
	PVOID base;
	SIZE_T size;
	ULONG type;
	ULONG protect;
	unsigned char state;	/* of the pages that it commits */
};

#define RESET_TYPES (MEM_RESET | WW_MEM_RESET_UNDO)
#define PLACEHOLDER_TYPES (MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER)
#define KNOWN_TYPES \
	(MEM_COMMIT | MEM_RESERVE | RESET_TYPES | MEM_TOP_DOWN | \
	 MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES | PLACEHOLDER_TYPES)

static bool large_pages_type_is_good(ULONG type)
{
	return (type & MEM_COMMIT) &&
	       !(type & (MEM_PHYSICAL | MEM_RESET | MEM_WRITE_WATCH));
}

static NTSTATUS check_type(ULONG type, ULONG protect)
{
	if (type & ~(ULONG)KNOWN_TYPES)
		return ww_vm_status(WW_VM_TYPE_UNKNOWN);
	if (type & PLACEHOLDER_TYPES)
		return ww_vm_status(WW_VM_PLACEHOLDER);
	if (!(type & (MEM_COMMIT | MEM_RESERVE | RESET_TYPES)))
		return ww_vm_status(WW_VM_TYPE_MISSING);
	if ((type & RESET_TYPES) && type != MEM_RESET && type != WW_MEM_RESET_UNDO)
		return ww_vm_status(WW_VM_RESET_NOT_ALONE);
	if ((type & MEM_LARGE_PAGES) && !large_pages_type_is_good(type))
		return ww_vm_status(WW_VM_LARGE_PAGES_TYPE);
	if ((type & MEM_WRITE_WATCH) && !(type & MEM_RESERVE))
		return ww_vm_status(WW_VM_WATCH_WITHOUT_RESERVE);
	if ((type & MEM_PHYSICAL) && type != (MEM_PHYSICAL | MEM_RESERVE))
		return ww_vm_status(WW_VM_PHYSICAL_TYPE);
	if ((type & MEM_PHYSICAL) && protect != PAGE_READWRITE)
		return ww_vm_status(WW_VM_PHYSICAL_PROTECTION);
	return STATUS_SUCCESS;
}

static NTSTATUS check_range(const struct request *request)
{
	if (!base_is_good(request->base) ||
	    (request->base && (request->type & MEM_RESERVE) &&
	     (uintptr_t)request->base < WW_GRANULARITY))
		return ww_vm_status(WW_VM_ALLOCATE_BASE);
	if (!request->size || !size_is_good(request->base, request->size))
		return ww_vm_status(WW_VM_ALLOCATE_SIZE);
	return STATUS_SUCCESS;
}

static NTSTATUS check_request(HANDLE process, struct request *request)
{
	NTSTATUS status = check_type(request->type, request->protect);

	if (status)
		return status;
	request->state = ww_state_of(request->protect);
	if (!request->state)
		return ww_vm_status(WW_VM_PROTECTION);
	if ((status = check_range(request)))
		return status;
	if (process != NtCurrentProcess())
		return ww_vm_status(WW_VM_HANDLE);
	if (request->type & MEM_LARGE_PAGES)
		return ww_vm_status(WW_VM_LARGE_PAGES);
	if (request->type & MEM_PHYSICAL)
		return ww_vm_status(WW_VM_PHYSICAL);
	return STATUS_SUCCESS;
}

/* ---- Allocation: reserving ---- */

static int map_anywhere(uintptr_t *base, size_t n_bytes, ULONG type)
{
	size_t alignment = n_bytes < LARGE_ALIGNMENT ? WW_GRANULARITY :
						       LARGE_ALIGNMENT;

	if (!(type & MEM_TOP_DOWN)) {
		*base = ww_areas_place(n_bytes, alignment);
		if (*base && !ww_map_reserve(base, n_bytes, alignment))
			return 0;
	}
	*base = 0;
	return ww_map_reserve(base, n_bytes, alignment);
}

/* Maps what a reservation asks for. */
static NTSTATUS map_request(const struct request *request, struct range *range)
{
	uintptr_t base = (uintptr_t)request->base & ~(WW_GRANULARITY - 1);
	size_t n_bytes;
	int ret;

	*range = whole_pages(request->base, request->size);
	n_bytes = range->end - base;
	if (base)
		ret = ww_map_reserve(&base, n_bytes, WW_GRANULARITY);
	else
		ret = map_anywhere(&base, n_bytes, request->type);
	*range = (struct range){ base, base + n_bytes };
	return status_of(ret);
}

/* Watches a new area and makes its memory accessible, as far as that is asked
 * for. Nobody else knows the address yet. */
static NTSTATUS start_area(struct ww_area *area, const struct range *range,
			   const struct request *request)
{
	bool committed = request->type & MEM_COMMIT;
	int ret;

	if (area->watched) {
		ret = ww_regions_reserve(ww_process_regions(), range->start,
					 range_bytes(range), committed);
		if (ret)
			return status_of(ret);
	}
	return committed ? commit_access(area, range, request->state) :
			   STATUS_SUCCESS;
}

/* Takes away the memory of an area and its watch. */
static int unmap(const struct ww_area *area, const struct range *range)
{
	int ret = ww_map_release(range->start, range_bytes(range));

	if (!ret && area->watched)
		ww_regions_released(ww_process_regions(), range->start,
				    range_bytes(range));
	return ret;
}

static NTSTATUS new_area(const struct range *range, const struct request *request)
{
	struct ww_area *area;
	NTSTATUS status;
	sigset_t saved;

	if (ww_area_add(range->start, range_bytes(range), request->protect,
			request->type & MEM_WRITE_WATCH)) {
		ww_map_release(range->start, range_bytes(range));
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
	area = ww_area_find(range->start);
	lock_watch(area, &saved);
	status = start_area(area, range, request);
	if (status)
		unmap(area, range);
	unlock_watch(area, &saved);
	if (status)
		ww_area_cut(area, range->start, range->end);
	return status;
}

static NTSTATUS reserve(const struct request *request, struct range *range)
{
	NTSTATUS status;

	if ((request->type & MEM_WRITE_WATCH) && !ww_process_open_regions())
		return ww_vm_status(WW_VM_NO_BACKEND);
	status = map_request(request, range);
	return status ? status : new_area(range, request);
}

/* ---- Allocation: committing ---- */

static NTSTATUS commit(const struct request *request, struct range *range)
{
	struct ww_area *area;
	NTSTATUS status;
	sigset_t saved;

	*range = whole_pages(request->base, request->size);
	area = area_of(range);
	if (!area)
		return ww_vm_status(WW_VM_NOT_RESERVED);
	lock_watch(area, &saved);
	if (area->watched)
		ww_regions_commit(ww_process_regions(), range->start,
				  range_bytes(range));
	status = commit_access(area, range, request->state);
	unlock_watch(area, &saved);
	return status;
}

static NTSTATUS reset(const struct request *request, struct range *range)
{
	const struct ww_area *area;

	*range = whole_pages(request->base, request->size);
	area = area_of(range);
	if (!area)
		return ww_vm_status(WW_VM_NOT_RESERVED);
	if (!all_committed(area, range))
		return ww_vm_status(WW_VM_NOT_COMMITTED);
	return STATUS_SUCCESS;
}

/* ---- Allocation ---- */

/* Committing at no address in particular reserves, too. */
static NTSTATUS allocate_locked(const struct request *request,
				struct range *range)
{
	if (request->type & RESET_TYPES)
		return reset(request, range);
	if ((request->type & MEM_RESERVE) || !request->base)
		return reserve(request, range);
	return commit(request, range);
}

static NTSTATUS allocate(HANDLE process, PVOID *base, SIZE_T *size, ULONG type,
			 ULONG protect)
{
	struct request request = { .type = type, .protect = protect };
	struct range range;
	NTSTATUS status;
	sigset_t saved;

	request.base = *base;
	request.size = *size;
	status = check_request(process, &request);
	if (status)
		return status;
	ww_areas_lock(&saved);
	status = allocate_locked(&request, &range);
	ww_areas_unlock(&saved);
	if (!status) {
		*base = (PVOID)range.start;
		*size = range_bytes(&range);
	}
	return status;
}

NTSTATUS ww_nt_allocate_virtual_memory(HANDLE process, PVOID *base,
				       ULONG_PTR zero_bits, SIZE_T *size,
				       ULONG type, ULONG protect)
{
	if (!base || !size)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if (zero_bits)
		return ww_vm_status(WW_VM_ZERO_BITS);
	return allocate(process, base, size, type, protect);
}

NTSTATUS ww_nt_allocate_virtual_memory_ex(HANDLE process, PVOID *base,
					  SIZE_T *size, ULONG type, ULONG protect,
					  MEM_EXTENDED_PARAMETER *parameters,
					  ULONG n_parameters)
{
	if (!base || !size)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if (parameters || n_parameters)
		return ww_vm_status(WW_VM_EXTENDED_PARAMETERS);
	return allocate(process, base, size, type, protect);
}

/* ---- Freeing ---- */

static NTSTATUS decommit(struct ww_area *area, const struct range *range)
{
	size_t n_bytes = range_bytes(range);

	if (area->watched &&
	    ww_regions_save(ww_process_regions(), range->start, n_bytes)) {
		restore_access(area, range);
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
	if (ww_map_discard(range->start, n_bytes)) {
		restore_access(area, range);
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
	if (area->watched)
		ww_regions_decommitted(ww_process_regions(), range->start, n_bytes);
	ww_area_set(area, range->start, range->end, 0xff, 0);
	return STATUS_SUCCESS;
}

static NTSTATUS free_in_area(struct ww_area *area, const struct range *range,
			     ULONG type)
{
	NTSTATUS status;
	sigset_t saved;

	lock_watch(area, &saved);
	if (type == MEM_DECOMMIT)
		status = decommit(area, range);
	else
		status = status_of(unmap(area, range));
	unlock_watch(area, &saved);
	if (!status && type == MEM_RELEASE)
		ww_area_cut(area, range->start, range->end);
	return status;
}

/* Size 0 stands for all of the area, from its base. */
static NTSTATUS free_locked(PVOID base, SIZE_T size, ULONG type,
			    struct range *range)
{
	struct ww_area *area;

	if (type == MEM_RELEASE && ww_areas_make_room())
		return ww_vm_status(WW_VM_NO_MEMORY);
	*range = whole_pages(base, size ? size : 1);
	area = ww_area_find(range->start);
	if (!area)
		return ww_vm_status(WW_VM_NOT_ALLOCATED);
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
	if (type != MEM_DECOMMIT && type != MEM_RELEASE)
		return ww_vm_status(WW_VM_FREE_TYPE);
	if (!base_is_good(base))
		return ww_vm_status(WW_VM_FREE_BASE);
	if (size && !size_is_good(base, size))
		return ww_vm_status(WW_VM_FREE_SIZE);
	if (process != NtCurrentProcess())
		return ww_vm_status(WW_VM_HANDLE);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_free_virtual_memory(HANDLE process, PVOID *base, SIZE_T *size,
				   ULONG type)
{
	struct range range;
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
		*size = range_bytes(&range);
	}
	return status;
}

/* ---- Calls on the committed pages of a range ---- */

/* What such a call does, under the lock, to a range in one area. `argument` is
 * the call's own. */
typedef NTSTATUS change_fn(struct ww_area *area, const struct range *range,
			   void *argument);

static NTSTATUS check_change(HANDLE process, PVOID base, SIZE_T size)
{
	if (!base_is_good(base))
		return ww_vm_status(WW_VM_RANGE_BASE);
	if (!size || !size_is_good(base, size))
		return ww_vm_status(WW_VM_RANGE_SIZE);
	if (process != NtCurrentProcess())
		return ww_vm_status(WW_VM_HANDLE);
	return STATUS_SUCCESS;
}

static NTSTATUS change(HANDLE process, PVOID *base, SIZE_T *size,
		       enum ww_vm_failure outside, change_fn *act, void *argument)
{
	struct ww_area *area;
	struct range range;
	NTSTATUS status;
	sigset_t saved;
	PVOID at = *base;
	SIZE_T n_bytes = *size;

	status = check_change(process, at, n_bytes);
	if (status)
		return status;
	range = whole_pages(at, n_bytes);
	ww_areas_lock(&saved);
	area = area_of(&range);
	status = area ? act(area, &range, argument) : ww_vm_status(outside);
	ww_areas_unlock(&saved);
	if (!status) {
		*base = (PVOID)range.start;
		*size = range_bytes(&range);
	}
	return status;
}

struct protection {
	unsigned char state;
	ULONG old;
};

static NTSTATUS protect_pages(struct ww_area *area, const struct range *range,
			      void *argument)
{
	struct protection *protection = argument;

	if (!all_committed(area, range))
		return ww_vm_status(WW_VM_NOT_COMMITTED);
	protection->old = ww_state_protect(ww_area_state(area, range->start));
	return status_of(set_access(area, range, protection->state));
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
static void unlock_others(const struct ww_area *area, const struct range *range)
{
	uintptr_t at = range->start, end;

	for (; at < range->end; at = end) {
		end = ww_area_run(area, at, range->end, WW_PAGE_LOCKED);
		if (!(ww_area_state(area, at) & WW_PAGE_LOCKED))
			ww_map_unlock(at, end - at);
	}
}

static NTSTATUS lock_pages(struct ww_area *area, const struct range *range,
			   void *argument)
{
	uintptr_t at = range->start;

	(void)argument;
	while (at < range->end) {
		if (!ww_state_prot(ww_area_state(area, at)))
			return ww_vm_status(WW_VM_LOCK_RANGE);
		at = ww_area_run(area, at, range->end, WW_PAGE_ACCESS);
	}
	if (ww_map_lock(range->start, range_bytes(range))) {
		unlock_others(area, range);
		return ww_vm_status(WW_VM_LOCK_LIMIT);
	}
	ww_area_set(area, range->start, range->end, WW_PAGE_LOCKED, WW_PAGE_LOCKED);
	return STATUS_SUCCESS;
}

static NTSTATUS unlock_pages(struct ww_area *area, const struct range *range,
			     void *argument)
{
	(void)argument;
	if (!(ww_area_state(area, range->start) & WW_PAGE_LOCKED) ||
	    ww_area_run(area, range->start, range->end, WW_PAGE_LOCKED) <
		    range->end)
		return ww_vm_status(WW_VM_NOT_LOCKED);
	if (ww_map_unlock(range->start, range_bytes(range)))
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

/* ---- Questions ---- */

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

	info->RegionSize = (next ? next->start : HIGHEST_ADDRESS + 1) - at;
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

	if (what != MemoryBasicInformation)
		return ww_vm_status(WW_VM_INFORMATION_CLASS);
	if (n_bytes < sizeof(MEMORY_BASIC_INFORMATION))
		return ww_vm_status(WW_VM_INFORMATION_SIZE);
	if (!buffer)
		return ww_vm_status(WW_VM_ARGUMENT_MISSING);
	if (process != NtCurrentProcess())
		return ww_vm_status(WW_VM_HANDLE);
	if (at > HIGHEST_ADDRESS)
		return ww_vm_status(WW_VM_QUERY_ADDRESS);
	*(MEMORY_BASIC_INFORMATION *)buffer = describe(at);
	if (n_stored)
		*n_stored = sizeof(MEMORY_BASIC_INFORMATION);
	return STATUS_SUCCESS;
}

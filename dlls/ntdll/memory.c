/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the NT calls on virtual memory have in common. Each validates, then acts
 * under the areas' lock, then publishes: what an area says changes after the
 * memory did, and a call that fails half-way puts the memory back to what the
 * area says.
 *
 * Watched memory changes inside the registry's lock as well, in the order that
 * regions.h asks for: armed before it becomes accessible, saved before it goes.
 */
#include "memory.h"

#include "mapping.h"
#include "process.h"

#include <errno.h>

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
NTSTATUS ww_vm_status_of(int error)
{
	switch (error) {
	case 0:
		return STATUS_SUCCESS;
	case -EEXIST:
	case -EPERM:
		return ww_vm_status(WW_VM_OCCUPIED);
	case -EACCES:
		return ww_vm_status(WW_VM_FORBIDDEN);
	default:
		return ww_vm_status(WW_VM_NO_MEMORY);
	}
}

/* ---- Ranges ---- */

size_t ww_vm_bytes(const struct ww_vm_range *range)
{
	return range->end - range->start;
}

bool ww_vm_base_is_good(PVOID base)
{
	return (uintptr_t)base <= WW_HIGHEST_ADDRESS;
}

bool ww_vm_size_is_good(PVOID base, SIZE_T size)
{
	return size - 1 <= WW_HIGHEST_ADDRESS - (uintptr_t)base;
}

struct ww_vm_range ww_vm_whole_pages(PVOID base, SIZE_T size)
{
	uintptr_t mask = ww_page_size() - 1;

	return (struct ww_vm_range){
		.start = (uintptr_t)base & ~mask,
		.end = (((uintptr_t)base + size - 1) | mask) + 1,
	};
}

struct ww_area *ww_vm_area_of(const struct ww_vm_range *range)
{
	struct ww_area *area = ww_area_find(range->start);

	return area && range->end <= area->end ? area : NULL;
}

/* ---- Pages ---- */

void ww_vm_lock_watch(const struct ww_area *area, sigset_t *saved)
{
	if (area->watched)
		ww_regions_lock(ww_process_regions(), saved);
}

void ww_vm_unlock_watch(const struct ww_area *area, const sigset_t *saved)
{
	if (area->watched)
		ww_regions_unlock(ww_process_regions(), saved);
}

/* Through the registry where it is watched: its backend may have taken access
 * away. */
static int protect(const struct ww_area *area, uintptr_t start, size_t n_bytes,
		   unsigned char state)
{
	int prot = ww_state_prot(state);

	return area->watched ? ww_regions_protect(ww_process_regions(), start,
						  n_bytes, prot) :
			       ww_map_protect(start, n_bytes, prot);
}

/* It was that before, so Linux has the means for it, except where it is out of
 * maps; then a page may stay with less access than it should have. */
void ww_vm_restore_access(const struct ww_area *area,
			  const struct ww_vm_range *range)
{
	uintptr_t at = range->start, end;

	for (; at < range->end; at = end) {
		end = ww_area_run(area, at, range->end, WW_PAGE_ACCESS);
		protect(area, at, end - at, ww_area_state(area, at));
	}
}

int ww_vm_set_access(struct ww_area *area, const struct ww_vm_range *range,
		     unsigned char state)
{
	int ret = protect(area, range->start, ww_vm_bytes(range), state);

	if (ret)
		ww_vm_restore_access(area, range);
	else
		ww_area_set(area, range->start, range->end, WW_PAGE_PROTECTION,
			    state);
	return ret;
}

NTSTATUS ww_vm_commit_access(struct ww_area *area,
			     const struct ww_vm_range *range,
			     unsigned char state)
{
	int ret = ww_vm_set_access(area, range, state);

	return ret == -ENOMEM ? ww_vm_status(WW_VM_COMMITMENT) :
				ww_vm_status_of(ret);
}

bool ww_vm_all_committed(const struct ww_area *area,
			 const struct ww_vm_range *range)
{
	uintptr_t at = range->start;

	while (at < range->end && ww_area_state(area, at))
		at = ww_area_run(area, at, range->end, WW_PAGE_ACCESS);
	return at >= range->end;
}

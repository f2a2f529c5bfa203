/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the NT calls on virtual memory have in common: ranges of it, and the
 * access to the pages of an area. Everything that takes an area needs the
 * areas' lock.
 */
#ifndef WW_MEMORY_H
#define WW_MEMORY_H

#include "areas.h"

#define WW_HIGHEST_ADDRESS \
	((UINTPTR_MAX >> (sizeof(void *) == 8 ? 17 : 0)) - WW_GRANULARITY)

/* The status of a negative errno value, or of 0. */
NTSTATUS ww_vm_status_of(int error);

/* ---- Ranges ---- */

/* Whole pages. */
struct ww_vm_range {
	uintptr_t start;
	uintptr_t end;
};

size_t ww_vm_bytes(const struct ww_vm_range *range);

bool ww_vm_base_is_good(PVOID base);

/* Of a good base and a size that is not 0. */
bool ww_vm_size_is_good(PVOID base, SIZE_T size);

/* The whole pages around [base, base + size), both good. */
struct ww_vm_range ww_vm_whole_pages(PVOID base, SIZE_T size);

/* The area that holds all of a range, or NULL. */
struct ww_area *ww_vm_area_of(const struct ww_vm_range *range);

/* ---- Pages ---- */

/* The registry's lock, if the area is watched. */
void ww_vm_lock_watch(const struct ww_area *area, sigset_t *saved);
void ww_vm_unlock_watch(const struct ww_area *area, const sigset_t *saved);

/* Gives committed pages the protection of a state. A failure changes nothing. */
int ww_vm_set_access(struct ww_area *area, const struct ww_vm_range *range,
		     unsigned char state);

/* The same for pages that may be new, which is what Linux can have too little
 * memory for. */
NTSTATUS ww_vm_commit_access(struct ww_area *area,
			     const struct ww_vm_range *range,
			     unsigned char state);

/* Makes the memory what the area says it is. */
void ww_vm_restore_access(const struct ww_area *area,
			  const struct ww_vm_range *range);

bool ww_vm_all_committed(const struct ww_area *area,
			 const struct ww_vm_range *range);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the replaced services do, apart from the calling convention. Each call
 * comes as a structure with a way on into Wine.
 */
#ifndef WW_MEMORY_H
#define WW_MEMORY_H

#include "ntwritewatch.h"

/* Wine's own services, in whatever convention they have. Base and size are
 * ours: Wine may fault on the caller's pointers and never return into a caller
 * that holds a lock. */
struct ww_wine {
	NTSTATUS (*commit)(HANDLE process, PVOID *base, SIZE_T *size,
			   ULONG protect);
	NTSTATUS (*free)(HANDLE process, PVOID *base, SIZE_T *size, ULONG type);
	NTSTATUS (*protect)(HANDLE process, PVOID *base, SIZE_T *size,
			    ULONG protect, ULONG *old);
	NTSTATUS (*query)(HANDLE process, LPCVOID address,
			  MEMORY_BASIC_INFORMATION *info);
};

struct ww_allocation {
	const struct ww_wine *wine;
	/* Wine's service for this call, from the fields below */
	NTSTATUS (*allocate)(struct ww_allocation *allocation);
	HANDLE process;
	PVOID base;
	SIZE_T size;
	ULONG type;
	ULONG protect;
	ULONG_PTR zero_bits;
	MEM_EXTENDED_PARAMETER *parameters;
	ULONG n_parameters;
};

/* The registry, if watched memory was ever asked for and can be served. */
struct ww_regions *ww_watching(void);

/* Opens it at the first watched allocation; NULL if it cannot be served. */
struct ww_regions *ww_start_watching(void);

/* Whether a call is ours to handle. `base` is the caller's pointer; it may
 * fault, as it would in Wine. */
bool ww_allocation_is_ours(HANDLE process, PVOID *base, ULONG type);
bool ww_free_is_ours(HANDLE process, PVOID *base);

/* Whether some of [start, start + size) is watched. */
bool ww_is_watched_range(const void *start, SIZE_T size);

/* The handled calls. They change base and size as the service does. */
NTSTATUS ww_allocate(struct ww_allocation *allocation);
NTSTATUS ww_free(const struct ww_wine *wine, HANDLE process, PVOID *base,
		 SIZE_T *size, ULONG type);

#endif

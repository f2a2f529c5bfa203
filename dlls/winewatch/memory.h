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
	NTSTATUS (*read)(HANDLE process, const void *address, void *buffer,
			 SIZE_T size, SIZE_T *n_read);
	NTSTATUS (*query_object)(HANDLE handle, OBJECT_INFORMATION_CLASS what,
				 PVOID info, ULONG n_bytes);
	NTSTATUS (*query_process)(HANDLE handle, PROCESSINFOCLASS what,
				  PVOID info, ULONG n_bytes);
	NTSTATUS (*duplicate)(HANDLE handle, HANDLE *duplicate,
			      ACCESS_MASK access);
	NTSTATUS (*close)(HANDLE handle);
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
struct ww_regions *ww_start_watching(const struct ww_wine *wine);

/* NtCurrentProcess() for any handle of this process through which its memory may be
 * changed, else the handle: what Wine does to memory through a handle happens
 * behind the service table. Only asked while something is watched, or if the call
 * begins to (`watches`). */
HANDLE ww_shortest_handle(const struct ww_wine *wine, HANDLE handle, bool watches);

/* Whether an allocation, or any other call on memory, is ours to handle. `base`
 * is the caller's pointer; it may fault, as it would in Wine. */
bool ww_allocation_is_ours(HANDLE process, PVOID *base, ULONG type);
bool ww_is_watched(HANDLE process, PVOID *base);

/* Whether some of [start, start + size) is watched. */
bool ww_is_watched_range(const void *start, SIZE_T size);

/* Whether system calls cannot be trusted to write to such memory, while its owner
 * may: see `withholds` in tracker.h. */
bool ww_is_withheld(const void *start, SIZE_T size);

/* After Wine has allocated memory that is not watched. */
void ww_note_unwatched(PVOID base, SIZE_T size);

/* Around a write that the owner's page tables do not show, as Wine's server makes
 * it: the range reads as written, if it needs that. */
void ww_note_write(const struct ww_wine *wine, HANDLE process, PVOID start,
		   SIZE_T size);

/* Arguments that are refused before anything is looked at. */
NTSTATUS ww_check_allocation(const struct ww_allocation *allocation);
NTSTATUS ww_check_free_type(ULONG type);

/* The handled calls. They change base and size as the service does. */
NTSTATUS ww_allocate(struct ww_allocation *allocation);
NTSTATUS ww_free(const struct ww_wine *wine, HANDLE process, PVOID *base,
		 SIZE_T *size, ULONG type);

/* Whether a read would succeed, or its status. */
NTSTATUS ww_try_read(const struct ww_wine *wine, HANDLE process,
		     const void *address, SIZE_T size);

NTSTATUS ww_protect(const struct ww_wine *wine, PVOID *base, SIZE_T *size,
		    ULONG protect, ULONG *old);

/* What a lock of watched memory finds before Wine does it: success, or
 * STATUS_GUARD_PAGE_VIOLATION, and that guard is gone. */
NTSTATUS ww_lock_guards(const struct ww_wine *wine, PVOID base, SIZE_T size);

/* NtGetWriteWatch and NtResetWriteWatch on any process, or WW_NT_NOT_OURS: then
 * Wine answers. */
NTSTATUS ww_query_writes(const struct ww_wine *wine, HANDLE process,
			 struct ww_nt_get *call);
NTSTATUS ww_reset_writes(const struct ww_wine *wine, HANDLE process, PVOID base,
			 SIZE_T size);

#endif

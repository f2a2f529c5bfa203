/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NtGetWriteWatch and NtResetWriteWatch on a registry: argument rules,
 * statuses, addresses. System V functions over Wine's types; whoever is entered
 * from Windows code brings its own calling convention.
 */
#ifndef WW_NTWRITEWATCH_H
#define WW_NTWRITEWATCH_H

#include "foreign.h"
#include "nttypes.h"
#include "regions.h"

/* One failed check, one status. V(name, status, what was wrong). Win32 callers
 * see a last error that does not tell the numbered ones apart. */
#define WW_NT_FAILURES(V) \
	V(COUNT_MISSING, STATUS_ACCESS_VIOLATION, "count is NULL") \
	V(GRANULARITY_MISSING, STATUS_ACCESS_VIOLATION, "granularity is NULL") \
	V(COUNT_ZERO, STATUS_INVALID_PARAMETER_5, "*count is 0") \
	V(COUNT_OVERFLOW, STATUS_INVALID_PARAMETER_5, \
	  "*count pointers do not fit in memory") \
	V(SIZE_ZERO, STATUS_INVALID_PARAMETER_4, "size is 0") \
	V(SIZE_WRAPS, STATUS_INVALID_PARAMETER_3, \
	  "the range leaves the address space") \
	V(FLAGS_UNKNOWN, STATUS_INVALID_PARAMETER_2, "unknown flags") \
	V(ADDRESSES_MISSING, STATUS_ACCESS_VIOLATION, "addresses is NULL") \
	V(RANGE_LEAVES_REGION, STATUS_INVALID_PARAMETER_3, \
	  "the range leaves its region") \
	V(NO_MEMORY, STATUS_NO_MEMORY, "no memory for this thread's first call") \
	V(DENIED, STATUS_ACCESS_DENIED, "the kernel forbids to look at the process") \
	V(ENDED, STATUS_PROCESS_IS_TERMINATING, "the process has ended")

enum ww_nt_failure {
#define V(name, status, what) WW_NT_##name,
	WW_NT_FAILURES(V)
#undef V
};

NTSTATUS ww_nt_status(enum ww_nt_failure failure);

/* The range is not watched by that registry: ask somebody else. No service ever
 * returns it. */
#define WW_NT_NOT_OURS ((NTSTATUS)0xe0ff0001)

/* The arguments of NtGetWriteWatch but for its handle, and what *count was. */
struct ww_nt_get {
	ULONG flags;
	PVOID base;
	SIZE_T size;
	PVOID *addresses;
	ULONG_PTR *count;
	ULONG *granularity;
	ULONG_PTR capacity;
};

/* The checks that come before the handle's, and read *count into `capacity`.
 * They and everything below may fault on the caller's pointers: a fault is the
 * caller's to turn into a status, and leaves all registries right wherever it
 * happens. A call that is refused writes nothing; one that faults while it
 * stores has stored what came before, *count last. */
NTSTATUS ww_nt_check_get(struct ww_nt_get *call);
NTSTATUS ww_nt_check_reset(PVOID base, SIZE_T size);

/* The rest of a call on this process. */
NTSTATUS ww_nt_get(struct ww_regions *regions, const struct ww_nt_get *call);
NTSTATUS ww_nt_reset(struct ww_regions *regions, PVOID base, SIZE_T size);

/* The same on another process. */
NTSTATUS ww_nt_get_foreign(const struct ww_process *process,
			   const struct ww_nt_get *call);
NTSTATUS ww_nt_reset_foreign(const struct ww_process *process, PVOID base,
			     SIZE_T size);

#endif

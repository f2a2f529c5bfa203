/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NtGetWriteWatch and NtResetWriteWatch on a registry: argument rules,
 * statuses, addresses. System V functions over Wine's types; whoever is entered
 * from Windows code brings its own calling convention.
 */
#ifndef WW_NTWRITEWATCH_H
#define WW_NTWRITEWATCH_H

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
	V(NO_MEMORY, STATUS_NO_MEMORY, "no memory for this thread's first call")

enum ww_nt_failure {
#define V(name, status, what) WW_NT_##name,
	WW_NT_FAILURES(V)
#undef V
};

NTSTATUS ww_nt_status(enum ww_nt_failure failure);

/* `address` is not watched by this registry: ask somebody else. No service ever
 * returns it. */
#define WW_NT_NOT_OURS ((NTSTATUS)0xe0ff0001)

/* The process is always this one. `addresses` and the outputs may be anything:
 * a fault on them is the caller's to turn into a status, and leaves the registry
 * right wherever it happens. A call that is refused writes nothing; one that
 * faults while it stores has stored what came before, *count last. */
NTSTATUS ww_nt_get_write_watch(struct ww_regions *regions, ULONG flags,
			       PVOID base, SIZE_T size, PVOID *addresses,
			       ULONG_PTR *count, ULONG *granularity);

NTSTATUS ww_nt_reset_write_watch(struct ww_regions *regions, PVOID base,
				 SIZE_T size);

#endif

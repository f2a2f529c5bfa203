/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NtGetWriteWatch and NtResetWriteWatch. The order of the checks satisfies
 * every source in every combination that any of them pins: Wine's own tests,
 * which pass on Windows, ReactOS, and what stock Wine answers.
 */
#include "ntwritewatch.h"

#include <errno.h>

NTSTATUS ww_nt_status(enum ww_nt_failure failure)
{
	static const NTSTATUS statuses[] = {
#define V(name, status, what) [WW_NT_##name] = status,
		WW_NT_FAILURES(V)
#undef V
	};

	return statuses[failure];
}

/* Reads the outputs, so that a bad pointer faults before anything happened. It
 * must not write: a failed call that lies inside watched memory leaves its page
 * clean, and anti-debug checks look at that. */
static NTSTATUS check_outputs(const ULONG_PTR *count, const ULONG *granularity,
			      ULONG_PTR *capacity)
{
	if (!count)
		return ww_nt_status(WW_NT_COUNT_MISSING);
	if (!granularity)
		return ww_nt_status(WW_NT_GRANULARITY_MISSING);
	*capacity = *(const volatile ULONG_PTR *)count;
	(void)*(const volatile ULONG *)granularity;
	if (!*capacity)
		return ww_nt_status(WW_NT_COUNT_ZERO);
	if (*capacity > ~(ULONG_PTR)0 / sizeof(PVOID))
		return ww_nt_status(WW_NT_COUNT_OVERFLOW);
	return STATUS_SUCCESS;
}

static NTSTATUS check_range(PVOID base, SIZE_T size)
{
	if (!size)
		return ww_nt_status(WW_NT_SIZE_ZERO);
	if ((ULONG_PTR)base + size - 1 < (ULONG_PTR)base)
		return ww_nt_status(WW_NT_SIZE_WRAPS);
	return STATUS_SUCCESS;
}

/* Writes what is there already, a byte a page: a fault happens here or, if
 * somebody changes the memory meanwhile, later, and then costs nothing but time
 * (query.c). A compare-and-swap is a write to the processor, and one that no
 * compiler takes for a mere read. */
static void probe_array(PVOID *addresses, size_t n)
{
	unsigned char *at = (unsigned char *)addresses;
	unsigned char *last = (unsigned char *)(addresses + n) - 1;

	for (;;) {
		unsigned char byte = *(volatile unsigned char *)at;

		__atomic_compare_exchange_n(at, &byte, byte, 0, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
		if (at == last)
			return;
		at = (unsigned char *)(((ULONG_PTR)at | (ww_page_size() - 1)) + 1);
		if (at > last)
			at = last;
	}
}

static NTSTATUS begin(struct ww_query *query, struct ww_regions *regions,
		      PVOID base, SIZE_T size)
{
	switch (ww_query_begin(query, regions, (uintptr_t)base, size)) {
	case 0:
		return STATUS_SUCCESS;
	case -ENOENT:
		return WW_NT_NOT_OURS;
	case -ENOMEM:
		return ww_nt_status(WW_NT_NO_MEMORY);
	default:
		return ww_nt_status(WW_NT_RANGE_LEAVES_REGION);
	}
}

NTSTATUS ww_nt_get_write_watch(struct ww_regions *regions, ULONG flags,
			       PVOID base, SIZE_T size, PVOID *addresses,
			       ULONG_PTR *count, ULONG *granularity)
{
	struct ww_query query;
	ULONG_PTR capacity;
	NTSTATUS status;

	if ((status = check_outputs(count, granularity, &capacity)))
		return status;
	if ((status = check_range(base, size)))
		return status;
	if (flags & ~(ULONG)WRITE_WATCH_FLAG_RESET)
		return ww_nt_status(WW_NT_FLAGS_UNKNOWN);
	if (!addresses)
		return ww_nt_status(WW_NT_ADDRESSES_MISSING);
	if ((status = begin(&query, regions, base, size)))
		return status;
	if (capacity > ww_query_pages(&query))
		capacity = ww_query_pages(&query);
	probe_array(addresses, capacity);
	capacity = ww_query_get(&query, flags & WRITE_WATCH_FLAG_RESET,
				(uintptr_t *)addresses, capacity);
	*granularity = (ULONG)ww_page_size();
	*count = capacity;
	ww_query_end(&query);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_reset_write_watch(struct ww_regions *regions, PVOID base,
				 SIZE_T size)
{
	struct ww_query query;
	NTSTATUS status;

	if ((status = check_range(base, size)))
		return status;
	if ((status = begin(&query, regions, base, size)))
		return status;
	ww_query_reset(&query);
	ww_query_end(&query);
	return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NtGetWriteWatch and NtResetWriteWatch. The order of the checks satisfies
 * every source in every combination that any of them pins: Wine's own tests,
 * which pass on Windows, ReactOS, and what stock Wine answers.
 */
#include "ntwritewatch.h"
#include "stats.h"

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

/* ---- Arguments ---- */

/* Reads the outputs, so that a bad pointer faults before anything happened. It
 * must not write: a failed call that lies inside watched memory leaves its page
 * clean, and anti-debug checks look at that. */
static NTSTATUS check_outputs(struct ww_nt_get *call)
{
	if (!call->count)
		return ww_nt_status(WW_NT_COUNT_MISSING);
	if (!call->granularity)
		return ww_nt_status(WW_NT_GRANULARITY_MISSING);
	call->capacity = *(const volatile ULONG_PTR *)call->count;
	(void)*(const volatile ULONG *)call->granularity;
	if (!call->capacity)
		return ww_nt_status(WW_NT_COUNT_ZERO);
	if (call->capacity > ~(ULONG_PTR)0 / sizeof(PVOID))
		return ww_nt_status(WW_NT_COUNT_OVERFLOW);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_check_reset(PVOID base, SIZE_T size)
{
	if (!size)
		return ww_nt_status(WW_NT_SIZE_ZERO);
	if ((ULONG_PTR)base + size - 1 < (ULONG_PTR)base)
		return ww_nt_status(WW_NT_SIZE_WRAPS);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_check_get(struct ww_nt_get *call)
{
	NTSTATUS status;

	if ((status = check_outputs(call)))
		return status;
	if ((status = ww_nt_check_reset(call->base, call->size)))
		return status;
	if (call->flags & ~(ULONG)WRITE_WATCH_FLAG_RESET)
		return ww_nt_status(WW_NT_FLAGS_UNKNOWN);
	if (!call->addresses)
		return ww_nt_status(WW_NT_ADDRESSES_MISSING);
	return STATUS_SUCCESS;
}

/* ---- The array ---- */

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

/* No more than the range has pages; the array is probed for that much. */
static size_t capacity_for(const struct ww_nt_get *call, size_t n_pages)
{
	if (n_pages > call->capacity)
		n_pages = call->capacity;
	probe_array(call->addresses, n_pages);
	return n_pages;
}

static void publish(const struct ww_nt_get *call, size_t n)
{
	*call->granularity = (ULONG)ww_page_size();
	*call->count = n;
}

static NTSTATUS status_of(int ret)
{
	switch (ret) {
	case 0:
		return STATUS_SUCCESS;
	case -ENOENT:
		return WW_NT_NOT_OURS;
	case -ERANGE:
		return ww_nt_status(WW_NT_RANGE_LEAVES_REGION);
	case -ESRCH:
		return ww_nt_status(WW_NT_ENDED);
	case -EACCES:
		return ww_nt_status(WW_NT_DENIED);
	default:
		return ww_nt_status(WW_NT_NO_MEMORY);
	}
}

/* ---- This process ---- */

NTSTATUS ww_nt_get(struct ww_regions *regions, const struct ww_nt_get *call)
{
	uint64_t began = ww_stats_begin(regions);
	struct ww_query query;
	size_t n;
	int ret = ww_query_begin(&query, regions, (uintptr_t)call->base,
				 call->size);

	if (ret)
		return status_of(ret);
	n = capacity_for(call, ww_query_pages(&query));
	n = ww_query_get(&query, call->flags & WRITE_WATCH_FLAG_RESET,
			 (uintptr_t *)call->addresses, n);
	publish(call, n);
	ww_query_end(&query);
	ww_stats_end(regions, WW_STATS_GET, began, n);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_reset(struct ww_regions *regions, PVOID base, SIZE_T size)
{
	uint64_t began = ww_stats_begin(regions);
	struct ww_query query;
	int ret = ww_query_begin(&query, regions, (uintptr_t)base, size);

	if (ret)
		return status_of(ret);
	ww_query_reset(&query);
	ww_query_end(&query);
	ww_stats_end(regions, WW_STATS_RESET, began, 0);
	return STATUS_SUCCESS;
}

/* ---- Another process ---- */

static size_t store(PVOID *addresses, const struct ww_run *runs, size_t n_runs)
{
	size_t page_size = ww_page_size(), n = 0;

	for (size_t i = 0; i < n_runs; i++)
		for (uint64_t at = runs[i].start; at < runs[i].end; at += page_size)
			addresses[n++] = (PVOID)(uintptr_t)at;
	return n;
}

static ssize_t get_batch(const struct ww_foreign_range *range, uintptr_t *from,
			 PVOID *addresses, size_t capacity)
{
	struct ww_run runs[WW_MAX_RUNS];
	ssize_t n_runs = ww_foreign_scan(range, *from, runs, WW_MAX_RUNS,
					 capacity, from);

	return n_runs <= 0 ? n_runs :
			     (ssize_t)store(addresses, runs, (size_t)n_runs);
}

/* After everything has been handed over: a call that is cut off before, by a
 * fault or by its thread's end, has made nothing clean. What cannot become so is
 * reported again. */
static void clean_stored(const struct ww_foreign_range *range,
			 PVOID const volatile *addresses, size_t n)
{
	struct ww_run runs[WW_MAX_RUNS];
	size_t page_size = ww_page_size(), n_runs = 0;

	for (size_t i = 0; i < n; i++) {
		uintptr_t at = (uintptr_t)addresses[i] & ~(page_size - 1);

		/* others may have changed it meanwhile */
		if (at < range->start || at >= range->end)
			continue;
		if (n_runs && runs[n_runs - 1].end == at) {
			runs[n_runs - 1].end += page_size;
			continue;
		}
		if (n_runs == WW_MAX_RUNS) {
			ww_foreign_clean(range, runs, n_runs);
			n_runs = 0;
		}
		runs[n_runs++] = (struct ww_run){ at, at + page_size, 0 };
	}
	if (n_runs)
		ww_foreign_clean(range, runs, n_runs);
}

NTSTATUS ww_nt_get_foreign(const struct ww_process *process,
			   const struct ww_nt_get *call)
{
	struct ww_foreign_range range;
	size_t n = 0, capacity;
	ssize_t ret = ww_foreign_begin(&range, process, (uintptr_t)call->base,
				       call->size);

	if (ret)
		return status_of((int)ret);
	capacity = capacity_for(call, (range.end - range.start) / ww_page_size());
	for (uintptr_t from = range.start; from < range.end && n < capacity;
	     n += (size_t)ret) {
		ret = get_batch(&range, &from, call->addresses + n, capacity - n);
		if (ret < 0)
			return status_of((int)ret);
	}
	publish(call, n);
	if (call->flags & WRITE_WATCH_FLAG_RESET)
		clean_stored(&range, call->addresses, n);
	return STATUS_SUCCESS;
}

NTSTATUS ww_nt_reset_foreign(const struct ww_process *process, PVOID base,
			     SIZE_T size)
{
	struct ww_foreign_range range;
	int ret = ww_foreign_begin(&range, process, (uintptr_t)base, size);

	return status_of(ret ? ret : ww_foreign_reset(&range));
}

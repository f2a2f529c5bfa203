/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which arguments are refused, with which error, and that nothing changes. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)
#define BAD		ERROR_INVALID_PARAMETER
#define FAULT		ERROR_NOACCESS
#define RESET		WRITE_WATCH_FLAG_RESET

static char in_image[2 * PAGE_BYTES];

static void base_null(void)
{
	EXPECT_ERROR(BAD, query_error(0, NULL, PAGE_BYTES));
	EXPECT_ERROR(BAD, reset_error(NULL, PAGE_BYTES));
}

static void base_unwatched(void)
{
	char *plain = allocate(N_PAGES, MEM_RESERVE | MEM_COMMIT,
			       PAGE_READWRITE);

	EXPECT_ERROR(BAD, query_error(0, in_image, PAGE_BYTES));
	EXPECT_ERROR(BAD, reset_error(in_image, PAGE_BYTES));
	EXPECT_ERROR(BAD, query_error(0, plain, ALL));
	EXPECT_ERROR(BAD, reset_error(plain, ALL));
}

static void base_released(void)
{
	char *base = watch(N_PAGES);

	release(base);
	EXPECT_ERROR(BAD, query_error(0, base, ALL));
	EXPECT_ERROR(BAD, reset_error(base, ALL));
}

static void base_unaligned(void)
{
	char *base = watch(N_PAGES);
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity;

	touch_all(base, "1 2 3");
	EXPECT_ERROR(0, get_error(RESET, base + PAGE_BYTES + 100, PAGE_BYTES,
				  addresses, &count, &granularity));
	CHECK(count == 2 && addresses[0] == base + PAGE_BYTES &&
	      addresses[1] == base + 2 * PAGE_BYTES,
	      "count %u, first page at %p of %p", (unsigned int)count,
	      addresses[0], base);
	EXPECT_WRITTEN("3", base, N_PAGES);
	EXPECT_ERROR(0, reset_error(base + 3 * PAGE_BYTES + 4095, 1));
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void size_zero(void)
{
	char *base = watch(N_PAGES);

	EXPECT_ERROR(BAD, query_error(0, base, 0));
	EXPECT_ERROR(BAD, reset_error(base, 0));
}

static void size_zero_unaligned(void)
{
	char *base = watch(N_PAGES);

	EXPECT_ERROR(BAD, query_error(0, base + 1, 0));
	EXPECT_ERROR(BAD, reset_error(base + 1, 0));
}

static void size_unaligned(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 1 2 15");
	EXPECT_ERROR(0, reset_error(base, PAGE_BYTES + 1));
	EXPECT_WRITTEN("2 15", base, N_PAGES);
	EXPECT_ERROR(0, query_error(0, base, ALL - 1));
	EXPECT_ERROR(0, reset_error(base, ALL - 1));
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void size_past_end(void)
{
	char *base = watch(N_PAGES);

	touch(base, 3);
	EXPECT_ERROR(BAD, query_error(RESET, base, ALL + 1));
	EXPECT_ERROR(BAD, query_error(RESET, base, 2 * ALL));
	EXPECT_ERROR(BAD, query_error(RESET, base + PAGE_BYTES, ALL));
	EXPECT_ERROR(BAD, query_error(RESET, base + PAGE_BYTES - 1,
				      ALL - PAGE_BYTES + 2));
	EXPECT_ERROR(BAD, reset_error(base, ALL + 1));
	EXPECT_ERROR(BAD, reset_error(base + PAGE_BYTES, ALL));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void size_wraps(void)
{
	char *base = watch(N_PAGES);

	touch(base, 3);
	EXPECT_ERROR(BAD, query_error(RESET, base, ~(SIZE_T)0));
	EXPECT_ERROR(BAD, query_error(RESET, base + PAGE_BYTES,
				      -(SIZE_T)PAGE_BYTES));
	EXPECT_ERROR(BAD, reset_error(base, ~(SIZE_T)0));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void flags_unknown(void)
{
	char *base = watch(N_PAGES);

	touch(base, 3);
	EXPECT_ERROR(BAD, query_error(2, base, ALL));
	EXPECT_ERROR(BAD, query_error(RESET | 2, base, ALL));
	EXPECT_ERROR(BAD, query_error(RESET | 0x80000000, base, ALL));
	EXPECT_ERROR(BAD, query_error(0xdeadbeef, base, ALL));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void count_zero(void)
{
	char *base = watch(N_PAGES);
	void *addresses[1];
	ULONG_PTR count = 0;
	DWORD granularity;

	touch(base, 3);
	EXPECT_ERROR(BAD, get_error(RESET, base, ALL, addresses, &count,
				    &granularity));
	EXPECT_ERROR(BAD, get_error(RESET, base, ALL, NULL, &count,
				    &granularity));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

/* More addresses than any array can hold. */
static void count_overflows(void)
{
	char *base = watch(N_PAGES);
	ULONG_PTR count = ~(ULONG_PTR)0 / sizeof(void *) + 1;
	void *addresses[N_PAGES];
	DWORD granularity;

	touch(base, 3);
	EXPECT_ERROR(BAD, get_error(RESET, base, ALL, addresses, &count,
				    &granularity));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void pointer_null(void)
{
	char *base = watch(N_PAGES);
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity;

	touch(base, 3);
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, NULL, &count,
				      &granularity));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses, NULL,
				      &granularity));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses, &count,
				      NULL));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void pointer_bad(void)
{
	char *base = watch(N_PAGES);
	char *bad = allocate(1, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity;

	touch(base, 3);
	protect(bad, PAGE_BYTES, PAGE_READWRITE);
	*(ULONG_PTR *)(bad + 8) = N_PAGES;
	protect(bad, PAGE_BYTES, PAGE_READONLY);
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses, &count,
				      (DWORD *)bad));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses,
				      (ULONG_PTR *)(bad + 8), &granularity));
	protect(bad, PAGE_BYTES, PAGE_NOACCESS);
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses, &count,
				      (DWORD *)bad));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses,
				      (ULONG_PTR *)(bad + 8), &granularity));
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void regions_adjacent(void)
{
	char *both = allocate(2 * N_PAGES, MEM_RESERVE, PAGE_NOACCESS);
	DWORD type = MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH;
	char *second = both + ALL;

	release(both);
	if (VirtualAlloc(both, ALL, type, PAGE_READWRITE) != both ||
	    VirtualAlloc(second, ALL, type, PAGE_READWRITE) != second)
		give_up("two regions side by side: error %" DU, GetLastError());
	touch(both, 0);
	touch(second, 0);
	EXPECT_ERROR(BAD, query_error(RESET, both, 2 * ALL));
	EXPECT_ERROR(BAD, query_error(RESET, second - 1, 2));
	EXPECT_ERROR(BAD, reset_error(both, 2 * ALL));
	EXPECT_AND_RESET("0", both, N_PAGES);
	EXPECT_WRITTEN("0", second, N_PAGES);
}

static void reserved_only(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);
	char *page = allocate(1, MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);

	EXPECT("", RESET, page, 0, 1, 1);
	EXPECT_WRITTEN("", base, N_PAGES);
	EXPECT_AND_RESET("", base, N_PAGES);
	EXPECT_ERROR(0, reset_error(base, ALL));
}

static void partly_committed(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);

	if (!VirtualAlloc(base + 4 * PAGE_BYTES, 4 * PAGE_BYTES, MEM_COMMIT,
			  PAGE_READWRITE))
		give_up("commit: error %" DU, GetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "4 7");
	EXPECT_AND_RESET("4 7", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 5);
	EXPECT_ERROR(0, reset_error(base, ALL));
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* The outputs of failing calls, themselves in watched memory. */
static void outputs_unchanged(void)
{
	char *base = watch(N_PAGES);
	ULONG_PTR *count = (ULONG_PTR *)base;
	DWORD *granularity = (DWORD *)(base + PAGE_BYTES);
	void *addresses[N_PAGES];

	*count = N_PAGES;
	*granularity = 77;
	EXPECT_AND_RESET("0 1", base, N_PAGES);
	EXPECT_ERROR(BAD, get_error(2, base, ALL, addresses, count,
				    granularity));
	EXPECT_ERROR(BAD, get_error(RESET, base, 0, addresses, count,
				    granularity));
	EXPECT_ERROR(BAD, get_error(RESET, base, ALL + 1, addresses, count,
				    granularity));
	EXPECT_ERROR(BAD, get_error(RESET, in_image, ALL, addresses, count,
				    granularity));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, NULL, count,
				      granularity));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses, count,
				      NULL));
	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, addresses, NULL,
				      granularity));
	CHECK(*count == N_PAGES, "count became %u", (unsigned int)*count);
	CHECK(*granularity == 77, "granularity became %" DU, *granularity);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* A debugger check: NULL count, granularity inside the page. */
static void granularity_in_page(void)
{
	char *base = watch(N_PAGES);

	EXPECT_ERROR(FAULT, get_error(0, base, ALL, NULL, NULL,
				      (DWORD *)base));
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void last_error_kept(void)
{
	char *base = watch(N_PAGES);

	touch(base, 3);
	EXPECT_ERROR(0, query_error(0, base, ALL));
	EXPECT_ERROR(0, query_error(RESET, base, ALL));
	EXPECT_ERROR(0, query_error(RESET, base, ALL));
	EXPECT_ERROR(0, reset_error(base, ALL));
}

static NTSTATUS nt_query(ULONG flags, void *base, SIZE_T n_bytes,
			 ULONG_PTR count)
{
	void *addresses[N_PAGES];
	ULONG granularity;

	return NtGetWriteWatch(GetCurrentProcess(), flags, base, n_bytes,
			       addresses, &count, &granularity);
}

/* The numbers are ReactOS's; a plain INVALID_PARAMETER is as good. */
static void nt_statuses(void)
{
	char *base = watch(N_PAGES);
	NTSTATUS status;

	status = nt_query(0, base, ALL, 0);
	CHECK(is_invalid(status, 5), "count: %#" DX, status);
	status = nt_query(0, base, 0, 1);
	CHECK(is_invalid(status, 4), "size 0: %#" DX, status);
	status = nt_query(2, base, ALL, 1);
	CHECK(is_invalid(status, 0), "flags: %#" DX, status);
	status = nt_query(0, base, ALL + 1, 1);
	CHECK(is_invalid(status, 0), "size: %#" DX, status);
	status = nt_query(0, in_image, PAGE_BYTES, 1);
	CHECK(is_invalid(status, 0), "base: %#" DX, status);
	status = NtResetWriteWatch(GetCurrentProcess(), base, ALL + 1);
	CHECK(is_invalid(status, 0), "reset: %#" DX, status);
	status = nt_query(0, base, ALL, 1);
	CHECK(status == 0, "good call: %#" DX, status);
	status = NtResetWriteWatch(GetCurrentProcess(), base, ALL);
	CHECK(status == 0, "good reset: %#" DX, status);
}

/* Two mistakes at once: which of them is told. */
static void order(void)
{
	char *base = watch(N_PAGES);
	void *addresses[N_PAGES];
	void **gone = (void **)allocate(1, MEM_RESERVE, PAGE_NOACCESS);
	ULONG_PTR count = N_PAGES, zero = 0;
	DWORD granularity;

	release(gone);
	EXPECT_ERROR(FAULT, get_error(0, base, 0, addresses, NULL,
				      &granularity));
	EXPECT_ERROR(FAULT, get_error(0, base, ALL, addresses, &zero, NULL));
	EXPECT_ERROR(BAD, get_error(0, base, 0, NULL, &count, &granularity));
	EXPECT_ERROR(BAD, get_error(2, base, ALL, NULL, &count, &granularity));
	EXPECT_ERROR(FAULT, get_error(0, in_image, PAGE_BYTES, NULL, &count,
				      &granularity));
	EXPECT_ERROR(BAD, get_error(0, in_image, PAGE_BYTES, gone, &count,
				    &granularity));
	EXPECT_ERROR(BAD, get_error(0, base, ALL + 1, gone, &count,
				    &granularity));
}

const struct row validation_rows[] = {
	{ "validate-base-null", "WT", base_null, 0, 0,
	  "a NULL base is refused" },
	{ "validate-base-unwatched", "WT", base_unwatched, 0, 0,
	  "memory that is not watched is refused" },
	{ "validate-base-released", "MS", base_released, 0, 0,
	  "released memory is refused" },
	{ "validate-base-unaligned", "W8", base_unaligned, 0, 0,
	  "an unaligned base is widened to whole pages" },
	{ "validate-size-zero", "WT", size_zero, 0, 0,
	  "a size of 0 is refused" },
	{ "validate-size-zero-unaligned", "WT", size_zero_unaligned, 0, 0,
	  "a size of 0 is refused at an unaligned base, too" },
	{ "validate-size-unaligned", "WT", size_unaligned, 0, 0,
	  "an unaligned size is rounded up to the page's end" },
	{ "validate-size-past-end", "WT", size_past_end, 0, 0,
	  "a range that leaves its region is refused, by one byte, too" },
	{ "validate-size-wraps", "RO", size_wraps, 0, 0,
	  "a range around the end of the address space is refused" },
	{ "validate-flags-unknown", "WT", flags_unknown, 0, 0,
	  "unknown flags are refused" },
	{ "validate-count-zero", "WT", count_zero, 0, 0,
	  "a count of 0 is refused, before a missing array is" },
	{ "validate-count-overflows", "RO", count_overflows, 0, 0,
	  "a count that no array can have is refused" },
	{ "validate-pointer-null", "WT", pointer_null, 0, 0,
	  "a NULL output is an access violation" },
	{ "validate-pointer-bad", "RO", pointer_bad, 0, 0,
	  "an output that cannot be written is an access violation" },
	{ "validate-regions-adjacent", "W8", regions_adjacent, 0,
	  ROW_NOT_PINNED, "a range across two adjacent regions is refused" },
	{ "validate-reserved-only", "W8", reserved_only, 0, 0,
	  "reserved pages can be queried and are clean" },
	{ "validate-partly-committed", "W8", partly_committed, 0, 0,
	  "pages that are not committed can be in the range and are clean" },
	{ "validate-outputs-unchanged", "WT", outputs_unchanged, 0, 0,
	  "a failed call changes no output and writes no page" },
	{ "validate-granularity-in-page", "WT", granularity_in_page, 0, 0,
	  "a failed call leaves the page of its granularity clean" },
	{ "validate-last-error-kept", "WT", last_error_kept, 0, 0,
	  "a success leaves the last error alone" },
	{ "validate-nt-statuses", "RO", nt_statuses, 0, 0,
	  "the NT calls refuse the same with an INVALID_PARAMETER status" },
	{ "validate-order", "INF", order, 0, ROW_NOT_PINNED,
	  "of two mistakes the one that is looked for first is told" },
	{ 0 },
};

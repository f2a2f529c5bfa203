/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output arrays inside the watched memory, and arrays that cannot be stored. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)
#define RESET		WRITE_WATCH_FLAG_RESET
#define FAULT		ERROR_NOACCESS

/*
 * The call's own stores may be in its own result: only what was written
 * before must be there. They are certain to be in the next result.
 */
static void array_inside(void)
{
	char *base = watch(N_PAGES);
	void **addresses = (void **)(base + 3 * PAGE_BYTES);

	for (DWORD written = 0; written < 2; written++) {
		ULONG_PTR count = N_PAGES;
		DWORD granularity, seen = 0;

		touch_all(base, written ? "1 3 5" : "1 5");
		EXPECT_ERROR(0, get_error(RESET, base, ALL, addresses, &count,
					  &granularity));
		for (ULONG_PTR i = 0; i < count && i < N_PAGES; i++)
			seen |= 1 << ((char *)addresses[i] - base) / PAGE_BYTES;
		CHECK((seen & ~8u) == 0x22, "pages %#" DX " instead of 1 and 5",
		      seen);
		CHECK(!written || seen & 8, "page 3 is missing");
		EXPECT_AND_RESET("3", base, N_PAGES);
		EXPECT_WRITTEN("", base, N_PAGES);
	}
}

static void counters_inside(void)
{
	char *base = watch(N_PAGES);
	ULONG_PTR *count = (ULONG_PTR *)(base + 7 * PAGE_BYTES);
	DWORD *granularity = (DWORD *)(base + 8 * PAGE_BYTES);
	void *addresses[N_PAGES];

	*count = N_PAGES;
	touch_all(base, "1 5");
	EXPECT_ERROR(0, get_error(RESET, base, ALL, addresses, count,
				  granularity));
	CHECK(*count >= 3 && addresses[0] == base + PAGE_BYTES &&
	      addresses[1] == base + 5 * PAGE_BYTES &&
	      addresses[2] == base + 7 * PAGE_BYTES, "%u pages, not 1, 5, 7",
	      (unsigned int)*count);
	CHECK(*granularity == PAGE_BYTES, "granularity %" DU, *granularity);
	EXPECT_AND_RESET("7 8", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* The array covers the very pages that are queried. */
static void array_is_range(void)
{
	char *base = watch(N_PAGES);
	void **addresses = (void **)base;
	ULONG_PTR count = ALL / sizeof(*addresses);
	DWORD granularity;

	for (size_t page = 0; page < N_PAGES; page++)
		touch(base, page);
	EXPECT_ERROR(0, get_error(RESET, base, ALL, addresses, &count,
				  &granularity));
	CHECK(count == N_PAGES, "count %u", (unsigned int)count);
	for (ULONG_PTR i = 0; i < count && i < N_PAGES; i++)
		CHECK(addresses[i] == base + i * PAGE_BYTES, "%p at %u",
		      addresses[i], (unsigned int)i);
	EXPECT_AND_RESET("0", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* The answer fits in no part of the array; the pages are there afterwards. */
static void refuse(char *base, void *array)
{
	ULONG_PTR count = N_PAGES;
	DWORD granularity = 77;

	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, array, &count,
				      &granularity));
	CHECK(count == N_PAGES && granularity == 77, "outputs changed");
	EXPECT_WRITTEN("1 5 9", base, N_PAGES);
}

static void array_bad(void)
{
	char *base = watch(N_PAGES);
	char *array = allocate(2, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);

	touch_all(base, "1 5 9");
	refuse(base, array);
	protect(array, 2 * PAGE_BYTES, PAGE_NOACCESS);
	refuse(base, array);
	release(array);
	refuse(base, array);
	refuse(base, (void *)8);
	refuse(base, (void *)(~(uintptr_t)0 / 2 + 9));
	EXPECT_AND_RESET("1 5 9", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* The array is tested before anything is known of the pages. */
static void array_bad_when_clean(void)
{
	char *base = watch(N_PAGES);
	char *array = allocate(1, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
	ULONG_PTR count = N_PAGES;
	DWORD granularity = 77;

	EXPECT_ERROR(FAULT, get_error(RESET, base, ALL, (void **)array, &count,
				      &granularity));
	CHECK(count == N_PAGES && granularity == 77, "outputs changed");
}

/* A bad array inside the watched memory itself. */
static void array_bad_inside(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 5 9");
	protect(base + 3 * PAGE_BYTES, PAGE_BYTES, PAGE_READONLY);
	refuse(base, base + 3 * PAGE_BYTES);
	protect(base + 3 * PAGE_BYTES, PAGE_BYTES, PAGE_NOACCESS);
	refuse(base, base + 3 * PAGE_BYTES);
	EXPECT_AND_RESET("1 5 9", base, N_PAGES);
}

static void array_half_bad(void)
{
	enum { N = MAX_PAGES };
	char *base = watch(N);
	char *memory = allocate(2, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	void **array = (void **)(memory + PAGE_BYTES) - N / 2;
	static const DWORD bad[] = { PAGE_READONLY, PAGE_NOACCESS };
	static void *addresses[N];
	DWORD granularity;

	for (int i = 0; i < 2; i++) {
		bool reported[N] = { false };
		ULONG_PTR count = N;

		for (size_t page = 0; page < N; page++)
			touch(base, page);
		protect(memory + PAGE_BYTES, PAGE_BYTES, bad[i]);
		EXPECT_ERROR(FAULT, get_error(RESET, base, N * PAGE_BYTES,
					      array, &count, &granularity));
		CHECK(count == N, "count %u", (unsigned int)count);
		take(base, N, addresses, reported);
		for (size_t page = 0; page < N; page++)
			CHECK(reported[page], "page %u is lost",
			      (unsigned int)page);
	}
}

const struct row array_rows[] = {
	{ "array-inside", "INF", array_inside, 0, 0,
	  "an array inside the range loses nothing and counts for the "
	  "next call" },
	{ "array-counters-inside", "INF", counters_inside, 0, 0,
	  "counters inside the range lose nothing and count for the next "
	  "call" },
	{ "array-is-range", "INF", array_is_range, 0, 0,
	  "an array that covers the range loses nothing" },
	{ "array-bad", "INF", array_bad, 0, 0,
	  "a bad array is an access violation and resets nothing" },
	{ "array-bad-when-clean", "RO", array_bad_when_clean, 0, 0,
	  "a bad array is an access violation with nothing to store, too" },
	{ "array-bad-inside", "INF", array_bad_inside, 0, 0,
	  "a bad array inside the range writes and resets nothing" },
	{ "array-half-bad", "INF", array_half_bad, 0, 0,
	  "an array that ends in bad memory resets nothing for good" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making watched memory: what is accepted, what it costs, what it leaves. */
#include "pages.h"
#include "rows.h"

#include <stdio.h>

#ifdef _WIN32
NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE, PVOID *, ULONG_PTR, SIZE_T *,
				       ULONG, ULONG);
#endif

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)
#define RESERVE		(MEM_RESERVE | MEM_WRITE_WATCH)
#define COMMIT		(MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH)

static DWORD allocate_error(void *base, size_t n_bytes, DWORD type,
			    DWORD protection)
{
	void *memory;

	SetLastError(0);
	memory = VirtualAlloc(base, n_bytes, type, protection);
	return memory ? 0 : GetLastError();
}

static void accepted(DWORD type, DWORD protection)
{
	char *base = VirtualAlloc(NULL, ALL, type, protection);

	if (!CHECK(base, "type %#" DX ", protection %#" DX ": error %" DU, type,
		   protection, GetLastError()))
		return;
	EXPECT_WRITTEN("", base, N_PAGES);
	release(base);
}

static void types(void)
{
	accepted(RESERVE, PAGE_READWRITE);
	accepted(RESERVE | MEM_TOP_DOWN, PAGE_READWRITE);
	accepted(COMMIT, PAGE_READWRITE);
	accepted(COMMIT | MEM_TOP_DOWN, PAGE_READWRITE);
}

static void protections(void)
{
	static const DWORD good[] = {
		PAGE_NOACCESS, PAGE_READONLY, PAGE_EXECUTE, PAGE_EXECUTE_READ,
		PAGE_EXECUTE_READWRITE, PAGE_READWRITE | PAGE_WRITECOMBINE,
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		accepted(RESERVE, good[i]);
		accepted(COMMIT, good[i]);
	}
}

static void without_reserve(void)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, ALL, MEM_WRITE_WATCH,
				    PAGE_READWRITE));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(watch(N_PAGES), ALL, MEM_WRITE_WATCH,
				    PAGE_READWRITE));
}

static void commit_without_reserve(void)
{
	char *reserved = allocate(N_PAGES, RESERVE, PAGE_READWRITE);

	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(reserved, ALL, MEM_COMMIT | MEM_WRITE_WATCH,
				    PAGE_READWRITE));
}

static void large_pages(void)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, 0x200000, COMMIT | MEM_LARGE_PAGES,
				    PAGE_READWRITE));
}

static void physical(void)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, ALL, RESERVE | MEM_PHYSICAL,
				    PAGE_READWRITE));
}

static void reset_and_watch(void)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, ALL, MEM_RESET | MEM_WRITE_WATCH,
				    PAGE_READWRITE));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(watch(N_PAGES), ALL,
				    MEM_RESET | MEM_WRITE_WATCH,
				    PAGE_READWRITE));
}

static void bad_arguments(void)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, ALL, COMMIT, PAGE_WRITECOPY));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, ALL, COMMIT, 0));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     allocate_error(NULL, 0, COMMIT, PAGE_READWRITE));
}

static void inside_a_view(void)
{
	char *base = watch(2 * N_PAGES);

	touch(base, 1);
	EXPECT_ERROR(ERROR_INVALID_ADDRESS,
		     allocate_error(base, ALL, COMMIT, PAGE_READWRITE));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS,
		     allocate_error(base + ALL, ALL, RESERVE, PAGE_READWRITE));
	EXPECT_WRITTEN("1", base, 2 * N_PAGES);
}

/* Committing outside of the reserved range, or releasing a part of it. */
static void past_the_view(void)
{
	char *base = allocate(N_PAGES, RESERVE, PAGE_READWRITE);

	CHECK(!VirtualAlloc(base + ALL - PAGE_BYTES, 32 * PAGE_BYTES,
			    MEM_COMMIT, PAGE_READWRITE),
	      "a commit across the end succeeded");
	CHECK(!VirtualFree(base + PAGE_BYTES, 0, MEM_RELEASE),
	      "a release in the middle succeeded");
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void bases_round_down(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE, PAGE_READWRITE), *got;

	release(base);
	got = VirtualAlloc(base + 100, ALL - 100, RESERVE, PAGE_READWRITE);
	if (!CHECK(got == base, "got %p, expected %p", got, base))
		return;
	got = VirtualAlloc(base + PAGE_BYTES + 1, PAGE_BYTES, MEM_COMMIT,
			   PAGE_READWRITE);
	CHECK(got == base + PAGE_BYTES, "got %p, expected %p", got,
	      base + PAGE_BYTES);
	touch_all(base, "1 2");
	EXPECT_WRITTEN("1 2", base, N_PAGES);
}

static void check_block(char *at, DWORD state, DWORD protection, size_t n_pages)
{
	MEMORY_BASIC_INFORMATION info;

	if (!VirtualQuery(at, &info, sizeof(info)))
		give_up("VirtualQuery: error %" DU, GetLastError());
	CHECK(info.State == state && info.Protect == protection &&
	      info.Type == MEM_PRIVATE &&
	      info.RegionSize == n_pages * PAGE_BYTES,
	      "state %#" DX ", protection %#" DX ", type %#" DX ", %u pages",
	      info.State, info.Protect, info.Type,
	      (unsigned int)(info.RegionSize / PAGE_BYTES));
}

static void watch_is_invisible(void)
{
	char *base = allocate(N_PAGES, RESERVE, PAGE_READWRITE);

	check_block(base, MEM_RESERVE, 0, N_PAGES);
	if (!VirtualAlloc(base + 4 * PAGE_BYTES, 4 * PAGE_BYTES, MEM_COMMIT,
			  PAGE_READWRITE))
		give_up("commit: error %" DU, GetLastError());
	touch(base, 4);
	check_block(base, MEM_RESERVE, 0, 4);
	check_block(base + 4 * PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE, 4);
	EXPECT_AND_RESET("4", base, N_PAGES);
	check_block(base + 4 * PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE, 4);
	protect(base + 4 * PAGE_BYTES, PAGE_BYTES, PAGE_READONLY);
	check_block(base + 4 * PAGE_BYTES, MEM_COMMIT, PAGE_READONLY, 1);
}

static void release_and_reserve(void)
{
	char *base = watch(N_PAGES), *again;

	for (int round = 0; round < 50; round++) {
		touch_all(base, "0 7 15");
		EXPECT_WRITTEN("0 7 15", base, N_PAGES);
		release(base);
		again = VirtualAlloc(base, ALL, COMMIT, PAGE_READWRITE);
		if (again != base)
			give_up("the same address again: error %" DU,
				GetLastError());
		EXPECT_WRITTEN("", base, N_PAGES);
	}
	release(base);
	if (VirtualAlloc(base, ALL, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE)
	    != base)
		give_up("the same address unwatched: error %" DU,
			GetLastError());
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, base, ALL));
}

static NTSTATUS nt_allocate(void *base, ULONG_PTR zero_bits, SIZE_T size,
			    ULONG type, ULONG protection)
{
	return NtAllocateVirtualMemory(GetCurrentProcess(), &base, zero_bits,
				       &size, type, protection);
}

/* The numbers are ReactOS's; a plain INVALID_PARAMETER is as good. */
static void nt_statuses(void)
{
	const NTSTATUS bad_protection = (NTSTATUS)0xc0000045;
	char *base = allocate(N_PAGES, RESERVE, PAGE_READWRITE);
	NTSTATUS status;

	status = nt_allocate(NULL, 22, ALL, RESERVE, PAGE_READWRITE);
	CHECK(is_invalid(status, 3), "zero bits: %#" DX, status);
	status = nt_allocate(NULL, 0, ALL, RESERVE | 8, PAGE_READWRITE);
	CHECK(is_invalid(status, 5), "unknown type: %#" DX, status);
	status = nt_allocate(NULL, 0, ALL, MEM_WRITE_WATCH, PAGE_READWRITE);
	CHECK(is_invalid(status, 5), "no type: %#" DX, status);
	status = nt_allocate(NULL, 0, ALL, COMMIT | MEM_LARGE_PAGES,
			     PAGE_READWRITE);
	CHECK(is_invalid(status, 5), "large pages: %#" DX, status);
	status = nt_allocate(NULL, 0, ALL, RESERVE | MEM_RESET, PAGE_READWRITE);
	CHECK(is_invalid(status, 5), "reset: %#" DX, status);
	status = nt_allocate(base, 0, ALL, MEM_COMMIT | MEM_WRITE_WATCH,
			     PAGE_READWRITE);
	CHECK(is_invalid(status, 5), "no reserve: %#" DX, status);
	status = nt_allocate(NULL, 0, ALL, COMMIT, 3);
	CHECK(status == bad_protection, "protection: %#" DX, status);
	status = nt_allocate(NULL, 0, 0, COMMIT, PAGE_READWRITE);
	CHECK(is_invalid(status, 4), "size 0: %#" DX, status);
}

/* More than there are addresses: nothing of it is left. */
static void too_much(void)
{
	size_t n_bytes = ~(size_t)0 / 4 * 3 / PAGE_BYTES * PAGE_BYTES;
	char *base = watch(N_PAGES);

	touch(base, 3);
	for (int i = 0; i < 100; i++) {
		DWORD error = allocate_error(NULL, n_bytes, RESERVE,
					     PAGE_READWRITE);

		CHECK(error == ERROR_NOT_ENOUGH_MEMORY ||
		      error == ERROR_COMMITMENT_LIMIT ||
		      error == ERROR_INVALID_PARAMETER, "error %" DU, error);
	}
	EXPECT_AND_RESET("3", base, N_PAGES);
	accepted(COMMIT, PAGE_READWRITE);
}

static void many_regions(void)
{
	enum { N = 500 };
	char *bases[N];

	for (int i = 0; i < N; i++) {
		bases[i] = watch(N_PAGES);
		touch(bases[i], i % N_PAGES);
	}
	for (int i = 0; i < N; i += 2)
		release(bases[i]);
	for (int i = 1; i < N; i += 2) {
		char want[12];

		snprintf(want, sizeof(want), "%d", i % N_PAGES);
		EXPECT_AND_RESET(want, bases[i], N_PAGES);
		EXPECT_WRITTEN("", bases[i], N_PAGES);
		release(bases[i]);
	}
}

static char *reserve_huge(uint64_t n_bytes)
{
	char *base;

	if (n_bytes > ~(size_t)0)
		skip_row("needs 64 bits");
	base = VirtualAlloc(NULL, n_bytes, RESERVE, PAGE_READWRITE);
	if (!base)
		give_up("VirtualAlloc: error %" DU, GetLastError());
	return base;
}

/*
 * Every second 64 KiB needs a mapping of its own in Linux: the commits may be
 * refused at some point, but what succeeded is usable and watched.
 */
static void alternating_commits(void)
{
	enum { N = 36000 };
	size_t stride = 2 * GRANULE_BYTES;
	char *base = reserve_huge((uint64_t)N * stride);
	bool exact = !backend_is("mprotect");
	static void *addresses[N + 1];
	ULONG_PTR count = N + 1;
	DWORD granularity, error = 0;
	uint32_t n = 0;

	for (; n < N; n++) {
		error = allocate_error(base + n * stride, GRANULE_BYTES,
				       MEM_COMMIT, PAGE_READWRITE);
		if (error)
			break;
		if (!try_write(base + n * stride))
			give_up("commit %u succeeded and cannot be written", n);
	}
	/* Nothing that needs a new mapping may come before this. */
	EXPECT_ERROR(0, get_error(WRITE_WATCH_FLAG_RESET, base, N * stride,
				  addresses, &count, &granularity));
	release(base);
	note("%u commits, then error %" DU, n, error);
	CHECK(!error || error == ERROR_NOT_ENOUGH_MEMORY ||
	      error == ERROR_COMMITMENT_LIMIT, "refused with error %" DU,
	      error);
	CHECK(n > 1000, "only %u commits", n);
	/* mprotect opens more pages near the limit of mappings */
	CHECK(exact ? count == n : count >= n, "%u of %u pages reported",
	      (unsigned int)count, n);
	for (uint32_t i = 0; exact && i < n && i < count; i++)
		if (!CHECK(addresses[i] == base + i * stride,
			   "page %u is at %p", i, addresses[i]))
			break;
}

static void huge_reserve(void)
{
	char *base = reserve_huge((uint64_t)64 << 30);
	size_t n_pages = ((uint64_t)64 << 30) / PAGE_BYTES, last = n_pages - 1;
	const size_t used[] = { 0, n_pages / 2, last };
	void *addresses[16];
	DWORD granularity;

	for (int i = 0; i < 3; i++) {
		EXPECT_ERROR(0, allocate_error(base + used[i] * PAGE_BYTES,
					       PAGE_BYTES, MEM_COMMIT,
					       PAGE_READWRITE));
		touch(base, used[i]);
	}
	for (int round = 0; round < 2; round++) {
		ULONG_PTR count = 16;

		EXPECT_ERROR(0, get_error(WRITE_WATCH_FLAG_RESET, base,
					  n_pages * PAGE_BYTES, addresses,
					  &count, &granularity));
		CHECK(count == (round ? 0 : 3), "round %d: count %u", round,
		      (unsigned int)count);
		for (ULONG_PTR i = 0; i < count && i < 3; i++)
			CHECK(addresses[i] == base + used[i] * PAGE_BYTES,
			      "%p reported", addresses[i]);
	}
	EXPECT_ERROR(0, reset_error(base, n_pages * PAGE_BYTES));
}

const struct row allocation_rows[] = {
	{ "allocate-types", "WT", types, 0, 0,
	  "watched memory can be reserved, and committed at once, top "
	  "down, too" },
	{ "allocate-protections", "WT", protections, 0, 0,
	  "every protection of private memory can be watched" },
	{ "allocate-without-reserve", "WT", without_reserve, 0, 0,
	  "MEM_WRITE_WATCH alone is refused" },
	{ "allocate-commit-without-reserve", "MS", commit_without_reserve, 0, 0,
	  "MEM_WRITE_WATCH with only MEM_COMMIT is refused" },
	{ "allocate-large-pages", "RO", large_pages, 0, 0,
	  "MEM_WRITE_WATCH with MEM_LARGE_PAGES is refused" },
	{ "allocate-physical", "RO", physical, 0, 0,
	  "MEM_WRITE_WATCH with MEM_PHYSICAL is refused" },
	{ "allocate-reset", "RO", reset_and_watch, 0, 0,
	  "MEM_WRITE_WATCH with MEM_RESET is refused" },
	{ "allocate-bad-arguments", "WT", bad_arguments, 0, 0,
	  "a bad protection and a size of 0 are refused" },
	{ "allocate-inside-a-view", "RO", inside_a_view, 0, 0,
	  "nothing can be reserved inside watched memory" },
	{ "allocate-past-the-view", "MS", past_the_view, 0, 0,
	  "neither commit nor release leaves its reservation or a part of it" },
	{ "allocate-bases-round-down", "MS", bases_round_down, 0, 0,
	  "a base is rounded down, to 64 KiB to reserve, to a page to commit" },
	{ "allocate-watch-is-invisible", "MS", watch_is_invisible, 0, 0,
	  "VirtualQuery shows plain private memory" },
	{ "allocate-release-and-reserve", "MS", release_and_reserve, 0, 0,
	  "memory reserved again at the same address is clean" },
	{ "allocate-many-regions", "MS", many_regions, 0, 0,
	  "many regions do not disturb one another" },
	{ "allocate-alternating-commits", "L", alternating_commits, 0, 0,
	  "a commit that Linux has no mapping for is refused" },
	{ "allocate-huge-reserve", "W8", huge_reserve, 0, 0,
	  "64 GiB can be reserved, committed in places, and queried" },
	{ "allocate-nt-statuses", "RO", nt_statuses, 0, 0,
	  "NtAllocateVirtualMemory refuses with a status that fits" },
	{ "allocate-too-much", "MS", too_much, 0, 0,
	  "more than there is is refused, and nothing of it is left" },
	{ 0 },
};

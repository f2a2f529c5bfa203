/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What makes a page written, and what leaves it as it was. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#ifdef _WIN32
NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE, PVOID *, SIZE_T *, ULONG);
#endif

#ifndef MEM_RESET_UNDO
#define MEM_RESET_UNDO	0x1000000
#endif

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)

static char *reserve(void)
{
	return allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			PAGE_READWRITE);
}

static void commit(char *base, size_t first, size_t n_pages, DWORD protection)
{
	if (!VirtualAlloc(base + first * PAGE_BYTES, n_pages * PAGE_BYTES,
			  MEM_COMMIT, protection))
		give_up("commit: error %" DU, GetLastError());
}

static void decommit(char *base, size_t first, size_t n_pages)
{
	if (!VirtualFree(base + first * PAGE_BYTES, n_pages * PAGE_BYTES,
			 MEM_DECOMMIT))
		give_up("decommit: error %" DU, GetLastError());
}

static void fresh_commit(void)
{
	char *base = reserve();

	commit(base, 0, 4, PAGE_READWRITE);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 2);
	commit(base, 8, 8, PAGE_READWRITE);
	EXPECT_WRITTEN("2", base, N_PAGES);
	touch_all(base, "3 8 15");
	EXPECT_WRITTEN("2 3 8 15", base, N_PAGES);
}

static void reading(void)
{
	char *base = watch(N_PAGES);
	volatile char *bytes = base;
	int sum = 0;

	for (size_t i = 0; i < ALL; i += 64)
		sum += bytes[i];
	CHECK(!sum, "fresh memory is not zero");
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 3);
	EXPECT_AND_RESET("3", base, N_PAGES);
	for (size_t i = 0; i < ALL; i += 64)
		sum += bytes[i];
	CHECK(sum == 1, "the byte is lost");
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void executing(void)
{
	char *base = allocate(N_PAGES,
			      MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			      PAGE_EXECUTE_READWRITE);
	void (*code)(void) = (void (*)(void))base;

	EXPECT_WRITTEN("", base, N_PAGES);
	*(volatile unsigned char *)base = 0xc3;	/* ret */
	EXPECT_AND_RESET("0", base, N_PAGES);
	code();
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void protection_cycle(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 2 4");
	protect(base, ALL, PAGE_READONLY);
	EXPECT_WRITTEN("1 2 4", base, N_PAGES);
	protect(base, ALL, PAGE_READWRITE);
	EXPECT_WRITTEN("1 2 4", base, N_PAGES);
	protect(base, ALL, PAGE_NOACCESS);
	EXPECT_AND_RESET("1 2 4", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	protect(base, ALL, PAGE_READWRITE);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "4 9");
	EXPECT_WRITTEN("4 9", base, N_PAGES);
}

static void no_access_at_first(void)
{
	char *base = allocate(N_PAGES,
			      MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			      PAGE_NOACCESS);

	EXPECT_WRITTEN("", base, N_PAGES);
	protect(base, ALL, PAGE_READWRITE);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 5);
	protect(base, ALL, PAGE_NOACCESS);
	EXPECT_WRITTEN("5", base, N_PAGES);
	decommit(base, 0, N_PAGES);
	EXPECT_AND_RESET("5", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void failed_write(void)
{
	char *base = watch(N_PAGES);

	protect(base, ALL, PAGE_READONLY);
	CHECK(!try_write(base + 3 * PAGE_BYTES), "read-only memory is written");
	EXPECT_WRITTEN("", base, N_PAGES);
	protect(base, ALL, PAGE_READWRITE);
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(try_write(base + 3 * PAGE_BYTES), "the page stays read-only");
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void decommit_keeps(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5 15");
	decommit(base, 5, 1);
	EXPECT_WRITTEN("0 5 15", base, N_PAGES);
	decommit(base, 0, N_PAGES);
	EXPECT_WRITTEN("0 5 15", base, N_PAGES);
	EXPECT("0", WRITE_WATCH_FLAG_RESET, base, 0, N_PAGES, 1);
	EXPECT_WRITTEN("5 15", base, N_PAGES);
	EXPECT_AND_RESET("5 15", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void decommit_whole_view(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5 15");
	if (!VirtualFree(base, 0, MEM_DECOMMIT))
		give_up("decommit: error %" DU, GetLastError());
	EXPECT_WRITTEN("0 5 15", base, N_PAGES);
	EXPECT_ERROR(0, reset_error(base, ALL));
	EXPECT_WRITTEN("", base, N_PAGES);
	commit(base, 0, N_PAGES, PAGE_READWRITE);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 9);
	EXPECT_WRITTEN("9", base, N_PAGES);
}

static void decommit_and_recommit(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "3 4");
	decommit(base, 2, 4);
	commit(base, 2, 4, PAGE_READWRITE);
	EXPECT_WRITTEN("3 4", base, N_PAGES);
	CHECK(!base[3 * PAGE_BYTES], "recommitted memory is not zero");
	touch(base, 5);
	EXPECT_AND_RESET("3 4 5", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "2 3");
	EXPECT_WRITTEN("2 3", base, N_PAGES);
}

static void commit_again(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "3 4");
	commit(base, 0, N_PAGES, PAGE_READWRITE);
	EXPECT_WRITTEN("3 4", base, N_PAGES);
	CHECK(base[3 * PAGE_BYTES] == 1, "the contents are lost");
	commit(base, 0, N_PAGES, PAGE_READONLY);
	EXPECT_WRITTEN("3 4", base, N_PAGES);
	CHECK(!try_write(base), "the new protection is not there");
}

static void holes(void)
{
	char *base = reserve();

	commit(base, 0, 2, PAGE_READWRITE);
	commit(base, 6, 2, PAGE_READWRITE);
	commit(base, 14, 2, PAGE_READWRITE);
	touch_all(base, "1 6 7 14");
	decommit(base, 7, 1);
	EXPECT_WRITTEN("1 6 7 14", base, N_PAGES);
	EXPECT_ERROR(0, reset_error(base, ALL));
	EXPECT_WRITTEN("", base, N_PAGES);
	commit(base, 7, 1, PAGE_READWRITE);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "0 7 15");
	EXPECT_AND_RESET("0 7 15", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void reset_memory(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5 15");
	EXPECT_ERROR(0, reset_error(base, PAGE_BYTES));
	if (!VirtualAlloc(base, ALL, MEM_RESET, PAGE_READWRITE))
		give_up("MEM_RESET: error %" DU, GetLastError());
	EXPECT_WRITTEN("5 15", base, N_PAGES);
	touch(base, 9);
	EXPECT_AND_RESET("5 9 15", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* They may be discarded; a watched range keeps them, see the row above. */
static void reset_keeps_contents(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5");
	if (!VirtualAlloc(base, ALL, MEM_RESET, PAGE_READWRITE))
		give_up("MEM_RESET: error %" DU, GetLastError());
	CHECK(base[0] == 1 && base[5 * PAGE_BYTES] == 1,
	      "the contents are lost");
}

/* A failure says that contents are lost, not that they cannot be had back. */
static void reset_undo(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5 15");
	EXPECT_ERROR(0, reset_error(base, PAGE_BYTES));
	if (!VirtualAlloc(base, ALL, MEM_RESET, PAGE_READWRITE))
		give_up("MEM_RESET: error %" DU, GetLastError());
	SetLastError(0);
	CHECK(VirtualAlloc(base, ALL, MEM_RESET_UNDO, PAGE_READWRITE) ||
	      GetLastError() != ERROR_INVALID_PARAMETER, "it is refused");
	EXPECT_WRITTEN("5 15", base, N_PAGES);
	touch(base, 9);
	EXPECT_AND_RESET("5 9 15", base, N_PAGES);
}

static void reset_undo_alone(void)
{
	static const DWORD others[] = {
		MEM_COMMIT, MEM_RESERVE, MEM_RESET, MEM_WRITE_WATCH,
	};
	char *base = watch(N_PAGES);

	for (int i = 0; i < 4; i++) {
		SetLastError(0);
		CHECK(!VirtualAlloc(base, ALL, MEM_RESET_UNDO | others[i],
				    PAGE_READWRITE) &&
		      GetLastError() == ERROR_INVALID_PARAMETER,
		      "with %#" DX ": error %" DU, others[i], GetLastError());
	}
}

/* What is left, on either side, is watched as before. */
static void partial_release(void)
{
	char *base = watch(3 * N_PAGES);
	char *middle = base + ALL, *last = base + 2 * ALL;
	SIZE_T n_bytes = ALL;
	PVOID start = middle;
	NTSTATUS status;

	touch_all(base, "1 20 40");
	status = NtFreeVirtualMemory(GetCurrentProcess(), &start, &n_bytes,
				     MEM_RELEASE);
	if (!CHECK(!status, "status %#" DX, status))
		return;
	EXPECT_AND_RESET("1", base, N_PAGES);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, middle, ALL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, base, 3 * ALL));
	EXPECT_AND_RESET("8", last, N_PAGES);
	touch(base, 2);
	touch(last, 3);
	EXPECT_AND_RESET("2", base, N_PAGES);
	EXPECT_AND_RESET("3", last, N_PAGES);
}

static void reset_with_commit(void)
{
	char *base = watch(N_PAGES);

	SetLastError(0);
	CHECK(!VirtualAlloc(base, ALL, MEM_RESET | MEM_COMMIT,
			    PAGE_READWRITE) &&
	      GetLastError() == ERROR_INVALID_PARAMETER,
	      "MEM_RESET with MEM_COMMIT: error %" DU, GetLastError());
}

static void reset_with_reserve(void)
{
	SetLastError(0);
	CHECK(!VirtualAlloc(NULL, ALL, MEM_RESET | MEM_RESERVE |
			    MEM_WRITE_WATCH, PAGE_READWRITE) &&
	      GetLastError() == ERROR_INVALID_PARAMETER,
	      "MEM_RESET with MEM_RESERVE: error %" DU, GetLastError());
}

const struct row state_rows[] = {
	{ "state-fresh-commit", "WT", fresh_commit, 0, 0,
	  "a fresh commit is clean until written" },
	{ "state-reading", "WT", reading, 0, 0,
	  "reading writes nothing" },
	{ "state-executing", "WT", executing, 0, 0,
	  "executing writes nothing" },
	{ "state-protection-cycle", "WT", protection_cycle, 0, 0,
	  "VirtualProtect changes no page's state, and all can be queried" },
	{ "state-no-access-at-first", "WT", no_access_at_first, 0, 0,
	  "memory without access at first can be queried and watched" },
	{ "state-failed-write", "INF", failed_write, 0, 0,
	  "a write that fails is none" },
	{ "state-decommit-keeps", "WT", decommit_keeps, 0, 0,
	  "decommitted pages stay written" },
	{ "state-decommit-whole-view", "WT", decommit_whole_view, 0, 0,
	  "a decommit of size 0 keeps all written pages" },
	{ "state-decommit-and-recommit", "W8", decommit_and_recommit, 0,
	  ROW_NOT_PINNED, "a page that is committed again stays written" },
	{ "state-commit-again", "W8", commit_again, 0, 0,
	  "committing a committed page keeps its state" },
	{ "state-holes", "INF", holes, 0, ROW_NOT_PINNED,
	  "a reset across holes works and clears decommitted pages, too" },
	{ "state-reset-memory", "MS", reset_memory, 0, 0,
	  "MEM_RESET changes no page's state" },
	{ "state-reset-keeps-contents", "INF", reset_keeps_contents, 0,
	  ROW_NOT_PINNED, "MEM_RESET keeps the contents of watched memory" },
	{ "state-reset-with-commit", "MS", reset_with_commit, 0, 0,
	  "MEM_RESET with MEM_COMMIT is refused" },
	{ "state-reset-with-reserve", "RO", reset_with_reserve, 0, 0,
	  "MEM_RESET with MEM_RESERVE is refused" },
	{ "state-reset-undo", "MS", reset_undo, 0, 0,
	  "MEM_RESET_UNDO changes no page's state" },
	{ "state-reset-undo-alone", "MS", reset_undo_alone, 0, 0,
	  "MEM_RESET_UNDO with anything else is refused" },
	{ "state-partial-release", "INF", partial_release, 0, ROW_NOT_PINNED,
	  "what a partial release leaves stays watched" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What makes a page written, and what leaves it as it was. */
#include "pages.h"
#include "rows.h"

#include <string.h>

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
	{ "state-fresh-commit", "WT", fresh_commit, 0 },
	{ "state-reading", "WT", reading, 0 },
	{ "state-executing", "WT", executing, 0 },
	{ "state-protection-cycle", "WT", protection_cycle, 0 },
	{ "state-no-access-at-first", "WT", no_access_at_first, 0 },
	{ "state-failed-write", "INF", failed_write, 0 },
	{ "state-decommit-keeps", "WT", decommit_keeps, 0 },
	{ "state-decommit-whole-view", "WT", decommit_whole_view, 0 },
	{ "state-decommit-and-recommit", "W8", decommit_and_recommit, 0 },
	{ "state-commit-again", "W8", commit_again, 0 },
	{ "state-holes", "INF", holes, 0 },
	{ "state-reset-memory", "MS", reset_memory, 0 },
	{ "state-reset-keeps-contents", "INF", reset_keeps_contents, 0 },
	{ "state-reset-with-commit", "MS", reset_with_commit, 0 },
	{ "state-reset-with-reserve", "RO", reset_with_reserve, 0 },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PAGE_GUARD: who meets the guard, and what counts as a write then. */
#include "pages.h"
#include "rows.h"

#define N_PAGES		16

static void guard_at_first(void)
{
	static const DWORD types[] = {
		MEM_RESERVE | MEM_WRITE_WATCH,
		MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
	};

	for (int i = 0; i < 2; i++) {
		char *base = allocate(N_PAGES, types[i],
				      PAGE_READWRITE | PAGE_GUARD);

		EXPECT_WRITTEN("", base, N_PAGES);
		release(base);
	}
	CHECK(!guard_faults(), "a query hit the guard");
}

static void guard_and_query(void)
{
	char *base = watch(N_PAGES);

	protect(base, PAGE_BYTES, PAGE_READWRITE | PAGE_GUARD);
	EXPECT_WRITTEN("", base, N_PAGES);
	EXPECT_AND_RESET("", base, N_PAGES);
	CHECK(!guard_faults(), "a query hit the guard");
	(void)*(volatile char *)base;
	CHECK(guard_faults() == 1, "%u guard faults", guard_faults());
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void guard_and_write(void)
{
	char *base = watch(N_PAGES);

	protect(base, PAGE_BYTES, PAGE_READWRITE | PAGE_GUARD);
	touch(base, 0);
	CHECK(guard_faults() == 1, "%u guard faults", guard_faults());
	EXPECT_AND_RESET("0", base, N_PAGES);
	touch(base, 0);
	CHECK(guard_faults() == 1, "%u guard faults", guard_faults());
	EXPECT_WRITTEN("0", base, N_PAGES);
}

/* The attempt is what takes the guard away; only then are there writes. */
static void guard_and_lock(void)
{
	char *base = watch(N_PAGES);

	protect(base, PAGE_BYTES, PAGE_READWRITE | PAGE_GUARD);
	CHECK(!VirtualLock(base, PAGE_BYTES), "the guard did not matter");
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(VirtualLock(base, PAGE_BYTES), "locking again: error %" DU,
	      GetLastError());
	EXPECT_AND_RESET("0", base, N_PAGES);
}

const struct row guard_rows[] = {
	{ "guard-at-first", "WT", guard_at_first, 0 },
	{ "guard-and-query", "WT", guard_and_query, 0 },
	{ "guard-and-write", "WT", guard_and_write, 0 },
	{ "guard-and-lock", "WT", guard_and_lock, 0 },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PAGE_GUARD: who meets the guard, and what counts as a write then. */
#include "pages.h"
#include "rows.h"

#define N_PAGES		16

/* A system without guards refuses them, with the error of a bad protection. */
static char *watch_guarded(DWORD type)
{
	char *base = VirtualAlloc(NULL, N_PAGES * PAGE_BYTES, type,
				  PAGE_READWRITE | PAGE_GUARD);

	if (!base)
		skip_row("PAGE_GUARD is refused: error %" DU, GetLastError());
	return base;
}

static void guard(char *base)
{
	DWORD old;

	if (!VirtualProtect(base, PAGE_BYTES, PAGE_READWRITE | PAGE_GUARD,
			    &old))
		skip_row("PAGE_GUARD is refused: error %" DU, GetLastError());
}

static void guard_honoured(void)
{
	char *base = VirtualAlloc(NULL, PAGE_BYTES,
				  MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
				  PAGE_READWRITE | PAGE_GUARD);
	DWORD old;

	if (base) {
		touch(base, 0);
		CHECK(guard_faults() == 1, "the guard is ignored");
		return;
	}
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, GetLastError());
	CHECK(!VirtualProtect(watch(1), PAGE_BYTES, PAGE_READWRITE | PAGE_GUARD,
			      &old), "only VirtualAlloc refuses");
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, GetLastError());
}

static void guard_at_first(void)
{
	static const DWORD types[] = {
		MEM_RESERVE | MEM_WRITE_WATCH,
		MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
	};

	for (int i = 0; i < 2; i++) {
		char *base = watch_guarded(types[i]);

		EXPECT_WRITTEN("", base, N_PAGES);
		release(base);
	}
	CHECK(!guard_faults(), "a query hit the guard");
}

static void guard_and_query(void)
{
	char *base = watch(N_PAGES);

	guard(base);
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

	guard(base);
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

	guard(base);
	CHECK(!VirtualLock(base, PAGE_BYTES), "the guard did not matter");
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(VirtualLock(base, PAGE_BYTES), "locking again: error %" DU,
	      GetLastError());
	EXPECT_AND_RESET("0", base, N_PAGES);
}

const struct row guard_rows[] = {
	{ "guard-honoured", "MS", guard_honoured, 0, 0,
	  "PAGE_GUARD works or is refused, and is never ignored" },
	{ "guard-at-first", "WT", guard_at_first, 0, 0,
	  "memory that is guarded at first can be queried" },
	{ "guard-and-query", "WT", guard_and_query, 0, 0,
	  "a query leaves the guard where it is" },
	{ "guard-and-write", "WT", guard_and_write, 0, 0,
	  "a write meets the guard once, then it counts" },
	{ "guard-and-lock", "WT", guard_and_lock, 0, 0,
	  "VirtualLock meets the guard once, then it is a write" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written when: the sequences that Windows is known by. */
#include "memory.h"

#include <string.h>

#define N_PAGES 16
#define ALL (N_PAGES * PAGE_BYTES)

static void protect(char *base, DWORD protection)
{
	DWORD old;

	if (!VirtualProtect(base, ALL, protection, &old))
		bail_out("VirtualProtect");
}

static void is(const char *got, const char *wanted, const char *name)
{
	if (!ok(!strcmp(got, wanted), "%s", name))
		diag("written: [%s], expected [%s]", got, wanted);
}

static void one_page(void)
{
	char *base = watched(N_PAGES);

	is_written(base, N_PAGES, 0, "", "fresh memory is not written");
	touch(base, 1);
	is_written(base, N_PAGES, 0, "1", "a write is seen");
	is_written(base, N_PAGES, RESET, "1", "and still is by a query with reset");
	is_written(base, N_PAGES, 0, "", "which makes it clean");
	release(base);
}

static void parts(void)
{
	char *base = watched(N_PAGES);

	touch_all(base, "2 4");
	is_written(base, N_PAGES, 0, "2 4", "two pages");
	is(written(0, base, 3, 2, N_PAGES), "4", "a query of a part");
	ok(!ResetWriteWatch(base, 3 * PAGE_BYTES), "a reset of a part");
	is_written(base, N_PAGES, 0, "4", "leaves the rest written");
	ok(!ResetWriteWatch(base, ALL), "a reset of all");
	is_written(base, N_PAGES, 0, "", "leaves nothing written");
	release(base);
}

static void across(void)
{
	char *base = watched(N_PAGES);

	touch(base, 4);
	memset(base + 2 * PAGE_BYTES - 2, 1, 4);
	is_written(base, N_PAGES, 0, "1 2 4", "a write across two pages");
	is(written(RESET, base, 0, N_PAGES, 1), "1", "room for one, with reset");
	is_written(base, N_PAGES, RESET, "2 4", "the others stay for the next call");
	release(base);
}

static void protections(void)
{
	char *base = watched(N_PAGES);

	touch_all(base, "1 2 4");
	protect(base, PAGE_READONLY);
	is_written(base, N_PAGES, 0, "1 2 4", "made read-only");
	protect(base, PAGE_READWRITE);
	is_written(base, N_PAGES, 0, "1 2 4", "made writable again");
	release(base);
}

static void no_access_first(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			      PAGE_NOACCESS);

	is_written(base, N_PAGES, 0, "", "inaccessible from the start");
	protect(base, PAGE_READWRITE);
	is_written(base, N_PAGES, 0, "", "made writable");
	touch(base, 5);
	protect(base, PAGE_NOACCESS);
	is_written(base, N_PAGES, 0, "5", "made inaccessible");
	ok(VirtualFree(base, 0, MEM_DECOMMIT), "decommitted");
	is_written(base, N_PAGES, 0, "5", "stays written when decommitted");
	ok(VirtualAlloc(base, ALL, MEM_COMMIT, PAGE_READWRITE) == base,
	   "committed again");
	is_written(base, N_PAGES, RESET, "5", "stays written when committed again");
	ok(!base[5 * PAGE_BYTES], "and its contents are zero");
	touch(base, 6);
	is_written(base, N_PAGES, RESET, "6", "writes after that");
	release(base);
}

static void order(void)
{
	char *base = watched(N_PAGES);

	ok(!ResetWriteWatch(base, ALL), "reset");
	touch_all(base, "9 0 5 1");
	is(written(RESET, base, 0, N_PAGES, 4), "0 1 5 9",
	   "exactly as many as there is room for, ascending");
	is(written(RESET, base, 0, N_PAGES, 4), "", "the next call finds none");
	release(base);
}

static void reserved_only(void)
{
	char *base = allocate(1, MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);

	is(written(RESET, base, 0, 1, 1), "", "a page that is only reserved");
	release(base);
}

static void holes(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);

	ok(VirtualAlloc(base + 4 * PAGE_BYTES, 4 * PAGE_BYTES, MEM_COMMIT,
			PAGE_READWRITE) != NULL, "a commit in the middle");
	is_written(base, N_PAGES, 0, "", "fresh");
	touch_all(base, "4 7");
	is_written(base, N_PAGES, RESET, "4 7", "written among holes");
	is_written(base, N_PAGES, RESET, "", "and clean");
	ok(VirtualFree(base + 7 * PAGE_BYTES, PAGE_BYTES, MEM_DECOMMIT),
	   "a decommit of a clean page");
	is_written(base, N_PAGES, RESET, "", "writes nothing");
	release(base);
}

static void discarding(void)
{
	char *base = watched(N_PAGES);

	touch_all(base, "0 5");
	ok(VirtualAlloc(base, ALL, MEM_RESET, PAGE_READWRITE) == base, "MEM_RESET");
	ok(VirtualAlloc(base, ALL, MEM_RESET_UNDO, PAGE_READWRITE) == base,
	   "MEM_RESET_UNDO");
	is_written(base, N_PAGES, 0, "0 5", "what was written stays so");
	ok(base[0] == 1 && base[5 * PAGE_BYTES] == 1, "and its contents");
	release(base);
}

/* The answer's own memory is watched, too. */
static void arrays_inside(void)
{
	char *base = watched(N_PAGES);
	void **addresses = (void **)(base + 3 * PAGE_BYTES);
	ULONG_PTR count = N_PAGES;
	DWORD granularity;

	touch_all(base, "1 5");
	ok(!GetWriteWatch(RESET, base, ALL, addresses, &count, &granularity) &&
	   count >= 2, "an array in the watched memory");
	is_written(base, N_PAGES, RESET, "3", "is written for the next call");
	release(base);
}

int main(void)
{
	watch_or_skip();
	one_page();
	parts();
	across();
	protections();
	no_access_first();
	order();
	reserved_only();
	holes();
	discarding();
	arrays_inside();
	return done_testing();
}

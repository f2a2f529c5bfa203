/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the Win32 calls cost a native program: one system call once their
 * pointers have been tried, which they are again when memory has changed.
 */
#include "memory.h"

#include "../kernel/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_PAGES ((size_t)1024)

static char *base;
static PVOID *array;
static ULONG_PTR *count;
static DWORD *granularity;

static void get(DWORD flags, size_t n_pages)
{
	*count = N_PAGES;
	if (GetWriteWatch(flags, base, n_pages * PAGE_BYTES, array, count,
			  granularity))
		_exit(1);
}

static void get_clean(void)
{
	get(0, N_PAGES);
}

static void get_and_reset(void)
{
	get(RESET, N_PAGES);
}

static void get_a_page(void)
{
	get(0, 1);
}

static void get_without_reset(void)
{
	touch(base, 0);
	get(0, 1);
}

static void get_with_variables(void)
{
	ULONG_PTR n = N_PAGES;
	DWORD size;

	if (GetWriteWatch(0, base, N_PAGES * PAGE_BYTES, array, &n, &size))
		_exit(1);
}

static void reset(void)
{
	if (ResetWriteWatch(base, N_PAGES * PAGE_BYTES))
		_exit(1);
}

static void reset_a_page(void)
{
	if (ResetWriteWatch(base, PAGE_BYTES))
		_exit(1);
}

enum before { NOTHING, SAME, CHANGE };

/* Before the call that is counted comes another one like it, or a change of some
 * memory's protection. */
static const struct row {
	const char *name;
	void (*call)(void);
	enum before before;
	size_t n;
	size_t n_scans;
} rows[] = {
	/* the array, the count and the granularity are tried, each on a page of
	 * its own; and a thread's first query takes memory */
	{ "the first call", get_clean, NOTHING, 5, 1 },
	{ "the second", get_clean, NOTHING, 1, 1 },
	{ "with reset", get_and_reset, NOTHING, 1, 1 },
	{ "a single page", get_a_page, NOTHING, 1, 1 },
	{ "a written page", get_without_reset, NOTHING, 1, 1 },
	{ "which is known then", get_a_page, NOTHING, 0, 0 },
	{ "a reset of it", reset_a_page, NOTHING, 1, 1 },
	{ "a reset of all", reset, NOTHING, 1, 1 },
	/* which may go on behind the page that the stack is on */
	{ "variables on the stack", get_with_variables, SAME, 1, 1 },
	{ "after a change of memory", get_clean, CHANGE, 4, 1 },
	{ "and once more", get_clean, NOTHING, 1, 1 },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void *page(void)
{
	return allocate(1, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static void run(void)
{
	char *other = page();

	base = watched(N_PAGES);
	array = (PVOID *)allocate(N_PAGES * sizeof(PVOID) / PAGE_BYTES,
				  MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	count = page();
	granularity = page();
	for (size_t i = 0; i < N_ROWS; i++) {
		DWORD old;

		if (rows[i].before == SAME)
			rows[i].call();
		if (rows[i].before == CHANGE)
			VirtualProtect(other, PAGE_BYTES, PAGE_READONLY, &old);
		calls_begin();
		rows[i].call();
		calls_end();
	}
}

/* ---- What was good and is not any more ---- */

static DWORD error_of_get(void)
{
	ULONG_PTR n = N_PAGES;
	DWORD size;

	return GetWriteWatch(0, base, N_PAGES * PAGE_BYTES, array, &n, &size) ?
	       GetLastError() : 0;
}

static void is_refused(bool refused, const char *name)
{
	DWORD error = error_of_get();

	if (!ok(error == (refused ? ERROR_NOACCESS : 0), "%s", name))
		diag("error %u", (unsigned)error);
}

static void changed_arrays(void)
{
	SIZE_T n_bytes = N_PAGES * sizeof(PVOID);
	DWORD old;

	base = watched(N_PAGES);
	touch(base, 0);
	array = (PVOID *)allocate(n_bytes / PAGE_BYTES, MEM_RESERVE | MEM_COMMIT,
				  PAGE_READWRITE);
	is_refused(false, "an array");
	is_refused(false, "the same array again");
	VirtualProtect(array, n_bytes, PAGE_READONLY, &old);
	is_refused(true, "read-only");
	VirtualProtect(array, n_bytes, PAGE_READWRITE, &old);
	is_refused(false, "writable again");
	VirtualFree((char *)array + n_bytes - PAGE_BYTES, PAGE_BYTES,
		    MEM_DECOMMIT);
	is_refused(true, "decommitted at its end");
	VirtualAlloc(array, n_bytes, MEM_COMMIT, PAGE_READWRITE);
	is_refused(false, "committed again");
	release(array);
	is_refused(true, "released");
	release(base);
}

int main(void)
{
	static struct calls calls[N_ROWS];

	watch_or_skip();
	if (!uses_uffd())
		skip_all("another backend makes other calls");
	calls_count(run, calls, N_ROWS);
	for (size_t i = 0; i < N_ROWS; i++)
		if (!ok(calls[i].n == rows[i].n &&
			calls[i].n_scans == rows[i].n_scans, "%s: %zu",
			rows[i].name, rows[i].n))
			diag("%zu system calls, %zu of them scans", calls[i].n,
			     calls[i].n_scans);
	changed_arrays();
	return done_testing();
}

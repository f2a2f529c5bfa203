/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What queries ask of the kernel: one system call in the common case and none
 * for what is known, as many more as a fragmented result needs, and no others.
 */
#include "calls.h"
#include "memory.h"
#include "tap.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define N_PAGES ((size_t)8192)
#define BIG N_PAGES

static struct area area;
static uintptr_t addresses[N_PAGES];

enum action { GET, GET_RESET, RESET };

/* Memory of which each step-th page is written (0: none), unless it is what the
 * row before has left; then the query that is counted. */
static const struct row {
	const char *name;
	size_t n_pages;
	size_t step;
	bool goes_on;
	enum action action;
	size_t n_scans;
	size_t n_found;
} rows[] = {
	{ "get, a clean page", 1, 0, false, GET, 1, 0 },
	{ "get and reset, a clean page", 1, 0, false, GET_RESET, 1, 0 },
	{ "get, a written page", 1, 1, false, GET, 1, 1 },
	{ "the same again", 1, 1, true, GET, 0, 1 },
	{ "and with reset", 1, 1, true, GET_RESET, 1, 1 },
	{ "and then", 1, 1, true, GET, 1, 0 },
	{ "get, every other of 16 pages", 16, 2, false, GET, 1, 8 },
	{ "the same again", 16, 2, true, GET, 1, 8 },
	{ "get and reset, all of 16 pages", 16, 1, false, GET_RESET, 1, 16 },
	{ "get, all of 16 pages", 16, 1, false, GET, 1, 16 },
	{ "the same again", 16, 1, true, GET, 0, 16 },
	{ "a reset", 16, 1, true, RESET, 1, 0 },
	{ "get after the reset", 16, 1, true, GET, 1, 0 },
	{ "get, many clean pages", BIG, 0, false, GET, 1, 0 },
	{ "get, many written pages", BIG, 1, false, GET, 1, BIG },
	{ "the same again", BIG, 1, true, GET, 0, BIG },
	{ "and with reset", BIG, 1, true, GET_RESET, 1, BIG },
	{ "and then", BIG, 1, true, GET, 1, 0 },
	/* 341 runs, then 512 at a time */
	{ "get and reset, 340 runs", 2 * 340, 2, false, GET_RESET, 1, 340 },
	{ "get and reset, 342 runs", 2 * 342, 2, false, GET_RESET, 2, 342 },
	{ "get and reset, 852 runs", 2 * 852, 2, false, GET_RESET, 2, 852 },
	{ "get and reset, 854 runs", 2 * 854, 2, false, GET_RESET, 3, 854 },
	{ "get, 4096 runs", BIG, 2, false, GET, 9, 4096 },
	{ "the same again", BIG, 2, true, GET, 9, 4096 },
	{ "get and reset, 4096 runs", BIG, 2, false, GET_RESET, 9, 4096 },
	{ "a reset of 4096 runs", BIG, 2, false, RESET, 1, 0 },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void make(const struct row *row)
{
	area_reset(&area, 0, N_PAGES);
	for (size_t i = 0; row->step && i < row->n_pages; i += row->step)
		area_write(&area, i);
}

static size_t act(const struct row *row)
{
	size_t n = 0;

	calls_begin();
	if (row->action == RESET)
		area_reset(&area, 0, row->n_pages);
	else
		n = area_get(&area, 0, row->n_pages, row->action == GET_RESET,
			     addresses, row->n_pages);
	calls_end();
	return n;
}

static void run(void)
{
	area_reserve(&area, regions_or_skip(), N_PAGES);
	area_commit(&area, 0, N_PAGES);
	for (size_t i = 0; i < N_PAGES; i++)
		area_write(&area, i);
	for (size_t i = 0; i < N_ROWS; i++) {
		if (!rows[i].goes_on)
			make(&rows[i]);
		if (act(&rows[i]) != rows[i].n_found) {
			diag("%s: another result", rows[i].name);
			_exit(1);
		}
	}
}

int main(void)
{
	static struct calls calls[N_ROWS];

	ww_regions_close(regions_or_skip());
	calls_count(run, calls, N_ROWS);
	for (size_t i = 0; i < N_ROWS; i++)
		if (!ok(calls[i].n == rows[i].n_scans &&
			calls[i].n_scans == rows[i].n_scans, "%s: %zu",
			rows[i].name, rows[i].n_scans))
			diag("%zu system calls, %zu of them scans", calls[i].n,
			     calls[i].n_scans);
	return done_testing();
}

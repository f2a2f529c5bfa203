/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each operation once, on the model kernel and on a model address space, for
 * callgrind to count the instructions of: those of the functions op_*, without
 * those of the models, whose functions are fake_*. No number depends on an
 * address or on time.
 */
#include "../unit/fake.h"

#include "../../kernel/pagemap/abi.h"
#include "../../kernel/pagemap/model.h"

#include <stdio.h>
#include <string.h>

/* The bounds are of this compiler; another's code has other numbers. */
#if defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__clang__) && \
	__GNUC__ == 12
#define COMPILER "gcc 12 for x86-64, optimising"
#else
#define COMPILER "another compiler, or without optimising"
#endif

#define PAGE ((size_t)4096)
#define GIB_PAGES ((size_t)1 << 18)
#define N_PAGES 8192

/* A symbol of its own, even if another has the same body. clang, whose code is
 * not counted, does not know that. */
#ifdef __clang__
#define OP
#else
#define OP __attribute__((noipa))
#endif

/* Where the count begins anew. */
OP void begin(void)
{
}

#define RUN(operation) (begin(), operation())

static struct ww_regions *regions;
static uintptr_t addresses[N_PAGES];
static size_t n;

/* ---- Queries ---- */

static void get(size_t n_pages, bool reset)
{
	struct ww_query query;

	n = 0;
	if (ww_query_begin(&query, regions, fake_at(0), n_pages * PAGE))
		return;
	n = ww_query_get(&query, reset, addresses, n_pages);
	ww_query_end(&query);
}

static void reset(size_t n_pages)
{
	struct ww_query query;

	if (ww_query_begin(&query, regions, fake_at(0), n_pages * PAGE))
		return;
	ww_query_reset(&query);
	ww_query_end(&query);
}

OP void op_get_1_clean(void)
{
	get(1, true);
}

OP void op_get_1_written(void)
{
	get(1, true);
}

OP void op_get_1024_sequential(void)
{
	get(1024, true);
}

OP void op_get_1024_alternating(void)
{
	get(1024, true);
}

OP void op_get_8192_clean(void)
{
	get(8192, true);
}

OP void op_get_8192_sequential(void)
{
	get(8192, false);
}

OP void op_get_again_8192_sequential(void)
{
	get(8192, false);
}

OP void op_reset_1(void)
{
	reset(1);
}

OP void op_reset_8192(void)
{
	reset(8192);
}

static void write_pages(size_t n_pages, size_t step)
{
	for (size_t page = 0; page < n_pages; page += step)
		fake_write(page);
}

static void expect(const char *what, size_t wanted)
{
	if (n == wanted)
		return;
	fprintf(stderr, "%s: %zu pages instead of %zu\n", what, n, wanted);
	exit(1);
}

static void run_queries(void)
{
	fake_reserve(regions, 0, N_PAGES, true);
	/* what a thread's first query costs is not asked for */
	get(1, true);
	RUN(op_get_1_clean);
	expect("one clean page", 0);
	fake_write(0);
	RUN(op_get_1_written);
	expect("one written page", 1);
	write_pages(1024, 1);
	RUN(op_get_1024_sequential);
	expect("1,024 pages", 1024);
	write_pages(1024, 2);
	RUN(op_get_1024_alternating);
	expect("512 pages of 1,024", 512);
	RUN(op_get_8192_clean);
	expect("clean pages", 0);
	write_pages(N_PAGES, 1);
	RUN(op_get_8192_sequential);
	expect("8,192 pages", 8192);
	RUN(op_get_again_8192_sequential);
	expect("8,192 pages, again", 8192);
	RUN(op_reset_8192);
	fake_write(0);
	RUN(op_reset_1);
	get(N_PAGES, false);
	expect("after the resets", 0);
	fake_release(regions, 0, N_PAGES);
}

/* ---- Writers ---- */

static sigset_t saved;

OP void op_reserve(void)
{
	ww_regions_lock(regions, &saved);
	ww_regions_reserve(regions, fake_at(0), N_PAGES * PAGE, false);
	ww_regions_unlock(regions, &saved);
}

OP void op_commit_16(void)
{
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, fake_at(0), 16 * PAGE);
	ww_regions_unlock(regions, &saved);
}

OP void op_commit_2048(void)
{
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, fake_at(2048), 2048 * PAGE);
	ww_regions_unlock(regions, &saved);
}

OP void op_save_16(void)
{
	ww_regions_lock(regions, &saved);
	ww_regions_save(regions, fake_at(0), 16 * PAGE);
	ww_regions_unlock(regions, &saved);
}

OP void op_decommitted_16(void)
{
	ww_regions_lock(regions, &saved);
	ww_regions_decommitted(regions, fake_at(0), 16 * PAGE);
	ww_regions_unlock(regions, &saved);
}

OP void op_release(void)
{
	ww_regions_lock(regions, &saved);
	ww_regions_released(regions, fake_at(0), N_PAGES * PAGE);
	ww_regions_unlock(regions, &saved);
}

static void run_writers(void)
{
	fake_mmap(0, N_PAGES, false);
	RUN(op_reserve);
	RUN(op_commit_16);
	fake_protect(0, 16, true);
	RUN(op_commit_2048);
	write_pages(16, 4);
	RUN(op_save_16);
	fake_mmap(0, 16, false);
	RUN(op_decommitted_16);
	get(16, true);
	expect("decommitted pages", 4);
	fake_munmap(0, N_PAGES);
	RUN(op_release);
}

/* ---- The engine ---- */

#define N_REGIONS 512

static struct ww_model model;
static const struct ww_pages_ops *model_ops;
static struct ww_pm_region found[N_REGIONS];

static int fake_next(struct ww_pages *pages, uint64_t at, uint64_t end,
		     struct ww_pages_unit *unit)
{
	return model_ops->next(pages, at, end, unit);
}

static int fake_write_protect(struct ww_pages *pages, uint64_t start,
			      uint64_t end)
{
	return model_ops->write_protect(pages, start, end);
}

static void make_model(struct ww_pages_ops *ops, size_t step)
{
	if (ww_model_open(&model, UINT64_C(0x40000000), GIB_PAGES)) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	model_ops = model.pages.ops;
	*ops = *model_ops;
	ops->next = fake_next;
	ops->write_protect = fake_write_protect;
	model.pages.ops = ops;
	ww_model_map(&model, 0, GIB_PAGES, WW_MAPPING_WATCHED);
	for (size_t page = 0; page < GIB_PAGES; page += step)
		ww_model_write(&model, page);
}

/* As often as the array is full. */
static void scan(uint64_t flags)
{
	struct ww_pm_arg_mainline argument = {
		.size = sizeof(argument),
		.flags = flags,
		.start = ww_model_at(&model, 0),
		.end = ww_model_at(&model, GIB_PAGES),
		.vec = (uintptr_t)found,
		.vec_len = N_REGIONS,
		.required = WW_PM_WRITTEN,
		.returned = WW_PM_WRITTEN,
	};
	int n_found;

	n = 0;
	do {
		n_found = ww_pagemap_engine_scan(&ww_pagemap_mainline,
						 &model.pages,
						 WW_PM_SCAN_MAINLINE,
						 &argument);
		for (int i = 0; i < n_found; i++)
			n += (found[i].n_pages_or_end - found[i].start) / PAGE;
		argument.start = argument.walk_end;
	} while (n_found == N_REGIONS && argument.start < argument.end);
}

OP void op_engine_1_gib_written(void)
{
	scan(0);
}

OP void op_engine_1_gib_written_reset(void)
{
	scan(WW_PM_WP_MATCHING);
}

OP void op_engine_1_gib_clean(void)
{
	scan(0);
}

OP void op_engine_1_gib_percent(void)
{
	scan(0);
}

static void run_engine(void)
{
	struct ww_pages_ops ops;

	make_model(&ops, 1);
	RUN(op_engine_1_gib_written);
	expect("1 GiB of written pages", GIB_PAGES);
	RUN(op_engine_1_gib_written_reset);
	expect("1 GiB of written pages, with reset", GIB_PAGES);
	RUN(op_engine_1_gib_clean);
	expect("1 GiB of clean pages", 0);
	for (size_t page = 0; page < GIB_PAGES; page += 100)
		ww_model_write(&model, page);
	RUN(op_engine_1_gib_percent);
	expect("one of a hundred of 1 GiB", (GIB_PAGES + 99) / 100);
	ww_model_close(&model);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--compiler") == 0) {
		puts(COMPILER);
		return 0;
	}
	fake_reset();
	regions = fake_regions();
	run_queries();
	run_writers();
	run_engine();
	ww_regions_close(regions);
	return 0;
}

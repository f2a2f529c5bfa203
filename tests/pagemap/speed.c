/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long the engine takes for memory of which every page is written, and how
 * long the kernel does, side by side: speed [MEBIBYTES], 1024 of them unless
 * said otherwise. What it asserts is what both find, never how fast.
 */
#include "tracker.h"

#include "../kernel/tap.h"

#include "../../kernel/pagemap/abi.h"
#include "../../kernel/pagemap/model.h"
#include "../../kernel/pagemap/revision.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BASE UINT64_C(0x40000000)

enum { N_RUNS = 15 };

static size_t n_pages;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

/* The median, in nanoseconds a page. */
static double measure(const char *name, size_t (*scan)(void))
{
	double took[N_RUNS];
	size_t n_found = 0;

	for (int i = 0; i < N_RUNS; i++) {
		double start = now_ns();

		n_found += scan();
		took[i] = now_ns() - start;
	}
	ok(n_found == N_RUNS * n_pages, "%s finds every page", name);
	qsort(took, N_RUNS, sizeof(took[0]), compare);
	return took[N_RUNS / 2] / (double)n_pages;
}

/* ---- The engine ---- */

static struct ww_model model;

static void write_model(void)
{
	if (ww_model_open(&model, BASE, n_pages))
		bail_out("memory for the model");
	ww_model_map(&model, 0, n_pages, WW_MAPPING_WATCHED);
	for (size_t i = 0; i < n_pages; i++)
		ww_model_write(&model, i);
}

static size_t scan_model(void)
{
	static struct ww_pm_region regions[WW_MAX_RUNS];
	struct ww_pm_arg_mainline argument = {
		.size = sizeof(argument), .start = BASE,
		.end = BASE + n_pages * WW_PAGEMAP_PAGE,
		.vec = (uintptr_t)regions, .vec_len = WW_MAX_RUNS,
		.required = ww_pagemap_mainline.written,
		.returned = ww_pagemap_mainline.written,
	};
	int n = ww_pagemap_engine_scan(&ww_pagemap_mainline, &model.pages,
				       ww_pagemap_mainline.request, &argument);
	size_t n_found = 0;

	for (int i = 0; i < n; i++)
		n_found += (regions[i].n_pages_or_end - regions[i].start) /
			   WW_PAGEMAP_PAGE;
	return n_found;
}

/* ---- The kernel ---- */

static struct ww_tracker tracker;
static char *memory;

static void write_memory(void)
{
	size_t n_bytes = n_pages * ww_page_size();

	memory = ww_linux.map(n_bytes);
	if (!memory)
		bail_out("memory");
	madvise(memory, n_bytes, MADV_NOHUGEPAGE);
	if (tracker.backend->watch(&tracker, (uintptr_t)memory, n_bytes) ||
	    tracker.backend->arm(&tracker, (uintptr_t)memory, n_bytes))
		bail_out("watching memory");
	for (size_t i = 0; i < n_pages; i++)
		memory[i * ww_page_size()] = 1;
}

static size_t scan_memory(void)
{
	static struct ww_run runs[WW_MAX_RUNS];
	struct ww_scan scan = {
		.start = (uintptr_t)memory,
		.n_bytes = n_pages * ww_page_size(), .max_pages = n_pages,
		.runs = runs, .max_runs = WW_MAX_RUNS,
	};

	return tracker.backend->scan(&tracker, &scan) ? 0 : scan.n_pages;
}

int main(int argc, char **argv)
{
	size_t n_mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 1024;
	double engine, kernel;
	int ret = ww_tracker_open_backend(&tracker, &ww_linux, "uffd");

	if (ret)
		skip_all("%s: %s", tracker.failure, strerror(-ret));
	n_pages = (n_mib << 20) / WW_PAGEMAP_PAGE;
	write_model();
	write_memory();
	engine = measure("the engine", scan_model);
	kernel = measure("the kernel", scan_memory);
	diag("%zu MiB: the engine %.2f, the kernel %.2f ns a page: %.2f times",
	     n_mib, engine, kernel, engine / kernel);
	ww_model_close(&model);
	ww_tracker_close(&tracker);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traps K3 and K4: a mapping replaced by somebody else has lost its
 * registration. With CHECK_WPASYNC the kernel says EPERM, but may have
 * protected memory before it, so that what was written there is forgotten.
 */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { N_PAGES = 64, HOLE = 20, HOLE_PAGES = 8 };

static void show_trap(void)
{
	char *memory = map_pages(N_PAGES, PROT_READ | PROT_WRITE);
	size_t n_bytes = N_PAGES * ww_page_size();
	struct page_region vec[N_PAGES] = { 0 };
	struct ww_tracker tracker;
	int ret;

	tracker_or_skip(&tracker);
	if (tracker.backend->watch(&tracker, (uintptr_t)memory, n_bytes) ||
	    tracker.backend->arm(&tracker, (uintptr_t)memory, n_bytes))
		bail_out("watching memory");
	memory[ww_page_size()] = 1;
	map_over(memory + HOLE * ww_page_size(), HOLE_PAGES,
		 PROT_READ | PROT_WRITE);
	ret = raw_scan(tracker.pagemap, memory, N_PAGES,
		       PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC, vec,
		       N_PAGES, NULL);
	diag("this kernel: a scan with reset over the hole says %s",
	     ret < 0 ? strerrorname_np(-ret) : "nothing");
	ret = raw_scan(tracker.pagemap, memory, HOLE, PM_SCAN_CHECK_WPASYNC, vec,
		       N_PAGES, NULL);
	diag("this kernel: a page written before the hole is %s after it",
	     ret > 0 ? "still written" : "forgotten");
	ww_tracker_close(&tracker);
	unmap_pages(memory, N_PAGES);
}

static void open_area(struct area *area, struct ww_regions *regions)
{
	area_reserve(area, regions, N_PAGES);
	area_commit(area, 0, 40);
	area_commit(area, 48, 16);
	area_write(area, 1);
	area_write(area, 50);
}

static void replace(const struct area *area)
{
	map_over(area_page(area, HOLE), HOLE_PAGES, PROT_READ | PROT_WRITE);
}

static void is_exact_again(const struct area *area)
{
	is_written(area, true, "", "nothing is left");
	area_write(area, HOLE + 2);
	area_write(area, 2);
	is_written(area, false, "2,22", "exact again, in the hole as well");
	is_written(area, true, "2,22", "exact again with reset");
	is_written(area, true, "", "clean again");
}

static void get(struct ww_regions *regions)
{
	struct area area;

	open_area(&area, regions);
	replace(&area);
	is_written(&area, false, "0-39,50", "Get: the committed run is written");
	is_written(&area, false, "0-39,50", "and stays so");
	is_written(&area, true, "0-39,50", "until it is reset");
	is_exact_again(&area);
	area_release(&area);
}

static void get_with_reset(struct ww_regions *regions)
{
	struct area area;

	open_area(&area, regions);
	replace(&area);
	is_written(&area, true, "0-39,48-63",
		   "Get with reset: what one scan took is written");
	is_exact_again(&area);
	area_release(&area);
}

/* One page more than fits: the rest stays written. */
static void partial_get(struct ww_regions *regions)
{
	struct area area;

	open_area(&area, regions);
	replace(&area);
	is_written_in(&area, 0, N_PAGES, true, 25, "0-24", "a full array");
	is_written_in(&area, 0, N_PAGES, true, 25, "25-39,48-57", "the next");
	is_written_in(&area, 0, N_PAGES, true, 25, "58-63", "the rest");
	is_exact_again(&area);
	area_release(&area);
}

/* A query beside the hole is not concerned. */
static void beside(struct ww_regions *regions)
{
	struct area area;

	open_area(&area, regions);
	replace(&area);
	is_written_in(&area, 0, HOLE, true, N_PAGES, "1", "Get before the hole");
	is_written_in(&area, 30, 34, true, N_PAGES, "50", "Get behind it");
	is_written(&area, true, "0-39,48-63", "Get of all");
	is_exact_again(&area);
	area_release(&area);
}

static void reset(struct ww_regions *regions)
{
	struct area area;

	open_area(&area, regions);
	replace(&area);
	area_reset(&area, 0, N_PAGES);
	is_written(&area, false, "", "Reset: all is clean");
	is_exact_again(&area);
	area_release(&area);
}

/* The memory of a view is gone altogether. */
static void unmapped(struct ww_regions *regions)
{
	struct area area;

	open_area(&area, regions);
	munmap(area_page(&area, HOLE), HOLE_PAGES * ww_page_size());
	is_written_in(&area, 0, HOLE, true, N_PAGES, "1", "unmapped: Get before it");
	is_written_in(&area, 48, 16, true, N_PAGES, "50", "Get behind it");
	area_write(&area, 3);
	is_written_in(&area, 0, HOLE, true, N_PAGES, "3", "and again");
	area_release(&area);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	show_trap();
	get(regions);
	get_with_reset(regions);
	partial_get(regions);
	beside(regions);
	reset(regions);
	unmapped(regions);
	ww_regions_close(regions);
	return done_testing();
}

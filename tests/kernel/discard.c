/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trap K8: discarding memory drops its markers, and the range reads as written
 * or vanishes. A decommit, which maps over the range, is watched and armed
 * anew; what was written before it stays written.
 */
#include "memory.h"
#include "tap.h"

#include <sys/mman.h>

enum { N_PAGES = 32 };

static void show_trap(struct ww_regions *regions, int advice, const char *name)
{
	uintptr_t addresses[N_PAGES];
	struct area area;
	size_t before, after;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	for (size_t page = 0; page < 8; page++)
		area_write(&area, page);
	area_reset(&area, 0, 4);
	before = area_get(&area, 0, N_PAGES, false, addresses, N_PAGES);
	madvise(area.memory, N_PAGES * ww_page_size(), advice);
	after = area_get(&area, 0, N_PAGES, false, addresses, N_PAGES);
	diag("this kernel: %zu pages are written before %s, %zu after it",
	     before, name, after);
	is_written(&area, true, after == N_PAGES ? "0-31" : after ? "4-7" : "",
		   name);
	is_written(&area, true, "", "all is clean again");
	area_write(&area, 9);
	is_written(&area, true, "9", "exact again");
	area_write(&area, 1);
	area_write(&area, 31);
	is_written(&area, true, "1,31", "and again");
	area_release(&area);
}

/* A writer behind the discard is seen, whatever else is reported. */
static void write_after_discard(struct ww_regions *regions)
{
	uintptr_t addresses[N_PAGES];
	struct area area;
	bool seen = false;
	size_t n;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	area_write(&area, 5);
	area_reset(&area, 0, N_PAGES);
	madvise(area.memory, N_PAGES * ww_page_size(), MADV_DONTNEED);
	area_write(&area, 5);
	n = area_get(&area, 0, N_PAGES, true, addresses, N_PAGES);
	for (size_t i = 0; i < n; i++)
		seen |= addresses[i] == (uintptr_t)area_page(&area, 5);
	ok(seen, "a write after MADV_DONTNEED is seen");
	area_release(&area);
}

static void decommit(struct ww_regions *regions)
{
	struct area area;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	area_write(&area, 3);
	area_write(&area, 12);
	area_decommit(&area, 10, 10);
	is_written(&area, false, "3,12", "decommit keeps what was written");
	area_commit(&area, 8, 8);
	is_written(&area, false, "3,12", "so does a commit after it");
	ok(!*area_page(&area, 12), "the contents are gone");
	is_written(&area, true, "3,12", "until it is reset");
	is_written(&area, false, "", "clean then");
	area_write(&area, 11);
	area_write(&area, 21);
	is_written(&area, true, "11,21", "recommitted memory is watched");
	area_decommit(&area, 0, N_PAGES);
	is_written(&area, true, "", "clean pages stay clean");
	area_commit(&area, 0, N_PAGES);
	is_written(&area, true, "", "and are clean when committed again");
	area_release(&area);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	show_trap(regions, MADV_DONTNEED, "MADV_DONTNEED");
	show_trap(regions, MADV_FREE, "MADV_FREE");
	write_after_discard(regions);
	decommit(regions);
	ww_regions_close(regions);
	return done_testing();
}

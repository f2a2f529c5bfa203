/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traps K2 and K3: memory without an entry reads as written or as clean,
 * depending on the kernel and on whether it is registered. Queries never
 * depend on it: what is committed is armed, the rest is not scanned for it.
 */
#include "memory.h"
#include "tap.h"

#include <sys/mman.h>

enum { N_PAGES = 1024 };

static const char *state(int pagemap, const char *page, uint64_t flags)
{
	struct page_region region;
	int n = raw_scan(pagemap, page, 1, flags, &region, 1, NULL);

	return n < 0 ? "refused" : n ? "written" : "clean";
}

static void show_trap(void)
{
	char *memory = map_pages(2 * N_PAGES, PROT_READ | PROT_WRITE);
	size_t n_bytes = N_PAGES * ww_page_size();
	struct ww_tracker tracker;

	tracker_or_skip(&tracker);
	diag("this kernel: an unregistered hole is %s, %s with CHECK_WPASYNC",
	     state(tracker.pagemap, memory + n_bytes, 0),
	     state(tracker.pagemap, memory + n_bytes, PM_SCAN_CHECK_WPASYNC));
	memory[n_bytes] = 1;
	diag("this kernel: an unregistered page beside a written one is %s",
	     state(tracker.pagemap, memory + n_bytes + ww_page_size(), 0));
	if (tracker.backend->watch(&tracker, (uintptr_t)memory, n_bytes))
		bail_out("watching memory");
	diag("this kernel: a registered hole is %s",
	     state(tracker.pagemap, memory, 0));
	*memory = 1;
	diag("this kernel: a registered page beside a written one is %s",
	     state(tracker.pagemap, memory + ww_page_size(), 0));
	ww_tracker_close(&tracker);
	unmap_pages(memory, 2 * N_PAGES);
}

static void reserved_memory(struct ww_regions *regions)
{
	struct area area;

	area_reserve(&area, regions, N_PAGES);
	is_written(&area, false, "", "reserved: nothing is written");
	is_written(&area, true, "", "the same with reset");
	area_reset(&area, 0, N_PAGES);
	is_written(&area, false, "", "the same after a reset");
	area_commit(&area, 100, 50);
	is_written(&area, false, "", "committed: nothing is written");
	area_write(&area, 120);
	is_written(&area, false, "120", "one page of it is");
	is_written(&area, true, "120", "with reset");
	is_written(&area, false, "", "and is clean again");
	area_commit(&area, 90, 100);
	is_written(&area, false, "", "committed around it: nothing is written");
	area_write(&area, 120);
	area_commit(&area, 0, N_PAGES);
	is_written(&area, false, "120", "a second commit keeps what was written");
	area_release(&area);
}

static void only_read(struct ww_regions *regions)
{
	struct area area;
	unsigned sum = 0;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	for (size_t page = 0; page < N_PAGES; page += 3)
		sum += (unsigned char)*(volatile char *)area_page(&area, page);
	ok(sum == 0, "fresh memory is zero");
	is_written(&area, true, "", "read pages are not written");
	area_write(&area, 3);
	area_write(&area, 4);
	is_written(&area, true, "3-4", "read, then written; unread, then written");
	is_written(&area, true, "", "both are clean again");
	area_release(&area);
}

/* Somebody else makes pages of a reservation accessible, without a word to the
 * registry: what they wrote is found, and tracked from then on. */
static void foreign_commit(struct ww_regions *regions)
{
	struct area area;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, 4);
	if (mprotect(area_page(&area, 500), 8 * ww_page_size(),
		     PROT_READ | PROT_WRITE))
		bail_out("committing behind the registry's back");
	is_written(&area, false, "", "a foreign commit: nothing is written");
	area_write(&area, 501);
	area_write(&area, 1);
	is_written(&area, true, "1,501", "a foreign page is found");
	is_written(&area, true, "", "and is clean again");
	area_write(&area, 501);
	area_write(&area, 505);
	is_written(&area, true, "501,505", "so is the next");
	is_written(&area, true, "", "all is clean again");
	area_release(&area);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	show_trap();
	reserved_memory(regions);
	only_read(regions);
	foreign_commit(regions);
	ww_regions_close(regions);
	return done_testing();
}

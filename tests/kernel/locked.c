/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that locks its memory gets memory for all that it can access: for
 * the registry's sparse bitmap that must not be much.
 */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { N_PAGES = 16, MOST_KIB = 64 << 10 };

static size_t resident_kib(void)
{
	char line[256];
	size_t kib = 0;
	FILE *status = fopen("/proc/self/status", "re");

	if (!status)
		bail_out("reading /proc/self/status");
	while (fgets(line, sizeof(line), status))
		sscanf(line, "VmRSS: %zu", &kib);
	fclose(status);
	return kib;
}

static void use(struct ww_regions *regions, const char *name)
{
	struct area area;

	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	/* the kernel writes to memory that is locked to have it there */
	area_reset(&area, 0, N_PAGES);
	area_write(&area, 3);
	area_write(&area, 5);
	area_decommit(&area, 3, 1);
	is_written(&area, true, "3,5", name);
	area_release(&area);
}

static void lock_all(struct ww_regions *before)
{
	struct ww_regions *after;
	size_t kib;

	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		skip("locked memory", strerror(errno));
		return;
	}
	after = regions_or_skip();
	use(before, "a registry that was there before");
	use(after, "one that is opened afterwards");
	kib = resident_kib();
	ok(kib < MOST_KIB, "not much memory is locked");
	diag("%zu MiB resident", kib >> 10);
	ww_regions_close(after);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();

	use(regions, "before memory is locked");
	lock_all(regions);
	ww_regions_close(regions);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * winewatch top: one look at a process. It may be hostile: all that it shows is
 * bounded, and nothing of it is an index.
 */
#include "config.h"

#include "tool.h"
#include "top.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REGIONS 4096
#define MAX_RUNS 65536
/* Together with the above, 16 GiB of which every other page is written. */
#define MAX_SCANS 32

uint64_t top_pages(const struct top_region *region)
{
	return (region->end - region->start) / ww_page_size();
}

/* ---- Regions ---- */

/* The first page of a part. */
static uint64_t part_begin(const struct top_region *region, uint64_t part)
{
	return part * top_pages(region) / region->n_parts;
}

static uint64_t part_of(const struct top_region *region, uint64_t page)
{
	return ((page + 1) * region->n_parts - 1) / top_pages(region);
}

/* Pages [first, end) of the region are written. */
static void add_pages(struct top_region *region, uint64_t first, uint64_t end)
{
	region->n_written += end - first;
	while (first < end) {
		uint64_t part = part_of(region, first);
		uint64_t next = part_begin(region, part + 1);

		if (next > end)
			next = end;
		region->written[part] += next - first;
		first = next;
	}
}

static int scan_region(struct top_region *region, const struct ww_process *process,
		       struct ww_run *runs)
{
	const struct ww_foreign_range range = {
		*process, (uintptr_t)region->start, (uintptr_t)region->end };
	uintptr_t from = range.start;

	for (int i = 0; i < MAX_SCANS && from < range.end; i++) {
		ssize_t n = ww_foreign_scan(&range, from, runs, MAX_RUNS,
					    (size_t)top_pages(region), &from);

		if (n < 0)
			return (int)n;
		for (ssize_t r = 0; r < n; r++)
			add_pages(region,
				  (runs[r].start - range.start) / ww_page_size(),
				  (runs[r].end - range.start) / ww_page_size());
	}
	return 0;
}

static int scan_regions(struct top_look *look, const struct ww_run *views)
{
	struct ww_run *runs = resize_array(NULL, MAX_RUNS, sizeof(*runs));
	int ret = 0;

	for (size_t i = 0; !ret && i < look->n_regions; i++) {
		struct top_region *region = &look->regions[i];
		uint64_t n_pages;

		*region = (struct top_region){ .start = views[i].start,
					       .end = views[i].end };
		n_pages = top_pages(region);
		region->n_parts = n_pages < TOP_PARTS ? (size_t)n_pages : TOP_PARTS;
		ret = scan_region(region, &look->process, runs);
		/* a region that cannot be scanned is shown without pages */
		if (ret != -ESRCH)
			ret = 0;
	}
	free(runs);
	return ret;
}

static int look_at_regions(struct top_look *look)
{
	struct ww_run *views = resize_array(NULL, MAX_REGIONS, sizeof(*views));
	ssize_t n = ww_foreign_views(&look->process, views, MAX_REGIONS);
	int ret = n < 0 ? (int)n : 0;

	if (!ret) {
		look->n_regions = (size_t)n;
		look->regions = resize_array(look->regions, (size_t)n + 1,
					     sizeof(*look->regions));
		ret = scan_regions(look, views);
	}
	free(views);
	return ret;
}

/* ---- Calls ---- */

/* The time that `percent` of the calls did not exceed. */
static uint64_t percentile(const uint64_t *n_calls, uint64_t n, unsigned percent)
{
	uint64_t rank = n - n / 100 * (100 - percent) -
			n % 100 * (100 - percent) / 100;
	uint64_t sum = 0;
	size_t bucket = 0;

	while (bucket < WW_STATS_BUCKETS - 1 &&
	       (sum += n_calls[bucket]) < rank)
		bucket++;
	return ww_stats_bucket_ns(bucket + 1);
}

static void compare(struct top_calls *calls, const struct ww_stats_calls *first,
		    const struct ww_stats_calls *last,
		    const struct ww_stats_calls *now, double seconds)
{
	uint64_t n_new[WW_STATS_BUCKETS];

	*calls = (struct top_calls){ .n_pages = now->n_pages - first->n_pages };
	for (size_t i = 0; i < WW_STATS_BUCKETS; i++) {
		calls->n_calls += now->n_calls[i] - first->n_calls[i];
		n_new[i] = now->n_calls[i] - last->n_calls[i];
		calls->n_new += n_new[i];
	}
	if (!calls->n_new)
		return;
	calls->p50_ns = percentile(n_new, calls->n_new, 50);
	calls->p90_ns = percentile(n_new, calls->n_new, 90);
	calls->p99_ns = percentile(n_new, calls->n_new, 99);
	calls->max_ns = percentile(n_new, calls->n_new, 100);
	if (seconds > 0) {
		calls->calls_per_second = (double)calls->n_new / seconds;
		calls->pages_per_second =
			(double)(now->n_pages - last->n_pages) / seconds;
	}
}

/* ---- A look ---- */

/* As the kernel has it, of 15 bytes that the process chooses. */
static void read_name(struct top_look *look)
{
	char path[64];
	FILE *comm;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)look->process.pid);
	comm = fopen(path, "re");
	if (!comm || !fgets(look->name, sizeof(look->name), comm))
		strcpy(look->name, "?");
	if (comm)
		fclose(comm);
	look->name[strcspn(look->name, "\n")] = '\0';
	for (char *c = look->name; *c; c++)
		if (!isascii(*c) || !isprint((unsigned char)*c))
			*c = '?';
}

int top_begin(struct top_look *look, const struct ww_process *process)
{
	int ret;

	*look = (struct top_look){ .process = *process };
	ret = ww_foreign_observe(process, &look->first);
	if (ret)
		return ret;
	look->last = look->first;
	look->looked_ns = ww_stats_now();
	read_name(look);
	return look_at_regions(look);
}

int top_again(struct top_look *look)
{
	struct ww_stats now;
	uint64_t now_ns;
	int ret = ww_foreign_observe(&look->process, &now);

	if (ret)
		return ret;
	now_ns = ww_stats_now();
	look->seconds = (double)(now_ns - look->looked_ns) / 1e9;
	look->looked_ns = now_ns;
	for (size_t i = 0; i < WW_STATS_KINDS; i++)
		compare(&look->calls[i], &look->first.of[i], &look->last.of[i],
			&now.of[i], look->seconds);
	look->last = now;
	read_name(look);
	return look_at_regions(look);
}

int top_stay(const struct top_look *look)
{
	struct ww_stats unused;

	return ww_foreign_observe(&look->process, &unused);
}

void top_end(struct top_look *look)
{
	free(look->regions);
	look->regions = NULL;
	look->n_regions = 0;
}

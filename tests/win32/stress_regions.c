/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* More watched regions than any program has. */
#include "pages.h"
#include "rows.h"

#include <stdlib.h>

#define RESET		WRITE_WATCH_FLAG_RESET
#define REGION_PAGES	(GRANULE_BYTES / PAGE_BYTES)
#define N_REGIONS	4000		/* unless --steps says more */
/* Each region that is released may divide a mapping, of which Linux has few. */
#define MOST_GAPS	16384

static struct region {
	char *base;
	uint32_t page;			/* that is written */
} *regions;
static uint32_t n_regions, *order;

static void reserve_region(struct region *region)
{
	region->base = watch(REGION_PAGES);
}

static void reserve_all(void)
{
	n_regions = row_steps(N_REGIONS);
	regions = calloc(n_regions, sizeof(*regions));
	order = calloc(n_regions, sizeof(*order));
	if (!regions || !order)
		give_up("no memory for %u regions", n_regions);
	for (uint32_t i = 0; i < n_regions; i++)
		reserve_region(&regions[i]);
	note("%u regions", n_regions);
}

static void write_region(struct region *region, uint64_t *random)
{
	region->page = random_below(random, REGION_PAGES);
	touch(region->base, region->page);
}

/* It has the one page, and then none. */
static bool is_exact(const struct region *region)
{
	void *addresses[REGION_PAGES];
	ULONG_PTR count = REGION_PAGES, again = REGION_PAGES;
	DWORD granularity;

	return !get_error(RESET, region->base, GRANULE_BYTES, addresses, &count,
			  &granularity) &&
	       count == 1 &&
	       addresses[0] == region->base + region->page * PAGE_BYTES &&
	       !get_error(0, region->base, GRANULE_BYTES, addresses, &again,
			  &granularity) &&
	       !again;
}

/* In any order: write to all first, then ask for all. */
static void check_all(const char *when, uint64_t *random)
{
	uint32_t n_wrong = 0;

	shuffle(order, n_regions, random);
	for (uint32_t i = 0; i < n_regions; i++)
		write_region(&regions[order[i]], random);
	shuffle(order, n_regions, random);
	for (uint32_t i = 0; i < n_regions; i++)
		n_wrong += !is_exact(&regions[order[i]]);
	CHECK(!n_wrong, "%s: %u of %u regions are wrong", when, n_wrong,
	      n_regions);
}

static void many_regions(void)
{
	uint64_t random = row_seed();

	reserve_all();
	check_all("new", &random);
	for (uint32_t i = 0; i < n_regions / 2 && i < MOST_GAPS; i++)
		release(regions[order[i]].base);
	for (uint32_t i = 0; i < n_regions / 2 && i < MOST_GAPS; i++)
		reserve_region(&regions[order[i]]);
	check_all("half of them new", &random);
	for (uint32_t i = 0; i < n_regions; i++)
		release(regions[i].base);
}

const struct row many_rows[] = {
	{ "stress-regions", "L", many_regions, 0, 0,
	  "thousands of regions are as exact as one" },
	{ 0 },
};

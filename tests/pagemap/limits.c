/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * max_pages and vec_len, alone and together: what fits exactly, one less and one
 * more, in every revision, against a count page by page. What is delivered is
 * what is protected, in every case.
 */
#include "scan.h"

#include <stdio.h>

/* v6 sees soft-dirty pages; its clear is taken for the protection. */
static const struct {
	const struct ww_pagemap_revision *revision;
	uint64_t flags;
	uint64_t written;
} revisions[] = {
	{ &ww_pagemap_v6, 1, OLD_W },
	{ &ww_pagemap_v10, 1, OLD_W },
	{ &ww_pagemap_v16, GET | WP, OLD_W },
	{ &ww_pagemap_v18, GET | WP, OLD_W },
	{ &ww_pagemap_mainline, MATCHING, NEW_W },
	{ &ww_pagemap_mainline_2026, MATCHING, NEW_W },
	{ &ww_pagemap_guard, MATCHING, NEW_W },
	{ &ww_pagemap_guard_2026, MATCHING, NEW_W },
};
enum { N_REVISIONS = sizeof(revisions) / sizeof(revisions[0]) };

static void is_done(size_t page, bool wanted)
{
	unsigned facts = model.page[page].facts;

	assert_int_equal(!(facts & WW_PAGE_SOFT_DIRTY) ||
			 facts & WW_PAGE_PROTECTED, wanted);
}

/* The written pages of the model are regions of `length` pages with a gap of
 * one; `huge`: the first page tables are huge pages. */
struct layout {
	size_t n_pages;
	size_t length;
	size_t n_huge;
};

static bool is_gap(const struct layout *layout, size_t page)
{
	return page >= layout->n_huge * 512 &&
	       page % (layout->length + 1) == layout->length;
}

static void lay_out(const struct layout *layout)
{
	fresh(layout->n_pages, WATCHED);
	protect_pages(0, layout->n_pages);
	for (size_t i = 0; i < layout->n_pages; i++)
		if (!is_gap(layout, i))
			write_pages(i, 1);
	for (size_t i = 0; i < layout->n_huge; i++)
		ww_model_collapse(&model, 512 * i, false);
}

struct wanted {
	int n_regions;
	size_t n_pages;		/* all before are done */
};

static struct wanted count(const struct layout *layout, uint64_t max_pages,
			   uint64_t vec_len)
{
	struct wanted wanted = { 0 };
	size_t found = 0, i;
	bool inside = false;

	for (i = 0; i < layout->n_pages; i++) {
		if (is_gap(layout, i)) {
			inside = false;
			continue;
		}
		if ((max_pages && found == max_pages) ||
		    (!inside && wanted.n_regions == (int)vec_len))
			break;
		wanted.n_regions += !inside;
		inside = true;
		found++;
	}
	wanted.n_pages = i;
	return wanted;
}

static void try(int which, const struct layout *layout, uint64_t max_pages,
		uint64_t vec_len)
{
	struct wanted wanted = count(layout, max_pages, vec_len);
	struct ask ask = {
		.revision = revisions[which].revision,
		.flags = revisions[which].flags, .max_pages = max_pages,
		.vec_len = vec_len, .required = revisions[which].written,
		.returned = revisions[which].written,
	};

	lay_out(layout);
	assert_int_equal(atoi(answer(&ask)), wanted.n_regions);
	for (size_t i = 0; i < layout->n_pages; i++)
		if (!is_gap(layout, i))
			is_done(i, i < wanted.n_pages);
}

/* Around each of the given limits, with none of the other and with each. */
static void try_around(const struct layout *layout, uint64_t pages,
		       uint64_t regions)
{
	for (int which = 0; which < N_REVISIONS; which++) {
		for (uint64_t n = regions - 1; n <= regions + 1; n++) {
			if (!n)
				continue;
			try(which, layout, 0, n);
			for (uint64_t max = pages - 1; max <= pages + 1; max++)
				try(which, layout, max, n);
		}
	}
}

static void exact_fit(void **state)
{
	const struct layout few = { 16, 3, 0 };

	(void)state;
	/* 12 pages in 4 regions */
	try_around(&few, 12, 4);
	try_around(&few, 6, 2);
	try_around(&few, 3, 2);
	try_around(&few, 9, 1);
}

static void regions_512_and_513(void **state)
{
	const struct layout many = { 2048, 1, 0 };

	(void)state;
	try_around(&many, 512, 512);
	try_around(&many, 513, 513);
	try_around(&many, 1024, 1024);
}

static void chunk_boundary(void **state)
{
	const struct layout long_regions = { 2048, 700, 0 };
	const struct layout one_region = { 2048, 4096, 0 };

	(void)state;
	try_around(&long_regions, 512, 1);
	try_around(&long_regions, 1024, 2);
	try_around(&one_region, 512, 1);
	try_around(&one_region, 1024, 1);
	try_around(&one_region, 2048, 1);
}

static void max_pages_in_a_huge_page(void **state)
{
	const struct layout huge = { 1536, 4096, 2 };

	(void)state;
	try_around(&huge, 2, 1);
	try_around(&huge, 100, 1);
	try_around(&huge, 512, 1);
	try_around(&huge, 520, 1);
	try_around(&huge, 1024, 1);
	try_around(&huge, 1030, 1);
}

/* As the kernel does it: the pages of a split huge page begin a region of their
 * own if the huge page would have. */
static void split_begins_a_region(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	write_pages(0, 512);
	ww_model_collapse(&model, 512, false);
	is(SCAN(guard_2026, .flags = MATCHING, .n_pages = 600,
		.returned = NEW_W | NEW_H), "2: 0-511=2 512-599=2");
	fresh(1024, WATCHED);
	write_pages(0, 512);
	ww_model_collapse(&model, 512, false);
	is(SCAN(guard_2026, .flags = MATCHING, .n_pages = 600,
		.returned = NEW_W), "1: 0-599=2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_fit),
		cmocka_unit_test(regions_512_and_513),
		cmocka_unit_test(chunk_boundary),
		cmocka_unit_test(max_pages_in_a_huge_page),
		cmocka_unit_test(split_begins_a_region),
	};

	return RUN(tests);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any address space, any argument, any revision: what the engine must never do.
 *
 * The input is the revision, a byte, and then steps: an operation, a byte; the
 * first page and the number of pages, two each; a scan goes on with its own
 * argument (struct scan_bytes).
 */
#include "fuzz.h"

#include "../../kernel/pagemap/abi.h"
#include "../../kernel/pagemap/model.h"
#include "../../kernel/pagemap/revision.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char fuzz_target[] = "pagemap_engine";

enum {
	N_PAGES = 3 * 512 + 100,
	N_SCANS = 8,			/* of an input */
	CANARY = 0xa5,
	UNTOUCHED = 77,
};
#define BASE UINT64_C(0x40000000)

static const struct ww_pagemap_revision *const revisions[] = {
	&ww_pagemap_v6, &ww_pagemap_v10, &ww_pagemap_v16, &ww_pagemap_v18,
	&ww_pagemap_mainline, &ww_pagemap_guard, &ww_pagemap_guard_2026,
	&ww_pagemap_mainline_2026,
};

/* ---- The input ---- */

struct input {
	const uint8_t *at;
	size_t n_left;
};

static bool take(struct input *input, void *target, size_t n_bytes)
{
	if (input->n_left < n_bytes)
		return false;
	memcpy(target, input->at, n_bytes);
	input->at += n_bytes;
	input->n_left -= n_bytes;
	return true;
}

enum vec { VEC_GOOD, VEC_NULL, VEC_BAD, VEC_SHORT, N_VECS };

struct __attribute__((packed)) scan_bytes {
	uint8_t flags;
	uint8_t vec;
	uint16_t vec_len;
	uint16_t max_pages;
	uint16_t required;
	uint16_t anyof;
	uint16_t third;		/* excluded or inverted */
	uint16_t returned;
	uint16_t cut;		/* bytes off the end */
	uint8_t spoilt;		/* 1 + a word of the structure, */
	uint8_t with;		/* and the bit of it that is wrong */
};

/* ---- The model ---- */

static struct ww_model model;

static void map_some(size_t first, size_t n_pages)
{
	static const unsigned mappings[] = {
		WW_MAPPING_WATCHED, 0, WW_MAPPING_WATCHED | WW_MAPPING_FILE,
		WW_MAPPING_WP, WW_MAPPING_PFNMAP,
		WW_MAPPING_WATCHED | WW_MAPPING_SOFT_DIRTY,
		WW_MAPPING_WP | WW_MAPPING_ASYNC, WW_MAPPING_FILE,
	};

	ww_model_map(&model, first, n_pages, mappings[n_pages % 8]);
}

static void map_hugetlb(size_t first)
{
	first -= first % 512;
	if (first + 512 <= N_PAGES)
		ww_model_map_hugetlb(&model, first, 512, WW_MAPPING_WATCHED);
}

/* As the kernel would: of memory that is alike. */
static void collapse(size_t first, bool zero)
{
	const struct ww_model_page *page;

	first -= first % 512;
	if (first + 512 > N_PAGES)
		return;
	page = &model.page[first];
	for (size_t i = 0; i < 512; i++)
		if (!page[i].mapped || page[i].kind == WW_PAGES_HUGETLB ||
		    (page[i].facts ^ page->facts) >> 8)
			return;
	ww_model_collapse(&model, first, zero);
}

static void touch(size_t first, size_t n_pages, bool write)
{
	for (size_t i = first; i < first + n_pages && i < N_PAGES; i++) {
		if (write)
			ww_model_write(&model, i);
		else
			ww_model_read(&model, i);
	}
}

/* Hugetlb pages are only touched, written and protected whole. */
static bool has_hugetlb(size_t first, size_t n_pages)
{
	for (size_t i = first; i < first + n_pages && i < N_PAGES; i++)
		if (model.page[i].kind == WW_PAGES_HUGETLB)
			return true;
	return false;
}

enum operation {
	SCAN, WRITE, READ, MAP, UNMAP, HUGETLB, COLLAPSE, HUGE_ZERO, SPLIT,
	DISCARD, DISCARD_TABLES, SWAP, GUARD, UNGUARD, POISON, LEAVE, ARRIVE,
	HIDE, SHOW, REGISTER, UNREGISTER, PROTECT, N_OPERATIONS
};

/* Those of which the kernel would refuse a part of a hugetlb page. */
static bool cuts_hugetlb(enum operation operation, size_t first, size_t n_pages)
{
	return operation != WRITE && operation != READ &&
	       operation != HUGETLB && operation != COLLAPSE &&
	       operation != HUGE_ZERO && has_hugetlb(first, n_pages);
}

static void change(enum operation operation, size_t first, size_t n)
{
	if (cuts_hugetlb(operation, first, n))
		return;
	switch (operation) {
	case WRITE:
	case READ:
		touch(first, n, operation == WRITE);
		break;
	case MAP:
		map_some(first, n);
		break;
	case UNMAP:
		ww_model_unmap(&model, first, n);
		break;
	case HUGETLB:
		map_hugetlb(first);
		break;
	case COLLAPSE:
	case HUGE_ZERO:
		collapse(first, operation == HUGE_ZERO);
		break;
	case SPLIT:
		ww_model_split(&model, first);
		break;
	case DISCARD:
	case DISCARD_TABLES:
		ww_model_discard(&model, first, n, operation != DISCARD);
		break;
	case SWAP:
		ww_model_swap_out(&model, first, n);
		break;
	case GUARD:
		ww_model_guard(&model, first, n);
		break;
	case UNGUARD:
		ww_model_unguard(&model, first, n);
		break;
	case POISON:
		ww_model_poison(&model, first);
		break;
	case LEAVE:
	case ARRIVE:
		ww_model_migrate(&model, first, operation == ARRIVE);
		break;
	case HIDE:
	case SHOW:
		ww_model_protect(&model, first, n, operation == SHOW);
		break;
	case REGISTER:
		ww_model_register(&model, first, n);
		break;
	case UNREGISTER:
		ww_model_unregister(&model, first, n);
		break;
	default:
		break;
	}
}

/* ---- A scan ---- */

/* In the terms of all revisions, and its results. */
struct scan {
	const struct ww_pagemap_revision *revision;
	bool get;
	bool apply;
	bool spoilt;
	uint64_t start;
	uint64_t end;		/* in bytes */
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t returned;
	enum vec vec;
	int result;
	uint64_t walk_end;
};

union argument {
	struct ww_pm_arg_v6 v6;
	struct ww_pm_arg_v16 v16;
	struct ww_pm_arg_mainline mainline;
	uint64_t word[12];
};

static struct ww_pm_region regions[N_PAGES + 1], again[N_PAGES + 1];
static struct ww_model_page before[N_PAGES];
static char *wall;		/* two regions, then no access */

static uint64_t vec_of(const struct scan *scan)
{
	switch (scan->vec) {
	case VEC_GOOD:
		return (uintptr_t)regions;
	case VEC_SHORT:
		return (uintptr_t)wall;
	case VEC_BAD:
		return 8;
	default:
		return 0;
	}
}

static void load_v6(union argument *arg, struct scan *scan,
		    const struct scan_bytes *bytes)
{
	arg->v6 = (struct ww_pm_arg_v6){
		.start = scan->start, .n_bytes = scan->end - scan->start,
		.vec = vec_of(scan), .vec_len = bytes->vec_len,
		.max_pages = bytes->max_pages, .flags = bytes->flags,
		.required = bytes->required, .anyof = bytes->anyof,
		.excluded = bytes->third, .returned = bytes->returned,
	};
	scan->get = scan->vec != VEC_NULL;
	scan->apply = bytes->flags & WW_PM_V6_CLEAR;
}

static void load_v16(union argument *arg, struct scan *scan,
		     const struct scan_bytes *bytes)
{
	arg->v16 = (struct ww_pm_arg_v16){
		.size = sizeof(arg->v16), .flags = bytes->flags,
		.start = scan->start, .n_bytes = scan->end - scan->start,
		.vec = vec_of(scan), .vec_len = bytes->vec_len,
		.max_pages = bytes->max_pages,
		.required = bytes->required, .anyof = bytes->anyof,
		.excluded = bytes->third, .returned = bytes->returned,
	};
	scan->get = bytes->flags & WW_PM_V16_GET;
	scan->apply = bytes->flags & WW_PM_V16_WP;
}

static void load_mainline(union argument *arg, struct scan *scan,
			  const struct scan_bytes *bytes)
{
	arg->mainline = (struct ww_pm_arg_mainline){
		.size = sizeof(arg->mainline), .flags = bytes->flags,
		.start = scan->start, .end = scan->end,
		.walk_end = UNTOUCHED, .vec = vec_of(scan),
		.vec_len = bytes->vec_len, .max_pages = bytes->max_pages,
		.required = bytes->required, .anyof = bytes->anyof,
		.inverted = bytes->third, .returned = bytes->returned,
	};
	scan->get = scan->vec != VEC_NULL && bytes->vec_len;
	scan->apply = bytes->flags & WW_PM_WP_MATCHING;
}

/* One bit of one word is wrong. A wrong array is never one that is there: the
 * engine would rightly write to it. */
static void spoil(union argument *arg, const struct scan *scan,
		  const struct scan_bytes *bytes)
{
	unsigned word = (bytes->spoilt - 1) % 12, bit = bytes->with % 64;
	size_t vec = scan->revision->request == WW_PM_SCAN_V6 ?
		offsetof(struct ww_pm_arg_v6, vec) :
		scan->revision->request == WW_PM_SCAN_V16 ?
		offsetof(struct ww_pm_arg_v16, vec) :
		offsetof(struct ww_pm_arg_mainline, vec);

	if (word == vec / sizeof(arg->word[0]))
		bit = 48 + bit % 16;
	arg->word[word] ^= UINT64_C(1) << bit;
}

static void load(union argument *arg, struct scan *scan,
		 const struct scan_bytes *bytes)
{
	memset(arg, 0, sizeof(*arg));
	if (scan->revision->request == WW_PM_SCAN_V6)
		load_v6(arg, scan, bytes);
	else if (scan->revision->request == WW_PM_SCAN_V16)
		load_v16(arg, scan, bytes);
	else
		load_mainline(arg, scan, bytes);
	scan->vec_len = bytes->vec_len;
	scan->max_pages = bytes->max_pages;
	scan->returned = bytes->returned;
	scan->spoilt = bytes->spoilt;
	if (bytes->spoilt)
		spoil(arg, scan, bytes);
}

static void run(struct scan *scan, const union argument *arg)
{
	union argument copy = *arg;

	memset(regions, CANARY, sizeof(regions));
	memcpy(before, model.page, sizeof(before));
	scan->result = ww_pagemap_engine_scan(scan->revision, &model.pages,
					      scan->revision->request, &copy);
	scan->walk_end = copy.mainline.walk_end;
	copy.mainline.walk_end = arg->mainline.walk_end;
	if (!scan->revision->walk_end_at)
		copy.mainline.walk_end = scan->walk_end;
	if (memcmp(&copy, arg, sizeof(copy)))
		abort();
}

/* ---- What must hold ---- */

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static size_t number(uint64_t address)
{
	return (address - BASE) / WW_PAGEMAP_PAGE;
}

static uint64_t end_of(const struct scan *scan, const struct ww_pm_region *region)
{
	if (scan->revision->region_has_end)
		return region->n_pages_or_end;
	return region->start + region->n_pages_or_end * WW_PAGEMAP_PAGE;
}

static uint64_t whole_end(const struct scan *scan)
{
	uint64_t end = scan->end + WW_PAGEMAP_PAGE - 1;

	return end - end % WW_PAGEMAP_PAGE;
}

static void nothing_behind(const struct scan *scan)
{
	size_t n = scan->result > 0 ? (size_t)scan->result : 0;
	struct ww_pm_region canary;

	if (scan->result < 0)
		n = scan->vec_len < N_PAGES ? scan->vec_len : N_PAGES;
	memset(&canary, CANARY, sizeof(canary));
	for (; n <= N_PAGES; n++)
		must(!memcmp(&regions[n], &canary, sizeof(canary)),
		     "wrote behind the regions");
}

/* Only where a huge page was split may a region go on with the last one. */
static void is_apart(const struct scan *scan, const struct ww_pm_region *region)
{
	const struct ww_pm_region *last = region - 1;
	size_t page = number(region->start);

	must(end_of(scan, last) <= region->start, "regions do not ascend");
	if (end_of(scan, last) < region->start || last->bits != region->bits)
		return;
	must(scan->revision->split_seals && scan->apply &&
	     before[page].kind == WW_PAGES_HUGE &&
	     model.page[page].kind == WW_PAGES_ENTRY,
	     "two regions could be one");
}

static bool emitted[N_PAGES];

static void mark_emitted(const struct scan *scan,
			 const struct ww_pm_region *region)
{
	size_t end = number(end_of(scan, region));

	must(end <= N_PAGES, "a region leaves the model");
	for (size_t i = number(region->start); i < end; i++) {
		must(before[i].mapped, "a page that is not mapped");
		emitted[i] = true;
	}
}

static size_t check_regions(const struct scan *scan)
{
	size_t n_pages = 0;

	memset(emitted, 0, sizeof(emitted));
	must(scan->result <= 0 || scan->get, "regions that nobody wanted");
	must(scan->result <= 0 || (uint64_t)scan->result <= scan->vec_len,
	     "more regions than there is room");
	for (int i = 0; i < scan->result; i++) {
		const struct ww_pm_region *region = &regions[i];

		must(region->start % WW_PAGEMAP_PAGE == 0 &&
		     region->start >= scan->start &&
		     end_of(scan, region) <= whole_end(scan),
		     "a region out of range");
		must(end_of(scan, region) > region->start, "an empty region");
		must(!(region->bits & ~scan->returned), "bits not asked for");
		if (i)
			is_apart(scan, region);
		mark_emitted(scan, region);
		n_pages += (end_of(scan, region) - region->start) /
			   WW_PAGEMAP_PAGE;
	}
	must(!scan->get || !scan->max_pages || n_pages <= scan->max_pages,
	     "more pages than max_pages");
	return n_pages;
}

static bool reaches_hugetlb(const struct scan *scan)
{
	size_t page = number(scan->walk_end);

	return scan->apply && page < N_PAGES &&
	       before[page].kind == WW_PAGES_HUGETLB;
}

static void check_walk_end(const struct scan *scan, size_t n_pages)
{
	bool full = scan->get && (scan->result == (int)scan->vec_len ||
				  n_pages == scan->max_pages);

	if (!scan->revision->walk_end_at || scan->result < 0)
		return;
	must(scan->walk_end >= scan->start &&
	     scan->walk_end <= whole_end(scan), "walk_end out of range");
	must(!scan->result || scan->walk_end >=
	     end_of(scan, &regions[scan->result - 1]),
	     "walk_end before the last region");
	must(scan->walk_end == whole_end(scan) || full || reaches_hugetlb(scan),
	     "walk_end before the end without a reason");
}

static bool in_range(const struct scan *scan, size_t page)
{
	return page >= number(scan->start) && page < number(whole_end(scan));
}

/* Whether the page was protected, or cleaned, by this scan. */
static bool was_done(const struct scan *scan, size_t page)
{
	unsigned was = before[page].facts, is = model.page[page].facts;

	if (scan->revision->clears_soft_dirty)
		return (was & ~is) & (WW_PAGE_SOFT_DIRTY |
				      WW_MAPPING_SOFT_DIRTY);
	return (is & ~was) & WW_PAGE_PROTECTED;
}

/* Whether a delivered page is one that the revision changes. */
static bool is_due(const struct scan *scan, size_t page)
{
	unsigned was = before[page].facts;
	unsigned kind = before[page].kind;

	if (!scan->apply || scan->revision->clears_soft_dirty)
		return scan->apply && was & WW_PAGE_SOFT_DIRTY;
	if (was & WW_PAGE_PROTECTED || !(was & WW_MAPPING_WP))
		return false;
	if (kind == WW_PAGES_ENTRY || kind == WW_PAGES_HUGE)
		return true;
	return kind == WW_PAGES_HUGETLB &&
	       was & (WW_PAGE_PRESENT | WW_PAGE_SWAPPED);
}

static void check_changes(const struct scan *scan)
{
	for (size_t i = 0; i < N_PAGES; i++) {
		bool done = was_done(scan, i);

		must(!done || (scan->apply && in_range(scan, i)),
		     "a change nobody wanted");
		must(!done || !scan->get || scan->result < 0 || emitted[i],
		     "a page changed that was not delivered");
		must(done || !emitted[i] || !is_due(scan, i),
		     "a page was delivered and not changed");
	}
	if (!scan->apply)
		must(!memcmp(before, model.page, sizeof(before)),
		     "the address space changed");
}

/* Looking again without a change gives the same answer. */
static void check_again(struct scan *scan, const union argument *arg)
{
	int result = scan->result;

	if (scan->apply)
		return;
	memcpy(again, regions, sizeof(again));
	run(scan, arg);
	must(scan->result == result && !memcmp(again, regions, sizeof(again)),
	     "another answer to the same question");
}

static bool fails_early(const struct scan *scan)
{
	return scan->result < 0 && scan->revision->fails_first &&
	       scan->result != -EFAULT;
}

static void check(struct scan *scan, const union argument *arg)
{
	size_t n_pages;

	if (fails_early(scan))
		must(!memcmp(before, model.page, sizeof(before)),
		     "it failed and changed something");
	/* a spoilt argument is another one, which only must not do harm */
	if (scan->spoilt || scan->vec == VEC_SHORT)
		return;
	nothing_behind(scan);
	n_pages = check_regions(scan);
	check_walk_end(scan, n_pages);
	check_changes(scan);
	check_again(scan, arg);
}

static bool scan_pages(struct input *input,
		       const struct ww_pagemap_revision *revision, size_t first,
		       size_t n_pages)
{
	struct scan_bytes bytes;
	union argument arg;
	struct scan scan = { .revision = revision };

	if (!take(input, &bytes, sizeof(bytes)))
		return false;
	scan.start = ww_model_at(&model, first);
	scan.end = ww_model_at(&model, first + n_pages);
	if (bytes.cut % WW_PAGEMAP_PAGE && n_pages)
		scan.end -= bytes.cut % WW_PAGEMAP_PAGE;
	scan.vec = bytes.vec % N_VECS;
	load(&arg, &scan, &bytes);
	run(&scan, &arg);
	check(&scan, &arg);
	return true;
}

/* ---- Steps ---- */

static void protect_some(size_t first, size_t n_pages)
{
	if (first + n_pages > N_PAGES)
		n_pages = N_PAGES - first;
	for (size_t i = first; i < first + n_pages; i++)
		if (!(model.page[i].facts & WW_MAPPING_WP) ||
		    model.page[i].kind == WW_PAGES_HUGE ||
		    model.page[i].kind == WW_PAGES_HUGETLB)
			return;
	model.pages.ops->write_protect(&model.pages, ww_model_at(&model, first),
				       ww_model_at(&model, first + n_pages));
}

static bool step(struct input *input,
		 const struct ww_pagemap_revision *revision, int *n_scans)
{
	uint8_t operation;
	uint16_t first, n_pages;

	if (!take(input, &operation, sizeof(operation)) ||
	    !take(input, &first, sizeof(first)) ||
	    !take(input, &n_pages, sizeof(n_pages)))
		return false;
	first %= N_PAGES;
	n_pages %= N_PAGES + 1;
	operation %= N_OPERATIONS;
	if (operation == PROTECT)
		protect_some(first, n_pages);
	else if (operation != SCAN)
		change(operation, first, n_pages);
	else if (--*n_scans < 0)
		return false;
	else
		return scan_pages(input, revision, first, n_pages);
	return true;
}

static void build_wall(void)
{
	wall = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (wall == MAP_FAILED || mprotect(wall + 4096, 4096, PROT_NONE))
		abort();
	wall += 4096 - 2 * sizeof(struct ww_pm_region);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct input input = { data, n_bytes };
	int n_scans = N_SCANS;
	uint8_t which;

	if (!wall)
		build_wall();
	if (!take(&input, &which, sizeof(which)))
		return 0;
	if (ww_model_open(&model, BASE, N_PAGES))
		abort();
	ww_model_map(&model, 0, N_PAGES, WW_MAPPING_WATCHED);
	model.pages.soft_dirty = !(which & 128);
	while (step(&input, revisions[which % 8], &n_scans))
		;
	ww_model_close(&model);
	return 0;
}

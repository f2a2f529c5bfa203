/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the engine asks of a source of pages, and what it makes of a refusal. */
#include "scan.h"

#include <errno.h>

#define NEW(...) SCAN(guard_2026, __VA_ARGS__)

/* ---- The model, with changes that are counted and may fail ---- */

static const struct ww_pages_ops *models;
static int n_changes;
static int fails_at;

static int counted_protect(struct ww_pages *pages, uint64_t start, uint64_t end)
{
	if (++n_changes == fails_at)
		return -ENOMEM;
	return models->write_protect(pages, start, end);
}

static void count_from_now(int failure)
{
	static struct ww_pages_ops counting;

	models = model.pages.ops;
	counting = *models;
	counting.write_protect = counted_protect;
	model.pages.ops = &counting;
	n_changes = 0;
	fails_at = failure;
}

static void armed(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	protect_pages(0, n_pages);
}

/* Nothing is protected again, as no TLB was flushed for it. */
static void row_18_5_nothing_to_protect(void **state)
{
	(void)state;
	armed(1024);
	count_from_now(0);
	is(SCAN(v18, .flags = GET | WP, .required = OLD_W, .returned = 1), "0:");
	is(SCAN(v18, .flags = WP, .excluded = OLD_W, .returned = 1), "0:");
	is(NEW(.flags = MATCHING, .returned = NEW_W), "1: 0-1023=0");
	is(NEW(.flags = MATCHING, .no_vec = true), "0:");
	assert_int_equal(n_changes, 0);
	write_pages(5, 1);
	is(SCAN(v18, .flags = GET | WP, .required = OLD_W, .returned = 1),
	   "1: 5=1");
	assert_int_equal(n_changes, 1);
}

/* A page that cannot be protected is not delivered, and stays written. */
static void remark_X4_failed_protection(void **state)
{
	struct ww_pm_region vec[2] = { { 0 } };
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg), .flags = MATCHING, .vec = (uintptr_t)vec,
		.vec_len = 2, .required = NEW_W, .returned = NEW_W,
	};

	(void)state;
	armed(8);
	write_pages(1, 2);
	write_pages(5, 1);
	count_from_now(2);
	arg.start = ww_model_at(&model, 0);
	arg.end = ww_model_at(&model, 8);
	is(raw(&ww_pagemap_guard_2026, WW_PM_SCAN_MAINLINE, &arg), "ENOMEM");
	assert_int_equal(vec[0].start, ww_model_at(&model, 1));
	assert_int_equal(vec[0].n_pages_or_end, ww_model_at(&model, 3));
	assert_int_equal(vec[1].start, 0);
	is(NEW(.required = NEW_W, .returned = NEW_W), "1: 5=2");
}

/* ---- A hugetlb page of 1 GiB ---- */

#define GIB (UINT64_C(1) << 30)
#define START GIB

static struct ww_pages_unit gigantic = {
	.start = START, .end = START + GIB, .n_whole = GIB,
	.kind = WW_PAGES_HUGETLB,
	.facts = WATCHED | WW_MAPPING_FILE | WW_PAGE_FILE | WW_PAGE_PRESENT,
};

static int next_gigantic(struct ww_pages *pages, uint64_t at, uint64_t end,
			 struct ww_pages_unit *unit)
{
	(void)pages;
	*unit = gigantic;
	if (unit->start < at)
		unit->start = at;
	if (unit->end > end)
		unit->end = end;
	return unit->start < unit->end;
}

static int protect_gigantic(struct ww_pages *pages, uint64_t start,
			    uint64_t end)
{
	(void)pages;
	assert_int_equal(start, START);
	assert_int_equal(end, START + GIB);
	gigantic.facts |= WW_PAGE_PROTECTED;
	return 0;
}

static int take_gigantic(uint64_t n_bytes, uint64_t max_pages,
			 struct ww_pm_arg_mainline *arg)
{
	static const struct ww_pages_ops ops = {
		.next = next_gigantic, .write_protect = protect_gigantic,
	};
	static struct ww_pm_region region;
	struct ww_pages pages = { &ops, UINT64_C(0x7ffffffff000), false };

	*arg = (struct ww_pm_arg_mainline){
		.size = sizeof(*arg), .flags = MATCHING, .start = START,
		.end = START + n_bytes, .vec = (uintptr_t)&region, .vec_len = 1,
		.max_pages = max_pages, .required = NEW_W, .returned = NEW_W,
	};
	return ww_pagemap_engine_scan(&ww_pagemap_guard_2026, &pages,
				      WW_PM_SCAN_MAINLINE, arg);
}

static void remark_X10_gigantic_page(void **state)
{
	struct ww_pm_arg_mainline arg;

	(void)state;
	/* 2 MiB of it, and all but one page, are parts */
	assert_int_equal(take_gigantic(WW_PAGEMAP_TABLE, 0, &arg), 0);
	assert_int_equal(arg.walk_end, START);
	assert_int_equal(take_gigantic(GIB, GIB / 4096 - 1, &arg), 0);
	assert_int_equal(arg.walk_end, START);
	assert_int_equal(take_gigantic(GIB, GIB / 4096, &arg), 1);
	assert_int_equal(arg.walk_end, START + GIB);
	assert_int_equal(take_gigantic(GIB, 0, &arg), 0);
}

/* Both fixes of 2026, before and after. */
static void remark_X10_untouched_memory(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	read_pages(0, 1);
	is(SCAN(guard, .required = NEW_W, .returned = NEW_W | NEW_P), "1: 0=a");
	is(NEW(.required = NEW_W, .returned = NEW_W | NEW_P),
	   "2: 0=a 1-1023=2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_18_5_nothing_to_protect),
		cmocka_unit_test(remark_X4_failed_protection),
		cmocka_unit_test(remark_X10_gigantic_page),
		cmocka_unit_test(remark_X10_untouched_memory),
	};

	return RUN(tests);
}

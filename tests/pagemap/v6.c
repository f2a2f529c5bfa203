/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* v6, on the soft-dirty bit: what was posted in November 2022. */
#include "scan.h"

#define SD WW_MAPPING_SOFT_DIRTY
#define CLEAR 1
#define NO_REUSED 2

static const char *dirty(void)
{
	return SCAN(v6, .required = OLD_W, .returned = OLD_W);
}

static void row_6_1_request(void **state)
{
	struct ww_pm_arg_v6 arg = { 0 };

	(void)state;
	fresh(1, 0);
	assert_int_equal(WW_PM_SCAN_V6, 0xC0486610);
	assert_int_equal(sizeof(struct ww_pm_arg_v6), 72);
	is(raw(&ww_pagemap_v6, 0xC0486611, &arg), "EINVAL");
}

static void row_6_2_argument(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct ww_pm_arg_v6, start), 0);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, n_bytes), 8);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, vec), 16);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, vec_len), 24);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, max_pages), 32);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, flags), 36);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, required), 40);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, anyof), 48);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, excluded), 56);
	assert_int_equal(offsetof(struct ww_pm_arg_v6, returned), 64);
}

static void row_6_3_region_counts_pages(void **state)
{
	struct ww_pm_region region = { 0 };
	struct ww_pm_arg_v6 arg = {
		.vec = (uintptr_t)&region, .vec_len = 1, .required = OLD_W,
		.returned = OLD_W,
	};

	(void)state;
	fresh(8, 0);
	write_pages(2, 3);
	arg.start = ww_model_at(&model, 0);
	arg.n_bytes = 8 * WW_PAGEMAP_PAGE;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "1");
	assert_int_equal(region.start, ww_model_at(&model, 2));
	assert_int_equal(region.n_pages_or_end, 3);
	assert_int_equal(region.bits, OLD_W);
}

static void row_6_4_categories(void **state)
{
	(void)state;
	fresh(4, WW_MAPPING_FILE);
	write_pages(0, 2);
	ww_model_swap_out(&model, 1, 1);
	read_pages(2, 1);
	is(SCAN(v6, .required = OLD_F, .returned = 15), "4: 0=7 1=b 2=6 3=2");
}

static void row_6_5_flags(void **state)
{
	(void)state;
	fresh(1, SD);
	is(SCAN(v6, .flags = 4, .required = OLD_W, .returned = 1), "EINVAL");
	is(SCAN(v6, .flags = NO_REUSED, .required = OLD_W, .returned = 1), "0:");
	is(SCAN(v6, .flags = CLEAR, .required = OLD_W, .returned = 1), "1: 0=1");
}

static void row_6_6_operations(void **state)
{
	(void)state;
	fresh(4, 0);
	write_pages(0, 4);
	/* neither: nothing happens */
	is(SCAN(v6, .no_vec = true, .required = OLD_W, .returned = 1), "0:");
	is(dirty(), "1: 0-3=1");
	is(SCAN(v6, .flags = CLEAR, .n_pages = 1, .required = OLD_W,
		.returned = 1), "1: 0=1");
	is(SCAN(v6, .flags = CLEAR, .no_vec = true, .n_pages = 2,
		.required = OLD_W, .returned = 1), "0:");
	is(dirty(), "1: 2-3=1");
}

static void row_6_7_validation_order(void **state)
{
	struct ww_pm_arg_v6 arg = {
		.start = 1, .n_bytes = 0, .vec = UINT64_MAX, .vec_len = 0,
		.flags = 4, .required = 16,
	};
	struct ww_pm_region region;

	(void)state;
	fresh(1, 0);
	model.pages.soft_dirty = false;
	is(raw(&ww_pagemap_v6, 0, NULL), "EINVAL");
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, NULL), "EFAULT");
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.start = UINT64_C(1) << 63;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.start = ww_model_at(&model, 0);
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "ENOMEM");
	arg.vec_len = 1;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "ENOMEM");
	arg.vec = (uintptr_t)&region;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.flags = CLEAR;
	arg.required = OLD_W;
	arg.returned = OLD_W;
	arg.n_bytes = 1;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	model.pages.soft_dirty = true;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "0");
	arg.required = 0;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.excluded = OLD_P;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "0");
	arg.vec = 0;
	arg.returned = 0;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.returned = OLD_W;
	arg.anyof = OLD_W | OLD_F;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.flags = NO_REUSED;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.flags = 0;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "0");
}

/* The length of the array counts as bytes in the early check; the copy decides. */
static void row_6_7_array_in_bytes(void **state)
{
	(void)state;
	fresh(2, 0);
	write_pages(0, 2);
	is(SCAN(v6, .vec = model.pages.limit - 24, .vec_len = 24,
		.required = OLD_W, .returned = 1), "EFAULT");
	is(SCAN(v6, .vec = model.pages.limit - 24, .vec_len = 25,
		.required = OLD_W, .returned = 1), "ENOMEM");
}

static void row_6_8_unknown_request(void **state)
{
	struct ww_pm_arg_v6 arg = { 0 };

	(void)state;
	fresh(1, 0);
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V16, &arg), "EINVAL");
	is(raw(&ww_pagemap_v6, 0, &arg), "EINVAL");
}

static void row_6_9_no_length(void **state)
{
	struct ww_pm_arg_v6 arg = { .required = OLD_W, .returned = OLD_W };

	(void)state;
	fresh(1, 0);
	arg.start = ww_model_at(&model, 0);
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "EINVAL");
}

static void row_6_10_filter(void **state)
{
	(void)state;
	fresh(4, 0);
	write_pages(1, 2);
	ww_model_swap_out(&model, 2, 1);
	is(SCAN(v6, .required = OLD_W | OLD_P, .returned = 15), "1: 1=5");
	is(SCAN(v6, .anyof = OLD_P | OLD_S, .returned = 15), "2: 1=5 2=9");
	is(SCAN(v6, .anyof = OLD_W, .excluded = OLD_S, .returned = 15), "1: 1=5");
	/* nothing to return is nothing found, and does not count */
	is(SCAN(v6, .required = OLD_W, .returned = OLD_S, .max_pages = 1),
	   "1: 2=8");
}

static void row_6_11_soft_dirty_of_mappings(void **state)
{
	(void)state;
	fresh(4, SD);
	is(dirty(), "1: 0-3=1");
	read_pages(1, 1);
	is(dirty(), "1: 0-3=1");
	is(SCAN(v6, .flags = NO_REUSED, .required = OLD_W, .returned = 1), "0:");
	write_pages(2, 1);
	is(SCAN(v6, .flags = NO_REUSED, .required = OLD_W, .returned = 1),
	   "1: 2=1");
}

static void row_6_12_no_reused_regions(void **state)
{
	(void)state;
	fresh(4, SD);
	write_pages(1, 1);
	is(SCAN(v6, .flags = NO_REUSED | CLEAR, .required = OLD_W,
		.returned = 1), "1: 1=1");
	is(SCAN(v6, .flags = NO_REUSED, .required = OLD_W, .returned = 1), "0:");
	/* the mapping still says so */
	is(dirty(), "1: 0-3=1");
}

static void row_6_13_file(void **state)
{
	(void)state;
	fresh(2, WW_MAPPING_FILE);
	is(SCAN(v6, .required = OLD_F, .returned = OLD_F), "1: 0-1=2");
	fresh(2, 0);
	is(SCAN(v6, .required = OLD_F, .returned = OLD_F), "0:");
}

static void row_6_14_clean_huge_page_is_reported(void **state)
{
	(void)state;
	fresh(512, 0);
	ww_model_collapse(&model, 0, true);
	is(SCAN(v6, .required = OLD_P, .returned = 15), "1: 0-511=4");
}

static void row_6_15_huge_page_split_by_both(void **state)
{
	(void)state;
	fresh(512, 0);
	ww_model_collapse(&model, 0, false);
	is(SCAN(v6, .flags = CLEAR, .first = 500, .required = OLD_W,
		.returned = 1), "1: 500-511=1");
	is(dirty(), "1: 0-499=1");
	fresh(512, 0);
	ww_model_collapse(&model, 0, false);
	is(SCAN(v6, .flags = CLEAR, .max_pages = 100, .required = OLD_W,
		.returned = 1), "1: 0-99=1");
	is(dirty(), "1: 100-511=1");
}

static void row_6_16_rejected_pages_stay_dirty(void **state)
{
	(void)state;
	fresh(4, 0);
	write_pages(0, 4);
	ww_model_swap_out(&model, 0, 2);
	is(SCAN(v6, .flags = CLEAR, .required = OLD_W, .excluded = OLD_S,
		.returned = 1), "1: 2-3=1");
	is(dirty(), "1: 0-1=1");
}

static void row_6_17_max_pages(void **state)
{
	(void)state;
	fresh(1024, SD);
	is(SCAN(v6, .max_pages = 700, .required = OLD_W, .returned = 1),
	   "1: 0-699=1");
	/* reached before the next mapping: no error, nothing empty */
	ww_model_map(&model, 512, 512, SD | WW_MAPPING_FILE);
	is(SCAN(v6, .max_pages = 512, .required = OLD_W, .returned = 1),
	   "1: 0-511=1");
	is(SCAN(v6, .max_pages = 512, .required = OLD_W, .returned = 15),
	   "1: 0-511=1");
}

static void row_6_18_full_array_stops(void **state)
{
	(void)state;
	fresh(8, 0);
	write_pages(0, 1);
	write_pages(2, 1);
	write_pages(4, 1);
	is(SCAN(v6, .flags = CLEAR, .vec_len = 2, .required = OLD_W,
		.returned = 1), "2: 0=1 2=1");
	is(dirty(), "1: 4=1");
}

static void row_6_19_merge(void **state)
{
	(void)state;
	fresh(2048, SD);
	write_pages(100, 1000);
	ww_model_map(&model, 700, 10, SD);
	is(dirty(), "1: 0-2047=1");
}

static void row_6_20_no_buffer_of_that_length(void **state)
{
	static struct ww_pm_region region;
	struct ww_pm_arg_v6 arg = {
		.vec = (uintptr_t)&region, .vec_len = UINT64_C(1) << 40,
		.required = OLD_W, .returned = OLD_W,
	};

	(void)state;
	fresh(2, 0);
	write_pages(0, 1);
	arg.start = ww_model_at(&model, 0);
	arg.n_bytes = WW_PAGEMAP_PAGE;
	is(raw(&ww_pagemap_v6, WW_PM_SCAN_V6, &arg), "1");
	assert_int_equal(region.n_pages_or_end, 1);
}

static void row_6_21_result(void **state)
{
	(void)state;
	fresh(4, 0);
	write_pages(0, 1);
	write_pages(3, 1);
	is(dirty(), "2: 0=1 3=1");
	is(SCAN(v6, .flags = CLEAR, .no_vec = true, .required = OLD_W,
		.returned = 1), "0:");
	is(dirty(), "0:");
}

static void row_6_22_mapping_cleared_as_delivered(void **state)
{
	(void)state;
	fresh(16, SD);
	is(SCAN(v6, .flags = CLEAR, .first = 4, .n_pages = 8, .max_pages = 4,
		.required = OLD_W, .returned = 1), "1: 4-7=1");
	is(dirty(), "2: 0-3=1 8-15=1");
	/* a full array: nothing more is cleared */
	is(SCAN(v6, .flags = CLEAR, .vec_len = 1, .required = OLD_W,
		.returned = 1), "1: 0-3=1");
	is(dirty(), "1: 8-15=1");
}

static void row_6_24_pfnmap(void **state)
{
	(void)state;
	fresh(4, SD);
	ww_model_map(&model, 1, 2, SD | WW_MAPPING_PFNMAP);
	is(dirty(), "2: 0=1 3=1");
}

static void row_6_25_hugetlb(void **state)
{
	(void)state;
	fresh(1024, SD);
	ww_model_map_hugetlb(&model, 0, 512, SD);
	write_pages(0, 1);
	is(dirty(), "1: 512-1023=1");
}

/* Without the bit, the other categories are there all the same. */
static void row_6_27_without_soft_dirty(void **state)
{
	(void)state;
	fresh(4, SD);
	write_pages(1, 2);
	model.pages.soft_dirty = false;
	is(SCAN(v6, .required = OLD_P, .returned = 15), "1: 1-2=4");
	is(SCAN(v6, .anyof = OLD_P | OLD_S, .excluded = OLD_W, .returned = 15),
	   "1: 1-2=4");
	is(dirty(), "EINVAL");
	/* and masks of 64 bits */
	is(SCAN(v6, .required = UINT64_C(1) << 32, .returned = 15), "EINVAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_6_1_request),
		cmocka_unit_test(row_6_2_argument),
		cmocka_unit_test(row_6_3_region_counts_pages),
		cmocka_unit_test(row_6_4_categories),
		cmocka_unit_test(row_6_5_flags),
		cmocka_unit_test(row_6_6_operations),
		cmocka_unit_test(row_6_7_validation_order),
		cmocka_unit_test(row_6_7_array_in_bytes),
		cmocka_unit_test(row_6_8_unknown_request),
		cmocka_unit_test(row_6_9_no_length),
		cmocka_unit_test(row_6_10_filter),
		cmocka_unit_test(row_6_11_soft_dirty_of_mappings),
		cmocka_unit_test(row_6_12_no_reused_regions),
		cmocka_unit_test(row_6_13_file),
		cmocka_unit_test(row_6_14_clean_huge_page_is_reported),
		cmocka_unit_test(row_6_15_huge_page_split_by_both),
		cmocka_unit_test(row_6_16_rejected_pages_stay_dirty),
		cmocka_unit_test(row_6_17_max_pages),
		cmocka_unit_test(row_6_18_full_array_stops),
		cmocka_unit_test(row_6_19_merge),
		cmocka_unit_test(row_6_20_no_buffer_of_that_length),
		cmocka_unit_test(row_6_21_result),
		cmocka_unit_test(row_6_22_mapping_cleared_as_delivered),
		cmocka_unit_test(row_6_24_pfnmap),
		cmocka_unit_test(row_6_25_hugetlb),
		cmocka_unit_test(row_6_27_without_soft_dirty),
	};

	return RUN(tests);
}

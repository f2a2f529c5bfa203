/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* v16 and where v18 differs from it: May and June 2023. */
#include "scan.h"

#include <stdio.h>

static const char *written(void)
{
	return SCAN(v16, .flags = GET, .required = OLD_W, .returned = OLD_W);
}

static void armed(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	protect_pages(0, n_pages);
}

/* Both revisions answer the same. */
#define BOTH(wanted, ...) do { \
		is(SCAN(v16, __VA_ARGS__), wanted); \
		is(SCAN(v18, __VA_ARGS__), wanted); \
	} while (0)

static void row_16_1_request(void **state)
{
	(void)state;
	assert_int_equal(WW_PM_SCAN_V16, 0xC0586610);
	assert_int_equal(sizeof(struct ww_pm_arg_v16), 88);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, flags), 8);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, start), 16);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, n_bytes), 24);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, vec), 32);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, vec_len), 40);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, max_pages), 48);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, required), 56);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, anyof), 64);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, excluded), 72);
	assert_int_equal(offsetof(struct ww_pm_arg_v16, returned), 80);
}

static void row_16_2_operations(void **state)
{
	(void)state;
	armed(4);
	write_pages(0, 4);
	BOTH("0:", .flags = 0, .required = OLD_W, .returned = 1);
	BOTH("1: 0-3=1", .flags = GET, .required = OLD_W, .returned = 1);
	is(SCAN(v16, .flags = GET | WP, .n_pages = 1, .required = OLD_W,
		.returned = 1), "1: 0=1");
	is(SCAN(v18, .flags = WP, .n_pages = 2, .required = OLD_W,
		.returned = 1), "0:");
	is(written(), "1: 2-3=1");
}

static void validation(const struct ww_pagemap_revision *revision)
{
	struct ww_pm_region region;
	struct ww_pm_arg_v16 arg = {
		.size = 96, .flags = GET | WP | 4, .start = 1, .vec_len = 0,
		.max_pages = 1,
	};

	fresh(1, WATCHED);
	is(raw(revision, WW_PM_SCAN_V6, &arg), "EINVAL");
	is(raw(revision, WW_PM_SCAN_V16, NULL), "EFAULT");
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.size = 88;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.flags = GET | WP;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.start = UINT64_C(1) << 63;
	/* not EFAULT yet: no length, masks */
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.n_bytes = WW_PAGEMAP_PAGE;
	arg.required = 16;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.required = 0;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.required = OLD_F;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.returned = OLD_W;
	arg.start++;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.start--;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EFAULT");
	arg.start = ww_model_at(&model, 0);
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.vec = (uintptr_t)&region;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.vec_len = 1;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.required = OLD_W;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "0");
	arg.flags = WP;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	arg.max_pages = 0;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "0");
	arg.excluded = OLD_S;
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
}

static void row_16_3_validation_order(void **state)
{
	(void)state;
	validation(&ww_pagemap_v16);
	validation(&ww_pagemap_v18);
}

static void row_16_4_set_up(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		static const unsigned partly[] = {
			0, WW_MAPPING_WP, WW_MAPPING_ASYNC,
		};

		fresh(1, partly[i] | WW_MAPPING_PFNMAP);
		is(written(), "EPERM");
		is(SCAN(v16, .flags = GET, .anyof = OLD_W, .returned = 1),
		   "EPERM");
		is(SCAN(v16, .flags = GET, .excluded = OLD_W, .returned = 15),
		   "EPERM");
		is(SCAN(v16, .flags = GET, .excluded = OLD_P, .returned = 1),
		   "0:");
	}
	fresh(1, WATCHED | WW_MAPPING_PFNMAP);
	is(written(), "0:");
}

static void row_16_5_filter(void **state)
{
	(void)state;
	armed(4);
	write_pages(1, 2);
	ww_model_swap_out(&model, 2, 1);
	BOTH("1: 1=5", .flags = GET, .required = OLD_W | OLD_P,
	     .returned = 15);
	BOTH("2: 1=5 2=9", .flags = GET, .anyof = OLD_W | OLD_P,
	     .returned = 15);
	BOTH("2: 0=8 2-3=8", .flags = GET, .excluded = OLD_P,
	     .returned = OLD_S);
}

static void row_16_6_categories(void **state)
{
	(void)state;
	fresh(4, WATCHED | WW_MAPPING_FILE);
	write_pages(0, 3);
	protect_pages(1, 1);
	ww_model_swap_out(&model, 2, 1);
	BOTH("4: 0=7 1=6 2=b 3=3", .flags = GET, .required = OLD_F,
	     .returned = 15);
}

static void row_16_7_rejected_pages_stay_written(void **state)
{
	(void)state;
	armed(8);
	write_pages(0, 8);
	BOTH("0:", .flags = GET | WP, .required = OLD_W, .returned = OLD_S);
	BOTH("0:", .flags = GET | WP, .excluded = OLD_W, .returned = OLD_W);
	is(written(), "1: 0-7=1");
	/* the page that was the last to fit is protected, the next is not */
	is(SCAN(v16, .flags = GET | WP, .max_pages = 2, .required = OLD_W,
		.returned = 1), "1: 0-1=1");
	protect_pages(3, 1);
	is(SCAN(v18, .flags = GET | WP, .vec_len = 1, .required = OLD_W,
		.returned = 1), "1: 2=1");
	is(written(), "1: 4-7=1");
}

static void row_16_8_empty_entries_are_armed(void **state)
{
	(void)state;
	fresh(4, WATCHED);
	write_pages(0, 1);
	is(SCAN(v16, .flags = GET | WP, .required = OLD_W, .returned = 1),
	   "1: 0-3=1");
	is(written(), "0:");
}

static void row_16_9_huge_pages(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	ww_model_collapse(&model, 0, false);
	ww_model_collapse(&model, 512, false);
	/* without WP nothing is split */
	is(SCAN(v16, .flags = GET, .max_pages = 520, .required = OLD_W,
		.returned = 1), "1: 0-519=1");
	assert_int_equal(model.page[512].kind, WW_PAGES_HUGE);
	is(SCAN(v16, .flags = GET | WP, .max_pages = 520, .required = OLD_W,
		.returned = 1), "1: 0-519=1");
	assert_int_equal(model.page[0].kind, WW_PAGES_HUGE);
	assert_int_equal(model.page[512].kind, WW_PAGES_ENTRY);
	is(written(), "1: 520-1023=1");
	/* only the range cuts a WP alone */
	ww_model_collapse(&model, 0, false);
	is(SCAN(v16, .flags = WP, .n_pages = 10, .required = OLD_W,
		.returned = 1), "0:");
	is(written(), "2: 10-511=1 520-1023=1");
}

static void hugetlb(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	ww_model_map_hugetlb(&model, 0, n_pages, WATCHED);
}

static void row_16_10_hugetlb(void **state)
{
	(void)state;
	hugetlb(1024);
	write_pages(0, 1);
	BOTH("1: 0-1023=3", .flags = GET, .required = OLD_W, .returned = 3);
	BOTH("1: 0-599=1", .flags = GET, .max_pages = 600, .required = OLD_W,
	     .returned = 1);
	is(SCAN(v16, .flags = GET | WP, .max_pages = 600, .required = OLD_W,
		.returned = 1), "EPERM");
	is(SCAN(v16, .flags = WP, .n_pages = 600, .required = OLD_W,
		.returned = 1), "EPERM");
	/* an error on the way: nothing was done */
	is(written(), "1: 0-1023=1");
	is(SCAN(v16, .flags = GET | WP, .required = OLD_W, .returned = 1),
	   "1: 0-1023=1");
	/* the second, never touched, has a marker */
	is(SCAN(v16, .flags = GET, .anyof = 15, .returned = 15),
	   "2: 0-511=6 512-1023=a");
	/* a part of a clean one is no error */
	is(SCAN(v16, .flags = GET | WP, .n_pages = 100, .required = OLD_W,
		.returned = 1), "0:");
}

static void row_16_11_holes(void **state)
{
	(void)state;
	fresh(1024, WATCHED | WW_MAPPING_FILE);
	is(written(), "0:");
	BOTH("1: 0-1023=2", .flags = GET, .excluded = OLD_P, .returned = 15);
	BOTH("1: 0-699=2", .flags = GET, .max_pages = 700, .excluded = OLD_P,
	     .returned = 15);
	BOTH("0:", .flags = WP, .required = OLD_W, .returned = 1);
	BOTH("1: 0-1023=2", .flags = GET | WP, .excluded = OLD_W,
	     .returned = OLD_F);
	assert_int_equal(model.page[0].kind, WW_PAGES_HOLE);
}

static void row_16_12_last_region_across_chunks(void **state)
{
	(void)state;
	armed(2048);
	write_pages(500, 1040);
	BOTH("1: 500-1539=1", .flags = GET, .required = OLD_W, .returned = 1);
}

static void row_16_13_full_array_is_no_error(void **state)
{
	(void)state;
	armed(8);
	write_pages(0, 1);
	write_pages(2, 2);
	BOTH("1: 0=1", .flags = GET, .vec_len = 1, .required = OLD_W,
	     .returned = 1);
	/* the last region still grows */
	BOTH("2: 0=1 2-3=1", .flags = GET, .vec_len = 2, .required = OLD_W,
	     .returned = 1);
}

static void row_16_14_stops_at_max_pages(void **state)
{
	(void)state;
	armed(8);
	write_pages(0, 4);
	ww_model_map(&model, 4, 4, 0);
	BOTH("1: 0-3=1", .flags = GET, .max_pages = 4, .required = OLD_W,
	     .returned = 1);
	BOTH("EPERM", .flags = GET, .max_pages = 5, .required = OLD_W,
	     .returned = 1);
}

static void row_16_15_unaligned_length(void **state)
{
	(void)state;
	fresh(1024, WATCHED | WW_MAPPING_FILE);
	ww_model_collapse(&model, 0, false);
	/* all pages that the range touches are in it */
	BOTH("2: 0-511=7 512-600=2", .flags = GET, .n_pages = 600,
	     .n_more_bytes = 1, .excluded = OLD_S, .returned = 15);
	BOTH("1: 0-10=7", .flags = GET, .n_pages = 10, .n_more_bytes = 4095,
	     .excluded = OLD_S, .returned = 15);
}

static void row_16_16_range_of_many_chunks(void **state)
{
	(void)state;
	armed(4096);
	for (size_t i = 0; i < 4096; i += 1024)
		write_pages(i, 1);
	BOTH("4: 0=1 1024=1 2048=1 3072=1", .flags = GET, .required = OLD_W,
	     .returned = 1);
	BOTH("2: 1024=1 2048=1", .flags = GET, .first = 1, .n_pages = 3000,
	     .required = OLD_W, .returned = 1);
}

static void row_16_17_late_fault(void **state)
{
	(void)state;
	armed(4);
	write_pages(0, 4);
	BOTH("EFAULT", .flags = GET, .vec = (uintptr_t)read_only_page(),
	     .required = OLD_W, .returned = 1);
	is(written(), "1: 0-3=1");
	/* as in the kernel, what was protected stays protected */
	is(SCAN(v16, .flags = GET | WP, .vec = (uintptr_t)read_only_page(),
		.required = OLD_W, .returned = 1), "EFAULT");
	is(written(), "0:");
}

static void row_16_20_result(void **state)
{
	(void)state;
	armed(4);
	write_pages(0, 1);
	write_pages(2, 1);
	BOTH("2: 0=1 2=1", .flags = GET, .required = OLD_W, .returned = 1);
	BOTH("0:", .flags = WP, .required = OLD_W, .returned = 1);
}

static void row_16_22_changelog(void **state)
{
	(void)state;
	armed(1024);
	for (size_t i = 0; i < 1024; i += 2)
		write_pages(i, 1);
	/* one element past the array until v15; no WP alone from v11 to v15 */
	BOTH("1: 0=1", .flags = GET, .vec_len = 1, .required = OLD_W,
	     .returned = 1);
	BOTH("0:", .flags = WP, .required = OLD_W, .returned = 1);
	is(written(), "0:");
}

static void row_18_1_set_up(void **state)
{
	(void)state;
	fresh(1, WW_MAPPING_WP | WW_MAPPING_ASYNC);
	is(written(), "0:");
	is(SCAN(v18, .flags = GET, .required = OLD_W, .returned = 1), "EPERM");
	fresh(1, WW_MAPPING_ASYNC | WW_MAPPING_MARKERS);
	is(SCAN(v18, .flags = GET, .required = OLD_W, .returned = 1), "0:");
	is(written(), "EPERM");
}

static void row_18_2_markers(void **state)
{
	(void)state;
	fresh(4, WATCHED);
	write_pages(0, 1);
	is(SCAN(v18, .flags = GET | WP, .required = OLD_W, .returned = 1),
	   "1: 0-3=1");
	is(SCAN(v18, .flags = GET, .anyof = 15, .returned = 15),
	   "2: 0=4 1-3=8");
}

static void row_18_3_hugetlb(void **state)
{
	(void)state;
	hugetlb(1024);
	write_pages(0, 1);
	is(SCAN(v18, .flags = WP, .n_pages = 100, .required = OLD_W,
		.returned = 1), "EINVAL");
	is(SCAN(v18, .flags = GET | WP, .max_pages = 600, .required = OLD_W,
		.returned = 1), "ENOSPC");
	is(written(), "1: 0-1023=1");
	protect_pages(0, 1024);
	is(SCAN(v18, .flags = WP, .n_pages = 100, .required = OLD_W,
		.returned = 1), "EINVAL");
	is(SCAN(v18, .flags = GET | WP, .max_pages = 600, .required = OLD_W,
		.returned = 1), "0:");
}

static void row_18_4_array_of_512_and_more(void **state)
{
	const char *text;

	(void)state;
	armed(2048);
	for (size_t i = 0; i < 2048; i += 2)
		write_pages(i, 1);
	for (uint64_t n = 511; n <= 514; n++) {
		char count[8];

		snprintf(count, sizeof(count), "%d:", (int)n);
		text = SCAN(v18, .flags = GET, .vec_len = n, .required = OLD_W,
			    .returned = 1);
		assert_memory_equal(text, count, 4);
	}
}

static void row_18_6_error_on_the_way_changes_nothing(void **state)
{
	(void)state;
	armed(8);
	write_pages(0, 8);
	ww_model_map(&model, 6, 2, 0);
	BOTH("EPERM", .flags = GET | WP, .required = OLD_W, .returned = 1);
	BOTH("1: 0-5=1", .flags = GET, .n_pages = 6, .required = OLD_W,
	     .returned = 1);
}

static void row_18_7_no_page_table(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	write_pages(600, 1);
	is(SCAN(v18, .flags = GET | WP, .required = OLD_W, .returned = 1),
	   "1: 512-1023=1");
}

static void row_18_9_intent(void **state)
{
	(void)state;
	armed(8);
	write_pages(0, 8);
	protect_pages(2, 1);
	/* until enough pages are found, */
	is(SCAN(v18, .flags = GET | WP, .max_pages = 3, .required = OLD_W,
		.returned = 1), "2: 0-1=1 3=1");
	/* or the array is full, */
	protect_pages(5, 1);
	is(SCAN(v18, .flags = GET | WP, .vec_len = 1, .required = OLD_W,
		.returned = 1), "1: 4=1");
	/* or the range ends */
	is(SCAN(v18, .flags = GET | WP, .required = OLD_W, .returned = 1),
	   "1: 6-7=1");
	is(written(), "0:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_16_1_request),
		cmocka_unit_test(row_16_2_operations),
		cmocka_unit_test(row_16_3_validation_order),
		cmocka_unit_test(row_16_4_set_up),
		cmocka_unit_test(row_16_5_filter),
		cmocka_unit_test(row_16_6_categories),
		cmocka_unit_test(row_16_7_rejected_pages_stay_written),
		cmocka_unit_test(row_16_8_empty_entries_are_armed),
		cmocka_unit_test(row_16_9_huge_pages),
		cmocka_unit_test(row_16_10_hugetlb),
		cmocka_unit_test(row_16_11_holes),
		cmocka_unit_test(row_16_12_last_region_across_chunks),
		cmocka_unit_test(row_16_13_full_array_is_no_error),
		cmocka_unit_test(row_16_14_stops_at_max_pages),
		cmocka_unit_test(row_16_15_unaligned_length),
		cmocka_unit_test(row_16_16_range_of_many_chunks),
		cmocka_unit_test(row_16_17_late_fault),
		cmocka_unit_test(row_16_20_result),
		cmocka_unit_test(row_16_22_changelog),
		cmocka_unit_test(row_18_1_set_up),
		cmocka_unit_test(row_18_2_markers),
		cmocka_unit_test(row_18_3_hugetlb),
		cmocka_unit_test(row_18_4_array_of_512_and_more),
		cmocka_unit_test(row_18_6_error_on_the_way_changes_nothing),
		cmocka_unit_test(row_18_7_no_page_table),
		cmocka_unit_test(row_18_9_intent),
	};

	return RUN(tests);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mainline in its three generations: 6.7, with guard regions, with the fixes of
 * 2026. */
#include "scan.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define NEW(...) SCAN(guard_2026, __VA_ARGS__)
#define EACH(wanted, ...) do { \
		is(SCAN(mainline, __VA_ARGS__), wanted); \
		is(SCAN(guard, __VA_ARGS__), wanted); \
		is(SCAN(guard_2026, __VA_ARGS__), wanted); \
	} while (0)

static const char *written(void)
{
	return NEW(.required = NEW_W, .returned = NEW_W);
}

static void armed(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	protect_pages(0, n_pages);
}

static void row_M_1_request(void **state)
{
	(void)state;
	assert_int_equal(WW_PM_SCAN_MAINLINE, 0xC0606610);
	assert_int_equal(sizeof(struct ww_pm_arg_mainline), 96);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, flags), 8);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, start), 16);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, end), 24);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, walk_end), 32);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, vec), 40);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, vec_len), 48);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, max_pages), 56);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, inverted), 64);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, required), 72);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, anyof), 80);
	assert_int_equal(offsetof(struct ww_pm_arg_mainline, returned), 88);
	/* an end within a page */
	armed(4);
	write_pages(1, 1);
	EACH("1: 1=2", .n_pages = 1, .n_more_bytes = 1, .required = NEW_W,
	     .returned = NEW_W);
}

static void row_M_2_validation_order(void **state)
{
	const struct ww_pagemap_revision *revision = &ww_pagemap_guard_2026;
	struct ww_pm_arg_mainline arg = {
		.size = 88, .flags = 4, .start = 1, .end = 0, .walk_end = 77,
		.vec_len = 1, .anyof = 512,
	};

	(void)state;
	armed(1);
	is(raw(revision, WW_PM_SCAN_V16, &arg), "EINVAL");
	is(raw(revision, WW_PM_SCAN_MAINLINE, NULL), "EFAULT");
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
	arg.size = 96;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
	arg.flags = 0;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
	arg.anyof = 0;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
	arg.start = ww_model_at(&model, 0);
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EFAULT");
	arg.end = model.pages.limit + 1;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EFAULT");
	arg.end = ww_model_at(&model, 1);
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
	arg.vec = UINT64_C(1) << 63;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EFAULT");
	arg.vec = 4096;
	arg.vec_len = UINT64_MAX / 24 + 1;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "EFAULT");
	assert_int_equal(arg.walk_end, 77);
	arg.vec_len = 0;
	is(raw(revision, WW_PM_SCAN_MAINLINE, &arg), "0");
	assert_int_equal(arg.walk_end, arg.end);
}

static void row_M_3_select(void **state)
{
	(void)state;
	armed(4);
	write_pages(1, 2);
	ww_model_swap_out(&model, 2, 1);
	EACH("2: 1=a 2=12", .required = NEW_W, .returned = NEW_W | NEW_P | NEW_S);
	/* inverted alone selects nothing out */
	EACH("1: 1-3=0", .first = 1, .inverted = NEW_W | NEW_P | NEW_F);
	EACH("2: 0=0 3=0", .inverted = NEW_W, .required = NEW_W);
	EACH("2: 0=10 2-3=10", .inverted = NEW_P, .anyof = NEW_P,
	     .returned = NEW_S);
	EACH("1: 2=2", .inverted = NEW_P, .required = NEW_P | NEW_W,
	     .returned = NEW_W);
	/* no masks: everything */
	EACH("1: 0-3=0", .returned = 0);
}

static void row_M_4_mappings_first(void **state)
{
	(void)state;
	fresh(6, 0);
	ww_model_register(&model, 2, 2);
	read_pages(0, 6);
	EACH("1: 2-3=9", .required = NEW_A, .returned = NEW_A | NEW_P);
	EACH("2: 0-1=8 4-5=8", .inverted = NEW_A, .required = NEW_A,
	     .returned = NEW_A | NEW_P);
	/* even a reset, which knows no other mask, stays out */
	EACH("0:", .flags = MATCHING, .no_vec = true, .inverted = NEW_A,
	     .required = NEW_A);
	is(written(), "1: 0-5=2");
	EACH("0:", .flags = MATCHING, .no_vec = true, .required = NEW_A);
	is(written(), "2: 0-1=2 4-5=2");
}

static void row_M_5_order_in_a_mapping(void **state)
{
	(void)state;
	fresh(4, 0);
	ww_model_register(&model, 0, 2);
	write_pages(0, 4);
	EACH("EPERM", .flags = CHECK, .required = NEW_W, .returned = NEW_W);
	EACH("1: 0-1=2", .flags = CHECK, .n_pages = 2, .required = NEW_W,
	     .returned = NEW_W);
	is(NEW(.flags = MATCHING, .required = NEW_W, .returned = NEW_W),
	   "1: 0-1=2");
	EACH("1: 2-3=2", .required = NEW_W, .returned = NEW_W);
	ww_model_map(&model, 0, 4, WW_MAPPING_PFNMAP);
	EACH("EPERM", .flags = CHECK);
	EACH("0:", .returned = NEW_W);
	/* nothing mapped is no mapping that is not watched */
	ww_model_unmap(&model, 0, 4);
	EACH("0:", .flags = CHECK);
	fresh(2, WW_MAPPING_SOFT_DIRTY);
	EACH("1: 0-1=80", .required = NEW_D, .returned = NEW_D);
}

static void row_M_6_emit(void **state)
{
	(void)state;
	armed(16);
	write_pages(1, 2);
	write_pages(6, 2);
	/* the next matching page, not the end of the last region */
	EACH("1: 1-2=2 @6", .vec_len = 1, .required = NEW_W, .returned = NEW_W);
	EACH("1: 1-2=2 @6", .max_pages = 2, .required = NEW_W,
	     .returned = NEW_W);
	EACH("2: 1-2=2 6=2 @7", .max_pages = 3, .required = NEW_W,
	     .returned = NEW_W);
	EACH("2: 1-2=2 6-7=2", .max_pages = 4, .required = NEW_W,
	     .returned = NEW_W);
	EACH("2: 1-2=2 6-7=2", .vec_len = 2, .required = NEW_W,
	     .returned = NEW_W);
}

static void row_M_7_no_array(void **state)
{
	(void)state;
	armed(4);
	write_pages(0, 4);
	EACH("0:", .no_vec = true, .max_pages = 1, .required = NEW_W);
	EACH("0:", .flags = MATCHING, .no_vec = true, .max_pages = 1);
	is(written(), "0:");
}

static void row_M_8_more_than_a_buffer(void **state)
{
	(void)state;
	armed(2048);
	for (size_t i = 0; i < 2048; i += 2)
		write_pages(i, 1);
	for (size_t n = 511; n <= 514; n++) {
		struct ask ask = {
			.revision = &ww_pagemap_guard_2026, .vec_len = n,
			.required = NEW_W, .returned = NEW_W,
		};
		char end[16], *at;

		snprintf(end, sizeof(end), " @%zu", 2 * n);
		at = strrchr(answer(&ask), ' ');
		is(at, end);
	}
	/* complete: the end of the range, not of a buffer (trap K1) */
	assert_null(strchr(written(), '@'));
}

static void row_M_9_protects_what_it_delivers(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	ww_model_collapse(&model, 0, false);
	ww_model_collapse(&model, 512, false);
	is(NEW(.flags = MATCHING, .max_pages = 520, .required = NEW_W,
	       .returned = NEW_W | NEW_H), "2: 0-511=42 512-519=2 @520");
	is(NEW(.required = NEW_W, .returned = NEW_W | NEW_H), "1: 520-1023=2");
	ww_model_collapse(&model, 512, false);
	is(NEW(.flags = MATCHING, .first = 512, .n_pages = 1,
	       .required = NEW_W, .returned = NEW_W), "1: 512=2");
	is(written(), "1: 513-1023=2");
	/* only what is written: a clean huge page is not split */
	EACH("1: 0-9=48 @10", .flags = MATCHING, .max_pages = 10,
	     .required = NEW_P, .returned = NEW_P | NEW_H);
	assert_int_equal(model.page[0].kind, WW_PAGES_HUGE);
}

static void row_M_9_hugetlb(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	ww_model_map_hugetlb(&model, 0, 1024, WATCHED);
	EACH("1: 0-1023=41", .returned = NEW_A | NEW_W | NEW_H);
	write_pages(0, 1);
	write_pages(512, 1);
	is(NEW(.flags = MATCHING, .max_pages = 700, .required = NEW_W,
	       .returned = NEW_W), "1: 0-511=2 @512");
	is(NEW(.flags = MATCHING, .first = 600, .required = NEW_W,
	       .returned = NEW_W), "0: @600");
	is(written(), "1: 512-1023=2");
	is(NEW(.flags = MATCHING, .first = 512, .required = NEW_W,
	       .returned = NEW_W), "1: 512-1023=2");
	is(written(), "0:");
}

static void row_M_10_reset_ignores_masks_in_page_tables(void **state)
{
	(void)state;
	armed(4);
	write_pages(0, 4);
	EACH("0:", .flags = MATCHING, .no_vec = true, .required = NEW_F);
	is(written(), "0:");
	fresh(1024, WATCHED);
	ww_model_collapse(&model, 0, false);
	EACH("0:", .flags = MATCHING, .no_vec = true, .required = NEW_F);
	is(written(), "1: 0-1023=2");
	EACH("0:", .flags = MATCHING, .no_vec = true, .required = NEW_H);
	is(written(), "1: 512-1023=2");
}

static void row_M_11_shortest_way(void **state)
{
	(void)state;
	fresh(4, WATCHED);
	write_pages(0, 1);
	EACH("1: 0-3=2", .required = NEW_W, .returned = NEW_W);
	/* with any other mask, 6.7 takes the long way */
	is(SCAN(guard, .required = NEW_W, .returned = NEW_W | NEW_P),
	   "1: 0=a");
	is(NEW(.required = NEW_W, .returned = NEW_W | NEW_P), "2: 0=a 1-3=2");
}

static void row_M_12_holes(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	is(SCAN(guard, .required = NEW_W, .returned = NEW_W), "0:");
	is(written(), "1: 0-1023=2");
	is(SCAN(guard, .flags = MATCHING, .n_pages = 512, .returned = NEW_A),
	   "1: 0-511=1");
	EACH("1: 0-511=11", .n_pages = 512, .returned = NEW_A | NEW_S);
	is(written(), "1: 512-1023=2");
	fresh(1024, 0);
	EACH("0:", .required = NEW_W, .returned = NEW_W);
}

static void row_M_13_empty_entries(void **state)
{
	(void)state;
	fresh(4, WATCHED);
	read_pages(0, 1);
	is(SCAN(mainline, .flags = MATCHING, .returned = 255),
	   "2: 0=2b 1-3=1");
	/* not written, not armed */
	is(NEW(.returned = 255), "2: 0=29 1-3=3");
	is(NEW(.flags = MATCHING, .returned = 255), "2: 0=29 1-3=3");
	EACH("2: 0=29 1-3=11", .returned = 255);
}

static void row_M_14_categories_by_page(void **state)
{
	(void)state;
	fresh(512, WATCHED | WW_MAPPING_FILE);
	write_pages(0, 1);
	EACH("1: 0=4", .n_pages = 2, .required = NEW_F, .returned = NEW_F);
	fresh(512, WATCHED);
	ww_model_collapse(&model, 0, true);
	EACH("1: 0-511=6b", .returned = 127);
	ww_model_split(&model, 0);
	EACH("1: 0-511=2b", .returned = 127);
}

static void row_M_15_result(void **state)
{
	struct ww_pm_region vec[2];
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg), .flags = CHECK | MATCHING,
		.vec = (uintptr_t)vec, .vec_len = 2, .returned = NEW_W,
	};

	(void)state;
	fresh(4, 0);
	ww_model_register(&model, 0, 2);
	write_pages(0, 4);
	arg.start = ww_model_at(&model, 0);
	arg.end = ww_model_at(&model, 4);
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, &arg), "EPERM");
	assert_int_equal(arg.walk_end, arg.end);
	/* what came before it was delivered, and protected (trap K4) */
	assert_int_equal(vec[0].n_pages_or_end, ww_model_at(&model, 2));
	is(written(), "1: 2-3=2");
}

static void row_M_15_argument_cannot_be_written(void **state)
{
	struct ww_pm_arg_mainline arg = { .size = sizeof(arg) };
	char *page = read_only_page();

	(void)state;
	fresh(1, WATCHED);
	/* all zero: the size is checked first */
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, page), "EINVAL");
	assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
	memcpy(page, &arg, sizeof(arg));
	assert_int_equal(mprotect(page, 4096, PROT_READ), 0);
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, page), "EFAULT");
}

static void row_G_1_guard_is_new(void **state)
{
	(void)state;
	fresh(1, WATCHED);
	is(SCAN(mainline, .required = NEW_G), "EINVAL");
	is(SCAN(guard, .required = NEW_G), "0:");
	is(SCAN(guard, .required = 512), "EINVAL");
}

static void row_G_2_guard_before_file(void **state)
{
	(void)state;
	fresh(4, WATCHED | WW_MAPPING_FILE);
	write_pages(0, 2);
	ww_model_guard(&model, 1, 1);
	is(NEW(.returned = NEW_F | NEW_G), "3: 0=4 1=100 2-3=0");
}

static void row_G_3_other_bits_stay(void **state)
{
	(void)state;
	fresh(2, WATCHED);
	ww_model_guard(&model, 0, 1);
	is(SCAN(guard, .n_pages = 1, .returned = 511), "1: 0=113");
	is(SCAN(mainline, .n_pages = 1, .returned = 255), "1: 0=13");
}

static void row_G_4_only_in_page_tables(void **state)
{
	(void)state;
	fresh(512, WATCHED);
	ww_model_collapse(&model, 0, false);
	ww_model_guard(&model, 3, 2);
	is(NEW(.required = NEW_G, .returned = NEW_G | NEW_H), "1: 3-4=100");
	is(NEW(.required = NEW_H), "0:");
}

static void row_G_5_not_swap(void **state)
{
	(void)state;
	fresh(4, WATCHED);
	write_pages(0, 4);
	ww_model_swap_out(&model, 0, 1);
	ww_model_guard(&model, 1, 1);
	is(NEW(.inverted = NEW_G, .required = NEW_S | NEW_G,
	       .returned = NEW_S), "1: 0=10");
}

static void row_G_6_base(void **state)
{
	(void)state;
	fresh(1, WATCHED);
	write_pages(0, 1);
	EACH("1: 0=8b", .returned = 255);
	EACH("EINVAL", .flags = 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_M_1_request),
		cmocka_unit_test(row_M_2_validation_order),
		cmocka_unit_test(row_M_3_select),
		cmocka_unit_test(row_M_4_mappings_first),
		cmocka_unit_test(row_M_5_order_in_a_mapping),
		cmocka_unit_test(row_M_6_emit),
		cmocka_unit_test(row_M_7_no_array),
		cmocka_unit_test(row_M_8_more_than_a_buffer),
		cmocka_unit_test(row_M_9_protects_what_it_delivers),
		cmocka_unit_test(row_M_9_hugetlb),
		cmocka_unit_test(row_M_10_reset_ignores_masks_in_page_tables),
		cmocka_unit_test(row_M_11_shortest_way),
		cmocka_unit_test(row_M_12_holes),
		cmocka_unit_test(row_M_13_empty_entries),
		cmocka_unit_test(row_M_14_categories_by_page),
		cmocka_unit_test(row_M_15_result),
		cmocka_unit_test(row_M_15_argument_cannot_be_written),
		cmocka_unit_test(row_G_1_guard_is_new),
		cmocka_unit_test(row_G_2_guard_before_file),
		cmocka_unit_test(row_G_3_other_bits_stay),
		cmocka_unit_test(row_G_4_only_in_page_tables),
		cmocka_unit_test(row_G_5_not_swap),
		cmocka_unit_test(row_G_6_base),
	};

	return RUN(tests);
}

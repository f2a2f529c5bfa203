/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What reviewers said of the posted revisions, and bugs found since: each remark
 * that can be observed. */
#include "scan.h"

#include <stdio.h>
#include <string.h>

#define NEW(...) SCAN(guard_2026, __VA_ARGS__)
#define OLD_WRITTEN .flags = GET, .required = OLD_W, .returned = OLD_W
#define NEW_WRITTEN .required = NEW_W, .returned = NEW_W

static const char *written(void)
{
	return NEW(NEW_WRITTEN);
}

static void armed(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	protect_pages(0, n_pages);
}

static void armed_written(size_t n_pages)
{
	armed(n_pages);
	write_pages(0, n_pages);
}

static void write_every_other(size_t n_pages)
{
	armed(n_pages);
	for (size_t i = 0; i < n_pages; i += 2)
		write_pages(i, 1);
}

/* Regions of one page each, every other page. */
static const char *single_pages(size_t n, unsigned bits)
{
	static char text[16 * 1024];
	char *at = text + sprintf(text, "%zu:", n);

	for (size_t i = 0; i < n; i++)
		at += sprintf(at, " %zu=%x", 2 * i, bits);
	return text;
}

/* ---- On v10 ---- */

static void remark_N4_protect_without_a_get(void **state)
{
	(void)state;
	armed_written(1024);
	is(SCAN(v10, .flags = 1, .no_vec = true, .n_pages = 512), "0:");
	is(written(), "1: 512-1023=2");
	is(SCAN(v10, .flags = 1, .no_vec = true, .first = 600, .n_pages = 1),
	   "0:");
	is(written(), "2: 512-599=2 601-1023=2");
}

/* One unknown bit in each mask alone. */
static void remark_N8_each_mask_is_checked(void **state)
{
	(void)state;
	armed(1);
	for (int i = 0; i < 4; i++) {
		uint64_t old[4] = { 1, 1, 1, 1 }, new[4] = { 0 };

		old[i] |= 16;
		new[i] |= 512;
		is(SCAN(v6, .required = old[0], .anyof = old[1],
			.excluded = old[2], .returned = old[3]), "EINVAL");
		is(SCAN(v10, .required = old[0], .anyof = old[1],
			.excluded = old[2], .returned = old[3]), "EINVAL");
		is(SCAN(v16, .flags = GET, .required = old[0], .anyof = old[1],
			.excluded = old[2], .returned = old[3]), "EINVAL");
		is(SCAN(v18, .flags = GET, .required = old[0], .anyof = old[1],
			.excluded = old[2], .returned = old[3]), "EINVAL");
		is(NEW(.inverted = new[0], .required = new[1], .anyof = new[2],
		       .returned = new[3]), "EINVAL");
	}
}

static void remark_N9_no_array(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	write_pages(3, 1);
	is(SCAN(v6, .no_vec = true, .required = OLD_W, .returned = 1), "0:");
	is(SCAN(v10, .no_vec = true), "0:");
	is(SCAN(v16, .flags = WP, .no_vec = true, .required = OLD_W,
		.returned = 1), "0:");
	is(NEW(.no_vec = true), "0:");
}

static void remark_N10_ends_around_chunks(void **state)
{
	(void)state;
	armed_written(1536);
	for (size_t n = 1023; n <= 1025; n++) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "1: 1-%zu=1", n);
		is(SCAN(v10, .first = 1, .n_pages = n, .required = OLD_W,
			.returned = OLD_W), wanted);
		is(SCAN(v16, .first = 1, .n_pages = n, OLD_WRITTEN), wanted);
		is(SCAN(v18, .first = 1, .n_pages = n, OLD_WRITTEN), wanted);
		snprintf(wanted, sizeof(wanted), "1: 1-%zu=2", n);
		is(NEW(.first = 1, .n_pages = n, NEW_WRITTEN), wanted);
	}
}

static void remark_N14_unit_of_a_region(void **state)
{
	struct ww_pm_region region;
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg), .vec = (uintptr_t)&region, .vec_len = 1,
		NEW_WRITTEN,
	};

	(void)state;
	armed_written(4);
	arg.start = ww_model_at(&model, 1);
	arg.end = ww_model_at(&model, 3);
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, &arg), "1");
	assert_int_equal(region.start, arg.start);
	assert_int_equal(region.n_pages_or_end, arg.end);
}

/* ---- On v18 ---- */

static void remark_M1_many_regions(void **state)
{
	(void)state;
	write_every_other(1024 + 2);
	is(SCAN(v18, OLD_WRITTEN), single_pages(513, 1));
	is(SCAN(v16, OLD_WRITTEN), single_pages(513, 1));
	is(NEW(NEW_WRITTEN), single_pages(513, 2));
	is(NEW(.n_pages = 1024, NEW_WRITTEN), single_pages(512, 2));
}

static void remark_M2_fits(void **state)
{
	(void)state;
	for (uint64_t max = 3; max <= 5; max++) {
		char pages[16], rest[16];

		snprintf(pages, sizeof(pages), "1: 0-%d=1", (int)max - 1);
		snprintf(rest, sizeof(rest), "1: %d-7=2", (int)max);
		armed_written(8);
		is(SCAN(v18, .flags = GET | WP, .max_pages = max,
			.vec_len = 4, .required = OLD_W, .returned = OLD_W),
		   pages);
		is(written(), rest);
	}
	armed_written(8);
	protect_pages(4, 1);
	/* nothing fits: nothing is protected */
	is(SCAN(v18, .flags = GET | WP, .first = 2, .vec_len = 1,
		.required = OLD_W, .returned = OLD_W), "1: 2-3=1");
	is(written(), "2: 0-1=2 5-7=2");
}

static void remark_M3_no_limit(void **state)
{
	(void)state;
	armed_written(2048);
	is(SCAN(v16, OLD_WRITTEN), "1: 0-2047=1");
	is(SCAN(v16, .max_pages = UINT64_MAX, OLD_WRITTEN), "1: 0-2047=1");
	is(NEW(.max_pages = UINT64_MAX, NEW_WRITTEN), "1: 0-2047=2");
}

static void remark_M4_written_in_any_mask(void **state)
{
	(void)state;
	fresh(1, 0);
	is(SCAN(v18, .flags = GET, .required = 1, .returned = 1), "EPERM");
	is(SCAN(v18, .flags = GET, .anyof = 1, .returned = 1), "EPERM");
	is(SCAN(v18, .flags = GET, .excluded = 1, .returned = 1), "EPERM");
	is(SCAN(v18, .flags = GET, .excluded = 2, .returned = 1), "0:");
	armed(1);
	is(SCAN(v18, .flags = GET, .required = 1, .returned = 1), "0:");
	is(SCAN(v18, .flags = GET, .excluded = 1, .returned = 8), "1: 0=8");
}

static void remark_M5_nothing_to_return(void **state)
{
	(void)state;
	armed_written(2);
	is(SCAN(v6, .required = 1), "EINVAL");
	is(SCAN(v10, .required = 1), "EINVAL");
	is(SCAN(v10, .flags = 1, .no_vec = true, .required = 1), "0:");
	is(SCAN(v16, .flags = GET, .required = 1), "EINVAL");
	is(SCAN(v18, .flags = WP, .required = 1), "EINVAL");
	write_pages(0, 2);
	is(NEW(.required = NEW_W), "1: 0-1=0");
}

static void remark_M6_arrays_out_of_reach(void **state)
{
	char *page = last_page();
	uint64_t end = (uintptr_t)page + WW_PAGEMAP_PAGE;

	(void)state;
	armed(8);
	write_pages(0, 1);
	write_pages(2, 1);
	is(NEW(.vec = UINT64_C(1) << 63, .vec_len = 1, NEW_WRITTEN), "EFAULT");
	is(NEW(.vec = 8, .vec_len = 2, NEW_WRITTEN), "EFAULT");
	is(NEW(.vec = (uintptr_t)read_only_page(), .vec_len = 2, NEW_WRITTEN),
	   "EFAULT");
	is(NEW(.vec = end - 24, .vec_len = 2, NEW_WRITTEN), "EFAULT");
	is(NEW(.vec = end - 12, .vec_len = 1, NEW_WRITTEN), "EFAULT");
	/* one that is never reached does no harm */
	is(NEW(.vec = 8, .vec_len = 2, .required = NEW_H), "0:");
}

static void remark_M7_excluded_written(void **state)
{
	(void)state;
	armed_written(4);
	is(SCAN(v16, .flags = GET | WP, .excluded = OLD_W, .returned = 1), "0:");
	is(SCAN(v18, .flags = WP, .excluded = OLD_W, .returned = 1), "0:");
	is(written(), "1: 0-3=2");
}

static void remark_M8_no_flags(void **state)
{
	(void)state;
	armed_written(4);
	is(SCAN(v16, .required = OLD_W, .returned = 1), "0:");
	is(SCAN(v18, .required = OLD_W, .returned = 1), "0:");
	is(written(), "1: 0-3=2");
}

/* Operation by mask by limit: what is delivered is what is protected. */
static void remark_M10_masks_and_limits(void **state)
{
	(void)state;
	for (int mask = 0; mask < 3; mask++) {
		for (uint64_t max = 0; max < 6; max++) {
			struct ask ask = {
				.revision = &ww_pagemap_guard_2026,
				.flags = MATCHING, .max_pages = max,
				.required = mask == 1 ? NEW_P : 0,
				.anyof = mask == 2 ? NEW_S : 0,
				.returned = NEW_W,
			};
			size_t first = mask == 2 ? 4 : 0;
			size_t n = mask ? 4 : 8;

			armed_written(8);
			ww_model_swap_out(&model, 4, 4);
			answer(&ask);
			for (size_t i = 0; i < 8; i++)
				assert_int_equal(is_protected(i), i >= first &&
					i < first + (max && max < n ? max : n));
		}
	}
}

static void remark_M11_nothing_can_match(void **state)
{
	(void)state;
	armed_written(4);
	is(SCAN(v16, .flags = GET, .required = 1, .excluded = 1, .returned = 1),
	   "0:");
	is(SCAN(v18, .flags = WP, .required = 1, .excluded = 1, .returned = 1),
	   "0:");
	is(written(), "1: 0-3=2");
	is(SCAN(v16, .flags = GET, .returned = 1), "EINVAL");
	is(NEW(.returned = NEW_W), "1: 0-3=2");
}

static void remark_M12_protect_by_any_mask(void **state)
{
	(void)state;
	armed_written(4);
	ww_model_swap_out(&model, 0, 2);
	is(NEW(.flags = MATCHING, .required = NEW_P, .returned = NEW_P),
	   "1: 2-3=8");
	is(written(), "1: 0-1=2");
}

/* All pairs of bits, against the sentence that defines them. */
static void remark_M13_inverted(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		uint64_t inverted = (i & 1 ? NEW_W : 0) | (i & 2 ? NEW_P : 0);
		uint64_t required = (i & 4 ? NEW_W : 0) | (i & 8 ? NEW_P : 0);
		uint64_t anyof = (i & 16 ? NEW_W : 0) | (i & 32 ? NEW_P : 0);
		uint64_t page = NEW_W ^ inverted;
		bool wanted = !(required & ~page) && (!anyof || anyof & page);

		armed_written(1);
		ww_model_swap_out(&model, 0, 1);
		is(NEW(.inverted = inverted, .required = required,
		       .anyof = anyof), wanted ? "1: 0=0" : "0:");
	}
}

static void remark_M14_discovery(void **state)
{
	struct ww_pm_arg_mainline arg = { .size = sizeof(arg) };

	(void)state;
	armed(1);
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, &arg), "0");
	arg.required = NEW_G;
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, &arg), "0");
	is(raw(&ww_pagemap_mainline, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
}

static void remark_M15_return_does_not_select(void **state)
{
	(void)state;
	armed_written(4);
	protect_pages(1, 2);
	is(NEW(.required = NEW_P, .returned = NEW_W), "3: 0=2 1-2=0 3=2");
	/* it did until then */
	is(SCAN(v18, .flags = GET, .required = OLD_P, .returned = OLD_W),
	   "2: 0=1 3=1");
}

static void remark_M16_early_stop_in_hugetlb(void **state)
{
	(void)state;
	armed_written(512);
	fresh(1024, WATCHED);
	ww_model_map_hugetlb(&model, 512, 512, WATCHED);
	write_pages(0, 1);
	write_pages(512, 1);
	is(NEW(.flags = MATCHING, .max_pages = 600, NEW_WRITTEN),
	   "1: 0-511=2 @512");
	is(written(), "1: 512-1023=2");
}

static void remark_M17_mixed_range(void **state)
{
	(void)state;
	fresh(6, 0);
	ww_model_register(&model, 2, 2);
	write_pages(0, 6);
	is(NEW(.returned = NEW_A | NEW_W), "3: 0-1=2 2-3=3 4-5=2");
	is(NEW(.flags = CHECK, .returned = NEW_A), "EPERM");
	is(SCAN(v18, OLD_WRITTEN), "EPERM");
}

/* As with read(2): a caller goes on until it gets less than it asked for. */
static void remark_M19_less_than_asked_is_the_end(void **state)
{
	struct ask ask = {
		.revision = &ww_pagemap_v18, .flags = GET | WP, .max_pages = 3,
		.required = OLD_W, .returned = OLD_W,
	};

	(void)state;
	armed(16);
	write_pages(2, 8);
	is(answer(&ask), "1: 2-4=1");
	is(answer(&ask), "1: 5-7=1");
	is(answer(&ask), "1: 8-9=1");
	is(written(), "0:");
}

static void remark_M20_stops_when_full(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	ww_model_collapse(&model, 0, false);
	ww_model_collapse(&model, 512, false);
	is(SCAN(v18, .flags = GET | WP, .max_pages = 520, .required = OLD_W,
		.returned = 1), "1: 0-519=1");
	is(written(), "1: 520-1023=2");
}

static void remark_M21_protects_what_was_stored(void **state)
{
	(void)state;
	write_every_other(16);
	is(SCAN(v18, .flags = GET | WP, .vec_len = 3, .required = OLD_W,
		.returned = 1), "3: 0=1 2=1 4=1");
	is(written(), "5: 6=2 8=2 10=2 12=2 14=2");
}

static void remark_R1_wide_constants(void **state)
{
	(void)state;
	armed(1);
	is(NEW(.returned = UINT64_C(1) << 63), "EINVAL");
	is(NEW(.flags = UINT64_C(1) << 63), "EINVAL");
	is(NEW(.flags = UINT64_C(1) << 32), "EINVAL");
}

static void remark_R2_number_of_the_request(void **state)
{
	(void)state;
	assert_int_equal(_IOC_TYPE(WW_PM_SCAN_MAINLINE), 'f');
	assert_int_equal(_IOC_NR(WW_PM_SCAN_V6), 16);
	assert_int_equal(_IOC_NR(WW_PM_SCAN_V16), 16);
	assert_int_equal(_IOC_NR(WW_PM_SCAN_MAINLINE), 16);
}

/* ---- Elsewhere ---- */

static void remark_X1_protects_up_to_the_limit(void **state)
{
	(void)state;
	armed_written(8);
	is(SCAN(v10, .flags = 1, .max_pages = 3, .required = OLD_W,
		.returned = 1), "1: 0-2=1");
	is(written(), "1: 3-7=2");
}

static void remark_X5_independent_limits(void **state)
{
	(void)state;
	write_every_other(16);
	is(NEW(.vec_len = 3, .max_pages = 2, NEW_WRITTEN), "2: 0=2 2=2 @4");
	is(NEW(.vec_len = 2, .max_pages = 3, NEW_WRITTEN), "2: 0=2 2=2 @4");
	is(NEW(.vec_len = 3, .max_pages = 3, NEW_WRITTEN), "3: 0=2 2=2 4=2 @6");
	is(SCAN(v6, .vec_len = 3, .max_pages = 2, .anyof = OLD_S | OLD_P,
		.returned = OLD_S | OLD_P), "2: 0=4 1=8");
	is(SCAN(v16, .vec_len = 2, .max_pages = 3, OLD_WRITTEN), "2: 0=1 2=1");
}

static void remark_X6_partial_hugetlb_is_no_error(void **state)
{
	struct ww_pm_arg_mainline arg = { .size = sizeof(arg), .vec_len = 1 };

	(void)state;
	fresh(512, WATCHED);
	ww_model_map_hugetlb(&model, 0, 512, WATCHED);
	write_pages(0, 1);
	is(NEW(.flags = MATCHING, .first = 100, NEW_WRITTEN), "0: @100");
	is(raw(&ww_pagemap_guard, WW_PM_SCAN_MAINLINE, &arg), "EINVAL");
}

/* A mapping that is dirty means that all its pages are: without it, a page whose
 * own bit was lost by a new mapping would be missed. */
static void remark_X7_dirty_mappings(void **state)
{
	(void)state;
	fresh(4, 0);
	write_pages(0, 4);
	ww_model_map(&model, 1, 2, WW_MAPPING_SOFT_DIRTY);
	ww_model_protect(&model, 1, 2, false);
	is(SCAN(v6, .required = OLD_W, .returned = 1), "1: 0-3=1");
	is(SCAN(v6, .flags = 2, .required = OLD_W, .returned = 1),
	   "2: 0=1 3=1");
}

static void remark_X8_get_does_not_protect(void **state)
{
	(void)state;
	armed_written(4);
	is(written(), "1: 0-3=2");
	is(written(), "1: 0-3=2");
}

static void remark_X9_reset_of_half_a_huge_page(void **state)
{
	(void)state;
	fresh(512, WATCHED);
	ww_model_collapse(&model, 0, false);
	is(NEW(.flags = MATCHING, .no_vec = true, .n_pages = 256), "0:");
	is(written(), "1: 256-511=2");
}

/* ---- Seen live: what the engine does instead, or as well ---- */

static void remark_L1_walk_end_of_many_regions(void **state)
{
	(void)state;
	write_every_other(2048);
	assert_null(strchr(NEW(NEW_WRITTEN), '@'));
}

static void remark_L2_L3_partial_hugetlb(void **state)
{
	(void)state;
	fresh(2048, WATCHED);
	ww_model_map_hugetlb(&model, 0, 2048, WATCHED);
	for (size_t i = 0; i < 2048; i += 512)
		write_pages(i, 1);
	is(NEW(.flags = MATCHING, .max_pages = 700, NEW_WRITTEN),
	   "1: 0-511=2 @512");
	is(NEW(.flags = MATCHING, .max_pages = 100, .first = 512, NEW_WRITTEN),
	   "0: @512");
	is(written(), "1: 512-2047=2");
}

static void remark_L4_L5_unwatched_behind_watched(void **state)
{
	(void)state;
	fresh(8, 0);
	ww_model_register(&model, 0, 2);
	ww_model_unmap(&model, 2, 2);
	write_pages(0, 2);
	is(NEW(.flags = CHECK, .max_pages = 1, NEW_WRITTEN), "1: 0=2 @1");
	is(NEW(.flags = CHECK, .max_pages = 2, NEW_WRITTEN), "EPERM");
	is(NEW(.flags = CHECK | MATCHING, .first = 0, NEW_WRITTEN), "EPERM");
	/* what is left was never watched (trap K3) */
	is(written(), "1: 4-7=2");
}

static void remark_L6_late_fault(void **state)
{
	(void)state;
	armed_written(2);
	is(NEW(.flags = MATCHING, .vec = 8, .vec_len = 1, NEW_WRITTEN),
	   "EFAULT");
	is(written(), "0:");
}

static void remark_L7_reset_ignores_masks(void **state)
{
	(void)state;
	armed_written(2);
	is(NEW(.flags = MATCHING, .no_vec = true, .required = NEW_F), "0:");
	is(written(), "0:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remark_N4_protect_without_a_get),
		cmocka_unit_test(remark_N8_each_mask_is_checked),
		cmocka_unit_test(remark_N9_no_array),
		cmocka_unit_test(remark_N10_ends_around_chunks),
		cmocka_unit_test(remark_N14_unit_of_a_region),
		cmocka_unit_test(remark_M1_many_regions),
		cmocka_unit_test(remark_M2_fits),
		cmocka_unit_test(remark_M3_no_limit),
		cmocka_unit_test(remark_M4_written_in_any_mask),
		cmocka_unit_test(remark_M5_nothing_to_return),
		cmocka_unit_test(remark_M6_arrays_out_of_reach),
		cmocka_unit_test(remark_M7_excluded_written),
		cmocka_unit_test(remark_M8_no_flags),
		cmocka_unit_test(remark_M10_masks_and_limits),
		cmocka_unit_test(remark_M11_nothing_can_match),
		cmocka_unit_test(remark_M12_protect_by_any_mask),
		cmocka_unit_test(remark_M13_inverted),
		cmocka_unit_test(remark_M14_discovery),
		cmocka_unit_test(remark_M15_return_does_not_select),
		cmocka_unit_test(remark_M16_early_stop_in_hugetlb),
		cmocka_unit_test(remark_M17_mixed_range),
		cmocka_unit_test(remark_M19_less_than_asked_is_the_end),
		cmocka_unit_test(remark_M20_stops_when_full),
		cmocka_unit_test(remark_M21_protects_what_was_stored),
		cmocka_unit_test(remark_R1_wide_constants),
		cmocka_unit_test(remark_R2_number_of_the_request),
		cmocka_unit_test(remark_X1_protects_up_to_the_limit),
		cmocka_unit_test(remark_X5_independent_limits),
		cmocka_unit_test(remark_X6_partial_hugetlb_is_no_error),
		cmocka_unit_test(remark_X7_dirty_mappings),
		cmocka_unit_test(remark_X8_get_does_not_protect),
		cmocka_unit_test(remark_X9_reset_of_half_a_huge_page),
		cmocka_unit_test(remark_L1_walk_end_of_many_regions),
		cmocka_unit_test(remark_L2_L3_partial_hugetlb),
		cmocka_unit_test(remark_L4_L5_unwatched_behind_watched),
		cmocka_unit_test(remark_L6_late_fault),
		cmocka_unit_test(remark_L7_reset_ignores_masks),
	};

	return RUN(tests);
}

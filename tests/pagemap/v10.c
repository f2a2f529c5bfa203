/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* v10, on asynchronous write-protection: what was posted in February 2023. */
#include "scan.h"

#define ENGAGE 1

static const char *written(void)
{
	return SCAN(v10, .required = OLD_W, .returned = OLD_W);
}

/* Every entry is there, protected. */
static void armed(size_t n_pages)
{
	fresh(n_pages, WATCHED);
	protect_pages(0, n_pages);
}

static void row_10_1_same_request_as_v6(void **state)
{
	struct ww_pm_arg_v6 arg = {
		.n_bytes = WW_PAGEMAP_PAGE, .required = OLD_W,
		.returned = OLD_W, .flags = 2,
	};

	(void)state;
	fresh(1, WATCHED);
	arg.start = ww_model_at(&model, 0);
	/* only v6 knows this flag */
	is(raw(&ww_pagemap_v10, 0xC0486610, &arg), "EINVAL");
	is(raw(&ww_pagemap_v6, 0xC0486610, &arg), "0");
}

static void row_10_2_categories(void **state)
{
	(void)state;
	fresh(4, WATCHED | WW_MAPPING_FILE);
	write_pages(0, 2);
	ww_model_swap_out(&model, 1, 1);
	protect_pages(2, 1);
	is(SCAN(v10, .required = OLD_F, .returned = 15), "4: 0=7 1=b 2=a 3=3");
}

static void row_10_3_flag(void **state)
{
	(void)state;
	armed(4);
	write_pages(1, 2);
	is(written(), "1: 1-2=1");
	is(SCAN(v10, .flags = ENGAGE, .required = OLD_W, .returned = 1),
	   "1: 1-2=1");
	is(written(), "0:");
	is(SCAN(v10, .flags = 2, .required = OLD_W, .returned = 1), "EINVAL");
}

/* What the text asks for; the code was content with half of it. */
static void row_10_4_set_up(void **state)
{
	(void)state;
	fresh(1, 0);
	is(written(), "EPERM");
	fresh(1, WW_MAPPING_WP | WW_MAPPING_ASYNC);
	is(written(), "0:");
}

static void row_10_5_half_set_up(void **state)
{
	(void)state;
	fresh(1, WW_MAPPING_WP);
	is(written(), "EPERM");
	is(SCAN(v10, .anyof = OLD_W, .returned = 1), "EPERM");
	is(SCAN(v10, .excluded = OLD_W, .returned = OLD_P), "0:");
	fresh(1, WW_MAPPING_ASYNC);
	is(written(), "EPERM");
}

static void row_10_6_validation_order(void **state)
{
	struct ww_pm_region region;
	struct ww_pm_arg_v6 arg = {
		.start = 1, .n_bytes = WW_PAGEMAP_PAGE, .vec = UINT64_MAX,
		.flags = ENGAGE | 4, .required = 16,
	};

	(void)state;
	fresh(1, WATCHED);
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, NULL), "EFAULT");
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.start = model.pages.limit;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.start = ww_model_at(&model, 0);
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.vec_len = 1;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.vec = (uintptr_t)&region;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.flags = ENGAGE;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.required = 0;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.required = OLD_F;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.returned = OLD_W;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "EINVAL");
	arg.flags = 0;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "0");
	/* only a Get needs masks */
	arg.vec = 0;
	arg.flags = ENGAGE;
	arg.required = 0;
	arg.returned = 0;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "0");
	arg.excluded = OLD_F;
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "0");
}

static void row_10_7_no_length(void **state)
{
	struct ww_pm_arg_v6 arg = { .required = OLD_W, .returned = OLD_W };

	(void)state;
	fresh(1, WATCHED);
	arg.start = ww_model_at(&model, 0);
	is(raw(&ww_pagemap_v10, WW_PM_SCAN_V6, &arg), "0");
}

static void row_10_8_written(void **state)
{
	(void)state;
	fresh(6, WATCHED);
	is(written(), "0:");
	write_pages(0, 3);
	protect_pages(1, 1);
	ww_model_swap_out(&model, 1, 2);
	protect_pages(4, 1);
	is(SCAN(v10, .anyof = 15, .returned = 15),
	   "6: 0=5 1=8 2=9 3=1 4=8 5=1");
}

static void row_10_9_chunks(void **state)
{
	(void)state;
	armed(2048);
	write_pages(300, 1000);
	is(written(), "1: 300-1299=1");
	is(SCAN(v10, .flags = ENGAGE, .first = 1, .n_pages = 1500,
		.required = OLD_W, .returned = 1), "1: 300-1299=1");
	is(written(), "0:");
}

static void row_10_10_never_past_the_array(void **state)
{
	(void)state;
	armed(2048);
	for (size_t i = 0; i < 2048; i += 2)
		write_pages(i, 1);
	/* the harness looks behind the array */
	is(SCAN(v10, .vec_len = 1, .required = OLD_W, .returned = 1), "1: 0=1");
	is(SCAN(v10, .vec_len = 3, .required = OLD_W, .returned = 1),
	   "3: 0=1 2=1 4=1");
	is(SCAN(v10, .first = 510, .vec_len = 2, .required = OLD_W,
		.returned = 1), "2: 510=1 512=1");
}

static void row_10_11_max_pages(void **state)
{
	(void)state;
	armed(1024);
	write_pages(0, 1024);
	is(SCAN(v10, .max_pages = 512, .required = OLD_W, .returned = 1),
	   "1: 0-511=1");
	is(SCAN(v10, .max_pages = 513, .required = OLD_W, .returned = 1),
	   "1: 0-512=1");
	/* full: what follows is not looked at */
	ww_model_map(&model, 512, 512, 0);
	is(SCAN(v10, .max_pages = 512, .required = OLD_W, .returned = 1),
	   "1: 0-511=1");
	is(SCAN(v10, .max_pages = 513, .required = OLD_W, .returned = 1),
	   "EPERM");
}

static void row_10_12_protects_what_it_delivers(void **state)
{
	(void)state;
	armed(8);
	write_pages(0, 8);
	is(SCAN(v10, .flags = ENGAGE, .max_pages = 3, .required = OLD_W,
		.returned = 1), "1: 0-2=1");
	is(written(), "1: 3-7=1");
	is(SCAN(v10, .flags = ENGAGE, .required = OLD_W, .excluded = OLD_P,
		.returned = 1), "0:");
	is(written(), "1: 3-7=1");
	is(SCAN(v10, .flags = ENGAGE, .no_vec = true, .max_pages = 1), "0:");
	is(written(), "0:");
	/* of memory that was never touched too */
	fresh(1024, WATCHED);
	write_pages(0, 1);
	is(SCAN(v10, .flags = ENGAGE, .no_vec = true), "0:");
	is(SCAN(v10, .required = OLD_S, .returned = OLD_W | OLD_S),
	   "1: 1-1023=8");
}

static void row_10_13_huge_pages(void **state)
{
	(void)state;
	fresh(512, WATCHED);
	ww_model_collapse(&model, 0, false);
	is(SCAN(v10, .flags = ENGAGE, .first = 1, .n_pages = 2,
		.required = OLD_W, .returned = 1), "1: 1-2=1");
	is(written(), "2: 0=1 3-511=1");
	fresh(512, WATCHED);
	ww_model_collapse(&model, 0, false);
	is(SCAN(v10, .flags = ENGAGE, .max_pages = 5, .required = OLD_W,
		.returned = 1), "1: 0-4=1");
	is(written(), "1: 5-511=1");
}

static void row_10_14_hole_without_an_array(void **state)
{
	(void)state;
	fresh(512, WATCHED);
	is(SCAN(v10, .no_vec = true, .vec_len = 4, .required = OLD_W,
		.returned = 1), "0:");
	is(SCAN(v10, .excluded = OLD_P, .returned = 15), "0:");
	fresh(512, WATCHED | WW_MAPPING_FILE);
	is(SCAN(v10, .excluded = OLD_P, .returned = 15), "1: 0-511=2");
}

static void row_10_15_hugetlb(void **state)
{
	(void)state;
	fresh(1024, WATCHED);
	ww_model_map_hugetlb(&model, 0, 512, WATCHED);
	write_pages(0, 1);
	write_pages(512, 1);
	is(SCAN(v10, .flags = ENGAGE, .required = OLD_W, .returned = 1),
	   "1: 512-1023=1");
	assert_false(is_protected(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_10_1_same_request_as_v6),
		cmocka_unit_test(row_10_2_categories),
		cmocka_unit_test(row_10_3_flag),
		cmocka_unit_test(row_10_4_set_up),
		cmocka_unit_test(row_10_5_half_set_up),
		cmocka_unit_test(row_10_6_validation_order),
		cmocka_unit_test(row_10_7_no_length),
		cmocka_unit_test(row_10_8_written),
		cmocka_unit_test(row_10_9_chunks),
		cmocka_unit_test(row_10_10_never_past_the_array),
		cmocka_unit_test(row_10_11_max_pages),
		cmocka_unit_test(row_10_12_protects_what_it_delivers),
		cmocka_unit_test(row_10_13_huge_pages),
		cmocka_unit_test(row_10_14_hole_without_an_array),
		cmocka_unit_test(row_10_15_hugetlb),
	};

	return RUN(tests);
}

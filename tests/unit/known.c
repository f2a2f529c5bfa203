/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The known-written bitmap, against a plain array with one cell per page. */
#include "fake.h"

#include "../../kernel/known.h"

#include <errno.h>
#include <string.h>

#define MAX_PAGES 5000

/* Around words of 64, the inline limit, groups of 4096, and none of these. */
static const size_t sizes[] = { 1, 63, 64, 65, 256, 257, 4095, 4096, 4097, 5000 };

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static bool cells[MAX_PAGES];

static void expect_runs(const struct ww_known *known, size_t first, size_t end)
{
	size_t run_first, run_end, at = first;

	while (ww_known_next(known, at, end, &run_first, &run_end)) {
		for (; at < run_first; at++)
			assert_false(cells[at]);
		assert_true(run_end > run_first && run_end <= end);
		for (; at < run_end; at++)
			assert_true(cells[at]);
		/* as long as it can be */
		assert_true(at == end || !cells[at]);
	}
	for (; at < end; at++)
		assert_false(cells[at]);
}

static size_t random_edge(size_t n_pages)
{
	size_t edge = fake_random(n_pages + 1);

	/* half of them next to a boundary */
	if (fake_random(2))
		edge = edge / 64 * 64 + fake_random(3);
	return edge < n_pages ? edge : n_pages;
}

static void random_range(size_t n_pages, size_t *first, size_t *end)
{
	do {
		*first = random_edge(n_pages);
		*end = random_edge(n_pages);
	} while (*first >= *end);
}

static void random_operations(size_t n_pages)
{
	struct ww_known known;
	size_t first, end;

	memset(cells, 0, sizeof(cells));
	ww_known_init(&known, n_pages);
	assert_int_equal(ww_known_reserve(&known, &fake_ops), 0);
	for (int round = 0; round < 600; round++) {
		bool set = fake_random(2);

		random_range(n_pages, &first, &end);
		(set ? ww_known_set : ww_known_clear)(&known, first, end);
		memset(cells + first, set, end - first);
		random_range(n_pages, &first, &end);
		expect_runs(&known, first, end);
	}
	expect_runs(&known, 0, n_pages);
	ww_known_free(&known, &fake_ops);
}

static void random_operations_match_an_array(void **state)
{
	(void)state;
	fake_reset();
	for (size_t i = 0; i < N_SIZES; i++)
		random_operations(sizes[i]);
}

static void each_page_alone(void **state)
{
	size_t n_pages = MAX_PAGES, run_first, run_end;
	struct ww_known known;

	(void)state;
	fake_reset();
	ww_known_init(&known, n_pages);
	assert_int_equal(ww_known_reserve(&known, &fake_ops), 0);
	for (size_t i = 0; i < n_pages; i++) {
		ww_known_set(&known, i, i + 1);
		assert_true(ww_known_next(&known, 0, n_pages, &run_first,
					  &run_end));
		assert_int_equal(run_first, i);
		assert_int_equal(run_end, i + 1);
		ww_known_clear(&known, i, i + 1);
		assert_false(ww_known_next(&known, 0, n_pages, &run_first,
					   &run_end));
	}
	ww_known_free(&known, &fake_ops);
}

static void small_regions_need_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SIZES; i++) {
		struct ww_known known;
		size_t before;

		fake_reset();
		before = fake.mapped_bytes;
		fake_fail_always(FAKE_MAP, ENOMEM);
		ww_known_init(&known, sizes[i]);
		assert_int_equal(ww_known_reserve(&known, &fake_ops),
				 sizes[i] <= 256 ? 0 : -ENOMEM);
		fake_heal();
		assert_int_equal(ww_known_reserve(&known, &fake_ops), 0);
		assert_int_equal(ww_known_reserve(&known, &fake_ops), 0);
		assert_int_equal(fake.mapped_bytes > before, sizes[i] > 256);
		ww_known_free(&known, &fake_ops);
		assert_int_equal(fake.mapped_bytes, before);
		assert_int_equal(fake.bad_calls, 0);
	}
}

static void nothing_is_known_before_memory(void **state)
{
	size_t run_first, run_end;
	struct ww_known known;

	(void)state;
	fake_reset();
	ww_known_init(&known, 1000);
	ww_known_clear(&known, 0, 1000);
	assert_false(ww_known_next(&known, 0, 1000, &run_first, &run_end));
	assert_int_equal(ww_known_reserve(&known, &fake_ops), 0);
	assert_false(ww_known_next(&known, 0, 1000, &run_first, &run_end));
	ww_known_set(&known, 10, 10);
	assert_false(ww_known_next(&known, 0, 1000, &run_first, &run_end));
	ww_known_free(&known, &fake_ops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_an_array),
		cmocka_unit_test(each_page_alone),
		cmocka_unit_test(small_regions_need_no_memory),
		cmocka_unit_test(nothing_is_known_before_memory),
	};

	fake_seed();
	return FAKE_RUN(tests);
}

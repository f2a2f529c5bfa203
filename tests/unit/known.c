/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The known-written bitmap, against a plain array with one cell per page. */
#include "fake.h"

#include "../../kernel/known.h"

#include <string.h>

#define MAX_PAGES 5000

/* Around words of 64, groups of 4096, and none of these. */
static const size_t sizes[] = { 1, 63, 64, 65, 256, 257, 4095, 4096, 4097, 5000 };

#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

#define PIECE WW_KNOWN_PIECE_PAGES

/* Most tests use pages of the first piece, from an odd one on. */
#define BASE 4133

/* Of four the third one is missing. */
static struct ww_known_piece pieces[3] __attribute__((aligned(65536)));
static struct ww_known_piece *table[4] = { &pieces[0], &pieces[1], NULL,
					   &pieces[2] };
static const struct ww_known known = { table };
static bool cells[MAX_PAGES];

static int begin(void **state)
{
	(void)state;
	fake_reset();
	memset(pieces, 0, sizeof(pieces));
	memset(cells, 0, sizeof(cells));
	return 0;
}

static bool next(size_t first, size_t end, size_t *run_first, size_t *run_end)
{
	bool any = ww_known_next(&known, BASE + first, BASE + end, run_first,
				 run_end);

	*run_first -= BASE;
	*run_end -= BASE;
	return any;
}

static void expect_runs(size_t first, size_t end)
{
	size_t run_first, run_end, at = first;

	while (next(at, end, &run_first, &run_end)) {
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
	size_t first, end;

	for (int round = 0; round < 600; round++) {
		int what = (int)fake_random(5);

		random_range(n_pages, &first, &end);
		if (what < 2)
			ww_known_set(&known, BASE + first, BASE + end);
		else if (what < 4)
			ww_known_clear(&known, BASE + first, BASE + end);
		else
			ww_known_forget(&known, &fake_ops, BASE + first,
					BASE + end);
		memset(cells + first, what < 2, end - first);
		random_range(n_pages, &first, &end);
		expect_runs(first, end);
	}
	expect_runs(0, n_pages);
}

static void random_operations_match_an_array(void **state)
{
	for (size_t i = 0; i < N_SIZES; i++) {
		begin(state);
		random_operations(sizes[i]);
	}
}

static void each_page_alone(void **state)
{
	size_t run_first, run_end;

	(void)state;
	for (size_t i = 0; i < MAX_PAGES; i++) {
		ww_known_set(&known, BASE + i, BASE + i + 1);
		assert_true(next(0, MAX_PAGES, &run_first, &run_end));
		assert_int_equal(run_first, i);
		assert_int_equal(run_end, i + 1);
		ww_known_clear(&known, BASE + i, BASE + i + 1);
		assert_false(next(0, MAX_PAGES, &run_first, &run_end));
	}
}

static void nothing_is_nothing(void **state)
{
	size_t run_first, run_end;

	(void)state;
	ww_known_set(&known, 10, 10);
	ww_known_clear(&known, 10, 10);
	assert_false(ww_known_next(&known, 0, 1000, &run_first, &run_end));
	assert_false(ww_known_next(&known, 10, 10, &run_first, &run_end));
	assert_int_equal(pieces[0].summary[0], 0);
}

/* Whole pages of the bitmap, and only those that were in use. */
static void forgetting_gives_memory_back(void **state)
{
	size_t span = 8 * ww_page_size(), groups = span / WW_KNOWN_GROUP;

	(void)state;
	ww_known_set(&known, 0, 1);
	ww_known_set(&known, span - 1, span + 1);
	ww_known_forget(&known, &fake_ops, 1, 2 * span - 1);
	assert_int_equal(fake.n_discarded, 0);
	ww_known_set(&known, span, span + 1);
	ww_known_forget(&known, &fake_ops, 1, 2 * span);
	assert_int_equal(fake.n_discarded, 1);
	assert_int_equal(pieces[0].summary[0] >> groups & ((1u << groups) - 1), 0);
	assert_true(pieces[0].summary[0] & 1);
	assert_int_equal(pieces[0].leaves[0], 1);
	ww_known_forget(&known, &fake_ops, 0, 2 * span);
	assert_int_equal(fake.n_discarded, 2);
	assert_int_equal(pieces[0].summary[0], 0);
	ww_known_forget(&known, &fake_ops, 0, 2 * span);
	assert_int_equal(fake.n_discarded, 2);
}

static void expect_run(size_t first, size_t end, size_t run_first, size_t run_end)
{
	size_t any_first, any_end;
	bool any = ww_known_next(&known, first, end, &any_first, &any_end);

	assert_int_equal(any, run_end > run_first);
	if (any) {
		assert_int_equal(any_first, run_first);
		assert_int_equal(any_end, run_end);
	}
}

static void runs_cross_pieces(void **state)
{
	(void)state;
	ww_known_set(&known, PIECE - 70, PIECE + 5000);
	expect_run(0, 4 * PIECE, PIECE - 70, PIECE + 5000);
	expect_run(PIECE - 1, PIECE + 1, PIECE - 1, PIECE + 1);
	ww_known_clear(&known, PIECE - 1, PIECE + 1);
	expect_run(0, 4 * PIECE, PIECE - 70, PIECE - 1);
	expect_run(PIECE - 1, 4 * PIECE, PIECE + 1, PIECE + 5000);
	ww_known_forget(&known, &fake_ops, 0, 4 * PIECE);
	/* one page of bits in each of the two */
	assert_int_equal(fake.n_discarded, 2);
	expect_run(0, 4 * PIECE, 0, 0);
}

static void a_missing_piece_has_no_known_pages(void **state)
{
	(void)state;
	ww_known_set(&known, 2 * PIECE - 3, 2 * PIECE + 100);
	expect_run(0, 4 * PIECE, 2 * PIECE - 3, 2 * PIECE);
	expect_run(2 * PIECE, 3 * PIECE, 0, 0);
	ww_known_set(&known, 3 * PIECE - 100, 3 * PIECE + 2);
	expect_run(2 * PIECE, 4 * PIECE, 3 * PIECE, 3 * PIECE + 2);
	ww_known_clear(&known, 2 * PIECE + 1, 3 * PIECE + 1);
	expect_run(2 * PIECE, 4 * PIECE, 3 * PIECE + 1, 3 * PIECE + 2);
	ww_known_forget(&known, &fake_ops, 0, 4 * PIECE);
	expect_run(0, 4 * PIECE, 0, 0);
}

static void without_a_bitmap_all_is_known(void **state)
{
	static const struct ww_known none;
	size_t run_first, run_end;

	(void)state;
	ww_known_set(&none, 0, 10);
	ww_known_clear(&none, 0, 10);
	ww_known_forget(&none, &fake_ops, 0, MAX_PAGES);
	assert_true(ww_known_next(&none, 3, 10, &run_first, &run_end));
	assert_int_equal(run_first, 3);
	assert_int_equal(run_end, 10);
	assert_false(ww_known_next(&none, 10, 10, &run_first, &run_end));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(random_operations_match_an_array),
		TEST(each_page_alone),
		TEST(nothing_is_nothing),
		TEST(forgetting_gives_memory_back),
		TEST(runs_cross_pieces),
		TEST(a_missing_piece_has_no_known_pages),
		TEST(without_a_bitmap_all_is_known),
	};

	fake_seed();
	return FAKE_RUN(tests);
}

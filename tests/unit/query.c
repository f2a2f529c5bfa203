/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Get and Reset: what is reported, in which order, and what is reset. */
#include "fake.h"

#include <errno.h>
#include <string.h>

#define PAGE ww_page_size()

static struct ww_regions *regions;
static size_t pages[FAKE_PAGES];

static int begin(void **state)
{
	(void)state;
	fake_reset();
	regions = fake_regions();
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake.before = fake.after = NULL;
	fake_heal();
	ww_regions_close(regions);
	assert_int_equal(fake.open_fds, 0);
	assert_int_equal(fake.bad_calls, 0);
	return 0;
}

static bool contains(size_t page, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pages[i] == page)
			return true;
	return false;
}

static void get_without_reset_changes_nothing(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 32, true);
	fake_write(3);
	fake_write(20);
	assert_int_equal(fake_decommit(regions, 20, 1), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fake_get(regions, 0, 32, false, pages, 32), 2);
		assert_int_equal(pages[0], 3);
		assert_int_equal(pages[1], 20);
	}
	fake_expect(regions, 0, 32, 2, 3, 20);
}

static void the_range_bounds_result_and_reset(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_write(2);
	fake_write(4);
	fake_expect(regions, 3, 2, 1, 4);
	fake_reset_watch(regions, 0, 2);
	fake_expect(regions, 0, 16, 1, 2);
}

/* Written pages of every kind: committed, decommitted, committed again, one
 * next to the other, alone, and adjacent over the border of two kinds. */
static const size_t mixed[] = { 1, 2, 5, 8, 9, 12, 13, 14, 20, 22, 24, 31 };

#define N_MIXED (sizeof(mixed) / sizeof(mixed[0]))

static void make_mixed(void)
{
	fake_reserve(regions, 0, 32, true);
	for (size_t i = 0; i < N_MIXED; i++)
		fake_write(mixed[i]);
	assert_int_equal(fake_decommit(regions, 2, 7), 0);
	assert_int_equal(fake_decommit(regions, 13, 1), 0);
	fake_commit(regions, 13, 1);
	fake_write(13);
	assert_int_equal(fake_decommit(regions, 22, 1), 0);
	assert_int_equal(fake_decommit(regions, 31, 1), 0);
	fake_commit(regions, 31, 1);
}

/* Exact fit, one less, one more, and every other: the lowest pages come, these
 * are reset, and nothing else is. */
static void every_capacity_takes_the_lowest_pages(void **state)
{
	(void)state;
	for (size_t capacity = 1; capacity <= N_MIXED + 1; capacity++) {
		size_t expected = capacity < N_MIXED ? capacity : N_MIXED;
		size_t n;

		make_mixed();
		n = fake_get(regions, 0, 32, true, pages, capacity);
		assert_int_equal(n, expected);
		n += fake_get(regions, 0, 32, true, pages + n, 32);
		assert_int_equal(n, N_MIXED);
		for (size_t i = 0; i < N_MIXED; i++)
			assert_int_equal(pages[i], mixed[i]);
		fake_expect(regions, 0, 32, 0);
		fake_release(regions, 0, 32);
	}
}

/* The loop of the Boehm collector: a full array means that there may be more. */
static void the_loop_while_the_array_is_full_ends(void **state)
{
	(void)state;
	for (size_t capacity = 1; capacity <= N_MIXED + 1; capacity++) {
		size_t n, total = 0, calls = 0;

		make_mixed();
		do {
			n = fake_get(regions, 0, 32, true, pages + total, capacity);
			total += n;
			calls++;
		} while (n == capacity);
		assert_int_equal(total, N_MIXED);
		assert_int_equal(calls, N_MIXED / capacity + 1);
		fake_release(regions, 0, 32);
	}
}

static void without_reset_capacity_only_cuts(void **state)
{
	(void)state;
	make_mixed();
	for (size_t capacity = 1; capacity <= N_MIXED + 1; capacity++) {
		size_t n = fake_get(regions, 0, 32, false, pages, capacity);

		assert_int_equal(n, capacity < N_MIXED ? capacity : N_MIXED);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(pages[i], mixed[i]);
	}
}

/* Trap K1 and the inner limits, with each capacity around them. */
static void many_runs(size_t n_runs, bool decommit)
{
	for (int less = -1; less <= 1; less++) {
		size_t n, capacity = n_runs + less;

		fake_reserve(regions, 0, 4096, true);
		for (size_t i = 0; i < n_runs; i++)
			fake_write(3 * i);
		if (decommit)
			for (size_t i = 0; i < n_runs; i += 2)
				assert_int_equal(fake_decommit(regions, 3 * i, 1),
						 0);
		n = fake_get(regions, 0, 4096, true, pages, capacity);
		assert_int_equal(n, less < 0 ? capacity : n_runs);
		n += fake_get(regions, 0, 4096, true, pages + n, 4096);
		assert_int_equal(n, n_runs);
		for (size_t i = 0; i < n_runs; i++)
			assert_int_equal(pages[i], 3 * i);
		fake_release(regions, 0, 4096);
	}
}

static void results_of_any_number_of_runs_are_exact(void **state)
{
	static const size_t counts[] = { 63, 64, 65, 127, 128, 129, 340, 341, 342,
					 511, 512, 513, 852, 853, 854, 1365 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		many_runs(counts[i], false);
		many_runs(counts[i], true);
	}
}

static void a_scan_is_asked_for_no_more_than_is_wanted(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 4096, true);
	for (size_t page = 0; page < 4096; page++)
		fake_write(page);
	fake_get(regions, 0, 4096, true, pages, 1);
	assert_int_equal(fake.last_max_pages, 1);
	fake_get(regions, 1, 1, true, pages, 1);
	assert_int_equal(fake.last_vec_len, 1);
	/* every other of 16 pages, and what lies behind the last */
	fake_get(regions, 2, 16, true, pages, 16);
	assert_int_equal(fake.last_vec_len, 9);
	fake_get(regions, 18, 2000, true, pages, 2000);
	assert_int_equal(fake.last_vec_len, 341);
}

/* ---- Memory that changes behind our back ---- */

/* Somebody mapped over a part of a run: EPERM. It is watched again, and no
 * write is lost; what is not committed stays exact. */
static void a_replaced_mapping_is_reported_and_watched_again(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		size_t n;

		fake_reserve(regions, 0, 32, false);
		fake_commit(regions, 0, 8);
		fake_commit(regions, 10, 8);
		fake_write(3);
		fake_write(11);
		fake_mmap(12, 2, true);
		fake_write(13);
		if (late)
			fake_fail_late(FAKE_SCAN, 1, EIO);
		n = fake_get(regions, 0, 32, true, pages, 32);
		for (size_t i = 0; i < n; i++)
			assert_true(pages[i] < 8 || (pages[i] >= 10 && pages[i] < 18));
		assert_true(contains(3, n) && contains(11, n) && contains(13, n));
		assert_true(fake_registered(12) && fake_registered(13));
		fake_expect(regions, 0, 32, 0);
		fake_write(12);
		fake_expect(regions, 0, 32, 1, 12);
		fake_release(regions, 0, 32);
	}
}

static void a_replaced_mapping_is_reported_without_reset(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_write(1);
	fake_mmap(4, 2, true);
	fake_write(4);
	assert_true(fake_get(regions, 0, 16, false, pages, 16) >= 2);
	assert_true(fake_get(regions, 0, 16, true, pages, 16) >= 2);
	fake_expect(regions, 0, 16, 0);
}

static void a_replaced_mapping_does_not_spoil_a_reset(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_mmap(4, 2, true);
	fake_write(4);
	fake_reset_watch(regions, 0, 16);
	fake_expect(regions, 0, 16, 0);
	fake_write(5);
	fake_expect(regions, 0, 16, 1, 5);
}

/* Another process committed and somebody wrote: no run may hide it. */
static void strays_are_found(void **state)
{
	(void)state;
	for (int holes_written = 0; holes_written < 2; holes_written++) {
		fake.holes_written = holes_written;
		fake_reserve(regions, 0, 64, false);
		fake_commit(regions, 8, 8);
		fake_protect(30, 10, true);
		fake_write(10);
		fake_write(33);
		fake_write(39);
		fake_swap_out(39);
		assert_int_equal(fake_get(regions, 0, 64, false, pages, 64), 3);
		fake_expect(regions, 0, 64, 3, 10, 33, 39);
		fake_expect(regions, 0, 64, 0);
		fake_write(33);
		fake_write(35);
		fake_expect(regions, 0, 64, 2, 33, 35);
		fake_expect(regions, 0, 64, 0);
		fake_release(regions, 0, 64);
	}
}

static void more_strays_than_one_scan_holds_are_found(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 4096, false);
	fake_protect(0, 4096, true);
	for (size_t page = 0; page < 4096; page += 4)
		fake_write(page);
	assert_int_equal(fake_get(regions, 0, 4096, true, pages, 4096), 1024);
	fake_expect(regions, 0, 4096, 0);
}

static void a_reset_takes_strays_along(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 64, false);
	fake_protect(30, 10, true);
	fake_write(33);
	fake_reset_watch(regions, 0, 64);
	fake_expect(regions, 0, 64, 0);
	fake_write(33);
	fake_expect(regions, 0, 64, 1, 33);
}

static void a_reset_clears_decommitted_pages(void **state)
{
	(void)state;
	make_mixed();
	fake_reset_watch(regions, 0, 6);
	fake_expect(regions, 0, 32, 9, 8, 9, 12, 13, 14, 20, 22, 24, 31);
	fake_release(regions, 0, 32);
	make_mixed();
	fake_reset_watch(regions, 0, 32);
	fake_expect(regions, 0, 32, 0);
}

/* ---- Racing writers ---- */

static size_t racing_page;

static void write_before(enum fake_site site)
{
	if (site == FAKE_SCAN || site == FAKE_RESET)
		fake_write(racing_page);
}

static void a_write_after_the_scan_is_kept_for_the_next(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	racing_page = 5;
	fake_write(5);
	fake.after = write_before;
	fake_expect(regions, 0, 16, 1, 5);
	fake.after = NULL;
	fake_expect(regions, 0, 16, 1, 5);
	fake_expect(regions, 0, 16, 0);
}

static void a_write_before_the_scan_is_in_the_result(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	racing_page = 5;
	fake.before = write_before;
	fake_expect(regions, 0, 16, 1, 5);
	fake.before = NULL;
	fake_expect(regions, 0, 16, 0);
}

/* ---- What is known needs no scan ---- */

static void write_all(size_t first, size_t n_pages)
{
	for (size_t page = first; page < first + n_pages; page++)
		assert_true(fake_write(page));
}

/* The pages of the range from `first` on, and only they, in that many scans. */
static void expect_run(size_t range, size_t first, size_t n_pages, bool reset,
		       unsigned n_scans)
{
	unsigned before = fake.calls[FAKE_SCAN];
	size_t n = fake_get(regions, 0, range, reset, pages, FAKE_PAGES);

	assert_int_equal(n, n_pages);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pages[i], first + i);
	assert_int_equal(fake.calls[FAKE_SCAN] - before, n_scans);
}

static void a_range_that_is_all_written_is_scanned_once(void **state)
{
	static const size_t sizes[] = { 1, 2, 63, 64, 65, 128, 1000, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];

		fake_reserve(regions, 0, n, true);
		write_all(0, n);
		expect_run(n, 0, n, false, 1);
		expect_run(n, 0, n, false, 0);
		expect_run(n, 0, n, false, 0);
		expect_run(n, 0, n, true, 1);
		expect_run(n, 0, 0, false, 1);
		write_all(0, n);
		expect_run(n, 0, n, false, 1);
		fake_reset_watch(regions, 0, n);
		expect_run(n, 0, 0, false, 1);
		fake_write(n - 1);
		expect_run(n, n - 1, 1, true, 1);
		fake_release(regions, 0, n);
	}
}

/* On both sides of a known run, and only there. */
static void scans_pass_by_long_known_runs(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 1000, true);
	write_all(300, 400);
	expect_run(1000, 300, 400, false, 1);
	expect_run(1000, 300, 400, false, 2);
	write_all(299, 1);
	write_all(700, 1);
	expect_run(1000, 299, 402, false, 2);
	fake_reset_watch(regions, 0, 400);
	fake_reset_watch(regions, 500, 500);
	expect_run(1000, 400, 100, false, 1);
	write_all(300, 100);
	write_all(500, 100);
	expect_run(1000, 300, 300, true, 1);
	expect_run(1000, 0, 0, true, 1);
	write_all(200, 800);
	expect_run(1000, 200, 800, false, 1);
	/* of the first 200 pages, and no more */
	expect_run(1000, 200, 800, false, 1);
	assert_int_equal(fake.last_vec_len, 101);
}

static void scans_pass_through_short_runs(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 1000, true);
	for (int again = 0; again < 3; again++)
		for (int reset = 0; reset < 2; reset++) {
			unsigned before = fake.calls[FAKE_SCAN];

			for (size_t i = 0; i < 1000; i += 100)
				write_all(i, 60);
			assert_int_equal(fake_get(regions, 0, 1000, reset, pages,
						  1000), 600);
			assert_int_equal(fake.calls[FAKE_SCAN] - before, 1);
		}
}

/* In pieces of every kind of capacity, with and without reset. */
static void known_runs_are_reported_in_order(void **state)
{
	(void)state;
	for (size_t capacity = 1; capacity < 700; capacity += 97) {
		size_t n, total = 0;

		fake_reserve(regions, 0, 1000, true);
		write_all(0, 130);
		write_all(200, 1);
		write_all(400, 300);
		write_all(999, 1);
		for (int i = 0; i < 2; i++) {
			n = fake_get(regions, 0, 1000, false, pages, capacity);
			assert_int_equal(n, capacity < 432 ? capacity : 432);
		}
		fake_get(regions, 0, 1000, false, pages, 1000);
		do {
			n = fake_get(regions, 0, 1000, true, pages + total,
				     capacity);
			total += n;
		} while (n == capacity);
		assert_int_equal(total, 432);
		for (size_t i = 0; i < 130; i++)
			assert_int_equal(pages[i], i);
		assert_int_equal(pages[130], 200);
		for (size_t i = 0; i < 300; i++)
			assert_int_equal(pages[131 + i], 400 + i);
		assert_int_equal(pages[431], 999);
		fake_expect(regions, 0, 1000, 0);
		fake_release(regions, 0, 1000);
	}
}

static void known_pages_stay_so_when_decommitted(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 256, true);
	write_all(0, 256);
	expect_run(256, 0, 256, false, 1);
	/* what is not committed is looked at for strays */
	assert_int_equal(fake_decommit(regions, 0, 100), 0);
	expect_run(256, 0, 256, false, 1);
	fake_commit(regions, 50, 50);
	expect_run(256, 0, 256, true, 2);
	expect_run(256, 0, 0, true, 2);
}

static void nothing_is_known_of_a_region_that_is_gone(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 256, true);
	write_all(0, 256);
	expect_run(256, 0, 256, false, 1);
	fake_release(regions, 0, 256);
	fake_reserve(regions, 0, 256, true);
	expect_run(256, 0, 0, false, 1);
}

static void reserve_anew(enum fake_site site)
{
	if (site != FAKE_SCAN)
		return;
	fake.after = NULL;
	fake_release(regions, 0, 256);
	fake_reserve(regions, 0, 256, true);
}

static void nor_of_one_that_goes_during_the_scan(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 256, true);
	write_all(0, 256);
	fake.after = reserve_anew;
	fake_get(regions, 0, 256, false, pages, 256);
	expect_run(256, 0, 0, false, 1);
}

/* ---- A kernel that refuses ---- */

static void refused_for_ever_is_all_written_and_ends(void **state)
{
	static const enum fake_site sites[] = { FAKE_SCAN, FAKE_REGISTER };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t capacity = 1; capacity < 20; capacity++) {
			size_t n;

			fake_reserve(regions, 0, 32, false);
			fake_commit(regions, 2, 8);
			fake_commit(regions, 20, 8);
			fake_write(21);
			fake_mmap(4, 1, true);
			fake_fail_always(FAKE_SCAN, EPERM);
			fake_fail_always(sites[i], EPERM);
			n = fake_get(regions, 0, 32, true, pages, capacity);
			assert_int_equal(n, capacity < 16 ? capacity : 16);
			/* later they may be written still, and what did not
			 * fit must be */
			fake_heal();
			n += fake_get(regions, 0, 32, true, pages + n, 32);
			assert_true(contains(21, n));
			fake_release(regions, 0, 32);
		}
}

/* Nor does it hide what is known without asking. */
static void refused_for_ever_still_reports_decommitted_pages(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 32, true);
	fake_write(5);
	assert_int_equal(fake_decommit(regions, 4, 8), 0);
	fake_fail_always(FAKE_SCAN, EPERM);
	assert_int_equal(fake_get(regions, 0, 32, false, pages, 32), 25);
	assert_true(contains(5, 25));
}

static void a_refused_reset_leaves_all_written(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 8, true);
	fake_write(3);
	fake_fail_always(FAKE_RESET, EPERM);
	fake_reset_watch(regions, 0, 8);
	fake_heal();
	fake_expect(regions, 0, 8, 8, 0, 1, 2, 3, 4, 5, 6, 7);
}

/* There was no memory to cut the run, nor could the hole be watched again. */
static void a_reset_goes_around_what_spoils_a_run(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 700, false);
	fake_commit(regions, 0, 64);
	fake_commit(regions, 600, 1);
	for (size_t page = 0; page < 64; page++)
		fake_write(page);
	fake_fail(FAKE_MAP, 1, ENOMEM);
	fake_fail(FAKE_REGISTER, 1, ENOMEM);
	assert_int_equal(fake_decommit(regions, 20, 10), 0);
	fake_reset_watch(regions, 10, 40);
	fake_expect(regions, 10, 40, 0);
	fake_write(45);
	fake_expect(regions, 10, 40, 1, 45);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(get_without_reset_changes_nothing),
		TEST(the_range_bounds_result_and_reset),
		TEST(every_capacity_takes_the_lowest_pages),
		TEST(the_loop_while_the_array_is_full_ends),
		TEST(without_reset_capacity_only_cuts),
		TEST(results_of_any_number_of_runs_are_exact),
		TEST(a_scan_is_asked_for_no_more_than_is_wanted),
		TEST(a_replaced_mapping_is_reported_and_watched_again),
		TEST(a_replaced_mapping_is_reported_without_reset),
		TEST(a_replaced_mapping_does_not_spoil_a_reset),
		TEST(strays_are_found),
		TEST(more_strays_than_one_scan_holds_are_found),
		TEST(a_reset_takes_strays_along),
		TEST(a_reset_clears_decommitted_pages),
		TEST(a_write_after_the_scan_is_kept_for_the_next),
		TEST(a_write_before_the_scan_is_in_the_result),
		TEST(a_range_that_is_all_written_is_scanned_once),
		TEST(scans_pass_by_long_known_runs),
		TEST(scans_pass_through_short_runs),
		TEST(known_runs_are_reported_in_order),
		TEST(known_pages_stay_so_when_decommitted),
		TEST(nothing_is_known_of_a_region_that_is_gone),
		TEST(nor_of_one_that_goes_during_the_scan),
		TEST(refused_for_ever_is_all_written_and_ends),
		TEST(refused_for_ever_still_reports_decommitted_pages),
		TEST(a_refused_reset_leaves_all_written),
		TEST(a_reset_goes_around_what_spoils_a_run),
	};

	return FAKE_RUN(tests);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writers of the registry: reserve, commit, decommit, release. */
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

static void reserve_registers_and_builds_no_tables(void **state)
{
	(void)state;
	fake_reserve(regions, 0, FAKE_PAGES, false);
	assert_true(fake_registered(0) && fake_registered(FAKE_PAGES - 1));
	assert_int_equal(fake_tables(), 0);
}

/* Trap K17. */
static void queries_of_reserved_memory_build_no_tables(void **state)
{
	(void)state;
	fake.holes_written = true;
	fake_reserve(regions, 0, FAKE_PAGES, false);
	fake_commit(regions, 1000, 10);
	fake_write(1003);
	fake_expect(regions, 0, FAKE_PAGES, 1, 1003);
	fake_reset_watch(regions, 0, FAKE_PAGES);
	fake_expect(regions, 0, FAKE_PAGES, 0);
	assert_int_equal(fake_tables(), 1);
}

static void reserve_with_commit_is_clean_and_armed(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	assert_true(fake_protected(0) && fake_protected(15));
	fake_expect(regions, 0, 16, 0);
	fake_write(7);
	fake_expect(regions, 0, 16, 1, 7);
}

static void failed_reserve_leaves_nothing(void **state)
{
	static const enum fake_site sites[] = { FAKE_ALLOW, FAKE_REGISTER,
						FAKE_MAP };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		sigset_t saved;

		fake_mmap(0, 16, false);
		ww_regions_lock(regions, &saved);
		fake_fail_always(sites[i], ENOMEM);
		assert_int_equal(ww_regions_reserve(regions, fake_at(0),
						    16 * PAGE, false), -ENOMEM);
		fake_heal();
		ww_regions_unlock(regions, &saved);
		assert_false(ww_regions_watched(regions, fake_at(0)));
		assert_false(fake_registered(0));
	}
}

/* ---- Commit ---- */

static void check_not_accessible(enum fake_site site)
{
	if (site == FAKE_WRITEPROTECT)
		for (size_t page = 4; page < 12; page++)
			assert_false(fake_accessible(page));
}

static void commit_arms_before_access(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, false);
	fake.after = check_not_accessible;
	fake_commit(regions, 4, 8);
	fake.after = NULL;
	for (size_t page = 0; page < 16; page++)
		assert_int_equal(fake_protected(page), page >= 4 && page < 12);
}

static void commit_arms_only_what_is_new(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 32, false);
	fake_commit(regions, 4, 4);
	fake_commit(regions, 12, 4);
	for (size_t page = 4; page < 16; page++)
		fake_write(page);
	fake.calls[FAKE_SCAN] = 0;
	fake_commit(regions, 0, 32);
	/* what lies between the two is armed already */
	assert_int_equal(fake.calls[FAKE_SCAN], 2);
	fake_commit(regions, 0, 32);
	assert_int_equal(fake.calls[FAKE_SCAN], 2);
	fake_expect(regions, 0, 32, 8, 4, 5, 6, 7, 12, 13, 14, 15);
}

/* Over-report, never under-report. */
static void what_cannot_be_armed_is_written(void **state)
{
	(void)state;
	fake.holes_written = true;
	fake_reserve(regions, 0, 16, false);
	fake_fail_always(FAKE_SCAN, ENOMEM);
	fake_commit(regions, 4, 4);
	fake_heal();
	fake_expect(regions, 0, 16, 4, 4, 5, 6, 7);
	fake_expect(regions, 0, 16, 0);
}

static void commit_after_a_lost_watch_arms(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, false);
	fake_mmap(0, 16, false);
	fake_commit(regions, 0, 16);
	fake_expect(regions, 0, 16, 0);
	fake_write(3);
	fake_expect(regions, 0, 16, 1, 3);
}

static void a_commit_that_wine_refuses_does_no_harm(void **state)
{
	sigset_t saved;

	(void)state;
	fake_reserve(regions, 0, 16, false);
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, fake_at(0), 16 * PAGE);
	ww_regions_unlock(regions, &saved);
	fake_expect(regions, 0, 16, 0);
	fake_commit(regions, 0, 16);
	fake_write(5);
	fake_expect(regions, 0, 16, 1, 5);
}

static void a_commit_without_memory_for_its_run_loses_nothing(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 64, false);
	fake_fail_always(FAKE_MAP, ENOMEM);
	for (size_t page = 0; page < 64; page += 8) {
		fake_commit(regions, page, 1);
		fake_write(page);
	}
	fake_heal();
	fake_expect(regions, 0, 64, 8, 0, 8, 16, 24, 32, 40, 48, 56);
}

/* Another process committed, somebody wrote, and then we commit, too. */
static void commit_keeps_what_others_committed_and_wrote(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, false);
	fake_protect(4, 4, true);
	fake_write(5);
	fake_commit(regions, 0, 16);
	fake_expect(regions, 0, 16, 1, 5);
}

/* ---- Huge zero pages ---- */

#define BLOCK (ww_block_size() / PAGE)

static void whole_new_blocks_get_huge_zero_pages(void **state)
{
	(void)state;
	fake.huge_zero = true;
	fake_reserve(regions, 0, 4 * BLOCK, false);
	fake_commit(regions, 10, 2);
	fake_commit(regions, 0, 3 * BLOCK - 1);
	assert_false(fake_huge_zero(0));
	assert_true(fake_huge_zero(BLOCK) && fake_huge_zero(2 * BLOCK - 1));
	assert_false(fake_huge_zero(2 * BLOCK));
	for (size_t page = 0; page < 3 * BLOCK - 1; page++)
		assert_true(fake_protected(page) && fake_accessible(page));
	fake_expect(regions, 0, 4 * BLOCK, 0);
	fake_write(BLOCK + 7);
	fake_write(3);
	fake_expect(regions, 0, 4 * BLOCK, 2, 3, (int)BLOCK + 7);
}

/* What lays them is over, and nobody can write, when the memory is armed. */
static void check_nobody_writes(enum fake_site site)
{
	if (site == FAKE_SCAN || site == FAKE_ADVISE)
		assert_false(fake_write(BLOCK));
}

static void blocks_are_laid_before_access(void **state)
{
	sigset_t saved;

	(void)state;
	fake.huge_zero = true;
	fake_reserve(regions, 0, 2 * BLOCK, false);
	fake.before = fake.after = check_nobody_writes;
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, fake_at(0), 2 * BLOCK * PAGE);
	ww_regions_unlock(regions, &saved);
	fake.before = fake.after = NULL;
	assert_true(fake_huge_zero(0));
	assert_false(fake_accessible(0) || fake_accessible(2 * BLOCK - 1));
	assert_false(fake_read(0));
}

static void check_nobody_reads(enum fake_site site)
{
	if (site == FAKE_ADVISE)
		assert_false(fake_read(0));
}

/* Committed without access, as guard pages are: what lays blocks elsewhere must not
 * take back the access that the first touch gives to them. */
static void closed_pages_stay_closed_while_blocks_are_laid(void **state)
{
	sigset_t saved;

	(void)state;
	fake.huge_zero = true;
	fake_reserve(regions, 0, 4 * BLOCK, false);
	ww_regions_lock(regions, &saved);
	ww_regions_commit(regions, fake_at(0), PAGE);
	fake.before = check_nobody_reads;
	ww_regions_commit(regions, fake_at(BLOCK), 2 * BLOCK * PAGE);
	fake.before = NULL;
	ww_regions_unlock(regions, &saved);
	assert_true(fake_huge_zero(BLOCK));
}

static void a_block_that_comes_back_whole_is_laid_again(void **state)
{
	(void)state;
	fake.huge_zero = true;
	fake_reserve(regions, 0, 2 * BLOCK, true);
	assert_true(fake_huge_zero(0) && fake_huge_zero(BLOCK));
	assert_int_equal(fake_decommit(regions, 1, BLOCK), 0);
	fake_commit(regions, 1, BLOCK);
	assert_false(fake_huge_zero(1) || fake_huge_zero(BLOCK));
	assert_int_equal(fake_decommit(regions, 0, BLOCK), 0);
	fake_commit(regions, 0, BLOCK);
	assert_true(fake_huge_zero(0));
	fake_expect(regions, 0, 2 * BLOCK, 0);
}

/* The first block shows that there are none: no other is tried. */
static void without_huge_zero_pages_one_block_is_tried(void **state)
{
	unsigned calls;

	(void)state;
	fake_reserve(regions, 0, 4 * BLOCK, false);
	fake_commit(regions, 0, 2 * BLOCK);
	calls = fake.calls[FAKE_ADVISE];
	fake_commit(regions, 2 * BLOCK, 2 * BLOCK);
	assert_int_equal(fake.calls[FAKE_ADVISE], calls);
	assert_true(fake_protected(0) && fake_protected(4 * BLOCK - 1));
	fake_expect(regions, 0, 4 * BLOCK, 0);
}

/* Huge pages would do no harm, but real ones are memory, and read as written. */
static void without_the_zero_page_there_are_no_huge_pages(void **state)
{
	(void)state;
	fake.huge_zero = fake.no_zero_page = true;
	fake_reserve(regions, 0, 2 * BLOCK, false);
	fake_commit(regions, 0, 2 * BLOCK);
	fake_expect(regions, 0, 2 * BLOCK, 0);
	fake_write(3);
	fake_expect(regions, 0, 2 * BLOCK, 1, 3);
}

/* The view may have any number of mappings later: a commit walks over none of them,
 * but the first finds one. */
static void laying_advises_the_view_at_first_and_the_blocks_later(void **state)
{
	(void)state;
	fake.huge_zero = true;
	fake_reserve(regions, 0, 8 * BLOCK, false);
	fake_commit(regions, 3 * BLOCK, 2 * BLOCK);
	assert_true(fake_huge_zero(3 * BLOCK));
	assert_int_equal(fake.most_advised, 8 * BLOCK);
	assert_false(fake_read(0) || fake_read(8 * BLOCK - 1));
	fake.most_advised = 0;
	fake_commit(regions, 6 * BLOCK, BLOCK);
	assert_true(fake_huge_zero(6 * BLOCK));
	assert_int_equal(fake.most_advised, BLOCK + 2);
	fake_commit(regions, 0, BLOCK);
	assert_true(fake_huge_zero(0));
	assert_int_equal(fake.most_advised, BLOCK + 2);
}

static void memory_in_use_is_not_advised(void **state)
{
	sigset_t saved;

	(void)state;
	fake.huge_zero = true;
	fake_mmap(0, 2 * BLOCK, true);
	ww_regions_lock(regions, &saved);
	assert_int_equal(ww_regions_reserve(regions, fake_at(0), 2 * BLOCK * PAGE,
					    WW_MEMORY_IN_USE), 0);
	ww_regions_unlock(regions, &saved);
	assert_int_equal(fake.calls[FAKE_ADVISE], 0);
	assert_true(fake_protected(0) && !fake_huge_zero(0));
}

/* Whichever call of the way there fails, the memory is armed. */
static void without_a_huge_zero_page_there_are_markers(void **state)
{
	(void)state;
	for (int site = FAKE_PROTECT; site <= FAKE_IS_CLOSED; site++)
		for (unsigned nth = 1; nth < 6; nth++) {
			fake.huge_zero = true;
			fake_fail(site, nth, ENOMEM);
			fake_reserve(regions, 0, 2 * BLOCK, false);
			fake_commit(regions, 0, 2 * BLOCK);
			fake_heal();
			fake_expect(regions, 0, 2 * BLOCK, 0);
			fake_write(BLOCK);
			fake_expect(regions, 0, 2 * BLOCK, 1, (int)BLOCK);
			fake_release(regions, 0, 2 * BLOCK);
		}
}

/* ---- Gaps ---- */

#define MAX_GAP (ww_backend_uffd.max_gap / PAGE)

static size_t scans_of_a_get(size_t n_pages)
{
	fake.calls[FAKE_SCAN] = 0;
	fake_get(regions, 0, n_pages, false, pages, n_pages);
	return fake.calls[FAKE_SCAN];
}

static void small_gaps_are_scanned_through(void **state)
{
	(void)state;
	fake.holes_written = true;
	fake_reserve(regions, 0, 1024, false);
	fake_commit(regions, 0, 10);
	fake_commit(regions, 10 + MAX_GAP, 10);
	fake_commit(regions, 700, 10);
	/* two runs, and what lies between and behind them */
	assert_int_equal(scans_of_a_get(1024), 4);
	fake_commit(regions, 500, 10);
	assert_int_equal(scans_of_a_get(1024), 2);
	fake_expect(regions, 0, 1024, 0);
	fake_write(9);
	fake_write(500);
	fake_expect(regions, 0, 1024, 2, 9, 500);
}

/* Another process commits in a gap, before and after it is armed. */
static void strays_in_a_gap_are_found(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 64, false);
	fake_commit(regions, 0, 8);
	fake_protect(10, 2, true);
	fake_write(10);
	fake_commit(regions, 16, 8);
	fake_write(11);
	fake_expect(regions, 0, 64, 2, 10, 11);
	fake_expect(regions, 0, 64, 0);
	fake_protect(12, 1, true);
	fake_write(12);
	fake_write(10);
	fake_expect(regions, 0, 64, 2, 10, 12);
	/* and then it is committed here */
	fake_write(11);
	fake_commit(regions, 8, 8);
	fake_expect(regions, 0, 64, 1, 11);
}

static void decommitted_pages_in_a_gap_are_as_they_were(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 64, true);
	fake_write(20);
	assert_int_equal(fake_decommit(regions, 10, 20), 0);
	fake_commit(regions, 15, 2);
	fake_commit(regions, 25, 2);
	fake_expect(regions, 0, 64, 1, 20);
	fake_write(15);
	fake_expect(regions, 0, 64, 1, 15);
	fake_expect(regions, 0, 64, 0);
}

/* What cannot be armed stays out of the runs. */
static void a_gap_that_cannot_be_armed_is_no_run(void **state)
{
	(void)state;
	fake.holes_written = true;
	fake_reserve(regions, 0, 64, false);
	fake_commit(regions, 0, 8);
	fake_fail(FAKE_SCAN, 2, ENOMEM);
	fake_commit(regions, 16, 8);
	fake_heal();
	fake_expect(regions, 0, 64, 0);
	fake_write(17);
	fake_expect(regions, 0, 64, 1, 17);
}

/* Only what is committed counts as written where a scan has failed. */
static void a_failed_scan_does_not_report_gaps(void **state)
{
	(void)state;
	fake.holes_written = true;
	fake_reserve(regions, 0, 64, false);
	fake_commit(regions, 2, 2);
	fake_commit(regions, 8, 2);
	fake_fail_always(FAKE_SCAN, EPERM);
	fake_expect(regions, 0, 64, 4, 2, 3, 8, 9);
	fake_heal();
	fake_reset_watch(regions, 0, 64);
	fake_expect(regions, 0, 64, 0);
}

static void gaps_stay_within_a_view(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 64, false);
	fake_release(regions, 30, 4);
	fake_commit(regions, 20, 8);
	fake_commit(regions, 36, 8);
	assert_false(fake_protected(29) || fake_protected(35));
	fake_commit(regions, 22, 8);
	assert_false(fake_protected(35));
}

/* ---- Decommit ---- */

static void decommit_keeps_written_pages_and_clean_ones_clean(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_write(2);
	fake_write(5);
	fake_write(6);
	fake_expect(regions, 2, 1, 1, 2);
	fake_write(9);
	assert_int_equal(fake_decommit(regions, 0, 8), 0);
	fake_expect(regions, 0, 16, 3, 5, 6, 9);
	fake_expect(regions, 0, 16, 0);
}

static void a_page_committed_again_keeps_its_bit(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_write(5);
	assert_int_equal(fake_decommit(regions, 0, 16), 0);
	fake_commit(regions, 0, 16);
	fake_write(6);
	fake_expect(regions, 0, 16, 2, 5, 6);
	fake_expect(regions, 0, 16, 0);
	fake_write(5);
	fake_expect(regions, 0, 16, 1, 5);
}

static void decommit_keeps_what_others_committed_and_wrote(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, false);
	fake_commit(regions, 8, 4);
	fake_protect(4, 4, true);
	fake_write(5);
	fake_write(9);
	assert_int_equal(fake_decommit(regions, 0, 16), 0);
	fake_expect(regions, 0, 16, 2, 5, 9);
}

static void more_written_runs_than_one_scan_holds_are_saved(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 2048, true);
	for (size_t page = 0; page < 2048; page += 2)
		fake_write(page);
	assert_int_equal(fake_decommit(regions, 0, 2048), 0);
	assert_int_equal(fake_get(regions, 0, 2048, true, pages, 2048), 1024);
	for (size_t i = 0; i < 1024; i++)
		assert_int_equal(pages[i], 2 * i);
}

/* A racing write either faults or is seen. */
static void check_no_access(enum fake_site site)
{
	if (site == FAKE_SCAN)
		assert_false(fake_accessible(3));
}

static void decommit_takes_access_before_it_looks(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake.before = check_no_access;
	assert_int_equal(fake_decommit(regions, 3, 1), 0);
	fake.before = NULL;
	assert_true(fake_accessible(2) && fake_accessible(4));
}

static void decommit_without_memory_changes_nothing(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 300, true);
	fake_write(5);
	fake_fail_always(FAKE_PROTECT, ENOMEM);
	assert_int_equal(fake_decommit(regions, 0, 300), -ENOMEM);
	fake_heal();
	assert_true(fake_accessible(5));
	fake_expect(regions, 0, 300, 1, 5);
}

static void decommit_that_cannot_scan_takes_all_as_written(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_fail(FAKE_SCAN, 1, EPERM);
	assert_int_equal(fake_decommit(regions, 4, 4), 0);
	fake_expect(regions, 0, 16, 4, 4, 5, 6, 7);
}

static void decommit_watches_the_new_mapping(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	assert_int_equal(fake_decommit(regions, 4, 4), 0);
	assert_true(fake_registered(4) && fake_registered(7));
}

/* ---- Release ---- */

static void a_new_region_at_the_same_place_is_clean(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_write(5);
	fake_write(6);
	assert_int_equal(fake_decommit(regions, 6, 1), 0);
	fake_release(regions, 0, 16);
	assert_false(ww_regions_watched(regions, fake_at(5)));
	fake_reserve(regions, 0, 16, true);
	fake_expect(regions, 0, 16, 0);
}

static int begin_query(size_t page, size_t n_pages)
{
	struct ww_query query;
	int ret = ww_query_begin(&query, regions, fake_at(page), n_pages * PAGE);

	if (!ret)
		ww_query_end(&query);
	return ret;
}

static void partial_release_leaves_two_views(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	for (size_t page = 0; page < 16; page++)
		fake_write(page);
	assert_int_equal(fake_decommit(regions, 5, 2), 0);
	fake_release(regions, 4, 8);
	assert_int_equal(begin_query(0, 16), -ERANGE);
	assert_int_equal(begin_query(0, 5), -ERANGE);
	assert_int_equal(begin_query(4, 1), -ENOENT);
	assert_int_equal(begin_query(11, 1), -ENOENT);
	fake_expect(regions, 0, 4, 4, 0, 1, 2, 3);
	fake_expect(regions, 12, 4, 4, 12, 13, 14, 15);
	/* something else in between, then the rest goes */
	fake_reserve(regions, 4, 8, true);
	fake_expect(regions, 4, 8, 0);
	fake_release(regions, 0, 4);
	fake_release(regions, 12, 4);
	fake_write(5);
	fake_expect(regions, 4, 8, 1, 5);
}

static void one_release_may_take_several_views(void **state)
{
	(void)state;
	fake_reserve(regions, 0, 16, true);
	fake_reserve(regions, 16, 16, true);
	fake_reserve(regions, 40, 8, true);
	fake_release(regions, 8, 36);
	assert_int_equal(begin_query(0, 8), 0);
	assert_int_equal(begin_query(8, 1), -ENOENT);
	assert_int_equal(begin_query(16, 1), -ENOENT);
	assert_int_equal(begin_query(43, 1), -ENOENT);
	assert_int_equal(begin_query(44, 4), 0);
}

static void memory_does_not_grow_with_use(void **state)
{
	size_t after_first = 0;

	(void)state;
	for (int round = 0; round < 50; round++) {
		fake_reserve(regions, 0, 5000, false);
		for (size_t page = 0; page < 2000; page += 4)
			fake_commit(regions, page, 2);
		for (size_t page = 0; page < 2000; page += 3)
			fake_write(page);
		assert_int_equal(fake_decommit(regions, 0, 1000), 0);
		fake_get(regions, 0, 5000, true, pages, 5000);
		fake_release(regions, 2000, 1000);
		fake_release(regions, 0, 2000);
		fake_release(regions, 3000, 2000);
		if (!round)
			after_first = fake.mapped_bytes;
		assert_int_equal(fake.mapped_bytes, after_first);
	}
}

/* ---- Which region ---- */

static void a_range_belongs_to_one_region(void **state)
{
	struct ww_query query;

	(void)state;
	fake_reserve(regions, 16, 16, true);
	fake_reserve(regions, 32, 16, true);
	assert_int_equal(begin_query(16, 16), 0);
	assert_int_equal(begin_query(16, 17), -ERANGE);
	assert_int_equal(begin_query(31, 2), -ERANGE);
	assert_int_equal(begin_query(15, 2), -ENOENT);
	assert_int_equal(begin_query(47, 1), 0);
	assert_int_equal(begin_query(47, 2), -ERANGE);
	assert_int_equal(begin_query(48, 1), -ENOENT);
	assert_int_equal(ww_query_begin(&query, regions, fake_at(16), SIZE_MAX),
			 -ERANGE);
	assert_int_equal(ww_query_begin(&query, regions, fake_at(16),
					16 * PAGE + 1), -ERANGE);
}

static void ranges_widen_to_whole_pages(void **state)
{
	struct ww_query query;

	(void)state;
	fake_reserve(regions, 16, 16, true);
	assert_int_equal(ww_query_begin(&query, regions, fake_at(18) - 1, 2), 0);
	assert_int_equal(ww_query_pages(&query), 2);
	assert_int_equal(query.start, fake_at(17));
	ww_query_end(&query);
	assert_int_equal(ww_query_begin(&query, regions, fake_at(18) + 5, 1), 0);
	assert_int_equal(ww_query_pages(&query), 1);
	ww_query_end(&query);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reserve_registers_and_builds_no_tables),
		TEST(queries_of_reserved_memory_build_no_tables),
		TEST(reserve_with_commit_is_clean_and_armed),
		TEST(failed_reserve_leaves_nothing),
		TEST(commit_arms_before_access),
		TEST(commit_arms_only_what_is_new),
		TEST(what_cannot_be_armed_is_written),
		TEST(commit_after_a_lost_watch_arms),
		TEST(a_commit_that_wine_refuses_does_no_harm),
		TEST(a_commit_without_memory_for_its_run_loses_nothing),
		TEST(commit_keeps_what_others_committed_and_wrote),
		TEST(whole_new_blocks_get_huge_zero_pages),
		TEST(closed_pages_stay_closed_while_blocks_are_laid),
		TEST(blocks_are_laid_before_access),
		TEST(a_block_that_comes_back_whole_is_laid_again),
		TEST(without_huge_zero_pages_one_block_is_tried),
		TEST(without_the_zero_page_there_are_no_huge_pages),
		TEST(laying_advises_the_view_at_first_and_the_blocks_later),
		TEST(memory_in_use_is_not_advised),
		TEST(without_a_huge_zero_page_there_are_markers),
		TEST(small_gaps_are_scanned_through),
		TEST(strays_in_a_gap_are_found),
		TEST(decommitted_pages_in_a_gap_are_as_they_were),
		TEST(a_gap_that_cannot_be_armed_is_no_run),
		TEST(a_failed_scan_does_not_report_gaps),
		TEST(gaps_stay_within_a_view),
		TEST(decommit_keeps_written_pages_and_clean_ones_clean),
		TEST(a_page_committed_again_keeps_its_bit),
		TEST(decommit_keeps_what_others_committed_and_wrote),
		TEST(more_written_runs_than_one_scan_holds_are_saved),
		TEST(decommit_takes_access_before_it_looks),
		TEST(decommit_without_memory_changes_nothing),
		TEST(decommit_that_cannot_scan_takes_all_as_written),
		TEST(decommit_watches_the_new_mapping),
		TEST(a_new_region_at_the_same_place_is_clean),
		TEST(partial_release_leaves_two_views),
		TEST(one_release_may_take_several_views),
		TEST(memory_does_not_grow_with_use),
		TEST(a_range_belongs_to_one_region),
		TEST(ranges_widen_to_whole_pages),
	};

	return FAKE_RUN(tests);
}

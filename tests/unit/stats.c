/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When calls are counted, when no more, and where, in a forked child, too. */
#include "fake.h"

#include "../../kernel/registry.h"
#include "stats.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ww_regions *regions;

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
	ww_regions_close(regions);
	return 0;
}

static struct ww_stats *stats(void)
{
	return ww_share_stats(&regions->share);
}

static void observe(void)
{
	struct ww_stats copy;

	ww_stats_observe(stats(), &copy);
}

/* One call, and how many of its kind there are then. */
static uint64_t call(enum ww_stats_kind kind, size_t n_pages)
{
	uint64_t began = ww_stats_begin(regions), n = 0;

	ww_stats_end(regions, kind, began, n_pages);
	for (size_t i = 0; i < WW_STATS_BUCKETS; i++)
		n += stats()->of[kind].n_calls[i];
	return n;
}

static void calls_count_while_somebody_looks(void **state)
{
	struct ww_stats copy;

	(void)state;
	assert_int_equal(call(WW_STATS_GET, 7), 0);
	observe();
	assert_int_equal(call(WW_STATS_GET, 7), 1);
	assert_int_equal(call(WW_STATS_GET, 2), 2);
	assert_int_equal(call(WW_STATS_RESET, 0), 1);
	ww_stats_observe(stats(), &copy);
	assert_int_equal(copy.of[WW_STATS_GET].n_pages, 9);
	assert_int_equal(copy.of[WW_STATS_RESET].n_pages, 0);
}

static pthread_barrier_t together;

static void *count_many(void *unused)
{
	pthread_barrier_wait(&together);
	for (int i = 0; i < 1000000; i++)
		ww_stats_count(regions, WW_STATS_RESET, 0, 3);
	return unused;
}

static void no_call_of_any_thread_is_lost(void **state)
{
	struct ww_stats copy;
	pthread_t threads[3];

	(void)state;
	assert_int_equal(pthread_barrier_init(&together, NULL, 3), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many,
						NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&together);
	ww_stats_observe(stats(), &copy);
	assert_int_equal(copy.of[WW_STATS_RESET].n_pages, 9000000);
	assert_int_equal(call(WW_STATS_RESET, 0), 3000001);
}

/* Past, or further ahead than any observer looks. */
static void a_time_that_nobody_set_is_forgotten(void **state)
{
	const uint64_t times[] = { 1, ww_stats_now() - 1, UINT64_MAX,
				   ww_stats_now() + 2 * WW_STATS_LOOK_NS };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		stats()->observed_until = times[i];
		assert_int_equal(call(WW_STATS_GET, 1), 0);
		assert_int_equal(stats()->observed_until, 0);
	}
}

static void without_a_file_nothing_counts(void **state)
{
	struct ww_share none = { .fd = -1 };

	(void)state;
	assert_null(ww_share_stats(&none));
	ww_share_close(&regions->share, &fake_ops);
	assert_int_equal(ww_stats_begin(regions), 0);
	ww_stats_count(regions, WW_STATS_GET, 1, 1);
	assert_int_equal(ww_share_open(&regions->share, &fake_ops, true), 0);
}

static void in_child(bool (*check)(struct ww_stats *before))
{
	struct ww_stats *before = stats();
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		fake_after_fork();
		_exit(check(before) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool child_counts_anew(struct ww_stats *before)
{
	if (stats() != before || call(WW_STATS_GET, 1))
		return false;
	observe();
	return call(WW_STATS_GET, 1) == 1;
}

static void a_child_has_its_own_in_the_same_place(void **state)
{
	(void)state;
	observe();
	call(WW_STATS_GET, 5);
	in_child(child_counts_anew);
	assert_int_equal(call(WW_STATS_GET, 5), 2);
}

/* What an interrupted call has at hand can still be written. */
static bool child_counts_elsewhere(struct ww_stats *before)
{
	__atomic_fetch_add(&before->of[WW_STATS_RESET].n_pages, 0,
			   __ATOMIC_RELAXED);
	observe();
	return stats() != before && call(WW_STATS_GET, 1) == 1;
}

static bool child_counts_nothing(struct ww_stats *before)
{
	__atomic_fetch_add(&before->of[WW_STATS_RESET].n_pages, 0,
			   __ATOMIC_RELAXED);
	return !stats() && !ww_stats_begin(regions);
}

static void a_place_stays_where_the_child_has_none(void **state)
{
	(void)state;
	fake_fail_always(FAKE_MOVE, ENOMEM);
	in_child(child_counts_elsewhere);
	fake_heal();
	fake_fail(FAKE_MAP_SPARSE, 1, EMFILE);
	in_child(child_counts_nothing);
	fake_heal();
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(calls_count_while_somebody_looks),
		TEST(no_call_of_any_thread_is_lost),
		TEST(a_time_that_nobody_set_is_forgotten),
		TEST(without_a_file_nothing_counts),
		TEST(a_child_has_its_own_in_the_same_place),
		TEST(a_place_stays_where_the_child_has_none),
	};

	fake_seed();
	return FAKE_RUN(tests);
}

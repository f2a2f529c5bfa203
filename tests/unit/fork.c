/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A forked child has neither registrations nor bits: all counts as written. */
#include "fake.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 64

static struct ww_regions *regions;
static size_t pages[FAKE_PAGES];

static int begin(void **state)
{
	(void)state;
	fake_reset();
	regions = fake_regions();
	fake_reserve(regions, 0, N_PAGES, false);
	fake_commit(regions, 4, 8);
	fake_commit(regions, 20, 2);
	fake_write(5);
	fake_write(20);
	return fake_decommit(regions, 20, 1);
}

static int end(void **state)
{
	(void)state;
	ww_regions_close(regions);
	assert_int_equal(fake.bad_calls, 0);
	return 0;
}

/* Runs in a child, where no assertion of cmocka may come up: true is success. */
static void in_child(bool (*check)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		fake_after_fork();
		_exit(check() && !fake.bad_calls ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static size_t get(bool reset)
{
	static uintptr_t addresses[N_PAGES];
	struct ww_query query;
	size_t n;

	if (ww_query_begin(&query, regions, fake_at(0), N_PAGES * ww_page_size()))
		return 0;
	n = ww_query_get(&query, reset, addresses, N_PAGES);
	ww_query_end(&query);
	for (size_t i = 0; i < n; i++)
		pages[i] = fake_page(addresses[i]);
	return n;
}

/* 4 to 11, 20 (decommitted while written) and 21. */
static bool all_is_written(void)
{
	return get(true) == 10 && pages[0] == 4 && pages[7] == 11 &&
	       pages[8] == 20 && pages[9] == 21;
}

static bool child_sees_all_once(void)
{
	bool all = all_is_written(), none = get(true) == 0;

	fake_write(7);
	return all && none && get(true) == 1 && pages[0] == 7 &&
	       fake_registered(0) && fake_registered(N_PAGES - 1);
}

static void a_child_sees_all_as_written_and_then_its_own_writes(void **state)
{
	(void)state;
	in_child(child_sees_all_once);
}

static bool child_resets(void)
{
	struct ww_query query;

	if (ww_query_begin(&query, regions, fake_at(0), N_PAGES * ww_page_size()))
		return false;
	ww_query_reset(&query);
	ww_query_end(&query);
	return get(true) == 0;
}

static void a_child_may_reset_first(void **state)
{
	(void)state;
	in_child(child_resets);
}

static bool child_commits(void)
{
	fake_commit(regions, 30, 4);
	fake_write(31);
	for (size_t n = get(true); n--;)
		if (pages[n] == 31)
			return get(true) == 0;
	return false;
}

static void a_child_may_commit_first(void **state)
{
	(void)state;
	in_child(child_commits);
}

static bool child_decommits(void)
{
	if (fake_decommit(regions, 4, 8))
		return false;
	return all_is_written();
}

static void a_child_may_decommit_first(void **state)
{
	(void)state;
	in_child(child_decommits);
}

static bool child_without_descriptors(void)
{
	fake_fail_always(FAKE_USERFAULTFD, EMFILE);
	return all_is_written() && get(false) >= 10;
}

static void a_child_without_descriptors_sees_all_as_written(void **state)
{
	(void)state;
	in_child(child_without_descriptors);
}

static bool child_forks(void)
{
	int status;
	pid_t pid;

	if (!all_is_written())
		return false;
	fake_commit(regions, 20, 1);
	pid = fork();
	if (!pid) {
		fake_after_fork();
		_exit(all_is_written() && get(true) == 0 ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void a_child_of_a_child_is_no_different(void **state)
{
	(void)state;
	in_child(child_forks);
}

static void the_parent_goes_on_as_before(void **state)
{
	(void)state;
	in_child(all_is_written);
	fake_expect(regions, 0, N_PAGES, 2, 5, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_sees_all_as_written_and_then_its_own_writes),
		TEST(a_child_may_reset_first),
		TEST(a_child_may_commit_first),
		TEST(a_child_may_decommit_first),
		TEST(a_child_without_descriptors_sees_all_as_written),
		TEST(a_child_of_a_child_is_no_different),
		TEST(the_parent_goes_on_as_before),
	};

	return FAKE_RUN(tests);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is released under a query, whole or in part, and reserved anew:
 * what the query takes of the new region, its owner is told, too.
 */
#include "fake.h"

#include "../../kernel/abi.h"

#include <string.h>

enum { N_PAGES = 16, FIRST = 4, N_PART = 8, WRITTEN = 5, STAYS = 1 };

static struct ww_kernel_ops ops;
static struct ww_regions *regions;
static void (*at_next_scan)(void);

static int scan_late(int fd, unsigned long request, void *argument)
{
	void (*now)(void) = at_next_scan;

	at_next_scan = NULL;
	if (now)
		now();
	return fake_ops.ioctl(fd, request, argument);
}

static int begin(void **state)
{
	const char *failure;
	sigset_t blocked;

	(void)state;
	sigemptyset(&blocked);
	fake_reset();
	ops = fake_ops;
	ops.ioctl = scan_late;
	if (ww_regions_open(&regions, &ops, &blocked, &failure))
		return -1;
	fake_reserve(regions, 0, N_PAGES, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ww_regions_close(regions);
	return 0;
}

static void replace(size_t first, size_t n_pages)
{
	fake_release(regions, first, n_pages);
	fake_reserve(regions, first, n_pages, true);
	fake_write(WRITTEN);
}

static void replace_part(void)
{
	replace(FIRST, N_PART);
}

static void replace_whole(void)
{
	replace(0, N_PAGES);
}

static void replace_part_and_decommit(void)
{
	replace_part();
	fake_decommit(regions, WRITTEN, 1);
}

/* Whether the owner of the new memory is told of its write. */
static bool is_told(void)
{
	size_t pages[N_PAGES];
	size_t n = fake_get(regions, FIRST, N_PART, true, pages, N_PAGES);

	for (size_t i = 0; i < n; i++)
		if (pages[i] == WRITTEN)
			return true;
	return false;
}

static void get_and_replace(void (*how)(void))
{
	size_t pages[N_PAGES];

	at_next_scan = how;
	fake_get(regions, 0, N_PAGES, true, pages, N_PAGES);
	assert_null(at_next_scan);
	assert_true(is_told());
}

static void a_query_while_a_part_is_replaced(void **state)
{
	(void)state;
	get_and_replace(replace_part);
}

static void a_query_while_all_is_replaced(void **state)
{
	(void)state;
	get_and_replace(replace_whole);
}

/* The page is listed before it is another's, and taken afterwards. */
static void a_known_page_while_a_part_is_replaced(void **state)
{
	(void)state;
	fake_write(WRITTEN);
	assert_int_equal(fake_decommit(regions, WRITTEN, 1), 0);
	fake_commit(regions, WRITTEN, 1);
	get_and_replace(replace_part_and_decommit);
}

/* What was not released has been written, and is in this result. */
static void a_known_page_of_the_part_that_stays(void **state)
{
	size_t pages[N_PAGES], n;

	(void)state;
	fake_write(STAYS);
	assert_int_equal(fake_decommit(regions, STAYS, 1), 0);
	at_next_scan = replace_part;
	n = fake_get(regions, 0, N_PAGES, true, pages, N_PAGES);
	assert_null(at_next_scan);
	assert_true(n && pages[0] == STAYS);
	assert_true(is_told());
}

static void a_reset_while_a_part_is_replaced(void **state)
{
	(void)state;
	at_next_scan = replace_part;
	fake_reset_watch(regions, 0, N_PAGES);
	assert_null(at_next_scan);
	assert_true(is_told());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)
		T(a_query_while_a_part_is_replaced),
		T(a_query_while_all_is_replaced),
		T(a_known_page_while_a_part_is_replaced),
		T(a_known_page_of_the_part_that_stays),
		T(a_reset_while_a_part_is_replaced),
	};

	return FAKE_RUN(tests);
}

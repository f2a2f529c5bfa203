/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a registry shares, as another process finds it: views, tag, known pages. */
#include "fake.h"

#include "../../kernel/registry.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE ww_page_size()
#define N_PAGES 512
#define PIECE_PAGES WW_KNOWN_PIECE_PAGES
/* In another piece of the bitmap than fake memory; 32-bit processes have but one
 * piece. */
#define FAR ((uintptr_t)0x200000000000)
#define ONE_PIECE (sizeof(void *) == 4)

static struct ww_regions *regions;
static struct ww_share other = { .fd = -1 };
/* what the registry itself says: whose view a page is in, 0 for none */
static struct ww_view views[N_PAGES];

/* header, views, pieces */
static uint64_t file_bytes(size_t n_pieces, size_t max_views)
{
	return 65536 + 16 * max_views +
	       (uint64_t)n_pieces * ((PIECE_PAGES / 8) + 65536);
}

static int look_with(uint64_t n_bytes, pid_t pid)
{
	int fd = fake_open_again(regions->share.fd);

	ww_share_close(&other, &fake_ops);
	return ww_share_look_at(&other, &fake_ops, fd, n_bytes, pid);
}

static int look(pid_t pid)
{
	return look_with(file_bytes(regions->share.n_pieces,
				    regions->share.max_views), pid);
}

static size_t piece_number(uintptr_t address)
{
	return ww_page_number(address) / PIECE_PAGES;
}

static int begin(void **state)
{
	(void)state;
	fake_reset();
	regions = fake_regions();
	return look(getpid());
}

static int end(void **state)
{
	(void)state;
	ww_share_close(&other, &fake_ops);
	ww_regions_close(regions);
	assert_int_equal(fake.open_fds, 0);
	assert_int_equal(fake.bad_calls, 0);
	return 0;
}

static void expect_views(void)
{
	for (size_t page = 0; page < N_PAGES; page++) {
		bool any = ww_regions_view(regions, fake_at(page), &views[page]);
		struct ww_run view;
		int ret = ww_share_read_view(&other, fake_at(page), &view);

		assert_int_equal(ret, any ? 0 : -ENOENT);
		if (any) {
			assert_int_equal(view.start, views[page].start);
			assert_int_equal(view.end, views[page].end);
		}
	}
}

static void views_are_shown(void **state)
{
	(void)state;
	expect_views();
	fake_reserve(regions, 64, 16, false);
	expect_views();
	fake_reserve(regions, 0, 64, true);
	fake_reserve(regions, 200, 1, true);
	expect_views();
	fake_release(regions, 8, 8);
	expect_views();
	fake_release(regions, 60, 10);
	expect_views();
	fake_release(regions, 0, 8);
	fake_release(regions, 200, 1);
	expect_views();
}

static void views_are_shown_after_any_change(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		size_t page = fake_random(N_PAGES - 40);
		size_t n = 1 + fake_random(40);

		if (ww_regions_overlap(regions, fake_at(page), n * PAGE))
			fake_release(regions, page, n);
		else
			fake_reserve(regions, page, n, fake_random(2));
		if (round % 10 == 0)
			expect_views();
	}
	expect_views();
}

static void the_tag_is_shown(void **state)
{
	static const struct ww_tag none, tag = { { 1, 2, 3 } };
	struct ww_tag seen = { { 9, 9, 9 } };

	(void)state;
	assert_int_equal(ww_share_read_tag(&other, &seen), 0);
	assert_memory_equal(&seen, &none, sizeof(seen));
	ww_regions_set_tag(regions, &tag);
	assert_int_equal(ww_share_read_tag(&other, &seen), 0);
	assert_memory_equal(&seen, &tag, sizeof(seen));
}

static void known_pages_are_one_and_the_same(void **state)
{
	size_t page = ww_page_number(fake_at(5)), first, last;

	(void)state;
	fake_reserve(regions, 0, 16, true);
	assert_int_equal(ww_share_reach(&other, &fake_ops, fake_at(0), fake_at(16)),
			 0);
	fake_write(5);
	fake_write(6);
	assert_int_equal(fake_decommit(regions, 4, 8), 0);
	assert_true(ww_known_next(&other.known, page - 5, page + 11, &first, &last));
	assert_int_equal(first, page);
	assert_int_equal(last, page + 2);
	ww_known_clear(&other.known, page, page + 1);
	fake_expect(regions, 0, 16, 1, 6);
	assert_false(ww_known_next(&other.known, page - 5, page + 11, &first,
				   &last));
}

/* No two pieces, nor a piece and the views, lie on one another in the file. */
static void pieces_lie_apart(void **state)
{
	const uintptr_t last = (uintptr_t)(UINT64_C(1) << 48), ends[] = {
		2 * PAGE, PIECE_PAGES * PAGE + 2 * PAGE, FAR + 2 * PAGE, last };

	(void)state;
	if (ONE_PIECE)
		skip();
	for (size_t i = 0; i < 4; i++) {
		size_t end = ww_page_number(ends[i]), first, run_end;

		assert_int_equal(ww_share_reach(&regions->share, &fake_ops,
						ends[i] - PAGE, ends[i]), 0);
		assert_int_equal(ww_share_reach(&other, &fake_ops,
						ends[i] - PAGE, ends[i]), 0);
		ww_known_set(&regions->share.known, end - 1, end);
		assert_true(ww_known_next(&other.known, 0, end, &first, &run_end));
		assert_int_equal(first, end - 1);
		ww_known_clear(&other.known, end - 1, end);
		assert_false(ww_known_next(&regions->share.known, 0, end, &first,
					   &run_end));
	}
	expect_views();
}

static void a_range_may_take_several_pieces(void **state)
{
	size_t page = ww_page_number(FAR), first, end;

	(void)state;
	if (ONE_PIECE)
		skip();
	assert_int_equal(ww_share_reach(&regions->share, &fake_ops, FAR - PAGE,
					FAR + PIECE_PAGES * PAGE + PAGE), 0);
	for (size_t i = page / PIECE_PAGES - 1; i < page / PIECE_PAGES + 2; i++)
		assert_non_null(regions->share.known.pieces[i]);
	assert_null(regions->share.known.pieces[page / PIECE_PAGES + 2]);
	ww_known_set(&regions->share.known, page - 1, page + PIECE_PAGES + 1);
	assert_true(ww_known_next(&regions->share.known, 0, 2 * page, &first, &end));
	assert_int_equal(first, page - 1);
	assert_int_equal(end, page + PIECE_PAGES + 1);
}

/* ---- A reader beside a writer that reaches ---- */

enum { N_NEW = 256 };

static size_t n_shown;

static size_t new_page(size_t i)
{
	return ww_page_number(FAR) + i * PIECE_PAGES + i;
}

/* Takes from each new piece what is shown to be in it; how much was not. */
static void *take_shown(void *argument)
{
	uintptr_t n_lost = 0;

	(void)argument;
	for (size_t i = 0; i < N_NEW; i++) {
		size_t first, end;

		while (__atomic_load_n(&n_shown, __ATOMIC_ACQUIRE) <= i)
			sched_yield();
		n_lost += !ww_known_next(&regions->share.known, new_page(i),
					 new_page(i) + 1, &first, &end);
		ww_known_clear(&regions->share.known, new_page(i), new_page(i) + 1);
	}
	return (void *)n_lost;
}

static void a_new_piece_is_there_with_its_first_page(void **state)
{
	size_t first, end;
	pthread_t reader;
	void *n_lost;

	(void)state;
	if (ONE_PIECE)
		skip();
	n_shown = 0;
	assert_int_equal(pthread_create(&reader, NULL, take_shown, NULL), 0);
	for (size_t i = 0; i < N_NEW; i++) {
		uintptr_t start = new_page(i) * PAGE;

		assert_int_equal(ww_share_reach(&regions->share, &fake_ops, start,
						start + PAGE), 0);
		ww_known_set(&regions->share.known, new_page(i), new_page(i) + 1);
		__atomic_store_n(&n_shown, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(reader, &n_lost);
	assert_null(n_lost);
	assert_false(ww_known_next(&regions->share.known, 0, new_page(N_NEW), &first,
				   &end));
}

static void little_address_space_is_used(void **state)
{
	size_t before = fake.mapped_bytes, idle;
	struct ww_regions *more = fake_regions();

	(void)state;
	idle = fake.mapped_bytes - before;
	assert_in_range(idle, 1, 5 << 20);
	assert_int_equal(ww_share_reach(&more->share, &fake_ops, fake_at(0),
					fake_at(16)), 0);
	assert_in_range(fake.mapped_bytes - before - idle, 1, 3 << 20);
	/* and once only */
	idle = fake.mapped_bytes;
	assert_int_equal(ww_share_reach(&more->share, &fake_ops, fake_at(32),
					fake_at(64)), 0);
	assert_int_equal(fake.mapped_bytes, idle);
	ww_regions_close(more);
	assert_int_equal(fake.mapped_bytes, before);
}

/* The owner was stopped between its two steps. */
static void a_stopped_owner_is_not_waited_for(void **state)
{
	uint64_t *word = (uint64_t *)regions->share.header;
	struct ww_run view;
	struct ww_tag tag;

	(void)state;
	fake_reserve(regions, 0, 16, true);
	/* the sequence count is where two changes have left a 2 */
	while (*word != 2)
		word++;
	++*word;
	assert_int_equal(ww_share_read_view(&other, fake_at(0), &view), -EBUSY);
	assert_int_equal(ww_share_read_tag(&other, &tag), -EBUSY);
}

static void only_its_own_file_counts(void **state)
{
	unsigned char *header = (unsigned char *)regions->share.header;

	(void)state;
	assert_int_equal(look(getpid() + 1), -ENOENT);
	assert_int_equal(look_with(PAGE, getpid()), -ENOENT);
	assert_int_equal(look_with(file_bytes(regions->share.n_pieces,
					      regions->share.max_views) - PAGE,
				   getpid()), -ENOENT);
	/* magic, layout, page size and the numbers behind them */
	for (size_t i = 0; i < 32; i++) {
		header[i] ^= 0x40;
		assert_int_equal(look(getpid()), -ENOENT);
		header[i] ^= 0x40;
	}
	assert_int_equal(look(getpid()), 0);
}

/* Numbers that the size of a file agrees with, and no process has. */
static void sizes_out_of_bounds_are_refused(void **state)
{
	static const struct {
		size_t n_pieces;
		size_t max_views;
		int ret;
	} sizes[] = {
		{ 1, 4096, 0 },
		{ 4096, (size_t)1 << 18, 0 },
		{ 0, 4096, -ENOENT },
		{ 4097, 4096, -ENOENT },
		{ 1, 0, -ENOENT },
		{ 1, ((size_t)1 << 18) + 4096, -ENOENT },
	};
	/* behind magic, layout and page size: pieces and views */
	uint64_t *numbers = (uint64_t *)regions->share.header + 2;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		numbers[0] = sizes[i].n_pieces;
		numbers[1] = sizes[i].max_views;
		assert_int_equal(look_with(file_bytes(sizes[i].n_pieces,
						      sizes[i].max_views),
					   getpid()), sizes[i].ret);
	}
	numbers[0] = 3;
	numbers[1] = 4096;
	assert_int_equal(look_with(file_bytes(3, 4096), getpid()), 0);
	if (ONE_PIECE)
		return;
	assert_int_equal(ww_share_reach(&other, &fake_ops, 0,
					3 * PIECE_PAGES * PAGE), 0);
	assert_int_equal(ww_share_reach(&other, &fake_ops, 0,
					3 * PIECE_PAGES * PAGE + 1), -ENOMEM);
}

static void others_without_memory_leave_nothing(void **state)
{
	static const enum fake_site sites[] = { FAKE_ALLOW, FAKE_ALLOW, FAKE_MAP };
	size_t before;

	(void)state;
	ww_share_close(&other, &fake_ops);
	before = fake.mapped_bytes;
	for (size_t i = 0; i < 3; i++) {
		unsigned open_fds = fake.open_fds;

		fake_fail(sites[i], sites[i] == FAKE_ALLOW ? (unsigned)i + 1 : 1,
			  ENOMEM);
		assert_int_equal(look(getpid()), -ENOMEM);
		assert_int_equal(fake.mapped_bytes, before);
		assert_int_equal(fake.open_fds, open_fds);
		fake_heal();
	}
	assert_int_equal(look(getpid()), 0);
	fake_fail(FAKE_ALLOW, 1, ENOMEM);
	assert_int_equal(ww_share_reach(&other, &fake_ops, fake_at(0), fake_at(1)),
			 -ENOMEM);
	assert_int_equal(ww_share_reach(&other, &fake_ops, fake_at(0), fake_at(1)),
			 0);
}

/* The owner never reads header and table: whatever stands there, its own
 * answers are right. */
static void tampering_leads_only_others_astray(void **state)
{
	struct ww_run view;

	(void)state;
	fake_reserve(regions, 0, 16, true);
	memset(regions->share.header, 0xff, PAGE);
	memset(regions->share.views, 0xff, 16 * PAGE);
	ww_share_read_view(&other, fake_at(0), &view);
	fake_write(3);
	fake_expect(regions, 0, 16, 1, 3);
	fake_release(regions, 4, 4);
	fake_reserve(regions, 32, 16, true);
	fake_write(40);
	fake_expect(regions, 32, 16, 1, 40);
	fake_release(regions, 0, 4);
	fake_release(regions, 8, 8);
}

static void memory_beyond_the_bitmap_is_refused(void **state)
{
	sigset_t saved;

	(void)state;
	if (ONE_PIECE)
		skip();
	ww_regions_lock(regions, &saved);
	assert_int_equal(ww_regions_reserve(regions, (uintptr_t)(UINT64_C(1) << 48), PAGE,
					    false), -ENOMEM);
	ww_regions_unlock(regions, &saved);
}

static void a_refused_file_is_replaced(void **state)
{
	static const int errors[] = { ENOSYS, EPERM, EACCES, EFBIG };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct ww_regions *first = regions;

		fake_fail(FAKE_MAP_SPARSE, 1, errors[i]);
		regions = fake_regions();
		assert_int_equal(regions->share.fd, -1);
		fake_reserve(regions, 0, 16, true);
		fake_write(3);
		assert_int_equal(fake_decommit(regions, 3, 1), 0);
		fake_expect(regions, 0, 16, 1, 3);
		ww_regions_close(regions);
		regions = first;
	}
}

static void without_memory_nothing_opens(void **state)
{
	static const struct {
		enum fake_site site;
		int error;
	} failures[] = {
		{ FAKE_MAP_SPARSE, ENOMEM }, { FAKE_MAP_SPARSE, EMFILE },
		{ FAKE_ALLOW, ENOMEM }, { FAKE_MAP, ENOMEM },
	};
	unsigned open_fds = fake.open_fds;
	struct ww_regions *none;
	const char *failure;
	sigset_t blocked;

	(void)state;
	sigemptyset(&blocked);
	for (size_t i = 0; i < 4; i++) {
		size_t before = fake.mapped_bytes;

		fake_fail_always(failures[i].site, failures[i].error);
		assert_int_equal(ww_regions_open(&none, &fake_ops, &blocked,
						 &failure),
				 -failures[i].error);
		assert_non_null(failure);
		assert_int_equal(fake.open_fds, open_fds);
		assert_int_equal(fake.mapped_bytes, before);
		fake_heal();
	}
}

/* ---- Fork ---- */

static struct ww_known_piece *places[2], **table;

static struct ww_known_piece *place(uintptr_t address)
{
	return regions->share.known.pieces[piece_number(address)];
}

static bool is_where_it_was(void)
{
	return regions->share.known.pieces == table &&
	       place(fake_at(0)) == places[0] && place(FAR) == places[1];
}

/* Written and decommitted in the parent: 20; only written: 5. And a piece of the
 * bitmap that no view is in. */
static void prepare_fork(void)
{
	assert_int_equal(ww_share_reach(&regions->share, &fake_ops, FAR,
					FAR + PAGE), 0);
	fake_reserve(regions, 0, 64, false);
	fake_commit(regions, 4, 8);
	fake_commit(regions, 20, 2);
	fake_write(5);
	fake_write(20);
	assert_int_equal(fake_decommit(regions, 20, 1), 0);
	table = regions->share.known.pieces;
	places[0] = place(fake_at(0));
	places[1] = place(FAR);
}

static bool is_known(size_t page)
{
	size_t first, last;

	page = ww_page_number(fake_at(page));
	return ww_known_next(&regions->share.known, page, page + 1, &first, &last);
}

/* Runs in a child, where no assertion of cmocka may come up. */
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

/* Its own header, without the tag, and its parent's views and known pages. */
static bool child_is_itself(void)
{
	static const struct ww_tag none;
	struct ww_tag tag;
	struct ww_run view;
	size_t first, end = ww_page_number(fake_at(64)), far = ww_page_number(FAR);

	if (!is_where_it_was() || look(getppid()) != -ENOENT || look(getpid()) ||
	    ww_share_read_tag(&other, &tag) || memcmp(&tag, &none, sizeof(tag)) ||
	    ww_share_read_view(&other, fake_at(9), &view) ||
	    view.start != fake_at(0) || view.end != fake_at(64) ||
	    !is_known(20))
		return false;
	/* what it does to all of it must not reach the parent */
	ww_known_clear(&regions->share.known, ww_page_number(fake_at(0)), end);
	if (ww_known_next(&regions->share.known, 0, end, &first, &end))
		return false;
	ww_known_set(&regions->share.known, far, far + 1);
	fake_release(regions, 0, 32);
	return !is_known(20);
}

static void a_child_has_a_file_of_its_own(void **state)
{
	static const struct ww_tag tag = { { 1, 2, 3 } };
	size_t first, end, far = ww_page_number(FAR);
	struct ww_tag seen;

	(void)state;
	prepare_fork();
	ww_regions_set_tag(regions, &tag);
	in_child(child_is_itself);
	assert_false(ww_known_next(&regions->share.known, far, far + 1, &first,
				   &end));
	assert_int_equal(look(getpid()), 0);
	assert_int_equal(ww_share_read_tag(&other, &seen), 0);
	assert_memory_equal(&seen, &tag, sizeof(seen));
	expect_views();
	fake_expect(regions, 0, 64, 2, 5, 20);
}

static bool child_knows_20(void)
{
	return is_where_it_was() && is_known(20) && !is_known(21) && !is_known(5);
}

static void a_child_without_a_file_goes_on(void **state)
{
	(void)state;
	prepare_fork();
	fake_fail(FAKE_MAP_SPARSE, 1, EMFILE);
	in_child(child_knows_20);
	fake_heal();
	fake_fail(FAKE_MAP, 1, ENOMEM);
	in_child(child_knows_20);
	fake_heal();
	/* the header, the views */
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_fail(FAKE_ALLOW, nth, ENOMEM);
		in_child(child_knows_20);
		fake_heal();
	}
	fake_expect(regions, 0, 64, 2, 5, 20);
}

static bool child_has_moved(void)
{
	size_t far = ww_page_number(FAR);

	ww_known_set(&regions->share.known, far, far + 1);
	return regions->share.known.pieces == table && is_known(20) &&
	       !is_known(21) && (place(fake_at(0)) == places[0]) +
				(place(FAR) == places[1]) == 1;
}

static void a_piece_that_cannot_take_its_place_is_good_elsewhere(void **state)
{
	size_t first, end, far = ww_page_number(FAR);

	(void)state;
	if (ONE_PIECE)
		skip();
	prepare_fork();
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_fail(FAKE_MOVE, nth, ENOMEM);
		in_child(child_has_moved);
		fake_heal();
	}
	assert_false(ww_known_next(&regions->share.known, far, far + 1, &first,
				   &end));
	fake_expect(regions, 0, 64, 2, 5, 20);
}

static bool child_knows_nothing(void)
{
	struct ww_query query;
	uintptr_t address;
	bool all = is_known(0) && is_known(20) && is_known(63);

	if (ww_query_begin(&query, regions, fake_at(30), PAGE))
		return false;
	/* over-reported, and after a reset again */
	for (int i = 0; i < 2; i++)
		all = ww_query_get(&query, true, &address, 1) == 1 && all;
	ww_query_end(&query);
	fake_reserve(regions, 100, 8, true);
	fake_release(regions, 100, 8);
	ww_regions_close(regions);
	return all;
}

static void a_child_without_memory_takes_all_as_written(void **state)
{
	(void)state;
	if (ONE_PIECE)
		skip();
	prepare_fork();
	fake_fail_always(FAKE_ALLOW, ENOMEM);
	in_child(child_knows_nothing);
	fake_heal();
	/* each of its pieces in turn */
	for (unsigned nth = 3; nth <= 4; nth++) {
		fake_fail(FAKE_ALLOW, nth, ENOMEM);
		in_child(child_knows_nothing);
		fake_heal();
	}
	fake_expect(regions, 0, 64, 2, 5, 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(views_are_shown),
		TEST(views_are_shown_after_any_change),
		TEST(the_tag_is_shown),
		TEST(known_pages_are_one_and_the_same),
		TEST(pieces_lie_apart),
		TEST(a_range_may_take_several_pieces),
		TEST(a_new_piece_is_there_with_its_first_page),
		TEST(little_address_space_is_used),
		TEST(a_stopped_owner_is_not_waited_for),
		TEST(only_its_own_file_counts),
		TEST(sizes_out_of_bounds_are_refused),
		TEST(others_without_memory_leave_nothing),
		TEST(tampering_leads_only_others_astray),
		TEST(memory_beyond_the_bitmap_is_refused),
		TEST(a_refused_file_is_replaced),
		TEST(without_memory_nothing_opens),
		TEST(a_child_has_a_file_of_its_own),
		TEST(a_child_without_a_file_goes_on),
		TEST(a_piece_that_cannot_take_its_place_is_good_elsewhere),
		TEST(a_child_without_memory_takes_all_as_written),
	};

	fake_seed();
	return FAKE_RUN(tests);
}

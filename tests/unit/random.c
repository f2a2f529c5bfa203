/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random operations on a registry against a shadow with one cell per page:
 * without failures every result is exact; with failures anywhere, a page that
 * was written and not yet reported is always in the next result that reaches it.
 */
#include "fake.h"

#include <errno.h>
#include <string.h>

#define N_PAGES 1200

struct block {
	size_t first;
	size_t n_pages;
	bool reserved;
};

/* With bits in mapped memory, with inline bits, and a neighbour of it. */
static struct block blocks[] = {
	{ 0, 700, false }, { 800, 200, false }, { 1000, 32, false },
};

#define N_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

static bool committed[N_PAGES], written[N_PAGES];
static struct ww_regions *regions;
static size_t pages[FAKE_PAGES];
static bool exact;	/* no failures: results are exact */
static bool foreign;	/* another process commits, too */
/* Mappings are replaced under us. Pages whose run found no memory are then gone
 * without a trace: two failures at once are one too many. */
static bool replaced;
/* Without memory for its run and its bit, a page that is in no run may come in a
 * later result: but it comes. */
static bool late;

static void some_pages(const struct block *block, size_t *first, size_t *n_pages)
{
	*n_pages = 1 + fake_random(fake_random(3) ? 8 : block->n_pages);
	if (*n_pages > block->n_pages)
		*n_pages = block->n_pages;
	*first = block->first + fake_random(block->n_pages - *n_pages + 1);
}

static void reserve(struct block *block)
{
	bool commit = fake_random(2);
	sigset_t saved;
	int ret;

	fake_mmap(block->first, block->n_pages, commit);
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, fake_at(block->first),
				 block->n_pages * ww_page_size(), commit);
	ww_regions_unlock(regions, &saved);
	if (ret) {
		assert_false(exact);
		fake_munmap(block->first, block->n_pages);
		return;
	}
	block->reserved = true;
	memset(committed + block->first, commit, block->n_pages);
	memset(written + block->first, false, block->n_pages);
}

static void release(struct block *block)
{
	fake_release(regions, block->first, block->n_pages);
	block->reserved = false;
	memset(committed + block->first, false, block->n_pages);
	memset(written + block->first, false, block->n_pages);
}

/* Or all of them: queries skip what they know of long runs. */
static void write_some(size_t first, size_t n_pages)
{
	size_t one_in = fake_random(3) ? 3 : 1;

	for (size_t page = first; page < first + n_pages; page++)
		if (fake_random(one_in) == 0) {
			assert_int_equal(fake_write(page), committed[page]);
			written[page] |= committed[page];
		}
}

static void decommit(size_t first, size_t n_pages)
{
	if (fake_decommit(regions, first, n_pages)) {
		/* Wine's protections still stand in its tables */
		assert_false(exact);
		for (size_t page = first; page < first + n_pages; page++)
			fake_protect(page, 1, committed[page]);
		return;
	}
	memset(committed + first, false, n_pages);
}

static void commit(size_t first, size_t n_pages, bool by_other)
{
	if (by_other)
		fake_protect(first, n_pages, true);
	else
		fake_commit(regions, first, n_pages);
	memset(committed + first, true, n_pages);
}

/* Somebody else's mapping in the place of committed pages. */
static void replace(size_t first, size_t n_pages)
{
	for (size_t page = first; page < first + n_pages; page++)
		if (committed[page])
			fake_mmap(page, 1, true);
}

static size_t some_capacity(size_t n_pages)
{
	return 1 + fake_random(fake_random(2) ? 10 : n_pages + 1);
}

static void get(size_t first, size_t n_pages, bool reset, size_t capacity)
{
	size_t n = fake_get(regions, first, n_pages, reset, pages, capacity), i = 0;
	size_t end = n == capacity ? pages[n - 1] + 1 : first + n_pages;

	for (size_t page = first; page < end; page++) {
		bool reported = i < n && pages[i] == page;

		if (exact ? reported != written[page]
			  : written[page] && !reported && !late)
			fail_msg("page %zu: written %d, reported %d", page,
				 written[page], reported);
		i += reported;
		if (reset && reported)
			written[page] = false;
	}
	assert_int_equal(i, n);
}

static void reset(size_t first, size_t n_pages)
{
	fake_reset_watch(regions, first, n_pages);
	memset(written + first, false, n_pages);
}

static void one_operation(void)
{
	struct block *block = &blocks[fake_random(N_BLOCKS)];
	size_t what = fake_random(100), first, n_pages;

	some_pages(block, &first, &n_pages);
	if (!block->reserved)
		reserve(block);
	else if (what < 30)
		write_some(first, n_pages);
	else if (what < 35 && !foreign)
		fake_read(first);	/* where nothing was armed it counts */
	else if (what < 40)
		fake_swap_out(first);
	else if (what < 55)
		commit(first, n_pages, false);
	else if (what < 60)
		commit(first, n_pages, foreign);
	else if (what < 72)
		decommit(first, n_pages);
	else if (what < 87)
		get(first, n_pages, true, some_capacity(n_pages));
	else if (what < 93)
		get(first, n_pages, false, some_capacity(n_pages));
	else if (what < 97)
		reset(first, n_pages);
	else if (what < 98)
		release(block);
	else if (replaced)
		replace(first, n_pages);
}

static void play(int n_operations)
{
	memset(written, false, sizeof(written));
	memset(committed, false, sizeof(committed));
	for (size_t i = 0; i < N_BLOCKS; i++)
		blocks[i].reserved = false;
	for (int i = 0; i < n_operations; i++)
		one_operation();
	fake_heal();
	late = false;
	for (size_t i = 0; i < N_BLOCKS; i++)
		if (blocks[i].reserved)
			get(blocks[i].first, blocks[i].n_pages, true, N_PAGES);
}

static void close_registry(void)
{
	fake_heal();
	ww_regions_close(regions);
	assert_int_equal(fake.open_fds, 0);
	assert_int_equal(fake.bad_calls, 0);
}

static void play_exactly(void)
{
	exact = true;
	for (int holes_written = 0; holes_written < 2; holes_written++) {
		fake_reset();
		fake.holes_written = holes_written;
		fake.huge_zero = !holes_written;
		regions = fake_regions();
		play(6000);
		close_registry();
	}
}

static void results_are_exact(void **state)
{
	(void)state;
	play_exactly();
}

static void results_are_exact_when_others_commit(void **state)
{
	(void)state;
	foreign = true;
	play_exactly();
}

/* What a kernel may answer, at any time, to any call; or no memory. */
static void fail_randomly(bool memory)
{
	static const int errors[] = { EPERM, ENOMEM, EINVAL, EFAULT };

	replaced = !memory;
	late = memory;
	if (memory) {
		fake_fail_randomly(FAKE_MAP, 2, ENOMEM);
		return;
	}
	for (int site = FAKE_REGISTER; site <= FAKE_RESET; site++)
		fake_fail_randomly(site, 4, errors[fake_random(4)]);
	fake_fail_randomly(FAKE_PROTECT, 4, ENOMEM);
}

static void no_write_is_lost_whatever_fails(void **state)
{
	(void)state;
	for (int round = 0; round < 60; round++) {
		fake_reset();
		fake.holes_written = round % 2;
		fake.huge_zero = round % 4 < 2;
		regions = fake_regions();
		fail_randomly(round % 3 == 0);
		play(400);
		close_registry();
	}
}

/* Every call of a fixed play fails once, with every error, before its work and
 * after it: no crash, nothing left open, no lost write. */
static bool play_with_failure(enum fake_site site, unsigned nth, int error,
			      bool late, uint64_t seed)
{
	bool reached;

	fake_reset();
	fake.huge_zero = true;
	regions = fake_regions();
	fake_seed_with(seed);
	replaced = site != FAKE_MAP;
	fake.calls[site] = 0;
	(late ? fake_fail_late : fake_fail)(site, nth, error);
	play(150);
	reached = fake.calls[site] >= nth;
	close_registry();
	return reached;
}

static void every_call_may_fail_once(void **state)
{
	static const int errors[] = { EPERM, ENOMEM, EINVAL, EFAULT };

	(void)state;
	for (int site = FAKE_REGISTER; site < FAKE_SITES; site++)
		for (size_t i = 0; i < 8; i++) {
			unsigned nth = 1;

			while (play_with_failure(site, nth, errors[i / 2], i % 2,
						 4711))
				nth++;
			/* the play calls everything but what only a failure
			 * leads to, and a commit of a whole new block */
			assert_true(nth > 1 || site == FAKE_UNREGISTER ||
				    site == FAKE_IS_CLOSED);
		}
}

/* Also one of them for ever, from some moment on. */
static void every_call_may_fail_from_now_on(void **state)
{
	(void)state;
	for (int site = FAKE_REGISTER; site < FAKE_SITES; site++)
		for (int round = 0; round < 5; round++) {
			fake_reset();
			regions = fake_regions();
			replaced = site != FAKE_MAP;
			fake_fail_always(site, ENOMEM);
			play(200);
			close_registry();
		}
}

/* What a registry keeps when it is closed does not depend on what it met. */
static void failures_leak_nothing(void **state)
{
	size_t before, kept = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		fake_reset();
		before = fake.mapped_bytes;
		regions = fake_regions();
		if (round)
			fail_randomly(round % 3 == 0);
		play(300);
		close_registry();
		if (!round)
			kept = fake.mapped_bytes - before;
		assert_true(fake.mapped_bytes - before <= kept);
	}
}

static int begin(void **state)
{
	(void)state;
	exact = foreign = replaced = late = false;
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(results_are_exact),
		TEST(results_are_exact_when_others_commit),
		TEST(no_write_is_lost_whatever_fails),
		TEST(every_call_may_fail_once),
		TEST(every_call_may_fail_from_now_on),
		TEST(failures_leak_nothing),
	};

	fake_seed();
	return FAKE_RUN(tests);
}

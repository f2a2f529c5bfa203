/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queries that do not come to their end: the thread is unwound by a fault in
 * its array, killed, or suspended. What it had taken is never lost, and nobody
 * waits for it.
 */
#include "fake.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ww_page_size()

static struct ww_regions *regions;
static size_t pages[FAKE_PAGES];

/* The thread that is in trouble. */
static pthread_t thread;
static __thread bool is_victim;
static sem_t arrived, go_on;
static char *array_memory;	/* whose last page cannot be written */
static uintptr_t *array;
static size_t array_bytes, victim_n, victim_capacity, victim_pages;
static sigjmp_buf unwound;
static bool returns;		/* the fault ends, the store goes on */
static bool victim_resets, victim_looks;

static void park(void)
{
	sem_post(&arrived);
	while (sem_wait(&go_on))
		;
}

/* As Wine does it: out of the service, and never back; or, for a thread that is
 * suspended in the middle of its store, back after a while. */
static void on_fault(int signal)
{
	(void)signal;
	if (!is_victim)
		abort();
	if (!returns)
		siglongjmp(unwound, 1);
	park();
	mprotect(array_memory, array_bytes, PROT_READ | PROT_WRITE);
}

static int begin(void **state)
{
	(void)state;
	fake_reset();
	regions = fake_regions();
	fake_reserve(regions, 0, 4096, true);
	sem_init(&arrived, 0, 0);
	sem_init(&go_on, 0, 0);
	returns = false;
	victim_resets = true;
	victim_looks = false;
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake.before = fake.after = NULL;
	ww_regions_close(regions);
	assert_int_equal(fake.bad_calls, 0);
	return 0;
}

/* An array of which the first `good` addresses can be stored. The handler is put
 * in place here because cmocka has its own around each function of a test. */
static void make_array(size_t good)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	array_bytes = (good * sizeof(*array) + PAGE - 1) / PAGE * PAGE + PAGE;
	array_memory = mmap(NULL, array_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(array_memory + array_bytes - PAGE, PAGE, PROT_NONE);
	array = (uintptr_t *)(array_memory + array_bytes - PAGE) - good;
	sigaction(SIGSEGV, &action, NULL);
}

static void drop_array(void)
{
	munmap(array_memory, array_bytes);
}

static size_t victim_query(size_t first, size_t n_pages, bool reset)
{
	struct ww_query query;
	size_t n;

	if (ww_query_begin(&query, regions, fake_at(first), n_pages * PAGE))
		return 0;
	n = ww_query_get(&query, reset, array, victim_capacity);
	ww_query_end(&query);
	return n;
}

static size_t victim_get(size_t first, size_t n_pages)
{
	if (victim_looks)
		victim_query(first, n_pages, false);
	return victim_query(first, n_pages, victim_resets);
}

static void *run_victim(void *argument)
{
	(void)argument;
	is_victim = true;
	if (!sigsetjmp(unwound, 1))
		victim_n = victim_get(0, victim_pages);
	else
		park();
	return NULL;
}

static void start_victim(size_t capacity, size_t n_pages)
{
	victim_capacity = capacity;
	victim_pages = n_pages;
	victim_n = 0;
	assert_int_equal(pthread_create(&thread, NULL, run_victim, NULL), 0);
}

static void end_victim(void)
{
	sem_post(&go_on);
	pthread_join(thread, NULL);
}

static void write_every(size_t step, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(fake_write(step * i));
}

/* The whole region holds exactly these, or at least these. */
static void expect_every(size_t step, size_t n_expected, bool exactly)
{
	size_t n = fake_get(regions, 0, 4096, true, pages, 4096), at = 0;

	for (size_t i = 0; i < n_expected; i++) {
		while (at < n && pages[at] < step * i)
			at++;
		if (at == n || pages[at] != step * i)
			fail_msg("page %zu is lost", step * i);
	}
	if (exactly)
		assert_int_equal(n, n_expected);
}

/* ---- Unwound ---- */

/* It never calls again; it does not even end. */
static void another_thread_reports_what_a_fault_cut_off(void **state)
{
	static const size_t good[] = { 0, 1, 5, 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		write_every(7, 10);
		make_array(good[i]);
		start_victim(100, 4096);
		sem_wait(&arrived);
		expect_every(7, 10, true);
		fake_expect(regions, 0, 4096, 0);
		end_victim();
		fake_expect(regions, 0, 4096, 0);
		drop_array();
	}
}

static void known_pages_are_put_back_too(void **state)
{
	(void)state;
	write_every(7, 100);
	for (size_t i = 0; i < 100; i += 3)
		assert_int_equal(fake_decommit(regions, 7 * i, 1), 0);
	make_array(20);
	start_victim(100, 4096);
	sem_wait(&arrived);
	expect_every(7, 100, true);
	end_victim();
	drop_array();
}

/* All of them: first those that another query has found, then what a decommit
 * keeps. */
static void pages_that_a_query_made_known_are_put_back(void **state)
{
	static const size_t good[] = { 0, 100, 511, 1200 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		write_every(1, 1500);
		assert_int_equal(fake_get(regions, 0, 4096, false, pages, 4096),
				 1500);
		make_array(good[i]);
		start_victim(1400, 4096);
		sem_wait(&arrived);
		expect_every(1, 1500, true);
		fake_expect(regions, 0, 4096, 0);
		end_victim();
		drop_array();
	}
}

/* Without reset nothing is taken, and nothing can be lost or put back. */
static void a_query_without_reset_leaves_no_record(void **state)
{
	(void)state;
	write_every(1, 500);
	make_array(300);
	victim_resets = false;
	start_victim(500, 4096);
	sem_wait(&arrived);
	expect_every(1, 500, true);
	fake_expect(regions, 0, 4096, 0);
	end_victim();
	fake_expect(regions, 0, 4096, 0);
	drop_array();
}

/* The first batches had come through, but nobody got the result. */
static void later_batches_put_the_first_ones_back(void **state)
{
	(void)state;
	write_every(2, 1500);
	make_array(1100);
	start_victim(2000, 4096);
	sem_wait(&arrived);
	expect_every(2, 1500, false);
	end_victim();
	drop_array();
}

static void a_fault_spoils_nothing_outside_its_range(void **state)
{
	(void)state;
	write_every(7, 10);
	make_array(2);
	start_victim(100, 30);	/* 0 7 14 21 28 */
	sem_wait(&arrived);
	fake_expect(regions, 30, 34, 5, 35, 42, 49, 56, 63);
	fake_expect(regions, 0, 4096, 5, 0, 7, 14, 21, 28);
	end_victim();
	drop_array();
}

static void *run_twice(void *argument)
{
	(void)argument;
	is_victim = true;
	if (!sigsetjmp(unwound, 1))
		victim_get(0, 4096);
	/* somewhere else, and then where the fault was */
	make_array(4096);
	victim_n = victim_get(4000, 10) * 1000;
	victim_n += victim_get(0, 4096);
	return NULL;
}

static void the_same_thread_puts_its_own_record_back(void **state)
{
	(void)state;
	write_every(7, 10);
	make_array(3);
	victim_capacity = 100;
	assert_int_equal(pthread_create(&thread, NULL, run_twice, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(victim_n, 10);
	fake_expect(regions, 0, 4096, 0);
	drop_array();
}

/* ---- Killed ---- */

static unsigned calls_to_live;

static void die_at_last(enum fake_site site)
{
	if (is_victim && site == FAKE_SCAN && !--calls_to_live)
		pthread_exit(NULL);
}

static void die_at(void (**when)(enum fake_site), unsigned nth_scan)
{
	make_array(4096);
	calls_to_live = nth_scan;
	*when = die_at_last;
	start_victim(4096, 4096);
	pthread_join(thread, NULL);
	*when = NULL;
	drop_array();
}

static void a_killed_thread_gives_back_what_it_took(void **state)
{
	(void)state;
	for (unsigned nth = 1; nth < 6; nth++) {
		/* committed and decommitted pages, and more than 512 runs */
		write_every(2, 1500);
		for (size_t i = 0; i < 10; i++)
			assert_int_equal(fake_decommit(regions, 200 * i, 1), 0);
		die_at(nth % 2 ? &fake.after : &fake.before, nth);
		expect_every(2, 1500, false);
		fake_expect(regions, 0, 4096, 0);
		for (size_t i = 0; i < 10; i++)
			fake_commit(regions, 200 * i, 1);
	}
}

static void a_killed_thread_is_exact_in_its_first_batch(void **state)
{
	(void)state;
	write_every(7, 10);
	die_at(&fake.after, 1);
	expect_every(7, 10, true);
}

static void a_killed_thread_gives_back_what_was_known(void **state)
{
	(void)state;
	for (int before = 0; before < 2; before++) {
		write_every(1, 1500);
		assert_int_equal(fake_get(regions, 0, 4096, false, pages, 4096),
				 1500);
		die_at(before ? &fake.before : &fake.after, 1);
		expect_every(1, 1500, true);
		fake_expect(regions, 0, 4096, 0);
	}
}

/* In a slot that holds the runs of earlier queries: they are not its own. */
static void a_killed_thread_gives_back_nothing_else(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		write_every(7, 300);
		die_at(&fake.after, 1);
		expect_every(7, 300, true);
		write_every(7, 10);
		victim_looks = i / 2;
		die_at(i % 2 ? &fake.before : &fake.after, victim_looks + 1);
		victim_looks = false;
		expect_every(7, 10, true);
	}
}

static void a_slot_is_used_again(void **state)
{
	size_t before;

	(void)state;
	for (int i = 0; i < 20; i++) {
		write_every(7, 10);
		die_at(&fake.after, 1);
		if (!i)
			before = fake.mapped_bytes;
		expect_every(7, 10, true);
	}
	assert_int_equal(fake.mapped_bytes, before);
}

/* ---- Suspended ---- */

static void park_once(enum fake_site site)
{
	if (is_victim && site == FAKE_SCAN) {
		is_victim = false;
		park();
	}
}

/* The loop of the Boehm collector, beside a thread that does not run. */
static size_t loop_while_full(size_t capacity)
{
	size_t n, total = 0, calls = 0;

	do {
		n = fake_get(regions, 0, 4096, true, pages + total, capacity);
		total += n;
		assert_in_range(++calls, 1, 4096);
	} while (n == capacity);
	return total;
}

static void nobody_waits_for_a_thread_suspended_at_its_scan(void **state)
{
	(void)state;
	for (int after = 0; after < 2; after++) {
		size_t total;

		write_every(7, 10);
		make_array(4096);
		*(after ? &fake.after : &fake.before) = park_once;
		start_victim(100, 4096);
		sem_wait(&arrived);
		total = loop_while_full(2);
		end_victim();
		fake.after = fake.before = NULL;
		/* each page in one of the two results */
		assert_int_equal(total + victim_n, 10);
		fake_expect(regions, 0, 4096, 0);
		drop_array();
	}
}

static void nobody_waits_for_a_thread_suspended_at_its_store(void **state)
{
	(void)state;
	write_every(7, 10);
	make_array(3);
	returns = true;
	start_victim(100, 4096);
	sem_wait(&arrived);
	/* once, not again and again */
	assert_int_equal(loop_while_full(2), 10);
	fake_expect(regions, 0, 4096, 0);
	fake_write(14);
	fake_expect(regions, 0, 4096, 1, 14);
	end_victim();
	assert_int_equal(victim_n, 10);
	fake_expect(regions, 0, 4096, 0);
	drop_array();
}

/* Its batches before are nobody's any more when it faults later. */
static void what_was_put_back_is_not_put_back_twice(void **state)
{
	(void)state;
	write_every(7, 10);
	make_array(3);
	returns = true;
	start_victim(100, 4096);
	sem_wait(&arrived);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fake_get(regions, 0, 4096, false, pages, 4096),
				 10);
	fake_reset_watch(regions, 0, 4096);
	for (int i = 0; i < 3; i++)
		fake_expect(regions, 0, 4096, 0);
	end_victim();
	drop_array();
}

/* A descriptor that a query is in is not used for anything else. */
static void a_region_stays_while_a_query_is_suspended_in_it(void **state)
{
	(void)state;
	write_every(7, 10);
	assert_int_equal(fake_decommit(regions, 7, 1), 0);
	make_array(4096);
	fake.after = park_once;
	start_victim(3, 4096);
	sem_wait(&arrived);
	fake_release(regions, 0, 4096);
	for (size_t i = 0; i < 32; i++) {
		fake_reserve(regions, 128 * i, 128, true);
		fake_write(128 * i + 5);
		assert_int_equal(fake_decommit(regions, 128 * i + 5, 1), 0);
	}
	end_victim();
	fake.after = NULL;
	for (int i = 0; i < 32; i++)
		fake_expect(regions, 128 * i, 128, 1, 128 * i + 5);
	drop_array();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(another_thread_reports_what_a_fault_cut_off),
		TEST(known_pages_are_put_back_too),
		TEST(pages_that_a_query_made_known_are_put_back),
		TEST(a_query_without_reset_leaves_no_record),
		TEST(later_batches_put_the_first_ones_back),
		TEST(a_fault_spoils_nothing_outside_its_range),
		TEST(the_same_thread_puts_its_own_record_back),
		TEST(a_killed_thread_gives_back_what_it_took),
		TEST(a_killed_thread_is_exact_in_its_first_batch),
		TEST(a_killed_thread_gives_back_what_was_known),
		TEST(a_killed_thread_gives_back_nothing_else),
		TEST(a_slot_is_used_again),
		TEST(nobody_waits_for_a_thread_suspended_at_its_scan),
		TEST(nobody_waits_for_a_thread_suspended_at_its_store),
		TEST(what_was_put_back_is_not_put_back_twice),
		TEST(a_region_stays_while_a_query_is_suspended_in_it),
	};

	return FAKE_RUN(tests);
}

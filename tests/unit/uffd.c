/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The uffd backend: the handshake, the self-test, which must notice every wrong
 * answer, and scans.
 */
#include "fake.h"

#include "../../kernel/abi.h"
#include "../../kernel/uffd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE ww_page_size()

static struct ww_tracker tracker;

static void open_tracker(void)
{
	fake_reset();
	assert_int_equal(ww_tracker_open(&tracker, &fake_ops), 0);
}

static void close_tracker(void)
{
	ww_tracker_close(&tracker);
	assert_int_equal(fake.open_fds, 0);
	assert_int_equal(fake.bad_calls, 0);
}

/* Watched and armed memory. */
static void armed(size_t page, size_t n_pages)
{
	fake_mmap(page, n_pages, true);
	assert_int_equal(tracker.backend->watch(&tracker, fake_at(page),
						n_pages * PAGE), 0);
	assert_int_equal(tracker.backend->arm(&tracker, fake_at(page),
					      n_pages * PAGE), 0);
}

static struct ww_run runs[WW_MAX_RUNS];

static struct ww_scan scan_of(size_t page, size_t n_pages, unsigned flags,
			      size_t max_pages, size_t max_runs)
{
	return (struct ww_scan){
		.start = fake_at(page),
		.n_bytes = n_pages * PAGE,
		.flags = flags,
		.max_pages = max_pages,
		.runs = runs,
		.max_runs = max_runs,
	};
}

static int run_scan(struct ww_scan *scan)
{
	return tracker.backend->scan(&tracker, scan);
}

/* ---- Opening ---- */

/* Trap K10, K9 and the self-test: whatever the kernel gets wrong, the backend
 * is refused, and nothing stays behind. */
static void every_wrong_answer_is_noticed(void **state)
{
	(void)state;
	for (int lie = FAKE_HONEST; lie < FAKE_LIES; lie++) {
		size_t before;
		int ret;

		fake_reset();
		before = fake.mapped_bytes;
		fake.lie = lie;
		ret = ww_tracker_open(&tracker, &fake_ops);
		if (lie == FAKE_HONEST) {
			assert_int_equal(ret, 0);
			ww_tracker_close(&tracker);
		} else if (!ret) {
			fail_msg("lie number %d was believed", lie);
		} else {
			assert_non_null(tracker.failure);
		}
		assert_int_equal(fake.open_fds, 0);
		assert_int_equal(fake.mapped_bytes, before);
		assert_int_equal(fake.bad_calls, 0);
	}
}

static void holes_written_is_no_wrong_answer(void **state)
{
	(void)state;
	fake_reset();
	fake.holes_written = true;
	assert_int_equal(ww_tracker_open(&tracker, &fake_ops), 0);
	close_tracker();
}

/* Any call of any kind fails once: the error comes out, nothing stays open or
 * mapped, and the next try works. */
static void every_failing_call_is_cleaned_up(void **state)
{
	(void)state;
	for (int site = 0; site < FAKE_SITES; site++)
		for (unsigned nth = 1;; nth++) {
			size_t before;
			int ret;

			fake_reset();
			before = fake.mapped_bytes;
			fake_fail(site, nth, EIO);
			ret = ww_tracker_open(&tracker, &fake_ops);
			if (!ret) {
				ww_tracker_close(&tracker);
				assert_true(fake.calls[site] < nth);
				break;
			}
			assert_int_equal(ret, site == FAKE_MAP ? -ENOMEM : -EIO);
			assert_non_null(tracker.failure);
			assert_int_equal(fake.open_fds, 0);
			assert_int_equal(fake.mapped_bytes, before);
			assert_int_equal(fake.bad_calls, 0);
		}
}

static void a_failure_names_its_step(void **state)
{
	static const struct {
		enum fake_site site;
		const char *step;
	} steps[] = {
		{ FAKE_USERFAULTFD, "userfaultfd" },
		{ FAKE_API, "asynchronous write-protection" },
		{ FAKE_OPEN_PAGEMAP, "/proc/self/pagemap" },
		{ FAKE_SCAN, "PAGEMAP_SCAN" },
		{ FAKE_REGISTER, "the self-test" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		fake_reset();
		fake_fail(steps[i].site, 1, EACCES);
		assert_int_equal(ww_tracker_open(&tracker, &fake_ops), -EACCES);
		assert_string_equal(tracker.failure, steps[i].step);
	}
}

/* ---- Which backend ---- */

static int choose(const char *forced, const char *name, int error)
{
	fake_reset();
	if (error)
		fake_fail_always(FAKE_USERFAULTFD, error);
	if (forced)
		setenv("WINEWATCH_BACKEND", forced, 1);
	else
		unsetenv("WINEWATCH_BACKEND");
	return ww_tracker_open_backend(&tracker, &fake_ops, name);
}

static void the_best_backend_is_chosen(void **state)
{
	(void)state;
	assert_int_equal(choose(NULL, NULL, 0), 0);
	assert_string_equal(tracker.backend->name, "uffd");
	ww_tracker_close(&tracker);
	assert_int_equal(choose("", NULL, EPERM), 0);
	assert_string_not_equal(tracker.backend->name, "uffd");
	ww_tracker_close(&tracker);
	assert_int_equal(fake.open_fds, 0);
}

static void what_may_be_had_later_is_no_reason_for_less(void **state)
{
	(void)state;
	assert_int_equal(choose(NULL, NULL, EMFILE), -EMFILE);
	assert_string_equal(tracker.failure, "userfaultfd");
	assert_int_equal(choose(NULL, NULL, ENOMEM), -ENOMEM);
}

static void a_forced_backend_is_never_another(void **state)
{
	(void)state;
	assert_int_equal(choose("uffd", NULL, EPERM), -EPERM);
	assert_int_equal(choose("nonsense", NULL, 0), -EINVAL);
	assert_string_equal(tracker.failure, "no such backend");
	assert_int_equal(choose("mprotect", NULL, 0), 0);
	assert_string_equal(tracker.backend->name, "mprotect");
	ww_tracker_close(&tracker);
	assert_int_equal(choose("mprotect", "uffd", EPERM), -EPERM);
	assert_int_equal(choose(NULL, "nonsense", 0), -EINVAL);
	fake_reset();
	setenv("WINEWATCH_BACKEND", "nonsense", 1);
	assert_int_equal(ww_tracker_open(&tracker, &fake_ops), -EINVAL);
	unsetenv("WINEWATCH_BACKEND");
}

static void failed_open_of_a_registry_leaves_nothing(void **state)
{
	const char *failure;
	struct ww_regions *regions;
	sigset_t none;

	(void)state;
	sigemptyset(&none);
	for (int site = 0; site < FAKE_SITES; site++) {
		size_t before;

		fake_reset();
		before = fake.mapped_bytes;
		fake_fail(site, 1, EIO);
		if (!ww_regions_open(&regions, &fake_ops, &none, &failure)) {
			assert_int_equal(fake.calls[site], 0);
			ww_regions_close(regions);
			continue;
		}
		assert_non_null(failure);
		assert_int_equal(fake.open_fds, 0);
		assert_int_equal(fake.mapped_bytes, before);
	}
}

/* Trap K9. */
static void ioctls_are_bit_numbers(void **state)
{
	(void)state;
	assert_true(ww_uffd_can_protect(1ULL << _UFFDIO_WRITEPROTECT));
	assert_true(ww_uffd_can_protect(~0ULL));
	assert_false(ww_uffd_can_protect(0));
	assert_false(ww_uffd_can_protect(~(1ULL << _UFFDIO_WRITEPROTECT)));
	assert_false(ww_uffd_can_protect((uint32_t)UFFDIO_WRITEPROTECT &
					 ~(1U << _UFFDIO_WRITEPROTECT)));
}

/* ---- Scans ---- */

static void a_complete_scan_ends_at_the_end(void **state)
{
	struct ww_scan scan;

	(void)state;
	open_tracker();
	armed(0, 16);
	fake_write(3);
	fake_write(4);
	fake_write(9);
	scan = scan_of(0, 16, 0, 16, 8);
	assert_int_equal(run_scan(&scan), 0);
	assert_int_equal(scan.n_runs, 2);
	assert_int_equal(scan.n_pages, 3);
	assert_int_equal(scan.resume, fake_at(16));
	assert_int_equal(runs[0].start, fake_at(3));
	assert_int_equal(runs[0].end, fake_at(5));
	assert_int_equal(runs[1].start, fake_at(9));
	close_tracker();
}

/* Exact fit, one less and one more of both limits. */
static void a_full_scan_resumes_after_its_last_run(void **state)
{
	(void)state;
	for (size_t limit = 1; limit <= 5; limit++) {
		struct ww_scan by_runs, by_pages;

		open_tracker();
		armed(0, 16);
		for (size_t page = 1; page < 9; page += 2)
			fake_write(page);
		by_runs = scan_of(0, 16, 0, 16, limit);
		assert_int_equal(run_scan(&by_runs), 0);
		by_pages = scan_of(0, 16, 0, limit, 16);
		assert_int_equal(run_scan(&by_pages), 0);
		assert_int_equal(by_runs.n_runs, limit < 4 ? limit : 4);
		assert_int_equal(by_runs.resume,
				 limit <= 4 ? fake_at(2 * limit) : fake_at(16));
		assert_int_equal(by_pages.n_pages, by_runs.n_pages);
		assert_int_equal(by_pages.resume, by_runs.resume);
		close_tracker();
	}
}

static size_t scan_by_steps(size_t n_pages, size_t max_runs, unsigned flags)
{
	struct ww_scan scan = { .resume = fake_at(0) };
	size_t n = 0, steps = 0;

	while (scan.resume < fake_at(n_pages)) {
		size_t page = fake_page(scan.resume);

		scan = scan_of(page, n_pages - page, flags, n_pages, max_runs);
		assert_int_equal(run_scan(&scan), 0);
		assert_in_range(++steps, 1, n_pages);
		n += scan.n_pages;
	}
	return n;
}

/* Trap K1: the model's walk_end is always wrong. */
static void more_than_512_runs_come_once_each(void **state)
{
	static const size_t counts[] = { 511, 512, 513, 1000, 1500 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		open_tracker();
		armed(0, 3000);
		for (size_t page = 0; page < counts[i]; page++)
			fake_write(2 * page);
		assert_int_equal(scan_by_steps(3000, WW_MAX_RUNS, 0), counts[i]);
		assert_int_equal(scan_by_steps(3000, 7, WW_SCAN_RESET), counts[i]);
		assert_int_equal(scan_by_steps(3000, WW_MAX_RUNS, 0), 0);
		close_tracker();
	}
}

static void reset_takes_exactly_what_it_reports(void **state)
{
	struct ww_scan scan;

	(void)state;
	open_tracker();
	armed(0, 8);
	for (size_t page = 0; page < 8; page++)
		fake_write(page);
	scan = scan_of(2, 5, WW_SCAN_RESET, 3, 8);
	assert_int_equal(run_scan(&scan), 0);
	assert_int_equal(scan.resume, fake_at(5));
	for (size_t page = 0; page < 8; page++)
		assert_int_equal(fake_protected(page), page >= 2 && page < 5);
	close_tracker();
}

static void lost_registrations_are_told(void **state)
{
	struct ww_scan scan;

	(void)state;
	open_tracker();
	armed(0, 16);
	fake_mmap(8, 4, true);
	scan = scan_of(0, 16, WW_SCAN_RESET, 16, 16);
	assert_int_equal(run_scan(&scan), -EPERM);
	assert_int_equal(tracker.backend->reset(&tracker, fake_at(0), 16 * PAGE),
			 -EPERM);
	close_tracker();
}

/* What nobody armed is only written where there is something. */
static void unarmed_memory_is_written_where_it_is_present(void **state)
{
	struct ww_scan scan;

	(void)state;
	for (int holes_written = 0; holes_written < 2; holes_written++) {
		open_tracker();
		fake.holes_written = holes_written;
		fake_mmap(0, 16, true);
		fake_write(4);
		fake_swap_out(4);
		fake_write(7);
		scan = scan_of(0, 16, WW_SCAN_UNARMED, 16, 16);
		assert_int_equal(run_scan(&scan), 0);
		assert_int_equal(scan.n_runs, 2);
		assert_int_equal(runs[0].start, fake_at(4));
		assert_int_equal(runs[1].start, fake_at(7));
		assert_int_equal(scan.n_pages, 2);
		close_tracker();
	}
}

static void reset_cleans_all_whatever_it_holds(void **state)
{
	struct ww_scan scan;

	(void)state;
	open_tracker();
	armed(0, 8);
	fake_write(1);
	fake_write(3);
	fake_swap_out(3);
	fake_read(5);
	assert_int_equal(tracker.backend->reset(&tracker, fake_at(0), 8 * PAGE), 0);
	scan = scan_of(0, 8, 0, 8, 8);
	assert_int_equal(run_scan(&scan), 0);
	assert_int_equal(scan.n_runs, 0);
	fake_write(3);
	assert_int_equal(run_scan(&scan), 0);
	assert_int_equal(scan.n_pages, 1);
	close_tracker();
}

static void protecting_tries_again_on_eagain(void **state)
{
	(void)state;
	open_tracker();
	fake_mmap(0, 8, true);
	assert_int_equal(tracker.backend->watch(&tracker, fake_at(0), 8 * PAGE), 0);
	fake_fail(FAKE_WRITEPROTECT, 1, EAGAIN);
	assert_int_equal(tracker.backend->arm(&tracker, fake_at(0), 8 * PAGE), 0);
	assert_true(fake_protected(7));
	fake_fail(FAKE_WRITEPROTECT, 1, ENOENT);
	assert_int_equal(tracker.backend->arm(&tracker, fake_at(0), 8 * PAGE),
			 -ENOENT);
	close_tracker();
}

static void watching_again_keeps_the_bits(void **state)
{
	struct ww_scan scan;

	(void)state;
	open_tracker();
	armed(0, 8);
	fake_write(2);
	assert_int_equal(tracker.backend->watch(&tracker, fake_at(0), 8 * PAGE), 0);
	scan = scan_of(0, 8, 0, 8, 8);
	assert_int_equal(run_scan(&scan), 0);
	assert_int_equal(scan.n_pages, 1);
	close_tracker();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wrong_answer_is_noticed),
		cmocka_unit_test(holes_written_is_no_wrong_answer),
		cmocka_unit_test(every_failing_call_is_cleaned_up),
		cmocka_unit_test(a_failure_names_its_step),
		cmocka_unit_test(failed_open_of_a_registry_leaves_nothing),
		cmocka_unit_test(ioctls_are_bit_numbers),
		cmocka_unit_test(a_complete_scan_ends_at_the_end),
		cmocka_unit_test(a_full_scan_resumes_after_its_last_run),
		cmocka_unit_test(more_than_512_runs_come_once_each),
		cmocka_unit_test(reset_takes_exactly_what_it_reports),
		cmocka_unit_test(lost_registrations_are_told),
		cmocka_unit_test(the_best_backend_is_chosen),
		cmocka_unit_test(what_may_be_had_later_is_no_reason_for_less),
		cmocka_unit_test(a_forced_backend_is_never_another),
		cmocka_unit_test(unarmed_memory_is_written_where_it_is_present),
		cmocka_unit_test(reset_cleans_all_whatever_it_holds),
		cmocka_unit_test(protecting_tries_again_on_eagain),
		cmocka_unit_test(watching_again_keeps_the_bits),
	};

	return FAKE_RUN(tests);
}

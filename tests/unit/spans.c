/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of ranges, against a plain array with one cell per address. */
#include "fake.h"

#include "../../kernel/spans.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define CELLS 2000

static unsigned char cells[CELLS];

/* The table holds what the cells say: spans are runs of marked cells. */
static void expect_cells(const struct ww_spans *spans)
{
	for (size_t i = 0; i < CELLS; i++) {
		struct ww_span found, gap;
		bool any = ww_spans_next(spans, i, CELLS, &found);
		bool inside = any && found.start == i;
		size_t end = i;

		assert_int_equal(inside, cells[i]);
		while (end < CELLS && cells[end] == cells[i])
			end++;
		if (cells[i]) {
			assert_int_equal(found.end, end);
		} else {
			assert_true(ww_spans_next_gap(spans, i, CELLS, &gap));
			assert_int_equal(gap.start, i);
			assert_int_equal(gap.end, end);
		}
	}
}

static void random_operations_match_an_array(void **state)
{
	struct ww_spans spans = { 0 };

	(void)state;
	fake_reset();
	memset(cells, 0, sizeof(cells));
	for (int round = 0; round < 12000; round++) {
		/* mostly short ranges, so that there are many */
		size_t n = 1 + fake_random(fake_random(64) ? 3 : CELLS / 4);
		size_t start = fake_random(CELLS - n);
		bool add = fake_random(100) < (round / 1500 % 2 ? 35 : 65);

		if (add)
			assert_int_equal(ww_spans_add(&spans, &fake_ops, start,
						      start + n), 0);
		else
			assert_int_equal(ww_spans_remove(&spans, &fake_ops, start,
							 start + n), 0);
		memset(cells + start, add, n);
		if (round % 64 == 0)
			expect_cells(&spans);
	}
	expect_cells(&spans);
	ww_spans_free(&spans, &fake_ops);
}

/* The directory outgrows its page, and then all goes again. */
static void many_in_no_order(void **state)
{
	enum { N_MANY = 30000 };
	static unsigned order[N_MANY];
	struct ww_spans spans = { 0 };
	struct ww_span found;
	size_t before;

	(void)state;
	fake_reset();
	before = fake.mapped_bytes;
	for (unsigned i = 0; i < N_MANY; i++) {
		size_t other = fake_random(i + 1);

		order[i] = order[other];
		order[other] = i;
	}
	for (size_t i = 0; i < N_MANY; i++)
		assert_int_equal(ww_spans_add(&spans, &fake_ops, 16 * order[i] + 1,
					      16 * order[i] + 9), 0);
	assert_int_equal(ww_spans_count(&spans), N_MANY);
	for (uintptr_t i = 0; i < N_MANY; i++) {
		assert_true(ww_spans_find(&spans, 16 * i, &found));
		assert_int_equal(found.start, 16 * i + 1);
		assert_int_equal(ww_spans_index(&spans, 16 * i), i);
		assert_true(!i || ww_spans_before(&spans, 16 * i, &found));
		assert_true(!i || found.start == 16 * (i - 1) + 1);
	}
	assert_int_equal(ww_spans_add(&spans, &fake_ops, 16 * 100, 16 * 20000), 0);
	assert_int_equal(ww_spans_count(&spans), N_MANY - 19900 + 1);
	for (size_t i = 0; i < N_MANY; i++)
		assert_int_equal(ww_spans_remove(&spans, &fake_ops, 16 * order[i],
						 16 * order[i] + 16), 0);
	assert_int_equal(ww_spans_count(&spans), 0);
	assert_false(ww_spans_find(&spans, 0, &found));
	assert_false(ww_spans_before(&spans, UINTPTR_MAX, &found));
	ww_spans_free(&spans, &fake_ops);
	assert_int_equal(fake.mapped_bytes, before);
}

static void outgrown_tables_are_given_back(void **state)
{
	struct ww_spans spans = { 0 };
	size_t before;

	(void)state;
	fake_reset();
	before = fake.mapped_bytes;
	for (uintptr_t i = 0; i < WW_SPANS_INLINE; i++)
		assert_int_equal(ww_spans_add(&spans, &fake_ops, 16 * i,
					      16 * i + 1), 0);
	assert_int_equal(fake.mapped_bytes, before);
	for (uintptr_t i = WW_SPANS_INLINE; i < 600; i++)
		assert_int_equal(ww_spans_add(&spans, &fake_ops, 16 * i,
					      16 * i + 1), 0);
	for (uintptr_t i = 0; i < 600; i++) {
		struct ww_span found;

		assert_true(ww_spans_find(&spans, 16 * i, &found));
		assert_int_equal(found.start, 16 * i);
	}
	ww_spans_free(&spans, &fake_ops);
	assert_int_equal(fake.mapped_bytes, before);
	assert_int_equal(fake.bad_calls, 0);
}

/* Every growth, add, insert and cut in the middle. */
static void no_memory_changes_nothing(void **state)
{
	struct ww_spans spans = { 0 };
	unsigned refused = 0;

	(void)state;
	fake_reset();
	memset(cells, 0, sizeof(cells));
	for (size_t i = 0; i + 3 < CELLS; i += 4) {
		struct ww_span one = { .start = i, .end = i + 3 };

		fake_fail_always(FAKE_MAP, ENOMEM);
		if (ww_spans_add(&spans, &fake_ops, i, i + 3)) {
			refused++;
			expect_cells(&spans);
			assert_int_equal(ww_spans_insert(&spans, &fake_ops, &one),
					 -ENOMEM);
			assert_int_equal(ww_spans_remove(&spans, &fake_ops,
							 i - 3, i - 2), -ENOMEM);
			expect_cells(&spans);
			/* what needs no room still works */
			assert_int_equal(ww_spans_remove(&spans, &fake_ops, 0, 1),
					 0);
			fake_heal();
			assert_int_equal(ww_spans_add(&spans, &fake_ops, 0, 1), 0);
			assert_int_equal(ww_spans_add(&spans, &fake_ops, i, i + 3),
					 0);
		}
		memset(cells + i, 1, 3);
	}
	expect_cells(&spans);
	/* behind 2, 128, 192 and so on to 448; smaller ones begin with more */
	assert_int_equal(refused, sizeof(void *) == 8 ? 7 : 5);
	fake_heal();
	ww_spans_free(&spans, &fake_ops);
}

static void spans_with_values_stay_apart(void **state)
{
	struct ww_span first = { 0x1000, 0x2000, &first, 1 };
	struct ww_span second = { 0x2000, 0x5000, &second, 2 }, found;
	struct ww_spans spans = { 0 };

	(void)state;
	fake_reset();
	assert_int_equal(ww_spans_insert(&spans, &fake_ops, &second), 0);
	assert_int_equal(ww_spans_insert(&spans, &fake_ops, &first), 0);
	assert_true(ww_spans_find(&spans, 0x1fff, &found));
	assert_ptr_equal(found.value, &first);
	assert_true(ww_spans_find(&spans, 0x2000, &found));
	assert_ptr_equal(found.value, &second);
	/* both pieces of a cut span keep its value and stamp */
	assert_int_equal(ww_spans_remove(&spans, &fake_ops, 0x3000, 0x4000), 0);
	assert_true(ww_spans_find(&spans, 0x3000, &found));
	assert_int_equal(found.start, 0x4000);
	assert_ptr_equal(found.value, &second);
	assert_int_equal(found.stamp, 2);
	assert_false(ww_spans_find(&spans, 0x5000, &found));
	ww_spans_free(&spans, &fake_ops);
}

static void gaps_end_at_the_range(void **state)
{
	struct ww_spans spans = { 0 };
	struct ww_span gap;

	(void)state;
	fake_reset();
	assert_true(ww_spans_next_gap(&spans, 10, 20, &gap));
	assert_int_equal(gap.start, 10);
	assert_int_equal(gap.end, 20);
	ww_spans_add(&spans, &fake_ops, 5, 15);
	ww_spans_add(&spans, &fake_ops, 30, 40);
	assert_true(ww_spans_next_gap(&spans, 10, 20, &gap));
	assert_int_equal(gap.start, 15);
	assert_int_equal(gap.end, 20);
	assert_true(ww_spans_next_gap(&spans, 10, 50, &gap));
	assert_int_equal(gap.end, 30);
	assert_false(ww_spans_next_gap(&spans, 5, 15, &gap));
	assert_false(ww_spans_next_gap(&spans, 10, 10, &gap));
	ww_spans_free(&spans, &fake_ops);
}

/* Every span that a reader may ever see has this stamp. */
static uint64_t checksum(const struct ww_span *span)
{
	return (span->start * 31 + span->end) ^ (uintptr_t)span->value;
}

static struct ww_spans shared;
static bool stop;

/* Counts what does not belong together. */
static void *read_on(void *argument)
{
	unsigned long *torn = argument;
	struct ww_span found;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		for (uintptr_t at = 0; ww_spans_find(&shared, at, &found);
		     at = found.end)
			if (found.end <= at || found.stamp != checksum(&found))
				++*torn;
	return NULL;
}

static void readers_never_see_a_torn_span(void **state)
{
	unsigned long torn = 0;
	pthread_t reader;

	(void)state;
	fake_reset();
	assert_int_equal(pthread_create(&reader, NULL, read_on, &torn), 0);
	for (int round = 0; round < 60000; round++) {
		size_t cell = fake_random(700);
		struct ww_span span = { .start = 64 * cell };

		assert_int_equal(ww_spans_remove(&shared, &fake_ops, span.start,
						 span.start + 64), 0);
		if (fake_random(4) == 0)
			continue;
		span.end = span.start + 1 + fake_random(64);
		span.value = (void *)fake_random(1 << 20);
		span.stamp = checksum(&span);
		assert_int_equal(ww_spans_insert(&shared, &fake_ops, &span), 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
	assert_int_equal(torn, 0);
	ww_spans_free(&shared, &fake_ops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_an_array),
		cmocka_unit_test(many_in_no_order),
		cmocka_unit_test(outgrown_tables_are_given_back),
		cmocka_unit_test(no_memory_changes_nothing),
		cmocka_unit_test(spans_with_values_stay_apart),
		cmocka_unit_test(gaps_end_at_the_range),
		cmocka_unit_test(readers_never_see_a_torn_span),
	};

	fake_seed();
	return FAKE_RUN(tests);
}

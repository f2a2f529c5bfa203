/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What good calls return: order, capacity, and what a reset takes away. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#define N_PAGES		16
#define RESET		WRITE_WATCH_FLAG_RESET

static void write_and_reset(void)
{
	char *base = watch(N_PAGES);

	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 1);
	EXPECT_WRITTEN("1", base, N_PAGES);
	EXPECT_AND_RESET("1", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	EXPECT_AND_RESET("", base, N_PAGES);
}

static void part_of_region(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "2 4");
	EXPECT_WRITTEN("2 4", base, N_PAGES);
	EXPECT("4", 0, base, 3, 2, MAX_PAGES);
	EXPECT("", 0, base, 3, 1, MAX_PAGES);
	EXPECT("2 4", 0, base, 2, 3, MAX_PAGES);
}

static void reset_part(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "2 4");
	EXPECT_ERROR(0, reset_error(base, 3 * PAGE_BYTES));
	EXPECT_WRITTEN("4", base, N_PAGES);
	EXPECT("4", RESET, base, 4, 1, MAX_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void write_across_pages(void)
{
	char *base = watch(N_PAGES);
	volatile DWORD *word = (void *)(base + 2 * PAGE_BYTES - 2);

	touch(base, 4);
	*word = 0xbaadf00d;
	EXPECT_WRITTEN("1 2 4", base, N_PAGES);
}

static void buffer_of_one(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 2 4");
	EXPECT("1", RESET, base, 0, N_PAGES, 1);
	EXPECT_WRITTEN("2 4", base, N_PAGES);
	EXPECT("2", 0, base, 0, N_PAGES, 1);
	EXPECT("2 4", 0, base, 0, N_PAGES, 2);
	EXPECT("2 4", RESET, base, 0, N_PAGES, 3);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void capacity_is_written(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 1 5 9");
	EXPECT("0 1 5 9", RESET, base, 0, N_PAGES, 4);
	EXPECT("", RESET, base, 0, N_PAGES, 4);
	touch_all(base, "12 13 14 15");
	EXPECT("12 13 14 15", RESET, base, 0, N_PAGES, 4);
	EXPECT("", RESET, base, 0, N_PAGES, 4);
}

static void order_ascends(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "7 3");
	EXPECT_ERROR(0, reset_error(base, N_PAGES * PAGE_BYTES));
	touch_all(base, "9 0 5 1");
	EXPECT_WRITTEN("0 1 5 9", base, N_PAGES);
	EXPECT_AND_RESET("0 1 5 9", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void state_stays(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "3 8");
	for (int i = 0; i < 5; i++)
		EXPECT_WRITTEN("3 8", base, N_PAGES);
	touch(base, 5);
	EXPECT("3", 0, base, 0, N_PAGES, 1);
	EXPECT_WRITTEN("3 5 8", base, N_PAGES);
}

static void count_huge(void)
{
	char *base = watch(N_PAGES);
	void *addresses[N_PAGES];
	ULONG_PTR count = ~(ULONG_PTR)0 / sizeof(void *);
	DWORD granularity;

	touch_all(base, "0 15");
	EXPECT_ERROR(0, get_error(RESET, base, N_PAGES * PAGE_BYTES, addresses,
				  &count, &granularity));
	CHECK(count == 2, "count %llu", (unsigned long long)count);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* Page by page, as small collectors ask. */
static void one_page_calls(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 6 15");
	for (size_t page = 0; page < N_PAGES; page++) {
		const char *want = page == 0 ? "0" : page == 6 ? "6" :
				   page == 15 ? "15" : "";

		EXPECT(want, RESET, base, page, 1, 1);
		EXPECT("", RESET, base, page, 1, 1);
	}
}

/* Random sets of pages and capacities against a model of the bits. */
static void against_a_model(void)
{
	enum { N = 256, ROUNDS = 2000 };
	char *base = watch(N);
	bool written[N] = { false };
	uint64_t random = row_seed();
	static void *addresses[N];

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t first = random_below(&random, N);
		uint32_t n_pages = 1 + random_below(&random, N - first);
		ULONG_PTR capacity = 1 + random_below(&random, N), n = 0;
		ULONG_PTR count = capacity;
		DWORD flags = random_below(&random, 2), granularity;
		DWORD error;

		for (uint32_t i = random_below(&random, 20); i; i--) {
			uint32_t page = random_below(&random, N);

			touch(base, page);
			written[page] = true;
		}
		error = get_error(flags, base + first * PAGE_BYTES,
				  n_pages * PAGE_BYTES, addresses, &count,
				  &granularity);
		if (!CHECK(!error, "round %d: error %" DU, round, error))
			return;
		for (uint32_t page = first; page < first + n_pages; page++) {
			if (!written[page] || n == capacity)
				continue;
			if (!CHECK(n < count && addresses[n] ==
				   base + page * PAGE_BYTES,
				   "round %d: page %u is missing", round,
				   page))
				return;
			n++;
			written[page] = !flags;
		}
		if (!CHECK(n == count, "round %d: %u pages instead of %u",
			   round, (unsigned int)count, (unsigned int)n))
			return;
	}
}

const struct row result_rows[] = {
	{ "result-write-and-reset", "WT", write_and_reset, 0, 0,
	  "a written page is reported until it is reset" },
	{ "result-part-of-region", "WT", part_of_region, 0, 0,
	  "only the range asked for is reported" },
	{ "result-reset-part", "WT", reset_part, 0, 0,
	  "only the range asked for is reset" },
	{ "result-write-across-pages", "WT", write_across_pages, 0, 0,
	  "a write across two pages is in both" },
	{ "result-buffer-of-one", "WT", buffer_of_one, 0, 0,
	  "a small array gets the lowest pages, and only they are reset" },
	{ "result-capacity-is-written", "WT", capacity_is_written, 0, 0,
	  "an array that just fits leaves nothing for the next call" },
	{ "result-order-ascends", "WT", order_ascends, 0, 0,
	  "addresses ascend, whatever the order of the writes" },
	{ "result-state-stays", "WT", state_stays, 0, 0,
	  "a query without reset changes nothing" },
	{ "result-count-huge", "INF", count_huge, 0, 0,
	  "a count beyond the pages of the range is good" },
	{ "result-one-page-calls", "MS", one_page_calls, 0, 0,
	  "calls of one page each tell the same as one for all" },
	{ "result-against-a-model", "MS", against_a_model, 0, 0,
	  "random writes, ranges and arrays give what a model does" },
	{ 0 },
};

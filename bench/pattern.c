/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns of written pages. */
#include "config.h"

#include "pattern.h"

#include "../tools/tool.h"

#include <stdlib.h>

/* vm.max_map_count is 65530 by default; each run of written pages makes two
 * mappings more of wine-stock's memory. */
#define MOST_RUNS 30000

const char *const bench_order_names[] = {
	[BENCH_SEQUENTIAL] = "sequential",
	[BENCH_RANDOM] = "random",
	[BENCH_ALTERNATING] = "alternating",
	[BENCH_PERCENT] = "1%",
	[BENCH_CLEAN] = "clean",
	[BENCH_BLOCKS] = "blocks",
};

const size_t bench_sizes[BENCH_N_SIZES] = { 1, 16, 1024, 8192, 262144 };

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
		 UINT64_C(1442695040888963407);
	return *state >> 33;
}

static int by_number(const void *a, const void *b)
{
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	return (left > right) - (left < right);
}

static void shuffle(size_t *numbers, size_t n)
{
	uint64_t state = 1;

	for (size_t i = n; i > 1; i--) {
		size_t other = next_random(&state) % i;
		size_t number = numbers[i - 1];

		numbers[i - 1] = numbers[other];
		numbers[other] = number;
	}
}

static size_t step_of(enum bench_order order)
{
	switch (order) {
	case BENCH_ALTERNATING:
		return 2;
	case BENCH_PERCENT:
		return 100;
	case BENCH_BLOCKS:
		return BENCH_BLOCK / BENCH_PAGE;
	default:
		return 1;
	}
}

static void note_sorted(struct bench_pattern *pattern)
{
	size_t *sorted = resize_array(NULL, pattern->n + 1, sizeof(*sorted));

	for (size_t i = 0; i < pattern->n; i++)
		sorted[i] = pattern->order[i];
	qsort(sorted, pattern->n, sizeof(*sorted), by_number);
	pattern->n_runs = pattern->n > 0;
	for (size_t i = 1; i < pattern->n; i++)
		pattern->n_runs += sorted[i] != sorted[i - 1] + 1;
	pattern->sorted = sorted;
}

void bench_pattern_make(struct bench_pattern *pattern, enum bench_order order,
			size_t range)
{
	size_t step = step_of(order);

	*pattern = (struct bench_pattern){ .range = range };
	pattern->order = resize_array(NULL, range, sizeof(*pattern->order));
	if (order != BENCH_CLEAN)
		for (size_t page = 0; page < range; page += step)
			pattern->order[pattern->n++] = page;
	if (order == BENCH_RANDOM) {
		shuffle(pattern->order, pattern->n);
		pattern->n = (pattern->n + 1) / 2;
	}
	note_sorted(pattern);
}

void bench_pattern_free(struct bench_pattern *pattern)
{
	free(pattern->order);
	free(pattern->sorted);
}

void bench_pattern_write(const struct bench_pattern *pattern, uintptr_t start,
			 size_t n_calls)
{
	size_t n_bytes = pattern->range * BENCH_PAGE;

	for (; n_calls; n_calls--, start += n_bytes)
		for (size_t i = 0; i < pattern->n; i++)
			*(volatile char *)(start +
					   pattern->order[i] * BENCH_PAGE) = 1;
}

bool bench_pattern_is(const struct bench_pattern *pattern, uintptr_t start,
		      const uintptr_t *addresses, size_t n)
{
	if (n != pattern->n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (addresses[i] != start + pattern->sorted[i] * BENCH_PAGE)
			return false;
	return true;
}

bool bench_takes_part(struct bench *bench, const struct bench_method *method,
		      const struct bench_pattern *pattern, size_t n_times)
{
	size_t n_runs = pattern->n_runs * n_times;

	if (!method->maps_each_run)
		return true;
	if (bench->quick && pattern->range > BENCH_MANY_PAGES)
		bench_remark(bench, "%s: left out for %zu pages by --quick",
			     method->name, pattern->range);
	else if (n_runs > MOST_RUNS)
		bench_remark(bench, "%s: left out where %zu mappings would be "
			     "more than the kernel allows", method->name,
			     2 * n_runs);
	else
		return true;
	return false;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pages are written, in which order; and writing and checking them. */
#ifndef WW_BENCH_PATTERN_H
#define WW_BENCH_PATTERN_H

#include "method.h"

enum bench_order {
	BENCH_SEQUENTIAL,	/* all, ascending */
	BENCH_RANDOM,		/* half of them, in any order */
	BENCH_ALTERNATING,	/* every other one */
	BENCH_PERCENT,		/* one of a hundred */
	BENCH_CLEAN,		/* none */
	BENCH_BLOCKS,		/* one of each 2 MiB */
};

#define BENCH_N_PATTERNS 5	/* without the last */
#define BENCH_N_ORDERS 2	/* for the cost of a write */

extern const char *const bench_order_names[];

/* The sizes of the queries, in pages. */
#define BENCH_N_SIZES 5
extern const size_t bench_sizes[BENCH_N_SIZES];

/* Those that take so long that they are measured less often. */
#define BENCH_MANY_PAGES 100000

struct bench_pattern {
	size_t range;		/* pages of one query */
	size_t n;		/* of which so many are written */
	size_t *order;		/* numbers of pages, as they are written */
	size_t *sorted;		/* the same, ascending */
	size_t n_runs;		/* of adjacent ones */
};

/* The same pages in each run of the program. At least one is written, but for
 * a clean pattern. */
void bench_pattern_make(struct bench_pattern *pattern, enum bench_order order,
			size_t range);
void bench_pattern_free(struct bench_pattern *pattern);

/* Writes the pattern to n_calls ranges, one behind the other. */
void bench_pattern_write(const struct bench_pattern *pattern, uintptr_t start,
			 size_t n_calls);

/* Whether `addresses` has the pages of the pattern in the range at `start`. */
bool bench_pattern_is(const struct bench_pattern *pattern, uintptr_t start,
		      const uintptr_t *addresses, size_t n);

/* Whether the method can be measured when the pattern is written to n_times
 * ranges at once, and is to be; else remarks why not. */
bool bench_takes_part(struct bench *bench, const struct bench_method *method,
		      const struct bench_pattern *pattern, size_t n_times);

#endif

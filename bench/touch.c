/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the first write to a page of fresh memory costs. */
#include "config.h"

#include "pattern.h"

#include "../tools/tool.h"

#include <stdio.h>
#include <stdlib.h>

#define N_BLOCKS 512

/* Few pages are touched in many memories at once, for the clock's sake. */
#define LEAST_PAGES 1024
#define MOST_MEMORIES 64

struct touch {
	char name[BENCH_NAME_BYTES];
	struct bench_pattern pattern;
	size_t n_memories;
	struct bench_memory memories[MOST_MEMORIES];
};

static void check(struct bench *bench, const struct touch *touch,
		  const struct bench_method *method, struct bench_memory *memory)
{
	size_t n_pages = touch->pattern.range;
	uintptr_t *addresses = resize_array(NULL, n_pages, sizeof(*addresses));
	size_t n = method->get(memory, memory->start, memory->n_bytes, false,
			       addresses);

	if (!bench_pattern_is(&touch->pattern, memory->start, addresses, n))
		bench_wrong(bench, touch->name, method,
			    "%zu pages instead of %zu, or others", n,
			    touch->pattern.n);
	free(addresses);
}

static void measure(struct bench *bench, struct touch *touch,
		    const struct bench_method *method)
{
	size_t n_pages = touch->n_memories * touch->pattern.n;
	double start, ns;

	for (size_t i = 0; i < touch->n_memories; i++)
		bench_map(method, &touch->memories[i],
			  touch->pattern.range * BENCH_PAGE);
	start = bench_cpu_ns();
	for (size_t i = 0; i < touch->n_memories; i++)
		bench_pattern_write(&touch->pattern, touch->memories[i].start, 1);
	ns = bench_cpu_ns() - start;
	for (size_t i = 0; i < touch->n_memories; i++) {
		if (method->get)
			check(bench, touch, method, &touch->memories[i]);
		touch->memories[i].method->release(&touch->memories[i]);
	}
	bench_record(bench, touch->name, method, ns / (double)n_pages,
		     touch->pattern.n);
}

static size_t repetitions(const struct bench *bench, size_t range)
{
	return range > BENCH_MANY_PAGES ? bench_repetitions(bench, 5, 1)
			      : bench_repetitions(bench, 15, 3);
}

/* One memory of the `range` pages, or several, at a time. */
static void run(struct bench *bench, struct touch *touch, enum bench_order order,
		size_t range)
{
	size_t n = repetitions(bench, range);

	if (!bench_has_memory(bench, touch->name, range * BENCH_PAGE))
		return;
	touch->n_memories = range < LEAST_PAGES ? LEAST_PAGES / range : 1;
	if (touch->n_memories > MOST_MEMORIES)
		touch->n_memories = MOST_MEMORIES;
	bench_pattern_make(&touch->pattern, order, range);
	bench_begin(bench, touch->name);
	while (n--)
		for (int i = 0; i < bench_n_methods; i++)
			/* whose memory is another's, has no first touch */
			if (!bench_methods[i]->maker &&
			    bench_takes_part(bench, bench_methods[i],
					     &touch->pattern, touch->n_memories))
				measure(bench, touch, bench_methods[i]);
	bench_end(bench, 1);
	bench_pattern_free(&touch->pattern);
}

static void touch_case(struct bench *bench, enum bench_order order, size_t range,
		       size_t n_written)
{
	struct touch touch;

	snprintf(touch.name, sizeof(touch.name), "first-touch/%zu/%s",
		 n_written, bench_order_names[order]);
	if (bench_wants(bench, touch.name))
		run(bench, &touch, order, range);
}

void bench_touch_cases(struct bench *bench)
{
	for (int i = 0; i < BENCH_N_SIZES; i++)
		for (int order = 0; order < BENCH_N_ORDERS; order++)
			touch_case(bench, order, bench_sizes[i],
				   bench_sizes[i]);
	touch_case(bench, BENCH_BLOCKS, N_BLOCKS * BENCH_BLOCK / BENCH_PAGE,
		   N_BLOCKS);
}

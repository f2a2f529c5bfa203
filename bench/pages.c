/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What writes to watched pages and queries of them cost, in memory that has been
 * in use. All methods have their memory at the same time, and each pattern is
 * written to it three times per repetition: for a query without reset and a
 * second one, for one with reset, and for a reset alone.
 */
#include "config.h"

#include "pattern.h"

#include "../tools/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum family {
	WRITE,
	GET,
	GET_AGAIN,
	GET_RESET,
	RESET,
	N_FAMILIES
};

static const char *const families[N_FAMILIES] = {
	[WRITE] = "write-after-reset",
	[GET] = "get",
	[GET_AGAIN] = "get-again",
	[GET_RESET] = "get-reset",
	[RESET] = "reset",
};

/* Enough calls for the clock. */
#define LEAST_PAGES 1024
#define USUAL_PAGES 16384

struct pages {
	struct bench *bench;
	size_t range;
	size_t n_calls;		/* ranges, one behind the other */
	struct bench_memory memories[BENCH_MOST_METHODS];
	uintptr_t *addresses;
	size_t *counts;		/* of each call */
	/* of one pattern */
	struct bench_pattern pattern;
	char names[N_FAMILIES][BENCH_NAME_BYTES];
	bool wanted[N_FAMILIES];
};

static size_t all_bytes(const struct pages *pages)
{
	return pages->range * pages->n_calls * BENCH_PAGE;
}

static uintptr_t start_of(const struct pages *pages,
			  const struct bench_memory *memory, size_t call)
{
	return memory->start + call * pages->range * BENCH_PAGE;
}

static void record(struct pages *pages, enum family family,
		   const struct bench_method *method, double ns)
{
	if (pages->wanted[family])
		bench_record(pages->bench, pages->names[family], method, ns,
			     pages->pattern.n);
}

static void write_pattern(struct pages *pages, const struct bench_method *method,
			  const struct bench_memory *memory)
{
	size_t n = pages->pattern.n * pages->n_calls;
	double start = bench_cpu_ns();

	bench_pattern_write(&pages->pattern, memory->start, pages->n_calls);
	if (n)
		record(pages, WRITE, method,
		       (bench_cpu_ns() - start) / (double)n);
}

/* Queries all ranges. Returns the time of one call. */
static double get_all(struct pages *pages, const struct bench_method *method,
		      struct bench_memory *memory, bool reset, bool bare)
{
	size_t n_bytes = pages->range * BENCH_PAGE;
	double start = bench_cpu_ns();

	for (size_t i = 0; i < pages->n_calls; i++)
		pages->counts[i] = method->get(
			memory, start_of(pages, memory, i), n_bytes, reset,
			bare ? NULL : pages->addresses + i * pages->range);
	return (bench_cpu_ns() - start) / (double)pages->n_calls;
}

static void check(struct pages *pages, enum family family,
		  const struct bench_method *method,
		  const struct bench_memory *memory, bool bare)
{
	for (size_t i = 0; i < pages->n_calls; i++) {
		if (pages->counts[i] == pages->pattern.n &&
		    (bare || bench_pattern_is(&pages->pattern,
					      start_of(pages, memory, i),
					      pages->addresses + i * pages->range,
					      pages->counts[i])))
			continue;
		bench_wrong(pages->bench, pages->names[family], method,
			    "%zu pages instead of %zu, or others",
			    pages->counts[i], pages->pattern.n);
	}
}

/* Nothing is left written. */
static void check_clean(struct pages *pages, enum family family,
			const struct bench_method *method,
			struct bench_memory *memory)
{
	size_t n = method->get(memory, memory->start, memory->n_bytes, false,
			       pages->addresses);

	if (n)
		bench_wrong(pages->bench, pages->names[family], method,
			    "%zu pages left after the reset", n);
}

static void measure_get(struct pages *pages, const struct bench_method *method,
			struct bench_memory *memory)
{
	bool bare = method->is_bare;

	write_pattern(pages, method, memory);
	record(pages, GET, method, get_all(pages, method, memory, false, bare));
	check(pages, GET, method, memory, bare);
	record(pages, GET_AGAIN, method,
	       get_all(pages, method, memory, false, bare));
	check(pages, GET_AGAIN, method, memory, bare);
	if (bare) {
		get_all(pages, method, memory, false, false);
		check(pages, GET, method, memory, false);
	}
	method->reset(memory, memory->start, memory->n_bytes);
}

static void measure_get_reset(struct pages *pages,
			      const struct bench_method *method,
			      struct bench_memory *memory)
{
	write_pattern(pages, method, memory);
	record(pages, GET_RESET, method,
	       get_all(pages, method, memory, true, method->is_bare));
	check(pages, GET_RESET, method, memory, method->is_bare);
	check_clean(pages, GET_RESET, method, memory);
}

static void measure_reset(struct pages *pages, const struct bench_method *method,
			  struct bench_memory *memory)
{
	size_t n_bytes = pages->range * BENCH_PAGE;
	double start;

	write_pattern(pages, method, memory);
	start = bench_cpu_ns();
	for (size_t i = 0; i < pages->n_calls; i++)
		method->reset(memory, start_of(pages, memory, i), n_bytes);
	record(pages, RESET, method,
	       (bench_cpu_ns() - start) / (double)pages->n_calls);
	check_clean(pages, RESET, method, memory);
}

static void measure(struct pages *pages, const struct bench_method *method,
		    struct bench_memory *memory)
{
	if (pages->wanted[GET] || pages->wanted[GET_AGAIN])
		measure_get(pages, method, memory);
	if (pages->wanted[GET_RESET])
		measure_get_reset(pages, method, memory);
	if (pages->wanted[RESET] || pages->wanted[WRITE])
		measure_reset(pages, method, memory);
}

/* ---- Running ---- */

/* Memory in which each page has been written, and was reset. */
static void populate(struct pages *pages, const struct bench_method *method,
		     struct bench_memory *memory)
{
	bench_map(method, memory, all_bytes(pages));
	for (size_t at = 0; at < memory->n_bytes; at += BENCH_PAGE)
		*(volatile char *)(memory->start + at) = 1;
	method->reset(memory, memory->start, memory->n_bytes);
}

static size_t repetitions(const struct pages *pages)
{
	return pages->range > BENCH_MANY_PAGES
		       ? bench_repetitions(pages->bench, 5, 1)
		       : bench_repetitions(pages->bench, 15, 3);
}

static void run_pattern(struct pages *pages)
{
	size_t n = repetitions(pages);

	while (n--)
		for (int i = 0; i < bench_n_methods; i++) {
			struct bench_memory *memory = &pages->memories[i];

			if (!bench_methods[i]->get ||
			    !bench_takes_part(pages->bench, bench_methods[i],
					      &pages->pattern, pages->n_calls))
				continue;
			if (!memory->method)
				populate(pages, bench_methods[i], memory);
			measure(pages, bench_methods[i], memory);
		}
}

/* Returns how many cases of this pattern are wanted. */
static size_t choose(struct pages *pages, enum bench_order order)
{
	size_t n = 0;

	for (int i = 0; i < N_FAMILIES; i++) {
		snprintf(pages->names[i], BENCH_NAME_BYTES, "%s/%zu/%s",
			 families[i], pages->range, bench_order_names[order]);
		pages->wanted[i] = (i != WRITE || order < BENCH_N_ORDERS) &&
				   bench_wants(pages->bench, pages->names[i]);
		n += pages->wanted[i];
	}
	return n;
}

static const char *first_wanted(const struct pages *pages)
{
	int i = 0;

	while (!pages->wanted[i])
		i++;
	return pages->names[i];
}

/* Touched already: no first touch is measured. */
static void make_arrays(struct pages *pages)
{
	size_t n = pages->range * pages->n_calls;

	pages->addresses = resize_array(NULL, n, sizeof(*pages->addresses));
	memset(pages->addresses, 1, n * sizeof(*pages->addresses));
	pages->counts = resize_array(NULL, pages->n_calls,
				     sizeof(*pages->counts));
}

static void run(struct pages *pages, enum bench_order order, size_t n_cases)
{
	if (!pages->addresses) {
		if (!bench_has_memory(pages->bench, first_wanted(pages),
				      (size_t)bench_n_methods * all_bytes(pages)))
			return;
		make_arrays(pages);
	}
	bench_begin(pages->bench, first_wanted(pages));
	bench_pattern_make(&pages->pattern, order, pages->range);
	run_pattern(pages);
	bench_pattern_free(&pages->pattern);
	bench_end(pages->bench, n_cases);
}

static void run_size(struct bench *bench, size_t range)
{
	size_t least = range < LEAST_PAGES ? LEAST_PAGES : USUAL_PAGES;
	struct pages pages = {
		.bench = bench,
		.range = range,
		.n_calls = range < least ? least / range : 1,
	};

	for (int order = 0; order < BENCH_N_PATTERNS; order++) {
		size_t n = choose(&pages, order);

		if (n)
			run(&pages, order, n);
	}
	for (int i = 0; i < bench_n_methods; i++)
		if (pages.memories[i].method)
			pages.memories[i].method->release(&pages.memories[i]);
	free(pages.addresses);
	free(pages.counts);
}

void bench_page_cases(struct bench *bench)
{
	for (int i = 0; i < BENCH_N_SIZES; i++)
		run_size(bench, bench_sizes[i]);
}

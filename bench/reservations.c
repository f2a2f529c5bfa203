/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What whole reservations cost: reserve, commit, decommit, release, and a look at
 * a clean one. */
#include "config.h"

#include "method.h"

#include "../tools/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESERVE_BYTES (256 * BENCH_GIB)
/* Of those that build page tables for all of it. */
#define MARKED_BYTES (8 * BENCH_GIB)
#define SMALL_BYTES ((size_t)65536)
#define N_SMALL 64
#define N_CLEAN_SCANS 4
/* Of the memory that is decommitted, one page of each of these is written. */
#define DECOMMIT_STEP ((size_t)1 << 20)

struct reservation_case {
	const char *name;
	size_t n_pages;
	bool is_query;
	/* Measures once, in ns, and checks. */
	double (*measure)(struct bench *bench, const char *name,
			  const struct bench_method *method);
};

static double reserve_256_gib(struct bench *bench, const char *name,
			      const struct bench_method *method)
{
	size_t n_bytes = method->arms_at_reserve ? MARKED_BYTES : RESERVE_BYTES;
	struct bench_memory memory = { .method = method };
	long kib_before = bench_tables_kib();
	double start = bench_cpu_ns(), ns;

	bench_check(method, "reserve", method->reserve(&memory, n_bytes));
	ns = bench_cpu_ns() - start;
	if (method->counts_tables)
		bench->tables_kib = bench_tables_kib() - kib_before;
	method->release(&memory);
	if (n_bytes != RESERVE_BYTES)
		bench_remark(bench, "%s: %s: %zu times what %zu GiB cost", name,
			     method->name, RESERVE_BYTES / n_bytes,
			     n_bytes / BENCH_GIB);
	return ns * (double)(RESERVE_BYTES / n_bytes);
}

/* How many pages read as written. A bare method makes no addresses even of its
 * own memory. */
static size_t written(const struct bench_method *method,
		      struct bench_memory *memory)
{
	uintptr_t *addresses = resize_array(NULL, memory->n_bytes / BENCH_PAGE,
					    sizeof(*addresses));
	size_t n = method->get(memory, memory->start, memory->n_bytes, false,
			       addresses);

	free(addresses);
	return n;
}

static void expect(struct bench *bench, const char *name,
		   const struct bench_method *method,
		   struct bench_memory *memory, size_t n_pages)
{
	size_t n = method->get ? written(method, memory) : n_pages;

	if (n != n_pages)
		bench_wrong(bench, name, method, "%zu pages instead of %zu", n,
			    n_pages);
}

static double commit_1_gib(struct bench *bench, const char *name,
			   const struct bench_method *method)
{
	struct bench_memory memory = { .method = method };
	double start, ns;

	bench_check(method, "reserve", method->reserve(&memory, BENCH_GIB));
	start = bench_cpu_ns();
	bench_check(method, "commit", method->commit(&memory));
	ns = bench_cpu_ns() - start;
	expect(bench, name, method, &memory, 0);
	method->release(&memory);
	return ns;
}

static double decommit_1_gib(struct bench *bench, const char *name,
			     const struct bench_method *method)
{
	struct bench_memory memory = { .method = method };
	double start, ns;

	bench_check(method, "reserve", method->reserve(&memory, BENCH_GIB));
	bench_check(method, "commit", method->commit(&memory));
	for (size_t at = 0; at < BENCH_GIB; at += DECOMMIT_STEP)
		*(volatile char *)(memory.start + at) = 1;
	expect(bench, name, method, &memory, BENCH_GIB / DECOMMIT_STEP);
	start = bench_cpu_ns();
	bench_check(method, "decommit", method->decommit(&memory));
	ns = bench_cpu_ns() - start;
	if (method->keeps_decommitted)
		expect(bench, name, method, &memory, BENCH_GIB / DECOMMIT_STEP);
	method->release(&memory);
	return ns;
}

static double alloc_free_64_kib(struct bench *bench, const char *name,
				const struct bench_method *method)
{
	double start = bench_cpu_ns();

	(void)bench;
	(void)name;
	for (int i = 0; i < N_SMALL; i++) {
		struct bench_memory memory = { .method = method };

		bench_check(method, "reserve",
			    method->reserve(&memory, SMALL_BYTES));
		bench_check(method, "commit", method->commit(&memory));
		method->release(&memory);
	}
	return (bench_cpu_ns() - start) / N_SMALL;
}

static double clean_1_gib(struct bench *bench, const char *name,
			  const struct bench_method *method)
{
	uintptr_t *addresses = resize_array(NULL, BENCH_GIB / BENCH_PAGE,
					    sizeof(*addresses));
	struct bench_memory memory;
	size_t n = 0;
	double start, ns;

	/* touched already: some methods try out where they would store */
	memset(addresses, 1, BENCH_GIB / BENCH_PAGE * sizeof(*addresses));
	bench_map(method, &memory, BENCH_GIB);
	start = bench_cpu_ns();
	for (int i = 0; i < N_CLEAN_SCANS; i++)
		n += method->get(&memory, memory.start, BENCH_GIB, false,
				 method->is_bare ? NULL : addresses);
	ns = (bench_cpu_ns() - start) / N_CLEAN_SCANS;
	if (n)
		bench_wrong(bench, name, method, "%zu pages, of clean memory", n);
	memory.method->release(&memory);
	free(addresses);
	return ns;
}

static const struct reservation_case cases[] = {
	{ "reserve/256GiB", RESERVE_BYTES / BENCH_PAGE, false,
	  reserve_256_gib },
	{ "commit/1GiB", BENCH_GIB / BENCH_PAGE, false, commit_1_gib },
	{ "decommit/1GiB", BENCH_GIB / BENCH_PAGE, false, decommit_1_gib },
	{ "alloc-free/64KiB", SMALL_BYTES / BENCH_PAGE, false,
	  alloc_free_64_kib },
	{ "clean/1GiB", BENCH_GIB / BENCH_PAGE, true, clean_1_gib },
};

static void run(struct bench *bench, const struct reservation_case *what)
{
	size_t n = bench_repetitions(bench, 11, 2);

	bench_begin(bench, what->name);
	while (n--)
		for (int i = 0; i < bench_n_methods; i++) {
			const struct bench_method *method = bench_methods[i];

			if (what->is_query && !method->get)
				continue;
			bench_record(bench, what->name, method,
				     what->measure(bench, what->name, method),
				     what->n_pages);
		}
	bench_end(bench, 1);
}

void bench_reservation_cases(struct bench *bench)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (bench_wants(bench, cases[i].name))
			run(bench, &cases[i]);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that write to one watched memory as fast as they can, while another
 * asks every few milliseconds what was written.
 */
#include "config.h"

#include "method.h"

#include "../tools/tool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL_MS 100
#define QUICK_MS 20
#define LEAST_QUERIES 3

struct mix {
	size_t n_threads;
	size_t n_pages;
	int delay_ms;
	bool is_random;
	bool reset;
};

struct mix_run {
	const struct mix *mix;
	const struct bench_method *method;
	struct bench_memory memory;
	uintptr_t *addresses;
	unsigned char *reported;	/* one a page */
	bool stop;
	size_t n_queries;
	double *query_ns;		/* of each */
};

struct writer {
	pthread_t thread;
	const struct mix_run *run;
	size_t number;
	size_t n_writes;
	double ns;
};

static size_t next_page(const struct mix *mix, size_t page, uint64_t *random)
{
	if (!mix->is_random)
		return page + 1 < mix->n_pages ? page + 1 : 0;
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random % mix->n_pages;
}

static void *write_pages(void *context)
{
	struct writer *writer = context;
	const struct mix_run *run = writer->run;
	const struct mix *mix = run->mix;
	size_t page = writer->number * mix->n_pages / mix->n_threads;
	uint64_t random = writer->number + 1;
	double start = bench_wall_ns();

	while (!__atomic_load_n(&run->stop, __ATOMIC_RELAXED)) {
		*(volatile char *)(run->memory.start + page * BENCH_PAGE) = 1;
		page = next_page(mix, page, &random);
		writer->n_writes++;
	}
	writer->ns = bench_wall_ns() - start;
	return NULL;
}

static void start_writer(struct writer *writer)
{
	int error = pthread_create(&writer->thread, NULL, write_pages, writer);

	if (error) {
		complain("no thread: %s", strerror(error));
		exit(EXIT_UNKNOWN);
	}
}

static void note(struct mix_run *run, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run->reported[(run->addresses[i] - run->memory.start) /
			      BENCH_PAGE] = 1;
}

static void query(struct mix_run *run, bool reset)
{
	note(run, run->method->get(&run->memory, run->memory.start,
				   run->memory.n_bytes, reset, run->addresses));
}

static void add_query(struct mix_run *run, double ns)
{
	run->query_ns = resize_array(run->query_ns, run->n_queries + 1,
				     sizeof(*run->query_ns));
	run->query_ns[run->n_queries++] = ns;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* A thread that loses its CPU during a query must not count for all. */
static double median_query(struct mix_run *run)
{
	qsort(run->query_ns, run->n_queries, sizeof(*run->query_ns), by_value);
	return run->query_ns[run->n_queries / 2];
}

static void query_for(struct mix_run *run, double ns)
{
	double end = bench_wall_ns() + ns;

	while (run->n_queries < LEAST_QUERIES || bench_wall_ns() < end) {
		double start, ns;
		size_t n;

		bench_sleep_ms(run->mix->delay_ms);
		start = bench_wall_ns();
		n = run->method->get(&run->memory, run->memory.start,
				     run->memory.n_bytes, run->mix->reset,
				     run->addresses);
		ns = bench_wall_ns() - start;
		note(run, n);
		add_query(run, ns);
	}
}

/* The pages that were written are those with something in them. */
static void check(struct bench *bench, const char *name, struct mix_run *run)
{
	size_t n_lost = 0, n_invented = 0;

	for (size_t i = 0; i < run->mix->n_pages; i++) {
		char value = *(char *)(run->memory.start + i * BENCH_PAGE);

		n_lost += value && !run->reported[i];
		n_invented += !value && run->reported[i];
	}
	if (n_lost || n_invented)
		bench_wrong(bench, name, run->method,
			    "%zu pages lost, %zu reported that nobody wrote",
			    n_lost, n_invented);
}

/* Every page is there, clean, and has nothing in it. */
static void begin(struct mix_run *run)
{
	size_t n_pages = run->mix->n_pages;

	bench_map(run->method, &run->memory, n_pages * BENCH_PAGE);
	for (size_t i = 0; i < n_pages; i++)
		*(volatile char *)(run->memory.start + i * BENCH_PAGE) = 0;
	if (run->method->reset)
		run->method->reset(&run->memory, run->memory.start,
				   run->memory.n_bytes);
	run->addresses = resize_array(NULL, n_pages, sizeof(*run->addresses));
	memset(run->addresses, 1, n_pages * sizeof(*run->addresses));
	run->reported = resize_array(NULL, n_pages, 1);
	memset(run->reported, 0, n_pages);
}

static void end(struct mix_run *run)
{
	run->memory.method->release(&run->memory);
	free(run->addresses);
	free(run->reported);
	free(run->query_ns);
}

/* Returns what a write cost on average. */
static double play(struct mix_run *run, int ms)
{
	size_t n = run->mix->n_threads, n_writes = 0;
	struct writer *writers = resize_array(NULL, n, sizeof(*writers));
	double ns = 0;

	for (size_t i = 0; i < n; i++) {
		writers[i] = (struct writer){ .run = run, .number = i };
		start_writer(&writers[i]);
	}
	if (run->method->get)
		query_for(run, ms * 1e6);
	else
		bench_sleep_ms(ms);
	__atomic_store_n(&run->stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < n; i++) {
		pthread_join(writers[i].thread, NULL);
		n_writes += writers[i].n_writes;
		ns += writers[i].ns;
	}
	free(writers);
	return n_writes ? ns / (double)n_writes : ns;
}

static void measure(struct bench *bench, const struct mix *mix,
		    const struct bench_method *method, const char *write_name,
		    const char *query_name)
{
	struct mix_run run = { .mix = mix, .method = method };
	double write_ns;

	begin(&run);
	write_ns = play(&run, bench->quick ? QUICK_MS : FULL_MS);
	if (*write_name)
		bench_record(bench, write_name, method, write_ns, mix->n_pages);
	if (method->get) {
		query(&run, true);
		check(bench, *query_name ? query_name : write_name, &run);
	}
	if (method->get && *query_name)
		bench_record(bench, query_name, method,
			     median_query(&run), mix->n_pages);
	end(&run);
}

/* The name of the case, if it is wanted, else an empty one. */
static void choose(struct bench *bench, const struct mix *mix, const char *what,
		   char *name)
{
	snprintf(name, BENCH_NAME_BYTES, "mix/%zu-%zu-%d-%d-%d/%s",
		 mix->n_threads, mix->n_pages, mix->delay_ms, mix->is_random,
		 mix->reset, what);
	if (!bench_wants(bench, name))
		*name = '\0';
}

static void run_mix(struct bench *bench, const struct mix *mix)
{
	char write_name[BENCH_NAME_BYTES], query_name[BENCH_NAME_BYTES];
	size_t n = bench_repetitions(bench, 5, 1);

	choose(bench, mix, "write", write_name);
	choose(bench, mix, "query", query_name);
	if (!*write_name && !*query_name)
		return;
	bench_begin(bench, *write_name ? write_name : query_name);
	while (n--)
		for (int i = 0; i < bench_n_methods; i++)
			if (!bench_methods[i]->maker)
				measure(bench, mix, bench_methods[i], write_name,
					query_name);
	bench_end(bench, (*write_name != '\0') + (*query_name != '\0'));
}

void bench_mix_cases(struct bench *bench)
{
	static const struct { size_t n_threads, n_pages; } sizes[] = {
		{ 1, 1080 }, { 6, 1080 }, { 1, 8192 }, { 8, 8192 },
	};
	static const int delays[] = { 3, 10 };

	bench_pin(-1);
	for (int i = 0; i < 4 * 2 * 2 * 2; i++)
		run_mix(bench, &(struct mix){
			.n_threads = sizes[i / 8].n_threads,
			.n_pages = sizes[i / 8].n_pages,
			.delay_ms = delays[i / 4 % 2],
			.is_random = i / 2 % 2,
			.reset = i % 2,
		});
}

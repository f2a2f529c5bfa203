/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What queries cost that several threads make at once, each of its own memory. */
#include "config.h"

#include "pattern.h"

#include "../tools/tool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_PAGES 8192
#define N_CALLS 32

struct query_case {
	const char *name;
	bool reset;
	size_t n_written;
};

static const struct query_case cases[] = {
	{ "get/8192/sequential", false, N_PAGES },
	{ "get-reset/8192/clean", true, 0 },
};

struct worker {
	pthread_t thread;
	int number;
	const struct bench_method *method;
	const struct query_case *what;
	pthread_barrier_t *barrier;
	struct bench_memory memory;
	uintptr_t *addresses;
	size_t n;		/* pages, of all calls */
	double start, end;
};

static void make_memory(struct worker *worker)
{
	struct bench_memory *memory = &worker->memory;

	bench_map(worker->method, memory, N_PAGES * BENCH_PAGE);
	for (size_t at = 0; at < memory->n_bytes; at += BENCH_PAGE)
		*(volatile char *)(memory->start + at) = 1;
	if (!worker->what->n_written)
		worker->method->reset(memory, memory->start, memory->n_bytes);
	worker->addresses = resize_array(NULL, N_PAGES,
					 sizeof(*worker->addresses));
	memset(worker->addresses, 1, N_PAGES * sizeof(*worker->addresses));
}

static void free_memory(struct worker *worker)
{
	worker->memory.method->release(&worker->memory);
	free(worker->addresses);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct bench_memory *memory = &worker->memory;

	bench_pin(worker->number);
	/* what a thread's first query costs is not asked for */
	worker->method->get(memory, memory->start, memory->n_bytes,
			    worker->what->reset, worker->addresses);
	pthread_barrier_wait(worker->barrier);
	worker->start = bench_wall_ns();
	for (int i = 0; i < N_CALLS; i++)
		worker->n += worker->method->get(
			memory, memory->start, memory->n_bytes,
			worker->what->reset,
			worker->method->is_bare ? NULL : worker->addresses);
	worker->end = bench_wall_ns();
	return NULL;
}

static void start_all(struct worker *workers, int n)
{
	for (int i = 0; i < n; i++) {
		int error = pthread_create(&workers[i].thread, NULL, work,
					   &workers[i]);

		if (error) {
			complain("no thread: %s", strerror(error));
			exit(EXIT_UNKNOWN);
		}
	}
	for (int i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
}

/* From the first start to the last end. */
static double time_of(const struct worker *workers, int n)
{
	double start = workers->start, end = workers->end;

	for (int i = 1; i < n; i++) {
		start = workers[i].start < start ? workers[i].start : start;
		end = workers[i].end > end ? workers[i].end : end;
	}
	return end - start;
}

static void measure(struct bench *bench, const char *name,
		    const struct query_case *what,
		    const struct bench_method *method, int n)
{
	struct worker *workers = resize_array(NULL, n, sizeof(*workers));
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, n);
	for (int i = 0; i < n; i++) {
		workers[i] = (struct worker){
			.number = i,
			.method = method,
			.what = what,
			.barrier = &barrier,
		};
		make_memory(&workers[i]);
	}
	start_all(workers, n);
	for (int i = 0; i < n; i++) {
		if (workers[i].n != what->n_written * N_CALLS)
			bench_wrong(bench, name, method,
				    "%zu pages in %d calls instead of %zu each",
				    workers[i].n, N_CALLS, what->n_written);
		free_memory(&workers[i]);
	}
	bench_record(bench, name, method, time_of(workers, n) / N_CALLS,
		     what->n_written);
	pthread_barrier_destroy(&barrier);
	free(workers);
}

static void run(struct bench *bench, const struct query_case *what, int n)
{
	size_t n_repetitions = bench_repetitions(bench, 15, 2);
	char name[BENCH_NAME_BYTES];

	snprintf(name, sizeof(name), "threads/%d/%s", n, what->name);
	if (!bench_wants(bench, name))
		return;
	bench_begin(bench, name);
	while (n_repetitions--)
		for (int i = 0; i < bench_n_methods; i++)
			if (bench_methods[i]->get)
				measure(bench, name, what, bench_methods[i], n);
	bench_end(bench, 1);
}

/* One thread, two, four and so on, two at least. */
void bench_thread_cases(struct bench *bench)
{
	size_t most = bench_n_cpus();

	most = most < 2 ? 2 : most;
	for (size_t n = 1; n <= most; n *= 2)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
			run(bench, &cases[i], (int)n);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cases of winewatch bench, and the rows that measuring them gives.
 *
 * A case has one name and is measured once per repetition with each method in
 * turn, so that whatever disturbs the machine disturbs all methods alike.
 */
#ifndef WW_BENCH_H
#define WW_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_NAME_BYTES 64

/* What was measured of a case with one method. */
struct bench_row {
	char name[BENCH_NAME_BYTES];	/* of the case */
	char method[BENCH_NAME_BYTES];
	size_t pages;		/* that it writes or reports */
	double *samples;	/* ns, one for each repetition; ascending */
	size_t n_samples;
	bool wrong;		/* some answer was; it counts for nothing then */
};

struct bench {
	/* what the caller asks for */
	const char **prefixes;	/* cases whose names begin so; none: all */
	size_t n_prefixes;
	bool quick;
	bool once;		/* no case is to be repeated */
	/* called before each case is measured; may be NULL */
	void (*progress)(const struct bench *bench, const char *name);
	/* answers */
	char (*cases)[BENCH_NAME_BYTES];	/* those asked for, in order */
	size_t n_cases;
	size_t n_done;
	struct bench_row *rows;
	size_t n_rows;
	char **remarks;		/* a line each: what was left out, and why */
	size_t n_remarks;
	long tables_kib;	/* page tables that winewatch makes for a
				   reserve of 256 GiB; -1: not measured */
	bool wrong;
	bool is_listing;
};

/* Fills in the cases, without measuring any. */
void bench_list(struct bench *bench);

/* Measures them, after bench_list. NULL, or which method cannot be used here and
 * why: a text that the caller frees. */
char *bench_run(struct bench *bench);

void bench_free(struct bench *bench);

/* NULL if the case was not measured with that method, or answered wrongly. */
const struct bench_row *bench_find(const struct bench *bench, const char *name,
				   const char *method);

double bench_median(const struct bench_row *row);

/* Adds what was measured elsewhere: a sample, or that an answer was wrong. */
void bench_add(struct bench *bench, const char *name, const char *method,
	       double ns, size_t pages);
void bench_add_wrong(struct bench *bench, const char *name, const char *method);

/* Adds a line to the remarks, unless it is there already. */
void bench_remark(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- For the cases ---- */

#define BENCH_PAGE ((size_t)4096)
#define BENCH_BLOCK ((size_t)2 << 20)
#define BENCH_GIB ((size_t)1 << 30)

/* Whether the case is to be measured now. While the cases are listed, notes its
 * name and says no. */
bool bench_wants(struct bench *bench, const char *name);

/* As many repetitions as this; one at least. */
size_t bench_repetitions(const struct bench *bench, size_t full, size_t quick);

/* Before the first repetition of one or more cases, and after the last. */
void bench_begin(struct bench *bench, const char *name);
void bench_end(struct bench *bench, size_t n_cases);

struct bench_method;

void bench_record(struct bench *bench, const char *name,
		  const struct bench_method *method, double ns, size_t pages);

/* The answer was not what it should be. */
void bench_wrong(struct bench *bench, const char *name,
		 const struct bench_method *method, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether so much memory is free; else remarks that the case was left out. */
bool bench_has_memory(struct bench *bench, const char *name, size_t n_bytes);

/* ---- The machine, which Linux and Windows have each its own file for ---- */

/* CPU time of this thread, so that what else runs does not count; time of day
 * where it cannot be had. Only for what never waits. */
double bench_cpu_ns(void);

/* Time of day, for what may wait. */
double bench_wall_ns(void);

void bench_sleep_ms(int ms);

/* On this CPU, counted among those that are allowed, or with -1 on all. */
void bench_pin(int cpu);
size_t bench_n_cpus(void);

/* Memory that nobody uses. */
size_t bench_free_bytes(void);

/* The page tables of this process, in KiB; 0 if they cannot be told. */
long bench_tables_kib(void);

void bench_reservation_cases(struct bench *bench);
void bench_touch_cases(struct bench *bench);
void bench_page_cases(struct bench *bench);
void bench_thread_cases(struct bench *bench);
void bench_mix_cases(struct bench *bench);

#endif

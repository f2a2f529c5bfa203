/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process with watched memory that does what it is told, for winewatch top. */
#ifndef TESTS_TOP_WORKER_H
#define TESTS_TOP_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WORKER_PAGES = 64, WORKER_THREADS = 4 };

struct worker {
	pid_t pid;
	int to;
	int from;
	char *memory;		/* where it lies in the worker */
};

enum order {
	WATCH,			/* nothing is watched before */
	WRITE,			/* the first n pages */
	GET,			/* n times, with reset */
	GET_RUNS,		/* n times, with reset */
	RESET,			/* n times */
	THREADS,		/* n queries with reset in each of some threads */
	SPOIL_STATS,		/* fill the statistics with ones */
	SPOIL_VIEWS,		/* and the views with what n makes random */
	OBSERVED		/* answers whether anybody looks */
};

/* Whether memory can be watched here so that others see it. */
bool worker_can_watch(void);

/* The program ends if this fails. */
struct worker worker_start(void);

/* Waits until it is done; its answer. The program ends if there is none. */
uint64_t worker_do(const struct worker *worker, enum order order, uint64_t n);

/* Its end, seen. */
void worker_end(struct worker *worker);

/* Watches, writes and queries, for a bounded time; what main returns. */
int worker_busy(void);

#endif

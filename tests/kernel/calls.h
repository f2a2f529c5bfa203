/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts the system calls of a part of a program: ptrace shows them all. */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>

struct calls {
	size_t n;
	size_t n_scans;		/* PAGEMAP_SCAN among them */
};

/* Around what is counted, in the program that is looked at. */
void calls_begin(void);
void calls_end(void);

/* Runs `program` in a child, and counts for each of `n` pairs of begin and end.
 * The test ends as skipped if nobody may trace here, and as failed if the child
 * comes to another end, or to none within a minute. */
void calls_count(void (*program)(void), struct calls *calls, size_t n);

#endif

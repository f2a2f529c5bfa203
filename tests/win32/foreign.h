/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Letting another process act on memory of this one. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include "harness.h"

/*
 * Run this program once more, and there `action` on n_bytes of our memory from
 * start on, and with one more value. Gives up unless the action succeeds:
 *
 * commit decommit protect	the calls on memory; value is the protection
 * get=1,5,9 take=1,5,9		exactly these pages of the range are written;
 *				value is the capacity; take resets them
 * reset			makes all clean
 * refuse			both queries fail with the last error value
 * follow			queries and resets many times, and stores in
 *				the uint32_t array at value, of one for each
 *				page, what the page began with when it was
 *				last reported
 */
void foreign(const char *action, void *start, size_t n_bytes,
	     unsigned long long value);

/* The handles.c half of run_foreign(); false for any other action. */
bool run_foreign_query(char **arguments, int *status);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watched memory and what is written in it, in the words of the rows. */
#ifndef PAGES_H
#define PAGES_H

#include "harness.h"

#include <string.h>

#define PAGE_BYTES	((size_t)4096)
#define GRANULE_BYTES	((size_t)65536)

/* Memory straight from VirtualAlloc at a place of its choice, or give up. */
char *allocate(size_t n_pages, DWORD type, DWORD protect);
/* Committed read-write watched memory. */
char *watch(size_t n_pages);
void release(void *base);
void protect(void *start, size_t n_bytes, DWORD protection);

/* Add one to the first byte of a page. */
void touch(char *base, size_t page);
/* Touch the pages of a list such as "1 5 9". */
void touch_all(char *base, const char *pages);

/*
 * The calls, as last errors: 0 for success. Both check that a success leaves
 * the last error alone and that a failure is ~0u.
 */
DWORD get_error(DWORD flags, void *start, size_t n_bytes, void **addresses,
		ULONG_PTR *count, DWORD *granularity);
DWORD reset_error(void *start, size_t n_bytes);

/* get_error() with good outputs of their own. */
DWORD query_error(DWORD flags, void *start, size_t n_bytes);

/*
 * One good call with room for capacity pages, at most MAX_PAGES; checks the
 * granularity and that the addresses are aligned, ascending and in the range.
 * Returns the pages as a list of numbers from base, such as "1 5 9", or
 * "error 87". The list lives until the next call.
 */
#define MAX_PAGES	1024
const char *query(DWORD flags, char *base, size_t first, size_t n_pages,
		  size_t capacity);

#define EXPECT(expected, flags, base, first, n_pages, capacity)		\
	do {								\
		const char *got = query(flags, base, first, n_pages,	\
					capacity);			\
		CHECK(!strcmp(got, expected),				\
		      "written: [%s], expected [%s]", got, expected);	\
	} while (0)

/* What is written in the first n_pages, left as it is. */
#define EXPECT_WRITTEN(expected, base, n_pages) \
	EXPECT(expected, 0, base, 0, n_pages, MAX_PAGES)
/* The same, and reset. */
#define EXPECT_AND_RESET(expected, base, n_pages) \
	EXPECT(expected, WRITE_WATCH_FLAG_RESET, base, 0, n_pages, MAX_PAGES)

/*
 * Query and reset a range and set reported[page] of each page in the answer;
 * addresses has room for n_pages. Gives up if the call fails.
 */
void take(char *base, size_t n_pages, void **addresses, bool *reported);

/*
 * Is it STATUS_INVALID_PARAMETER, or the one for the argument at a position?
 * With position 0 any of them will do.
 */
bool is_invalid(NTSTATUS status, unsigned int position);

#define EXPECT_ERROR(expected, call)					\
	do {								\
		DWORD got = call;					\
		CHECK(got == (expected), "%s: error %" DU ", expected %" DU, \
		      #call, got, (DWORD)(expected));			\
	} while (0)

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watched memory for the tests of the C interface, through its header alone. */
#ifndef TESTS_API_PAGES_H
#define TESTS_API_PAGES_H

#include "../kernel/tap.h"

#include <writewatch.h>

/* A tracker; or the end of the program, as skipped. */
struct ww *open_or_skip(void);

size_t page_size(void);

/* Private anonymous memory; the program ends if there is none. */
char *map_pages(size_t n_pages, int protection);
void unmap_pages(char *memory, size_t n_pages);

/* One more in the page's first byte. */
void write_page(char *memory, size_t page);

/* map_pages() and ww_watch(); the program ends if that fails. */
char *watched_pages(struct ww *ww, size_t n_pages);

/* A row: exactly the pages `wanted` ("0-2,7", "" for none) are written, as
 * addresses and as runs. Nothing is reset. */
bool is_written(struct ww *ww, char *memory, size_t n_pages, const char *wanted,
		const char *name);

/* The same of addresses that a query has stored. */
bool is_stored(void **addresses, ssize_t n, char *memory, const char *wanted,
	       const char *name);

/* A row: a call's answer, a negative errno value by its name. */
bool is_answer(ssize_t got, ssize_t wanted, const char *name);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watched memory for the tests, changed in the order in which the way into
 * Wine changes it: the registry's lock around both halves, arming before the
 * pages become writable, saving before they go.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include "regions.h"
#include "tracker.h"

#include "../../kernel/abi.h"

/* A registry that blocks SIGUSR1, SIGUSR2 and SIGQUIT while it is locked; or
 * the end of the program, as skipped. */
struct ww_regions *regions_or_skip(void);
void tracker_or_skip(struct ww_tracker *tracker);

/* Anonymous memory; the program ends if there is none. */
char *map_pages(size_t n_pages, int protection);
void unmap_pages(char *memory, size_t n_pages);
/* Fresh memory in its place, as a decommit makes it. */
void map_over(char *memory, size_t n_pages, int protection);

struct area {
	struct ww_regions *regions;
	char *memory;
	size_t n_pages;
};

/* Reserves PROT_NONE memory. The program ends if it cannot be watched. */
void area_reserve(struct area *area, struct ww_regions *regions, size_t n_pages);
void area_commit(struct area *area, size_t first, size_t n_pages);
void area_decommit(struct area *area, size_t first, size_t n_pages);
void area_release(struct area *area);

char *area_page(const struct area *area, size_t page);
/* One more in the page's first byte. */
void area_write(const struct area *area, size_t page);

/* The queries, on pages. The program ends if the query cannot begin. */
size_t area_get(const struct area *area, size_t first, size_t n_pages,
		bool reset, uintptr_t *addresses, size_t capacity);
void area_reset(const struct area *area, size_t first, size_t n_pages);

/* A row: exactly the pages `wanted` ("0-2,7", "" for none) are written among
 * the whole area's, with room for all of them. */
void is_written(const struct area *area, bool reset, const char *wanted,
		const char *name);
/* The same for a part of it, with room for `capacity` pages. */
void is_written_in(const struct area *area, size_t first, size_t n_pages,
		   bool reset, size_t capacity, const char *wanted,
		   const char *name);

/* PAGEMAP_SCAN itself for written pages, with `flags` as the kernel has them;
 * the number of regions or -errno. */
int raw_scan(int pagemap, const void *start, size_t n_pages, uint64_t flags,
	     struct page_region *vec, size_t vec_len, uint64_t *walk_end);

#endif

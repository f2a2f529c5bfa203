/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scans of a model address space, with answers as text, for tests that say in
 * one line what a revision must answer.
 */
#ifndef TESTS_PAGEMAP_SCAN_H
#define TESTS_PAGEMAP_SCAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pagemap_scan.h"

#include "../../kernel/pagemap/abi.h"
#include "../../kernel/pagemap/model.h"

/* The categories of v6 (there the first is soft-dirty) to v18, */
enum { OLD_W = 1, OLD_F = 2, OLD_P = 4, OLD_S = 8 };
/* and of mainline: wp-allowed, written, file, present, swapped, pfn-zero, huge,
 * soft-dirty, guard. */
enum {
	NEW_A = 1, NEW_W = 2, NEW_F = 4, NEW_P = 8, NEW_S = 16, NEW_Z = 32,
	NEW_H = 64, NEW_D = 128, NEW_G = 256,
};

#define WATCHED WW_MAPPING_WATCHED
#define GET 1		/* flags of v16 and v18 */
#define WP 2
#define MATCHING 1	/* flags of mainline */
#define CHECK 2

extern struct ww_model model;

/* A new model with one mapping of all its pages. */
void fresh(size_t n_pages, unsigned mapping);
void write_pages(size_t first, size_t n_pages);
void read_pages(size_t first, size_t n_pages);
/* In page tables, everything written is protected. */
void protect_pages(size_t first, size_t n_pages);
/* Facts of one page, as the source gives them. */
bool is_protected(size_t page);

/* A scan. Where nothing is said: the whole model, an array of ANSWER_REGIONS,
 * no limit of pages, no masks. */
struct ask {
	const struct ww_pagemap_revision *revision;
	uint64_t flags;
	size_t first;
	size_t n_pages;
	uint64_t n_more_bytes;		/* of the range */
	bool no_vec;
	uint64_t vec;			/* instead of an array that is there */
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t required;
	uint64_t anyof;
	uint64_t excluded;
	uint64_t inverted;
	uint64_t returned;
};

#define ANSWER_REGIONS 2048

/* "RESULT: REGION ..." or an error's name; a region is FIRST-LAST=BITS in
 * decimal pages, hexadecimal bits. " @PAGE" follows for mainline's walk_end if
 * it is not the end of the range. Fails if the array changed behind the
 * regions. */
const char *answer(const struct ask *ask);

#define SCAN(name, ...) answer(&(struct ask){ \
		.revision = &ww_pagemap_##name, __VA_ARGS__ })
#define is(answered, wanted) assert_string_equal(answered, wanted)

/* The name of -errno. */
const char *error_name(int result);
/* The ioctl itself. */
const char *raw(const struct ww_pagemap_revision *revision,
		unsigned long request, void *argument);

/* A page of memory that ends where nothing is mapped; and one that cannot be
 * written. */
char *last_page(void);
char *read_only_page(void);

#define RUN(tests) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), \
	 cmocka_run_group_tests(tests, NULL, NULL))

#endif

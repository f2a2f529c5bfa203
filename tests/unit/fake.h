/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small model of the kernel for the unit tests: one process with a range of
 * fake memory, userfaultfd and PAGEMAP_SCAN on it by the rules of mainline, and
 * failures on demand.
 *
 * The fake memory has addresses but no contents; tests read and write it by
 * page number. What `map` returns is real memory, whose writes are found by
 * comparing. That of `map_part` is real, too, and so are files; they cannot be
 * watched.
 */
#ifndef FAKE_H
#define FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "regions.h"

#include <stdio.h>

extern const struct ww_kernel_ops fake_ops;

/* Starts anew: no memory mapped, nothing registered, no failures. What `map`
 * gave out stays, since slots never go away. */
void fake_reset(void);

/* ---- Memory ---- */

#define FAKE_BASE \
	((uintptr_t)(sizeof(void *) == 8 ? 0x100000000000 : 0x40000000))
#define FAKE_PAGES 16384

uintptr_t fake_at(size_t page);
size_t fake_page(uintptr_t address);

/* A new mapping over what was there: not registered, empty, with or without
 * access. */
void fake_mmap(size_t page, size_t n_pages, bool accessible);
void fake_munmap(size_t page, size_t n_pages);
void fake_protect(size_t page, size_t n_pages, bool accessible);

/* False if the page cannot be accessed. */
bool fake_write(size_t page);
bool fake_read(size_t page);
void fake_swap_out(size_t page);

bool fake_accessible(size_t page);
bool fake_registered(size_t page);
bool fake_protected(size_t page);
bool fake_huge_zero(size_t page);

/* One more descriptor of a file. */
int fake_open_again(int fd);

/* Page tables in use under the fake memory. */
size_t fake_tables(void);

/* In a forked child: registrations and bits are gone, and the descriptors but
 * those of files mean the parent. */
void fake_after_fork(void);

/* ---- Failures ---- */

enum fake_site {
	FAKE_USERFAULTFD,
	FAKE_OPEN_PAGEMAP,
	FAKE_MAP_SPARSE,
	FAKE_ALLOW,
	FAKE_MOVE,
	FAKE_API,
	FAKE_REGISTER,
	FAKE_UNREGISTER,
	FAKE_WRITEPROTECT,
	FAKE_SCAN,		/* PAGEMAP_SCAN with an array */
	FAKE_RESET,		/* without */
	FAKE_MAP,
	FAKE_PROTECT,
	FAKE_ADVISE,
	FAKE_IS_CLOSED,
	FAKE_SITES
};

/* The nth call from now on (1: the next) fails once. `late`: after it has done
 * all its work. */
void fake_fail(enum fake_site site, unsigned nth, int error);
void fake_fail_late(enum fake_site site, unsigned nth, int error);
/* Every call does, until fake_heal. */
void fake_fail_always(enum fake_site site, int error);
/* One call of `one_in` does, early or late, with this error. */
void fake_fail_randomly(enum fake_site site, unsigned one_in, int error);
void fake_heal(void);

/* Wrong answers. */
enum fake_lie {
	FAKE_HONEST,
	FAKE_DROPS_WP_ASYNC,		/* UFFDIO_API agrees to less */
	FAKE_DROPS_WP_UNPOPULATED,
	FAKE_CANNOT_PROTECT,		/* UFFDIO_REGISTER without that bit */
	FAKE_ARMS_NOTHING,
	FAKE_SEES_NOTHING,
	FAKE_SEES_READS,
	FAKE_SEES_LESS,			/* loses the last run of a scan */
	FAKE_KEEPS_SCANNED,		/* a scan resets nothing */
	FAKE_RESETS_UNREPORTED,		/* a partial scan resets all */
	FAKE_IGNORES_MAX_PAGES,
	FAKE_KEEPS_RESET,		/* a reset does nothing */
	FAKE_FORGETS_LATER_WRITES,	/* a page is seen once and never again */
	FAKE_LIES
};

struct fake {
	enum fake_lie lie;
	/* holes in registered memory read as written (6.18.44, 7.2) */
	bool holes_written;
	/* huge zero pages can be had; or huge pages, but no zero page */
	bool huge_zero;
	bool no_zero_page;
	/* the most of the fake memory that was advised to have them at once */
	size_t most_advised;
	/* runs around every call, in the calling thread, without any lock */
	void (*before)(enum fake_site site);
	void (*after)(enum fake_site site);
	unsigned calls[FAKE_SITES];
	unsigned bad_calls;	/* bad descriptors, misuse */
	unsigned open_fds;
	size_t mapped_bytes;
	unsigned n_discarded;	/* pages */
	/* the last calls, for tests of arguments */
	uint64_t last_vec_len;
	uint64_t last_max_pages;
};

extern struct fake fake;

/* ---- Help for tests ---- */

/* A registry on the fake kernel. */
struct ww_regions *fake_regions(void);

/* Reserves and watches fake memory; with `committed`, all of it accessible. */
void fake_reserve(struct ww_regions *regions, size_t page, size_t n_pages,
		  bool committed);
/* As dlls/winewatch does it around Wine's calls. */
void fake_commit(struct ww_regions *regions, size_t page, size_t n_pages);
int fake_decommit(struct ww_regions *regions, size_t page, size_t n_pages);
void fake_release(struct ww_regions *regions, size_t page, size_t n_pages);

/* One whole Get; page numbers go to `pages`. A result that is not ascending,
 * not aligned or not in the range fails the test. */
size_t fake_get(struct ww_regions *regions, size_t page, size_t n_pages,
		bool reset, size_t *pages, size_t capacity);
void fake_reset_watch(struct ww_regions *regions, size_t page, size_t n_pages);

/* Gets with reset and compares with the page numbers that follow. */
void fake_expect(struct ww_regions *regions, size_t page, size_t n_pages,
		 size_t n_expected, ...);

/* Pseudo-random numbers, repeatable by SEED in the environment. */
void fake_seed(void);
void fake_seed_with(uint64_t seed);
size_t fake_random(size_t below);

/* The tests of a program, as TAP. */
#define FAKE_RUN(tests) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), \
	 cmocka_run_group_tests(tests, NULL, NULL))

#endif

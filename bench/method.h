/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A method of finding out which pages were written, and the memory that it
 * watches. Functions that return int return 0 or a negative errno value.
 */
#ifndef WW_BENCH_METHOD_H
#define WW_BENCH_METHOD_H

#include "bench.h"

#include <stdint.h>

struct bench_memory {
	const struct bench_method *method;	/* which made it */
	uintptr_t start;
	size_t n_bytes;
	unsigned char *states;			/* wine-stock: one a page */
	struct bench_memory *next;
};

struct bench_method {
	const char *name;
	/* Queries are of memory that this method made; NULL: of its own. */
	const struct bench_method *maker;
	bool is_bare;		/* counts pages and makes no addresses of them */
	bool arms_at_reserve;
	bool keeps_decommitted;	/* decommitted pages stay written */
	bool maps_each_run;	/* each run of written pages is a mapping */
	bool counts_tables;	/* whose page tables are asked for */

	int (*open)(void);
	void (*close)(void);
	/* Inaccessible memory of that many bytes; of 2 MiB and more aligned to
	 * 2 MiB. */
	int (*reserve)(struct bench_memory *memory, size_t n_bytes);
	/* All of it, once. */
	int (*commit)(struct bench_memory *memory);
	int (*decommit)(struct bench_memory *memory);
	void (*release)(struct bench_memory *memory);
	/* NULL: it knows nothing of writes. The number of written pages from
	 * `start` on, whose addresses go to `addresses`, which has room for all
	 * of the range; NULL: bare, only the number. */
	size_t (*get)(struct bench_memory *memory, uintptr_t start,
		      size_t n_bytes, bool reset, uintptr_t *addresses);
	void (*reset)(struct bench_memory *memory, uintptr_t start,
		      size_t n_bytes);
};

extern const struct bench_method bench_winewatch;
extern const struct bench_method bench_wine_10_7;
extern const struct bench_method bench_wine_stock;
extern const struct bench_method bench_ioctl;
extern const struct bench_method bench_unwatched;

/* Those that are measured here, in order. */
#define BENCH_MOST_METHODS 5
extern const struct bench_method *const bench_methods[];
extern const int bench_n_methods;

/* Reserves and commits memory whose writes this method is to be asked for.
 * Without memory the program ends. */
void bench_map(const struct bench_method *method, struct bench_memory *memory,
	       size_t n_bytes);

/* Ends the program if a step has failed. */
void bench_check(const struct bench_method *method, const char *step, int ret);

/* ---- For the methods ---- */

/* Inaccessible private memory; its address, or a negative errno value. */
intptr_t bench_map_none(size_t n_bytes);
int bench_protect(const struct bench_memory *memory, int access);
/* Fresh memory instead, without access. */
int bench_discard(const struct bench_memory *memory);
void bench_unmap(const struct bench_memory *memory);

/* Bare system calls of a userfaultfd and a pagemap descriptor. */
struct bench_kernel {
	int uffd;
	int pagemap;
};

struct page_region;

int bench_kernel_open(struct bench_kernel *kernel);
void bench_kernel_close(struct bench_kernel *kernel);
int bench_kernel_register(const struct bench_kernel *kernel, uintptr_t start,
			  size_t n_bytes);
int bench_kernel_arm(const struct bench_kernel *kernel, uintptr_t start,
		     size_t n_bytes);
/* The number of regions; `vec` may be NULL with a reset: of all pages. */
long bench_kernel_scan(const struct bench_kernel *kernel, uintptr_t start,
		       uintptr_t end, bool reset, struct page_region *vec,
		       size_t n_vec);

#endif

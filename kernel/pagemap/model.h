/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A model of an address space as a source of pages, for tests and tools that
 * have no kernel to ask. Pages are numbered from the model's base, which lies
 * on a boundary of page tables. Nothing has contents; nothing is ever written
 * outside of the model.
 *
 * Every operation cuts its range at the end of the model and passes over pages
 * that it does not concern.
 */
#ifndef WW_PAGEMAP_MODEL_H
#define WW_PAGEMAP_MODEL_H

#include "pagemap_scan.h"

#include <stddef.h>

#define WW_MODEL_TABLE ((size_t)512)	/* pages under a page table */

enum ww_model_content {
	WW_MODEL_NOTHING,
	WW_MODEL_DATA,
	WW_MODEL_ZERO,
	WW_MODEL_SWAP,
	WW_MODEL_MARKER,
	WW_MODEL_MIGRATION,
	WW_MODEL_GUARD,
	WW_MODEL_POISON,
};

struct ww_model_page {
	unsigned char kind;		/* enum ww_pages_kind */
	unsigned char content;		/* enum ww_model_content */
	bool mapped;
	bool accessible;
	unsigned facts;			/* of the page and its mapping */
};

struct ww_model {
	struct ww_pages pages;		/* the source */
	uint64_t base;
	size_t n_pages;
	struct ww_model_page *page;
	bool *table;			/* there is a page table */
};

/* 0 or -ENOMEM. */
int ww_model_open(struct ww_model *model, uint64_t base, size_t n_pages);
void ww_model_close(struct ww_model *model);
uint64_t ww_model_at(const struct ww_model *model, size_t page);

/* A fresh accessible mapping in place of what was there; facts of mappings,
 * and WW_PAGE_FILE for one whose pages are all a file's. */
void ww_model_map(struct ww_model *model, size_t first, size_t n_pages,
		  unsigned mapping);
/* The same with hugetlb pages: whole ones. */
void ww_model_map_hugetlb(struct ww_model *model, size_t first, size_t n_pages,
			  unsigned mapping);
void ww_model_unmap(struct ww_model *model, size_t first, size_t n_pages);
void ww_model_protect(struct ww_model *model, size_t first, size_t n_pages,
		      bool accessible);
/* Watches, or stops to, which clears every bit. */
void ww_model_register(struct ww_model *model, size_t first, size_t n_pages);
void ww_model_unregister(struct ww_model *model, size_t first, size_t n_pages);

/* False where the program would be killed for it. */
bool ww_model_write(struct ww_model *model, size_t page);
bool ww_model_read(struct ww_model *model, size_t page);

/* As MADV_DONTNEED; a page table that the range covers goes with `tables`. */
void ww_model_discard(struct ww_model *model, size_t first, size_t n_pages,
		      bool tables);
void ww_model_swap_out(struct ww_model *model, size_t first, size_t n_pages);
void ww_model_guard(struct ww_model *model, size_t first, size_t n_pages);
void ww_model_unguard(struct ww_model *model, size_t first, size_t n_pages);
void ww_model_poison(struct ww_model *model, size_t page);
/* A present page is on its way, or has arrived. */
void ww_model_migrate(struct ww_model *model, size_t page, bool arrived);
/* A huge page in place of the 512 around, with their contents or with zeros. */
void ww_model_collapse(struct ww_model *model, size_t page, bool zero);
void ww_model_split(struct ww_model *model, size_t page);

/* What a forked child gets. 0 or -ENOMEM. */
int ww_model_fork(struct ww_model *child, const struct ww_model *parent);

#endif

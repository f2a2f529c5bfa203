/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every call of the registry fails in every way, over the running kernel. */
#include "../unit/inject.h"

#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static char *memory;

/* Whole page tables, so that huge zero pages can lie in it. */
static void begin(void)
{
	size_t block = ww_block_size();
	char *all = map_pages(INJECT_PAGES + block / ww_page_size(), PROT_NONE);

	memory = (char *)(((uintptr_t)all + block - 1) & ~(block - 1));
	unmap_pages(memory, INJECT_PAGES);
}

static uintptr_t at(size_t page)
{
	return (uintptr_t)memory + page * ww_page_size();
}

static int access_of(bool accessible)
{
	return accessible ? PROT_READ | PROT_WRITE : PROT_NONE;
}

static void map(size_t page, size_t n_pages, bool accessible)
{
	map_over((char *)at(page), n_pages, access_of(accessible));
}

static void unmap(size_t page, size_t n_pages)
{
	unmap_pages((char *)at(page), n_pages);
}

static void protect(size_t page, size_t n_pages, bool accessible)
{
	if (mprotect((char *)at(page), n_pages * ww_page_size(),
		     access_of(accessible)))
		inject_fail("mprotect: %s", strerror(errno));
}

static void write_page(size_t page)
{
	++*(volatile char *)at(page);
}

static void forked(void)
{
}

/* A scan for pages that may be write-protected: those that are registered. */
static bool registered(size_t page, size_t n_pages)
{
	int pagemap = ww_linux.open_pagemap(), n;
	struct page_region region;
	struct pm_scan_arg arg = { 0 };

	arg.size = sizeof(arg);
	arg.start = at(page);
	arg.end = at(page + n_pages);
	arg.vec = (uintptr_t)&region;
	arg.vec_len = 1;
	arg.category_mask = PAGE_IS_WPALLOWED;
	arg.return_mask = PAGE_IS_WPALLOWED;
	n = ww_linux.ioctl(pagemap, PAGEMAP_SCAN, &arg);
	ww_linux.close(pagemap);
	return n;
}

static const char *wrong(void)
{
	return "";
}

static const struct inject_machine machine = {
	.ops = &ww_linux,
	.backend = "uffd",
	.begin = begin,
	.at = at,
	.map = map,
	.unmap = unmap,
	.protect = protect,
	.write = write_page,
	.forked = forked,
	.registered = registered,
	.wrong = wrong,
};

int main(void)
{
	struct ww_tracker tracker;

	tracker_or_skip(&tracker);
	ww_tracker_close(&tracker);
	return inject_main(&machine);
}

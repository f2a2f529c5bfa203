/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tracker: watch, arm, scan and reset runs of pages of this process. One
 * table of operations per backend; every system call goes through a second
 * table, so that tests can put a kernel of their own underneath.
 *
 * All functions return 0 or a negative errno value. Addresses and sizes are in
 * bytes and whole pages. All but open and close may run in any number of
 * threads at once; the kernel orders them page by page.
 */
#ifndef WW_TRACKER_H
#define WW_TRACKER_H

#include <stddef.h>
#include <stdint.h>

/* A run of pages, [start, end), in the kernel's own layout (page_region): what
 * a scan stores is used where it lies. */
struct ww_run {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

/* The most runs one scan may ask for. The kernel collects 512 in an inner
 * buffer, and beyond one buffer its walk_end cannot be believed (seen on 6.12,
 * 6.18 and 7.2; tests/kernel/walk_end.c). */
#define WW_MAX_RUNS 512

enum {
	/* Write-protect exactly the pages that are reported. */
	WW_SCAN_RESET = 1,
	/* Look for written pages in memory that was never armed: only what is
	 * there counts, and the memory need not be watched. */
	WW_SCAN_UNARMED = 2,
	/* The same, and arm every page of the range as it is looked at. A write
	 * is either reported or seen by the next scan where a page table exists;
	 * over a hole the kernel looks and arms in two steps (6.18), so nobody
	 * should be able to write there yet. */
	WW_SCAN_ARM = 4,
};

struct ww_scan {
	uintptr_t start;
	size_t n_bytes;
	unsigned flags;
	size_t max_pages;	/* at least 1 */
	struct ww_run *runs;	/* never the caller's caller's: see trap K5 */
	size_t max_runs;	/* 1 to WW_MAX_RUNS */
	/* answers */
	size_t n_runs;		/* ascending, not adjacent */
	size_t n_pages;
	uintptr_t resume;	/* everything below was looked at; the end of
				 * the range when the scan is complete */
};

/* Every system call this layer makes. Negative errno values on failure. */
struct ww_kernel_ops {
	int (*userfaultfd)(int flags);
	int (*open_pagemap)(void);
	int (*ioctl)(int fd, unsigned long request, void *argument);
	void (*close)(int fd);
	/* private anonymous memory: zeroed, readable and writable, not
	 * reserved; NULL when there is none */
	void *(*map)(size_t n_bytes);
	void (*unmap)(void *start, size_t n_bytes);
	int (*protect_none)(uintptr_t start, size_t n_bytes);
	/* zeroed memory, not accessible yet, not reserved, left out of core
	 * dumps: of a file in memory with this name, and returns the file's
	 * descriptor; or private if there is no name, and returns 0 */
	int (*map_sparse)(const char *name, size_t n_bytes, void **start);
	/* makes it readable and writable */
	int (*allow)(void *start, size_t n_bytes);
	/* moves a mapping to where another of its size is, which goes */
	int (*move)(void *from, void *to, size_t n_bytes);
	/* gives the memory under a mapping back: it reads as zeroes then */
	void (*discard)(void *start, size_t n_bytes);
};

extern const struct ww_kernel_ops ww_linux;

struct ww_tracker;

struct ww_backend {
	const char *name;
	/* Opens what the backend needs and shows on a private page that writes
	 * are seen and resets work. */
	int (*open)(struct ww_tracker *tracker);
	void (*close)(struct ww_tracker *tracker);
	/* Registers memory; builds no page tables. What is watched already
	 * stays as it is. */
	int (*watch)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
	int (*unwatch)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
	/* Makes every page of the range read as not written, whatever it was:
	 * for memory that nobody else can write yet. */
	int (*arm)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
	/* Collects written pages. -EPERM: some of the range is not watched any
	 * more; with WW_SCAN_RESET, pages may have been reset that nobody will
	 * ever hear of, so the caller has to take all of them as written. */
	int (*scan)(struct ww_tracker *tracker, struct ww_scan *scan);
	/* Makes every page of the range read as not written. It installs page
	 * tables over holes: only for ranges that were armed. */
	int (*reset)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
};

extern const struct ww_backend ww_backend_uffd;

struct ww_tracker {
	const struct ww_backend *backend;
	const struct ww_kernel_ops *ops;
	int uffd;
	int pagemap;
	const char *failure;	/* after a failed open: what was refused */
};

/* Opens the first backend that works, on `ops`. On failure nothing stays open
 * and tracker->failure names the step that failed (a constant string). */
int ww_tracker_open(struct ww_tracker *tracker, const struct ww_kernel_ops *ops);
void ww_tracker_close(struct ww_tracker *tracker);

/* The size of a page, in bytes. */
size_t ww_page_size(void);

#endif

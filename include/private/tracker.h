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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For what several threads read and write at once. i386 gives a 64-bit number in
 * a structure 4 bytes of alignment, and no processor promises to read such a one
 * in one piece. */
typedef uint64_t ww_aligned64 __attribute__((aligned(8)));

/* A run of pages, [start, end), in the kernel's own layout (page_region): what
 * a scan stores is used where it lies. */
struct ww_run {
	ww_aligned64 start;
	ww_aligned64 end;
	ww_aligned64 categories;
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
	 * should be able to write there yet. The caller's runs end at 0 before;
	 * the answer is good, as far as it goes, when the scan fails, too.
	 * Pages that are armed already count as clean, but with WW_SCAN_UNARMED
	 * as well: after a scan that may have armed them without a word. */
	WW_SCAN_ARM = 4,
};

/* As many pages as there are; a backend need not count them. */
#define WW_SCAN_UNLIMITED SIZE_MAX

struct ww_scan {
	uintptr_t start;
	size_t n_bytes;
	unsigned flags;
	size_t max_pages;	/* at least 1 */
	struct ww_run *runs;	/* never the caller's caller's: see trap K5 */
	size_t max_runs;	/* 1 to WW_MAX_RUNS */
	/* answers */
	size_t n_runs;		/* ascending, not adjacent */
	size_t n_pages;		/* may be 0 with WW_SCAN_UNLIMITED */
	uintptr_t resume;	/* everything below was looked at; the end of
				 * the range when the scan is complete */
};

/* Every system call this layer makes. Negative errno values on failure. */
struct ww_kernel_ops {
	int (*userfaultfd)(int flags);
	int (*open_pagemap)(void);
	int (*ioctl)(int fd, unsigned long request, void *argument);
	/* which file a descriptor stands for: a number that no other file has
	 * as long as it is open; 0 for none */
	uint64_t (*identify)(int fd);
	void (*close)(int fd);
	/* private anonymous memory: zeroed, readable and writable, not
	 * reserved; NULL when there is none */
	void *(*map)(size_t n_bytes);
	void (*unmap)(void *start, size_t n_bytes);
	int (*protect)(uintptr_t start, size_t n_bytes, int access);
	int (*advise)(uintptr_t start, size_t n_bytes, int advice);
	/* whether all of a range is one mapping without any access: 1 or 0, or
	 * -errno where the kernel cannot say (Linux 6.11 can) */
	int (*is_closed)(uintptr_t start, size_t n_bytes);
	/* a file in memory of this name, zeroed and sparse: its descriptor */
	int (*sparse_file)(const char *name, uint64_t n_bytes);
	/* maps a part of such a file, or for -1 private zeroed memory: readable
	 * and writable, not reserved, left out of core dumps */
	int (*map_part)(int fd, uint64_t offset, size_t n_bytes, void **start);
	/* moves a mapping to where another of its size is, which goes */
	int (*move)(void *from, void *to, size_t n_bytes);
	/* gives the memory under a mapping back: it reads as zeroes then */
	void (*discard)(void *start, size_t n_bytes);
};

extern const struct ww_kernel_ops ww_linux;

struct ww_tracker;

/* What a backend finds out about its descriptors. */
enum ww_recovery {
	WW_INTACT,	/* they are open, or cannot be opened */
	WW_REOPENED,	/* some were not, and are again */
	WW_UNWATCHED,	/* the same, and no memory is watched any more */
};

/*
 * What the backends promise, where they differ:
 *
 *			uffd		softdirty	mprotect
 *	writes by	always seen	always seen	fail with EFAULT where
 *	system calls					memory is armed: mark
 *							it before
 *	by other	always seen	may be lost	fail likewise
 *	processes			while it resets
 *	by /proc/PID/	always seen	may be lost	not seen
 *	mem
 *	reads only	not written	not written	not written
 *	contents	read as		not seen	not seen
 *	discarded	written
 *	other memory	scan says	reads as	has to be forgotten
 *	mapped there	-EPERM		written
 *	over-reports	nothing		all that is	64 pages and more,
 *					there when a	near the limit of
 *					thread faults	mappings
 *					during a reset
 *	access to	is the		is the		is changed: all
 *	memory		owner's		owner's		changes by `protect`
 *	a reset costs	the range	the process	the range
 */
struct ww_backend {
	const char *name;
	/* The bits are in the kernel, where other processes can ask for them. */
	bool seen_by_others;
	/* Committed memory that is no further apart is scanned in one go, with
	 * what lies between armed as well. Less than a block. */
	size_t max_gap;
	/* Once per process and before a lock that is taken around the backend's
	 * operations gets its handlers for fork. May be called again. NULL:
	 * nothing to do. 0 or -errno. */
	int (*prepare)(void);
	/* Opens what the backend needs and shows on a private page that writes
	 * are seen and resets work. In a forked child, after close, what it
	 * kept of watched memory is still there. */
	int (*open)(struct ww_tracker *tracker);
	void (*close)(struct ww_tracker *tracker);
	/* After a failure: opens again what the program has closed, as some do
	 * with all descriptors that they do not know. Not at the same time as
	 * anything but scans and resets. NULL: nothing can be lost. */
	enum ww_recovery (*recover)(struct ww_tracker *tracker);
	/* Registers memory; builds no page tables. What is watched already
	 * stays as it is. */
	int (*watch)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
	int (*unwatch)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
	/* Watched memory that was unmapped, or that something else is mapped
	 * over by now: nothing is done to the memory. NULL: nothing is kept. */
	void (*forget)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
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
	/* The owner's mprotect(2), of memory of which some may be watched:
	 * changes no page's answer. -ENOMEM: some of it may have changed. */
	int (*protect)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes,
		       int access);
	/* Lets system calls write to the range, until a reset; its pages may
	 * read as written from now on. NULL: they always can. */
	int (*mark)(struct ww_tracker *tracker, uintptr_t start, size_t n_bytes);
	/* Whether it withholds, or may at any moment, writes of system calls to
	 * some page of the range that its owner may make to all of it that is
	 * watched. NULL: never. */
	bool (*withholds)(uintptr_t start, size_t n_bytes);
};

extern const struct ww_backend ww_backend_uffd;
extern const struct ww_backend ww_backend_softdirty;
extern const struct ww_backend ww_backend_mprotect;

/* All of them, the one that serves best first; NULL ends the list. */
extern const struct ww_backend *const ww_backends[];

/* Whether blocks can be armed by huge zero pages: hugezero.h. */
enum ww_huge_zero {
	WW_HUGE_ZERO_OFF,
	WW_HUGE_ZERO_UNTRIED,
	WW_HUGE_ZERO_WORKS,
};

struct ww_tracker {
	const struct ww_backend *backend;
	const struct ww_kernel_ops *ops;
	int uffd;
	int pagemap;
	int clear_refs;
	/* which files they were: a number may be somebody else's by now */
	uint64_t uffd_file;
	uint64_t pagemap_file;
	uint64_t clear_refs_file;
	enum ww_huge_zero huge_zero;
	const char *failure;	/* after a failed open: what was refused */
};

/* The name in the environment of the backend that is to be used, or NULL. */
const char *ww_backend_forced(void);

/* Prepares all backends. 0 or -errno. */
int ww_backends_prepare(void);

/* Opens the backend that the environment forces, or else uffd, on `ops`. On
 * failure nothing stays open and tracker->failure names the step that failed (a
 * constant string); -EINVAL: there is no backend of that name. */
int ww_tracker_open(struct ww_tracker *tracker, const struct ww_kernel_ops *ops);

/* The same with a backend by name; NULL for the one that the environment forces,
 * or else the first that works, unless one before it lacks only memory or
 * descriptors. Where none does, the first one's failure is told. */
int ww_tracker_open_backend(struct ww_tracker *tracker,
			    const struct ww_kernel_ops *ops, const char *name);

/* The same backend again, in a forked child. */
int ww_tracker_reopen(struct ww_tracker *tracker);

void ww_tracker_close(struct ww_tracker *tracker);

/* Whether a descriptor still is what it was. */
bool ww_is_same_file(const struct ww_kernel_ops *ops, int fd, uint64_t file);

/* Closes it if it is. */
void ww_close_same_file(const struct ww_kernel_ops *ops, int fd, uint64_t file);

/* Writes, sees, resets, sees again, on private memory: written, untouched and
 * only read pages, and a partial result. 0, or -errno: -ENOTRECOVERABLE when
 * all calls succeeded and an answer was wrong. */
int ww_tracker_self_test(struct ww_tracker *tracker);

/* For backends that look at pages one by one: adds one at the end of the
 * results. False, and nothing is added, if there is no more room. */
bool ww_scan_add(struct ww_scan *scan, uintptr_t address);

/* The size of a page, in bytes. */
size_t ww_page_size(void);

/* What one entry of the page middle directory maps: 2 MiB where pages have 4 KiB. */
size_t ww_block_size(void);

#endif

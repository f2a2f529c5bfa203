/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * writewatch/pagemap.h: the PAGEMAP_SCAN ioctl of /proc/PID/pagemap, in every
 * revision that was posted or merged, on kernels that have it and on those that
 * do not.
 *
 * A program written for one revision opens a process instead of its pagemap
 * and calls ww_pagemap_scan() instead of ioctl(2), with the same request and
 * the same structure.
 *
 * Functions return what the ioctl returns on success and a negative errno value
 * on failure. None of them prints, exits, or changes errno.
 *
 * Threads: all but ww_pagemap_close() may be called from any number of threads
 * at once. None may be called from a signal handler that may have interrupted
 * one of them.
 */
#ifndef WRITEWATCH_PAGEMAP_H
#define WRITEWATCH_PAGEMAP_H

#include <sys/types.h>

#include <writewatch.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A revision of the interface. The number of a request cannot name one: v6 and
 * v10 share theirs, v16 and v18 share theirs, and mainline never changed its
 * own. ww_pagemap_scan(3) has the structures and bits of each.
 */
enum ww_pagemap_abi {
	WW_PAGEMAP_V6,		/**< as posted in November 2022: soft-dirty */
	WW_PAGEMAP_V10,		/**< February 2023: written, by userfaultfd */
	WW_PAGEMAP_V16,		/**< May 2023 */
	WW_PAGEMAP_V18,		/**< June 2023 */
	WW_PAGEMAP_MAINLINE,	/**< Linux 6.7 */
	WW_PAGEMAP_GUARD,	/**< the same with guard regions; where the
				     kernel does not answer it, memory that was
				     never touched reads as written */
};

/** Flags of ww_pagemap_open(). */
enum {
	WW_PAGEMAP_ENGINE = 1,	/**< not the kernel's ioctl, even if there */
};

/** A process opened for scans of one revision. */
struct ww_pagemap;

/**
 * Open process `pid` for scans; 0 is the caller's. What is opened stays the
 * memory that the process has now: a forked child's is another, and so is that
 * after an execve(). Stores it in `*pagemap`.
 *
 * Errors: -EINVAL a revision or flags that are not known; -ESRCH there is no
 * such process, or it has no memory; -EACCES or -EPERM it is not the caller's
 * to look at; -EOPNOTSUPP pages here are not of 4096 bytes; -EMFILE, -ENFILE,
 * -ENOMEM. It opens up to three file descriptors, all close-on-exec. Since 0.1.
 */
WW_API int ww_pagemap_open(struct ww_pagemap **pagemap, pid_t pid,
			   enum ww_pagemap_abi abi, unsigned int flags);

/**
 * Close it. NULL is ignored. No other call may be under way on it, nor start.
 * Since 0.1.
 */
WW_API void ww_pagemap_close(struct ww_pagemap *pagemap);

/**
 * What answers its scans: "ioctl" the kernel's own PAGEMAP_SCAN; "uffd-wp" the
 * library, on the write-protect bits of userfaultfd; "soft-dirty" the library,
 * on those; "mprotect" the library, on what the backend of that name watches in
 * this process; "none" the library, on another process where the kernel tells
 * no written page from another, so that all read as written. Never NULL. Since
 * 0.1.
 */
WW_API const char *ww_pagemap_source(const struct ww_pagemap *pagemap);

/**
 * PAGEMAP_SCAN: `request` and `argument` are the ioctl's own. Returns what the
 * ioctl of that revision returns: the number of regions stored, or 0.
 *
 * Errors, besides those that the revision gives for what it finds in the range:
 * -ESRCH the process or the memory that was opened has gone; -EFAULT the
 * argument or its array cannot be read or written; -EINVAL an argument that the
 * revision refuses, or a request that is not its own; -ENOMEM no memory;
 * -EOPNOTSUPP pages cannot be protected here; -EPERM memory that is not watched
 * where the call needs it; -ENOSPC v18 alone: max_pages cuts a hugetlb page.
 * Since 0.1.
 */
WW_API int ww_pagemap_scan(struct ww_pagemap *pagemap, unsigned long request,
			   void *argument);

#ifdef __cplusplus
}
#endif

#endif

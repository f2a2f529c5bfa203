/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mprotect backend: written pages are those that raised SIGSEGV. It keeps
 * the state of each page itself and changes the access to armed pages, so it
 * must be told what access the owner of the memory wants.
 *
 * A system call that writes to an armed page fails with EFAULT: mark such memory
 * before the call. Near the limit of mappings (vm.max_map_count) one write opens
 * many pages around it, which all read as written then.
 */
#ifndef WW_MPROTECT_H
#define WW_MPROTECT_H

#include "tracker.h"

/* Its handler stays installed, on top of the one it found, and goes back on top
 * of any that was installed later whenever memory is watched, armed or scanned.
 * What is no fault of ours goes on to the handler below. */
extern const struct ww_backend ww_backend_mprotect;

/* Instead of the owner's mprotect(2), of memory of which some may be watched:
 * `access` is PROT_READ and so on. 0 or -errno. */
int ww_mprotect_protect(struct ww_tracker *tracker, uintptr_t start,
			size_t n_bytes, int access);

/* Makes every page of the range read as written, and opens it for system calls
 * that will write there. 0 or -errno. */
int ww_mprotect_mark(struct ww_tracker *tracker, uintptr_t start,
		     size_t n_bytes);

/* What is known of the pages from `start` on; 0 of those not watched. */
enum {
	WW_MPROTECT_WATCHED = 1,
	WW_MPROTECT_ARMED = 2,
};
void ww_mprotect_states(uintptr_t start, size_t n_pages, unsigned char *states);

/* How many pages were opened since the program began that nobody wrote. */
size_t ww_mprotect_overreported(void);

/* From so many boundaries on between armed and open pages, a write opens more
 * than its page; half of vm.max_map_count where nothing was set. */
void ww_mprotect_set_budget(size_t n_boundaries);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watched memory of other processes, as far as the kernel lets us look: their
 * bits in /proc/PID/pagemap, and what their registry shares (share.h), which
 * nobody but the two of them can open.
 *
 * Nothing stays open between two calls, so a caller may be unwound by a fault
 * between them. Functions return 0 or a count, or a negative errno value:
 *  -ESRCH   the process has ended, or is not the one that was found
 *  -EACCES  the kernel does not let us look at it
 *  -ENOENT  it has no registry, or does not watch that memory
 *  -ERANGE  the range leaves its view, or wraps
 *  -EBUSY   it was stopped in the middle of changing its views
 * and -ENOMEM, -EMFILE or -ENFILE for what this process lacks itself. errno stays
 * as it was.
 */
#ifndef WW_FOREIGN_H
#define WW_FOREIGN_H

#include "tracker.h"

#include <sys/types.h>

struct ww_stats;	/* stats.h */

/* What the owner of a registry has said of itself, for those who do not know it
 * by its Linux pid; all zero if it has said nothing. */
struct ww_tag {
	ww_aligned64 words[3];
};

/* A process with a registry. The identity is the number of the file that it
 * shares, so that another process with the same pid is not taken for it. */
struct ww_process {
	pid_t pid;
	pid_t owner;		/* the pid that it sees itself */
	int fd;			/* its descriptor of that file */
	uint64_t identity;
};

/* Finds the registry of a process by its pid, or by its tag among all processes
 * that the kernel lets us look at (none of them: -ENOENT). A process with several
 * registries is known by its first. */
int ww_foreign_find(struct ww_process *process, pid_t pid);
int ww_foreign_find_tag(struct ww_process *process, const struct ww_tag *tag);

/* The lowest views of a process, ascending, at most `max`; returns how many. */
ssize_t ww_foreign_views(const struct ww_process *process, struct ww_run *views,
			 size_t max);

/* Copies how many calls the process has counted, and has it count those that
 * begin after this, until 10 seconds after the last call of this. */
int ww_foreign_observe(const struct ww_process *process, struct ww_stats *stats);

/* A range of whole pages within one view of a process. */
struct ww_foreign_range {
	struct ww_process process;
	uintptr_t start;
	uintptr_t end;
};

/* Widens [address, address + n_bytes) to whole pages and finds its view. */
int ww_foreign_begin(struct ww_foreign_range *range,
		     const struct ww_process *process, uintptr_t address,
		     size_t n_bytes);

/* Stores the lowest runs of written pages at and above `from`, ascending and not
 * adjacent, at most `max_runs` and together at most `max_pages` (both at least
 * 1), and returns how many. Everything below *resume was looked at; range->end
 * when that is all. Resets nothing. */
ssize_t ww_foreign_scan(const struct ww_foreign_range *range, uintptr_t from,
			struct ww_run *runs, size_t max_runs, size_t max_pages,
			uintptr_t *resume);

/* Makes the pages of runs clean that ww_foreign_scan has stored. Call it after
 * they have been reported: a page that is written in between is in that report,
 * and a caller that does not get this far has changed nothing. */
int ww_foreign_clean(const struct ww_foreign_range *range,
		     const struct ww_run *runs, size_t n_runs);

/* Makes every page of the range clean. Page tables do not appear where there
 * were none. */
int ww_foreign_reset(const struct ww_foreign_range *range);

#endif

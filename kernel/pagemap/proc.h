/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process as a source of pages: /proc/PID/pagemap and smaps, and one of three
 * ways to see writes.
 *
 * Where the kernel has PAGEMAP_SCAN, a page is protected by userfaultfd's own
 * bit, as the revisions mean it. Elsewhere the soft-dirty bit takes its place:
 * every mapping counts as watched, a clean page as protected, and to protect is
 * to clean. The kernel cleans a whole process at once, so what is to stay dirty
 * is kept in memory; between reading it and the cleaning, a write of another
 * thread or process is lost. Where that bit does not exist either, this process
 * has the mprotect backend: the pages that it watches count as watched, and its
 * armed pages as protected. Elsewhere every page reads as written and none can
 * be protected.
 *
 * What /proc does not tell: a hole is taken for an empty entry, of which no
 * revision says less; the zero page and huge pages, but hugetlb's, read as
 * ordinary ones.
 */
#ifndef WW_PAGEMAP_PROC_H
#define WW_PAGEMAP_PROC_H

#include "dirt.h"
#include "mappings.h"

#include <sys/types.h>

enum ww_proc_way {
	WW_PROC_NOTHING, WW_PROC_MPROTECT, WW_PROC_SOFT_DIRTY, WW_PROC_UFFD
};

enum { WW_PROC_ENTRIES = 4096 };

/* One scan at a time. */
struct ww_proc {
	struct ww_pages pages;		/* the source */
	enum ww_proc_way way;
	pid_t opener;			/* whose pages mprotect knows */
	int pagemap;
	int smaps;
	int clear_refs;			/* or -errno */
	/* in this scan: */
	struct ww_mappings mappings;
	uint64_t known;			/* the mappings that begin below */
	bool cleaned;			/* the soft-dirty bits, once */
	uint64_t first;			/* the address of entry[0] */
	size_t n_entries;
	uint64_t entry[WW_PROC_ENTRIES];
	unsigned char state[WW_PROC_ENTRIES];	/* by mprotect */
	/* from one scan to the next: */
	struct ww_dirt dirt;
};

/* Opens the files of a process; 0 or -errno. */
int ww_proc_open(struct ww_proc *proc, pid_t pid);
void ww_proc_close(struct ww_proc *proc);

/* Forgets what it knew of the mappings. 0, or -ESRCH if the process or its
 * memory has gone. */
int ww_proc_begin(struct ww_proc *proc);

/* Opens a file of /proc/PID; 0 is this process. A descriptor or -errno. */
int ww_proc_file(pid_t pid, const char *name, int flags);
/* Whether the memory behind an open pagemap is still there. */
bool ww_proc_alive(int pagemap);

#endif

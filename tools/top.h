/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What winewatch top sees of a process, and the ways to show it. */
#ifndef WW_TOOLS_TOP_H
#define WW_TOOLS_TOP_H

#include "foreign.h"
#include "stats.h"

#include <stdbool.h>
#include <sys/types.h>

/* A region is shown in so many parts, or in pages if it has fewer. */
#define TOP_PARTS 32

struct top_region {
	uint64_t start;
	uint64_t end;
	uint64_t n_written;		/* pages, now */
	size_t n_parts;
	uint64_t written[TOP_PARTS];	/* of each part */
};

/* Calls of one kind. The totals are of all since the first look, the rest is of
 * those since the last one; without any, all times are 0. */
struct top_calls {
	uint64_t n_calls;
	uint64_t n_pages;
	uint64_t n_new;
	double calls_per_second;
	double pages_per_second;
	uint64_t p50_ns;		/* each no more than a quarter too long */
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint64_t max_ns;
};

struct top_look {
	struct ww_process process;
	char name[32];			/* printable */
	double seconds;			/* since the look before; 0 at first */
	struct top_region *regions;
	size_t n_regions;
	struct top_calls calls[WW_STATS_KINDS];
	uint64_t looked_ns;
	struct ww_stats first;
	struct ww_stats last;
};

/* ---- top_tree.c ---- */

/* Finds the first process with watched memory: `root`, if it is not this process,
 * or one that descends from it. 0; -ENOENT if there is none; -EACCES if root may
 * not be looked at; -ESRCH if there is no root. */
int top_find(struct ww_process *process, pid_t root);

/* Whether `root` or a descendant has a library of winewatch loaded. */
bool top_has_library(pid_t root);

/* ---- top_look.c ---- */

/* The first look at a process, and further ones. 0, or what foreign.h says;
 * -EBUSY leaves what was seen before. */
int top_begin(struct top_look *look, const struct ww_process *process);
int top_again(struct top_look *look);
void top_end(struct top_look *look);

/* To be called once a second between two looks, or calls are not counted. */
int top_stay(const struct top_look *look);
#define TOP_STAY_SECONDS 1.0

uint64_t top_pages(const struct top_region *region);

/* ---- top_text.c ---- */

/* Text of some lines for whoever reads it, with the regions from `first` on, at
 * most `max_regions`; in Unicode if the locale can. The caller frees it. */
char *top_text(const struct top_look *look, size_t first, size_t max_regions);

/* One JSON object on one line; the caller frees it. */
char *top_json(const struct top_look *look);

/* ---- top_screen.c ---- */

/* Takes the terminal over, if that can be done, and gives it back. */
bool top_screen_open(void);
void top_screen_close(void);

/* Shows a look for some time; false if the user wants no more. */
bool top_screen_show(const struct top_look *look, double seconds);

#endif

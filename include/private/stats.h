/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many calls there were on a registry and how long they took, counted in its
 * shared file while another process looks (foreign.h), and only then: otherwise
 * a call reads one word and no clock.
 */
#ifndef WW_STATS_H
#define WW_STATS_H

#include "tracker.h"

#include <stddef.h>
#include <stdint.h>

struct ww_regions;

/* Times are counted in buckets, four to each power of two, up to 36 minutes. */
#define WW_STATS_BUCKETS 160

enum ww_stats_kind {
	WW_STATS_GET,
	WW_STATS_RESET,
	WW_STATS_KINDS
};

struct ww_stats_calls {
	ww_aligned64 n_pages;		/* in all answers together */
	ww_aligned64 n_calls[WW_STATS_BUCKETS];
};

/* Numbers only grow, and wrap. A registry counts until a time of its
 * CLOCK_MONOTONIC in nanoseconds, which those who look move on, so that one that
 * was killed is forgotten; 0: nobody looks. */
struct ww_stats {
	ww_aligned64 observed_until;
	struct ww_stats_calls of[WW_STATS_KINDS];
};

/* How long a look is remembered. */
#define WW_STATS_LOOK_NS (UINT64_C(10) * 1000000000)

uint64_t ww_stats_now(void);

/* The bucket of a time, and the shortest time of a bucket. */
size_t ww_stats_bucket(uint64_t ns);
uint64_t ww_stats_bucket_ns(size_t bucket);

/* Before a call: the time, or 0 while nobody looks. After it: counts it, with
 * the pages that it has reported. */
uint64_t ww_stats_begin(const struct ww_regions *regions);
void ww_stats_count(const struct ww_regions *regions, enum ww_stats_kind kind,
		    uint64_t began, size_t n_pages);

static inline void ww_stats_end(const struct ww_regions *regions,
				enum ww_stats_kind kind, uint64_t began,
				size_t n_pages)
{
	if (began)
		ww_stats_count(regions, kind, began, n_pages);
}

/* The other side: copies what is there, which may be anything, and has calls
 * counted that begin after this, for as long as a look is remembered. */
void ww_stats_observe(struct ww_stats *stats, struct ww_stats *copy);

#endif

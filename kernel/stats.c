/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counting calls while somebody looks.
 *
 * Every word stands alone and is only ever added to, so relaxed operations are
 * enough: whoever reads may see a call's pages before the call, and sees both in
 * the end. Calls that began before the observer's first look are not counted;
 * of those that begin after it, all are that end in time.
 */
#include "registry.h"
#include "stats.h"

#include <errno.h>
#include <time.h>

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define ADD(x, n) __atomic_fetch_add(&(x), (n), __ATOMIC_RELAXED)

#define STEP_BITS 2
#define STEPS (1 << STEP_BITS)

uint64_t ww_stats_now(void)
{
	int saved_errno = errno;
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	errno = saved_errno;
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

size_t ww_stats_bucket(uint64_t ns)
{
	unsigned octave;
	size_t bucket;

	if (ns < STEPS)
		return ns;
	octave = 63 - (unsigned)__builtin_clzll(ns);
	bucket = (octave - STEP_BITS + 1) * STEPS +
		 (ns >> (octave - STEP_BITS)) % STEPS;
	return bucket < WW_STATS_BUCKETS ? bucket : WW_STATS_BUCKETS - 1;
}

uint64_t ww_stats_bucket_ns(size_t bucket)
{
	if (bucket < STEPS)
		return bucket;
	return (uint64_t)(STEPS + bucket % STEPS) << (bucket / STEPS - 1);
}

/* ---- The owner ---- */

/* An observer that has gone is forgotten here, so that one that was killed does
 * not make calls dearer for ever. So is a time that no observer sets: one of
 * another time namespace. */
static uint64_t begin_observed(struct ww_stats *stats, uint64_t until)
{
	uint64_t now = ww_stats_now();

	if (until - now <= WW_STATS_LOOK_NS)
		return now;
	/* unless another one has come */
	__atomic_compare_exchange_n(&stats->observed_until, &until, 0, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return 0;
}

uint64_t ww_stats_begin(const struct ww_regions *regions)
{
	struct ww_stats *stats = ww_share_stats(&regions->share);
	uint64_t until = stats ? LOAD(stats->observed_until) : 0;

	return __builtin_expect(!until, 1) ? 0 : begin_observed(stats, until);
}

void ww_stats_count(const struct ww_regions *regions, enum ww_stats_kind kind,
		    uint64_t began, size_t n_pages)
{
	/* not from the beginning: a fork in a signal handler may have been
	 * refused one */
	struct ww_stats *stats = ww_share_stats(&regions->share);

	if (!stats)
		return;
	ADD(stats->of[kind].n_pages, n_pages);
	ADD(stats->of[kind].n_calls[ww_stats_bucket(ww_stats_now() - began)], 1);
}

/* ---- Others ---- */

static void copy_calls(const struct ww_stats_calls *from,
		       struct ww_stats_calls *to)
{
	to->n_pages = LOAD(from->n_pages);
	for (size_t i = 0; i < WW_STATS_BUCKETS; i++)
		to->n_calls[i] = LOAD(from->n_calls[i]);
}

void ww_stats_observe(struct ww_stats *stats, struct ww_stats *copy)
{
	copy->observed_until = LOAD(stats->observed_until);
	for (size_t i = 0; i < WW_STATS_KINDS; i++)
		copy_calls(&stats->of[i], &copy->of[i]);
	STORE(stats->observed_until, ww_stats_now() + WW_STATS_LOOK_NS);
}

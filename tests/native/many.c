/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Very many reservations, and as many maps as Linux lets a process have: at that
 * limit calls may be refused, and then nothing has changed; no write is lost.
 *
 * Usage: many [SEED]
 */
#include "shadow.h"

#include <stdlib.h>
#include <string.h>

enum {
	N_REGIONS = 100000,
	REGION_PAGES = 16,
	N_EXCHANGED = 100,	/* each moves the books of all above it */
	STEPS = 20000,
	MOST_COMMITS = 60000,
};

static uint64_t seed;

/* ---- 100,000 reservations ---- */

static char *regions[N_REGIONS];

/* Every 16th is used; all are reserved. */
static bool is_used(size_t i)
{
	return i % 16 == 5;
}

static size_t page_used(size_t i)
{
	return i / 16 % REGION_PAGES;
}

static void use(size_t i)
{
	char *page = regions[i] + page_used(i) * PAGE_BYTES;

	if (VirtualAlloc(page, 1, MEM_COMMIT, PAGE_READWRITE) != page)
		bail_out("a commit");
	*page = 1;
}

static void reserve(size_t i)
{
	regions[i] = allocate(REGION_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);
	if (is_used(i))
		use(i);
}

/* Some go and come back elsewhere, in the midst of the others. */
static void exchange(uint64_t *random)
{
	for (size_t n = 0; n < N_EXCHANGED; n++) {
		size_t i = random_below(random, N_REGIONS);

		release(regions[i]);
		reserve(i);
	}
}

/* Whether a result is one page: of the region, if it is used. */
static bool is_right(size_t i)
{
	ULONG_PTR count = REGION_PAGES;
	void *results[REGION_PAGES];
	DWORD granularity;

	if (GetWriteWatch(RESET, regions[i], REGION_PAGES * PAGE_BYTES, results,
			  &count, &granularity))
		return false;
	return is_used(i) ?
	       count == 1 && results[0] == regions[i] + page_used(i) * PAGE_BYTES :
	       count == 0;
}

static void many_regions(void)
{
	size_t n_wrong = 0, n_maps = count_maps();
	uint64_t random = seed;

	for (size_t i = 0; i < N_REGIONS; i++)
		reserve(i);
	exchange(&random);
	for (size_t i = 0; i < N_REGIONS; i++)
		n_wrong += !is_right(i);
	ok(!n_wrong, "%d reservations: each has its own writes", N_REGIONS);
	if (n_wrong)
		diag("%zu are wrong", n_wrong);
	diag("%zu maps before, %zu with them", n_maps, count_maps());
	for (size_t i = N_REGIONS; i > 0; i--)
		release(regions[i - 1]);
	diag("%zu after", count_maps());
}

/* ---- The limit of maps ---- */

static char *commits;
static size_t n_commits;

static char *commit_at(size_t i)
{
	return commits + 2 * i * PAGE_BYTES;
}

/* Every other page, each a map of its own. */
static bool use_up_maps(void)
{
	commits = allocate(2 * MOST_COMMITS, MEM_RESERVE | MEM_WRITE_WATCH,
			   PAGE_READWRITE);
	while (n_commits < MOST_COMMITS &&
	       VirtualAlloc(commit_at(n_commits), 1, MEM_COMMIT, PAGE_READWRITE))
		n_commits++;
	return n_commits < MOST_COMMITS;
}

/* A reservation whose maps come out of what is left, and a zone. */
static void begin_at_limit(struct shadow *shadow, struct figures *figures)
{
	char *base = allocate(SHADOW_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);

	shadow_begin(shadow, base, seed, figures);
	shadow->zone = allocate(ZONE_PAGES, MEM_RESERVE, PAGE_READWRITE);
	release(shadow->zone);
	shadow->limited = true;
}

/* With a few maps left, then with none, then with a few again, as the shadow
 * needs more or less itself. */
static void go_on_at_limit(struct shadow *shadow)
{
	uint64_t random = seed + 1;

	for (size_t i = 0; i < STEPS; i++) {
		char *page = commit_at(n_commits - random_below(&random, 64));

		if (i % 100 == 0 && random_below(&random, 2))
			VirtualAlloc(page, 1, MEM_COMMIT, PAGE_READWRITE);
		else if (i % 100 == 0)
			VirtualFree(page, PAGE_BYTES, MEM_DECOMMIT);
		shadow_step(shadow);
	}
	shadow_take_all(shadow);
}

static void go_on(struct shadow *shadow)
{
	for (size_t i = 0; i < STEPS; i++)
		shadow_step(shadow);
	shadow_take_all(shadow);
}

/* What was committed before is watched as well as ever. */
static void write_the_rest(void)
{
	static void *results[MOST_COMMITS];
	ULONG_PTR count = MOST_COMMITS;
	size_t n = 0, i = 0;
	DWORD granularity;

	for (; i + 64 < n_commits; i += 8, n++)
		*commit_at(i) = 1;
	if (GetWriteWatch(RESET, commits, 2 * MOST_COMMITS * PAGE_BYTES, results,
			  &count, &granularity))
		bail_out("GetWriteWatch");
	for (i = 0; i < count && n; i++)
		n -= ((char *)results[i] - commits) / PAGE_BYTES % 16 == 0;
	ok(!n, "%zu commits before: all their writes are reported", n_commits);
}

static void many_maps(void)
{
	struct figures figures = { 0 };
	struct shadow shadow;

	begin_at_limit(&shadow, &figures);
	if (!use_up_maps()) {
		skip("the limit of maps", "it is higher than usual");
		release(commits);
		return;
	}
	diag("%zu maps", count_maps());
	go_on_at_limit(&shadow);
	ok(!figures.lost, "at the limit of maps no write is lost");
	if (!ok(!figures.wrong, "and what is refused has changed nothing"))
		diag("%s went wrong, error %u", shadow_calls[shadow.wrong],
		     shadow.error);
	ok(figures.refused, "some calls were refused");
	diag("%llu writes, %llu calls, %llu of them refused",
	     (unsigned long long)figures.writes,
	     (unsigned long long)figures.calls,
	     (unsigned long long)figures.refused);
	write_the_rest();
	release(commits);
	shadow.limited = false;
	go_on(&shadow);
	ok(!figures.lost && !figures.wrong, "with room again, none is refused");
	release(shadow.base);
}

int main(int argc, char **argv)
{
	watch_or_skip();
	seed = seed_of(argc, argv);
	if (uses_mprotect())
		skip("the limit of maps", "a write may need one there");
	else
		many_maps();
	many_regions();
	return done_testing();
}

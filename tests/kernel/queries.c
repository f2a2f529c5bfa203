/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queries are exact: rows on real memory, then a long random walk of one thread
 * beside a model of what must be reported. The first argument is the seed.
 */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { N_PAGES = 16 };

static void open_area(struct area *area, struct ww_regions *regions)
{
	area_reserve(area, regions, N_PAGES);
	area_commit(area, 0, N_PAGES);
}

static void single_pages(struct ww_regions *regions)
{
	struct area area;
	size_t page_size = ww_page_size();
	unsigned value = 1;

	open_area(&area, regions);
	is_written(&area, false, "", "fresh memory is clean");
	area_write(&area, 1);
	is_written(&area, false, "1", "one page is written");
	is_written(&area, true, "1", "it stays so until the reset");
	is_written(&area, false, "", "clean then");
	area_write(&area, 2);
	area_write(&area, 4);
	is_written(&area, false, "2,4", "two pages");
	is_written_in(&area, 3, 2, true, 2, "4", "a query of a part");
	is_written(&area, false, "2", "leaves the rest");
	area_write(&area, 4);
	area_reset(&area, 0, 3);
	is_written(&area, true, "4", "a reset of a part");
	area_write(&area, 4);
	memcpy(area.memory + 2 * page_size - 2, &value, sizeof(value));
	is_written(&area, false, "1-2,4", "a write across two pages");
	is_written_in(&area, 0, N_PAGES, true, 1, "1", "room for one page");
	is_written_in(&area, 0, N_PAGES, true, 2, "2,4", "room for the others");
	is_written_in(&area, 0, N_PAGES, true, 2, "", "and none is left");
	area_release(&area);
}

static void protection(struct ww_regions *regions)
{
	size_t n_bytes = N_PAGES * ww_page_size();
	struct area area;

	open_area(&area, regions);
	area_write(&area, 5);
	mprotect(area.memory, n_bytes, PROT_READ);
	is_written(&area, false, "5", "read-only memory");
	mprotect(area.memory, n_bytes, PROT_READ | PROT_WRITE);
	is_written(&area, false, "5", "writable again");
	mprotect(area.memory, n_bytes, PROT_NONE);
	is_written(&area, true, "5", "inaccessible memory");
	is_written(&area, false, "", "reset while inaccessible");
	mprotect(area.memory, n_bytes, PROT_READ | PROT_WRITE);
	area_write(&area, 0);
	area_write(&area, 1);
	area_write(&area, 5);
	area_write(&area, 9);
	is_written(&area, true, "0-1,5,9", "four pages in order");
	area_release(&area);
}

static int begin(struct ww_regions *regions, const char *start, size_t n_bytes)
{
	struct ww_query query;
	int ret = ww_query_begin(&query, regions, (uintptr_t)start, n_bytes);

	if (!ret)
		ww_query_end(&query);
	return ret;
}

static void ranges(struct ww_regions *regions)
{
	size_t page_size = ww_page_size(), n_bytes = N_PAGES * page_size;
	struct area area;
	sigset_t saved;

	open_area(&area, regions);
	ok(!begin(regions, area.memory, n_bytes), "a query of all");
	ok(begin(regions, area.memory, n_bytes + 1) == -ERANGE, "a byte too many");
	ok(begin(regions, area.memory - 1, 2) == -ENOENT, "a byte too early");
	ok(begin(regions, area.memory + n_bytes, 1) == -ENOENT, "behind it");
	ok(begin(regions, area.memory, (size_t)-2) == -ERANGE, "it wraps");
	ok(!begin(regions, area.memory + n_bytes - 1, 1), "the last byte");
	area_write(&area, 3);
	area_write(&area, 12);
	ww_regions_lock(regions, &saved);
	munmap(area_page(&area, 6), 4 * page_size);
	ww_regions_released(regions, (uintptr_t)area_page(&area, 6),
			    4 * page_size);
	ww_regions_unlock(regions, &saved);
	ok(begin(regions, area.memory, n_bytes) == -ERANGE, "a part is released");
	ok(begin(regions, area_page(&area, 7), 1) == -ENOENT, "inside that");
	ok(!ww_regions_watched(regions, (uintptr_t)area_page(&area, 6)) &&
	   ww_regions_watched(regions, (uintptr_t)area_page(&area, 10)),
	   "it is not watched, what is behind it is");
	is_written_in(&area, 0, 6, true, N_PAGES, "3", "the lower view");
	is_written_in(&area, 10, 6, true, N_PAGES, "12", "the upper view");
	area_release(&area);
	ok(begin(regions, area.memory, 1) == -ENOENT, "all is released");
}

static void reuse(struct ww_regions *regions)
{
	struct area area, again;
	bool clean = true;
	uintptr_t addresses[N_PAGES];
	int same = 0;

	for (int i = 0; i < 50; i++) {
		open_area(&area, regions);
		area_write(&area, 3);
		area_decommit(&area, 3, 1);
		area_release(&area);
		open_area(&again, regions);
		clean &= !area_get(&again, 0, N_PAGES, false, addresses, N_PAGES);
		same += again.memory == area.memory;
		area_release(&again);
	}
	ok(clean, "a new reservation is clean");
	diag("%d of 50 at the same address", same);
}

/* ---- The random walk ---- */

enum { MOST_PAGES = 5000 };

struct model {
	struct area area;
	bool committed[MOST_PAGES];
	bool written[MOST_PAGES];
};

static uint64_t random_state;

static size_t pick(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % n);
}

/* Mostly short ranges, now and then all. */
static void pick_range(const struct model *model, size_t *first, size_t *n)
{
	size_t most = pick(10) ? 40 : model->area.n_pages;

	*first = pick(model->area.n_pages);
	*n = 1 + pick(most);
	if (*n > model->area.n_pages - *first)
		*n = model->area.n_pages - *first;
}

static void write_some(struct model *model)
{
	size_t page = pick(model->area.n_pages);

	for (size_t i = 0; i < 8; i++) {
		if (model->committed[page]) {
			area_write(&model->area, page);
			model->written[page] = true;
		}
		page = pick(2) ? (page + 1) % model->area.n_pages
			       : pick(model->area.n_pages);
	}
}

static void read_some(struct model *model)
{
	size_t page = pick(model->area.n_pages);

	if (model->committed[page])
		(void)*(volatile char *)area_page(&model->area, page);
}

static void commit_some(struct model *model)
{
	size_t first, n;

	pick_range(model, &first, &n);
	area_commit(&model->area, first, n);
	memset(model->committed + first, 1, n);
}

static void decommit_some(struct model *model)
{
	size_t first, n;

	pick_range(model, &first, &n);
	area_decommit(&model->area, first, n);
	memset(model->committed + first, 0, n);
}

static void reset_some(struct model *model)
{
	size_t first, n;

	pick_range(model, &first, &n);
	area_reset(&model->area, first, n);
	memset(model->written + first, 0, n);
}

static bool get_some(struct model *model)
{
	static uintptr_t addresses[MOST_PAGES];
	bool reset = pick(2);
	size_t first, n, capacity, got, seen = 0;

	pick_range(model, &first, &n);
	capacity = 1 + pick(pick(2) ? 8 : n);
	got = area_get(&model->area, first, n, reset, addresses, capacity);
	for (size_t page = first; page < first + n && seen < capacity; page++) {
		if (!model->written[page])
			continue;
		if (seen >= got || addresses[seen] !=
				   (uintptr_t)area_page(&model->area, page)) {
			diag("Get of %zu pages from %zu, room %zu, reset %d: page "
			     "%zu is missing", n, first, capacity, reset, page);
			return false;
		}
		seen++;
		model->written[page] &= !reset;
	}
	if (seen != got)
		diag("Get of %zu pages from %zu, room %zu, reset %d: %zu pages "
		     "instead of %zu", n, first, capacity, reset, got, seen);
	return seen == got;
}

static bool one_step(struct model *model)
{
	size_t step = pick(100);

	if (step < 45)
		write_some(model);
	else if (step < 55)
		read_some(model);
	else if (step < 60)
		commit_some(model);
	else if (step < 64)
		decommit_some(model);
	else if (step < 70)
		reset_some(model);
	else
		return get_some(model);
	return true;
}

static void walk(struct ww_regions *regions, size_t n_pages, size_t n_steps)
{
	static struct model model;
	size_t step = 0;

	memset(&model, 0, sizeof(model));
	area_reserve(&model.area, regions, n_pages);
	while (step < n_steps && one_step(&model))
		step++;
	ok(step == n_steps, "%zu random steps on %zu pages", n_steps, n_pages);
	if (step < n_steps)
		diag("wrong at step %zu", step);
	area_release(&model.area);
}

int main(int argc, char **argv)
{
	struct ww_regions *regions = regions_or_skip();

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0)
				: (uint64_t)time(NULL) * 2654435761u;
	diag("seed %llu", (unsigned long long)random_state);
	single_pages(regions);
	protection(regions);
	ranges(regions);
	reuse(regions);
	walk(regions, 40, 30000);
	walk(regions, 700, 40000);
	walk(regions, MOST_PAGES, 30000);
	ww_regions_close(regions);
	return done_testing();
}

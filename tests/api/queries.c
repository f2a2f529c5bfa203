/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What queries store and what they reset: arrays of every size, ranges within
 * pages, more runs than one scan finds, and at random against a model. The
 * seed is the argument, or 1.
 */
#include "pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { N_PAGES = 16, MANY = 6000, N_STEPS = 3000 };

static struct ww *ww;

static void write_1_4_5_9(char *memory)
{
	ww_reset(ww, memory, N_PAGES * page_size());
	write_page(memory, 1);
	write_page(memory, 4);
	write_page(memory, 5);
	write_page(memory, 9);
}

/* ---- Room ---- */

struct room {
	size_t capacity;
	const char *stored;
	const char *left;	/* after a reset */
};

static const struct room addresses_room[] = {
	{ 1, "1", "4-5,9" },
	{ 2, "1,4", "5,9" },
	{ 3, "1,4-5", "9" },
	{ 4, "1,4-5,9", "" },
	{ 5, "1,4-5,9", "" },
	{ 100, "1,4-5,9", "" },
};

static void addresses_with(const struct room *room, char *memory)
{
	void *addresses[100];
	ssize_t n;

	diag("room for %zu", room->capacity);
	write_1_4_5_9(memory);
	n = ww_get(ww, memory, N_PAGES * page_size(), 0, addresses,
		   room->capacity);
	is_stored(addresses, n, memory, room->stored, "the lowest that fit");
	is_written(ww, memory, N_PAGES, "1,4-5,9", "without reset all stay");
	n = ww_get(ww, memory, N_PAGES * page_size(), WW_GET_RESET, addresses,
		   room->capacity);
	is_stored(addresses, n, memory, room->stored, "the same with reset");
	is_written(ww, memory, N_PAGES, room->left, "those alone are reset");
}

static const struct room runs_room[] = {
	{ 1, "1", "4-5,9" },
	{ 2, "1,4-5", "9" },
	{ 3, "1,4-5,9", "" },
	{ 4, "1,4-5,9", "" },
};

/* Runs as the addresses of their pages. */
static ssize_t expand(const struct ww_range *runs, ssize_t n, void **addresses)
{
	ssize_t n_pages = 0;

	for (ssize_t i = 0; i < n; i++)
		for (size_t at = 0; at < runs[i].n_bytes; at += page_size())
			addresses[n_pages++] = (char *)runs[i].start + at;
	return n_pages;
}

static void runs_with(const struct room *room, char *memory)
{
	struct ww_range runs[4];
	void *addresses[N_PAGES];
	ssize_t n;

	diag("room for %zu runs", room->capacity);
	for (unsigned int flags = 0; flags <= WW_GET_RESET; flags++) {
		write_1_4_5_9(memory);
		n = ww_get_runs(ww, memory, N_PAGES * page_size(), flags, runs,
				room->capacity);
		n = expand(runs, n, addresses);
		is_stored(addresses, n, memory, room->stored,
			  flags ? "the same with reset" : "the lowest that fit");
		is_written(ww, memory, N_PAGES, flags ? room->left : "1,4-5,9",
			   flags ? "those alone are reset" : "all stay");
	}
}

/* ---- Ranges ---- */

static void widened(char *memory)
{
	size_t size = page_size();
	void *addresses[N_PAGES];
	ssize_t n;

	write_1_4_5_9(memory);
	n = ww_get(ww, memory + 2 * size - 1, 1, 0, addresses, N_PAGES);
	is_stored(addresses, n, memory, "1", "the last byte of a page");
	n = ww_get(ww, memory + 2 * size - 1, 2 * size + 2, 0, addresses, N_PAGES);
	is_stored(addresses, n, memory, "1,4", "from within a page into another");
	n = ww_get(ww, memory + 2 * size, 2 * size, 0, addresses, N_PAGES);
	is_stored(addresses, n, memory, "", "clean pages between written ones");
	n = ww_get(ww, memory + 5 * size - 1, 2, WW_GET_RESET, addresses, N_PAGES);
	is_stored(addresses, n, memory, "4-5", "two bytes of two pages, reset");
	is_written(ww, memory, N_PAGES, "1,9", "their pages alone are reset");
	n = ww_reset(ww, memory + 9 * size + 5, 1);
	is_answer(n, 0, "reset of a byte");
	is_written(ww, memory, N_PAGES, "1", "its page is not written any more");
	n = ww_mark(ww, memory + 11 * size - 1, 2);
	is_answer(n, 0, "mark of two bytes of two pages");
	is_written(ww, memory, N_PAGES, "1,10-11", "both are written");
}

static void marked(char *memory)
{
	void *addresses[N_PAGES];
	ssize_t n;

	ww_reset(ww, memory, N_PAGES * page_size());
	ww_mark(ww, memory + 2 * page_size(), 4 * page_size());
	write_page(memory, 6);
	write_page(memory, 3);
	is_written(ww, memory, N_PAGES, "2-6", "marked and written pages");
	n = ww_get(ww, memory, N_PAGES * page_size(), WW_GET_RESET, addresses, 2);
	is_stored(addresses, n, memory, "2-3", "two of them, reset");
	is_written(ww, memory, N_PAGES, "4-6", "the others stay");
	ww_reset(ww, memory + 5 * page_size(), page_size());
	is_written(ww, memory, N_PAGES, "4,6", "one is reset");
	ww_reset(ww, memory, N_PAGES * page_size());
	is_written(ww, memory, N_PAGES, "", "all are");
	write_page(memory, 4);
	is_written(ww, memory, N_PAGES, "4", "a marked page is exact again");
	ww_mark(ww, memory, N_PAGES * page_size());
	is_written(ww, memory, N_PAGES, "0-15", "all are marked");
}

/* Results that lie in the memory they are about. */
static void in_watched_memory(char *memory)
{
	void **addresses = (void **)(memory + 7 * page_size());
	ssize_t n;

	write_1_4_5_9(memory);
	n = ww_get(ww, memory, N_PAGES * page_size(), WW_GET_RESET, addresses,
		   N_PAGES);
	is_stored(addresses, n, memory, "1,4-5,9", "an array in watched memory");
	is_written(ww, memory, N_PAGES, "7", "has written its page");
}

/* ---- Many runs ---- */

static void many_runs(size_t step, unsigned int flags, size_t capacity)
{
	char *memory = watched_pages(ww, MANY);
	void **addresses = calloc(MANY, sizeof(*addresses));
	size_t n_wanted = 0, n_wrong = 0, first = 0;
	ssize_t n;

	for (size_t page = 0; page < MANY; page += step)
		write_page(memory, page);
	do {
		n = ww_get(ww, memory + first * page_size(),
			   (MANY - first) * page_size(), flags, addresses,
			   capacity);
		for (ssize_t i = 0; i < n; i++)
			n_wrong += addresses[i] !=
				memory + n_wanted++ * step * page_size();
		if (!flags && n > 0)
			first = ((size_t)((char *)addresses[n - 1] - memory)) /
				page_size() + 1;
	} while (n == (ssize_t)capacity && first < MANY);
	ok(!n_wrong && n_wanted == (MANY + step - 1) / step,
	   "every page of %zu, %s, room for %zu", step,
	   flags ? "reset" : "walked", capacity);
	if (flags)
		is_written(ww, memory, MANY, "", "nothing is left");
	ww_unwatch(ww, memory, MANY * page_size());
	unmap_pages(memory, MANY);
	free(addresses);
}

static void many_runs_as_runs(void)
{
	char *memory = watched_pages(ww, MANY);
	struct ww_range *runs = calloc(MANY, sizeof(*runs));
	size_t n_wrong = 0;
	ssize_t n;

	for (size_t page = 0; page < MANY; page++)
		if (page % 4 != 3)
			write_page(memory, page);
	n = ww_get_runs(ww, memory, MANY * page_size(), WW_GET_RESET, runs, MANY);
	for (ssize_t i = 0; i < n; i++)
		n_wrong += runs[i].start !=
				   memory + 4 * (size_t)i * page_size() ||
			   runs[i].n_bytes != 3 * page_size();
	is_answer(n, MANY / 4, "runs of three pages");
	ok(!n_wrong, "all of them are");
	is_written(ww, memory, MANY, "", "nothing is left");
	memset(memory, 1, MANY * page_size());
	n = ww_get_runs(ww, memory, MANY * page_size(), 0, runs, MANY);
	ok(n == 1 && runs[0].start == memory &&
	   runs[0].n_bytes == MANY * page_size(), "all pages are one run");
	ww_unwatch(ww, memory, MANY * page_size());
	unmap_pages(memory, MANY);
	free(runs);
}

/* ---- At random ---- */

struct model {
	char *memory;
	size_t n_pages;
	bool *written;
	void **addresses;
	struct ww_range *runs;
	unsigned int seed;
	size_t n_wrong;
};

static size_t below(struct model *model, size_t limit)
{
	return (size_t)rand_r(&model->seed) % limit;
}

static void wrong(struct model *model, const char *what, size_t page)
{
	if (!model->n_wrong++)
		diag("first difference: %s at page %zu", what, page);
}

static void some_writes(struct model *model)
{
	size_t n = below(model, model->n_pages / 2);

	while (n--) {
		size_t page = below(model, model->n_pages);

		write_page(model->memory, page);
		model->written[page] = true;
	}
}

/* Pages first to first + n_pages, as bytes somewhere within the outer pages. */
static size_t some_bytes(struct model *model, size_t n_pages, size_t *offset)
{
	size_t size = page_size(), cut;

	*offset = below(model, size);
	cut = below(model, size);
	if (n_pages == 1 && *offset + cut >= size)
		cut = size - *offset - 1;
	return n_pages * size - *offset - cut;
}

/* What a query has stored, against what it should; and the model after it. */
static void compare(struct model *model, size_t first, size_t n_pages,
		    size_t max_pages, size_t max_runs, bool reset, size_t n)
{
	size_t found = 0, runs = 0, last = SIZE_MAX;

	for (size_t page = first; page < first + n_pages; page++) {
		if (!model->written[page])
			continue;
		runs += last == SIZE_MAX || page != last + 1;
		if (found == max_pages || runs > max_runs)
			break;
		last = page;
		if (found >= n || model->addresses[found] !=
		    model->memory + page * page_size())
			wrong(model, "stored", page);
		found++;
		if (reset)
			model->written[page] = false;
	}
	if (found != n)
		wrong(model, "count", n);
}

static void query(struct model *model, char *start, size_t n_bytes, size_t first,
		  size_t n_pages)
{
	size_t capacity = 1 + below(model, below(model, 2) ? 8 : model->n_pages);
	unsigned int flags = below(model, 2) ? WW_GET_RESET : 0;
	size_t max_pages = capacity, max_runs = SIZE_MAX;
	bool as_runs = below(model, 2);
	ssize_t n = as_runs ? ww_get_runs(ww, start, n_bytes, flags, model->runs,
					  capacity) :
			      ww_get(ww, start, n_bytes, flags, model->addresses,
				     capacity);

	if (n < 0 || n > (ssize_t)capacity) {
		wrong(model, "answer", (size_t)n);
		return;
	}
	if (as_runs) {
		for (ssize_t i = 1; i < n; i++)
			if ((char *)model->runs[i - 1].start +
			    model->runs[i - 1].n_bytes >=
			    (char *)model->runs[i].start)
				wrong(model, "adjacent run", (size_t)i);
		max_runs = capacity;
		max_pages = n == (ssize_t)capacity ? 0 : SIZE_MAX;
		n = expand(model->runs, n, model->addresses);
		/* the last that fits may go on behind its end */
		if (!max_pages)
			max_pages = (size_t)n;
	}
	compare(model, first, n_pages, max_pages, max_runs, flags, (size_t)n);
}

static void one_step(struct model *model)
{
	size_t first = below(model, model->n_pages);
	size_t n_pages = 1 + below(model, model->n_pages - first);
	size_t offset, n_bytes = some_bytes(model, n_pages, &offset);
	char *start = model->memory + first * page_size() + offset;

	switch (below(model, 8)) {
	case 0:
	case 1:
		some_writes(model);
		break;
	case 2:
		ww_reset(ww, start, n_bytes);
		memset(model->written + first, false, n_pages);
		break;
	case 3:
		n_pages = 1 + n_pages / 8;
		if (n_bytes > n_pages * page_size() - offset)
			n_bytes = n_pages * page_size() - offset;
		else
			n_pages = (offset + n_bytes + page_size() - 1) /
				  page_size();
		ww_mark(ww, start, n_bytes);
		memset(model->written + first, true, n_pages);
		break;
	default:
		query(model, start, n_bytes, first, n_pages);
	}
}

static void at_random(size_t n_pages, unsigned int seed)
{
	struct model model = {
		.memory = watched_pages(ww, n_pages),
		.n_pages = n_pages,
		.written = calloc(n_pages, sizeof(*model.written)),
		.addresses = calloc(n_pages, sizeof(*model.addresses)),
		.runs = calloc(n_pages, sizeof(*model.runs)),
		.seed = seed,
	};

	for (size_t step = 0; step < N_STEPS; step++)
		one_step(&model);
	ok(!model.n_wrong, "%d steps on %zu pages, seed %u", N_STEPS, n_pages,
	   seed);
	ww_unwatch(ww, model.memory, n_pages * page_size());
	unmap_pages(model.memory, n_pages);
	free(model.written);
	free(model.addresses);
	free(model.runs);
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? (unsigned int)atoi(argv[1]) : 1;
	char *memory;

	ww = open_or_skip();
	memory = watched_pages(ww, N_PAGES);
	for (size_t i = 0; i < sizeof(addresses_room) / sizeof(struct room); i++)
		addresses_with(&addresses_room[i], memory);
	for (size_t i = 0; i < sizeof(runs_room) / sizeof(struct room); i++)
		runs_with(&runs_room[i], memory);
	widened(memory);
	marked(memory);
	in_watched_memory(memory);
	for (unsigned int flags = 0; flags <= WW_GET_RESET; flags++) {
		many_runs(2, flags, MANY);
		many_runs(2, flags, 512);
		many_runs(2, flags, 513);
		many_runs(3, flags, 7);
		many_runs(1, flags, 1000);
	}
	many_runs_as_runs();
	at_random(16, seed);
	at_random(200, seed);
	at_random(MANY, seed);
	ww_close(ww);
	return done_testing();
}

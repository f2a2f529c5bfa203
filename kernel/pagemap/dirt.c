/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was known of pages when their soft-dirty bits were cleared. */
#include "dirt.h"

#include <errno.h>
#include <stdlib.h>

/* 47 bits of addresses: 21 under a page table, and 13 a step. */
enum { STEP = 1 << 13, PAGES = 512 };

struct ww_dirt_table {
	uint64_t written[PAGES / 64];
	uint64_t empty[PAGES / 64];
	uint64_t not_fresh[PAGES / 64];
};

static size_t table_of(uint64_t address)
{
	return (size_t)(address / WW_PAGEMAP_TABLE);
}

static size_t word_of(uint64_t address)
{
	return address / WW_PAGEMAP_PAGE % PAGES / 64;
}

static uint64_t bit_of(uint64_t address)
{
	return UINT64_C(1) << address / WW_PAGEMAP_PAGE % 64;
}

static struct ww_dirt_table *find(const struct ww_dirt *dirt, uint64_t address)
{
	size_t table = table_of(address);
	struct ww_dirt_table **step;

	if (!dirt->folder)
		return NULL;
	step = dirt->folder[table / STEP % STEP];
	return step ? step[table % STEP] : NULL;
}

static struct ww_dirt_table *make(struct ww_dirt *dirt, uint64_t address)
{
	size_t number = table_of(address);
	struct ww_dirt_table **step;

	if (!dirt->folder)
		dirt->folder = calloc(STEP, sizeof(*dirt->folder));
	if (!dirt->folder)
		return NULL;
	step = dirt->folder[number / STEP % STEP];
	if (!step)
		step = calloc(STEP, sizeof(*step));
	if (!step)
		return NULL;
	dirt->folder[number / STEP % STEP] = step;
	if (!step[number % STEP])
		step[number % STEP] = calloc(1, sizeof(**step));
	return step[number % STEP];
}

static bool in_fresh(const struct ww_dirt *dirt, uint64_t address)
{
	size_t low = 0, high = dirt->n_fresh;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dirt->fresh[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < dirt->n_fresh && dirt->fresh[low].start <= address;
}

unsigned ww_dirt_get(const struct ww_dirt *dirt, uint64_t address)
{
	const struct ww_dirt_table *table = find(dirt, address);
	size_t word = word_of(address);
	uint64_t bit = bit_of(address);
	unsigned bits = 0;

	if (table && table->written[word] & bit)
		bits |= WW_DIRT_WRITTEN;
	if (table && table->empty[word] & bit)
		bits |= WW_DIRT_EMPTY;
	if (!(table && table->not_fresh[word] & bit) && in_fresh(dirt, address))
		bits |= WW_DIRT_FRESH;
	return bits;
}

int ww_dirt_keep(struct ww_dirt *dirt, uint64_t address)
{
	struct ww_dirt_table *table = make(dirt, address);

	if (!table)
		return -ENOMEM;
	table->written[word_of(address)] |= bit_of(address);
	return 0;
}

void ww_dirt_occupied(struct ww_dirt *dirt, uint64_t address)
{
	struct ww_dirt_table *table = find(dirt, address);

	if (table)
		table->empty[word_of(address)] &= ~bit_of(address);
}

int ww_dirt_clean(struct ww_dirt *dirt, uint64_t address, bool mapping,
		  bool empty)
{
	struct ww_dirt_table *table = make(dirt, address);
	size_t word = word_of(address);
	uint64_t bit = bit_of(address);

	if (!table)
		return -ENOMEM;
	table->written[word] &= ~bit;
	if (mapping)
		table->not_fresh[word] |= bit;
	if (empty)
		table->empty[word] |= bit;
	return 0;
}

/* A mapping is new, so whatever was cleaned there was another's. */
static void renew(struct ww_dirt *dirt, const struct ww_mapping *mapping)
{
	uint64_t at = mapping->start;

	while (at < mapping->end) {
		struct ww_dirt_table *table = find(dirt, at);

		if (table) {
			table->not_fresh[word_of(at)] &= ~bit_of(at);
			table->empty[word_of(at)] &= ~bit_of(at);
			at += WW_PAGEMAP_PAGE;
		} else {
			at += WW_PAGEMAP_TABLE - at % WW_PAGEMAP_TABLE;
		}
	}
}

static void append(struct ww_dirt_range *list, size_t *n, uint64_t start,
		   uint64_t end)
{
	if (*n && list[*n - 1].end == start)
		list[*n - 1].end = end;
	else
		list[(*n)++] = (struct ww_dirt_range){ start, end };
}

/* The parts of the old list that lie in a mapping; both ascend. */
static void append_old(const struct ww_dirt *dirt, size_t *at,
		       const struct ww_mapping *mapping,
		       struct ww_dirt_range *list, size_t *n)
{
	for (; *at < dirt->n_fresh; ++*at) {
		struct ww_dirt_range part = dirt->fresh[*at];

		if (part.start >= mapping->end)
			return;
		if (part.start < mapping->start)
			part.start = mapping->start;
		if (part.end > mapping->end)
			part.end = mapping->end;
		if (part.start < part.end)
			append(list, n, part.start, part.end);
		if (dirt->fresh[*at].end > mapping->end)
			return;
	}
}

int ww_dirt_keep_fresh(struct ww_dirt *dirt, const struct ww_mappings *mappings)
{
	size_t room = dirt->n_fresh + 2 * mappings->n + 1, n = 0, at = 0;
	struct ww_dirt_range *list = malloc(room * sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < mappings->n; i++) {
		const struct ww_mapping *mapping = &mappings->item[i];

		if (mapping->facts & WW_MAPPING_SOFT_DIRTY) {
			renew(dirt, mapping);
			append(list, &n, mapping->start, mapping->end);
		} else {
			append_old(dirt, &at, mapping, list, &n);
		}
	}
	free(dirt->fresh);
	dirt->fresh = list;
	dirt->n_fresh = n;
	return 0;
}

static void free_step(struct ww_dirt_table **step)
{
	for (size_t i = 0; step && i < STEP; i++)
		free(step[i]);
	free(step);
}

void ww_dirt_free(struct ww_dirt *dirt)
{
	for (size_t i = 0; dirt->folder && i < STEP; i++)
		free_step(dirt->folder[i]);
	free(dirt->folder);
	free(dirt->fresh);
	*dirt = (struct ww_dirt){ 0 };
}

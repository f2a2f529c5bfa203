/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model of an address space as a source of pages. */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define USER_SPACE UINT64_C(0x7ffffffff000)
#define PAGE_FACTS ((unsigned)WW_MAPPING_WP - 1)

/* ---- Ranges ---- */

static size_t last(const struct ww_model *model, size_t first, size_t n_pages)
{
	if (first > model->n_pages)
		return first;
	return n_pages < model->n_pages - first ? first + n_pages :
						  model->n_pages;
}

static size_t table_start(size_t page)
{
	return page - page % WW_MODEL_TABLE;
}

static size_t number(const struct ww_model *model, uint64_t address)
{
	return (size_t)((address - model->base) / WW_PAGEMAP_PAGE);
}

uint64_t ww_model_at(const struct ww_model *model, size_t page)
{
	return model->base + page * WW_PAGEMAP_PAGE;
}

/* ---- Entries ---- */

static unsigned mapping_of(const struct ww_model_page *page)
{
	return page->facts & ~PAGE_FACTS;
}

static bool is_huge(const struct ww_model_page *page)
{
	return page->kind == WW_PAGES_HUGE || page->kind == WW_PAGES_HUGETLB;
}

/* What its contents say of a page; the rest of its facts stays. */
static void set_content(struct ww_model_page *page, unsigned content)
{
	static const unsigned facts[] = {
		[WW_MODEL_NOTHING] = 0,
		[WW_MODEL_DATA] = WW_PAGE_PRESENT,
		[WW_MODEL_ZERO] = WW_PAGE_PRESENT | WW_PAGE_ZERO,
		[WW_MODEL_SWAP] = WW_PAGE_SWAPPED,
		[WW_MODEL_MARKER] = WW_PAGE_SWAPPED,
		[WW_MODEL_MIGRATION] = WW_PAGE_SWAPPED,
		[WW_MODEL_GUARD] = WW_PAGE_SWAPPED | WW_PAGE_GUARD,
		[WW_MODEL_POISON] = WW_PAGE_SWAPPED,
	};
	unsigned kept = WW_PAGE_PROTECTED | WW_PAGE_SOFT_DIRTY | WW_PAGE_FILE;

	if (!is_huge(page))
		page->kind = content == WW_MODEL_NOTHING ? WW_PAGES_NONE :
							   WW_PAGES_ENTRY;
	if (content == WW_MODEL_NOTHING)
		kept = 0;
	page->content = (unsigned char)content;
	page->facts = mapping_of(page) | (page->facts & kept) | facts[content];
}

static bool can_fault(const struct ww_model_page *page)
{
	return page->mapped && page->accessible &&
	       page->content != WW_MODEL_GUARD &&
	       page->content != WW_MODEL_POISON;
}

static void make_table(struct ww_model *model, size_t page)
{
	size_t start = table_start(page);

	model->table[start / WW_MODEL_TABLE] = true;
	for (size_t i = start; i < last(model, start, WW_MODEL_TABLE); i++)
		if (model->page[i].kind == WW_PAGES_HOLE)
			model->page[i].kind = WW_PAGES_NONE;
}

static void drop_table(struct ww_model *model, size_t page)
{
	size_t start = table_start(page);

	model->table[start / WW_MODEL_TABLE] = false;
	for (size_t i = start; i < last(model, start, WW_MODEL_TABLE); i++)
		if (model->page[i].kind != WW_PAGES_HUGETLB)
			model->page[i].kind = WW_PAGES_HOLE;
}

void ww_model_split(struct ww_model *model, size_t page)
{
	size_t start = table_start(page);

	if (model->page[page].kind != WW_PAGES_HUGE)
		return;
	model->table[start / WW_MODEL_TABLE] = true;
	for (size_t i = start; i < start + WW_MODEL_TABLE; i++)
		model->page[i].kind = WW_PAGES_ENTRY;
}

static void cut_at(struct ww_model *model, size_t page)
{
	if (page < model->n_pages && page % WW_MODEL_TABLE)
		ww_model_split(model, page);
}

/* Huge pages that reach over an end of the range. */
static void split_ends(struct ww_model *model, size_t first, size_t end)
{
	if (first >= end)
		return;
	cut_at(model, first);
	cut_at(model, end);
}

/* ---- The source ---- */

static bool alike(const struct ww_model_page *page,
		  const struct ww_model_page *other)
{
	return other->mapped && page->kind == other->kind &&
	       page->facts == other->facts;
}

static int model_next(struct ww_pages *pages, uint64_t at, uint64_t end,
		      struct ww_pages_unit *unit)
{
	const struct ww_model *model = (const struct ww_model *)pages;
	uint64_t top = ww_model_at(model, model->n_pages);
	size_t i, stop, first;

	if (end > top)
		end = top;
	if (at < model->base)
		at = model->base;
	if (at >= end)
		return 0;
	stop = number(model, end);
	for (first = number(model, at); first < stop; first++)
		if (model->page[first].mapped)
			break;
	if (first == stop)
		return 0;
	if (stop > table_start(first) + WW_MODEL_TABLE)
		stop = table_start(first) + WW_MODEL_TABLE;
	for (i = first + 1; i < stop; i++)
		if (!alike(&model->page[first], &model->page[i]))
			break;
	unit->start = ww_model_at(model, first);
	unit->end = ww_model_at(model, i);
	unit->n_whole = is_huge(&model->page[first]) ? WW_PAGEMAP_TABLE :
						       unit->end - unit->start;
	unit->kind = model->page[first].kind;
	unit->facts = model->page[first].facts;
	if (!pages->soft_dirty)
		unit->facts &= ~((unsigned)WW_PAGE_SOFT_DIRTY |
				 WW_MAPPING_SOFT_DIRTY);
	return 1;
}

static int model_write_protect(struct ww_pages *pages, uint64_t start,
			       uint64_t end)
{
	struct ww_model *model = (struct ww_model *)pages;

	for (size_t i = number(model, start); i < number(model, end); i++) {
		struct ww_model_page *page = &model->page[i];

		if (page->kind == WW_PAGES_HOLE)
			make_table(model, i);
		if (page->content == WW_MODEL_NOTHING)
			set_content(page, WW_MODEL_MARKER);
		page->facts |= WW_PAGE_PROTECTED;
	}
	return 0;
}

static int model_clear_soft_dirty(struct ww_pages *pages, uint64_t start,
				  uint64_t end, bool mapping)
{
	struct ww_model *model = (struct ww_model *)pages;
	unsigned bits = WW_PAGE_SOFT_DIRTY;

	if (mapping)
		bits |= WW_MAPPING_SOFT_DIRTY;
	for (size_t i = number(model, start); i < number(model, end); i++)
		model->page[i].facts &= ~bits;
	return 0;
}

static int model_split(struct ww_pages *pages, uint64_t address)
{
	struct ww_model *model = (struct ww_model *)pages;

	ww_model_split(model, number(model, address));
	return 0;
}

static const struct ww_pages_ops model_ops = {
	.next = model_next,
	.write_protect = model_write_protect,
	.clear_soft_dirty = model_clear_soft_dirty,
	.split = model_split,
};

int ww_model_open(struct ww_model *model, uint64_t base, size_t n_pages)
{
	size_t n_tables = (n_pages + WW_MODEL_TABLE - 1) / WW_MODEL_TABLE;

	*model = (struct ww_model){
		.pages = { &model_ops, USER_SPACE, true },
		.base = base,
		.n_pages = n_pages,
		.page = calloc(n_pages, sizeof(*model->page)),
		.table = calloc(n_tables, sizeof(*model->table)),
	};
	if (model->page && model->table)
		return 0;
	ww_model_close(model);
	return -ENOMEM;
}

void ww_model_close(struct ww_model *model)
{
	free(model->page);
	free(model->table);
	model->page = NULL;
	model->table = NULL;
}

/* ---- Mappings ---- */

static bool any_mapped(const struct ww_model *model, size_t page)
{
	size_t start = table_start(page);

	for (size_t i = start; i < last(model, start, WW_MODEL_TABLE); i++)
		if (model->page[i].mapped)
			return true;
	return false;
}

/* The last mapping under a page table takes it along. */
void ww_model_unmap(struct ww_model *model, size_t first, size_t n_pages)
{
	size_t end = last(model, first, n_pages);

	split_ends(model, first, end);
	for (size_t i = first; i < end; i++) {
		model->page[i] = (struct ww_model_page){
			.kind = model->table[i / WW_MODEL_TABLE] ?
				WW_PAGES_NONE : WW_PAGES_HOLE,
		};
		if ((i + 1 == end || (i + 1) % WW_MODEL_TABLE == 0) &&
		    !any_mapped(model, i))
			drop_table(model, i);
	}
}

void ww_model_map(struct ww_model *model, size_t first, size_t n_pages,
		  unsigned mapping)
{
	size_t end = last(model, first, n_pages);

	ww_model_unmap(model, first, n_pages);
	for (size_t i = first; i < end; i++) {
		model->page[i].mapped = true;
		model->page[i].accessible = true;
		model->page[i].facts = mapping & ~PAGE_FACTS;
	}
}

void ww_model_map_hugetlb(struct ww_model *model, size_t first, size_t n_pages,
			  unsigned mapping)
{
	size_t end = last(model, first, n_pages);

	ww_model_map(model, first, n_pages, mapping | WW_MAPPING_FILE);
	for (size_t i = first; i < end; i++)
		model->page[i].kind = WW_PAGES_HUGETLB;
}

void ww_model_protect(struct ww_model *model, size_t first, size_t n_pages,
		      bool accessible)
{
	size_t end = last(model, first, n_pages);

	/* what changes nothing cuts no mapping either */
	if (first < end && model->page[first].accessible != accessible)
		cut_at(model, first);
	if (first < end && model->page[end - 1].accessible != accessible)
		cut_at(model, end);
	for (size_t i = first; i < end; i++)
		model->page[i].accessible = accessible;
}

static bool is_watched(const struct ww_model_page *page)
{
	return page->facts & WW_MAPPING_WP;
}

static bool is_registered(const struct ww_model_page *page)
{
	return (page->facts & WW_MAPPING_WATCHED) == WW_MAPPING_WATCHED;
}

void ww_model_register(struct ww_model *model, size_t first, size_t n_pages)
{
	size_t end = last(model, first, n_pages);

	if (first < end && !is_registered(&model->page[first]))
		cut_at(model, first);
	if (first < end && !is_registered(&model->page[end - 1]))
		cut_at(model, end);
	for (size_t i = first; i < end; i++)
		if (model->page[i].mapped)
			model->page[i].facts |= WW_MAPPING_WATCHED;
}

/* Linux 6.18 leaves the bit that a scan gave to a guard or to poison. */
static void forget_protection(struct ww_model_page *page)
{
	bool keeps = page->content == WW_MODEL_GUARD ||
		     page->content == WW_MODEL_POISON;

	page->facts &= ~(unsigned)WW_MAPPING_WATCHED;
	if (!keeps)
		page->facts &= ~(unsigned)WW_PAGE_PROTECTED;
	if (page->content == WW_MODEL_MARKER)
		set_content(page, WW_MODEL_NOTHING);
}

void ww_model_unregister(struct ww_model *model, size_t first, size_t n_pages)
{
	size_t end = last(model, first, n_pages);

	if (first < end && is_watched(&model->page[first]))
		cut_at(model, first);
	if (first < end && is_watched(&model->page[end - 1]))
		cut_at(model, end);
	for (size_t i = first; i < end; i++)
		if (is_watched(&model->page[i]))
			forget_protection(&model->page[i]);
}

/* ---- Accesses ---- */

/* Under one entry are 512 pages, in a page table one. */
static void write_entry(struct ww_model *model, size_t page)
{
	bool whole = is_huge(&model->page[page]);
	size_t first = whole ? table_start(page) : page;
	size_t end = whole ? first + WW_MODEL_TABLE : page + 1;

	for (size_t i = first; i < end; i++) {
		struct ww_model_page *entry = &model->page[i];

		set_content(entry, WW_MODEL_DATA);
		if (entry->facts & WW_MAPPING_FILE)
			entry->facts |= WW_PAGE_FILE;
		entry->facts &= ~(unsigned)WW_PAGE_PROTECTED;
		entry->facts |= WW_PAGE_SOFT_DIRTY;
	}
}

bool ww_model_write(struct ww_model *model, size_t page)
{
	struct ww_model_page *entry = &model->page[page];

	if (!can_fault(entry))
		return false;
	if (entry->kind == WW_PAGES_HOLE)
		make_table(model, page);
	/* a protected huge page is resolved page by page */
	if (entry->facts & WW_PAGE_PROTECTED)
		ww_model_split(model, page);
	write_entry(model, page);
	return true;
}

static void read_entry(struct ww_model_page *entry)
{
	bool file = entry->facts & WW_MAPPING_FILE;

	switch (entry->content) {
	case WW_MODEL_NOTHING:
	case WW_MODEL_MARKER:
		set_content(entry, file ? WW_MODEL_DATA : WW_MODEL_ZERO);
		if (file)
			entry->facts |= WW_PAGE_FILE;
		break;
	case WW_MODEL_SWAP:
	case WW_MODEL_MIGRATION:
		set_content(entry, WW_MODEL_DATA);
		break;
	}
}

bool ww_model_read(struct ww_model *model, size_t page)
{
	struct ww_model_page *entry = &model->page[page];
	size_t first = table_start(page);

	if (!can_fault(entry))
		return false;
	if (entry->kind == WW_PAGES_HOLE)
		make_table(model, page);
	if (!is_huge(entry)) {
		read_entry(entry);
		return true;
	}
	for (size_t i = first; i < first + WW_MODEL_TABLE; i++)
		read_entry(&model->page[i]);
	return true;
}

/* ---- Contents that come and go ---- */

static void discard_huge(struct ww_model *model, size_t first, size_t end)
{
	bool hugetlb = model->page[first].kind == WW_PAGES_HUGETLB;

	for (size_t i = first; i < end; i++)
		set_content(&model->page[i], WW_MODEL_NOTHING);
	if (!hugetlb)
		drop_table(model, first);
}

static void discard_entries(struct ww_model *model, size_t first, size_t end,
			    bool tables)
{
	for (size_t i = first; i < end; i++)
		if (model->page[i].mapped &&
		    model->page[i].content != WW_MODEL_GUARD &&
		    model->page[i].kind != WW_PAGES_HOLE)
			set_content(&model->page[i], WW_MODEL_NOTHING);
	if (!tables || end - first < WW_MODEL_TABLE)
		return;
	for (size_t i = first; i < end; i++)
		if (model->page[i].content != WW_MODEL_NOTHING)
			return;
	drop_table(model, first);
}

void ww_model_discard(struct ww_model *model, size_t first, size_t n_pages,
		      bool tables)
{
	size_t end = last(model, first, n_pages);

	split_ends(model, first, end);
	while (first < end) {
		size_t stop = last(model, first,
				   WW_MODEL_TABLE - first % WW_MODEL_TABLE);

		if (stop > end)
			stop = end;
		if (is_huge(&model->page[first]))
			discard_huge(model, first, stop);
		else
			discard_entries(model, first, stop, tables);
		first = stop;
	}
}

/* Of all pages that are data. */
static void replace_data(struct ww_model *model, size_t first, size_t end,
			 unsigned content)
{
	for (size_t i = first; i < end; i++) {
		ww_model_split(model, i);
		if (model->page[i].content == WW_MODEL_DATA)
			set_content(&model->page[i], content);
	}
}

void ww_model_swap_out(struct ww_model *model, size_t first, size_t n_pages)
{
	replace_data(model, first, last(model, first, n_pages), WW_MODEL_SWAP);
}

void ww_model_migrate(struct ww_model *model, size_t page, bool arrived)
{
	if (!arrived)
		replace_data(model, page, page + 1, WW_MODEL_MIGRATION);
	else if (model->page[page].content == WW_MODEL_MIGRATION)
		set_content(&model->page[page], WW_MODEL_DATA);
}

static void plant(struct ww_model *model, size_t first, size_t end,
		  unsigned content)
{
	split_ends(model, first, end);
	for (size_t i = first; i < end; i++) {
		if (!model->page[i].mapped ||
		    model->page[i].content == content)
			continue;
		ww_model_split(model, i);
		if (model->page[i].kind == WW_PAGES_HOLE)
			make_table(model, i);
		set_content(&model->page[i], WW_MODEL_NOTHING);
		set_content(&model->page[i], content);
	}
}

void ww_model_guard(struct ww_model *model, size_t first, size_t n_pages)
{
	plant(model, first, last(model, first, n_pages), WW_MODEL_GUARD);
}

void ww_model_unguard(struct ww_model *model, size_t first, size_t n_pages)
{
	for (size_t i = first; i < last(model, first, n_pages); i++)
		if (model->page[i].content == WW_MODEL_GUARD)
			set_content(&model->page[i], WW_MODEL_NOTHING);
}

void ww_model_poison(struct ww_model *model, size_t page)
{
	plant(model, page, page + 1, WW_MODEL_POISON);
}

/* One entry says the same of all its pages. */
static unsigned facts_of_huge(const struct ww_model_page *page, bool zero)
{
	unsigned facts = mapping_of(page);

	if (!zero)
		facts |= WW_PAGE_SOFT_DIRTY;
	if (!zero && facts & WW_MAPPING_FILE)
		facts |= WW_PAGE_FILE;
	return facts;
}

void ww_model_collapse(struct ww_model *model, size_t page, bool zero)
{
	size_t first = table_start(page);

	model->table[first / WW_MODEL_TABLE] = false;
	for (size_t i = first; i < first + WW_MODEL_TABLE; i++) {
		struct ww_model_page *entry = &model->page[i];

		entry->kind = WW_PAGES_HUGE;
		entry->facts = facts_of_huge(entry, zero);
		set_content(entry, zero ? WW_MODEL_ZERO : WW_MODEL_DATA);
	}
}

/* A child's memory is neither registered nor protected. */
int ww_model_fork(struct ww_model *child, const struct ww_model *parent)
{
	size_t n_tables = (parent->n_pages + WW_MODEL_TABLE - 1) /
			  WW_MODEL_TABLE;
	int error = ww_model_open(child, parent->base, parent->n_pages);

	if (error)
		return error;
	child->pages.soft_dirty = parent->pages.soft_dirty;
	memcpy(child->page, parent->page,
	       parent->n_pages * sizeof(*child->page));
	memcpy(child->table, parent->table, n_tables * sizeof(*child->table));
	for (size_t i = 0; i < child->n_pages; i++)
		if (is_watched(&child->page[i]))
			forget_protection(&child->page[i]);
	return 0;
}

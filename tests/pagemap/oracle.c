/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scan of v6 to v18, page by page and out of tables. */
#include "expected.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Arguments ---- */

static bool is_get(const struct question *q)
{
	return q->revision < V16 ? q->vec != 0 : q->flags & 1;
}

static bool is_apply(const struct question *q)
{
	return q->revision < V16 ? q->flags & 1 : q->flags & 2;
}

static bool outside(uint64_t start, uint64_t n, uint64_t each, uint64_t limit)
{
	return n > limit / each || start > limit || start + n * each > limit;
}

static bool other_masks(const struct question *q, bool excluded_too)
{
	return (q->required | q->anyof | (excluded_too ? q->excluded : 0)) >> 1;
}

static bool is_broken(enum rule rule, const struct question *q,
		      const struct ww_model *model)
{
	static const uint64_t sizes[] = { 0, 0, 88, 88 };
	static const uint64_t flags[] = { 3, 1, 3, 3 };
	uint64_t masks = q->required | q->anyof | q->excluded;
	uint64_t limit = model->pages.limit;

	switch (rule) {
	case END:
		return false;
	case SIZE:
		return q->size != sizes[q->revision];
	case FLAGS:
		return q->flags > flags[q->revision];
	case NO_LENGTH:
		return q->n_bytes == 0;
	case MASKS:
		return masks > 15 || q->returned > 15;
	case NO_SELECTION:
		return masks == 0;
	case GET_NO_SELECTION:
		return masks == 0 && is_get(q);
	case NO_RETURN:
		return q->returned == 0;
	case GET_NO_RETURN:
		return q->returned == 0 && is_get(q);
	case UNALIGNED:
		return q->start & 4095;
	case RANGE:
		return outside(q->start, q->n_bytes, 1, limit);
	case NO_VEC:
		return is_get(q) && q->vec == 0;
	case NO_VEC_LEN:
		return is_get(q) && q->vec_len == 0;
	case VEC_AS_BYTES:
		return is_get(q) && outside(q->vec, q->vec_len, 1, limit);
	case VEC:
		return is_get(q) && outside(q->vec, q->vec_len, 24, limit);
	case NO_SUCH_BIT:
		return !model->pages.soft_dirty &&
		       ((q->flags & 3) || ((q->required | q->anyof) & 1));
	case FLAG_MASKS:
		return q->flags != 0 && other_masks(q, false);
	case LIMIT_WITHOUT_GET:
		return q->flags == 2 && q->max_pages != 0;
	case WP_MASKS:
		return is_apply(q) && other_masks(q, true);
	}
	abort();
}

static int validate(const struct question *q, const struct ww_model *model)
{
	const struct expected_rule *rule = expected_rules[q->revision];

	for (; rule->rule != END; rule++)
		if (is_broken(rule->rule, q, model))
			return rule->error;
	return 0;
}

/* ---- What the tables say of a page ---- */

static const struct expected_entry *entry_of(const struct ww_model_page *page)
{
	bool is_protected = page->facts & WW_PAGE_PROTECTED;

	for (size_t i = 0; i < n_expected_entries; i++) {
		const struct expected_entry *entry = &expected_entries[i];

		if (entry->kind == page->kind &&
		    entry->content == page->content &&
		    entry->is_protected == is_protected)
			return entry;
	}
	abort();
}

static char enter(const struct question *q, const struct ww_model_page *page)
{
	unsigned facts = page->facts & (WW_MAPPING_WATCHED | WW_MAPPING_PFNMAP);
	int masks = (q->required | q->anyof) & 1 ? 0 : q->excluded & 1 ? 1 : 2;

	for (size_t i = 0; i < n_expected_mappings; i++)
		if (expected_mappings[i].facts == facts)
			return expected_mappings[i].enter[q->revision][masks];
	abort();
}

static bool is_dirty(const struct question *q, const struct ww_model_page *page)
{
	bool ignores_mapping = q->flags & 2;

	return page->facts & WW_PAGE_SOFT_DIRTY ||
	       (page->facts & WW_MAPPING_SOFT_DIRTY && !ignores_mapping);
}

static uint64_t bits_of(const struct question *q, const struct ww_model *model,
			const struct ww_model_page *page)
{
	uint64_t bits = entry_of(page)->bits[q->revision];

	if (page->facts & WW_MAPPING_FILE)
		bits |= WW_PM_V6_FILE;
	if (q->revision == V6 && model->pages.soft_dirty && is_dirty(q, page))
		bits |= WW_PM_V6_SOFT_DIRTY;
	return bits;
}

static bool is_selected(const struct question *q, uint64_t bits)
{
	if ((bits & q->required) != q->required)
		return false;
	if (q->anyof != 0 && (bits & q->anyof) == 0)
		return false;
	if ((bits & q->excluded) != 0)
		return false;
	return !is_get(q) || (bits & q->returned) != 0;
}

/* ---- A walk ---- */

struct walk {
	const struct ww_model *model;
	const struct question *q;
	struct verdict *verdict;
	size_t room;
	uint64_t n_pages;	/* delivered */
	size_t first;		/* of the range, and behind its last */
	uint64_t end;
	size_t armed;		/* behind the last hole that became a marker */
};

static struct ww_model_page *page_at(const struct walk *walk, size_t number)
{
	return &walk->verdict->page[number];
}

static char becomes(const struct walk *walk, size_t number)
{
	const struct ww_model_page *page = page_at(walk, number);
	char letter = entry_of(page)->becomes[walk->q->revision];

	if (!is_apply(walk->q))
		return '-';
	if (walk->q->revision == V6)
		return is_dirty(walk->q, page) ? 'c' : '-';
	return page->facts & WW_MAPPING_WP ? letter : '-';
}

static bool joins(const struct walk *walk, size_t number, uint64_t bits)
{
	const struct ww_pm_region *last = walk->verdict->region;

	if (!walk->verdict->n)
		return false;
	last += walk->verdict->n - 1;
	return last->bits == bits &&
	       last->start + last->n_pages_or_end == number;
}

static void deliver(struct walk *walk, size_t number, uint64_t bits)
{
	struct verdict *verdict = walk->verdict;

	walk->n_pages++;
	if (joins(walk, number, bits)) {
		verdict->region[verdict->n - 1].n_pages_or_end++;
		return;
	}
	if (verdict->n == walk->room)
		abort();
	verdict->region[verdict->n++] = (struct ww_pm_region){ number, 1, bits };
}

/* How much of a hugetlb page is to be protected: all of it or nothing. */
static bool is_whole(const struct walk *walk, size_t number, uint64_t n_left)
{
	size_t start = number - number % 512;

	return start >= walk->first && start + 512 <= walk->end &&
	       n_left >= start + 512 - number;
}

static int check_hugetlb(const struct walk *walk, size_t number)
{
	const struct question *q = walk->q;
	uint64_t n_left = UINT64_MAX;

	if (page_at(walk, number)->kind != WW_PAGES_HUGETLB)
		return 0;
	if (!is_whole(walk, number, n_left))
		return expected_cut[q->revision][0];
	if (is_get(q) && q->max_pages)
		n_left = q->max_pages - walk->n_pages;
	if (!is_whole(walk, number, n_left))
		return expected_cut[q->revision][1];
	return 0;
}

/* A page table where there was none turns the holes under it into empty
 * entries, but for those that are taken along with the first. */
static void settle(struct walk *walk, size_t number)
{
	const struct ww_model_page *before = &walk->model->page[number];

	if (before->kind != WW_PAGES_HOLE || !walk->armed ||
	    number / 512 != (walk->armed - 1) / 512)
		return;
	if (number != walk->armed || before->facts != before[-1].facts)
		page_at(walk, number)->kind = WW_PAGES_NONE;
}

static void make_table(struct walk *walk, size_t number)
{
	size_t start = number - number % 512;

	for (size_t i = start; i < start + 512 && i < walk->model->n_pages; i++)
		if (walk->verdict->page[i].kind == WW_PAGES_HOLE)
			walk->verdict->page[i].kind = WW_PAGES_NONE;
}

static void change(struct walk *walk, size_t number, char letter)
{
	struct ww_model_page *page = page_at(walk, number);

	switch (letter) {
	case 'c':
		page->facts &= ~(unsigned)WW_PAGE_SOFT_DIRTY;
		if (!(walk->q->flags & 2))
			page->facts &= ~(unsigned)WW_MAPPING_SOFT_DIRTY;
		break;
	case 'm':
		if (page->kind == WW_PAGES_HOLE)
			walk->armed = number + 1;
		if (page->kind != WW_PAGES_HUGETLB)
			page->kind = WW_PAGES_ENTRY;
		page->content = WW_MODEL_MARKER;
		page->facts |= WW_PAGE_SWAPPED | WW_PAGE_PROTECTED;
		break;
	case 'p':
		page->facts |= WW_PAGE_PROTECTED;
		break;
	}
}

/* 1 when the scan ends there, or -errno. */
static int take(struct walk *walk, size_t number, uint64_t bits)
{
	const struct question *q = walk->q;
	char letter = becomes(walk, number);
	int error;

	if (is_get(q) && !joins(walk, number, bits & q->returned) &&
	    walk->verdict->n == q->vec_len)
		return 1;
	error = letter == '-' ? 0 : check_hugetlb(walk, number);
	if (error)
		return error;
	if (is_get(q))
		deliver(walk, number, bits & q->returned);
	change(walk, number, letter);
	return is_get(q) && q->max_pages && walk->n_pages == q->max_pages;
}

static int visit(struct walk *walk, size_t number)
{
	const struct ww_model_page *page = page_at(walk, number);
	uint64_t bits;

	if (!page->mapped)
		return 0;
	settle(walk, number);
	bits = bits_of(walk->q, walk->model, page);
	if (bits & UNSEEN)
		return 0;
	switch (enter(walk->q, page)) {
	case 'E':
		return -EPERM;
	case 's':
		return 0;
	}
	if (walk->q->revision == V18 && is_apply(walk->q) &&
	    page->kind == WW_PAGES_HUGETLB &&
	    !is_whole(walk, number, UINT64_MAX))
		return expected_cut[V18][0];
	return is_selected(walk->q, bits) ? take(walk, number, bits) : 0;
}

/* ---- What is left ---- */

/* A huge page of which a part changed is none any more. */
static void split_changed(struct walk *walk, size_t start)
{
	const struct ww_model_page *before = &walk->model->page[start];
	struct ww_model_page *page = page_at(walk, start);
	size_t n = 0;

	for (size_t i = 0; i < 512; i++)
		n += page[i].facts != before[i].facts;
	for (size_t i = 0; i < 512 && n && n < 512; i++)
		page[i].kind = WW_PAGES_ENTRY;
}

static void finish(struct walk *walk)
{
	const struct ww_model *model = walk->model;

	for (size_t i = 0; i < model->n_pages; i++) {
		bool marked = page_at(walk, i)->kind == WW_PAGES_ENTRY &&
			      model->page[i].kind == WW_PAGES_HOLE;

		if (marked)
			make_table(walk, i);
		if (i % 512 == 0 && model->page[i].kind == WW_PAGES_HUGE)
			split_changed(walk, i);
	}
}

void oracle(const struct ww_model *model, const struct question *question,
	    struct verdict *verdict, size_t room)
{
	struct walk walk = {
		.model = model, .q = question, .verdict = verdict,
		.room = room,
	};
	size_t n_bytes = model->n_pages * sizeof(*verdict->page);
	int ended = validate(question, model);

	verdict->n = 0;
	memcpy(verdict->page, model->page, n_bytes);
	if (!ended) {
		walk.first = (size_t)((question->start - model->base) / 4096);
		walk.end = walk.first + (question->n_bytes + 4095) / 4096;
	}
	for (size_t i = walk.first;
	     i < walk.end && i < model->n_pages && !ended; i++)
		ended = visit(&walk, i);
	verdict->result = ended < 0 ? ended : (int)verdict->n;
	if (ended < 0)
		memcpy(verdict->page, model->page, n_bytes);
	else
		finish(&walk);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk of a scan: each unit of pages is looked at, selected, delivered and
 * changed, in this order and without a step back.
 */
#include "emit.h"
#include "revision.h"
#include "user.h"

#include <errno.h>

struct walk {
	const struct ww_pagemap_call *call;
	bool dry;		/* finds the error that a real walk would */
	uint64_t at;		/* done with everything below */
	bool full;
	struct ww_emit emit;
};

/* A unit with what the call makes of it. */
struct view {
	const struct ww_pages_unit *unit;
	uint64_t bits;		/* to deliver */
	bool changes;
	uint64_t end;		/* of the part that fits */
};

static bool selected(const struct ww_pagemap_call *call, uint64_t categories)
{
	categories ^= call->inverted;
	return (categories & call->required) == call->required &&
	       (!call->anyof || categories & call->anyof) &&
	       !(categories & call->excluded);
}

static bool in_page_table(const struct ww_pages_unit *unit)
{
	return unit->kind == WW_PAGES_NONE || unit->kind == WW_PAGES_ENTRY;
}

/* A reset of mainline takes everything in a page table (trap K6). */
static bool taken_unseen(const struct ww_pagemap_call *call,
			 const struct ww_pages_unit *unit)
{
	return call->revision->reset_ignores_masks && call->apply &&
	       !call->get && in_page_table(unit);
}

static bool look(const struct walk *walk, struct view *view)
{
	const struct ww_pagemap_call *call = walk->call;
	const struct ww_pagemap_revision *revision = call->revision;
	const struct ww_pages_unit *unit = view->unit;
	uint64_t categories = revision->categories(call, unit);

	view->bits = categories & call->returned;
	view->end = unit->end;
	if (taken_unseen(call, unit)) {
		view->changes = !(unit->facts & WW_PAGE_PROTECTED);
		return true;
	}
	view->changes = call->apply && revision->applies(unit, categories);
	return selected(call, categories) &&
	       !(call->get && revision->return_selects && !view->bits);
}

static bool cut(const struct view *view)
{
	return view->end - view->unit->start < view->unit->n_whole;
}

static bool cut_by_range(const struct ww_pages_unit *unit)
{
	return unit->end - unit->start < unit->n_whole;
}

/* v18 refuses a part of a hugetlb page before it looks at it. */
static bool refused_unseen(const struct ww_pagemap_call *call,
			   const struct ww_pages_unit *unit)
{
	return call->revision->hugetlb == WW_HUGETLB_EINVAL_ENOSPC &&
	       unit->kind == WW_PAGES_HUGETLB && call->apply &&
	       cut_by_range(unit);
}

static int refuse_part(struct walk *walk)
{
	switch (walk->call->revision->hugetlb) {
	case WW_HUGETLB_EPERM:
		return -EPERM;
	case WW_HUGETLB_EINVAL_ENOSPC:
		return -ENOSPC;
	case WW_HUGETLB_UNSEEN:
	case WW_HUGETLB_STOP:
		break;
	}
	walk->full = true;
	return 0;
}

static int change(const struct ww_pagemap_call *call, uint64_t start,
		  uint64_t end)
{
	struct ww_pages *pages = call->pages;

	if (call->revision->clears_soft_dirty)
		return pages->ops->clear_soft_dirty(pages, start, end,
						    !call->no_reused);
	return pages->ops->write_protect(pages, start, end);
}

/* Everything that can fail comes before the pages are delivered, so that there
 * is nothing to take back. */
static int deliver(struct walk *walk, const struct view *view)
{
	const struct ww_pagemap_call *call = walk->call;
	uint64_t start = view->unit->start;
	int error = 0;

	if (call->get)
		error = ww_emit_prepare(&walk->emit, start, view->bits);
	if (!error && view->changes && !walk->dry)
		error = change(call, start, view->end);
	if (error)
		return error;
	if (call->get)
		ww_emit_add(&walk->emit, start, view->end, view->bits);
	walk->at = view->end;
	walk->full = view->end < view->unit->end ||
		     (call->revision->stops_when_full && !walk->emit.n_left);
	return 0;
}

/* Once split, its pages are looked at one by one. Linux 6.18 delivers the huge
 * page before that and takes it back, but not the end of the region before:
 * seen with the differential test. */
static int split(struct walk *walk, const struct view *view)
{
	struct ww_pages *pages = walk->call->pages;

	if (walk->call->get && walk->call->revision->split_seals)
		ww_emit_seal(&walk->emit, view->unit->start, view->bits);
	return pages->ops->split(pages, view->unit->start);
}

static int take(struct walk *walk, struct view *view)
{
	const struct ww_pages_unit *unit = view->unit;

	if (walk->call->get)
		view->end = ww_emit_fits(&walk->emit, unit->start, unit->end,
					 view->bits);
	walk->full = view->end == unit->start;
	if (walk->full)
		return 0;
	if (view->changes && cut(view)) {
		if (unit->kind == WW_PAGES_HUGETLB)
			return refuse_part(walk);
		if (unit->kind == WW_PAGES_HUGE && !walk->dry)
			return split(walk, view);
	}
	return deliver(walk, view);
}

static int visit(struct walk *walk, const struct ww_pages_unit *unit)
{
	const struct ww_pagemap_call *call = walk->call;
	struct view view = { .unit = unit };
	int entered = call->revision->enter(call, unit->facts);

	walk->at = unit->start;
	if (entered < 0)
		return entered;
	if (!entered && refused_unseen(call, unit))
		return -EINVAL;
	if (!entered && look(walk, &view))
		return take(walk, &view);
	walk->at = unit->end;
	return 0;
}

static bool unseen(const struct ww_pagemap_call *call,
		   const struct ww_pages_unit *unit)
{
	return unit->kind == WW_PAGES_HUGETLB &&
	       call->revision->hugetlb == WW_HUGETLB_UNSEEN;
}

static int walk_pages(struct walk *walk, const struct ww_pagemap_call *call,
		      bool dry)
{
	struct ww_pages *pages = call->pages;
	struct ww_pages_unit unit;
	int error = 0, found;

	walk->call = call;
	walk->dry = dry;
	walk->at = call->start;
	walk->full = false;
	ww_emit_begin(&walk->emit, call, dry);
	while (!error && !walk->full) {
		found = pages->ops->next(pages, walk->at, call->end, &unit);
		if (found <= 0)
			return found;
		if (unseen(call, &unit))
			walk->at = unit.end;
		else
			error = visit(walk, &unit);
	}
	return error;
}

/* What was delivered before an error is not taken back from the caller. */
static int scan(struct walk *walk, const struct ww_pagemap_call *call)
{
	int error = 0, late;

	if (call->revision->fails_first && call->apply)
		error = walk_pages(walk, call, true);
	if (error)
		return error;
	error = walk_pages(walk, call, false);
	late = ww_emit_flush(&walk->emit);
	if (error || late)
		return error ? error : late;
	return (int)walk->emit.n_out;
}

static int report_walk_end(const struct walk *walk, uint64_t argument)
{
	const struct ww_pagemap_call *call = walk->call;
	uint64_t end = walk->full ? walk->at : call->end;

	if (!call->revision->walk_end_at)
		return 0;
	return ww_emit_write(call, argument + call->revision->walk_end_at, &end,
			     sizeof(end));
}

int ww_pagemap_engine_scan(const struct ww_pagemap_revision *revision,
			   struct ww_pages *pages, unsigned long request,
			   void *argument)
{
	uint64_t address = (uintptr_t)argument;
	struct ww_pagemap_call call = { .revision = revision, .pages = pages };
	union {
		struct ww_pm_arg_v6 v6;
		struct ww_pm_arg_v16 v16;
		struct ww_pm_arg_mainline mainline;
	} copy = { 0 };
	struct walk walk;
	int error, result;

	if (request != revision->request)
		return -EINVAL;
	error = ww_user_read(&copy, address, revision->n_argument);
	if (!error)
		error = ww_pagemap_decode(&call, &copy);
	if (error)
		return error;
	result = scan(&walk, &call);
	error = report_walk_end(&walk, address);
	return error ? error : result;
}

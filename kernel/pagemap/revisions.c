/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The revisions of PAGEMAP_SCAN, each a constant table of what it does. */
#include "abi.h"
#include "revision.h"

#include <errno.h>

/* ---- Arguments ---- */

static void load_v6(struct ww_pagemap_call *call, const void *argument)
{
	const struct ww_pm_arg_v6 *arg = argument;

	call->flags = arg->flags;
	call->start = arg->start;
	call->n_bytes = arg->n_bytes;
	call->vec = arg->vec;
	call->vec_len = arg->vec_len;
	call->max_pages = arg->max_pages;
	call->required = arg->required;
	call->anyof = arg->anyof;
	call->excluded = arg->excluded;
	call->returned = arg->returned;
	call->get = arg->vec;
	call->apply = arg->flags & WW_PM_V6_CLEAR;
}

static void load_v6_flags(struct ww_pagemap_call *call, const void *argument)
{
	load_v6(call, argument);
	call->no_reused = call->flags & WW_PM_V6_NO_REUSED;
}

static void load_v16(struct ww_pagemap_call *call, const void *argument)
{
	const struct ww_pm_arg_v16 *arg = argument;

	call->size = arg->size;
	call->flags = arg->flags;
	call->start = arg->start;
	call->n_bytes = arg->n_bytes;
	call->vec = arg->vec;
	call->vec_len = arg->vec_len;
	call->max_pages = arg->max_pages;
	call->required = arg->required;
	call->anyof = arg->anyof;
	call->excluded = arg->excluded;
	call->returned = arg->returned;
	call->get = arg->flags & WW_PM_V16_GET;
	call->apply = arg->flags & WW_PM_V16_WP;
}

static void load_mainline(struct ww_pagemap_call *call, const void *argument)
{
	const struct ww_pm_arg_mainline *arg = argument;

	call->size = arg->size;
	call->flags = arg->flags;
	call->start = arg->start;
	/* an end before the start wraps around, out of user space */
	call->n_bytes = arg->end - arg->start;
	call->vec = arg->vec;
	call->vec_len = arg->vec_len;
	call->max_pages = arg->max_pages;
	call->inverted = arg->inverted;
	call->required = arg->required;
	call->anyof = arg->anyof;
	call->returned = arg->returned;
	call->get = arg->vec && arg->vec_len;
	call->apply = arg->flags & WW_PM_WP_MATCHING;
	call->check = arg->flags & WW_PM_CHECK_WPASYNC;
}

/* ---- Rules of the arguments ---- */

static bool in_user_space(const struct ww_pagemap_call *call, uint64_t start,
			  uint64_t n_bytes)
{
	return n_bytes <= call->pages->limit &&
	       start <= call->pages->limit - n_bytes;
}

static bool bad_size(const struct ww_pagemap_call *call)
{
	return call->size != call->revision->n_argument;
}

static bool bad_flags(const struct ww_pagemap_call *call)
{
	return call->flags & ~call->revision->all_flags;
}

static bool bad_masks(const struct ww_pagemap_call *call)
{
	return (call->inverted | call->required | call->anyof | call->excluded |
		call->returned) & ~call->revision->all_categories;
}

static bool no_bytes(const struct ww_pagemap_call *call)
{
	return !call->n_bytes;
}

static bool unaligned(const struct ww_pagemap_call *call)
{
	return call->start % WW_PAGEMAP_PAGE;
}

static bool bad_range(const struct ww_pagemap_call *call)
{
	return !in_user_space(call, call->start, call->n_bytes);
}

static bool nothing_selected(const struct ww_pagemap_call *call)
{
	return !(call->required | call->anyof | call->excluded);
}

static bool nothing_returned(const struct ww_pagemap_call *call)
{
	return !call->returned;
}

static bool get_selects_nothing(const struct ww_pagemap_call *call)
{
	return call->get && nothing_selected(call);
}

static bool get_returns_nothing(const struct ww_pagemap_call *call)
{
	return call->get && nothing_returned(call);
}

static bool get_without_room(const struct ww_pagemap_call *call)
{
	return call->get && !call->vec_len;
}

static bool get_without_array(const struct ww_pagemap_call *call)
{
	return call->get && !call->vec;
}

static bool room_without_array(const struct ww_pagemap_call *call)
{
	return call->vec_len && !call->vec;
}

/* v6 counted the array in bytes. */
static bool bad_array_in_bytes(const struct ww_pagemap_call *call)
{
	return call->get && !in_user_space(call, call->vec, call->vec_len);
}

static bool bad_array(const struct ww_pagemap_call *call)
{
	uint64_t n_bytes = call->vec_len * sizeof(struct ww_pm_region);

	if (call->vec_len > UINT64_MAX / sizeof(struct ww_pm_region))
		n_bytes = UINT64_MAX;
	return call->vec && !in_user_space(call, call->vec, n_bytes);
}

static bool no_soft_dirty(const struct ww_pagemap_call *call)
{
	return !call->pages->soft_dirty &&
	       (call->flags & call->revision->all_flags ||
		(call->required | call->anyof) & WW_PM_V6_SOFT_DIRTY);
}

static bool flags_with_other_masks(const struct ww_pagemap_call *call)
{
	return call->flags &&
	       (call->required | call->anyof) & ~call->revision->written;
}

static bool apply_with_any_other_mask(const struct ww_pagemap_call *call)
{
	return call->apply && (call->required | call->anyof | call->excluded) &
			      ~call->revision->written;
}

static bool only_apply_with_limit(const struct ww_pagemap_call *call)
{
	return call->apply && !call->get && call->max_pages;
}

static const struct ww_pagemap_check v6_checks[] = {
	{ unaligned, -EINVAL },
	{ bad_range, -EINVAL },
	{ get_without_room, -ENOMEM },
	{ bad_array_in_bytes, -ENOMEM },
	{ no_soft_dirty, -EINVAL },
	{ bad_flags, -EINVAL },
	{ bad_masks, -EINVAL },
	{ nothing_selected, -EINVAL },
	{ nothing_returned, -EINVAL },
	{ flags_with_other_masks, -EINVAL },
	{ no_bytes, -EINVAL },
	{ 0 }
};

static const struct ww_pagemap_check v10_checks[] = {
	{ unaligned, -EINVAL },
	{ bad_range, -EINVAL },
	{ get_without_room, -EINVAL },
	{ bad_array, -EINVAL },
	{ bad_flags, -EINVAL },
	{ bad_masks, -EINVAL },
	{ get_selects_nothing, -EINVAL },
	{ get_returns_nothing, -EINVAL },
	{ flags_with_other_masks, -EINVAL },
	{ 0 }
};

static const struct ww_pagemap_check v16_checks[] = {
	{ bad_size, -EINVAL },
	{ bad_flags, -EINVAL },
	{ no_bytes, -EINVAL },
	{ bad_masks, -EINVAL },
	{ nothing_selected, -EINVAL },
	{ nothing_returned, -EINVAL },
	{ unaligned, -EINVAL },
	{ bad_range, -EFAULT },
	{ get_without_array, -EINVAL },
	{ get_without_room, -EINVAL },
	{ only_apply_with_limit, -EINVAL },
	{ apply_with_any_other_mask, -EINVAL },
	{ 0 }
};

static const struct ww_pagemap_check mainline_checks[] = {
	{ bad_size, -EINVAL },
	{ bad_flags, -EINVAL },
	{ bad_masks, -EINVAL },
	{ unaligned, -EINVAL },
	{ bad_range, -EFAULT },
	{ room_without_array, -EINVAL },
	{ bad_array, -EFAULT },
	{ 0 }
};

/* ---- Mappings ---- */

static bool has(unsigned facts, unsigned wanted)
{
	return (facts & wanted) == wanted;
}

static int skip_pfnmap(unsigned facts)
{
	return has(facts, WW_MAPPING_PFNMAP);
}

static int enter_v6(const struct ww_pagemap_call *call, unsigned facts)
{
	(void)call;
	return skip_pfnmap(facts);
}

/* The code of v10 was content with one of the two; its text asks for both. */
static int enter_v10(const struct ww_pagemap_call *call, unsigned facts)
{
	if ((call->required | call->anyof) & WW_PM_V10_WRITTEN &&
	    !has(facts, WW_MAPPING_WP | WW_MAPPING_ASYNC))
		return -EPERM;
	return skip_pfnmap(facts);
}

static bool written_in_a_mask(const struct ww_pagemap_call *call)
{
	return (call->required | call->anyof | call->excluded) &
	       WW_PM_V10_WRITTEN;
}

static int enter_v16(const struct ww_pagemap_call *call, unsigned facts)
{
	if (written_in_a_mask(call) &&
	    !has(facts, WW_MAPPING_WP | WW_MAPPING_ASYNC))
		return -EPERM;
	return skip_pfnmap(facts);
}

static int enter_v18(const struct ww_pagemap_call *call, unsigned facts)
{
	if (written_in_a_mask(call) &&
	    !has(facts, WW_MAPPING_ASYNC | WW_MAPPING_MARKERS))
		return -EPERM;
	return skip_pfnmap(facts);
}

static int enter_mainline(const struct ww_pagemap_call *call, unsigned facts)
{
	bool watched = has(facts, WW_MAPPING_WATCHED);
	uint64_t wanted = call->required & WW_PM_WPALLOWED;
	uint64_t found = watched ? WW_PM_WPALLOWED : 0;

	if (!watched && call->check)
		return -EPERM;
	if (!watched && call->apply)
		return 1;
	if (skip_pfnmap(facts))
		return 1;
	return ((found ^ call->inverted) & wanted) != wanted;
}

/* ---- Categories ---- */

struct bit {
	unsigned fact;
	uint64_t category;
};

static uint64_t translate(unsigned facts, const struct bit *bits)
{
	uint64_t categories = 0;

	for (; bits->fact; bits++)
		if (facts & bits->fact)
			categories |= bits->category;
	return categories;
}

static const struct bit v6_bits[] = {
	{ WW_MAPPING_FILE, WW_PM_V6_FILE },
	{ WW_PAGE_PRESENT, WW_PM_V6_PRESENT },
	{ WW_PAGE_SWAPPED, WW_PM_V6_SWAPPED },
	{ 0 }
};

static uint64_t categories_v6(const struct ww_pagemap_call *call,
			      const struct ww_pages_unit *unit)
{
	unsigned dirty = WW_PAGE_SOFT_DIRTY;

	if (!call->no_reused)
		dirty |= WW_MAPPING_SOFT_DIRTY;
	return translate(unit->facts, v6_bits) |
	       (unit->facts & dirty ? WW_PM_V6_SOFT_DIRTY : 0);
}

static uint64_t categories_v10(const struct ww_pagemap_call *call,
			       const struct ww_pages_unit *unit)
{
	bool written = unit->kind != WW_PAGES_HOLE &&
		       !(unit->facts & WW_PAGE_PROTECTED);

	(void)call;
	return translate(unit->facts, v6_bits) |
	       (written ? WW_PM_V10_WRITTEN : 0);
}

static const struct bit mainline_bits[] = {
	{ WW_MAPPING_SOFT_DIRTY, WW_PM_SOFT_DIRTY },
	{ WW_PAGE_FILE, WW_PM_FILE },
	{ WW_PAGE_PRESENT, WW_PM_PRESENT },
	{ WW_PAGE_SWAPPED, WW_PM_SWAPPED },
	{ WW_PAGE_ZERO, WW_PM_PFNZERO },
	{ WW_PAGE_SOFT_DIRTY, WW_PM_SOFT_DIRTY },
	{ WW_PAGE_GUARD, WW_PM_GUARD },
	{ 0 }
};

/* Before 2026, only the shortest way through the kernel took an empty entry for
 * a written page: the one for these very masks. */
static bool none_written(const struct ww_pagemap_call *call)
{
	return call->revision->untouched_written ||
	       (call->required == WW_PM_WRITTEN && !call->anyof &&
		!call->inverted && call->returned == WW_PM_WRITTEN);
}

static bool written_mainline(const struct ww_pagemap_call *call,
			     const struct ww_pages_unit *unit)
{
	switch (unit->kind) {
	case WW_PAGES_HOLE:
		return call->revision->untouched_written &&
		       unit->facts & WW_MAPPING_WP;
	case WW_PAGES_NONE:
		return none_written(call);
	case WW_PAGES_HUGETLB:
		if (!(unit->facts & (WW_PAGE_PRESENT | WW_PAGE_SWAPPED)))
			return false;
		break;
	case WW_PAGES_ENTRY:
	case WW_PAGES_HUGE:
		break;
	}
	return !(unit->facts & WW_PAGE_PROTECTED);
}

static uint64_t categories_mainline(const struct ww_pagemap_call *call,
				    const struct ww_pages_unit *unit)
{
	uint64_t categories = translate(unit->facts, mainline_bits);

	if (has(unit->facts, WW_MAPPING_WATCHED))
		categories |= WW_PM_WPALLOWED;
	if (unit->kind == WW_PAGES_HUGE || unit->kind == WW_PAGES_HUGETLB)
		categories |= WW_PM_HUGE;
	if (written_mainline(call, unit))
		categories |= WW_PM_WRITTEN;
	return categories & call->revision->all_categories;
}

/* ---- What changes ---- */

static bool applies_v6(const struct ww_pages_unit *unit, uint64_t categories)
{
	(void)unit;
	return categories & WW_PM_V6_SOFT_DIRTY;
}

static bool applies_v10(const struct ww_pages_unit *unit, uint64_t categories)
{
	(void)categories;
	return unit->facts & WW_MAPPING_WP &&
	       !(unit->facts & WW_PAGE_PROTECTED);
}

static bool applies_v16(const struct ww_pages_unit *unit, uint64_t categories)
{
	return unit->kind != WW_PAGES_HOLE && applies_v10(unit, categories);
}

static bool applies_mainline(const struct ww_pages_unit *unit,
			     uint64_t categories)
{
	return unit->kind == WW_PAGES_HOLE || categories & WW_PM_WRITTEN;
}

/* ---- The revisions ---- */

const struct ww_pagemap_revision ww_pagemap_v6 = {
	.request = WW_PM_SCAN_V6,
	.n_argument = sizeof(struct ww_pm_arg_v6),
	.all_flags = WW_PM_V6_CLEAR | WW_PM_V6_NO_REUSED,
	.all_categories = WW_PM_V6_ALL,
	.written = WW_PM_V6_SOFT_DIRTY,
	.load = load_v6_flags,
	.checks = v6_checks,
	.enter = enter_v6,
	.categories = categories_v6,
	.applies = applies_v6,
	.hugetlb = WW_HUGETLB_UNSEEN,
	.clears_soft_dirty = true,
	.return_selects = true,
	.stops_when_full = true,
};

const struct ww_pagemap_revision ww_pagemap_v10 = {
	.request = WW_PM_SCAN_V6,
	.n_argument = sizeof(struct ww_pm_arg_v6),
	.all_flags = WW_PM_V10_WP_ENGAGE,
	.all_categories = WW_PM_V6_ALL,
	.written = WW_PM_V10_WRITTEN,
	.load = load_v6,
	.checks = v10_checks,
	.enter = enter_v10,
	.categories = categories_v10,
	.applies = applies_v10,
	.hugetlb = WW_HUGETLB_UNSEEN,
	.return_selects = true,
	.stops_when_full = true,
	.fails_first = true,
};

const struct ww_pagemap_revision ww_pagemap_v16 = {
	.request = WW_PM_SCAN_V16,
	.n_argument = sizeof(struct ww_pm_arg_v16),
	.all_flags = WW_PM_V16_GET | WW_PM_V16_WP,
	.all_categories = WW_PM_V6_ALL,
	.written = WW_PM_V10_WRITTEN,
	.load = load_v16,
	.checks = v16_checks,
	.enter = enter_v16,
	.categories = categories_v10,
	.applies = applies_v16,
	.hugetlb = WW_HUGETLB_EPERM,
	.return_selects = true,
	.stops_when_full = true,
	.fails_first = true,
};

const struct ww_pagemap_revision ww_pagemap_v18 = {
	.request = WW_PM_SCAN_V16,
	.n_argument = sizeof(struct ww_pm_arg_v16),
	.all_flags = WW_PM_V16_GET | WW_PM_V16_WP,
	.all_categories = WW_PM_V6_ALL,
	.written = WW_PM_V10_WRITTEN,
	.load = load_v16,
	.checks = v16_checks,
	.enter = enter_v18,
	.categories = categories_v10,
	.applies = applies_v16,
	.hugetlb = WW_HUGETLB_EINVAL_ENOSPC,
	.return_selects = true,
	.stops_when_full = true,
	.fails_first = true,
};

#define MAINLINE \
	.request = WW_PM_SCAN_MAINLINE, \
	.n_argument = sizeof(struct ww_pm_arg_mainline), \
	.all_flags = WW_PM_WP_MATCHING | WW_PM_CHECK_WPASYNC, \
	.written = WW_PM_WRITTEN, \
	.walk_end_at = offsetof(struct ww_pm_arg_mainline, walk_end), \
	.load = load_mainline, \
	.checks = mainline_checks, \
	.enter = enter_mainline, \
	.categories = categories_mainline, \
	.applies = applies_mainline, \
	.hugetlb = WW_HUGETLB_STOP, \
	.region_has_end = true, \
	.split_seals = true, \
	.reset_ignores_masks = true

const struct ww_pagemap_revision ww_pagemap_mainline = {
	MAINLINE,
	.all_categories = WW_PM_GUARD - 1,
};

const struct ww_pagemap_revision ww_pagemap_mainline_2026 = {
	MAINLINE,
	.all_categories = WW_PM_GUARD - 1,
	.untouched_written = true,
};

const struct ww_pagemap_revision ww_pagemap_guard = {
	MAINLINE,
	.all_categories = 2 * WW_PM_GUARD - 1,
};

const struct ww_pagemap_revision ww_pagemap_guard_2026 = {
	MAINLINE,
	.all_categories = 2 * WW_PM_GUARD - 1,
	.untouched_written = true,
};

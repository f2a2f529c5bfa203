/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scans of a model address space, with answers as text. */
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define BASE UINT64_C(0x40000000)
#define CANARY 0xa5

struct ww_model model;

static struct ww_pm_region regions[ANSWER_REGIONS + 1];
static char text[64 * ANSWER_REGIONS];

void fresh(size_t n_pages, unsigned mapping)
{
	ww_model_close(&model);
	assert_int_equal(ww_model_open(&model, BASE, n_pages), 0);
	ww_model_map(&model, 0, n_pages, mapping);
}

void write_pages(size_t first, size_t n_pages)
{
	for (size_t i = first; i < first + n_pages; i++)
		assert_true(ww_model_write(&model, i));
}

void read_pages(size_t first, size_t n_pages)
{
	for (size_t i = first; i < first + n_pages; i++)
		assert_true(ww_model_read(&model, i));
}

void protect_pages(size_t first, size_t n_pages)
{
	assert_int_equal(model.pages.ops->write_protect(
		&model.pages, ww_model_at(&model, first),
		ww_model_at(&model, first + n_pages)), 0);
}

bool is_protected(size_t page)
{
	return model.page[page].facts & WW_PAGE_PROTECTED;
}

const char *error_name(int result)
{
	switch (-result) {
	case EINVAL:
		return "EINVAL";
	case EFAULT:
		return "EFAULT";
	case EPERM:
		return "EPERM";
	case ENOMEM:
		return "ENOMEM";
	case ENOSPC:
		return "ENOSPC";
	}
	return "another error";
}

const char *raw(const struct ww_pagemap_revision *revision,
		unsigned long request, void *argument)
{
	int result = ww_pagemap_engine_scan(revision, &model.pages, request,
					    argument);

	if (result < 0)
		return error_name(result);
	snprintf(text, sizeof(text), "%d", result);
	return text;
}

static bool is_mainline(const struct ask *ask)
{
	return ask->revision == &ww_pagemap_mainline ||
	       ask->revision == &ww_pagemap_mainline_2026 ||
	       ask->revision == &ww_pagemap_guard ||
	       ask->revision == &ww_pagemap_guard_2026;
}

static bool is_v16(const struct ask *ask)
{
	return ask->revision == &ww_pagemap_v16 ||
	       ask->revision == &ww_pagemap_v18;
}

static size_t number(uint64_t address)
{
	return (address - BASE) / WW_PAGEMAP_PAGE;
}

static void print(const struct ask *ask, int result, uint64_t walk_end,
		  uint64_t end)
{
	char *at = text;

	at += sprintf(at, "%d:", result);
	for (int i = 0; i < result; i++) {
		size_t first = number(regions[i].start);
		size_t last = is_mainline(ask) ?
			number(regions[i].n_pages_or_end) - 1 :
			first + regions[i].n_pages_or_end - 1;

		at += sprintf(at, first == last ? " %zu" : " %zu-%zu", first,
			      last);
		at += sprintf(at, "=%llx", (unsigned long long)regions[i].bits);
	}
	if (is_mainline(ask) && walk_end != end)
		sprintf(at, " @%zu", number(walk_end));
}

static void no_overrun(int result, uint64_t vec_len)
{
	const unsigned char *bytes = (const unsigned char *)regions;
	size_t n = vec_len < ANSWER_REGIONS ? vec_len : ANSWER_REGIONS;

	assert_true(result <= (int)n);
	for (size_t i = n * sizeof(*regions); i < sizeof(regions); i++)
		assert_int_equal(bytes[i], CANARY);
}

/* A call, in the terms of all revisions. */
struct call {
	const struct ask *ask;
	uint64_t start;
	uint64_t n_bytes;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t walk_end;
};

static int scan_v6(struct call *call)
{
	struct ww_pm_arg_v6 arg = {
		.start = call->start, .n_bytes = call->n_bytes,
		.vec = call->vec, .vec_len = call->vec_len,
		.max_pages = call->ask->max_pages, .flags = call->ask->flags,
		.required = call->ask->required, .anyof = call->ask->anyof,
		.excluded = call->ask->excluded,
		.returned = call->ask->returned,
	};

	return ww_pagemap_engine_scan(call->ask->revision, &model.pages,
				      WW_PM_SCAN_V6, &arg);
}

static int scan_v16(struct call *call)
{
	struct ww_pm_arg_v16 arg = {
		.size = sizeof(arg), .flags = call->ask->flags,
		.start = call->start, .n_bytes = call->n_bytes,
		.vec = call->vec, .vec_len = call->vec_len,
		.max_pages = call->ask->max_pages,
		.required = call->ask->required, .anyof = call->ask->anyof,
		.excluded = call->ask->excluded,
		.returned = call->ask->returned,
	};

	return ww_pagemap_engine_scan(call->ask->revision, &model.pages,
				      WW_PM_SCAN_V16, &arg);
}

static int scan_mainline(struct call *call)
{
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg), .flags = call->ask->flags,
		.start = call->start, .end = call->start + call->n_bytes,
		.vec = call->vec, .vec_len = call->vec_len,
		.max_pages = call->ask->max_pages,
		.inverted = call->ask->inverted,
		.required = call->ask->required, .anyof = call->ask->anyof,
		.returned = call->ask->returned,
	};
	int result = ww_pagemap_engine_scan(call->ask->revision, &model.pages,
					    WW_PM_SCAN_MAINLINE, &arg);

	call->walk_end = arg.walk_end;
	return result;
}

static int scan(struct call *call)
{
	memset(regions, CANARY, sizeof(regions));
	if (is_mainline(call->ask))
		return scan_mainline(call);
	return is_v16(call->ask) ? scan_v16(call) : scan_v6(call);
}

static uint64_t array_of(const struct ask *ask)
{
	if (ask->no_vec)
		return 0;
	return ask->vec ? ask->vec : (uintptr_t)regions;
}

static uint64_t room_of(const struct ask *ask)
{
	if (ask->vec_len || ask->no_vec)
		return ask->vec_len;
	return ANSWER_REGIONS;
}

const char *answer(const struct ask *ask)
{
	size_t n_pages = ask->n_pages ? ask->n_pages :
					model.n_pages - ask->first;
	struct call call = {
		.ask = ask,
		.start = ww_model_at(&model, ask->first),
		.n_bytes = n_pages * WW_PAGEMAP_PAGE + ask->n_more_bytes,
		.vec = array_of(ask),
		.vec_len = room_of(ask),
	};
	uint64_t end = call.start + call.n_bytes + WW_PAGEMAP_PAGE - 1;
	int result = scan(&call);

	no_overrun(result < 0 ? 0 : result, call.vec_len);
	if (result < 0)
		return error_name(result);
	print(ask, result, call.walk_end, end - end % WW_PAGEMAP_PAGE);
	return text;
}

char *last_page(void)
{
	char *pages = mmap(NULL, 2 * WW_PAGEMAP_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(munmap(pages + WW_PAGEMAP_PAGE, WW_PAGEMAP_PAGE), 0);
	return pages;
}

char *read_only_page(void)
{
	char *page = mmap(NULL, WW_PAGEMAP_PAGE, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	return page;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What v6 to v18 say of arguments, mappings and entries, as literals. Where the
 * posted code did not do what its text says, the text stands here.
 */
#include "expected.h"

#include <errno.h>

const struct expected_rule expected_rules[N_REVISIONS][16] = {
	[V6] = {
		{ UNALIGNED, -EINVAL },
		{ RANGE, -EINVAL },
		{ NO_VEC_LEN, -ENOMEM },
		{ VEC_AS_BYTES, -ENOMEM },
		{ NO_SUCH_BIT, -EINVAL },
		{ FLAGS, -EINVAL },
		{ MASKS, -EINVAL },
		{ NO_SELECTION, -EINVAL },
		{ NO_RETURN, -EINVAL },
		{ FLAG_MASKS, -EINVAL },
		{ NO_LENGTH, -EINVAL },
	},
	[V10] = {
		{ UNALIGNED, -EINVAL },
		{ RANGE, -EINVAL },
		{ NO_VEC_LEN, -EINVAL },
		{ VEC, -EINVAL },
		{ FLAGS, -EINVAL },
		{ MASKS, -EINVAL },
		{ GET_NO_SELECTION, -EINVAL },
		{ GET_NO_RETURN, -EINVAL },
		{ FLAG_MASKS, -EINVAL },
	},
	[V16] = {
		{ SIZE, -EINVAL },
		{ FLAGS, -EINVAL },
		{ NO_LENGTH, -EINVAL },
		{ MASKS, -EINVAL },
		{ NO_SELECTION, -EINVAL },
		{ NO_RETURN, -EINVAL },
		{ UNALIGNED, -EINVAL },
		{ RANGE, -EFAULT },
		{ NO_VEC, -EINVAL },
		{ NO_VEC_LEN, -EINVAL },
		{ LIMIT_WITHOUT_GET, -EINVAL },
		{ WP_MASKS, -EINVAL },
	},
	[V18] = {
		{ SIZE, -EINVAL },
		{ FLAGS, -EINVAL },
		{ NO_LENGTH, -EINVAL },
		{ MASKS, -EINVAL },
		{ NO_SELECTION, -EINVAL },
		{ NO_RETURN, -EINVAL },
		{ UNALIGNED, -EINVAL },
		{ RANGE, -EFAULT },
		{ NO_VEC, -EINVAL },
		{ NO_VEC_LEN, -EINVAL },
		{ LIMIT_WITHOUT_GET, -EINVAL },
		{ WP_MASKS, -EINVAL },
	},
};

#define W WW_PM_V10_WRITTEN
#define P WW_PM_V6_PRESENT
#define S WW_PM_V6_SWAPPED
#define NO UNSEEN

const struct expected_entry expected_entries[] = {
	/* kind, content, protected; v6, v10, v16, v18; becomes */
	{ WW_PAGES_HOLE, WW_MODEL_NOTHING, false, { 0, 0, 0, 0 }, "-m--" },
	{ WW_PAGES_NONE, WW_MODEL_NOTHING, false, { 0, W, W, W }, "-mmm" },

	{ WW_PAGES_ENTRY, WW_MODEL_DATA, false, { P, W|P, W|P, W|P }, "-ppp" },
	{ WW_PAGES_ENTRY, WW_MODEL_DATA, true, { P, P, P, P }, "----" },
	{ WW_PAGES_ENTRY, WW_MODEL_ZERO, false, { P, W|P, W|P, W|P }, "-ppp" },
	{ WW_PAGES_ENTRY, WW_MODEL_ZERO, true, { P, P, P, P }, "----" },
	{ WW_PAGES_ENTRY, WW_MODEL_SWAP, false, { S, W|S, W|S, W|S }, "-ppp" },
	{ WW_PAGES_ENTRY, WW_MODEL_SWAP, true, { S, S, S, S }, "----" },
	{ WW_PAGES_ENTRY, WW_MODEL_MIGRATION, false, { S, W|S, W|S, W|S },
	  "-ppp" },
	{ WW_PAGES_ENTRY, WW_MODEL_MIGRATION, true, { S, S, S, S }, "----" },
	{ WW_PAGES_ENTRY, WW_MODEL_MARKER, true, { S, S, S, S }, "----" },
	{ WW_PAGES_ENTRY, WW_MODEL_GUARD, false, { S, W|S, W|S, W|S }, "-ppp" },
	{ WW_PAGES_ENTRY, WW_MODEL_GUARD, true, { S, S, S, S }, "----" },
	{ WW_PAGES_ENTRY, WW_MODEL_POISON, false, { S, W|S, W|S, W|S }, "-ppp" },
	{ WW_PAGES_ENTRY, WW_MODEL_POISON, true, { S, S, S, S }, "----" },

	{ WW_PAGES_HUGE, WW_MODEL_DATA, false, { P, W|P, W|P, W|P }, "-ppp" },
	{ WW_PAGES_HUGE, WW_MODEL_DATA, true, { P, P, P, P }, "----" },
	{ WW_PAGES_HUGE, WW_MODEL_ZERO, false, { P, W|P, W|P, W|P }, "-ppp" },
	{ WW_PAGES_HUGE, WW_MODEL_ZERO, true, { P, P, P, P }, "----" },

	{ WW_PAGES_HUGETLB, WW_MODEL_NOTHING, false, { NO, NO, W, W }, "--mm" },
	{ WW_PAGES_HUGETLB, WW_MODEL_DATA, false, { NO, NO, W|P, W|P }, "--pp" },
	{ WW_PAGES_HUGETLB, WW_MODEL_DATA, true, { NO, NO, P, P }, "----" },
	{ WW_PAGES_HUGETLB, WW_MODEL_MARKER, true, { NO, NO, S, S }, "----" },
};
const size_t n_expected_entries =
	sizeof(expected_entries) / sizeof(expected_entries[0]);

#define WP WW_MAPPING_WP
#define ASYNC WW_MAPPING_ASYNC
#define MARKERS WW_MAPPING_MARKERS
#define PFNMAP WW_MAPPING_PFNMAP

const struct expected_mapping expected_mappings[] = {
	{ 0,				{ "www", "Eww", "EEw", "EEw" } },
	{ WP,				{ "www", "Eww", "EEw", "EEw" } },
	{ ASYNC,			{ "www", "Eww", "EEw", "EEw" } },
	{ WP | ASYNC,			{ "www", "www", "www", "EEw" } },
	{ ASYNC | MARKERS,		{ "www", "Eww", "EEw", "www" } },
	{ WP | ASYNC | MARKERS,		{ "www", "www", "www", "www" } },
	{ PFNMAP,			{ "sss", "Ess", "EEs", "EEs" } },
	{ PFNMAP | WP | ASYNC | MARKERS, { "sss", "sss", "sss", "sss" } },
};
const size_t n_expected_mappings =
	sizeof(expected_mappings) / sizeof(expected_mappings[0]);

const int expected_cut[N_REVISIONS][2] = {
	[V16] = { -EPERM, -EPERM },
	[V18] = { -EINVAL, -ENOSPC },
};

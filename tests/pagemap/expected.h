/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What v6 to v18 must answer, written down a second time: tables of literals,
 * and an oracle that looks them up page by page.
 */
#ifndef TESTS_PAGEMAP_EXPECTED_H
#define TESTS_PAGEMAP_EXPECTED_H

#include "../../kernel/pagemap/abi.h"
#include "../../kernel/pagemap/model.h"

enum { V6, V10, V16, V18, N_REVISIONS };

/* ---- The tables (rules.c) ---- */

/* Rules of the arguments. */
enum rule {
	END, SIZE, FLAGS, NO_LENGTH, MASKS, NO_SELECTION, GET_NO_SELECTION,
	NO_RETURN, GET_NO_RETURN, UNALIGNED, RANGE, NO_VEC, NO_VEC_LEN,
	VEC_AS_BYTES, VEC, NO_SUCH_BIT, FLAG_MASKS, LIMIT_WITHOUT_GET, WP_MASKS,
};

struct expected_rule {
	enum rule rule;
	int error;
};

/* The first that is broken decides. */
extern const struct expected_rule expected_rules[N_REVISIONS][16];

/* Bits of a page that a revision does not walk. */
#define UNSEEN 0x100u

/* An entry; what a page of it that was taken becomes, by revision: '-' nothing,
 * 'p' protected, 'm' a marker. */
struct expected_entry {
	unsigned char kind;
	unsigned char content;
	bool is_protected;
	unsigned bits[N_REVISIONS];	/* but FILE and soft-dirty */
	const char *becomes;
};

extern const struct expected_entry expected_entries[];
extern const size_t n_expected_entries;

/* A mapping, and what a scan does there, by revision: 'w' walks it, 's' skips
 * it, 'E' is EPERM; with WRITTEN in required or anyof, in excluded alone, in
 * none of them. */
struct expected_mapping {
	unsigned facts;
	const char *enter[N_REVISIONS];
};

extern const struct expected_mapping expected_mappings[];
extern const size_t n_expected_mappings;

/* A part of a hugetlb page that is to be protected, cut by the range or by
 * max_pages. */
extern const int expected_cut[N_REVISIONS][2];

/* ---- The oracle (oracle.c) ---- */

/* A call, in the terms of all four; flags are the revision's own. */
struct question {
	int revision;
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t n_bytes;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t required;
	uint64_t anyof;
	uint64_t excluded;
	uint64_t returned;
};

/* Regions are in pages from the model's base. */
struct verdict {
	int result;
	size_t n;
	struct ww_pm_region *region;
	struct ww_model_page *page;	/* the model, as it is to be */
};

/* `room` regions fit into the verdict. */
void oracle(const struct ww_model *model, const struct question *question,
	    struct verdict *verdict, size_t room);

#endif

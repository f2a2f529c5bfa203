/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * v6 to v18 against what they must answer: a table of literal answers, and
 * random scripts on the model that an oracle of its own follows page by page.
 *
 * expected [SCANS]; SEED=n repeats a run. A script that fails is made as short
 * as it can be and printed.
 */
#include "expected.h"

#include "../kernel/tap.h"
#include "script.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BASE UINT64_C(0x40000000)
#define MAPPING(facts) ((unsigned)(facts) & ~((unsigned)WW_MAPPING_WP - 1))

enum {
	MOST_PAGES = 3 * 512 + 100,
	N_STEPS = 120,			/* of a script */
	CANARY = 0xa5,
};

static const struct {
	const char *name;
	const struct ww_pagemap_revision *engine;
} revisions[N_REVISIONS] = {
	[V6] = { "v6", &ww_pagemap_v6 }, [V10] = { "v10", &ww_pagemap_v10 },
	[V16] = { "v16", &ww_pagemap_v16 }, [V18] = { "v18", &ww_pagemap_v18 },
};

static struct ww_model model;
static struct ww_pm_region regions[MOST_PAGES + 2];

/* ---- A scan by the engine ---- */

static int scan_v6(const struct question *q)
{
	struct ww_pm_arg_v6 arg = {
		.start = q->start, .n_bytes = q->n_bytes, .vec = q->vec,
		.vec_len = q->vec_len, .max_pages = (uint32_t)q->max_pages,
		.flags = (uint32_t)q->flags, .required = q->required,
		.anyof = q->anyof, .excluded = q->excluded,
		.returned = q->returned,
	};

	return ww_pagemap_engine_scan(revisions[q->revision].engine,
				      &model.pages, 0xC0486610, &arg);
}

static int scan_v16(const struct question *q)
{
	struct ww_pm_arg_v16 arg = {
		.size = q->size, .flags = q->flags, .start = q->start,
		.n_bytes = q->n_bytes, .vec = q->vec, .vec_len = q->vec_len,
		.max_pages = q->max_pages, .required = q->required,
		.anyof = q->anyof, .excluded = q->excluded,
		.returned = q->returned,
	};

	return ww_pagemap_engine_scan(revisions[q->revision].engine,
				      &model.pages, 0xC0586610, &arg);
}

static int scan(const struct question *q)
{
	memset(regions, CANARY, sizeof(regions));
	return q->revision < V16 ? scan_v6(q) : scan_v16(q);
}

/* ---- The engine and the oracle ---- */

static struct ww_pm_region foretold[MOST_PAGES + 1];
static struct ww_model_page pages_after[MOST_PAGES];
static struct verdict verdict = { .region = foretold, .page = pages_after };
static bool talks;		/* says what disagrees */

static bool disagree(const char *what, size_t at, uint64_t engine,
		     uint64_t wanted)
{
	if (talks)
		diag("%s %zu: engine %#" PRIx64 ", expected %#" PRIx64, what, at,
		     engine, wanted);
	return false;
}

static bool regions_agree(void)
{
	for (size_t i = 0; i < verdict.n; i++) {
		struct ww_pm_region wanted = verdict.region[i];

		wanted.start = ww_model_at(&model, (size_t)wanted.start);
		if (memcmp(&regions[i], &wanted, sizeof(wanted)))
			return disagree("region", i, regions[i].n_pages_or_end,
					wanted.n_pages_or_end);
	}
	return true;
}

static bool nothing_behind(uint64_t n)
{
	const unsigned char *bytes = (const unsigned char *)regions;

	for (size_t i = (size_t)n * sizeof(*regions); i < sizeof(regions); i++)
		if (bytes[i] != CANARY)
			return disagree("behind the array", i, bytes[i], CANARY);
	return true;
}

static bool pages_agree(void)
{
	for (size_t i = 0; i < model.n_pages; i++) {
		const struct ww_model_page *page = &model.page[i];
		const struct ww_model_page *wanted = &verdict.page[i];

		if (page->facts != wanted->facts)
			return disagree("facts of page", i, page->facts,
					wanted->facts);
		if (page->content != wanted->content)
			return disagree("content of page", i, page->content,
					wanted->content);
		if (page->kind != wanted->kind)
			return disagree("kind of page", i, page->kind,
					wanted->kind);
	}
	return true;
}

/* What an error leaves in the array is not said. */
static bool both_agree(const struct question *q)
{
	uint64_t n = q->vec_len <= MOST_PAGES ? q->vec_len : MOST_PAGES + 1;
	int result;

	oracle(&model, q, &verdict, MOST_PAGES + 1);
	result = scan(q);
	if (result != verdict.result)
		return disagree("result", 0, (uint64_t)result,
				(uint64_t)verdict.result);
	return (result < 0 || regions_agree()) &&
	       nothing_behind(result < 0 ? n : verdict.n) && pages_agree();
}

/* ---- Address spaces as text ---- */

/* Letters of a mapping; '-' for none. */
static unsigned facts_of(const char *letters)
{
	static const struct {
		char letter;
		unsigned fact;
	} facts[] = {
		{ 'w', WW_MAPPING_WP }, { 'a', WW_MAPPING_ASYNC },
		{ 'm', WW_MAPPING_MARKERS }, { 'f', WW_MAPPING_FILE },
		{ 'd', WW_MAPPING_SOFT_DIRTY }, { 'p', WW_MAPPING_PFNMAP },
	};
	unsigned all = 0;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (strchr(letters, facts[i].letter))
			all |= facts[i].fact;
	return all;
}

static void protect(size_t first, size_t n)
{
	model.pages.ops->write_protect(&model.pages, ww_model_at(&model, first),
				       ww_model_at(&model, first + n));
}

static void clean(size_t first, size_t n)
{
	model.pages.ops->clear_soft_dirty(
		&model.pages, ww_model_at(&model, first),
		ww_model_at(&model, first + n), false);
}

static void touch(size_t first, size_t n, bool write)
{
	for (size_t i = first; i < first + n && i < model.n_pages; i++) {
		if (write)
			ww_model_write(&model, i);
		else
			ww_model_read(&model, i);
	}
}

/* One letter a state; a capital is the same, protected. */
static void make_pages(char letter, size_t first, size_t n)
{
	switch (letter) {
	case 'u':
		ww_model_unmap(&model, first, n);
		break;
	case 'w': case 'W': case 'c':		/* written; cleaned since */
		touch(first, n, true);
		break;
	case 'z': case 'Z':			/* the zero page */
		touch(first, n, false);
		break;
	case 's': case 'S':			/* in swap */
		touch(first, n, true);
		ww_model_swap_out(&model, first, n);
		break;
	case 'x':				/* on its way */
		touch(first, n, true);
		for (size_t i = first; i < first + n; i++)
			ww_model_migrate(&model, i, false);
		break;
	case 'g': case 'G':
		ww_model_guard(&model, first, n);
		break;
	case 'h': case 'H': case 'y':		/* huge; the huge zero page */
		for (size_t i = first; i < first + n; i += WW_MODEL_TABLE)
			ww_model_collapse(&model, i, letter == 'y');
		break;
	}
	if (strchr("WZSGHM", letter))
		protect(first, n);
	if (letter == 'c')
		clean(first, n);
}

struct part {
	char mapping[8];
	size_t n;
	char letter;
	int n_chars;
};

/* "MAPPING:" if it changes, then "NUMBER LETTER" without the space. */
static bool next_part(const char **text, struct part *part)
{
	int n = 0;

	if (sscanf(*text, " %7[a-z-]:%n", part->mapping, &n) == 1 && n)
		*text += n;
	if (sscanf(*text, " %zu%c%n", &part->n, &part->letter, &n) != 2)
		return false;
	*text += n;
	return true;
}

static size_t count_pages(const char *text)
{
	struct part part = { .n = 0 };
	size_t n = 0;

	while (next_part(&text, &part))
		n += part.n;
	return n;
}

/* All mappings first: a page table is there for all that are under it. */
static void build(const char *layout)
{
	const char *text = layout;
	struct part part = { .n = 0 };
	size_t first = 0;

	if (ww_model_open(&model, BASE, count_pages(layout)))
		bail_out("memory");
	for (; next_part(&text, &part); first += part.n) {
		if (strchr(part.mapping, 't'))
			ww_model_map_hugetlb(&model, first, part.n,
					     facts_of(part.mapping));
		else
			ww_model_map(&model, first, part.n,
				     facts_of(part.mapping));
	}
	text = layout;
	for (first = 0; next_part(&text, &part); first += part.n)
		make_pages(part.letter, first, part.n);
}

/* ---- Literal answers ---- */

#define _(revision) (1u << (revision))
#define OLD (_(V10) | _(V16) | _(V18))
#define NEW (_(V16) | _(V18))
#define ALL (_(V6) | OLD)

struct expected_case {
	const char *row;
	unsigned revisions;
	const char *pages;
	const char *operation;	/* get, apply, reused: the flag of v6 */
	struct question q;	/* start and vec are set where they are 0 */
	const char *answer;
	const char *changes;	/* protected, marker, cleaned, mapping's dirt,
				   split, table */
};

#define PAGES(first, n) .start = BASE + (first) * 4096, .n_bytes = (n) * 4096
#define W .required = 1, .returned = 1
#define ANY .anyof = 15, .returned = 15

static const struct expected_case cases[] = {
	/* category bits */
	{ "present, zero, swap, marker, guard: v6", _(V6),
	  "f: 1w 1c 1z 1s 1x 1g", "get", { .required = 2, .returned = 15 },
	  "4: 0=7 1-2=6 3-4=b 5=a", "" },
	{ "present, zero, swap, marker, guard", OLD,
	  "wamf: 1w 1W 1z 1Z 1s 1S 1M 1g 1G 1x 1_", "get",
	  { .required = 2, .returned = 15 },
	  "10: 0=7 1=6 2=7 3=6 4=b 5-6=a 7=b 8=a 9=b 10=3", "" },
	{ "huge pages", OLD, "wam: 512h 512H", "get", { ANY },
	  "2: 0-511=5 512-1023=4", "" },
	{ "huge pages: v6", _(V6), "-: 512h 512H", "get", { ANY },
	  "1: 0-1023=5", "" },

	/* FILE means: the vma has a file */
	{ "file of a mapping, not of a page", ALL, "wamf: 4_", "get",
	  { .required = 2, .returned = 2 }, "1: 0-3=2", "" },
	{ "no file of an anonymous mapping", ALL, "wam: 4w", "get",
	  { .required = 2, .returned = 2 }, "0:", "" },

	/* pte_none written? */
	{ "empty entry: v6", _(V6), "-: 1w 3_", "get", { W }, "1: 0=1", "" },
	{ "empty entry of a new mapping: v6", _(V6), "d: 1w 3_", "get", { W },
	  "1: 0-3=1", "" },
	{ "empty entry", OLD, "wam: 1W 3_", "get", { W }, "1: 1-3=1", "" },

	/* hole written? */
	{ "hole: v6", _(V6), "d: 512_ -: 512_", "get", { W }, "1: 0-511=1", "" },
	{ "hole of a new mapping, ignored: v6", _(V6), "d: 512_",
	  "get reused", { W }, "0:", "" },
	{ "hole", OLD, "wam: 512_", "get", { W }, "0:", "" },
	{ "hole is there to be asked for", OLD, "wamf: 512_", "get",
	  { .excluded = 4, .returned = 15 }, "1: 0-511=2", "" },

	/* WP arms pte_none, hole */
	{ "arms empty entries", OLD, "wam: 1W 3_", "get apply", { W },
	  "1: 1-3=1", "1-3m" },
	{ "arms holes: v10", _(V10), "wamf: 4_", "get apply",
	  { .excluded = 4, .returned = 2 }, "1: 0-3=2", "0-3m" },
	{ "arms no holes", NEW, "wamf: 4_", "get apply",
	  { .excluded = 1, .returned = 2 }, "1: 0-3=2", "" },
	{ "arms no holes without a get", NEW, "wam: 4_", "apply",
	  { .excluded = 1, .returned = 1 }, "0:", "" },

	/* return_mask also selects */
	{ "return_mask selects", ALL, "wam: 2w 2s", "get",
	  { .required = 1, .returned = 8 }, "1: 2-3=8", "" },
	{ "what it rejects does not count", ALL, "wam: 2w 2s", "get",
	  { .required = 1, .returned = 8, .max_pages = 2 }, "1: 2-3=8", "" },
	{ "nor does it change: v6", _(V6), "-: 2w 2s", "get apply",
	  { .required = 1, .returned = 8 }, "1: 2-3=8", "2-3c" },
	{ "nor does it change", OLD, "wam: 2w 2s", "get apply",
	  { .required = 1, .returned = 8 }, "1: 2-3=8", "2-3p" },

	/* required, anyof, excluded */
	{ "required: all of it", OLD, "wam: 1w 1W 1s 1S", "get",
	  { .required = 5, .returned = 15 }, "1: 0=5", "" },
	{ "anyof: one of it", OLD, "wam: 1w 1W 1s 1S", "get",
	  { .anyof = 9, .returned = 15 }, "3: 0=5 2=9 3=8", "" },
	{ "excluded: none of it", OLD, "wam: 1w 1W 1s 1S", "get",
	  { .excluded = 9, .returned = 15 }, "1: 1=4", "" },
	{ "required and excluded", OLD, "wam: 1w 1s", "get",
	  { .required = 1, .excluded = 1, .returned = 15 }, "0:", "" },
	{ "all three: v6", _(V6), "-: 1w 1c 1s", "get",
	  { .required = 1, .anyof = 12, .excluded = 8, .returned = 15 },
	  "1: 0=5", "" },

	/* GET selected by, and clear or WP without it */
	{ "neither: v6 and v10", _(V6) | _(V10), "wam: 4w", "", { W }, "0:",
	  "" },
	{ "neither", NEW, "wam: 4w", "", { W }, "0:", "" },
	{ "clears all without a get: v6", _(V6), "-: 4w", "apply",
	  { W, .max_pages = 2 }, "0:", "0-3c" },
	{ "protects all without a get: v10", _(V10), "wam: 4w", "apply",
	  { W, .max_pages = 2 }, "0:", "0-3p" },
	{ "max_pages without a get", NEW, "wam: 4w", "apply",
	  { W, .max_pages = 2 }, "EINVAL", "" },
	{ "masks without a get: v10", _(V10), "wam: 2w 2s", "apply",
	  { .excluded = 8 }, "0:", "0-1p" },
	{ "no masks without a get: v10", _(V10), "wam: 4w", "apply", { 0 },
	  "0:", "0-3p" },
	{ "no masks without a get: v6", _(V6), "-: 4w", "apply", { 0 },
	  "EINVAL", "" },
	{ "no masks without a get", NEW, "wam: 4w", "apply", { 0 }, "EINVAL",
	  "" },

	/* masks allowed with clear or WP */
	{ "clear with others required: v6", _(V6), "-: 4w", "get apply",
	  { .required = 4, .returned = 1 }, "EINVAL", "" },
	{ "WP with others required", OLD, "wam: 4w", "get apply",
	  { .required = 4, .returned = 1 }, "EINVAL", "" },
	{ "WP with others in anyof", OLD, "wam: 4w", "get apply",
	  { .required = 1, .anyof = 8, .returned = 1 }, "EINVAL", "" },
	{ "WP with others excluded: v6", _(V6), "-: 2w 2s",
	  "get apply", { .required = 1, .excluded = 8, .returned = 1 },
	  "1: 0-1=1", "0-1c" },
	{ "WP with others excluded: v10", _(V10), "wam: 2w 2s",
	  "get apply", { .required = 1, .excluded = 8, .returned = 1 },
	  "1: 0-1=1", "0-1p" },
	{ "WP with others excluded", NEW, "wam: 2w 2s", "get apply",
	  { .required = 1, .excluded = 8, .returned = 1 }, "EINVAL", "" },

	/* unregistered VMA */
	{ "unregistered: v6", _(V6), "-: 4w", "get", { W }, "1: 0-3=1", "" },
	{ "unregistered, required", OLD, "wam: 2w -: 2w", "get", { W }, "EPERM",
	  "" },
	{ "unregistered, in anyof", OLD, "wam: 2w -: 2w", "get",
	  { .anyof = 1, .returned = 1 }, "EPERM", "" },
	{ "unregistered, excluded: v10", _(V10), "wam: 2W -: 1w 1_", "get",
	  { .excluded = 1, .returned = 4 }, "1: 0-1=4", "" },
	{ "unregistered, excluded", NEW, "wam: 2W -: 2w", "get",
	  { .excluded = 1, .returned = 4 }, "EPERM", "" },
	{ "unregistered, not asked for", OLD, "wam: 2w -: 2w", "get",
	  { .required = 4, .returned = 15 }, "1: 0-3=5", "" },
	{ "an error on the way changes nothing", OLD, "wam: 2w -: 2w",
	  "get apply", { W }, "EPERM", "" },
	{ "wp alone", OLD, "w: 2w", "get", { W }, "EPERM", "" },
	{ "async alone", OLD, "a: 2w", "get", { W }, "EPERM", "" },
	{ "wp and async", _(V10) | _(V16), "wa: 2w", "get", { W }, "1: 0-1=1",
	  "" },
	{ "wp and async: v18", _(V18), "wa: 2w", "get", { W }, "EPERM", "" },
	{ "async and markers: v18", _(V18), "am: 2w", "get apply", { W },
	  "1: 0-1=1", "" },
	{ "async and markers", _(V10) | _(V16), "am: 2w", "get", { W }, "EPERM",
	  "" },
	{ "EPERM before PFNMAP is skipped", OLD, "p: 2_", "get", { W }, "EPERM",
	  "" },
	{ "PFNMAP is skipped", ALL, "wam: 1w wamp: 2_ wam: 1w", "get", { W },
	  "2: 0=1 3=1", "" },

	/* a page that the filter rejects */
	{ "rejected stays dirty: v6", _(V6), "-: 2w 2s", "get apply",
	  { .required = 1, .excluded = 8, .returned = 1 }, "1: 0-1=1",
	  "0-1c" },
	{ "rejected stays written", OLD, "wam: 4w", "get apply",
	  { .excluded = 1, .returned = 1 }, "0:", "" },

	/* clearing of mappings: v6 */
	{ "the mapping's dirt goes: v6", _(V6), "d: 2w 2_", "get apply", { W },
	  "1: 0-3=1", "0-1cr 2-3r" },
	{ "or stays: v6", _(V6), "d: 2w 2_", "get apply reused", { W },
	  "1: 0-1=1", "0-1c" },
	{ "only where it was delivered: v6", _(V6), "d: 4_", "get apply",
	  { W, .max_pages = 2 }, "1: 0-1=1", "0-1r" },

	/* THP only partly in range or limit */
	{ "huge, part of the range: v6", _(V6), "-: 512h", "get apply",
	  { W, PAGES(0, 10) }, "1: 0-9=1", "0-9c/ 10-511/" },
	{ "huge, part of the range", OLD, "wam: 512h", "get apply",
	  { W, PAGES(500, 12) }, "1: 500-511=1", "0-499/ 500-511p/" },
	{ "huge, cut by max_pages: v6", _(V6), "-: 512h", "get apply",
	  { W, .max_pages = 5 }, "1: 0-4=1", "0-4c/ 5-511/" },
	{ "huge, cut by max_pages", OLD, "wam: 512h", "get apply",
	  { W, .max_pages = 511 }, "1: 0-510=1", "0-510p/ 511/" },
	{ "huge, with nothing to clear: v6", _(V6), "d: 512y",
	  "get apply reused", { .excluded = 8, .returned = 15, PAGES(0, 9) },
	  "1: 0-8=4", "" },
	{ "huge zeroes of a new mapping: v6", _(V6), "d: 512y", "get apply",
	  { W, .max_pages = 9 }, "1: 0-8=1", "0-8r/ 9-511/" },
	{ "huge, whole", OLD, "wam: 512h", "get apply", { W, .max_pages = 512 },
	  "1: 0-511=1", "0-511p" },
	{ "huge, only looked at", OLD, "wam: 512h", "get",
	  { W, .max_pages = 5 }, "1: 0-4=1", "" },
	{ "huge, protected already", OLD, "wam: 512H", "get apply",
	  { .excluded = 1, .returned = 2, PAGES(0, 5) }, "0:", "" },

	/* hugetlb */
	{ "hugetlb is not walked", _(V6) | _(V10), "wamt: 512w", "get",
	  { ANY }, "0:", "" },
	{ "hugetlb", NEW, "wamt: 512w 512_", "get", { .anyof = 15,
	  .returned = 15 }, "2: 0-511=7 512-1023=3", "" },
	{ "hugetlb, cut while looked at", NEW, "wamt: 512w", "get",
	  { W, PAGES(3, 100), .max_pages = 50 }, "1: 3-52=1", "" },
	{ "hugetlb, whole", NEW, "wamt: 512w 512_", "get apply", { W },
	  "1: 0-1023=1", "0-511p 512-1023m" },
	{ "hugetlb, part of the range: v16", _(V16), "wamt: 512w", "apply",
	  { W, PAGES(0, 511) }, "EPERM", "" },
	{ "hugetlb, part of the range: v18", _(V18), "wamt: 512w", "apply",
	  { W, PAGES(1, 511) }, "EINVAL", "" },
	{ "hugetlb, a clean part: v16", _(V16), "wamt: 512W", "get apply",
	  { W, PAGES(0, 5) }, "0:", "" },
	{ "hugetlb, a clean part: v18", _(V18), "wamt: 512W", "get apply",
	  { W, PAGES(0, 5) }, "EINVAL", "" },
	{ "hugetlb, cut by max_pages: v16", _(V16), "wamt: 1024w", "get apply",
	  { W, .max_pages = 600 }, "EPERM", "" },
	{ "hugetlb, cut by max_pages: v18", _(V18), "wamt: 1024w", "get apply",
	  { W, .max_pages = 600 }, "ENOSPC", "" },
	{ "hugetlb, as many as max_pages", NEW, "wamt: 1024w", "get apply",
	  { W, .max_pages = 512 }, "1: 0-511=1", "0-511p" },

	/* max_pages and vec_len */
	{ "stops when max_pages is reached", ALL, "wam: 2w -: 2w", "get",
	  { W, .max_pages = 2 }, "1: 0-1=1", "" },
	{ "one page more is another mapping", OLD, "wam: 2w -: 2w", "get",
	  { W, .max_pages = 3 }, "EPERM", "" },
	{ "max_pages cuts, and no more changes", OLD, "wam: 4w", "get apply",
	  { W, .max_pages = 3 }, "1: 0-2=1", "0-2p" },
	{ "never past the array", ALL, "wam: 1w 1u 1w 1u 1w", "get",
	  { W, .vec_len = 2 }, "2: 0=1 2=1", "" },
	{ "a full array still grows its last", ALL, "wam: 1w 1u 3w", "get",
	  { W, .vec_len = 2 }, "2: 0=1 2-4=1", "" },
	{ "what has no room does not change", OLD, "wam: 1w 1W 2w",
	  "get apply", { W, .vec_len = 1 }, "1: 0=1", "0p" },
	{ "what has no room stays dirty: v6", _(V6), "-: 1w 1c 2w",
	  "get apply", { W, .vec_len = 1 }, "1: 0=1", "0c" },
	{ "one region over many tables", ALL, "wam: 1500w", "get",
	  { W, .vec_len = 1 }, "1: 0-1499=1", "" },
	{ "max_pages over many tables", ALL, "wam: 1500w", "get",
	  { W, .max_pages = 1025 }, "1: 0-1024=1", "" },
	{ "mappings side by side are one region", ALL,
	  "wam: 2w wamf: 2w", "get", { W }, "1: 0-3=1", "" },
	{ "bits make two of it", ALL, "wam: 2w wamf: 2w", "get", { ANY },
	  "2: 0-1=5 2-3=7", "" },

	/* the order of the rules */
	{ "the range before the array: v6", _(V6), "-: 1w", "get",
	  { W, .start = UINT64_MAX - 4095,
	    .n_bytes = 4096, .vec = UINT64_MAX, .vec_len = 1 },
	  "EINVAL", "" },
	{ "the array before the flags and masks: v6", _(V6), "-: 1w", "get",
	  { .flags = 4, .required = 16, .vec = UINT64_MAX, .vec_len = 1 },
	  "ENOMEM", "" },
	{ "the masks before the range", NEW, "wam: 1w", "get",
	  { .required = 16, .returned = 1, .start = UINT64_MAX - 4095,
	    .n_bytes = 4096 }, "EINVAL", "" },
	{ "the alignment before the range", NEW, "wam: 1w", "get",
	  { W, .start = UINT64_MAX - 4094, .n_bytes = 4095 }, "EINVAL", "" },
	{ "the range before masks of WP", NEW, "wam: 1w", "get apply",
	  { .required = 4, .returned = 1, .start = UINT64_MAX - 4095,
	    .n_bytes = 4096 }, "EFAULT", "" },

	/* len 0; range not in user space; bad vec */
	{ "no length", _(V6) | NEW, "wam: 1w", "get",
	  { W, .start = BASE }, "EINVAL", "" },
	{ "no length: v10", _(V10), "wam: 1w", "get", { W, .start = BASE },
	  "0:", "" },
	{ "a length in the middle of a page", ALL, "wam: 4w", "get",
	  { W, .start = BASE, .n_bytes = 4097 }, "1: 0-1=1", "" },
	{ "out of user space", _(V6) | _(V10), "wam: 1w", "get",
	  { W, .start = UINT64_C(0x7ffffffff000), .n_bytes = 4096 }, "EINVAL",
	  "" },
	{ "out of user space: v16 and v18", NEW, "wam: 1w", "get",
	  { W, .start = UINT64_C(0x7ffffffff000), .n_bytes = 4096 }, "EFAULT",
	  "" },
	{ "an array that is not there", ALL, "wam: 1w", "get", { W, .vec = 8 },
	  "EFAULT", "" },
	{ "and nothing to put there", ALL, "wam: 1W", "get",
	  { .required = 8, .returned = 1, .vec = 8 }, "0:", "" },
	{ "an array of the kernel: v6", _(V6), "-: 1w", "get",
	  { W, .vec = UINT64_C(0x7ffffffff000), .vec_len = 1 }, "ENOMEM", "" },
	{ "an array of the kernel: v10", _(V10), "wam: 1w", "get",
	  { W, .vec = UINT64_C(0x7ffffffff000), .vec_len = 1 }, "EINVAL", "" },
	{ "an array of the kernel", NEW, "wam: 1w", "get",
	  { W, .vec = UINT64_C(0x7ffffffff000), .vec_len = 1 }, "EFAULT", "" },
	{ "an array that ends there, in bytes: v6", _(V6), "-: 1c", "get",
	  { W, .vec = UINT64_C(0x7fffffffefff), .vec_len = 1 }, "0:", "" },
	{ "an array that ends there: v10", _(V10), "wam: 1W", "get",
	  { W, .vec = UINT64_C(0x7fffffffefff), .vec_len = 1 }, "EINVAL", "" },
};

static const char *error_name(int result)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ -EINVAL, "EINVAL" }, { -EFAULT, "EFAULT" },
		{ -EPERM, "EPERM" }, { -ENOMEM, "ENOMEM" },
		{ -ENOSPC, "ENOSPC" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].error == result)
			return names[i].name;
	return "another error";
}

static char answer[4096], changes[4096];

static char *print_range(char *at, size_t first, size_t last)
{
	at += sprintf(at, "%zu", first);
	if (last > first)
		at += sprintf(at, "-%zu", last);
	return at;
}

static void print_answer(int result)
{
	char *at = answer;

	if (result < 0) {
		strcpy(answer, error_name(result));
		return;
	}
	at += sprintf(at, "%d:", result);
	for (int i = 0; i < result && i < 64; i++) {
		size_t first = (size_t)((regions[i].start - BASE) / 4096);

		*at++ = ' ';
		at = print_range(at, first, first - 1 +
				 (size_t)regions[i].n_pages_or_end);
		at += sprintf(at, "=%x", (unsigned)regions[i].bits);
	}
}

static void letters_of(const struct ww_model_page *was,
		       const struct ww_model_page *is, char *letters)
{
	unsigned gone = was->facts & ~is->facts;

	if (is->content != was->content)
		*letters++ = 'm';
	else if (is->facts & ~was->facts)
		*letters++ = 'p';
	if (gone & WW_PAGE_SOFT_DIRTY)
		*letters++ = 'c';
	if (gone & WW_MAPPING_SOFT_DIRTY)
		*letters++ = 'r';
	if (was->kind == WW_PAGES_HUGE && is->kind != WW_PAGES_HUGE)
		*letters++ = '/';
	if (is->kind == WW_PAGES_NONE && was->kind == WW_PAGES_HOLE)
		*letters++ = 't';
	*letters = '\0';
}

static void print_changes(const struct ww_model_page *was)
{
	char letters[8], run[8], *at = changes;
	size_t first = 0;

	*at = '\0';
	letters_of(&was[0], &model.page[0], run);
	for (size_t i = 1; i <= model.n_pages; i++) {
		strcpy(letters, "end");
		if (i < model.n_pages)
			letters_of(&was[i], &model.page[i], letters);
		if (!strcmp(letters, run))
			continue;
		if (*run) {
			if (at != changes)
				*at++ = ' ';
			at = print_range(at, first, i - 1);
			at += sprintf(at, "%s", run);
		}
		strcpy(run, letters);
		first = i;
	}
}

static struct question in_full(const struct expected_case *row, int revision)
{
	static const uint64_t apply[] = { 1, 1, 2, 2 };
	static const uint64_t sizes[] = { 0, 0, 88, 88 };
	bool get = strstr(row->operation, "get");
	struct question q = row->q;

	q.revision = revision;
	q.size = sizes[revision];
	if (get && revision >= V16)
		q.flags |= 1;
	if (strstr(row->operation, "apply"))
		q.flags |= apply[revision];
	if (strstr(row->operation, "reused"))
		q.flags |= 2;
	if (!q.start) {
		q.start = BASE;
		q.n_bytes = model.n_pages * WW_PAGEMAP_PAGE;
	}
	if (get && !q.vec)
		q.vec = (uintptr_t)regions;
	if (get && !q.vec_len)
		q.vec_len = MOST_PAGES;
	return q;
}

/* The engine's answer is the row's, and so is the oracle's, where it knows of
 * the array. */
static void try_case(const struct expected_case *row, int revision)
{
	static struct ww_model_page was[MOST_PAGES];
	struct question q;
	bool same;

	build(row->pages);
	q = in_full(row, revision);
	memcpy(was, model.page, model.n_pages * sizeof(*was));
	oracle(&model, &q, &verdict, MOST_PAGES + 1);
	print_answer(scan(&q));
	print_changes(was);
	same = !strcmp(answer, row->answer) && !strcmp(changes, row->changes);
	ok(same, "%s: %s", revisions[revision].name, row->row);
	if (!same)
		diag("'%s' and '%s' for '%s' and '%s'", answer, changes,
		     row->answer, row->changes);
	if (!strcmp(row->answer, "EFAULT"))
		same = verdict.result == -EFAULT || row->q.vec;
	else if (isdigit((unsigned char)*row->answer))
		same = verdict.result == atoi(row->answer) && pages_agree();
	else
		same = !strcmp(row->answer, error_name(verdict.result));
	if (!same)
		ok(false, "%s: the oracle's %s", revisions[revision].name,
		   row->row);
	ww_model_close(&model);
}

static void try_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int revision = V6; revision < N_REVISIONS; revision++)
			if (cases[i].revisions & 1u << revision)
				try_case(&cases[i], revision);
}

/* ---- Random scripts ---- */

enum operation {
	SCAN, WRITE, READ, MAP, UNMAP, HUGETLB, COLLAPSE, HUGE_ZERO, DISCARD,
	DISCARD_TABLES, SWAP, GUARD, UNGUARD, POISON, LEAVE, ARRIVE, REGISTER,
	UNREGISTER, PROTECT, CLEAN, N_OPERATIONS
};

static const char *const names[N_OPERATIONS] = {
	"scan", "write", "read", "map", "unmap", "hugetlb", "collapse",
	"huge zero", "discard", "discard tables", "swap", "guard", "unguard",
	"poison", "leave", "arrive", "register", "unregister", "protect",
	"clean",
};

static const unsigned weights[N_OPERATIONS] = {
	60, 14, 6, 6, 2, 2, 4, 2, 3, 2, 3, 2, 1, 1, 2, 1, 12, 1, 4, 3,
};

struct step {
	enum operation operation;
	size_t first;
	size_t n_pages;
	unsigned mapping;
	struct question q;
};

struct script {
	uint64_t seed;
	bool soft_dirty;
	bool dropped[N_STEPS];
	struct step step[N_STEPS];
};

static unsigned draw_mapping(void)
{
	static const unsigned watches[] = {
		WW_MAPPING_WATCHED, WW_MAPPING_WATCHED, WW_MAPPING_WATCHED,
		WW_MAPPING_WATCHED, WW_MAPPING_WATCHED, 0, WW_MAPPING_WP,
		WW_MAPPING_ASYNC, WW_MAPPING_WP | WW_MAPPING_ASYNC,
		WW_MAPPING_ASYNC | WW_MAPPING_MARKERS, WW_MAPPING_PFNMAP,
		WW_MAPPING_WATCHED | WW_MAPPING_PFNMAP,
	};
	unsigned mapping = watches[below(12)];

	if (one_in(3))
		mapping |= WW_MAPPING_FILE;
	if (one_in(3))
		mapping |= WW_MAPPING_SOFT_DIRTY;
	return mapping;
}

/* Most limits are small or near a boundary. */
static uint64_t draw_limit(void)
{
	static const uint64_t limits[] = {
		0, 1, 2, 3, 7, 100, 511, 512, 513, 514, 1023, 1024, 1025, 1536,
		MOST_PAGES, UINT32_MAX,
	};

	return limits[below(sizeof(limits) / sizeof(limits[0]))];
}

static void draw_masks(struct question *q)
{
	static const uint64_t usual[] = { 0, 0, 1, 1, 1, 4, 8 };
	bool apply = q->flags & (q->revision < V16 ? 1 : 2);

	q->required = one_in(3) ? below(16) : usual[below(7)];
	q->anyof = one_in(4) ? below(16) : 0;
	q->excluded = one_in(3) ? below(16) : 0;
	q->returned = one_in(3) ? below(16) : one_in(2) ? 1 : 15;
	/* or most would be refused */
	if (apply && !one_in(8)) {
		q->required &= 1;
		q->anyof &= 1;
		q->excluded &= q->revision < V16 ? 15 : 1;
	}
	if (!(q->required | q->anyof | q->excluded) && !one_in(8))
		q->required = 1;
}

/* One thing wrong, or the edge of it. */
static void spoil(struct question *q)
{
	uint64_t bit = UINT64_C(1) << below(q->revision < V16 ? 32 : 64);

	switch (below(10)) {
	case 0:
		q->size += q->revision < V16 ? 0 : 1;
		break;
	case 1:
		q->flags |= bit;
		break;
	case 2:
		q->required |= UINT64_C(1) << below(64);
		break;
	case 3:
		q->anyof |= UINT64_C(1) << below(64);
		break;
	case 4:
		q->excluded |= UINT64_C(1) << below(64);
		break;
	case 5:
		q->returned |= UINT64_C(1) << below(64);
		break;
	case 6:
		q->start += 1 + below(4095);
		break;
	case 7:
		q->n_bytes = one_in(2) ? 0 : UINT64_C(1) << (32 + below(32));
		break;
	case 8:
		q->vec = 0;
		break;
	case 9:
		q->vec_len = one_in(2) ? 0 : UINT64_C(1) << (32 + below(32));
		break;
	}
}

static void draw_scan(struct step *step)
{
	static const uint64_t sizes[] = { 0, 0, 88, 88 };
	struct question *q = &step->q;
	bool get = !one_in(6);

	*q = (struct question){
		.revision = (int)below(N_REVISIONS),
		.flags = below(4), .vec = get ? (uintptr_t)regions : 0,
		.vec_len = get ? one_in(2) ? MOST_PAGES : draw_limit() : 0,
		.max_pages = one_in(2) ? 0 : draw_limit(),
	};
	if (q->revision == V10)
		q->flags &= 1;
	q->size = sizes[q->revision];
	if (q->revision >= V16 && get)
		q->flags |= 1;
	if (one_in(3)) {
		step->first = 0;
		step->n_pages = MOST_PAGES;
	}
	q->start = BASE + step->first * WW_PAGEMAP_PAGE;
	q->n_bytes = step->n_pages * WW_PAGEMAP_PAGE;
	if (one_in(10))
		q->n_bytes -= below(WW_PAGEMAP_PAGE);
	draw_masks(q);
	if (one_in(10))
		spoil(q);
	if (one_in(30))
		spoil(q);
}

static void draw_step(struct step *step)
{
	*step = (struct step){
		.operation = (enum operation)draw_weighted(weights,
							   N_OPERATIONS),
		.first = below(MOST_PAGES), .mapping = draw_mapping(),
	};
	if (one_in(3))
		step->first -= step->first % 512;
	step->n_pages = 1 + below(one_in(2) ? 8 : one_in(2) ? 600 : MOST_PAGES);
	if (step->n_pages > MOST_PAGES - step->first)
		step->n_pages = MOST_PAGES - step->first;
	if (step->operation == SCAN)
		draw_scan(step);
}

static void draw_script(struct script *script, uint64_t seed)
{
	random_begin(seed);
	script->seed = seed;
	script->soft_dirty = !one_in(8);
	for (int i = 0; i < N_STEPS; i++) {
		script->dropped[i] = false;
		draw_step(&script->step[i]);
	}
}

static bool has_hugetlb(size_t first, size_t n_pages)
{
	for (size_t i = first; i < first + n_pages; i++)
		if (model.page[i].kind == WW_PAGES_HUGETLB)
			return true;
	return false;
}

/* Hugetlb pages are mapped, touched and protected whole; a huge page is one
 * mapping's. */
static bool is_alike(size_t first)
{
	const struct ww_model_page *page = &model.page[first];

	for (size_t i = 0; i < 512; i++)
		if (!page[i].mapped || page[i].kind == WW_PAGES_HUGETLB ||
		    MAPPING(page[i].facts ^ page->facts))
			return false;
	return true;
}

static void collapse(size_t first, bool zero)
{
	first -= first % 512;
	if (first + 512 <= model.n_pages && is_alike(first))
		ww_model_collapse(&model, first, zero);
}

static void map_hugetlb(size_t first, unsigned mapping)
{
	first -= first % 512;
	if (first + 512 <= model.n_pages)
		ww_model_map_hugetlb(&model, first, 512,
				     mapping & ~(unsigned)WW_MAPPING_PFNMAP);
}

static void protect_some(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		if (!(model.page[i].facts & WW_MAPPING_WP) ||
		    model.page[i].kind == WW_PAGES_HUGE)
			return;
	protect(first, n);
}

static void clean_some(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		if (model.page[i].kind == WW_PAGES_HUGE)
			ww_model_split(&model, i);
	clean(first, n);
}

static void change_pages(const struct step *step)
{
	size_t first = step->first, n = step->n_pages;

	switch (step->operation) {
	case MAP:
		ww_model_map(&model, first, n, step->mapping);
		break;
	case UNMAP:
		ww_model_unmap(&model, first, n);
		break;
	case DISCARD:
	case DISCARD_TABLES:
		ww_model_discard(&model, first, n, step->operation != DISCARD);
		break;
	case SWAP:
		ww_model_swap_out(&model, first, n);
		break;
	case GUARD:
		ww_model_guard(&model, first, n);
		break;
	case UNGUARD:
		ww_model_unguard(&model, first, n);
		break;
	case POISON:
		ww_model_poison(&model, first);
		break;
	case LEAVE:
	case ARRIVE:
		ww_model_migrate(&model, first, step->operation == ARRIVE);
		break;
	case REGISTER:
		ww_model_register(&model, first, n);
		break;
	case UNREGISTER:
		ww_model_unregister(&model, first, n);
		break;
	case PROTECT:
		protect_some(first, n);
		break;
	default:
		clean_some(first, n);
	}
}

static void change(const struct step *step)
{
	switch (step->operation) {
	case WRITE:
	case READ:
		touch(step->first, step->n_pages, step->operation == WRITE);
		break;
	case HUGETLB:
		map_hugetlb(step->first, step->mapping);
		break;
	case COLLAPSE:
	case HUGE_ZERO:
		collapse(step->first, step->operation == HUGE_ZERO);
		break;
	default:
		if (!has_hugetlb(step->first, step->n_pages))
			change_pages(step);
	}
}

/* The step at which they disagree, or -1. */
static int first_failure(const struct script *script)
{
	int failed = -1;

	if (ww_model_open(&model, BASE, MOST_PAGES))
		bail_out("memory");
	model.pages.soft_dirty = script->soft_dirty;
	ww_model_map(&model, 0, MOST_PAGES, WW_MAPPING_WATCHED);
	for (int i = 0; i < N_STEPS && failed < 0; i++) {
		const struct step *step = &script->step[i];

		if (script->dropped[i])
			continue;
		if (step->operation != SCAN)
			change(step);
		else if (!both_agree(&step->q))
			failed = i;
	}
	ww_model_close(&model);
	return failed;
}

static bool fails(void *script)
{
	return first_failure(script) >= 0;
}

static void print_step(const struct step *step)
{
	const struct question *q = &step->q;

	if (step->operation != SCAN) {
		diag("%s %zu +%zu mapping %#x", names[step->operation],
		     step->first, step->n_pages, step->mapping);
		return;
	}
	diag("%s size %" PRIu64 " flags %#" PRIx64 " [%#" PRIx64 ", +%#" PRIx64
	     ") vec %d x %" PRIu64 " max %" PRIu64 " required %#" PRIx64
	     " anyof %#" PRIx64 " excluded %#" PRIx64 " returned %#" PRIx64,
	     revisions[q->revision].name, q->size, q->flags, q->start - BASE,
	     q->n_bytes, q->vec != 0, q->vec_len, q->max_pages, q->required,
	     q->anyof, q->excluded, q->returned);
}

static void explain(struct script *script, int last)
{
	diag("SEED=%" PRIu64 " disagrees at step %d", script->seed, last);
	shrink(script->dropped, N_STEPS, (size_t)last, fails, script);
	for (int i = 0; i <= last; i++)
		if (!script->dropped[i])
			print_step(&script->step[i]);
	talks = true;
	first_failure(script);
}

static void try_scripts(size_t wanted)
{
	static struct script script;
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
	size_t n = 0;
	int failed = -1;

	diag("SEED=%" PRIu64, seed);
	for (; n < wanted && failed < 0; seed++) {
		draw_script(&script, seed);
		failed = first_failure(&script);
		for (int i = 0; i < N_STEPS; i++)
			n += script.step[i].operation == SCAN;
	}
	if (failed >= 0)
		explain(&script, failed);
	ok(failed < 0, "the engine and the oracle agree");
	diag("%zu scans", n);
}

int main(int argc, char **argv)
{
	try_cases();
	try_scripts(argc > 1 ? (size_t)strtoull(argv[1], NULL, 0) : 50000);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bit a page, 64 to a word, under a summary of one bit for 64 words: the
 * search passes 16 MiB of clean memory at a step, and a reservation of any size
 * touches only the words it needs.
 *
 * A bit of the summary is set after the bits below it and never cleared, so a
 * reader that misses it may only miss bits that were set while it ran: whoever
 * set them reports them, or hands them on, later than that reader's call began.
 */
#include "known.h"

#include <errno.h>
#include <string.h>

#define WORD_BITS 64
#define GROUP_PAGES (WORD_BITS * WORD_BITS)

static size_t n_groups(const struct ww_known *known)
{
	return (known->n_pages + GROUP_PAGES - 1) / GROUP_PAGES;
}

static size_t summary_words(const struct ww_known *known)
{
	return (n_groups(known) + WORD_BITS - 1) / WORD_BITS;
}

static size_t n_bytes(const struct ww_known *known)
{
	size_t leaves = (known->n_pages + WORD_BITS - 1) / WORD_BITS;

	return (summary_words(known) + leaves) * sizeof(uint64_t);
}

static uint64_t *words(const struct ww_known *known)
{
	return __atomic_load_n(&known->words, __ATOMIC_ACQUIRE);
}

static uint64_t *leaves(const struct ww_known *known)
{
	return words(known) + summary_words(known);
}

void ww_known_init(struct ww_known *known, size_t n_pages)
{
	memset(known, 0, sizeof(*known));
	known->n_pages = n_pages;
}

void ww_known_free(struct ww_known *known, const struct ww_kernel_ops *ops)
{
	if (known->words && known->words != known->few)
		ops->unmap(known->words, n_bytes(known));
	known->words = NULL;
}

int ww_known_reserve(struct ww_known *known, const struct ww_kernel_ops *ops)
{
	uint64_t *memory = known->few;

	if (known->words)
		return 0;
	if (n_bytes(known) > sizeof(known->few))
		memory = ops->map(n_bytes(known));
	if (!memory)
		return -ENOMEM;
	__atomic_store_n(&known->words, memory, __ATOMIC_RELEASE);
	return 0;
}

/* The bits of [first, end) that lie in word number `word`. */
static uint64_t mask_in(size_t word, size_t first, size_t end)
{
	size_t base = word * WORD_BITS;
	uint64_t mask = ~UINT64_C(0);

	if (first > base)
		mask <<= first - base;
	if (end < base + WORD_BITS)
		mask &= ~UINT64_C(0) >> (base + WORD_BITS - end);
	return mask;
}

void ww_known_set(struct ww_known *known, size_t first, size_t end)
{
	uint64_t *summary = words(known), *leaf;

	if (!summary || first >= end)
		return;
	leaf = leaves(known);
	for (size_t w = first / WORD_BITS; w * WORD_BITS < end; w++) {
		size_t group = w / WORD_BITS;

		__atomic_fetch_or(&leaf[w], mask_in(w, first, end), __ATOMIC_SEQ_CST);
		__atomic_fetch_or(&summary[group / WORD_BITS],
				  UINT64_C(1) << group % WORD_BITS, __ATOMIC_SEQ_CST);
	}
}

/* Moves *w on to the next word below `end` that holds a bit. */
static bool next_word(const uint64_t *summary, const uint64_t *leaf, size_t *w,
		      size_t end)
{
	while (*w < end) {
		size_t group = *w / WORD_BITS;
		uint64_t bits = __atomic_load_n(&summary[group / WORD_BITS],
						__ATOMIC_SEQ_CST);

		if (!(bits >> group % WORD_BITS & 1))
			*w = (group + 1) * WORD_BITS;
		else if (!__atomic_load_n(&leaf[*w], __ATOMIC_SEQ_CST))
			++*w;
		else
			return true;
	}
	return false;
}

static size_t end_word(size_t end)
{
	return (end + WORD_BITS - 1) / WORD_BITS;
}

void ww_known_clear(struct ww_known *known, size_t first, size_t end)
{
	uint64_t *summary = words(known), *leaf;

	if (!summary)
		return;
	leaf = leaves(known);
	for (size_t w = first / WORD_BITS;
	     next_word(summary, leaf, &w, end_word(end)); w++)
		__atomic_fetch_and(&leaf[w], ~mask_in(w, first, end),
				   __ATOMIC_SEQ_CST);
}

/* The first page of [first, end) whose bit is set; `end` if there is none. */
static size_t next_set(const uint64_t *summary, const uint64_t *leaf,
		       size_t first, size_t end)
{
	for (size_t w = first / WORD_BITS;
	     next_word(summary, leaf, &w, end_word(end)); w++) {
		uint64_t bits = __atomic_load_n(&leaf[w], __ATOMIC_SEQ_CST)
				& mask_in(w, first, end);

		if (bits)
			return w * WORD_BITS + (size_t)__builtin_ctzll(bits);
	}
	return end;
}

/* The first page of [first, end) whose bit is not set. */
static size_t next_unset(const uint64_t *leaf, size_t first, size_t end)
{
	for (size_t w = first / WORD_BITS; w * WORD_BITS < end; w++) {
		uint64_t bits = ~__atomic_load_n(&leaf[w], __ATOMIC_SEQ_CST)
				& mask_in(w, first, end);

		if (bits)
			return w * WORD_BITS + (size_t)__builtin_ctzll(bits);
	}
	return end;
}

bool ww_known_next(const struct ww_known *known, size_t first, size_t end,
		   size_t *run_first, size_t *run_end)
{
	const uint64_t *summary = words(known), *leaf;

	if (!summary || first >= end)
		return false;
	leaf = leaves(known);
	first = next_set(summary, leaf, first, end);
	if (first == end)
		return false;
	*run_first = first;
	/* another thread may take the bit just seen: still one page of run */
	*run_end = next_unset(leaf, first + 1, end);
	return true;
}

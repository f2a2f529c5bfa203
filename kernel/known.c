/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bit a page, 64 to a word, under a summary of one bit for 64 words: the
 * search passes 1 GiB of clean memory at a step, and a reservation of any size
 * touches only the words it needs. In shared memory a word that is only read
 * costs memory, too; so leaves are read where the summary says so, and behind a
 * run.
 *
 * A piece is entered before a view of its pages is published, and stays: whoever
 * has found the view finds the piece.
 *
 * A bit of the summary is set after the bits below it, and cleared only where
 * no page is watched, so a reader that misses it may only miss bits that were
 * set while it ran: whoever set them reports them, or hands them on, later than
 * that reader's call began.
 */
#include "known.h"

#define WORD_BITS WW_KNOWN_WORD_BITS
#define PIECE_WORDS (WW_KNOWN_PIECE_PAGES / WORD_BITS)

static struct ww_known_piece *piece_of(const struct ww_known *known, size_t word)
{
	return __atomic_load_n(&known->pieces[word / PIECE_WORDS],
			       __ATOMIC_ACQUIRE);
}

static ww_aligned64 *leaf_in(struct ww_known_piece *piece, size_t word)
{
	return &piece->leaves[word % PIECE_WORDS];
}

/* The word of the summary that has the bit of a group of words. */
static ww_aligned64 *summary_in(struct ww_known_piece *piece, size_t group)
{
	return &piece->summary[group % (PIECE_WORDS / WORD_BITS) / WORD_BITS];
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

static uint64_t load(const ww_aligned64 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static uint64_t load_leaf(const struct ww_known *known, size_t word)
{
	struct ww_known_piece *piece = piece_of(known, word);

	return piece ? load(leaf_in(piece, word)) : 0;
}

void ww_known_set(const struct ww_known *known, size_t first, size_t end)
{
	if (!known->pieces || first >= end)
		return;
	for (size_t w = first / WORD_BITS; w * WORD_BITS < end; w++) {
		struct ww_known_piece *piece = piece_of(known, w);
		size_t group = w / WORD_BITS;

		if (!piece)
			continue;
		__atomic_fetch_or(leaf_in(piece, w), mask_in(w, first, end),
				  __ATOMIC_SEQ_CST);
		__atomic_fetch_or(summary_in(piece, group),
				  UINT64_C(1) << group % WORD_BITS, __ATOMIC_SEQ_CST);
	}
}

/* Moves *w on to the next word below `end` that holds a bit. */
static bool next_word(const struct ww_known *known, size_t *w, size_t end)
{
	while (*w < end) {
		struct ww_known_piece *piece = piece_of(known, *w);
		size_t group = *w / WORD_BITS;
		uint64_t bits;

		if (!piece) {
			*w = (*w / PIECE_WORDS + 1) * PIECE_WORDS;
			continue;
		}
		bits = load(summary_in(piece, group)) >> group % WORD_BITS;
		if (!bits)
			*w = (group / WORD_BITS + 1) * WORD_BITS * WORD_BITS;
		else if (!(bits & 1))
			*w = (group + (size_t)__builtin_ctzll(bits)) * WORD_BITS;
		else if (!load(leaf_in(piece, *w)))
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

void ww_known_clear(const struct ww_known *known, size_t first, size_t end)
{
	if (!known->pieces || first >= end)
		return;
	for (size_t w = first / WORD_BITS; next_word(known, &w, end_word(end)); w++)
		__atomic_fetch_and(leaf_in(piece_of(known, w), w),
				   ~mask_in(w, first, end), __ATOMIC_SEQ_CST);
}

/* Clears the summary's bits of some groups of a piece. Whether any was set. */
static bool clear_summary(struct ww_known_piece *piece, size_t first, size_t end)
{
	bool any = false;

	for (size_t s = first / WORD_BITS; s * WORD_BITS < end; s++) {
		ww_aligned64 *word = summary_in(piece, s * WORD_BITS);
		uint64_t mask = mask_in(s, first, end);

		if (load(word) & mask)
			any |= __atomic_fetch_and(word, ~mask, __ATOMIC_SEQ_CST) &
			       mask;
	}
	return any;
}

void ww_known_forget(const struct ww_known *known,
		     const struct ww_kernel_ops *ops, size_t first, size_t end)
{
	/* the pages of watched memory that one page of the bitmap stands for */
	size_t span = ww_page_size() * 8;

	ww_known_clear(known, first, end);
	if (!known->pieces)
		return;
	for (size_t p = (first + span - 1) / span; (p + 1) * span <= end; p++) {
		size_t word = p * span / WORD_BITS;
		struct ww_known_piece *piece = piece_of(known, word);

		if (piece && clear_summary(piece, p * span / WW_KNOWN_GROUP,
					   (p + 1) * span / WW_KNOWN_GROUP))
			ops->discard(leaf_in(piece, word), ww_page_size());
	}
}

/* The first page of [first, end) whose bit is set; `end` if there is none. */
static size_t next_set(const struct ww_known *known, size_t first, size_t end)
{
	for (size_t w = first / WORD_BITS; next_word(known, &w, end_word(end)); w++) {
		uint64_t bits = load_leaf(known, w) & mask_in(w, first, end);

		if (bits)
			return w * WORD_BITS + (size_t)__builtin_ctzll(bits);
	}
	return end;
}

/* The first page of [first, end) whose bit is not set. */
static size_t next_unset(const struct ww_known *known, size_t first, size_t end)
{
	for (size_t w = first / WORD_BITS; w * WORD_BITS < end; w++) {
		uint64_t bits = ~load_leaf(known, w) & mask_in(w, first, end);

		if (bits)
			return w * WORD_BITS + (size_t)__builtin_ctzll(bits);
	}
	return end;
}

bool ww_known_next(const struct ww_known *known, size_t first, size_t end,
		   size_t *run_first, size_t *run_end)
{
	if (first >= end)
		return false;
	if (!known->pieces) {
		*run_first = first;
		*run_end = end;
		return true;
	}
	first = next_set(known, first, end);
	if (first == end)
		return false;
	*run_first = first;
	/* another thread may take the bit just seen: still one page of run */
	*run_end = next_unset(known, first + 1, end);
	return true;
}

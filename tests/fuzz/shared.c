/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that offers any file for its registry's: whoever looks, winewatch top
 * or a query on another process, takes it only if its numbers fit, and what it
 * then says is bounded and in order.
 *
 * The input is the number of the bitmap's pieces, a byte, and then words of the
 * file (struct word_bytes), laid over those of a real one. The process that looks
 * is the one that offers it.
 */
#include "input.h"

#include "../../kernel/share.h"
#include "../../tools/tool.h"
#include "../../tools/top.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

const char fuzz_target[] = "shared";

enum { N_PIECES = 3, N_VIEWS = 4096, N_HEADER_WORDS = 10, N_STEPS = 64,
       N_LOOKED_AT = 4, N_RUNS = 7 };

enum place { HEADER, VIEW, STATS, LEAF, SUMMARY, LOOK, N_PLACES };

struct __attribute__((packed)) word_bytes {
	uint8_t place;
	uint16_t index;
	uint8_t shift;
	int32_t value;
};

/* Words of the header; behind them comes the tag. */
enum { MAGIC, SIZES, PIECES, VIEWS, PID, SEQUENCE };

static uint64_t real[N_HEADER_WORDS], header[N_HEADER_WORDS];
static int fd;

/* ---- The file ---- */

static uint64_t offset_of_piece(uint64_t i)
{
	return 65536 + 16 * N_VIEWS + i * (WW_KNOWN_PIECE_PAGES / 8 + 65536);
}

static uint64_t offset_of(const struct word_bytes *word)
{
	uint64_t i = word->index;

	switch (word->place % N_PLACES) {
	case HEADER:
		return i % N_HEADER_WORDS * 8;
	case VIEW:
		return 65536 + i % (2 * N_VIEWS) * 8;
	case STATS:
		return WW_SHARE_STATS_OFFSET + i % (sizeof(struct ww_stats) / 8) * 8;
	case LEAF:
		return offset_of_piece(0) + i * 8;
	default:
		return offset_of_piece(i % N_PIECES) + WW_KNOWN_PIECE_PAGES / 8 +
		       i / N_PIECES % 512 * 8;
	}
}

static void store(uint64_t offset, uint64_t value)
{
	ssize_t n = pwrite(fd, &value, sizeof(value), (off_t)offset);

	expect(n == sizeof(value));
}

/* An owner that has stopped is tests/unit/share's: it takes its time. */
static void store_word(const struct word_bytes *word)
{
	uint64_t value = (uint64_t)(int64_t)word->value << word->shift % 48;
	uint64_t offset = offset_of(word), i = offset / 8;

	if (i == SEQUENCE)
		value &= ~UINT64_C(1);
	if (i < N_HEADER_WORDS)
		header[i] = value;
	store(offset, value);
}

static void copy_real_header(void)
{
	struct ww_share share;

	if (real[MAGIC])
		return;
	expect(!ww_share_open(&share, &ww_linux, true) && share.header);
	memcpy(real, share.header, sizeof(real));
	ww_share_close(&share, &ww_linux);
}

static uint64_t n_file_bytes;

static void make_file(struct input *input)
{
	uint8_t n_pieces = 0;

	take(input, &n_pieces, 1);
	copy_real_header();
	memcpy(header, real, sizeof(header));
	header[PIECES] = 1 + n_pieces % N_PIECES;
	header[VIEWS] = N_VIEWS;
	header[PID] = (uint64_t)getpid();
	n_file_bytes = offset_of_piece(header[PIECES]);
	fd = memfd_create(WW_SHARE_NAME, MFD_ALLOW_SEALING | MFD_CLOEXEC);
	expect(fd >= 0 && !ftruncate(fd, (off_t)n_file_bytes) &&
	       !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	for (size_t i = 0; i < N_HEADER_WORDS; i++)
		store(i * 8, header[i]);
}

/* Up to the next look; false at the end of the input. */
static bool store_words(struct input *input)
{
	struct word_bytes word;

	for (int i = 0; i < N_STEPS && take(input, &word, sizeof(word)); i++) {
		if (word.place % N_PLACES == LOOK)
			return true;
		if (offset_of(&word) < n_file_bytes)
			store_word(&word);
	}
	return false;
}

/* ---- The reference ---- */

static bool is_acceptable(void)
{
	return header[MAGIC] == real[MAGIC] && header[SIZES] == real[SIZES] &&
	       header[PID] == (uint64_t)getpid() &&
	       /* fewer take as many pages of the file */
	       header[VIEWS] && header[VIEWS] <= N_VIEWS &&
	       header[PIECES] <= N_PIECES &&
	       offset_of_piece(header[PIECES]) == n_file_bytes;
}

static bool is_documented(ssize_t error)
{
	switch (-error) {
	case ESRCH:
	case EACCES:
	case ENOENT:
	case ERANGE:
	case EBUSY:
	case ENOMEM:
		return true;
	default:
		return false;
	}
}

/* Whole pages, ascending, within [start, end), and `gap` bytes apart. */
static void expect_order(const struct ww_run *runs, ssize_t n, uint64_t start,
			 uint64_t end, uint64_t gap)
{
	for (ssize_t i = 0; i < n; i++) {
		expect(runs[i].start >= start && runs[i].start < runs[i].end);
		expect(runs[i].end <= end);
		expect((runs[i].start | runs[i].end) % ww_page_size() == 0);
		start = runs[i].end + gap;
	}
}

static size_t count_pages(const struct ww_run *runs, ssize_t n)
{
	size_t n_pages = 0;

	for (ssize_t i = 0; i < n; i++)
		n_pages += (size_t)(runs[i].end - runs[i].start) / ww_page_size();
	return n_pages;
}

/* ---- Queries ---- */

static void scan_and_clean(const struct ww_foreign_range *range, size_t max_pages)
{
	uintptr_t from = range->start, resume = 0;
	struct ww_run runs[N_RUNS];
	ssize_t n = ww_foreign_scan(range, from, runs, N_RUNS, max_pages, &resume);

	if (n < 0) {
		expect(is_documented(n));
		return;
	}
	expect(n <= N_RUNS && count_pages(runs, n) <= max_pages);
	expect(resume > from && resume <= range->end);
	expect_order(runs, n, from, resume, 1);
	expect(is_documented(ww_foreign_clean(range, runs, (size_t)n)) ||
	       !ww_foreign_clean(range, runs, (size_t)n));
}

static void query(const struct ww_process *process, const struct ww_run *view)
{
	uint64_t middle = view->start + (view->end - view->start) / 2;
	struct ww_foreign_range range;
	int ret = ww_foreign_begin(&range, process, (uintptr_t)middle, 1);

	if (ret) {
		expect(is_documented(ret));
		return;
	}
	expect(range.start <= middle && range.end - range.start == ww_page_size());
	range.start = (uintptr_t)view->start;
	range.end = (uintptr_t)view->end;
	scan_and_clean(&range, SIZE_MAX / ww_page_size());
	scan_and_clean(&range, 3);
}

static void query_views(const struct ww_process *process)
{
	static struct ww_run views[N_VIEWS];
	ssize_t n = ww_foreign_views(process, views, N_VIEWS);

	expect(n >= 0 && n <= N_VIEWS);
	expect_order(views, n, 0, UINT64_MAX, 0);
	for (ssize_t i = 0; i < n && i < N_LOOKED_AT; i++)
		query(process, &views[i]);
}

/* ---- winewatch top ---- */

static void expect_region(const struct top_region *region)
{
	uint64_t n = 0;

	expect(region->n_parts && region->n_parts <= TOP_PARTS);
	for (size_t i = 0; i < region->n_parts; i++)
		n += region->written[i];
	expect(n == region->n_written && n <= top_pages(region));
}

static void expect_calls(const struct top_calls *calls)
{
	expect(isfinite(calls->calls_per_second) &&
	       isfinite(calls->pages_per_second));
	expect(calls->p50_ns <= calls->p90_ns && calls->p90_ns <= calls->p99_ns &&
	       calls->p99_ns <= calls->max_ns);
}

static void expect_look(const struct top_look *look)
{
	char *text = top_text(look, 0, look->n_regions), *json = top_json(look);

	expect(*text && strstr(json, "}"));
	for (size_t i = 0; i < look->n_regions; i++)
		expect_region(&look->regions[i]);
	for (size_t i = 0; i < WW_STATS_KINDS; i++)
		expect_calls(&look->calls[i]);
	free(text);
	free(json);
}

static void show(const struct ww_process *process, struct input *input)
{
	struct top_look look;
	int ret = top_begin(&look, process);

	if (!ret)
		expect_look(&look);
	while (!ret && store_words(input)) {
		ret = top_again(&look);
		if (!ret)
			expect_look(&look);
	}
	expect(!ret || is_documented(ret));
	top_end(&look);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct input input = { data, n_bytes };
	struct ww_process process;
	int ret;

	make_file(&input);
	store_words(&input);
	ret = ww_foreign_find(&process, getpid());
	expect(ret == (is_acceptable() ? 0 : -ENOENT));
	if (!ret) {
		query_views(&process);
		show(&process, &input);
	}
	close(fd);
	return 0;
}

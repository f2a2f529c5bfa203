/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any calls of a registry on the fake kernel, against a model with one cell a
 * page: while nothing fails, every result is exact; from the first failure on, a
 * page that was written and not yet reported is in the next result that reaches
 * it.
 *
 * The input is a byte for the kernel (enum) and then steps (struct step_bytes).
 */
#include "input.h"

#include "../unit/fake.h"

#include <errno.h>

const char fuzz_target[] = "registry";

enum { HOLES_WRITTEN = 1, HUGE_ZERO = 2, FAILURES = 4 };

enum { N_BLOCKS = 3, BLOCK_PAGES = 700, N_PAGES = N_BLOCKS * BLOCK_PAGES,
       N_STEPS = 200 };

/* Few bytes, so that a change of one is another program. */
struct __attribute__((packed)) step_bytes {
	uint8_t what;		/* of the list below, and the block: * 3 */
	uint16_t first;
	uint16_t n_pages;
	uint8_t more;		/* capacity, or failure */
};

static struct ww_regions *regions;
static bool reserved[N_BLOCKS], committed[N_PAGES], written[N_PAGES];
static size_t pages[FAKE_PAGES];
static bool exact;

/* The pages of one block that a step is about. */
struct range {
	size_t block;
	size_t first;
	size_t n;
	uint8_t more;
};

static void reserve(const struct range *range)
{
	size_t first = range->block * BLOCK_PAGES;
	bool commit = range->more & 1;
	sigset_t saved;
	int ret;

	fake_mmap(first, BLOCK_PAGES, commit);
	ww_regions_lock(regions, &saved);
	ret = ww_regions_reserve(regions, fake_at(first),
				 BLOCK_PAGES * ww_page_size(),
				 commit ? WW_MEMORY_COMMITTED : WW_MEMORY_RESERVED);
	ww_regions_unlock(regions, &saved);
	if (ret) {
		expect(!exact);
		fake_munmap(first, BLOCK_PAGES);
		return;
	}
	reserved[range->block] = true;
	memset(committed + first, commit, BLOCK_PAGES);
	memset(written + first, false, BLOCK_PAGES);
}

static void release(const struct range *range)
{
	size_t first = range->block * BLOCK_PAGES;

	fake_release(regions, first, BLOCK_PAGES);
	reserved[range->block] = false;
	memset(committed + first, false, BLOCK_PAGES);
	memset(written + first, false, BLOCK_PAGES);
}

static void write_pages(const struct range *range)
{
	for (size_t i = 0; i < range->n; i += 1 + range->more % 4) {
		size_t page = range->first + i;

		expect(fake_write(page) == committed[page]);
		written[page] |= committed[page];
	}
}

static void read_or_swap_out(const struct range *range)
{
	if (range->more & 1)
		fake_swap_out(range->first);
	else
		fake_read(range->first);
}

static void commit(const struct range *range)
{
	fake_commit(regions, range->first, range->n);
	memset(committed + range->first, true, range->n);
}

static void decommit(const struct range *range)
{
	if (!fake_decommit(regions, range->first, range->n)) {
		memset(committed + range->first, false, range->n);
		return;
	}
	/* refused: whoever asked gives the access back */
	expect(!exact);
	for (size_t i = 0; i < range->n; i++)
		fake_protect(range->first + i, 1, committed[range->first + i]);
}

/* Holds what was reported of [first, end) against the model. */
static void compare(size_t first, size_t end, size_t n_reported, bool reset)
{
	size_t i = 0;

	for (size_t page = first; page < end; page++) {
		bool reported = i < n_reported && pages[i] == page;

		expect(exact ? reported == written[page]
			     : reported || !written[page]);
		i += reported;
		if (reported && reset)
			written[page] = false;
	}
	expect(i == n_reported);
}

static void get(const struct range *range, size_t capacity, bool reset)
{
	size_t end = range->first + range->n;
	size_t n = fake_get(regions, range->first, range->n, reset, pages,
			    capacity);

	compare(range->first, n == capacity ? pages[n - 1] + 1 : end, n, reset);
}

static size_t capacity_of(const struct range *range)
{
	return range->more & 1 ? range->n : 1 + range->more / 2u;
}

static void get_and_keep(const struct range *range)
{
	get(range, capacity_of(range), false);
}

static void get_and_reset(const struct range *range)
{
	get(range, capacity_of(range), true);
}

static void reset(const struct range *range)
{
	fake_reset_watch(regions, range->first, range->n);
	memset(written + range->first, false, range->n);
}

/* Some call from now on, before its work or after it. */
static void fail_later(const struct range *range)
{
	static const enum fake_site sites[] = {
		FAKE_REGISTER, FAKE_UNREGISTER, FAKE_WRITEPROTECT, FAKE_SCAN,
		FAKE_RESET, FAKE_PROTECT, FAKE_ADVISE, FAKE_MAP_SPARSE,
	};
	static const int errors[] = { EPERM, ENOMEM, EINVAL, EFAULT };
	enum fake_site site = sites[range->more % 8];
	int error = site == FAKE_PROTECT ? ENOMEM : errors[range->more / 8 % 4];

	exact = false;
	(range->more & 128 ? fake_fail_late : fake_fail)
		(site, 1 + range->more / 32 % 4, error);
}

static void step(const struct step_bytes *bytes, bool failures)
{
	static void (*const steps[])(const struct range *range) = {
		write_pages, write_pages, read_or_swap_out, commit, commit,
		decommit, decommit, get_and_keep, get_and_reset, get_and_reset,
		reset, release, fail_later,
	};
	size_t n_steps = sizeof(steps) / sizeof(steps[0]) - !failures;
	size_t offset = bytes->first % BLOCK_PAGES;
	struct range range = {
		.block = bytes->what % N_BLOCKS,
		.first = bytes->what % N_BLOCKS * BLOCK_PAGES + offset,
		.n = 1 + bytes->n_pages % (BLOCK_PAGES - offset),
		.more = bytes->more,
	};

	if (reserved[range.block])
		steps[bytes->what / N_BLOCKS % n_steps](&range);
	else
		reserve(&range);
}

/* When nothing fails any more, all that was not reported comes. */
static void end(void)
{
	fake_heal();
	for (size_t block = 0; block < N_BLOCKS; block++)
		if (reserved[block])
			get(&(struct range){ .first = block * BLOCK_PAGES,
					     .n = BLOCK_PAGES },
			    BLOCK_PAGES, true);
	ww_regions_close(regions);
	expect(!fake.open_fds && !fake.bad_calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct input input = { data, n_bytes };
	struct step_bytes bytes;
	uint8_t kernel = 0;

	take(&input, &kernel, 1);
	fake_reset();
	fake.holes_written = kernel & HOLES_WRITTEN;
	fake.huge_zero = kernel & HUGE_ZERO;
	regions = fake_regions();
	exact = true;
	memset(reserved, 0, sizeof(reserved));
	memset(committed, 0, sizeof(committed));
	memset(written, 0, sizeof(written));
	for (int i = 0; i < N_STEPS && take(&input, &bytes, sizeof(bytes)); i++)
		step(&bytes, kernel & FAILURES);
	end();
	return 0;
}

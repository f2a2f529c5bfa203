/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any arguments of NtGetWriteWatch and NtResetWriteWatch, against a validator
 * that only knows the rules: the status is the one of the first rule broken, a
 * refused call writes nothing, and one that succeeds says what was written.
 *
 * The input is calls (struct call_bytes), after each of which some pages are
 * written.
 */
#include "input.h"

#include "../unit/fake.h"
#include "ntwritewatch.h"

const char fuzz_target[] = "nt_arguments";

/* Two regions side by side, and behind them memory that nobody watches. */
enum { REGION_PAGES = 24, N_PAGES = 2 * REGION_PAGES, N_SLOTS = N_PAGES + 2,
       N_CALLS = 16 };
#define CANARY ((PVOID)(uintptr_t)0xa5a5a5a5a5a5a5a5)
#define GRANULARITY 77

struct __attribute__((packed)) call_bytes {
	uint8_t what;		/* bits: enum */
	uint8_t unknown_flag;	/* 1 + its number, if at most 32 */
	uint64_t base;
	uint64_t size;
	uint64_t capacity;
	uint8_t page;
	uint8_t n_pages;
};

enum {
	RESET_ONLY = 1,
	FAR_BASE = 2,		/* not relative to the first region */
	FAR_SIZE = 4,		/* not a few pages */
	FAR_CAPACITY = 8,	/* not small */
	NO_ADDRESSES = 16,
	NO_COUNT = 32,
	NO_GRANULARITY = 64,
	WITH_RESET = 128,
};

static struct ww_regions *regions;
static bool written[N_PAGES];
static PVOID addresses[N_SLOTS];
static ULONG_PTR count;
static ULONG granularity;

static size_t page_size(void)
{
	return ww_page_size();
}

static struct ww_nt_get make_call(const struct call_bytes *bytes)
{
	unsigned flag = bytes->unknown_flag;
	uint64_t n_bytes = (N_PAGES + 2) * page_size();
	uint64_t base = bytes->what & FAR_BASE ? bytes->base :
			fake_at(1) + bytes->base % n_bytes;

	count = bytes->what & FAR_CAPACITY ? bytes->capacity :
					     bytes->capacity % (N_PAGES + 1);
	return (struct ww_nt_get){
		.flags = (bytes->what & WITH_RESET ? WRITE_WATCH_FLAG_RESET : 0) |
			 (flag && flag <= 32 ? (ULONG)1 << (flag - 1) : 0),
		.base = (PVOID)(uintptr_t)base,
		.size = bytes->what & FAR_SIZE ? bytes->size :
						 bytes->size % n_bytes,
		.addresses = bytes->what & NO_ADDRESSES ? NULL : addresses,
		.count = bytes->what & NO_COUNT ? NULL : &count,
		.granularity = bytes->what & NO_GRANULARITY ? NULL :
							      &granularity,
	};
}

/* ---- The rules ---- */

/* Numbers that do not end at 2^64. */
typedef unsigned __int128 number;

static number last_byte(const struct ww_nt_get *call)
{
	return (number)(uintptr_t)call->base + call->size - 1;
}

/* The first page of the region around an address, or -1. */
static int region_around(number address)
{
	number page;

	if (address < fake_at(2))
		return -1;
	page = (address - fake_at(2)) / page_size();
	return page >= N_PAGES ? -1 : (int)(page / REGION_PAGES) * REGION_PAGES;
}

static NTSTATUS range_status(const struct ww_nt_get *call)
{
	if (call->size == 0)
		return STATUS_INVALID_PARAMETER_4;
	if (last_byte(call) >> 64)
		return STATUS_INVALID_PARAMETER_3;
	return STATUS_SUCCESS;
}

/* As whole pages the range must end at an address, too. */
static NTSTATUS place_status(const struct ww_nt_get *call)
{
	int first = region_around((uintptr_t)call->base);

	if ((last_byte(call) / page_size() + 1) * page_size() >> 64)
		return STATUS_INVALID_PARAMETER_3;
	if (first < 0)
		return WW_NT_NOT_OURS;
	return region_around(last_byte(call)) == first ?
		STATUS_SUCCESS : STATUS_INVALID_PARAMETER_3;
}

static NTSTATUS output_status(const struct ww_nt_get *call)
{
	if (!call->count || !call->granularity)
		return STATUS_ACCESS_VIOLATION;
	if (count == 0 || (number)count * sizeof(PVOID) >> 64)
		return STATUS_INVALID_PARAMETER_5;
	return STATUS_SUCCESS;
}

static NTSTATUS get_status(const struct ww_nt_get *call)
{
	NTSTATUS status = output_status(call);

	if (!status)
		status = range_status(call);
	if (!status && (call->flags | 1) != 1)
		status = STATUS_INVALID_PARAMETER_2;
	if (!status && !call->addresses)
		status = STATUS_ACCESS_VIOLATION;
	return status ? status : place_status(call);
}

/* ---- Calls ---- */

static size_t first_page(const struct ww_nt_get *call)
{
	return ((uintptr_t)call->base - fake_at(2)) / page_size();
}

static size_t end_page(const struct ww_nt_get *call)
{
	return (size_t)((last_byte(call) - fake_at(2)) / page_size()) + 1;
}

static void expect_unwritten(ULONG_PTR old_count)
{
	expect(count == old_count && granularity == GRANULARITY);
	for (size_t i = 0; i < N_SLOTS; i++)
		expect(addresses[i] == CANARY);
}

static void expect_result(const struct ww_nt_get *call, ULONG_PTR capacity)
{
	size_t n = 0;

	for (size_t page = first_page(call); page < end_page(call) &&
					     n < capacity; page++) {
		if (!written[page])
			continue;
		expect((uintptr_t)addresses[n++] == fake_at(2 + page));
		written[page] = !(call->flags & WRITE_WATCH_FLAG_RESET);
	}
	expect(count == n && granularity == page_size());
	for (; n < N_SLOTS; n++)
		expect(addresses[n] == CANARY);
}

static void get(struct ww_nt_get *call)
{
	NTSTATUS expected = get_status(call), status;
	ULONG_PTR old_count = count;

	granularity = GRANULARITY;
	for (size_t i = 0; i < N_SLOTS; i++)
		addresses[i] = CANARY;
	status = ww_nt_check_get(call);
	if (!status)
		status = ww_nt_get(regions, call);
	expect(status == expected);
	if (status)
		expect_unwritten(old_count);
	else
		expect_result(call, old_count);
}

static void reset(const struct ww_nt_get *call)
{
	NTSTATUS expected = range_status(call), status;

	if (!expected)
		expected = place_status(call);
	status = ww_nt_check_reset(call->base, call->size);
	if (!status)
		status = ww_nt_reset(regions, call->base, call->size);
	expect(status == expected);
	if (!status)
		memset(written + first_page(call), false,
		       end_page(call) - first_page(call));
}

static void write_pages(const struct call_bytes *bytes)
{
	size_t n = bytes->n_pages % 8;

	for (size_t page = bytes->page % N_PAGES; n && page < N_PAGES; page++, n--) {
		expect(fake_write(2 + page));
		written[page] = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	struct input input = { data, n_bytes };
	struct call_bytes bytes;

	fake_reset();
	regions = fake_regions();
	fake_reserve(regions, 2, REGION_PAGES, true);
	fake_reserve(regions, 2 + REGION_PAGES, REGION_PAGES, true);
	memset(written, false, sizeof(written));
	for (int i = 0; i < N_CALLS && take(&input, &bytes, sizeof(bytes)); i++) {
		struct ww_nt_get call = make_call(&bytes);

		if (bytes.what & RESET_ONLY)
			reset(&call);
		else
			get(&call);
		write_pages(&bytes);
	}
	ww_regions_close(regions);
	expect(!fake.open_fds && !fake.bad_calls);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VirtualAlloc2: watches on placeholders and with extended parameters. */
#include "pages.h"
#include "rows.h"

#define N_PAGES		48
#define PIECE		16	/* a third of it */
#define PIECE_BYTES	(PIECE * PAGE_BYTES)

#ifndef MEM_RESERVE_PLACEHOLDER
#define MEM_RESERVE_PLACEHOLDER		0x00040000
#define MEM_REPLACE_PLACEHOLDER		0x00004000
#define MEM_COALESCE_PLACEHOLDERS	0x00000001
#define MEM_PRESERVE_PLACEHOLDER	0x00000002
#endif

#define RESERVE_WATCHED	(MEM_RESERVE | MEM_REPLACE_PLACEHOLDER | MEM_WRITE_WATCH)

/* Not every import library has it, nor every Windows. */
static char *virtual_alloc2(void *base, size_t n_bytes, DWORD type,
			    DWORD protection, MEM_EXTENDED_PARAMETER *parameters,
			    ULONG n_parameters)
{
#ifdef _WIN32
	typedef void *WINAPI alloc2_fn(HANDLE, void *, SIZE_T, ULONG, ULONG,
				       MEM_EXTENDED_PARAMETER *, ULONG);
	alloc2_fn *alloc2 = (alloc2_fn *)(void *)GetProcAddress(
		GetModuleHandleA("kernelbase.dll"), "VirtualAlloc2");

	if (!alloc2)
		skip_row("there is no VirtualAlloc2");
	return alloc2(GetCurrentProcess(), base, n_bytes, type, protection,
		      parameters, n_parameters);
#else
	return VirtualAlloc2(GetCurrentProcess(), base, n_bytes, type,
			     protection, parameters, n_parameters);
#endif
}

static char *placeholder(void)
{
	char *base = virtual_alloc2(NULL, N_PAGES * PAGE_BYTES,
				    MEM_RESERVE | MEM_RESERVE_PLACEHOLDER,
				    PAGE_NOACCESS, NULL, 0);

	if (!base)
		skip_row("no placeholders here: error %" DU, GetLastError());
	return base;
}

/* The placeholder at `base`, of exactly this size, becomes watched memory. */
static void replace(char *base, size_t n_bytes, DWORD type)
{
	char *there = virtual_alloc2(base, n_bytes, RESERVE_WATCHED | type,
				     PAGE_READWRITE, NULL, 0);

	if (there != base)
		give_up("replace: %p for %p, error %" DU, (void *)there,
			(void *)base, GetLastError());
}

static void free_as(char *base, size_t n_bytes, DWORD type)
{
	if (!VirtualFree(base, n_bytes, type))
		give_up("VirtualFree: error %" DU, GetLastError());
}

/* A placeholder of three pieces, of which the middle one is split off. */
static char *three_pieces(void)
{
	char *base = placeholder();

	free_as(base + PIECE_BYTES, PIECE_BYTES,
		MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER);
	return base;
}

static void expect_unwatched(char *start)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, start, 1));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, reset_error(start, 1));
}

static void watched_placeholder(void)
{
	char *base = virtual_alloc2(NULL, N_PAGES * PAGE_BYTES, MEM_RESERVE |
				    MEM_RESERVE_PLACEHOLDER | MEM_WRITE_WATCH,
				    PAGE_NOACCESS, NULL, 0);

	CHECK(!base, "a placeholder with a watch");
	CHECK(GetLastError() == ERROR_INVALID_PARAMETER, "error %" DU,
	      GetLastError());
}

static void replace_reserved(void)
{
	char *base = placeholder();

	replace(base, N_PAGES * PAGE_BYTES, 0);
	EXPECT_WRITTEN("", base, N_PAGES);
	if (!VirtualAlloc(base + 4 * PAGE_BYTES, 8 * PAGE_BYTES, MEM_COMMIT,
			  PAGE_READWRITE))
		give_up("commit: error %" DU, GetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "4 7");
	EXPECT_AND_RESET("4 7", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void replace_committed(void)
{
	char *base = placeholder();

	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "0 47");
	EXPECT_AND_RESET("0 47", base, N_PAGES);
	touch(base, 47);
	EXPECT_WRITTEN("47", base, N_PAGES);
}

static void replace_a_part(void)
{
	char *base = placeholder();
	char *there = virtual_alloc2(base, PIECE_BYTES,
				     RESERVE_WATCHED | MEM_COMMIT,
				     PAGE_READWRITE, NULL, 0);

	CHECK(!there && GetLastError() == ERROR_INVALID_ADDRESS, "%p, error %" DU,
	      (void *)there, GetLastError());
	expect_unwatched(base);
	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	touch(base, 3);
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void split(void)
{
	char *base = three_pieces(), *middle = base + PIECE_BYTES;

	replace(middle, PIECE_BYTES, MEM_COMMIT);
	touch_all(middle, "0 15");
	EXPECT_WRITTEN("0 15", middle, PIECE);
	expect_unwatched(middle - 1);
	expect_unwatched(middle + PIECE_BYTES);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     query_error(0, middle, PIECE_BYTES + 1));
	replace(base, PIECE_BYTES, MEM_COMMIT);
	EXPECT_WRITTEN("", base, PIECE);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     query_error(0, base, 2 * PIECE_BYTES));
}

static void preserve(void)
{
	char *base = placeholder();
	MEMORY_BASIC_INFORMATION info;

	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	touch_all(base, "1 2");
	free_as(base, N_PAGES * PAGE_BYTES,
		MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER);
	expect_unwatched(base);
	VirtualQuery(base, &info, sizeof(info));
	CHECK(info.State == MEM_RESERVE, "state %#" DX, info.State);
	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(!base[PAGE_BYTES], "the old contents are there");
}

static void preserve_unwatched(void)
{
	char *base = placeholder();

	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	touch(base, 1);
	free_as(base, N_PAGES * PAGE_BYTES,
		MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER);
	if (virtual_alloc2(base, N_PAGES * PAGE_BYTES, MEM_RESERVE | MEM_COMMIT |
			   MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL,
			   0) != base)
		give_up("replace: error %" DU, GetLastError());
	touch(base, 1);
	expect_unwatched(base);
}

static void coalesce(void)
{
	char *base = three_pieces(), *middle = base + PIECE_BYTES;

	replace(middle, PIECE_BYTES, MEM_COMMIT);
	touch(middle, 1);
	CHECK(!VirtualFree(base, N_PAGES * PAGE_BYTES,
			   MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS),
	      "watched memory was coalesced");
	EXPECT_WRITTEN("1", middle, PIECE);
	free_as(middle, PIECE_BYTES, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER);
	free_as(base, N_PAGES * PAGE_BYTES,
		MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS);
	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	touch_all(base, "0 17 47");
	EXPECT_AND_RESET("0 17 47", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void released(void)
{
	char *base = three_pieces(), *middle = base + PIECE_BYTES;

	replace(middle, PIECE_BYTES, MEM_COMMIT);
	touch(middle, 1);
	release(middle);
	expect_unwatched(middle);
	if (VirtualAlloc(middle, PIECE_BYTES, MEM_RESERVE | MEM_COMMIT |
			 MEM_WRITE_WATCH, PAGE_READWRITE) != middle)
		give_up("VirtualAlloc: error %" DU, GetLastError());
	EXPECT_WRITTEN("", middle, PIECE);
	touch(middle, 2);
	EXPECT_WRITTEN("2", middle, PIECE);
}

static void decommitted(void)
{
	char *base = placeholder();

	replace(base, N_PAGES * PAGE_BYTES, MEM_COMMIT);
	touch_all(base, "3 9");
	if (!VirtualFree(base, 4 * PAGE_BYTES, MEM_DECOMMIT))
		give_up("decommit: error %" DU, GetLastError());
	EXPECT_AND_RESET("3 9", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* ---- A writer that does not wait ---- */

static char *raced;
static volatile unsigned int attempts;

static void write_when_possible(void *argument)
{
	(void)argument;
	do
		attempts = attempts + 1;
	while (!try_write(raced + 5 * PAGE_BYTES));
}

static void race(void)
{
	raced = placeholder();
	for (unsigned int round = 0; round < 500; round++) {
		uint64_t start_us = now_us();
		HANDLE writer;

		attempts = 0;
		writer = start_thread(write_when_possible, NULL);
		while (attempts < 2)
			wait_a_turn(start_us, "the writer");
		spin_us(round % 50);
		replace(raced, N_PAGES * PAGE_BYTES, MEM_COMMIT);
		join_thread(writer);
		EXPECT_WRITTEN("5", raced, N_PAGES);
		free_as(raced, N_PAGES * PAGE_BYTES,
			MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER);
	}
}

/* ---- Extended parameters ---- */

static char *allocate_between(DWORD watch_flag, uintptr_t lowest,
			      uintptr_t highest, size_t alignment)
{
	MEM_ADDRESS_REQUIREMENTS requirements = {
		.LowestStartingAddress = (void *)lowest,
		.HighestEndingAddress = (void *)highest,
		.Alignment = alignment,
	};
	MEM_EXTENDED_PARAMETER parameter = {
		.Type = MemExtendedParameterAddressRequirements,
		.Pointer = &requirements,
	};

	return virtual_alloc2(NULL, N_PAGES * PAGE_BYTES, MEM_RESERVE |
			      MEM_COMMIT | watch_flag, PAGE_READWRITE,
			      &parameter, 1);
}

/* Wine 8.0 knows the alignment and nothing else, watched or not. */
static void need_limits(void)
{
	char *plain = allocate_between(0, 0x50000000, 0x5fffffff, 0);

	if ((uintptr_t)plain < 0x50000000)
		skip_row("limits of addresses are ignored without a watch, too");
	release(plain);
}

static void requirements(void)
{
	char *aligned = allocate_between(MEM_WRITE_WATCH, 0, 0, 16 << 20);
	char *low;

	need_limits();
	low = allocate_between(MEM_WRITE_WATCH, 0x10000000, 0x5fffffff, 0);

	if (!aligned || !low)
		give_up("%p %p: error %" DU, (void *)aligned, (void *)low,
			GetLastError());
	CHECK(!((uintptr_t)aligned & ((16 << 20) - 1)), "%p", (void *)aligned);
	CHECK((uintptr_t)low >= 0x10000000 && (uintptr_t)low < 0x60000000, "%p",
	      (void *)low);
	touch(aligned, 3);
	touch(low, 4);
	EXPECT_AND_RESET("3", aligned, N_PAGES);
	EXPECT_AND_RESET("4", low, N_PAGES);
	EXPECT_WRITTEN("", low, N_PAGES);
}

static void wrong_requirements(void)
{
	static const struct {
		uintptr_t lowest, highest;
		size_t alignment;
	} wrong[] = {
		{ 0, 0, 4096 },
		{ 0, 0, 3 << 16 },
		{ 0x10001000, 0, 0 },
		{ 0x50000000, 0x4fffffff, 0 },
	};

	need_limits();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *base = allocate_between(MEM_WRITE_WATCH, wrong[i].lowest,
					      wrong[i].highest,
					      wrong[i].alignment);

		CHECK(!base && GetLastError() == ERROR_INVALID_PARAMETER,
		      "row %u: %p, error %" DU, (unsigned int)i, (void *)base,
		      GetLastError());
	}
}

static void wrong_parameters(void)
{
	MEM_EXTENDED_PARAMETER parameter = {
		.Type = 99,
	};
	char *base = virtual_alloc2(NULL, PAGE_BYTES, MEM_RESERVE |
				    MEM_WRITE_WATCH, PAGE_READWRITE,
				    &parameter, 1);

	CHECK(!base && GetLastError() == ERROR_INVALID_PARAMETER,
	      "unknown: %p, error %" DU, (void *)base, GetLastError());
	base = virtual_alloc2(NULL, PAGE_BYTES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE, NULL, 1);
	CHECK(!base && GetLastError() == ERROR_INVALID_PARAMETER,
	      "none: %p, error %" DU, (void *)base, GetLastError());
}

const struct row placeholder_rows[] = {
	{ "placeholder-watched", "INF", watched_placeholder, 0, ROW_NOT_PINNED,
	  "a placeholder itself cannot be watched" },
	{ "placeholder-replace", "MS", replace_reserved, 0, 0,
	  "what replaces a placeholder is watched" },
	{ "placeholder-replace-commit", "MS", replace_committed, 0, 0,
	  "committed memory that replaces a placeholder is watched" },
	{ "placeholder-replace-part", "MS", replace_a_part, 0, 0,
	  "a placeholder is replaced as a whole or not at all" },
	{ "placeholder-split", "MS", split, 0, 0,
	  "each piece of a split placeholder has a watch of its own" },
	{ "placeholder-preserve", "MS", preserve, 0, 0,
	  "a watch ends when the memory is a placeholder again" },
	{ "placeholder-preserve-unwatched", "MS", preserve_unwatched, 0, 0,
	  "the watch does not come back with the memory" },
	{ "placeholder-coalesce", "MS", coalesce, 0, 0,
	  "coalesced placeholders can be watched as one" },
	{ "placeholder-release", "MS", released, 0, 0,
	  "a watch ends with the release, and the next one is clean" },
	{ "placeholder-decommit", "INF", decommitted, 0, 0,
	  "decommitted pages stay written as elsewhere" },
	{ "placeholder-race", "L", race, 0, 0,
	  "no write is lost while a placeholder is replaced" },
	{ "parameters-address", "MS", requirements, 0, 0,
	  "memory at a place that was asked for is watched" },
	{ "parameters-address-wrong", "MS", wrong_requirements, 0, 0,
	  "impossible address requirements are refused" },
	{ "parameters-wrong", "MS", wrong_parameters, 0, 0,
	  "unknown or missing parameters are refused" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs do with write watches, each call by call. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#define RESET		WRITE_WATCH_FLAG_RESET

/* One call as a program makes it; gives up if it fails. */
static ULONG_PTR get(DWORD flags, char *start, size_t n_bytes,
		     void **addresses, ULONG_PTR capacity)
{
	ULONG_PTR count = capacity;
	DWORD granularity = 0, error;

	error = get_error(flags, start, n_bytes, addresses, &count,
			  &granularity);
	if (error || granularity != PAGE_BYTES || count > capacity)
		give_up("GetWriteWatch: error %" DU ", granularity %" DU
			", %u pages, room for %u", error, granularity,
			(unsigned int)count, (unsigned int)capacity);
	return count;
}

static void note_pages(char *base, void **addresses, ULONG_PTR count,
		       bool *reported)
{
	for (ULONG_PTR i = 0; i < count; i++)
		reported[((char *)addresses[i] - base) / PAGE_BYTES] = true;
}

static bool same_pages(const bool *reported, const bool *written,
		       size_t n_pages, int round)
{
	for (size_t page = 0; page < n_pages; page++)
		if (!CHECK(reported[page] == written[page],
			   "round %d: page %u is %s", round, (unsigned int)page,
			   written[page] ? "lost" : "reported, but clean"))
			return false;
	return true;
}

static void write_some(char *base, size_t n_pages, uint32_t n_writes,
		       uint64_t *random, bool *written)
{
	for (uint32_t i = 0; i < n_writes; i++) {
		size_t page = random_below(random, n_pages);

		touch(base, page);
		if (written)
			written[page] = true;
	}
}

/* ---- The Boehm collector ---- */

enum { SECTION_PAGES = 6000, MOST_CALLS = 2 + SECTION_PAGES / 2048 };

/* At its start: does the system know write watches at all? */
static void boehm_probe(void)
{
	char *page = allocate(1, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);
	void *addresses[16];

	CHECK(!get(RESET, page, PAGE_BYTES, addresses, 16),
	      "a reserved page is written");
	release(page);
}

/* Returns the number of calls. */
static unsigned int boehm_read(char *section, ULONG_PTR capacity,
			       bool *reported)
{
	static void *addresses[4096];
	unsigned int n_calls = 0;
	ULONG_PTR count;

	do {
		count = get(RESET, section, SECTION_PAGES * PAGE_BYTES,
			    addresses, capacity);
		note_pages(section, addresses, count, reported);
	} while (++n_calls <= MOST_CALLS && count == capacity);
	return n_calls;
}

/* Free blocks go back to the system, and come again when they are needed. */
static void boehm_unmap_and_remap(char *section, uint64_t *random)
{
	size_t first = random_below(random, SECTION_PAGES - 64);
	char *start = section + first * PAGE_BYTES;
	size_t n_bytes = (1 + random_below(random, 64)) * PAGE_BYTES;

	if (!VirtualFree(start, n_bytes, MEM_DECOMMIT) ||
	    !VirtualAlloc(start, n_bytes, MEM_COMMIT, PAGE_EXECUTE_READWRITE))
		give_up("unmap and remap: error %" DU, GetLastError());
}

static void boehm(void)
{
	static bool written[SECTION_PAGES], reported[SECTION_PAGES];
	uint64_t random = row_seed();
	char *section;

	boehm_probe();
	section = watch(SECTION_PAGES);
	for (int round = 0; round < 30; round++) {
		ULONG_PTR capacity = round % 2 ? 2048 : 4096;
		unsigned int n_calls;

		memset(written, 0, sizeof(written));
		memset(reported, 0, sizeof(reported));
		/* one round fills the array exactly */
		for (size_t page = 0; round == 6 && page < 4096; page++) {
			touch(section, page);
			written[page] = true;
		}
		if (round != 6)
			write_some(section, SECTION_PAGES, 1u << (round % 15),
				   &random, written);
		for (int i = 0; i < round % 4; i++)
			boehm_unmap_and_remap(section, &random);
		n_calls = boehm_read(section, capacity, reported);
		CHECK(n_calls <= MOST_CALLS, "round %d: the loop does not end",
		      round);
		if (!same_pages(reported, written, SECTION_PAGES, round))
			return;
	}
}

/* ---- The .NET collector ---- */

enum { HEAP_PAGES = 4096 };

static void dotnet_read(char *heap, size_t skip, bool *reported)
{
	char *start = heap + skip, *end = heap + HEAP_PAGES * PAGE_BYTES;
	void *addresses[100];
	ULONG_PTR count = 100;

	while (start < end && count == 100) {
		count = get(0, start, end - start, addresses, 100);
		note_pages(heap, addresses, count, reported);
		if (count)
			start = (char *)addresses[count - 1] + PAGE_BYTES;
	}
	EXPECT_ERROR(0, reset_error(heap + skip,
				    HEAP_PAGES * PAGE_BYTES - skip));
}

static void dotnet(void)
{
	static bool written[HEAP_PAGES], reported[HEAP_PAGES];
	uint64_t random = row_seed();
	char *heap = watch(HEAP_PAGES);

	for (int round = 0; round < 60; round++) {
		memset(written, 0, sizeof(written));
		memset(reported, 0, sizeof(reported));
		write_some(heap, HEAP_PAGES, 1u << (round % 13), &random,
			   written);
		dotnet_read(heap, random_below(&random, PAGE_BYTES), reported);
		if (!same_pages(reported, written, HEAP_PAGES, round))
			return;
	}
}

/* Its later versions reserve all that they may ever need. */
static void dotnet_reserve(void)
{
	const size_t n_pages = ((uint64_t)256 << 30) / PAGE_BYTES;
	const size_t used[] = { 0, n_pages / 2, n_pages - 16 };
	void *addresses[100];
	char *base;

	if (sizeof(void *) < 8)
		skip_row("the address space is too small");
	base = VirtualAlloc(NULL, n_pages * PAGE_BYTES,
			    MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);
	if (!base)
		skip_row("256 GiB cannot be reserved: error %" DU,
			 GetLastError());
	for (int i = 0; i < 3; i++) {
		char *start = base + used[i] * PAGE_BYTES;

		if (!VirtualAlloc(start, 16 * PAGE_BYTES, MEM_COMMIT,
				  PAGE_READWRITE))
			give_up("commit: error %" DU, GetLastError());
		touch(start, 3 + i);
	}
	CHECK(get(RESET, base, n_pages * PAGE_BYTES, addresses, 100) == 3,
	      "not the three pages that were written");
	for (int i = 0; i < 3; i++)
		CHECK(addresses[i] == base + (used[i] + 3 + i) * PAGE_BYTES,
		      "%p is not the page that was written", addresses[i]);
	CHECK(!get(RESET, base, n_pages * PAGE_BYTES, addresses, 100),
	      "written once more");
	release(base);
}

/* ---- ChakraCore ---- */

/* One page a call, very often. */
static void chakra(void)
{
	enum { N = 256 };
	char *base = watch(N);
	uint64_t random = row_seed();
	bool written[N] = { false };
	void *address;

	for (int i = 0; i < 20000; i++) {
		size_t page = random_below(&random, N);
		ULONG_PTR count;

		write_some(base, N, random_below(&random, 3), &random, written);
		count = get(RESET, base + page * PAGE_BYTES, PAGE_BYTES,
			    &address, 1);
		if (!CHECK(count == written[page] &&
			   (!count || address == base + page * PAGE_BYTES),
			   "call %d: %u pages, expected %u", i,
			   (unsigned int)count, written[page]))
			return;
		written[page] = false;
	}
}

/* ---- Emulators that go back in time ---- */

enum { STATE_PAGES = 40 << 8, FRAME_PAGES = 1500 };	/* 40 MiB */

static void *state_addresses[STATE_PAGES];

/* What changed since the last frame goes into the shadow, or comes from it. */
static void copy_changes(char *state, char *shadow, bool back)
{
	ULONG_PTR count = get(RESET, state, STATE_PAGES * PAGE_BYTES,
			      state_addresses, STATE_PAGES);

	for (ULONG_PTR i = 0; i < count; i++) {
		char *page = state_addresses[i];
		char *other = shadow + (page - state);

		memcpy(back ? page : other, back ? other : page, PAGE_BYTES);
	}
	/* its own writes are no changes */
	if (back)
		EXPECT_ERROR(0, reset_error(state, STATE_PAGES * PAGE_BYTES));
}

static void rollback(void)
{
	char *state = watch(STATE_PAGES);
	char *shadow = allocate(STATE_PAGES, MEM_RESERVE | MEM_COMMIT,
				PAGE_READWRITE);
	uint64_t random = row_seed();

	for (int frame = 0; frame < 60; frame++) {
		write_some(state, STATE_PAGES, FRAME_PAGES, &random, NULL);
		copy_changes(state, shadow, frame % 5 == 4);
		if (frame % 10 == 9 &&
		    !CHECK(!memcmp(state, shadow, STATE_PAGES * PAGE_BYTES),
			   "frame %d: the copy differs", frame))
			return;
	}
}

/* ---- Capture layers ---- */

enum { N_HEAPS = 8, CAPTURED_PAGES = 2048 };

/* Room for every page, and nearly all of it clean. */
static void capture(void)
{
	static bool written[N_HEAPS][CAPTURED_PAGES];
	static bool reported[CAPTURED_PAGES];
	static void *addresses[CAPTURED_PAGES];
	char *heaps[N_HEAPS];
	uint64_t random = row_seed();

	for (int i = 0; i < N_HEAPS; i++)
		heaps[i] = watch(CAPTURED_PAGES);
	for (int submit = 0; submit < 200; submit++) {
		int busy = random_below(&random, N_HEAPS);

		write_some(heaps[busy], CAPTURED_PAGES,
			   random_below(&random, 4), &random, written[busy]);
		for (int i = 0; i < N_HEAPS; i++) {
			memset(reported, 0, sizeof(reported));
			take(heaps[i], CAPTURED_PAGES, addresses, reported);
			if (!same_pages(reported, written[i], CAPTURED_PAGES,
					submit))
				return;
			memset(written[i], 0, sizeof(written[i]));
		}
	}
}

/* ---- Memory that is pinned ---- */

static void pinned(void)
{
	enum { N = 16 };
	char *base = watch(N);

	if (!VirtualLock(base, N * PAGE_BYTES))
		skip_row("VirtualLock: error %" DU, GetLastError());
	EXPECT_ERROR(0, reset_error(base, N * PAGE_BYTES));
	EXPECT_WRITTEN("", base, N);
	touch_all(base, "0 7 15");
	EXPECT_AND_RESET("0 7 15", base, N);
	EXPECT_WRITTEN("", base, N);
	touch(base, 3);
	CHECK(VirtualUnlock(base, N * PAGE_BYTES), "VirtualUnlock: error %" DU,
	      GetLastError());
	EXPECT_AND_RESET("3", base, N);
	touch(base, 4);
	EXPECT_AND_RESET("4", base, N);
}

/* ---- Recorders ---- */

static void recorder(void)
{
	enum { N = 64 };
	char *base = watch(N);
	void *addresses[N];
	uint64_t random = row_seed();
	HANDLE process = OpenProcess(PROCESS_VM_OPERATION, FALSE,
				     GetCurrentProcessId());

	if (!process)
		give_up("OpenProcess: error %" DU, GetLastError());
	for (int round = 0; round < 200; round++) {
		bool written[N] = { false }, reported[N] = { false };
		ULONG_PTR count = N;
		ULONG granularity = 0;
		NTSTATUS status;

		write_some(base, N, random_below(&random, 20), &random,
			   written);
		status = NtGetWriteWatch(process, RESET, base, N * PAGE_BYTES,
					 addresses, &count, &granularity);
		if (status || granularity != PAGE_BYTES || count > N)
			give_up("status %#x", (unsigned int)status);
		note_pages(base, addresses, count, reported);
		if (!same_pages(reported, written, N, round))
			return;
	}
	CloseHandle(process);
}

const struct row client_rows[] = {
	{ "client-boehm", "MS", boehm, 0, 0,
	  "a collector's loop over its heap ends and loses no page" },
	{ "client-dotnet", "W8", dotnet, 0, 0,
	  "a hundred pages a call from an uneven base, then one reset" },
	{ "client-dotnet-reserve", "INF", dotnet_reserve, 0, 0,
	  "256 GiB are reserved, and only what is used is looked at" },
	{ "client-chakra", "MS", chakra, 0, 0,
	  "one page a call, very often, is exact" },
	{ "client-rollback", "MS", rollback, 0, 0,
	  "a copy made of the changes is the state, there and back" },
	{ "client-capture", "MS", capture, 0, 0,
	  "many heaps, nearly all clean, are exact at every submit" },
	{ "client-pinned", "INF", pinned, 0, 0,
	  "locked memory is watched as ever" },
	{ "client-recorder", "RO", recorder, 0, 0,
	  "queries through a handle of the process are exact" },
	{ 0 },
};

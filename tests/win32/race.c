/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output arrays that become bad while the call runs. */
#include "pages.h"
#include "rows.h"

#ifdef _WIN32

#include <string.h>

#define FAULT		ERROR_NOACCESS
#define RESET		WRITE_WATCH_FLAG_RESET

/*
 * The array becomes bad in the middle of the call, after any test of it at
 * the start. The thread that called never calls again; in odd rounds it still
 * exists while the pages are looked for.
 */
#define RACE_PAGES	2048
#define RACE_ROUNDS	1500

struct race {
	char *base;
	void **array;
	volatile bool entered, done;
	bool ends;
	HANDLE may_end;
	DWORD error;
	ULONG_PTR count;
};

static void call_once(void *argument)
{
	struct race *race = argument;
	DWORD granularity;

	race->count = RACE_PAGES;
	race->entered = true;
	race->error = get_error(RESET, race->base, RACE_PAGES * PAGE_BYTES,
				race->array, &race->count, &granularity);
	race->done = true;
	if (!race->ends)
		WaitForSingleObject(race->may_end, INFINITE);
}

static void wait_until(volatile bool *flag)
{
	uint64_t start = now_us();

	while (!*flag)
		wait_a_turn(start, "an answer of a thread");
}

static void mark(char *base, void **addresses, ULONG_PTR count,
		 bool *reported)
{
	for (ULONG_PTR i = 0; i < count; i++)
		reported[((char *)addresses[i] - base) / PAGE_BYTES] = true;
}

static void array_race(void)
{
	static void *addresses[RACE_PAGES];
	static bool written[RACE_PAGES], reported[RACE_PAGES];
	size_t n_bytes = sizeof(addresses);
	char *base = watch(RACE_PAGES);
	char *array = allocate(n_bytes / PAGE_BYTES, MEM_RESERVE | MEM_COMMIT,
			       PAGE_READWRITE);
	char *last = array + n_bytes - PAGE_BYTES;
	uint64_t random = row_seed(), longest = 20;
	unsigned int n_failed = 0;

	for (unsigned int round = 0; another_round(round, RACE_ROUNDS); round++) {
		struct race race = {
			.base = base, .array = (void **)array,
			.ends = round % 2 == 0,
		};
		uint64_t entered;
		HANDLE thread;

		memset(written, 0, sizeof(written));
		memset(reported, 0, sizeof(reported));
		for (size_t page = 0; page < RACE_PAGES; page++) {
			if (random_below(&random, 8) == 0)
				continue;
			touch(base, page);
			written[page] = true;
		}
		race.may_end = CreateEventA(NULL, TRUE, FALSE, NULL);
		thread = start_thread(call_once, &race);
		wait_until(&race.entered);
		entered = now_us();
		spin_us(random_below(&random, longest + longest / 8));
		protect(last, PAGE_BYTES,
			round % 4 < 2 ? PAGE_NOACCESS : PAGE_READONLY);
		wait_until(&race.done);
		if (!race.error)
			longest = (longest + now_us() - entered) / 2 + 1;
		protect(last, PAGE_BYTES, PAGE_READWRITE);

		if (race.ends)
			join_thread(thread);
		if (race.error)
			n_failed++;
		else
			mark(base, race.array, race.count, reported);
		CHECK(!race.error || race.error == FAULT, "error %" DU,
		      race.error);
		take(base, RACE_PAGES, addresses, reported);
		for (size_t page = 0; page < RACE_PAGES; page++)
			if (!CHECK(reported[page] || !written[page],
				   "round %d: page %u is lost", round,
				   (unsigned int)page))
				return;
		SetEvent(race.may_end);
		if (!race.ends)
			join_thread(thread);
		CloseHandle(race.may_end);
	}
	note("%u calls failed", n_failed);
}

#endif

const struct row race_rows[] = {
	{ "array-race", "INF", WINDOWS_ONLY(array_race), 0, 0,
	  "an array that turns bad during the call loses nothing" },
	{ 0 },
};

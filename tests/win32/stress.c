/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many writes from many threads, and not one of them lost. */
#include "pages.h"
#include "rows.h"

#include <string.h>

#define RESET		WRITE_WATCH_FLAG_RESET
#define N_WRITERS	4
#define N_PAGES		1024

static volatile uint64_t *value(char *base, size_t page)
{
	return (volatile uint64_t *)(base + page * PAGE_BYTES);
}

/* Each writer has a quarter of the pages; the pages hold rising numbers. */
static struct writer {
	char *base;
	uint64_t random, n_writes;
} writers[N_WRITERS];
static volatile bool stop;

static void write_on(void *argument)
{
	struct writer *writer = argument;

	while (!stop) {
		size_t page = random_below(&writer->random,
					   N_PAGES / N_WRITERS);

		*value(writer->base, page) = ++writer->n_writes;
	}
}

/* What a client does: reset, and take over the reported pages. */
static void scan(char *base, ULONG_PTR capacity, uint64_t *copy)
{
	static void *addresses[N_PAGES];
	ULONG_PTR count = capacity;
	DWORD granularity;

	if (get_error(RESET, base, N_PAGES * PAGE_BYTES, addresses, &count,
		      &granularity))
		give_up("GetWriteWatch: error %" DU, GetLastError());
	for (ULONG_PTR i = 0; i < count; i++) {
		size_t page = ((char *)addresses[i] - base) / PAGE_BYTES;

		copy[page] = *value(base, page);
	}
}

static void writers_and_scanner(void)
{
	static uint64_t copy[N_PAGES];
	char *base = watch(N_PAGES);
	uint64_t random = row_seed(), end = now_us() + 3000000;
	uint64_t n_writes = 0, n_scans = 0;
	HANDLE threads[N_WRITERS];

	for (int i = 0; i < N_WRITERS; i++) {
		writers[i].base = (char *)value(base, i * N_PAGES / N_WRITERS);
		writers[i].random = random + i;
		threads[i] = start_thread(write_on, &writers[i]);
	}
	for (; now_us() < end; n_scans++)
		scan(base, random_below(&random, 4) ? N_PAGES :
		     1 + random_below(&random, N_PAGES), copy);
	stop = true;
	for (int i = 0; i < N_WRITERS; i++) {
		join_thread(threads[i]);
		n_writes += writers[i].n_writes;
	}
	scan(base, N_PAGES, copy);
	note("%llu writes, %llu scans", (unsigned long long)n_writes,
	     (unsigned long long)n_scans);
	for (size_t page = 0; page < N_PAGES; page++)
		CHECK(copy[page] == *value(base, page), "page %u: write %llu "
		      "is lost", (unsigned int)page,
		      (unsigned long long)*value(base, page));
}

/*
 * A writer that waits on a page which is not committed yet, as a program does
 * that commits in its exception handler: its write comes the moment that the
 * commit makes it possible. The last page of a piece first: should the piece be
 * watched only after that, it is the one for which this takes longest. The two
 * threads take turns at each piece, which a busy machine makes slow.
 */
#define COMMIT_PAGES	8192
#define MOST_PIECES	512

static struct early {
	char *base;
	size_t piece_pages, n_pages;
	volatile size_t n_written;
} early;

static void write_early(void *argument)
{
	struct early *writer = argument;

	for (size_t end = writer->piece_pages; end <= writer->n_pages;
	     end += writer->piece_pages) {
		for (size_t i = 1; i <= writer->piece_pages; i++)
			*value(writer->base, end - i) = end;
		writer->n_written = end;
	}
}

/* Each piece is committed while the writer waits for its last page. */
static void commit_pieces(char *base, size_t piece_pages, size_t n_pages)
{
	for (size_t page = 0; page < n_pages; page += piece_pages) {
		uint64_t start = now_us();

		while (early.n_written < page)
			wait_a_turn(start, "all writes");
		if (!VirtualAlloc(base + page * PAGE_BYTES,
				  piece_pages * PAGE_BYTES, MEM_COMMIT,
				  PAGE_READWRITE))
			give_up("commit: error %" DU, GetLastError());
	}
}

static void writer_races_commits(void)
{
	static const size_t pieces[] = {
		16, 1, 1024, 256, 512, 1024, 2, 64, 512, 1024, 256,
	};
	static void *addresses[COMMIT_PAGES];
	static bool reported[COMMIT_PAGES];

	for (unsigned int round = 0;
	     another_round(round, sizeof(pieces) / sizeof(*pieces)); round++) {
		size_t n_pages = pieces[round] * MOST_PIECES;
		unsigned int n_lost = 0;
		HANDLE thread;

		if (n_pages > COMMIT_PAGES)
			n_pages = COMMIT_PAGES;
		early.base = allocate(COMMIT_PAGES,
				      MEM_RESERVE | MEM_WRITE_WATCH,
				      PAGE_READWRITE);
		early.piece_pages = pieces[round];
		early.n_pages = n_pages;
		early.n_written = 0;
		retry_faults_in(early.base, COMMIT_PAGES * PAGE_BYTES);
		thread = start_thread(write_early, &early);
		commit_pieces(early.base, pieces[round], n_pages);
		join_thread(thread);
		retry_faults_in(NULL, 0);
		memset(reported, 0, sizeof(reported));
		take(early.base, COMMIT_PAGES, addresses, reported);
		for (size_t page = 0; page < n_pages; page++)
			n_lost += !reported[page];
		CHECK(!n_lost, "round %u: %u of %u writes are lost", round,
		      n_lost, (unsigned int)n_pages);
		release(early.base);
	}
}

/*
 * One thread writes to a page whenever it can, one gives access to it whenever
 * it is committed. A write between what a decommit looks at and what it takes
 * away would be lost.
 */
static struct fleeting {
	char *page;
	volatile size_t n_attempts;	/* begun */
	volatile size_t n_writes;
	volatile bool ends;
} fleeting;

static void write_fleeting(void *argument)
{
	struct fleeting *writer = argument;

	while (!writer->ends) {
		writer->n_attempts++;
		writer->n_writes += try_write(writer->page);
	}
}

static void protect_fleeting(void *argument)
{
	struct fleeting *writer = argument;
	DWORD old;

	while (!writer->ends)
		VirtualProtect(writer->page, PAGE_BYTES, PAGE_READWRITE, &old);
}

/* What has succeeded so far, when no attempt is under way that began before. */
static size_t count_writes(void)
{
	size_t begun = fleeting.n_attempts;
	uint64_t start = now_us();

	while (fleeting.n_attempts < begun + 2)
		wait_a_turn(start, "an attempt to write");
	return fleeting.n_writes;
}

static bool decommit_loses_a_write(void)
{
	size_t before = count_writes();
	bool reported = false;
	void *address;

	if (!VirtualAlloc(fleeting.page, PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE))
		give_up("commit: error %" DU, GetLastError());
	spin_us(before % 8);
	if (!VirtualFree(fleeting.page, PAGE_BYTES, MEM_DECOMMIT))
		give_up("decommit: error %" DU, GetLastError());
	take(fleeting.page, 1, &address, &reported);
	return count_writes() != before && !reported;
}

static void protect_races_decommit(void)
{
	unsigned int n_lost = 0, n_rounds = 0;
	uint64_t end = now_us() + 3000000;
	HANDLE threads[2];

	fleeting.page = allocate(1, MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);
	threads[0] = start_thread(write_fleeting, &fleeting);
	threads[1] = start_thread(protect_fleeting, &fleeting);
	for (; now_us() < end; n_rounds++)
		n_lost += decommit_loses_a_write();
	fleeting.ends = true;
	join_thread(threads[0]);
	join_thread(threads[1]);
	CHECK(!n_lost, "%u of %u writes are lost", n_lost, n_rounds);
	note("%u rounds, %u writes", n_rounds, (unsigned int)fleeting.n_writes);
}

static void random_gigabyte(void)
{
	enum { N = 1 << 18 };
	static uint32_t order[N];
	static void *addresses[N];
	static bool reported[N];
	char *base = watch(N);
	uint64_t random = row_seed();
	uint32_t n_lost = 0;

	shuffle(order, N, &random);
	for (uint32_t i = 0; i < N; i++)
		*value(base, order[i]) = i + 1;
	take(base, N, addresses, reported);
	for (uint32_t i = 0; i < N; i++)
		n_lost += !reported[i] || *value(base, order[i]) != i + 1;
	CHECK(!n_lost, "%u of %u pages are lost", n_lost, N);
	memset(reported, 0, sizeof(reported));
	take(base, N, addresses, reported);
	CHECK(!memchr(reported, true, sizeof(reported)),
	      "pages are written after the reset");
}

const struct row stress_rows[] = {
	{ "stress-writers-and-scanner", "MS", writers_and_scanner, 0, 0,
	  "no write is lost to a reset at the same time" },
	{ "stress-writer-races-commits", "MS", writer_races_commits, 0, 0,
	  "no write is lost to a commit at the same time" },
	{ "stress-protect-races-decommit", "L", protect_races_decommit, 0, 0,
	  "no write is lost to a decommit that meets a change of protection" },
	{ "stress-random-gigabyte", "L", random_gigabyte, 150, 0,
	  "a gigabyte written in random order is reported" },
	{ 0 },
};

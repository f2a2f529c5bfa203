/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What write watches in Wine have done wrong, one by one. */
#include "pages.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <winternl.h>
#else
#include "inject.h"
#include <unistd.h>
#endif

#ifndef MEM_RESET_UNDO
#define MEM_RESET_UNDO	0x1000000
#endif

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)
#define RESET		WRITE_WATCH_FLAG_RESET
#define RESERVE		(MEM_RESERVE | MEM_WRITE_WATCH)
#define WATCHED		(MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH)

#define INVALID_STATUS		((NTSTATUS)0xc0000008)	/* of a handle */
#define DENIED_STATUS		((NTSTATUS)0xc0000022)
#define MISMATCH_STATUS		((NTSTATUS)0xc0000024)

static void commit(char *base, size_t first, size_t n_pages)
{
	if (!VirtualAlloc(base + first * PAGE_BYTES, n_pages * PAGE_BYTES,
			  MEM_COMMIT, PAGE_READWRITE))
		give_up("commit: error %" DU, GetLastError());
}

static void decommit(char *base, size_t first, size_t n_pages)
{
	if (!VirtualFree(base + first * PAGE_BYTES, n_pages * PAGE_BYTES,
			 MEM_DECOMMIT))
		give_up("decommit: error %" DU, GetLastError());
}

/* 1: both calls ask about the process of the handle. */
static void expect_status(HANDLE process, NTSTATUS expected, char *base)
{
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	ULONG granularity;
	NTSTATUS status;

	status = NtGetWriteWatch(process, RESET, base, ALL, addresses, &count,
				 &granularity);
	CHECK(status == expected, "get: %#" DX ", expected %#" DX, status,
	      expected);
	status = NtResetWriteWatch(process, base, ALL);
	CHECK(status == expected, "reset: %#" DX ", expected %#" DX, status,
	      expected);
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static void process_handle(void)
{
	char *base = watch(N_PAGES);
	HANDLE other;

	touch(base, 3);
	expect_status((HANDLE)0xdeac, INVALID_STATUS, base);
	other = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
			    GetCurrentProcessId());
	if (!other)
		give_up("OpenProcess: error %" DU, GetLastError());
	expect_status(other, DENIED_STATUS, base);
	CloseHandle(other);
	expect_status(other, INVALID_STATUS, base);
#ifdef _WIN32
	expect_status(CreateEventA(NULL, TRUE, FALSE, NULL), MISMATCH_STATUS,
		      base);
#endif
}

/* 2 */
static void decommit_loses(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5 15");
	decommit(base, 4, 4);
	EXPECT_WRITTEN("0 5 15", base, N_PAGES);
	decommit(base, 0, N_PAGES);
	EXPECT_WRITTEN("0 5 15", base, N_PAGES);
	EXPECT_AND_RESET("0 5 15", base, N_PAGES);
	decommit(base, 0, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/*
 * 3: what a process has in page tables, in KiB. Under Wine it looks for its
 * own file by a token on its command line.
 */
static unsigned long table_kib(FILE *status)
{
	unsigned long kib = 0;
	bool found = false;
	char line[256];

	while (fgets(line, sizeof(line), status))
		found |= sscanf(line, "VmPTE: %lu kB", &kib) == 1;
	if (!found)
		give_up("no VmPTE");
	rewind(status);
	return kib;
}

static void check_tables(FILE *status)
{
	/* 64 GiB, or what a program of 32 bits may have. */
	size_t n_pages = sizeof(void *) > 4 ? 1 << 24 : 1 << 18;
	unsigned long before = table_kib(status), reserved, used;
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity;
	char *base = allocate(n_pages, RESERVE, PAGE_READWRITE);

	reserved = table_kib(status);
	commit(base, n_pages / 2, N_PAGES);
	touch(base, n_pages / 2 + 3);
	EXPECT_ERROR(0, get_error(RESET, base, n_pages * PAGE_BYTES, addresses,
				  &count, &granularity));
	CHECK(count == 1, "count %u", (unsigned int)count);
	EXPECT_ERROR(0, reset_error(base, n_pages * PAGE_BYTES));
	used = table_kib(status);
	note("page tables: %lu KiB, %lu reserved, %lu used", before, reserved,
	     used);
	CHECK(reserved < before + 256, "%lu KiB for nothing but a reservation",
	      reserved - before);
	CHECK(used < before + 512, "%lu KiB for %u pages", used - before,
	      N_PAGES);
}

#ifdef _WIN32

/* The arguments follow one another, each with its 0. */
static bool has_argument(const char *folder, const char *argument)
{
	char path[MAX_PATH], text[4096];
	size_t length = strlen(argument), n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "Z:\\proc\\%s\\cmdline", folder);
	file = fopen(path, "rb");
	if (file) {
		n = fread(text, 1, sizeof(text), file);
		fclose(file);
	}
	for (size_t i = 0; i + length <= n; i++)
		if (!memcmp(text + i, argument, length))
			return true;
	return false;
}

static FILE *open_status(const char *token)
{
	WIN32_FIND_DATAA entry;
	HANDLE search = FindFirstFileA("Z:\\proc\\*", &entry);
	char path[MAX_PATH];

	if (search == INVALID_HANDLE_VALUE)
		return NULL;
	do {
		if (!atoi(entry.cFileName) ||
		    !has_argument(entry.cFileName, token))
			continue;
		FindClose(search);
		snprintf(path, sizeof(path), "Z:\\proc\\%s\\status",
			 entry.cFileName);
		return fopen(path, "rb");
	} while (FindNextFileA(search, &entry));
	FindClose(search);
	return NULL;
}

int run_page_tables(const char *token)
{
	FILE *status = open_status(token);

	if (!status)
		give_up("no process with %s in its command line", token);
	check_tables(status);
	fclose(status);
	return checks_status();
}

static void page_tables(void)
{
	uint64_t random = row_seed();
	char arguments[64];

	if (GetFileAttributesA("Z:\\proc\\self") == INVALID_FILE_ATTRIBUTES)
		skip_row("no /proc here");
	snprintf(arguments, sizeof(arguments), "--page-tables token-%08x%08x",
		 (unsigned int)random_below(&random, ~0u),
		 (unsigned int)random_below(&random, ~0u));
	run_again(arguments);
}

#else

int run_page_tables(const char *token)
{
	(void)token;
	return ERROR_NOT_SUPPORTED;
}

static void page_tables(void)
{
	FILE *status = fopen("/proc/self/status", "r");

	if (!status)
		skip_row("no /proc here");
	setvbuf(status, NULL, _IONBF, 0);
	check_tables(status);
	fclose(status);
}

/* At least page 3 is there, whatever else may be. */
static void expect_page_3(char *base, DWORD flags)
{
	void *addresses[N_PAGES] = { NULL };
	ULONG_PTR count = N_PAGES, i = 0;
	DWORD granularity;

	EXPECT_ERROR(0, get_error(flags, base, ALL, addresses, &count,
				  &granularity));
	while (i < count && addresses[i] != base + 3 * PAGE_BYTES)
		i++;
	CHECK(i < count, "page 3 is lost");
}

/* 4: nothing that says that it is watched is not. */
static void register_fails(void)
{
	char *first = watch(N_PAGES), *second;

	touch(first, 1);
	inject(REGISTER_FAILS);
	second = VirtualAlloc(NULL, ALL, WATCHED, PAGE_READWRITE);
	if (second) {
		EXPECT_WRITTEN("", second, N_PAGES);
		touch(second, 3);
		EXPECT_AND_RESET("3", second, N_PAGES);
		EXPECT_WRITTEN("", second, N_PAGES);
	}
	EXPECT_AND_RESET("1", first, N_PAGES);
	inject(NO_INJECTION);
	touch(first, 3);
	EXPECT_AND_RESET("3", first, N_PAGES);
}

/* The same for memory that is watched, and has to be again. */
static void register_fails_later(void)
{
	char *base = watch(N_PAGES);

	inject(REGISTER_FAILS);
	if (VirtualFree(base + 2 * PAGE_BYTES, 4 * PAGE_BYTES, MEM_DECOMMIT) &&
	    !VirtualAlloc(base + 2 * PAGE_BYTES, 4 * PAGE_BYTES, MEM_COMMIT,
			  PAGE_READWRITE))
		skip_row("the commit is refused, which is as good");
	touch(base, 3);
	expect_page_3(base, 0);
	expect_page_3(base, RESET);
	touch(base, 3);
	expect_page_3(base, RESET);
	inject(NO_INJECTION);
	touch(base, 3);
	expect_page_3(base, RESET);
}

/* Watched memory is refused from the first call on; other memory is not. */
static void expect_refusal(void)
{
	if (!backend_is("uffd"))
		skip_row("another backend does without");
#ifndef _WIN32
	/* or it would be another backend's turn */
	setenv("WINEWATCH_BACKEND", "uffd", 1);
#endif
	SetLastError(0);
	CHECK(!VirtualAlloc(NULL, ALL, WATCHED, PAGE_READWRITE),
	      "memory is watched that cannot be");
	CHECK(GetLastError() == ERROR_NOT_SUPPORTED, "error %" DU,
	      GetLastError());
	allocate(N_PAGES, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

/* 5 */
static void scan_does_nothing(void)
{
	inject(SCAN_DOES_NOTHING);
	expect_refusal();
}

static void protect_does_nothing(void)
{
	inject(PROTECT_DOES_NOTHING);
	expect_refusal();
}

/* 6 */
static void no_async_feature(void)
{
	inject(NO_ASYNC_FEATURE);
	expect_refusal();
}

/* 7 */
static void scan_fails(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 5");
	EXPECT_AND_RESET("1 5", base, N_PAGES);
	touch(base, 3);
	inject(SCAN_FAILS);
	expect_page_3(base, 0);
	expect_page_3(base, RESET);
	touch(base, 3);
	inject(NO_INJECTION);
	expect_page_3(base, RESET);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 3);
	EXPECT_AND_RESET("3", base, N_PAGES);
}

/* 14: a scan can tell of 512 fragments; a few more may find out the rest. */
static void fragments(void)
{
	enum { N = 10000, MOST_SCANS = N / 512 + 4 };
	char *base = watch(2 * N);
	static void *addresses[2 * N];
	static bool reported[2 * N];
	unsigned int before, n;

	for (size_t i = 0; i < N; i++)
		touch(base, 2 * i + 1);
	before = n_scans();
	take(base, 2 * N, addresses, reported);
	n = n_scans() - before;
	CHECK(n <= MOST_SCANS, "%u scans of %u fragments", n, N);
	for (size_t i = 0; i < N; i++)
		CHECK(reported[2 * i + 1] && !reported[2 * i],
		      "wrong about fragment %u", (unsigned int)i);
}

/* 15: a page of the host that is several pages here. */
static void larger_pages(void)
{
	char *base;

	if (sysconf(_SC_PAGESIZE) == (long)PAGE_BYTES)
		skip_row("the host's pages have 4 KiB, too");
	base = watch(N_PAGES);
	touch_all(base, "4 5 6 7");
	EXPECT_ERROR(0, reset_error(base + 5 * PAGE_BYTES, PAGE_BYTES));
	EXPECT("4", 0, base, 4, 1, 1);
	EXPECT("6 7", 0, base, 6, 2, 2);
}

#endif

/* 8 */
static void mem_reset(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "0 5 15");
	EXPECT_ERROR(0, reset_error(base, PAGE_BYTES));
	CHECK(VirtualAlloc(base, ALL, MEM_RESET, PAGE_READWRITE),
	      "MEM_RESET: error %" DU, GetLastError());
	EXPECT_WRITTEN("5 15", base, N_PAGES);
	/* A failure says that contents are lost, not that it cannot be. */
	CHECK(VirtualAlloc(base, ALL, MEM_RESET_UNDO, PAGE_READWRITE) ||
	      GetLastError() != ERROR_INVALID_PARAMETER, "MEM_RESET_UNDO");
	EXPECT_WRITTEN("5 15", base, N_PAGES);
	CHECK(!VirtualAlloc(base, ALL, MEM_RESET | MEM_COMMIT, PAGE_READWRITE),
	      "MEM_RESET is not exclusive");
	CHECK(!VirtualAlloc(base, ALL, MEM_RESET_UNDO | MEM_COMMIT,
			    PAGE_READWRITE), "MEM_RESET_UNDO is not exclusive");
	EXPECT_WRITTEN("5 15", base, N_PAGES);
}

/* 9 */
static void commit_and_watch(void)
{
	char *reserved = allocate(N_PAGES, MEM_RESERVE, PAGE_READWRITE);

	SetLastError(0);
	CHECK(!VirtualAlloc(reserved, ALL, MEM_COMMIT | MEM_WRITE_WATCH,
			    PAGE_READWRITE), "reserved memory is committed");
	CHECK(GetLastError() == ERROR_INVALID_PARAMETER, "error %" DU,
	      GetLastError());
	SetLastError(0);
	CHECK(!VirtualAlloc(NULL, ALL, MEM_COMMIT | MEM_WRITE_WATCH,
			    PAGE_READWRITE), "memory is committed anywhere");
	CHECK(GetLastError() == ERROR_INVALID_PARAMETER, "error %" DU,
	      GetLastError());
}

/* 10 */
static void size_0(void)
{
	char *base = watch(N_PAGES);

	for (size_t offset = 0; offset < PAGE_BYTES; offset += 1365) {
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     query_error(0, base + offset, 0));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     reset_error(base + offset, 0));
	}
}

/* 11 */
static void bad_array(void)
{
	char *base = watch(MAX_PAGES);
	char *memory = allocate(2, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	void **array = (void **)(memory + PAGE_BYTES) - MAX_PAGES / 2;
	static void *addresses[MAX_PAGES];
	bool reported[MAX_PAGES] = { false };
	ULONG_PTR count = MAX_PAGES;
	DWORD granularity;

	for (size_t page = 0; page < MAX_PAGES; page++)
		touch(base, page);
	protect(memory + PAGE_BYTES, PAGE_BYTES, PAGE_NOACCESS);
	EXPECT_ERROR(ERROR_NOACCESS,
		     get_error(RESET, base, MAX_PAGES * PAGE_BYTES, array,
			       &count, &granularity));
	take(base, MAX_PAGES, addresses, reported);
	for (size_t page = 0; page < MAX_PAGES; page++)
		CHECK(reported[page], "page %u is lost", (unsigned int)page);
}

#ifdef _WIN32

/* 12 */
static void failing_read(void)
{
	char *base = watch(N_PAGES);
	SIZE_T n = 0;

	CHECK(!ReadProcessMemory(GetCurrentProcess(), (void *)8, base, ALL, &n),
	      "succeeded");
	CHECK(!n, "%u bytes", (unsigned int)n);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* 13 */
static void write_process_memory(void)
{
	char *base = watch(N_PAGES);

	CHECK(WriteProcessMemory(GetCurrentProcess(), base + 5 * PAGE_BYTES,
				 "data", 4, NULL),
	      "WriteProcessMemory: error %lu", GetLastError());
	EXPECT_AND_RESET("5", base, N_PAGES);
}
#endif

/* 13: a mapping for each written page is more than Linux has. */
static void protection_faults(void)
{
	enum { N = 100000 };
	static void *addresses[N];
	static bool reported[N];
	char *base = watch(N);
	unsigned int n_wrong = 0;

	if (backend_is("mprotect"))
		skip_row("mprotect opens more pages near the limit of mappings");

	for (size_t page = 0; page < N; page += 2)
		touch(base, page);
	take(base, N, addresses, reported);
	for (size_t page = 0; page < N; page++)
		n_wrong += reported[page] != (page % 2 == 0);
	CHECK(!n_wrong, "wrong about %u of %u pages", n_wrong, N);
}

/* 16 */
static void lock_and_guard(void)
{
	char *base = watch(N_PAGES);
	DWORD old;

	if (!VirtualProtect(base, PAGE_BYTES, PAGE_READWRITE | PAGE_GUARD,
			    &old))
		skip_row("PAGE_GUARD is refused: error %" DU, GetLastError());
	CHECK(!VirtualLock(base, PAGE_BYTES), "the guard did not matter");
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(VirtualLock(base, PAGE_BYTES), "locking again: error %" DU,
	      GetLastError());
	EXPECT_AND_RESET("0", base, N_PAGES);
}

const struct row fault_rows[] = {
	{ "fault-01-process-handle", "RO", process_handle, 0, 0,
	  "the handle says which process is asked, and is checked" },
	{ "fault-02-decommit", "WT", decommit_loses, 0, 0,
	  "a decommit loses no written page and invents none" },
	{ "fault-03-page-tables", "L", page_tables, 0, 0,
	  "64 GiB that are reserved cost no page tables" },
	{ "fault-04-register-fails", "L", NATIVE_ONLY(register_fails), 0, 0,
	  "memory that cannot be watched is not given out as watched" },
	{ "fault-04-register-fails-later", "L",
	  NATIVE_ONLY(register_fails_later), 0, 0,
	  "memory that cannot be watched again loses no write" },
	{ "fault-05-scan-does-nothing", "L", NATIVE_ONLY(scan_does_nothing), 0,
	  0, "a PAGEMAP_SCAN that does nothing is found out" },
	{ "fault-05-protect-does-nothing", "L",
	  NATIVE_ONLY(protect_does_nothing), 0, 0,
	  "a write protection that does nothing is found out" },
	{ "fault-06-features", "L", NATIVE_ONLY(no_async_feature), 0, 0,
	  "a kernel without a feature that is needed is found out" },
	{ "fault-07-scan-fails", "L", NATIVE_ONLY(scan_fails), 0, 0,
	  "when a scan fails, pages read as written" },
	{ "fault-08-mem-reset", "MS", mem_reset, 0, 0,
	  "MEM_RESET stands alone, changes no state, and can be undone" },
	{ "fault-09-commit-and-watch", "MS", commit_and_watch, 0, 0,
	  "MEM_WRITE_WATCH is for reserving, not for committing" },
	{ "fault-10-size-0", "WT", size_0, 0, 0,
	  "a size of 0 is refused at every base" },
	{ "fault-11-bad-array", "MS", bad_array, 0, 0,
	  "a bad array loses no page" },
	{ "fault-12-failing-read", "W8", WINDOWS_ONLY(failing_read), 0, 0,
	  "a failing ReadProcessMemory leaves its destination clean" },
	{ "fault-13-write-process-memory", "L",
	  WINDOWS_ONLY(write_process_memory), 0, 0,
	  "WriteProcessMemory is a write" },
	{ "fault-13-protection-faults", "L", protection_faults, 30, 0,
	  "any number of written pages needs no mappings of their own" },
	{ "fault-14-fragments", "L", NATIVE_ONLY(fragments), 0, 0,
	  "ten thousand fragments take no more scans than they need" },
	{ "fault-15-larger-pages", "INF", NATIVE_ONLY(larger_pages), 0, 0,
	  "a reset of a part of a larger host page keeps the rest" },
	{ "fault-16-virtual-lock", "WT", lock_and_guard, 0, 0,
	  "VirtualLock meets a guard" },
	{ 0 },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What another process does to the watched memory of this one. */
#include "foreign.h"
#include "pages.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void foreign(const char *action, void *start, size_t n_bytes,
	     unsigned long long value)
{
	char arguments[160];

	if (!backend_is("uffd"))
		skip_row("only the bits of uffd can be seen from outside");
	snprintf(arguments, sizeof(arguments),
		 "--foreign %" DU " %s %llu %llu %llu", GetCurrentProcessId(),
		 action, (unsigned long long)(uintptr_t)start,
		 (unsigned long long)n_bytes, value);
	run_again(arguments);
}

#ifdef _WIN32

#define N_PAGES		16

static bool act(HANDLE process, const char *action, void *start, SIZE_T n_bytes,
		DWORD protection)
{
	DWORD old;

	if (!strcmp(action, "commit"))
		return VirtualAllocEx(process, start, n_bytes, MEM_COMMIT,
				      protection);
	if (!strcmp(action, "decommit"))
		return VirtualFreeEx(process, start, n_bytes, MEM_DECOMMIT);
	if (!strcmp(action, "release"))
		return VirtualFreeEx(process, start, 0, MEM_RELEASE);
	if (!strcmp(action, "protect"))
		return VirtualProtectEx(process, start, n_bytes, protection,
					&old);
	SetLastError(ERROR_INVALID_FUNCTION);
	return false;
}

static int run_foreign_call(char **arguments)
{
	HANDLE process = OpenProcess(PROCESS_VM_OPERATION, FALSE,
				     strtoul(arguments[0], NULL, 10));
	void *start = (void *)(uintptr_t)strtoull(arguments[2], NULL, 10);

	if (!process || !act(process, arguments[1], start,
			     strtoull(arguments[3], NULL, 10),
			     strtoul(arguments[4], NULL, 10)))
		return GetLastError();
	return 0;
}

/* Let another process do it to pages of ours. */
static void foreign_pages(const char *action, char *base, size_t first,
			  size_t n_pages, DWORD protection)
{
	foreign(action, base + first * PAGE_BYTES, n_pages * PAGE_BYTES,
		protection);
}

/*
 * At least these pages are written, and all is reset: what another process
 * did in between may be reported, too.
 */
static void expect_at_least(const char *pages, char *base)
{
	bool reported[N_PAGES] = { false };
	void *addresses[N_PAGES];
	char *rest;

	take(base, N_PAGES, addresses, reported);
	for (;;) {
		unsigned long page = strtoul(pages, &rest, 10);

		if (rest == pages)
			break;
		CHECK(reported[page], "page %lu is lost", page);
		pages = rest;
	}
	EXPECT_WRITTEN("", base, N_PAGES);
}

static char *reserve(void)
{
	return allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			PAGE_READWRITE);
}

static void commit(void)
{
	char *base = reserve();

	foreign_pages("commit", base, 4, 4, PAGE_READWRITE);
	touch_all(base, "5 7");
	expect_at_least("5 7", base);
	touch_all(base, "4 7");
	EXPECT_AND_RESET("4 7", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* The reset comes before the first write. */
static void commit_and_reset(void)
{
	char *base = reserve();

	foreign_pages("commit", base, 4, 4, PAGE_READWRITE);
	expect_at_least("", base);
	touch_all(base, "4 7");
	EXPECT_AND_RESET("4 7", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* Beside pages of our own, which stay exact. */
static void commit_beside(void)
{
	char *base = reserve();

	if (!VirtualAlloc(base, 4 * PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE))
		give_up("commit: error %lu", GetLastError());
	touch(base, 1);
	foreign_pages("commit", base, 2, 6, PAGE_READWRITE);
	touch_all(base, "3 6");
	EXPECT("1 3", 0, base, 0, 4, MAX_PAGES);
	expect_at_least("1 3 6", base);
	touch_all(base, "0 5");
	EXPECT_AND_RESET("0 5", base, N_PAGES);
}

static void decommit(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "3 5 9");
	foreign_pages("decommit", base, 5, 2, 0);
	expect_at_least("3 5 9", base);
	if (!VirtualAlloc(base + 5 * PAGE_BYTES, 2 * PAGE_BYTES, MEM_COMMIT,
			  PAGE_READWRITE))
		give_up("commit: error %lu", GetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
	touch_all(base, "4 6");
	EXPECT_AND_RESET("4 6", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* No call of ours between what the others do and the writes. */
static void decommit_and_commit(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "3 5 9");
	foreign_pages("decommit", base, 4, 4, 0);
	foreign_pages("commit", base, 4, 4, PAGE_READWRITE);
	touch_all(base, "6");
	expect_at_least("3 5 6 9", base);
	touch_all(base, "5 9");
	EXPECT_AND_RESET("5 9", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void protection(void)
{
	char *base = watch(N_PAGES);
	MEMORY_BASIC_INFORMATION info;

	touch_all(base, "3 5");
	foreign_pages("protect", base, 0, N_PAGES, PAGE_READONLY);
	EXPECT_WRITTEN("3 5", base, N_PAGES);
	if (!VirtualQuery(base, &info, sizeof(info)))
		give_up("VirtualQuery: error %lu", GetLastError());
	CHECK(info.Protect == PAGE_READONLY, "protection %#lx", info.Protect);
	foreign_pages("protect", base, 0, N_PAGES, PAGE_READWRITE);
	touch(base, 9);
	EXPECT_AND_RESET("3 5 9", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 3);
	EXPECT_WRITTEN("3", base, N_PAGES);
}

static char *allocate_at(char *start)
{
	char *base = VirtualAlloc(start, GRANULE_BYTES, MEM_RESERVE | MEM_COMMIT,
				  PAGE_READWRITE);

	if (base != start)
		give_up("VirtualAlloc: error %" DU, GetLastError());
	return base;
}

/* Nothing that is done to the memory there has to do with what was watched, least
 * of all a decommit of the whole of it. */
static void release_and_allocate(void)
{
	char *base = watch(3 * GRANULE_BYTES / PAGE_BYTES), *next;

	touch_all(base, "0 20");
	foreign("release", base, 0, 0);
	allocate_at(base);
	next = allocate_at(base + GRANULE_BYTES);
	touch(next, 0);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, base, PAGE_BYTES));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, next, PAGE_BYTES));
	CHECK(VirtualFree(base, 0, MEM_DECOMMIT), "decommit: error %" DU,
	      GetLastError());
	touch(next, 0);
	CHECK(*next == 2, "the memory behind has changed");
}

/* What is done through such a handle, too. */
static void own_handle_changes(void)
{
	char *base = watch(N_PAGES);
	HANDLE self = OpenProcess(PROCESS_VM_OPERATION, FALSE,
				  GetCurrentProcessId());

	if (!self)
		give_up("OpenProcess: error %" DU, GetLastError());
	touch(base, 3);
	CHECK(act(self, "protect", base, PAGE_BYTES, PAGE_READONLY), "protect");
	CHECK(act(self, "decommit", base + 5 * PAGE_BYTES, PAGE_BYTES, 0),
	      "decommit");
	EXPECT_WRITTEN("3", base, N_PAGES);
	CHECK(act(self, "commit", base + 5 * PAGE_BYTES, PAGE_BYTES,
		  PAGE_READWRITE), "commit");
	touch(base, 5);
	EXPECT_AND_RESET("3 5", base, N_PAGES);
	CHECK(act(self, "release", base, 0, 0), "release");
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, base, PAGE_BYTES));
}

/* The first memory of all; Wine's own answer to the last question is another. */
static void own_handle_first(void)
{
	HANDLE self = OpenProcess(PROCESS_VM_OPERATION, FALSE,
				  GetCurrentProcessId());
	char *base;

	if (!self)
		give_up("OpenProcess: error %" DU, GetLastError());
	base = VirtualAllocEx(self, NULL, N_PAGES * PAGE_BYTES,
			      MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			      PAGE_READWRITE);
	if (!base)
		give_up("VirtualAllocEx: error %" DU, GetLastError());
	touch(base, 3);
	EXPECT_WRITTEN("3", base, N_PAGES);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, query_error(0, base + 1, 0));
}

/* A handle of this process that is not the constant one. */
static void own_handle(void)
{
	char *base = watch(N_PAGES);
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	ULONG granularity;
	HANDLE self = OpenProcess(PROCESS_VM_OPERATION, FALSE,
				  GetCurrentProcessId());
	NTSTATUS status;

	if (!self)
		give_up("OpenProcess: error %" DU, GetLastError());
	touch(base, 3);
	status = NtGetWriteWatch(self, 0, base, N_PAGES * PAGE_BYTES,
				 addresses, &count, &granularity);
	CHECK(!status && count == 1, "status %#lx, count %u", status,
	      (unsigned int)count);
	status = NtResetWriteWatch(self, base, N_PAGES * PAGE_BYTES);
	CHECK(!status, "reset: status %#lx", status);
	EXPECT_WRITTEN("", base, N_PAGES);
}

#else

static int run_foreign_call(char **arguments)
{
	(void)arguments;
	return ERROR_NOT_SUPPORTED;
}

#endif

int run_foreign(char **arguments)
{
	int status;

	return run_foreign_query(arguments, &status) ? status :
						       run_foreign_call(arguments);
}

const struct row foreign_rows[] = {
	{ "foreign-own-handle", "RO", WINDOWS_ONLY(own_handle), 0, 0,
	  "a real handle of the own process works" },
	{ "foreign-own-handle-changes", "RO", WINDOWS_ONLY(own_handle_changes),
	  0, 0, "what is done through a real handle of the own process is exact" },
	{ "foreign-own-handle-first", "RO", WINDOWS_ONLY(own_handle_first), 0, 0,
	  "what is allocated through a real handle of the own process is watched" },
	{ "foreign-commit", "MS", WINDOWS_ONLY(commit), 0, 0,
	  "what another process commits is watched" },
	{ "foreign-commit-and-reset", "MS", WINDOWS_ONLY(commit_and_reset), 0,
	  0, "what another process commits is exact after a reset" },
	{ "foreign-commit-beside", "MS", WINDOWS_ONLY(commit_beside), 0, 0,
	  "a commit of another process leaves the pages beside it exact" },
	{ "foreign-decommit", "MS", WINDOWS_ONLY(decommit), 0, 0,
	  "what another process decommits stays written" },
	{ "foreign-decommit-and-commit", "MS",
	  WINDOWS_ONLY(decommit_and_commit), 0, 0,
	  "what another process commits again loses nothing" },
	{ "foreign-release", "MS", WINDOWS_ONLY(release_and_allocate), 0, 0,
	  "where another process releases memory, what comes next is not watched" },
	{ "foreign-protection", "MS", WINDOWS_ONLY(protection), 0, 0,
	  "another process's VirtualProtectEx changes no page's state" },
	{ 0 },
};

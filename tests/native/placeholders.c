/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Placeholders: divided, joined, replaced, watched and made again. */
#include "memory.h"

#include <stdio.h>
#include <string.h>

#define GRANULE ((size_t)65536)
#define N 4
#define SPLIT (MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER)
#define JOIN (MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS)
#define REPLACE (MEM_RESERVE | MEM_REPLACE_PLACEHOLDER)

static char *placeholder_at(char *base, size_t n)
{
	return VirtualAlloc2(NULL, base, n * GRANULE,
			     MEM_RESERVE | MEM_RESERVE_PLACEHOLDER,
			     PAGE_NOACCESS, NULL, 0);
}

static char *placeholder(size_t n)
{
	char *base = placeholder_at(NULL, n);

	if (!base)
		bail_out("VirtualAlloc2");
	return base;
}

static bool replace(char *base, size_t n_bytes, DWORD type)
{
	return VirtualAlloc2(NULL, base, n_bytes, REPLACE | type, PAGE_READWRITE,
			     NULL, 0) == base;
}

static bool refused(bool succeeded, DWORD error)
{
	DWORD got = GetLastError();

	if (succeeded || got != error)
		diag("%s, last error %u", succeeded ? "success" : "failure", got);
	return !succeeded && got == error;
}

/* The reservations of four granules, such as "0+1 R, 1+3 R": where each begins
 * and how many granules it has, reserved, committed or free. */
static const char *map_of(char *base)
{
	static char text[200];
	char *at = base, *end = text;

	*end = 0;
	while (at < base + N * GRANULE) {
		MEMORY_BASIC_INFORMATION info;

		if (!VirtualQuery(at, &info, sizeof(info)))
			bail_out("VirtualQuery");
		if (info.State == MEM_FREE) {
			end += sprintf(end, at == base ? "free" : ", free");
			break;
		}
		end += sprintf(end, "%s%zu+%zu %c", at == base ? "" : ", ",
			       ((char *)info.AllocationBase - base) / GRANULE,
			       info.RegionSize / GRANULE,
			       info.State == MEM_COMMIT ? 'C' : 'R');
		at += info.RegionSize;
	}
	return text;
}

static void is_map(char *base, const char *wanted, const char *name)
{
	const char *got = map_of(base);

	if (!ok(!strcmp(got, wanted), "%s: %s", name, wanted))
		diag("it is %s", got);
}

static void query(void)
{
	char *base = placeholder(N);
	MEMORY_BASIC_INFORMATION info;
	DWORD old;

	ok(!((ULONG_PTR)base % GRANULE), "a placeholder begins at 64 KiB");
	ok(VirtualQuery(base + 1, &info, sizeof(info)) &&
	   info.AllocationBase == base && info.RegionSize == N * GRANULE &&
	   info.State == MEM_RESERVE && info.Type == MEM_PRIVATE &&
	   info.AllocationProtect == PAGE_NOACCESS && !info.Protect,
	   "it is private reserved memory");
	ok(refused(VirtualAlloc(base, 1, MEM_COMMIT, PAGE_READWRITE),
		   ERROR_INVALID_ADDRESS), "which cannot be committed");
	ok(refused(VirtualAlloc2(NULL, base, GRANULE, MEM_COMMIT, PAGE_READWRITE,
				 NULL, 0), ERROR_INVALID_ADDRESS),
	   "in neither way");
	ok(refused(VirtualAlloc(base, 1, MEM_RESERVE, PAGE_READWRITE),
		   ERROR_INVALID_ADDRESS), "nor reserved once more");
	ok(refused(VirtualProtect(base, 1, PAGE_READWRITE, &old),
		   ERROR_INVALID_ADDRESS), "nor protected");
	ok(refused(VirtualAlloc(base, 1, MEM_RESET, PAGE_READWRITE),
		   ERROR_INVALID_ADDRESS), "nor reset");
	ok(refused(VirtualLock(base, 1), ERROR_NOACCESS), "nor locked");
	ok(VirtualFree(base, 0, MEM_DECOMMIT), "a decommit changes nothing");
	is_map(base, "0+4 R", "after all that");
	ok(VirtualFree(base, 0, MEM_RELEASE), "released");
	is_map(base, "free", "nothing is left");
}

static void dividing(void)
{
	char *base = placeholder(N);

	ok(refused(VirtualFree(base, N * GRANULE, SPLIT), ERROR_INVALID_ADDRESS),
	   "all of it is no part");
	ok(refused(VirtualFree(base, N * GRANULE + 1, SPLIT),
		   ERROR_INVALID_PARAMETER), "nor is more");
	ok(refused(VirtualFree(base, 0, SPLIT), ERROR_INVALID_PARAMETER),
	   "nor is nothing");
	ok(VirtualFree(base, GRANULE, SPLIT), "the first quarter");
	is_map(base, "0+1 R, 1+3 R", "divided");
	ok(VirtualFree(base + 3 * GRANULE, GRANULE, SPLIT), "the last quarter");
	is_map(base, "0+1 R, 1+2 R, 3+1 R", "divided again");
	ok(refused(VirtualFree(base, 2 * GRANULE, SPLIT), ERROR_INVALID_PARAMETER),
	   "not across two");
	ok(VirtualFree(base + GRANULE, 0, MEM_RELEASE), "the middle is released");
	is_map(base, "0+1 R, free", "alone");
	ok(placeholder_at(base + GRANULE, 2) == base + GRANULE, "and reserved");
	ok(VirtualFree(base, N * GRANULE, JOIN), "and joined, with its neighbours");
	is_map(base, "0+4 R", "one");
	ok(VirtualFree(base + GRANULE, 2 * GRANULE, SPLIT), "the middle");
	is_map(base, "0+1 R, 1+2 R, 3+1 R", "makes three");
	ok(VirtualFree(base, N * GRANULE, JOIN), "joined");
	release(base);
}

static void joining(void)
{
	char *base = placeholder(N);

	ok(refused(VirtualFree(base, N * GRANULE, JOIN), ERROR_INVALID_ADDRESS),
	   "there are two at least");
	VirtualFree(base, GRANULE, SPLIT);
	VirtualFree(base + GRANULE, GRANULE, SPLIT);
	ok(refused(VirtualFree(base, GRANULE, JOIN), ERROR_INVALID_ADDRESS),
	   "again");
	ok(refused(VirtualFree(base, 0, JOIN), ERROR_INVALID_PARAMETER),
	   "and a size");
	ok(refused(VirtualFree(base, 3 * GRANULE, JOIN), ERROR_INVALID_ADDRESS),
	   "not a part of the last");
	ok(refused(VirtualFree(base + 4096, 2 * GRANULE - 4096, JOIN),
		   ERROR_INVALID_ADDRESS), "nor of the first");
	ok(refused(VirtualFree(base, (N + 1) * GRANULE, JOIN),
		   ERROR_INVALID_ADDRESS), "nor what is free");
	is_map(base, "0+1 R, 1+1 R, 2+2 R", "unchanged");
	ok(VirtualFree(base, 2 * GRANULE, JOIN), "two of them");
	is_map(base, "0+2 R, 2+2 R", "joined");
	ok(replace(base, 2 * GRANULE, 0), "the first is replaced");
	ok(refused(VirtualFree(base, N * GRANULE, JOIN), ERROR_INVALID_ADDRESS),
	   "and cannot be joined");
	ok(VirtualFree(base, 2 * GRANULE, SPLIT) &&
	   VirtualFree(base, N * GRANULE, JOIN), "until it is one again");
	is_map(base, "0+4 R", "all");
	release(base);
}

static void replacing(void)
{
	char *base = placeholder(N);

	VirtualFree(base + GRANULE, GRANULE, SPLIT);
	ok(refused(replace(base, 2 * GRANULE, MEM_COMMIT), ERROR_INVALID_ADDRESS),
	   "not two at once");
	ok(refused(replace(base + 2 * GRANULE, GRANULE, MEM_COMMIT),
		   ERROR_INVALID_ADDRESS), "not a part");
	ok(refused(replace(base + GRANULE, GRANULE - 1, MEM_COMMIT),
		   ERROR_INVALID_ADDRESS), "not all but a byte");
	ok(refused(replace(base + GRANULE + 1, GRANULE - 1, MEM_COMMIT),
		   ERROR_INVALID_ADDRESS), "not from within");
	ok(replace(base + GRANULE, GRANULE, MEM_COMMIT), "exactly one");
	is_map(base, "0+1 R, 1+1 C, 2+2 R", "replaced");
	base[GRANULE] = base[2 * GRANULE - 1] = 1;
	ok(refused(replace(base + GRANULE, GRANULE, 0), ERROR_INVALID_ADDRESS),
	   "but once");
	ok(refused(VirtualFree(base + GRANULE, 4096, SPLIT),
		   ERROR_INVALID_ADDRESS), "and is not divided");
	ok(VirtualFree(base + GRANULE, GRANULE, SPLIT), "a placeholder again");
	is_map(base, "0+1 R, 1+1 R, 2+2 R", "as it was");
	ok(replace(base + GRANULE, GRANULE, MEM_COMMIT) && !base[GRANULE] &&
	   !base[2 * GRANULE - 1], "and its contents are gone");
	ok(VirtualFree(base + GRANULE, 0, MEM_RELEASE), "released");
	is_map(base, "0+1 R, free", "for good");
	ok(VirtualAlloc(base + GRANULE, GRANULE, MEM_RESERVE, PAGE_READWRITE) ==
	   base + GRANULE, "and anybody's");
	ok(refused(VirtualFree(base + GRANULE, GRANULE, SPLIT),
		   ERROR_INVALID_ADDRESS), "what replaced none becomes none");
	for (size_t i = 0; i < 3; i++)
		release(base + i * GRANULE);
}

/* Pages are the unit of placeholders, as far as nobody asks for a place. */
static void pages(void)
{
	char *base = placeholder(1);

	ok(VirtualFree(base + 4096, 4096, SPLIT), "a page of a placeholder");
	ok(replace(base + 4096, 4096, MEM_COMMIT), "is replaced");
	base[4096] = base[8191] = 1;
	ok(replace(base + 8192, GRANULE - 8192, 0), "what comes after it, too");
	ok(VirtualAlloc(base + 8192, 1, MEM_COMMIT, PAGE_READWRITE) == base + 8192,
	   "and committed later");
	base[8192] = 1;
	release(base);
	release(base + 4096);
	release(base + 8192);
}

static void watches(void)
{
	char *base = placeholder(N);
	ULONG_PTR count = 1;
	void *addresses[1];
	DWORD granularity;

	VirtualFree(base, 2 * GRANULE, SPLIT);
	ok(replace(base, 2 * GRANULE, MEM_COMMIT | MEM_WRITE_WATCH),
	   "watched memory in the place of a placeholder");
	is_written(base, 32, 0, "", "is not written");
	touch_all(base, "3 31");
	is_written(base, 32, RESET, "3 31", "what is written is seen");
	touch(base, 5);
	ok(replace(base + 2 * GRANULE, 2 * GRANULE, MEM_WRITE_WATCH),
	   "its neighbour is reserved and watched");
	is_written(base + 2 * GRANULE, 32, 0, "", "and not written");
	ok(GetWriteWatch(0, base, N * GRANULE, addresses, &count, &granularity) &&
	   GetLastError() == ERROR_INVALID_PARAMETER, "they are two");
	ok(VirtualFree(base, 2 * GRANULE, SPLIT), "a placeholder again");
	ok(GetWriteWatch(0, base, 1, addresses, &count, &granularity) &&
	   GetLastError() == ERROR_INVALID_PARAMETER, "is not watched");
	ok(replace(base, 2 * GRANULE, MEM_COMMIT), "memory that is not");
	ok(ResetWriteWatch(base, 1) && GetLastError() == ERROR_INVALID_PARAMETER,
	   "is not, either");
	base[5 * 4096] = 1;
	ok(VirtualFree(base, 2 * GRANULE, SPLIT) &&
	   replace(base, 2 * GRANULE, MEM_COMMIT | MEM_WRITE_WATCH),
	   "and watched once more");
	is_written(base, 32, 0, "", "has no old writes");
	touch(base, 9);
	is_written(base, 32, RESET, "9", "only new ones");
	ok(VirtualAlloc(base + 3 * GRANULE, 4096, MEM_COMMIT, PAGE_READWRITE) != NULL,
	   "the neighbour is committed");
	touch(base + 3 * GRANULE, 0);
	is_written(base + 2 * GRANULE, 32, RESET, "16", "and still watched");
	release(base);
	release(base + 2 * GRANULE);
}

int main(void)
{
	query();
	dividing();
	joining();
	replacing();
	pages();
	if (can_watch())
		watches();
	else
		skip("watches", "writes cannot be watched here");
	return done_testing();
}

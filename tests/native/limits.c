/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge reservations, and what is left when Linux refuses. */
#include "memory.h"

#include <stdlib.h>
#include <sys/resource.h>

#define GIB ((size_t)1 << 30)
#define COMMIT (MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH)

static void commit_page(char *at)
{
	if (VirtualAlloc(at, PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE) != at)
		bail_out("a commit in a huge reservation");
	*at = 1;
}

static void huge(void)
{
	size_t n_bytes = 256 * GIB, middle = 100 * GIB + 5 * PAGE_BYTES;
	long before = status_kb("VmPTE"), after;
	MEMORY_BASIC_INFORMATION info;
	void *addresses[16];
	ULONG_PTR count = 16;
	DWORD granularity;
	char *base = VirtualAlloc(NULL, n_bytes, MEM_RESERVE | MEM_WRITE_WATCH,
				  PAGE_READWRITE);

	if (!ok(base != NULL, "256 GiB are reserved"))
		return;
	commit_page(base);
	commit_page(base + middle);
	commit_page(base + n_bytes - PAGE_BYTES);
	ok(VirtualQuery(base + PAGE_BYTES, &info, sizeof(info)) &&
	   info.RegionSize == middle - PAGE_BYTES, "VirtualQuery of a part");
	ok(!GetWriteWatch(RESET, base, n_bytes, addresses, &count, &granularity) &&
	   count == 3 && addresses[1] == base + middle,
	   "the three written pages are found");
	ok(!GetWriteWatch(RESET, base, n_bytes, addresses, &count, &granularity) &&
	   count == 0, "and are clean then");
	ok(!ResetWriteWatch(base, n_bytes), "reset");
	after = status_kb("VmPTE");
	ok(after - before < 1024, "less than 1 MiB of page tables");
	diag("%ld kB of page tables", after - before);
	ok(VirtualFree(base, 0, MEM_DECOMMIT), "decommitted");
	ok(VirtualFree(base, 0, MEM_RELEASE), "released");
}

/* Every second granule needs a map of its own. */
static void map_limit(void)
{
	enum { N = 40000 };
	size_t stride = 2 * 65536, n = 0, n_maps = count_maps();
	static void *addresses[N];
	ULONG_PTR count = N;
	DWORD granularity;
	char *base = VirtualAlloc(NULL, N * stride, MEM_RESERVE | MEM_WRITE_WATCH,
				  PAGE_READWRITE);

	/* what a decommit needs for itself, before there is nothing left */
	commit_page(base);
	ok(VirtualFree(base, PAGE_BYTES, MEM_DECOMMIT) && !ResetWriteWatch(base, 1),
	   "a commit and a decommit");
	while (n < N && VirtualAlloc(base + n * stride, 65536, MEM_COMMIT,
				     PAGE_READWRITE)) {
		base[n * stride] = 1;
		n++;
	}
	if (n == N) {
		skip("the limit of maps", "it is higher than usual");
		release(base);
		return;
	}
	ok(GetLastError() == ERROR_COMMITMENT_LIMIT, "the limit of maps is told");
	ok(!GetWriteWatch(RESET, base, N * stride, addresses, &count,
			  &granularity) && count == n,
	   "and everything before it is there and watched");
	/* more than one: the library may need a map for itself by now */
	for (size_t i = 0; i < 4; i++)
		ok(VirtualFree(base + i * stride, 65536, MEM_DECOMMIT),
		   "number %zu is decommitted", i);
	ok(VirtualAlloc(base + n * stride, 65536, MEM_COMMIT, PAGE_READWRITE) != NULL,
	   "which makes room for the one that failed");
	release(base);
	/* the books of other backends stay */
	ok(count_maps() <= n_maps + (uses_uffd() ? 2 : 16),
	   "nothing is left of it");
	diag("%zu commits; %zu maps before, %zu after", n, n_maps, count_maps());
}

static void refuse(size_t n_bytes, DWORD error, const char *name)
{
	size_t n_maps = count_maps();
	char *base = VirtualAlloc(NULL, n_bytes, COMMIT, PAGE_READWRITE);

	ok(!base && (GetLastError() == error ||
		     GetLastError() == ERROR_NOT_ENOUGH_MEMORY), "%s", name);
	ok(count_maps() == n_maps, "and leaves nothing behind");
}

static void address_space(void)
{
	struct rlimit old, low;
	char *base = watched(16);

	getrlimit(RLIMIT_AS, &old);
	low = old;
	low.rlim_cur = GIB;
	setrlimit(RLIMIT_AS, &low);
	refuse(2 * GIB, ERROR_NOT_ENOUGH_MEMORY,
	       "more address space than a process may have");
	touch(base, 3);
	is_written(base, 16, RESET, "3", "what was there before goes on");
	setrlimit(RLIMIT_AS, &old);
	release(base);
}

/* Linux refuses in one step what is more than the whole machine has, unless it
 * is told to believe everything. */
static void memory(void)
{
	char *base = VirtualAlloc(NULL, 4096 * GIB, MEM_RESERVE, PAGE_READWRITE);

	if (!ok(base != NULL, "4 TiB are reserved"))
		return;
	if (VirtualAlloc(base, 4096 * GIB, MEM_COMMIT, PAGE_READWRITE))
		skip("committing them", "this system commits anything");
	else
		ok(GetLastError() == ERROR_COMMITMENT_LIMIT, "but not committed");
	release(base);
}

/* The same in memory that could be armed before Linux refused it. */
static void data_limit(void)
{
	struct rlimit old, low;
	char *base = allocate(2048, MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);
	MEMORY_BASIC_INFORMATION info;
	bool refused;

	getrlimit(RLIMIT_DATA, &old);
	low = old;
	low.rlim_cur = PAGE_BYTES;
	setrlimit(RLIMIT_DATA, &low);
	refused = !VirtualAlloc(base, 2048 * PAGE_BYTES, MEM_COMMIT,
				PAGE_READWRITE);
	setrlimit(RLIMIT_DATA, &old);
	ok(refused && GetLastError() == ERROR_COMMITMENT_LIMIT,
	   "a commit beyond the limit of data");
	ok(VirtualQuery(base, &info, sizeof(info)) && info.State == MEM_RESERVE &&
	   info.RegionSize == 2048 * PAGE_BYTES, "commits nothing");
	ok(VirtualAlloc(base, 2048 * PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE) == base,
	   "and can be done later");
	touch(base, 7);
	is_written(base, 1024, RESET, "7", "with the right pages written");
	release(base);
}

int main(void)
{
	watch_or_skip();
	huge();
	map_limit();
	address_space();
	memory();
	if (uses_uffd())
		data_limit();
	else
		skip("a limit of data", "the books of other backends need it, too");
	return done_testing();
}

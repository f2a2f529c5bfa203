/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge reservations, and what is left when Linux refuses. */
#include "memory.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIB ((size_t)1 << 30)
#define LITTLE ((size_t)8 << 20)
#define SKIPPED 77
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
	/* the last write may find no map left to open one page alone with */
	ok(!GetWriteWatch(RESET, base, N * stride, addresses, &count,
			  &granularity) &&
	   (count == n || (uses_mprotect() && count > n)),
	   "and everything before it is there and watched");
	/* more than one: the library may need a map for itself by now */
	for (size_t i = 0; i < 4; i++)
		ok(VirtualFree(base + i * stride, 65536, MEM_DECOMMIT),
		   "number %zu is decommitted", i);
	ok(VirtualAlloc(base + n * stride, 65536, MEM_COMMIT, PAGE_READWRITE) != NULL,
	   "which makes room for the one that failed");
	release(base);
	/* the books of other backends stay, a page for 64 runs or less */
	ok(count_maps() <= n_maps + (uses_uffd() ? 2 : 16 + n / 32),
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

/* ---- Limits that are there from the start ---- */

static bool limit_to(int resource, size_t n_bytes)
{
	struct rlimit limit = { n_bytes, n_bytes };

	return !setrlimit(resource, &limit);
}

static bool little_address_space(void)
{
	return limit_to(RLIMIT_AS, (size_t)status_kb("VmSize") * 1024 + LITTLE);
}

/* The limit is not one for those who may lock what they like. */
static bool drop_privilege(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	return !syscall(SYS_capset, &header, data);
}

static bool little_locked_memory(void)
{
	return drop_privilege() && limit_to(RLIMIT_MEMLOCK, LITTLE) &&
	       !mlockall(MCL_FUTURE) &&
	       mmap(NULL, LITTLE + PAGE_BYTES, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int watch_under(bool (*limit)(void))
{
	char *base;

	if (!limit())
		return SKIPPED;
	base = VirtualAlloc(NULL, 16 * PAGE_BYTES, COMMIT, PAGE_READWRITE);
	/* memory that is locked may have been written to have it there */
	if (!base || ResetWriteWatch(base, 16 * PAGE_BYTES))
		return 1;
	touch(base, 3);
	return strcmp(written(RESET, base, 0, 16, 16), "3") ||
	       !VirtualFree(base, 0, MEM_RELEASE);
}

/* In a process that has not watched anything yet. */
static int status_under(bool (*limit)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(watch_under(limit));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("a child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void tell(int status, const char *name)
{
	if (status == SKIPPED)
		skip(name, "the limit cannot be set");
	else
		ok(!status, "%s", name);
}

int main(void)
{
	int address_status = status_under(little_address_space);
	int locked_status = status_under(little_locked_memory);

	watch_or_skip();
	tell(address_status, "8 MiB of address space are enough to watch");
	tell(locked_status, "8 MiB of locked memory are enough to watch");
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

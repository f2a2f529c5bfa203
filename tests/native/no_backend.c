/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where writes cannot be watched: refused, nothing reserved, and not for ever. */
#include "memory.h"

#include <sys/resource.h>

static void limit_files(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void refused(void)
{
	void *addresses[1], *base;
	ULONG_PTR count = 1;
	DWORD granularity = 77;

	base = VirtualAlloc(NULL, 65536, MEM_RESERVE | MEM_WRITE_WATCH,
			    PAGE_READWRITE);
	ok(!base && GetLastError() == ERROR_NOT_SUPPORTED,
	   "watched memory is not supported");
	ok(!VirtualAlloc(NULL, 0, MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE) &&
	   GetLastError() == ERROR_INVALID_PARAMETER, "after the checks");
	ok(GetWriteWatch(0, &count, 1, addresses, &count, &granularity) == ~0u &&
	   GetLastError() == ERROR_NOT_SUPPORTED && count == 1 && granularity == 77,
	   "nor is GetWriteWatch");
	ok(ResetWriteWatch(&count, 1) == ~0u &&
	   GetLastError() == ERROR_NOT_SUPPORTED, "nor is ResetWriteWatch");
	base = VirtualAlloc(NULL, 65536, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	ok(base != NULL, "other memory is there");
	touch(base, 15);
	release(base);
}

int main(void)
{
	size_t n_maps = count_maps();
	struct rlimit old;

	if (uses_mprotect())
		skip_all("mprotect needs no files");
	getrlimit(RLIMIT_NOFILE, &old);
	limit_files(0);
	refused();
	limit_files(old.rlim_cur);
	/* bookkeeping may have taken one */
	ok(count_maps() <= n_maps + 1, "nothing is left behind");
	if (can_watch())
		ok(true, "when there are files again, so are watches");
	else
		skip("watches", "writes cannot be watched here");
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queries and nothing else between them, for who counts their system calls. */
#include <stdio.h>
#include <windows.h>

#define N_PAGES 1024
#define BYTES (N_PAGES * 4096)
#define N_CALLS 100

static char *base;
static PVOID addresses[N_PAGES];

static UINT get(DWORD flags)
{
	ULONG_PTR count = N_PAGES;
	DWORD granularity;

	return GetWriteWatch(flags, base, BYTES, addresses, &count, &granularity);
}

int main(void)
{
	UINT failed = 0;

	base = VirtualAlloc(NULL, BYTES, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			    PAGE_READWRITE);
	if (!base)
		return 1;
	for (int i = 0; i < N_CALLS; i++) {
		base[4096 * i] = 1;
		failed |= get(0);
		failed |= get(WRITE_WATCH_FLAG_RESET);
		failed |= ResetWriteWatch(base, BYTES);
	}
	printf("%d queries, %s\n", 3 * N_CALLS, failed ? "failed" : "answered");
	return failed != 0;
}

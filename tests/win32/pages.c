/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of pages.h. */
#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A last error that no call here sets. */
#define UNTOUCHED	0x2badcafe

char *allocate(size_t n_pages, DWORD type, DWORD protect)
{
	char *base = VirtualAlloc(NULL, n_pages * PAGE_BYTES, type, protect);

	if (!base)
		give_up("VirtualAlloc of %u pages, type %#" DX ", protection "
			"%#" DX ": error %" DU, (unsigned int)n_pages, type,
			protect, GetLastError());
	return base;
}

char *watch(size_t n_pages)
{
	return allocate(n_pages, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			PAGE_READWRITE);
}

void release(void *base)
{
	if (!VirtualFree(base, 0, MEM_RELEASE))
		give_up("VirtualFree: error %" DU, GetLastError());
}

void protect(void *start, size_t n_bytes, DWORD protection)
{
	DWORD old;

	if (!VirtualProtect(start, n_bytes, protection, &old))
		give_up("VirtualProtect to %#" DX ": error %" DU, protection,
			GetLastError());
}

void touch(char *base, size_t page)
{
	volatile char *byte = base + page * PAGE_BYTES;

	*byte = *byte + 1;
}

void touch_all(char *base, const char *pages)
{
	char *rest;

	for (;;) {
		unsigned long page = strtoul(pages, &rest, 10);

		if (rest == pages)
			return;
		touch(base, page);
		pages = rest;
	}
}

static DWORD error_of(UINT result)
{
	DWORD error = GetLastError();

	if (!result) {
		CHECK(error == UNTOUCHED, "a success set the last error to %" DU,
		      error);
		return 0;
	}
	CHECK(result == ~0u, "a failure returned %#x", result);
	return error;
}

DWORD get_error(DWORD flags, void *start, size_t n_bytes, void **addresses,
		ULONG_PTR *count, DWORD *granularity)
{
	SetLastError(UNTOUCHED);
	return error_of(GetWriteWatch(flags, start, n_bytes, addresses, count,
				      granularity));
}

DWORD reset_error(void *start, size_t n_bytes)
{
	SetLastError(UNTOUCHED);
	return error_of(ResetWriteWatch(start, n_bytes));
}

DWORD query_error(DWORD flags, void *start, size_t n_bytes)
{
	void *addresses[16];
	ULONG_PTR count = 16;
	DWORD granularity;

	return get_error(flags, start, n_bytes, addresses, &count,
			 &granularity);
}

static bool page_is_good(char *address, char *previous, char *start,
			 size_t n_pages)
{
	return (size_t)(address - start) < n_pages * PAGE_BYTES &&
	       (uintptr_t)address % PAGE_BYTES == 0 &&
	       (!previous || address > previous);
}

const char *query(DWORD flags, char *base, size_t first, size_t n_pages,
		  size_t capacity)
{
	static void *addresses[MAX_PAGES + 1];
	static char text[MAX_PAGES * 5 + 1];
	char *start = base + first * PAGE_BYTES, *end = text;
	ULONG_PTR count = capacity;
	DWORD granularity = 0, error;

	text[0] = 0;
	addresses[capacity] = (void *)UNTOUCHED;
	error = get_error(flags, start, n_pages * PAGE_BYTES, addresses,
			  &count, &granularity);
	if (error) {
		snprintf(text, sizeof(text), "error %" DU, error);
		return text;
	}
	CHECK(granularity == PAGE_BYTES, "granularity %" DU, granularity);
	CHECK(addresses[capacity] == (void *)UNTOUCHED,
	      "stored more than the array can hold");
	if (!CHECK(count <= capacity, "count %llu of %llu",
		   (unsigned long long)count, (unsigned long long)capacity))
		return "too many";
	for (size_t i = 0; i < count; i++) {
		char *address = addresses[i];

		CHECK(page_is_good(address, i ? addresses[i - 1] : NULL, start,
				   n_pages), "bad address %p", address);
		end += sprintf(end, i ? " %d" : "%d",
			       (int)((address - base) / (ptrdiff_t)PAGE_BYTES));
	}
	return text;
}

void take(char *base, size_t n_pages, void **addresses, bool *reported)
{
	ULONG_PTR count = n_pages;
	DWORD granularity, error;

	error = get_error(WRITE_WATCH_FLAG_RESET, base, n_pages * PAGE_BYTES,
			  addresses, &count, &granularity);
	if (error || count > n_pages)
		give_up("GetWriteWatch: error %" DU ", count %llu", error,
			(unsigned long long)count);
	for (size_t i = 0; i < count; i++) {
		size_t page = ((char *)addresses[i] - base) / PAGE_BYTES;

		if (page >= n_pages)
			give_up("bad address %p", addresses[i]);
		reported[page] = true;
	}
}

bool is_invalid(NTSTATUS status, unsigned int position)
{
	const unsigned int plain = 0xc000000d, first = 0xc00000ef;
	unsigned int number = (unsigned int)status - first;

	if ((unsigned int)status == plain)
		return true;
	return position ? number == position - 1 : number < 12;
}

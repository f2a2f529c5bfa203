/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where memory lies when the caller has something to say about it. */
#include "memory.h"

#include <string.h>
#include <sys/mman.h>

#define GRANULE ((size_t)65536)
#define GIB ((uintptr_t)1 << 30)

static uintptr_t reserve(ULONG_PTR zero_bits, size_t n_bytes, ULONG type)
{
	PVOID base = NULL;
	SIZE_T size = n_bytes;

	if (NtAllocateVirtualMemory(GetCurrentProcess(), &base, zero_bits, &size,
				    MEM_RESERVE | type, PAGE_READWRITE))
		return 0;
	return (uintptr_t)base;
}

static uintptr_t reserve_within(uintptr_t lowest, uintptr_t highest,
				size_t alignment, size_t n_bytes, ULONG type)
{
	MEM_ADDRESS_REQUIREMENTS wanted = {
		(void *)lowest, (void *)highest, alignment,
	};
	MEM_EXTENDED_PARAMETER parameter;

	memset(&parameter, 0, sizeof(parameter));
	parameter.Type = MemExtendedParameterAddressRequirements;
	parameter.Pointer = &wanted;
	return (uintptr_t)VirtualAlloc2(NULL, NULL, n_bytes, MEM_RESERVE | type,
					PAGE_READWRITE, &parameter, 1);
}

/* Linux may have nothing free below that, where a program is full of shadows. */
static void zero_bits_row(ULONG_PTR zero_bits, uintptr_t highest)
{
	uintptr_t base = reserve(zero_bits, GRANULE, 0);

	if (!base) {
		diag("%#lx zero bits: nothing is free", (unsigned long)zero_bits);
		return;
	}
	ok(base + GRANULE - 1 <= highest && !(base % GRANULE),
	   "%#lx zero bits: at %#lx", (unsigned long)zero_bits,
	   (unsigned long)base);
	release((void *)base);
}

static void zero_bits(void)
{
	PVOID at = (void *)0x530000000000;
	SIZE_T size = GRANULE;

	for (ULONG_PTR n = 1; n <= 12; n++)
		zero_bits_row(n, UINT32_MAX >> n);
	zero_bits_row(0x1aaaaaaa, 0x1fffffff);
	zero_bits_row(0x7fffffff, 0x7fffffff);
	zero_bits_row(0x123456789ab, 0x1ffffffffff);
	ok(reserve(~(ULONG_PTR)0, GRANULE, 0) != 0, "a mask of all bits");
	ok(reserve(0x7fffffff, GRANULE, 0) != 0, "somewhere below 2 GiB");
	ok(!reserve(32, GRANULE, 0) && !reserve(21, GRANULE, 0),
	   "a mask of a few bits leaves no place");
	ok(!NtAllocateVirtualMemory(GetCurrentProcess(), &at, 5, &size, MEM_RESERVE,
				    PAGE_READWRITE) &&
	   at == (void *)0x530000000000, "with a base they mean nothing");
	release(at);
}

static void limits(void)
{
	uintptr_t base = 0x540000000000, lower, upper;
	size_t third = 16 * GRANULE;

	lower = reserve_within(base, base + 3 * third - 1, 0, third, 0);
	upper = reserve_within(base, base + 3 * third - 1, 0, third, MEM_TOP_DOWN);
	ok(lower == base, "the lowest place within limits");
	ok(upper == base + 2 * third, "the highest");
	ok(!reserve_within(base, base + 3 * third - 1, 0, third + 1, 0) &&
	   GetLastError() == ERROR_NOT_ENOUGH_MEMORY, "no place is left for more");
	ok(!reserve_within(base, base + 3 * third - 1, 2 * third, third, 0),
	   "nor for a wider alignment");
	ok(reserve_within(base, base + 3 * third - 1, 0, third, 0) == base + third,
	   "but for a third");
	for (int i = 0; i < 3; i++)
		release((void *)(base + i * third));
	base = reserve_within(0, 0, 64 * GIB, GRANULE, 0);
	ok(base && !(base % (64 * GIB)), "an alignment of 64 GiB");
	release((void *)base);
	base = reserve_within(0, 0, GRANULE, 64 * GRANULE, 0);
	ok(base && !(base % GRANULE), "an alignment of 64 KiB");
	release((void *)base);
	base = reserve_within(0x200000000000, 0x2000ffffffff, 0, GIB, 0);
	ok(base >= 0x200000000000 && base + GIB - 1 <= 0x2000ffffffff,
	   "limits in the midst");
	release((void *)base);
	base = reserve_within(0x600000000000, 0, 0, GIB, 0);
	ok(base >= 0x600000000000, "a high limit");
	release((void *)base);
	base = reserve_within(0x700000000000, 0, 0, GIB, MEM_TOP_DOWN);
	ok(base >= 0x700000000000, "a higher one, top down");
	release((void *)base);
}

/* What others have mapped is in the way. */
static void others(void)
{
	uintptr_t base = 0x560000000000;
	char *mapped = mmap((void *)(base + GRANULE), GRANULE, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	ok(mapped == (void *)(base + GRANULE), "another mapping");
	ok(reserve_within(base, base + 4 * GRANULE - 1, 0, GRANULE, MEM_TOP_DOWN) ==
	   base + 3 * GRANULE, "lies below what is top down");
	release((void *)(base + 3 * GRANULE));
	ok(reserve_within(base, base + 4 * GRANULE - 1, 0, 2 * GRANULE, 0) ==
	   base + 2 * GRANULE, "is left out");
	ok(reserve_within(base, base + 4 * GRANULE - 1, 0, GRANULE, MEM_TOP_DOWN) ==
	   base, "in both directions");
	ok(!reserve_within(base, base + 4 * GRANULE - 1, 0, 1, 0),
	   "until nothing is left");
	release((void *)base);
	release((void *)(base + 2 * GRANULE));
	munmap(mapped, GRANULE);
}

static void top_down(void)
{
	uintptr_t low = reserve(0, GRANULE, 0);
	uintptr_t first = reserve(0, GRANULE, MEM_TOP_DOWN);
	uintptr_t second = reserve(0, GRANULE, MEM_TOP_DOWN | MEM_COMMIT);
	uintptr_t large = reserve(0, 32 * GRANULE, MEM_TOP_DOWN);

	ok(first > low, "top down lies above what does not");
	ok(second == first - GRANULE, "each below the one before");
	ok(large < second && !(large % (32 * GRANULE)), "2 MiB begin at 2 MiB");
	release((void *)first);
	ok(reserve(0, GRANULE, MEM_TOP_DOWN) == first, "the highest is taken again");
	release((void *)low);
	release((void *)first);
	release((void *)second);
	release((void *)large);
}

static void watched_places(void)
{
	uintptr_t base;

	if (!can_watch()) {
		skip("watched places", "writes cannot be watched here");
		return;
	}
	base = reserve_within(0, 2 * GIB - 1, 0, GRANULE,
			      MEM_COMMIT | MEM_WRITE_WATCH | MEM_TOP_DOWN);
	ok(base && base < 2 * GIB, "watched memory below 2 GiB, top down");
	touch((char *)base, 7);
	is_written((char *)base, 16, RESET, "7", "is watched");
	release((void *)base);
}

int main(void)
{
	zero_bits();
	limits();
	others();
	top_down();
	watched_places();
	return done_testing();
}

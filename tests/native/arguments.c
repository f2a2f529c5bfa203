/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the NT calls refuse, with which status, and which comes first. */
#include "ntvirtual.h"

#include "../kernel/tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u
#define SELF NtCurrentProcess()
#define BAD_HANDLE ((HANDLE)0x1234)
#define RW PAGE_READWRITE
#define BEYOND ((char *)0x7fffffff0000)

/* ---- Allocating ---- */

/* Every row is wrong in all that comes after what it is about, as far as one
 * argument can be wrong in two ways. */
static const struct allocation {
	const char *name;
	char *base;
	ULONG_PTR zero_bits;
	SIZE_T size;
	ULONG type;
	ULONG protect;
	HANDLE process;
	NTSTATUS status;
} allocations[] = {
	{ "22 zero bits", BEYOND, 22, 0, ~0u, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_3 },
	{ "31 zero bits", BEYOND, 31, 0, ~0u, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_3 },
	{ "an unknown type", BEYOND, 0, 0, 0x800000 | MEM_RESERVE, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "Wine 8's value for an undo of a reset", BEYOND, 0, 0, 0x10000000, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "a placeholder", NULL, 0, PAGE, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER,
	  PAGE_NOACCESS, SELF, STATUS_INVALID_PARAMETER_5 },
	{ "replacing a placeholder", NULL, 0, PAGE,
	  MEM_RESERVE | MEM_COMMIT | MEM_REPLACE_PLACEHOLDER, RW, SELF,
	  STATUS_INVALID_PARAMETER_5 },
	{ "no type", BEYOND, 0, 0, 0, 0, BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "only a modifier", BEYOND, 0, 0, MEM_TOP_DOWN, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "a reset and a commit", BEYOND, 0, 0, MEM_RESET | MEM_COMMIT, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "a reset and its undo", BEYOND, 0, 0, MEM_RESET | WW_MEM_RESET_UNDO, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "an undo and a reservation", BEYOND, 0, 0,
	  WW_MEM_RESET_UNDO | MEM_RESERVE, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "large pages without a commit", BEYOND, 0, 0,
	  MEM_RESERVE | MEM_LARGE_PAGES, 0, BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "watched large pages", BEYOND, 0, 0,
	  MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES | MEM_WRITE_WATCH, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "a watch without a reservation", BEYOND, 0, 0, MEM_WRITE_WATCH | MEM_COMMIT,
	  0, BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "nothing but a watch", BEYOND, 0, 0, MEM_WRITE_WATCH, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "physical memory without a reservation", BEYOND, 0, 0,
	  MEM_PHYSICAL | MEM_COMMIT, 0, BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "watched physical memory", BEYOND, 0, 0,
	  MEM_PHYSICAL | MEM_RESERVE | MEM_WRITE_WATCH, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "protected physical memory", BEYOND, 0, 0, MEM_PHYSICAL | MEM_RESERVE,
	  PAGE_READONLY, BAD_HANDLE, STATUS_INVALID_PARAMETER_6 },
	{ "no protection", BEYOND, 0, 0, MEM_RESERVE, 0, BAD_HANDLE,
	  STATUS_INVALID_PAGE_PROTECTION },
	{ "two protections", BEYOND, 0, 0, MEM_RESERVE, PAGE_READONLY | RW,
	  BAD_HANDLE, STATUS_INVALID_PAGE_PROTECTION },
	{ "copying on write", BEYOND, 0, 0, MEM_RESERVE, PAGE_WRITECOPY, BAD_HANDLE,
	  STATUS_INVALID_PAGE_PROTECTION },
	{ "copying on write, executable", BEYOND, 0, 0, MEM_RESERVE,
	  PAGE_EXECUTE_WRITECOPY, BAD_HANDLE, STATUS_INVALID_PAGE_PROTECTION },
	{ "a guard", BEYOND, 0, 0, MEM_RESERVE, RW | PAGE_GUARD, BAD_HANDLE,
	  STATUS_INVALID_PAGE_PROTECTION },
	{ "an unknown modifier", BEYOND, 0, 0, MEM_RESERVE, RW | 0x800, BAD_HANDLE,
	  STATUS_INVALID_PAGE_PROTECTION },
	{ "two modifiers", BEYOND, 0, 0, MEM_RESERVE,
	  RW | PAGE_NOCACHE | PAGE_WRITECOMBINE, BAD_HANDLE,
	  STATUS_INVALID_PAGE_PROTECTION },
	{ "no access, not cached", BEYOND, 0, 0, MEM_RESERVE,
	  PAGE_NOACCESS | PAGE_NOCACHE, BAD_HANDLE, STATUS_INVALID_PAGE_PROTECTION },
	{ "a base beyond the address space", BEYOND, 0, 0, MEM_RESERVE, RW,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_2 },
	{ "a reservation below 64 KiB", (char *)8, 0, 0, MEM_RESERVE, RW, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_2 },
	{ "size 0", NULL, 0, 0, MEM_RESERVE, RW, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_4 },
	{ "a size beyond the address space", (char *)0x10000, 0,
	  (SIZE_T)0x7fffffff0000, MEM_RESERVE, RW, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_4 },
	{ "a size that wraps", (char *)0x10000, 0, ~(SIZE_T)0, MEM_RESERVE, RW,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_4 },
	{ "another process", NULL, 0, PAGE, MEM_RESERVE, RW, BAD_HANDLE,
	  STATUS_INVALID_HANDLE },
	{ "large pages", NULL, 0, PAGE, MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES,
	  RW, SELF, STATUS_PRIVILEGE_NOT_HELD },
	{ "physical memory", NULL, 0, PAGE, MEM_RESERVE | MEM_PHYSICAL, RW, SELF,
	  STATUS_NOT_SUPPORTED },
	{ "a commit of nothing reserved", (char *)0x10000, 0, PAGE, MEM_COMMIT, RW,
	  SELF, STATUS_CONFLICTING_ADDRESSES },
	{ "a reset of nothing reserved", (char *)0x10000, 0, PAGE, MEM_RESET, RW,
	  SELF, STATUS_CONFLICTING_ADDRESSES },
	{ "a reset at NULL", NULL, 0, PAGE, MEM_RESET, RW, SELF,
	  STATUS_CONFLICTING_ADDRESSES },
	{ "more than Linux has", NULL, 0, (SIZE_T)0x7ffffffe0000, MEM_RESERVE, RW,
	  SELF, STATUS_NO_MEMORY },
};

static bool is(NTSTATUS got, NTSTATUS wanted, const char *call, const char *name)
{
	bool passed = ok(got == wanted, "%s: %s", call, name);

	if (!passed)
		diag("status %08x, expected %08x", (unsigned)got, (unsigned)wanted);
	return passed;
}

static void refused_allocations(void)
{
	for (size_t i = 0; i < sizeof(allocations) / sizeof(allocations[0]); i++) {
		const struct allocation *row = &allocations[i];
		PVOID base = row->base;
		SIZE_T size = row->size;
		NTSTATUS status = NtAllocateVirtualMemory(row->process, &base,
							  row->zero_bits, &size,
							  row->type, row->protect);

		is(status, row->status, "allocate", row->name);
		if (base != row->base || size != row->size)
			ok(false, "the outputs of a failure have changed");
	}
}

static char *reserve(size_t n_pages, ULONG type, ULONG protect)
{
	PVOID base = NULL;
	SIZE_T size = n_pages * PAGE;

	if (NtAllocateVirtualMemory(SELF, &base, 0, &size, type, protect))
		bail_out("NtAllocateVirtualMemory");
	return base;
}

static NTSTATUS allocate_at(char **at, SIZE_T *size, ULONG type, ULONG protect)
{
	return NtAllocateVirtualMemory(SELF, (PVOID *)at, 0, size, type, protect);
}

static void places(void)
{
	char *base = reserve(40, MEM_RESERVE, RW), *at;
	SIZE_T size;

	ok(!((ULONG_PTR)base % 65536), "a reservation begins at 64 KiB");
	at = base + 3 * PAGE + 5, size = PAGE;
	is(allocate_at(&at, &size, MEM_COMMIT, RW), 0, "commit", "in the middle");
	ok(at == base + 3 * PAGE && size == 2 * PAGE, "covers whole pages");
	at = base + 39 * PAGE, size = PAGE + 1;
	is(allocate_at(&at, &size, MEM_COMMIT, RW), STATUS_CONFLICTING_ADDRESSES,
	   "commit", "across the end");
	at = base + 65536, size = PAGE;
	is(allocate_at(&at, &size, MEM_RESERVE, RW), STATUS_CONFLICTING_ADDRESSES,
	   "reserve", "inside a reservation");
	at = base + 32 * PAGE, size = 64 * PAGE;
	is(allocate_at(&at, &size, MEM_RESERVE | MEM_COMMIT, RW),
	   STATUS_CONFLICTING_ADDRESSES, "reserve", "across its end");
	at = base + 3 * PAGE, size = 2 * PAGE;
	is(allocate_at(&at, &size, MEM_RESET, RW), 0, "reset", "committed pages");
	is(allocate_at(&at, &size, WW_MEM_RESET_UNDO, RW), 0, "undo the reset",
	   "the same");
	size = 3 * PAGE;
	is(allocate_at(&at, &size, MEM_RESET, RW), STATUS_NOT_COMMITTED, "reset",
	   "pages that are not");
	at = base, size = 0;
	is(NtFreeVirtualMemory(SELF, (PVOID *)&at, &size, MEM_RELEASE), 0, "release",
	   "all");
	ok(at == base && size == 40 * PAGE, "says what was released");
	at = base + 100, size = 16 * PAGE - 100;
	is(allocate_at(&at, &size, MEM_RESERVE | MEM_COMMIT, RW), 0, "reserve",
	   "at an odd place");
	ok(at == base && size == 16 * PAGE, "rounds down to 64 KiB");
	size = 0;
	NtFreeVirtualMemory(SELF, (PVOID *)&at, &size, MEM_RELEASE);
	at = NULL, size = 0x200000;
	is(allocate_at(&at, &size, MEM_RESERVE | MEM_TOP_DOWN, RW), 0, "reserve",
	   "2 MiB");
	ok(!((ULONG_PTR)at % 0x200000), "begins at 2 MiB");
	size = 0;
	NtFreeVirtualMemory(SELF, (PVOID *)&at, &size, MEM_RELEASE);
}

/* What programs do to get memory at a place of their own making. */
static void released_places(void)
{
	char *base = reserve(64, MEM_RESERVE, RW), *at;
	SIZE_T size = 0;
	NTSTATUS first, second;

	at = base;
	NtFreeVirtualMemory(SELF, (PVOID *)&at, &size, MEM_RELEASE);
	at = base, size = 16 * PAGE;
	first = allocate_at(&at, &size, MEM_RESERVE | MEM_COMMIT, RW);
	at = base + 16 * PAGE, size = 48 * PAGE;
	second = allocate_at(&at, &size, MEM_RESERVE, RW);
	ok(!first && !second, "a released place is there to be reserved in parts");
	for (int i = 0; i < 2; i++) {
		at = base + i * 16 * PAGE, size = 0;
		NtFreeVirtualMemory(SELF, (PVOID *)&at, &size, MEM_RELEASE);
	}
}

/* A reservation never lands on what others have mapped. */
static void others(void)
{
	char *mapped = mmap(NULL, 4 << 16, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	char *at = (char *)(((ULONG_PTR)mapped + 65536) & ~(ULONG_PTR)65535);
	SIZE_T size = 65536;

	is(allocate_at(&at, &size, MEM_RESERVE, RW), STATUS_CONFLICTING_ADDRESSES,
	   "reserve", "over another mapping");
	munmap(mapped, 4 << 16);
	at = NULL, size = 1;
	is(allocate_at(&at, &size, MEM_COMMIT, RW), 0, "commit",
	   "at no place reserves, too");
	*at = 1;
	size = 0;
	is(NtFreeVirtualMemory(SELF, (PVOID *)&at, &size, MEM_RELEASE), 0, "release",
	   "it");
	is(NtAllocateVirtualMemory(SELF, NULL, 0, &size, MEM_RESERVE, RW),
	   STATUS_ACCESS_VIOLATION, "allocate", "no base");
	is(NtAllocateVirtualMemory(SELF, (PVOID *)&at, 0, NULL, MEM_RESERVE, RW),
	   STATUS_ACCESS_VIOLATION, "allocate", "no size");
}

/* ---- Allocating with extended parameters ---- */

/* In this order, as above. */
static const struct extension {
	const char *name;
	char *base;
	ULONG type;
	ULONG protect;
	HANDLE process;
	NTSTATUS status;
} extensions[] = {
	{ "a placeholder that is not reserved", BEYOND, MEM_RESERVE_PLACEHOLDER, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "a committed placeholder", BEYOND,
	  MEM_RESERVE | MEM_COMMIT | MEM_RESERVE_PLACEHOLDER, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "a watched placeholder", BEYOND,
	  MEM_RESERVE | MEM_WRITE_WATCH | MEM_RESERVE_PLACEHOLDER, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "a placeholder for a placeholder", BEYOND,
	  MEM_RESERVE | MEM_REPLACE_PLACEHOLDER | MEM_RESERVE_PLACEHOLDER, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "replacing without a reservation", BEYOND,
	  MEM_COMMIT | MEM_REPLACE_PLACEHOLDER, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "replacing by large pages", BEYOND,
	  MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES | MEM_REPLACE_PLACEHOLDER, 0,
	  BAD_HANDLE, STATUS_INVALID_PARAMETER_5 },
	{ "replacing by physical memory", BEYOND,
	  MEM_RESERVE | MEM_PHYSICAL | MEM_REPLACE_PLACEHOLDER, 0, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_5 },
	{ "a placeholder with access", BEYOND,
	  MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, RW, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_6 },
	{ "replacing with no protection", BEYOND,
	  MEM_RESERVE | MEM_REPLACE_PLACEHOLDER, 0, BAD_HANDLE,
	  STATUS_INVALID_PAGE_PROTECTION },
	{ "a base beyond the address space", BEYOND, MEM_RESERVE, RW, BAD_HANDLE,
	  STATUS_INVALID_PARAMETER_2 },
	{ "another process", NULL, MEM_RESERVE, RW, BAD_HANDLE,
	  STATUS_INVALID_HANDLE },
	{ "replacing nothing", (char *)0x10000,
	  MEM_RESERVE | MEM_COMMIT | MEM_REPLACE_PLACEHOLDER, RW, SELF,
	  STATUS_CONFLICTING_ADDRESSES },
	{ "replacing at NULL", NULL, MEM_RESERVE | MEM_REPLACE_PLACEHOLDER, RW, SELF,
	  STATUS_CONFLICTING_ADDRESSES },
};

static void refused_extensions(void)
{
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		const struct extension *row = &extensions[i];
		PVOID base = row->base;
		SIZE_T size = PAGE;

		is(NtAllocateVirtualMemoryEx(row->process, &base, &size, row->type,
					     row->protect, NULL, 0),
		   row->status, "allocate with extensions", row->name);
		if (base != row->base || size != PAGE)
			ok(false, "the outputs of a failure have changed");
	}
}

static NTSTATUS allocate_with(MEM_EXTENDED_PARAMETER *parameters, ULONG n)
{
	PVOID base = BEYOND;
	SIZE_T size = 0;

	return NtAllocateVirtualMemoryEx(BAD_HANDLE, &base, &size, 0, 0, parameters,
					 n);
}

/* Everything else is bad in these, too. */
static void refused_parameters(void)
{
	MEM_EXTENDED_PARAMETER some[2];

	memset(some, 0, sizeof(some));
	is(allocate_with(NULL, 1), STATUS_INVALID_PARAMETER, "parameters", "none");
	is(allocate_with(some, 1), STATUS_INVALID_PARAMETER, "parameters", "type 0");
	for (unsigned type = 1; type < 256; type++) {
		if (type == MemExtendedParameterNumaNode ||
		    type == MemExtendedParameterAttributeFlags ||
		    type == MemExtendedParameterAddressRequirements)
			continue;
		some[0].Type = type;
		if (allocate_with(some, 1) != STATUS_INVALID_PARAMETER)
			ok(false, "type %u is taken", type);
	}
	some[0].Type = some[1].Type = MemExtendedParameterNumaNode;
	is(allocate_with(some, 1), STATUS_INVALID_PARAMETER_5, "parameters",
	   "a node");
	is(allocate_with(some, 2), STATUS_INVALID_PARAMETER, "parameters",
	   "a node twice");
	some[1].Type = MemExtendedParameterAttributeFlags;
	is(allocate_with(some, 2), STATUS_INVALID_PARAMETER_5, "parameters",
	   "a node and no attributes");
	some[1].ULong64 = 2;
	is(allocate_with(some, 2), STATUS_INVALID_PARAMETER, "parameters",
	   "an attribute");
	some[0].Reserved = 1;
	is(allocate_with(some, 1), STATUS_INVALID_PARAMETER, "parameters",
	   "reserved bits");
	some[1].Type = MemExtendedParameterAddressRequirements;
	some[1].Pointer = NULL;
	is(allocate_with(some + 1, 1), STATUS_ACCESS_VIOLATION, "parameters",
	   "no requirements");
}

static const struct requirement {
	const char *name;
	char *base;
	MEM_ADDRESS_REQUIREMENTS wanted;
	NTSTATUS status;
} requirements[] = {
	{ "nothing in particular", NULL, { NULL, NULL, 0 }, 0 },
	{ "nothing, with a base", (char *)0x540000000000, { NULL, NULL, 0 }, 0 },
	{ "a lower limit with a base", (char *)0x540000000000,
	  { (void *)0x20000000, NULL, 0 }, STATUS_INVALID_PARAMETER },
	{ "an upper limit with a base", (char *)0x540000000000,
	  { NULL, (void *)0x7fffffffffff, 0 }, STATUS_INVALID_PARAMETER },
	{ "an alignment with a base", (char *)0x540000000000, { NULL, NULL, 65536 },
	  STATUS_INVALID_PARAMETER },
	{ "an odd lower limit", NULL, { (void *)0x20001000, NULL, 0 },
	  STATUS_INVALID_PARAMETER },
	{ "a lower limit beyond the address space", NULL,
	  { (void *)0x7fffffff0000, NULL, 0 }, STATUS_INVALID_PARAMETER },
	{ "an odd upper limit", NULL, { NULL, (void *)0x20001000, 0 },
	  STATUS_INVALID_PARAMETER },
	{ "the end of a page", NULL, { NULL, (void *)0x7fff1fff, 0 }, 0 },
	{ "an upper limit beyond the address space", NULL,
	  { NULL, (void *)0x7fffffffffff, 0 }, STATUS_INVALID_PARAMETER },
	{ "limits the wrong way round", NULL,
	  { (void *)0x30000000, (void *)0x2fffffff, 0 }, STATUS_INVALID_PARAMETER },
	{ "too little between the limits", NULL,
	  { (void *)0x30000000, (void *)0x30001fff, 0 }, STATUS_NO_MEMORY },
	{ "an alignment of three quarters", NULL, { NULL, NULL, 0x30000 },
	  STATUS_INVALID_PARAMETER },
	{ "an alignment below 64 KiB", NULL, { NULL, NULL, 0x8000 },
	  STATUS_INVALID_PARAMETER },
	{ "an alignment that no place has", NULL,
	  { NULL, NULL, (SIZE_T)1 << 62 }, STATUS_NO_MEMORY },
};

static bool meets(const MEM_ADDRESS_REQUIREMENTS *wanted, char *base, SIZE_T size)
{
	return base >= (char *)wanted->LowestStartingAddress &&
	       (!wanted->HighestEndingAddress ||
		base + size - 1 <= (char *)wanted->HighestEndingAddress) &&
	       (!wanted->Alignment || !((ULONG_PTR)base % wanted->Alignment));
}

static void address_requirements(void)
{
	for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++) {
		MEM_ADDRESS_REQUIREMENTS wanted = requirements[i].wanted;
		MEM_EXTENDED_PARAMETER parameter;
		PVOID base = requirements[i].base;
		SIZE_T size = 3 * PAGE;

		memset(&parameter, 0, sizeof(parameter));
		parameter.Type = MemExtendedParameterAddressRequirements;
		parameter.Pointer = &wanted;
		is(NtAllocateVirtualMemoryEx(SELF, &base, &size, MEM_RESERVE, RW,
					     &parameter, 1),
		   requirements[i].status, "requirements", requirements[i].name);
		if (requirements[i].status)
			continue;
		ok(meets(&wanted, base, size), "and that is what it gets");
		size = 0;
		NtFreeVirtualMemory(SELF, &base, &size, MEM_RELEASE);
	}
}

/* ---- Freeing ---- */

static NTSTATUS free_at(char *at, SIZE_T size, ULONG type)
{
	PVOID base = at;

	return NtFreeVirtualMemory(SELF, &base, &size, type);
}

static DWORD state_at(char *at, SIZE_T *n_bytes, PVOID *base)
{
	MEMORY_BASIC_INFORMATION info;

	if (NtQueryVirtualMemory(SELF, at, MemoryBasicInformation, &info,
				 sizeof(info), NULL))
		bail_out("NtQueryVirtualMemory");
	*n_bytes = info.RegionSize;
	*base = info.AllocationBase;
	return info.State;
}

static void releases_of_parts(void)
{
	char *base = reserve(48, MEM_RESERVE | MEM_COMMIT, RW);
	SIZE_T n_bytes;
	PVOID start;

	is(free_at(base + 16 * PAGE, 16 * PAGE, MEM_RELEASE), 0, "release",
	   "the middle");
	ok(state_at(base + 16 * PAGE, &n_bytes, &start) == MEM_FREE &&
	   n_bytes == 16 * PAGE, "leaves a hole");
	ok(state_at(base, &n_bytes, &start) == MEM_COMMIT &&
	   n_bytes == 16 * PAGE && start == base, "after what comes before it");
	ok(state_at(base + 33 * PAGE, &n_bytes, &start) == MEM_COMMIT &&
	   n_bytes == 15 * PAGE && start == base + 32 * PAGE,
	   "and before a reservation of its own");
	is(free_at(base, PAGE, MEM_RELEASE), 0, "release", "a page at the start");
	is(free_at(base + 47 * PAGE, PAGE, MEM_RELEASE), 0, "release",
	   "a page at the end");
	base[PAGE] = base[46 * PAGE] = 1;
	is(free_at(base + PAGE, 0, MEM_RELEASE), 0, "release", "what is left first");
	is(free_at(base + 32 * PAGE, 0, MEM_RELEASE), 0, "release",
	   "what is left last");
	ok(state_at(base, &n_bytes, &start) == MEM_FREE && !start,
	   "nothing is there any more");
}

static void refused_frees(void)
{
	char *base = reserve(16, MEM_RESERVE | MEM_COMMIT, RW);
	SIZE_T size = 0;
	PVOID at = BEYOND;

	is(free_at(BEYOND, ~(SIZE_T)0, 0), STATUS_INVALID_PARAMETER_4, "free",
	   "no type");
	is(free_at(BEYOND, 0, MEM_DECOMMIT | MEM_RELEASE),
	   STATUS_INVALID_PARAMETER_4, "free", "both types");
	is(free_at(BEYOND, 0, MEM_PRESERVE_PLACEHOLDER), STATUS_INVALID_PARAMETER_4,
	   "free", "a placeholder without a release");
	is(free_at(BEYOND, 0, MEM_DECOMMIT | MEM_COALESCE_PLACEHOLDERS),
	   STATUS_INVALID_PARAMETER_4, "free", "a decommit of placeholders");
	is(free_at(BEYOND, 0, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER |
			      MEM_COALESCE_PLACEHOLDERS),
	   STATUS_INVALID_PARAMETER_4, "free", "preserving and coalescing");
	is(free_at(base, 0, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER),
	   STATUS_INVALID_PARAMETER_3, "free", "preserving size 0");
	is(free_at(base, 0, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS),
	   STATUS_INVALID_PARAMETER_3, "free", "coalescing size 0");
	is(free_at(BEYOND, ~(SIZE_T)0, MEM_RELEASE), STATUS_INVALID_PARAMETER_2,
	   "free", "a base beyond the address space");
	is(free_at(base, ~(SIZE_T)0, MEM_RELEASE), STATUS_INVALID_PARAMETER_3,
	   "free", "a size that wraps");
	is(NtFreeVirtualMemory(BAD_HANDLE, &at, &size, 0),
	   STATUS_INVALID_PARAMETER_4, "free", "another process and a bad type");
	at = base;
	is(NtFreeVirtualMemory(BAD_HANDLE, &at, &size, MEM_RELEASE),
	   STATUS_INVALID_HANDLE, "free", "another process");
	is(free_at(NULL, 0, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED, "free",
	   "NULL");
	is(free_at(base + PAGE, 0, MEM_RELEASE), STATUS_FREE_VM_NOT_AT_BASE, "free",
	   "away from the base");
	is(free_at(base + PAGE, 0, MEM_DECOMMIT), STATUS_FREE_VM_NOT_AT_BASE, "free",
	   "a decommit of all away from the base");
	is(free_at(base + PAGE, 16 * PAGE, MEM_DECOMMIT), STATUS_UNABLE_TO_FREE_VM,
	   "free", "across the end");
	is(free_at(base, 16 * PAGE + 1, MEM_RELEASE), STATUS_UNABLE_TO_FREE_VM,
	   "free", "a byte more than there is");
	is(free_at(base + 5, 0, MEM_DECOMMIT), 0, "decommit",
	   "all, from within the first page");
	is(free_at(base, 16 * PAGE, MEM_DECOMMIT), 0, "decommit", "all once more");
	is(free_at(base, 0, MEM_RELEASE), 0, "release", "all");
	is(free_at(base, 0, MEM_RELEASE), STATUS_MEMORY_NOT_ALLOCATED, "release",
	   "all once more");
}

/* ---- Protecting ---- */

static NTSTATUS protect_at(char *at, SIZE_T size, ULONG protect, ULONG *old)
{
	PVOID base = at;

	return NtProtectVirtualMemory(SELF, &base, &size, protect, old);
}

static void protections(void)
{
	char *base = reserve(16, MEM_RESERVE, PAGE_READONLY);
	char *at = base;
	SIZE_T size = 8 * PAGE;
	ULONG old = 77;

	is(allocate_at(&at, &size, MEM_COMMIT, RW | PAGE_WRITECOMBINE), 0, "commit",
	   "half of it");
	is(protect_at(BEYOND, 0, RW, NULL), STATUS_ACCESS_VIOLATION, "protect",
	   "nowhere to store the old one");
	is(protect_at(BEYOND, 0, 0, &old), STATUS_INVALID_PAGE_PROTECTION, "protect",
	   "no protection");
	is(protect_at(BEYOND, 0, PAGE_WRITECOPY, &old),
	   STATUS_INVALID_PAGE_PROTECTION, "protect", "copying on write");
	is(protect_at(BEYOND, 0, RW | PAGE_GUARD, &old),
	   STATUS_INVALID_PAGE_PROTECTION, "protect", "a guard");
	is(protect_at(BEYOND, 0, RW, &old), STATUS_INVALID_PARAMETER_2, "protect",
	   "a base beyond the address space");
	is(protect_at(base, 0, RW, &old), STATUS_INVALID_PARAMETER_3, "protect",
	   "size 0");
	is(protect_at(base, ~(SIZE_T)0, RW, &old), STATUS_INVALID_PARAMETER_3,
	   "protect", "a size that wraps");
	is(protect_at((char *)0x10000, PAGE, RW, &old),
	   STATUS_CONFLICTING_ADDRESSES, "protect", "nothing reserved");
	is(protect_at(base, 16 * PAGE + 1, RW, &old), STATUS_CONFLICTING_ADDRESSES,
	   "protect", "across the end");
	is(protect_at(base + 7 * PAGE, 2 * PAGE, RW, &old), STATUS_NOT_COMMITTED,
	   "protect", "a page that is not committed");
	ok(old == 77, "failures do not store the old protection");
	is(protect_at(base + 5, 2 * PAGE, PAGE_READONLY, &old), 0, "protect",
	   "three pages");
	ok(old == (RW | PAGE_WRITECOMBINE), "returns the old protection");
	is(protect_at(base + 2 * PAGE, 2 * PAGE, PAGE_EXECUTE_READ, &old), 0,
	   "protect", "pages of two kinds");
	ok(old == PAGE_READONLY, "returns that of the first");
	is(free_at(base, 0, MEM_RELEASE), 0, "release", "all");
}

/* ---- Querying ---- */

static NTSTATUS query_at(char *at, MEMORY_BASIC_INFORMATION *info, SIZE_T n_bytes)
{
	return NtQueryVirtualMemory(SELF, at, MemoryBasicInformation, info, n_bytes,
				    NULL);
}

static void queries(void)
{
	char *base = reserve(16, MEM_RESERVE | MEM_TOP_DOWN, PAGE_READONLY), *at;
	MEMORY_BASIC_INFORMATION info;
	SIZE_T size = PAGE, n_stored = 0;

	is(NtQueryVirtualMemory(BAD_HANDLE, BEYOND, MemoryBasicInformation + 1, NULL,
				0, NULL), STATUS_INVALID_INFO_CLASS, "query",
	   "another class");
	is(query_at(BEYOND, NULL, sizeof(info) - 1), STATUS_INFO_LENGTH_MISMATCH,
	   "query", "a short buffer");
	is(query_at(BEYOND, NULL, sizeof(info)), STATUS_ACCESS_VIOLATION, "query",
	   "no buffer");
	is(NtQueryVirtualMemory(BAD_HANDLE, BEYOND, MemoryBasicInformation, &info,
				sizeof(info), NULL), STATUS_INVALID_HANDLE, "query",
	   "another process");
	is(query_at(BEYOND, &info, sizeof(info)), STATUS_INVALID_PARAMETER, "query",
	   "beyond the address space");
	at = base + 4 * PAGE;
	is(allocate_at(&at, &size, MEM_COMMIT, PAGE_EXECUTE_READWRITE), 0, "commit",
	   "one page");
	is(NtQueryVirtualMemory(SELF, base + 1, MemoryBasicInformation, &info,
				sizeof(info), &n_stored), 0, "query",
	   "what is reserved");
	ok(n_stored == sizeof(info) && info.BaseAddress == base &&
	   info.AllocationBase == base && info.AllocationProtect == PAGE_READONLY &&
	   info.RegionSize == 4 * PAGE && info.State == MEM_RESERVE &&
	   !info.Protect && info.Type == MEM_PRIVATE, "reserved pages");
	query_at(base + 4 * PAGE + 99, &info, sizeof(info));
	ok(info.BaseAddress == base + 4 * PAGE && info.AllocationBase == base &&
	   info.AllocationProtect == PAGE_READONLY && info.RegionSize == PAGE &&
	   info.State == MEM_COMMIT && info.Protect == PAGE_EXECUTE_READWRITE &&
	   info.Type == MEM_PRIVATE, "a committed page");
	free_at(base, 0, MEM_RELEASE);
	query_at(base, &info, sizeof(info));
	ok(info.State == MEM_FREE && info.Protect == PAGE_NOACCESS &&
	   !info.AllocationBase && !info.Type && !info.AllocationProtect,
	   "free memory");
}

/* ---- Locking ---- */

static NTSTATUS lock_at(char *at, SIZE_T size, ULONG type)
{
	PVOID base = at;

	return NtLockVirtualMemory(SELF, &base, &size, type);
}

static NTSTATUS unlock_at(char *at, SIZE_T size)
{
	PVOID base = at;

	return NtUnlockVirtualMemory(SELF, &base, &size, 1);
}

static void locks(void)
{
	char *base = reserve(16, MEM_RESERVE, RW), *at = base;
	SIZE_T size = 8 * PAGE;
	ULONG old;

	allocate_at(&at, &size, MEM_COMMIT, RW);
	is(lock_at(base, PAGE, 0), STATUS_INVALID_PARAMETER, "lock", "no type");
	is(lock_at(base, PAGE, 2), STATUS_PRIVILEGE_NOT_HELD, "lock",
	   "into memory");
	is(lock_at(BEYOND, PAGE, 1), STATUS_INVALID_PARAMETER_2, "lock",
	   "a base beyond the address space");
	is(lock_at(base, 0, 1), STATUS_INVALID_PARAMETER_3, "lock", "size 0");
	is(lock_at(base, 9 * PAGE, 1), STATUS_ACCESS_VIOLATION, "lock",
	   "a page that is not committed");
	is(lock_at((char *)0x10000, PAGE, 1), STATUS_ACCESS_VIOLATION, "lock",
	   "nothing reserved");
	protect_at(base, PAGE, PAGE_NOACCESS, &old);
	is(lock_at(base, 2 * PAGE, 1), STATUS_ACCESS_VIOLATION, "lock",
	   "a page without access");
	is(unlock_at(base + PAGE, PAGE), STATUS_NOT_LOCKED, "unlock",
	   "what is not locked");
	is(lock_at(base + PAGE, 2 * PAGE, 1), 0, "lock", "two pages");
	is(lock_at(base + PAGE, 2 * PAGE, 1), 0, "lock", "the same again");
	is(unlock_at(base + PAGE, 3 * PAGE), STATUS_NOT_LOCKED, "unlock",
	   "one page too many");
	is(unlock_at(base + PAGE, 2 * PAGE), 0, "unlock", "both");
	is(unlock_at(base + PAGE, 2 * PAGE), STATUS_NOT_LOCKED, "unlock",
	   "the same again");
	is(lock_at(base + PAGE, PAGE, 1), 0, "lock", "a page");
	free_at(base + PAGE, PAGE, MEM_DECOMMIT);
	is(unlock_at(base + PAGE, PAGE), STATUS_NOT_LOCKED, "unlock",
	   "a page that was decommitted");
	free_at(base, 0, MEM_RELEASE);
}

/* ---- Write watches ---- */

struct get {
	ULONG flags;
	char *base;
	SIZE_T size;
	PVOID *addresses;
	ULONG_PTR *count;
	ULONG *granularity;
};

static NTSTATUS get_write_watch(const struct get *get)
{
	return NtGetWriteWatch(SELF, get->flags, get->base, get->size,
			       get->addresses, get->count, get->granularity);
}

/* Each call is good but for what the row makes bad. */
#define REFUSED(wanted, name, spoil) do { \
	ULONG_PTR count = 16; \
	ULONG granularity = 77; \
	struct get get = { \
		.base = base, .size = 16 * PAGE, .addresses = addresses, \
		.count = &count, .granularity = &granularity, \
	}; \
	spoil; \
	if (is(get_write_watch(&get), wanted, "get", name)) \
		ok(granularity == 77 && (count == 16 || !count), \
		   "and stores nothing"); \
} while (0)

static void written_pages(char *base, char *bad)
{
	static PVOID addresses[16];
	ULONG_PTR zero = 0;
	ULONG old;

	REFUSED(STATUS_ACCESS_VIOLATION, "no count",
		(get.count = NULL, get.size = 0));
	REFUSED(STATUS_ACCESS_VIOLATION, "no granularity",
		(get.granularity = NULL, get.size = 0));
	REFUSED(STATUS_INVALID_PARAMETER_5, "count 0",
		(get.count = &zero, get.addresses = NULL, get.size = 0));
	REFUSED(STATUS_INVALID_PARAMETER_4, "size 0",
		(get.size = 0, get.flags = 2));
	REFUSED(STATUS_INVALID_PARAMETER_4, "size 0, unaligned",
		(get.size = 0, get.base = base + 5));
	REFUSED(STATUS_INVALID_PARAMETER_3, "a size that wraps",
		(get.size = ~(SIZE_T)0, get.flags = 2));
	REFUSED(STATUS_INVALID_PARAMETER_2, "unknown flags",
		(get.flags = 2, get.addresses = NULL));
	REFUSED(STATUS_ACCESS_VIOLATION, "no addresses", get.addresses = NULL);
	REFUSED(STATUS_INVALID_PARAMETER_2, "NULL", get.base = NULL);
	REFUSED(STATUS_INVALID_PARAMETER_2, "memory that is not watched",
		get.base = bad);
	REFUSED(STATUS_INVALID_PARAMETER_3, "a byte too many",
		get.size = 16 * PAGE + 1);
	REFUSED(STATUS_INVALID_PARAMETER_2,
		"memory that is not watched, and an array in nothing",
		(get.base = bad, get.addresses = (PVOID *)8));
	REFUSED(STATUS_INVALID_PARAMETER_3,
		"a byte too many, and an array in nothing",
		(get.size = 16 * PAGE + 1, get.addresses = (PVOID *)8));
	REFUSED(STATUS_ACCESS_VIOLATION, "an array in nothing",
		get.addresses = (PVOID *)8);
	REFUSED(STATUS_ACCESS_VIOLATION, "an array that is not a pointer",
		get.addresses = (PVOID *)((ULONG_PTR)1 << 63));
	protect_at(bad, PAGE, PAGE_READONLY, &old);
	REFUSED(STATUS_ACCESS_VIOLATION, "a read-only array",
		(get.addresses = (PVOID *)bad, get.flags = WRITE_WATCH_FLAG_RESET));
	REFUSED(STATUS_ACCESS_VIOLATION, "a read-only count",
		get.count = (ULONG_PTR *)bad);
	REFUSED(STATUS_ACCESS_VIOLATION, "a read-only granularity",
		get.granularity = (ULONG *)bad);
	protect_at(bad, PAGE, PAGE_NOACCESS, &old);
	REFUSED(STATUS_ACCESS_VIOLATION, "an inaccessible array",
		(get.addresses = (PVOID *)bad, get.flags = WRITE_WATCH_FLAG_RESET));
	REFUSED(STATUS_ACCESS_VIOLATION, "an inaccessible count",
		get.count = (ULONG_PTR *)bad);
	protect_at(bad, PAGE, RW, &old);
	is(NtGetWriteWatch(BAD_HANDLE, 0, base, PAGE, addresses, &zero, &old),
	   STATUS_INVALID_PARAMETER_5, "get", "another process, and count 0");
	zero = 1;
	is(NtGetWriteWatch(BAD_HANDLE, 0, base, PAGE, NULL, &zero, &old),
	   STATUS_ACCESS_VIOLATION, "get", "another process, and no addresses");
	is(NtGetWriteWatch(BAD_HANDLE, 0, bad, PAGE, (PVOID *)8, &zero, &old),
	   STATUS_INVALID_HANDLE, "get", "another process, and a bad array");
}

/* A huge count is one for each page of the range, and the array needs no more. */
static void huge_counts(char *base, char *memory)
{
	PVOID *end = (PVOID *)(memory + PAGE);
	ULONG_PTR count = ~(ULONG_PTR)0 / sizeof(PVOID);
	ULONG granularity, old;

	protect_at(memory + PAGE, PAGE, PAGE_NOACCESS, &old);
	is(NtGetWriteWatch(SELF, 0, base + 5, 16 * PAGE - 5, end - 16, &count,
			   &granularity), 0, "get",
	   "a huge count and room for the range");
	count = 17;
	is(NtGetWriteWatch(SELF, 0, base + 5, 16 * PAGE - 5, end - 15, &count,
			   &granularity), STATUS_ACCESS_VIOLATION, "get",
	   "room for a page less");
}

/* Outputs in watched pages, of calls that fail. */
static void outputs_stay_clean(char *base)
{
	static PVOID addresses[16];
	ULONG_PTR *count = (ULONG_PTR *)base, n = 16;
	ULONG *granularity = (ULONG *)(base + PAGE), size, old;

	*count = 16;
	*granularity = 77;
	NtResetWriteWatch(SELF, base, 16 * PAGE);
	is(NtGetWriteWatch(SELF, 2, base, PAGE, addresses, count, granularity),
	   STATUS_INVALID_PARAMETER_2, "get", "outputs in clean pages");
	is(NtGetWriteWatch(SELF, 0, base, 17 * PAGE, (PVOID *)(base + 2 * PAGE),
			   count, granularity),
	   STATUS_INVALID_PARAMETER_3, "get", "an array in one, too");
	protect_at(base + 3 * PAGE, PAGE, PAGE_READONLY, &old);
	is(NtGetWriteWatch(SELF, 0, base, 16 * PAGE, (PVOID *)(base + 3 * PAGE),
			   count, granularity),
	   STATUS_ACCESS_VIOLATION, "get", "an array in a read-only one");
	protect_at(base + 3 * PAGE, PAGE, RW, &old);
	is(NtGetWriteWatch(SELF, 0, base, 16 * PAGE, addresses, &n, &size), 0, "get",
	   "after these");
	ok(!n && *count == 16 && *granularity == 77, "they are clean");
}

static void watches(void)
{
	PVOID base = NULL;
	SIZE_T size = 16 * PAGE;
	NTSTATUS status = NtAllocateVirtualMemory(SELF, &base, 0, &size,
						  MEM_RESERVE | MEM_COMMIT |
						  MEM_WRITE_WATCH, RW);
	char *bad = reserve(2, MEM_RESERVE | MEM_COMMIT, RW);

	if (status == STATUS_NOT_SUPPORTED) {
		skip("write watches", "writes cannot be watched here");
		return;
	}
	written_pages(base, bad);
	huge_counts(base, bad);
	outputs_stay_clean(base);
	is(NtResetWriteWatch(SELF, base, 0), STATUS_INVALID_PARAMETER_4, "reset",
	   "size 0");
	is(NtResetWriteWatch(SELF, bad, PAGE), STATUS_INVALID_PARAMETER_2, "reset",
	   "memory that is not watched");
	is(NtResetWriteWatch(SELF, base, 16 * PAGE + 1), STATUS_INVALID_PARAMETER_3,
	   "reset", "a byte too many");
	is(NtResetWriteWatch(BAD_HANDLE, base, PAGE), STATUS_INVALID_HANDLE, "reset",
	   "another process");
	free_at(base, 0, MEM_RELEASE);
	free_at(bad, 0, MEM_RELEASE);
	is(NtResetWriteWatch(SELF, base, PAGE), STATUS_INVALID_PARAMETER_2, "reset",
	   "what was released");
}

/* ---- The Win32 names ---- */

static void win32(void)
{
	char *base = VirtualAlloc(NULL, 2 * PAGE, MEM_RESERVE | MEM_COMMIT, RW);

	SetLastError(99);
	ok(base && !VirtualFree(base, PAGE, MEM_RELEASE) && GetLastError() == 87,
	   "VirtualFree does not release a part");
	ok(!VirtualAlloc(base, PAGE, MEM_RESERVE, RW) && GetLastError() == 487,
	   "VirtualAlloc sets the last error");
	ok(!VirtualQuery(base, NULL, 1) && GetLastError() == 24,
	   "VirtualQuery, too");
	ok(!VirtualAllocEx(BAD_HANDLE, NULL, PAGE, MEM_RESERVE, RW) &&
	   GetLastError() == 6, "VirtualAllocEx, too");
	ok(GetWriteWatch(0, NULL, 0, NULL, NULL, NULL) == ~0u &&
	   GetLastError() == 998, "GetWriteWatch, too");
	SetLastError(99);
	ok(VirtualFree(base, 0, MEM_RELEASE) && GetLastError() == 99,
	   "a success leaves it alone");
	base = VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE | MEM_COMMIT, RW, NULL, 0);
	ok(base != NULL && VirtualFree(base, 0, MEM_RELEASE),
	   "VirtualAlloc2 for no process is for this one");
}

int main(void)
{
	errno = 4711;
	released_places();
	refused_allocations();
	refused_extensions();
	refused_parameters();
	address_requirements();
	places();
	releases_of_parts();
	refused_frees();
	protections();
	queries();
	locks();
	watches();
	win32();
	ok(errno == 4711, "errno never changed");
	others();
	return done_testing();
}

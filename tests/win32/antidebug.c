/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What protected programs do to find a debugger, a hook or an emulator: they
 * watch 16 MiB, ask for the first page, and know what must be written in it.
 */
#include "pages.h"
#include "rows.h"

#include <string.h>

#define N_PAGES		4096
#define RESET		WRITE_WATCH_FLAG_RESET

static char *watch_16_mib(void)
{
	return watch(N_PAGES);
}

/* How often the first page is hit, and that it is the page. */
static void expect_hits(ULONG_PTR hits, DWORD flags, char *base)
{
	void *addresses[16] = { NULL };
	ULONG_PTR count = 16;
	DWORD granularity = 0;

	EXPECT_ERROR(0, get_error(flags, base, PAGE_BYTES, addresses, &count,
				  &granularity));
	CHECK(count == hits, "%u hits, expected %u", (unsigned int)count,
	      (unsigned int)hits);
	CHECK(!hits || addresses[0] == base, "%p was hit, not %p",
	      addresses[0], base);
	CHECK(granularity == PAGE_BYTES, "granularity %" DU, granularity);
}

static void one_write(void)
{
	char *base = watch_16_mib();

	expect_hits(0, 0, base);
	*(volatile int *)base = 1234;
	expect_hits(1, 0, base);
	expect_hits(1, RESET, base);
	expect_hits(0, RESET, base);
}

/* A byte that is 0xc3 is an x86 function that returns. */
static void execution(void)
{
	char *base = allocate(N_PAGES,
			      MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH,
			      PAGE_EXECUTE_READWRITE);
	void (*code)(void) = (void (*)(void))base;

	*(volatile unsigned char *)base = 0xc3;
	EXPECT_ERROR(0, reset_error(base, N_PAGES * PAGE_BYTES));
	for (int i = 0; i < 1000; i++)
		code();
	expect_hits(0, 0, base);
}

static void failing_query(void)
{
	char *base = watch_16_mib();

	EXPECT_ERROR(ERROR_NOACCESS, get_error(0, base, PAGE_BYTES, NULL, NULL,
					       (DWORD *)base));
	expect_hits(0, 0, base);
}

/* Between its own writes nobody may write; each of its own must show. */
static void polling(void)
{
	char *base = watch_16_mib();
	uint64_t random = row_seed();

	for (int round = 0; round < 5000; round++) {
		size_t offset = random_below(&random, PAGE_BYTES);

		expect_hits(0, RESET, base);
		(void)*(volatile char *)(base + offset);
		expect_hits(0, RESET, base);
		*(volatile char *)(base + offset) = round;
		expect_hits(1, RESET, base);
	}
}

/* The same write again and again, of what is there already. */
static void same_value(void)
{
	char *base = watch_16_mib();

	for (int round = 0; round < 1000; round++) {
		*(volatile char *)base = 0;
		expect_hits(1, RESET, base);
	}
}

/* An emulator that watches stores by their kind would miss one of these. */
static void store_bytes(char *base)
{
	memset(base, 1, PAGE_BYTES);
}

static void store_string(char *base)
{
	size_t n_bytes = 64;

	__asm__ volatile("rep stosb" : "+D"(base), "+c"(n_bytes) : "a"(1)
			 : "memory");
}

static void store_vector(char *base)
{
	__asm__ volatile("movups %%xmm0, (%0)" : : "r"(base) : "memory");
}

static void store_past_caches(char *base)
{
	__asm__ volatile("movnti %1, (%0)\n\tsfence" : : "r"(base), "r"(1)
			 : "memory");
}

static void store_atomically(char *base)
{
	__atomic_fetch_add(base, 1, __ATOMIC_SEQ_CST);
}

/* Compares unequal: the processor stores the old value. */
static void store_nothing_new(char *base)
{
	int expected = -1;

	__atomic_compare_exchange_n((int *)base, &expected, 1, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void store_bit(char *base)
{
	__asm__ volatile("btsl $7, (%0)" : : "r"(base) : "memory", "cc");
}

static void store_last_byte(char *base)
{
	*(volatile char *)(base + PAGE_BYTES - 1) = 1;
}

static void every_store(void)
{
	static void (*const stores[])(char *) = {
		store_bytes, store_string, store_vector, store_past_caches,
		store_atomically, store_nothing_new, store_bit,
		store_last_byte,
	};
	char *base = watch_16_mib();

	for (size_t i = 0; i < sizeof(stores) / sizeof(*stores); i++) {
		const char *got;

		stores[i](base);
		got = query(RESET, base, 0, 1, 1);
		CHECK(!strcmp(got, "0"), "store %u: written: [%s]",
		      (unsigned int)i, got);
		expect_hits(0, 0, base);
	}
}

#ifdef _WIN32

static void debugger_present(void)
{
	char *base = watch_16_mib();

	*(volatile BOOL *)base = IsDebuggerPresent();
	expect_hits(1, 0, base);
}

static void atom_name(void)
{
	char *base = watch_16_mib();

	CHECK(!GlobalGetAtomNameA(0, base, 1), "succeeded");
	expect_hits(0, 0, base);
}

static void environment_variable(void)
{
	char *base = watch_16_mib();

	CHECK(!GetEnvironmentVariableA("?? no such name ??", base, PAGE_BYTES),
	      "succeeded");
	expect_hits(0, 0, base);
}

static void binary_type(void)
{
	char *base = watch_16_mib();

	CHECK(!GetBinaryTypeA("?? no such file ??", (DWORD *)base),
	      "succeeded");
	expect_hits(0, 0, base);
}

static void heap_information(void)
{
	const HEAP_INFORMATION_CLASS unknown = 0x7fff;
	char *base = watch_16_mib();

	CHECK(!HeapQueryInformation(GetProcessHeap(), unknown, base, PAGE_BYTES,
				    NULL), "succeeded");
	expect_hits(0, 0, base);
}

static void read_memory(void)
{
	char *base = watch_16_mib();

	CHECK(!ReadProcessMemory(GetCurrentProcess(), (void *)8, base,
				 PAGE_BYTES, NULL), "succeeded");
	expect_hits(0, 0, base);
}

static void thread_context(void)
{
	char *base = watch_16_mib();

	CHECK(!GetThreadContext((HANDLE)0xdead, (CONTEXT *)base), "succeeded");
	expect_hits(0, 0, base);
}

#endif

const struct row antidebug_rows[] = {
	{ "antidebug-one-write", "WT", one_write, 0, 0,
	  "one write is exactly one hit" },
	{ "antidebug-debugger-present", "INF", WINDOWS_ONLY(debugger_present),
	  0, 0, "storing IsDebuggerPresent's answer is one hit" },
	{ "antidebug-execution", "WT", execution, 0, 0,
	  "executing a reset page is no hit" },
	{ "antidebug-atom-name", "INF", WINDOWS_ONLY(atom_name), 0, 0,
	  "a failing GlobalGetAtomName is no hit" },
	{ "antidebug-environment-variable", "INF",
	  WINDOWS_ONLY(environment_variable), 0, 0,
	  "a failing GetEnvironmentVariable is no hit" },
	{ "antidebug-binary-type", "INF", WINDOWS_ONLY(binary_type), 0, 0,
	  "a failing GetBinaryType is no hit" },
	{ "antidebug-heap-information", "INF", WINDOWS_ONLY(heap_information),
	  0, 0, "a failing HeapQueryInformation is no hit" },
	{ "antidebug-read-memory", "W8", WINDOWS_ONLY(read_memory), 0, 0,
	  "a failing ReadProcessMemory is no hit" },
	{ "antidebug-thread-context", "INF", WINDOWS_ONLY(thread_context), 0, 0,
	  "a failing GetThreadContext is no hit" },
	{ "antidebug-failing-query", "WT", failing_query, 0, 0,
	  "a GetWriteWatch without a count is no hit" },
	{ "antidebug-polling", "INF", polling, 0, 0,
	  "a poll with reset sees each own write once and nothing else" },
	{ "antidebug-same-value", "INF", same_value, 0, 0,
	  "a write of what is there already is a hit" },
	{ "antidebug-every-store", "INF", every_store, 0, 0,
	  "every kind of store is one hit" },
	{ 0 },
};

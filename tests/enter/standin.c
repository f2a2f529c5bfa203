/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stand-in ntdll.so. Variants, by macro:
 *	STANDIN_MS		entered in the Windows convention
 *	STANDIN_OWN_WATCHES	has the message of a Wine with kernel watches
 *	STANDIN_TWICE		one service stands in its table twice
 *	STANDIN_LACKING		one service is not exported
 *	STANDIN_STRANGE		NtGetWriteWatch answers like no known Wine
 *	STANDIN_ALONE		one service stands beside what is no function
 *	STANDIN_NO_WATCH	no NtGetWriteWatch at all
 */
#include "standin.h"

#include <stdint.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))

#if defined(STANDIN_MS) && defined(__i386__)
#define SERVICE __attribute__((stdcall))
#elif defined(STANDIN_MS)
#define SERVICE __attribute__((ms_abi))
#else
#define SERVICE
#endif

#define STATUS_ACCESS_VIOLATION ((int)0xc0000005)
#define STATUS_INVALID_HANDLE ((int)0xc0000008)
#define STATUS_INVALID_PARAMETER ((int)0xc000000d)
#define STATUS_NOT_SUPPORTED ((int)0xc00000bb)

#define MEM_COMMIT 0x1000
#define MEM_RESERVE 0x2000
#define MEM_DECOMMIT 0x4000

static struct standin_call last;

static void note(const char *service, void *process, void *base, size_t size,
		 unsigned type, unsigned protect)
{
	last = (struct standin_call){ service, process, base, size, 0, type,
				      protect };
}

static int allocate(void **base, size_t *size, unsigned type)
{
	int access = type & MEM_COMMIT ? PROT_READ | PROT_WRITE : PROT_NONE;

	*size = (*size + 4095) & ~(size_t)4095;
	if (type & MEM_RESERVE)
		*base = mmap(NULL, *size, access,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		mprotect(*base, *size, access);
	return 0;
}

EXPORT int SERVICE NtAllocateVirtualMemory(void *process, void **base,
					   size_t zero_bits, size_t *size,
					   unsigned type, unsigned protect)
{
	note("allocate", process, *base, *size, type, protect);
	last.zero_bits = zero_bits;
	return process == (void *)-1 ? allocate(base, size, type)
				     : STATUS_NOT_SUPPORTED;
}

#ifndef STANDIN_LACKING
EXPORT
#else
__attribute__((visibility("hidden")))
#endif
int SERVICE NtAllocateVirtualMemoryEx(void *process, void **base, size_t *size,
				      unsigned type, unsigned protect,
				      void *parameters, unsigned n_parameters)
{
	(void)parameters;
	(void)n_parameters;
	note("allocate_ex", process, *base, *size, type, protect);
	return process == (void *)-1 ? allocate(base, size, type)
				     : STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtFreeVirtualMemory(void *process, void **base, size_t *size,
				       unsigned type)
{
	note("free", process, *base, *size, type, 0);
	if (process != (void *)-1)
		return STATUS_NOT_SUPPORTED;
	if (type & MEM_DECOMMIT)
		mmap(*base, *size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		     MAP_NORESERVE | MAP_FIXED, -1, 0);
	else
		munmap(*base, *size);
	return 0;
}

/* The two checks that tell the conventions apart, in Wine's order. */
#ifdef STANDIN_NO_WATCH
static
#else
EXPORT
#endif
int SERVICE NtGetWriteWatch(void *process, unsigned flags, void *base,
			    size_t size, void **addresses, size_t *count,
			    unsigned *granularity)
{
	(void)addresses;
	note("get", process, base, size, flags, 0);
#ifdef STANDIN_STRANGE
	return STATUS_NOT_SUPPORTED;
#endif
	if (!count || !granularity)
		return STATUS_ACCESS_VIOLATION;
	if (!*count || !size)
		return STATUS_INVALID_PARAMETER;
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtResetWriteWatch(void *process, void *base, size_t size)
{
	note("reset", process, base, size, 0, 0);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtReadVirtualMemory(void *process, const void *address,
				       void *buffer, size_t size, size_t *n_read)
{
	(void)buffer;
	(void)n_read;
	note("read", process, (void *)(uintptr_t)address, size, 0, 0);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtWriteVirtualMemory(void *process, void *address,
					const void *buffer, size_t size,
					size_t *n_written)
{
	(void)buffer;
	(void)n_written;
	note("write", process, address, size, 0, 0);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtLockVirtualMemory(void *process, void **base,
				       size_t *size, unsigned type)
{
	note("lock", process, *base, *size, type, 0);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtProtectVirtualMemory(void *process, void **base,
					  size_t *size, unsigned protect,
					  unsigned *old)
{
	(void)old;
	note("protect", process, *base, *size, 0, protect);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtQueryVirtualMemory(void *process, const void *address,
					int class, void *buffer, size_t size,
					size_t *used)
{
	(void)class;
	(void)buffer;
	(void)used;
	note("query", process, (void *)(uintptr_t)address, size, 0, 0);
	return STATUS_NOT_SUPPORTED;
}

/* Of no class that is asked for: this stands for no process of a prefix. */
EXPORT int SERVICE NtQueryObject(void *handle, int class, void *buffer,
				 unsigned size, unsigned *used)
{
	(void)class;
	(void)buffer;
	(void)used;
	note("query_object", handle, NULL, size, 0, 0);
	return handle == (void *)0x1234 ? STATUS_INVALID_HANDLE :
					  STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtQueryInformationProcess(void *process, int class,
					     void *buffer, unsigned size,
					     unsigned *used)
{
	(void)class;
	(void)buffer;
	(void)used;
	note("query_process", process, NULL, size, 0, 0);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtDuplicateObject(void *from, void *handle, void *to,
				     void **duplicate, unsigned access,
				     unsigned attributes, unsigned options)
{
	(void)handle;
	(void)to;
	(void)duplicate;
	(void)attributes;
	(void)options;
	note("duplicate", from, NULL, 0, access, 0);
	return STATUS_NOT_SUPPORTED;
}

EXPORT int SERVICE NtClose(void *handle)
{
	note("close", handle, NULL, 0, 0, 0);
	return STATUS_NOT_SUPPORTED;
}

static int SERVICE other_service(void)
{
	return STATUS_NOT_SUPPORTED;
}

#ifdef STANDIN_OWN_WATCHES
EXPORT const char standin_message[] = "kernel_writewatch_init: not available";
#endif

enum { ALLOCATE = 20, ALLOCATE_EX = 21, FREE = 700, GET = 701, RESET = 1190,
       PROTECT = 500, QUERY = 501,
       READ = 502, LOCK = 503, QUERY_OBJECT = 504, QUERY_PROCESS = 505,
       DUPLICATE = 506, CLOSE = 507, WRITE = 508 };

#define OTHERS(first, last) [first ... last] = (void *)other_service

/* More than one page of it, so that the services stand on several. */
static void *const table[STANDIN_ENTRIES] = {
	OTHERS(0, ALLOCATE - 1),
	[ALLOCATE] = (void *)NtAllocateVirtualMemory,
	[ALLOCATE_EX] = (void *)NtAllocateVirtualMemoryEx,
	OTHERS(ALLOCATE_EX + 1, PROTECT - 1),
	[PROTECT] = (void *)NtProtectVirtualMemory,
	[QUERY] = (void *)NtQueryVirtualMemory,
	[READ] = (void *)NtReadVirtualMemory,
	[LOCK] = (void *)NtLockVirtualMemory,
	[QUERY_OBJECT] = (void *)NtQueryObject,
	[QUERY_PROCESS] = (void *)NtQueryInformationProcess,
	[DUPLICATE] = (void *)NtDuplicateObject,
	[CLOSE] = (void *)NtClose,
	[WRITE] = (void *)NtWriteVirtualMemory,
	OTHERS(WRITE + 1, FREE - 1),
	[FREE] = (void *)NtFreeVirtualMemory,
	[GET] = (void *)NtGetWriteWatch,
	OTHERS(GET + 1, RESET - 1),
	[RESET] = (void *)NtResetWriteWatch,
#ifdef STANDIN_ALONE
	[RESET + 1] = NULL,
#else
	[RESET + 1] = (void *)other_service,
#endif
#ifdef STANDIN_TWICE
	[RESET + 2] = (void *)NtFreeVirtualMemory,
	OTHERS(RESET + 3, STANDIN_ENTRIES - 1),
#else
	OTHERS(RESET + 2, STANDIN_ENTRIES - 1),
#endif
};

/* The table is read at each call, as the dispatcher does. The compiler must not
 * guess what stands in it: it would compare with the guess, whose address would
 * be a second one in the library's data. */
static void *entry(int number)
{
	void *const *at = &table[number];

	asm("" : "+r"(at));
	return *at;
}

static int call_allocate(void *process, void **base, size_t zero_bits,
			 size_t *size, unsigned type, unsigned protect)
{
	int SERVICE (*service)(void *, void **, size_t, size_t *, unsigned,
			       unsigned) = entry(ALLOCATE);

	return service(process, base, zero_bits, size, type, protect);
}

static int call_allocate_ex(void *process, void **base, size_t *size,
			    unsigned type, unsigned protect)
{
	int SERVICE (*service)(void *, void **, size_t *, unsigned, unsigned,
			       void *, unsigned) = entry(ALLOCATE_EX);

	return service(process, base, size, type, protect, NULL, 0);
}

static int call_free(void *process, void **base, size_t *size, unsigned type)
{
	int SERVICE (*service)(void *, void **, size_t *, unsigned) = entry(FREE);

	return service(process, base, size, type);
}

static int call_get(void *process, unsigned flags, void *base, size_t size,
		    void **addresses, size_t *count, unsigned *granularity)
{
	int SERVICE (*service)(void *, unsigned, void *, size_t, void **,
			       size_t *, unsigned *) = entry(GET);

	return service(process, flags, base, size, addresses, count, granularity);
}

static int call_reset(void *process, void *base, size_t size)
{
	int SERVICE (*service)(void *, void *, size_t) = entry(RESET);

	return service(process, base, size);
}

EXPORT const struct standin *standin(void)
{
	static const struct standin answer = {
		.table = table,
		.last = &last,
		.allocate = call_allocate,
		.allocate_ex = call_allocate_ex,
		.free = call_free,
		.get = call_get,
		.reset = call_reset,
	};

	return &answer;
}

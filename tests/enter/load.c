/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load FILE [again|call|watch]: loads a stand-in ntdll.so as Wine's loader does
 * and prints what has become of it, one fact a line. "again": once more after
 * loading it twice. "call": how calls arrive that are not for us. "watch": what
 * a program sees of watched memory.
 */
#include "standin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { PAGE = 4096 };

#define SELF ((void *)-1)
#define OTHER ((void *)0x1234)

#define MEM_COMMIT 0x1000
#define MEM_RESERVE 0x2000
#define MEM_DECOMMIT 0x4000
#define MEM_RELEASE 0x8000
#define MEM_WRITE_WATCH 0x200000
#define PAGE_READWRITE 4

static int n_userfaultfds;

/* Stands before libc's, so that every attempt is counted. */
EXPORT long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long a[6];
	va_list args;

	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	n_userfaultfds += number == SYS_userfaultfd;
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- The table ---- */

/* "r--p" of the mapping at `address`. */
static void access_of(const void *address, char access[8])
{
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512];

	strcpy(access, "?");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx %7s", &from, &to, access) == 3 &&
		    from <= (uintptr_t)address && (uintptr_t)address < to)
			break;
	if (file)
		fclose(file);
}

static void print_access(void *const *table)
{
	uintptr_t page = (uintptr_t)table & ~(uintptr_t)(PAGE - 1);
	char access[8], first[8];

	access_of(table, first);
	for (; page < (uintptr_t)(table + STANDIN_ENTRIES); page += PAGE) {
		access_of((void *)page, access);
		if (strcmp(access, first)) {
			printf("table: mixed\n");
			return;
		}
	}
	printf("table: %s\n", first);
}

/* The export is read from the library itself: nothing has interposed it. */
static bool stands_in_table(void *ntdll, void *const *table, const char *name)
{
	void *service = dlsym(ntdll, name);

	for (size_t i = 0; i < STANDIN_ENTRIES; i++)
		if (table[i] == service)
			return true;
	return false;
}

static void print_replaced(void *ntdll, void *const *table)
{
	static const char *const names[] = {
		"NtAllocateVirtualMemory", "NtAllocateVirtualMemoryEx",
		"NtFreeVirtualMemory", "NtGetWriteWatch", "NtResetWriteWatch",
		"NtReadVirtualMemory", "NtWriteVirtualMemory",
		"NtLockVirtualMemory",
		"NtProtectVirtualMemory", "NtQueryVirtualMemory",
		"NtQueryObject", "NtQueryInformationProcess",
		"NtDuplicateObject", "NtClose",
	};

	printf("replaced:");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (dlsym(ntdll, names[i]) &&
		    !stands_in_table(ntdll, table, names[i]))
			printf(" %s", names[i] + 2);
	printf("\n");
}

/* ---- The services ---- */

static const struct standin *wine;

static void row(const char *name, bool passed)
{
	printf("%s: %s\n", name, passed ? "yes" : "no");
}

static bool called_with(const char *service, void *process, void *base,
			size_t size, unsigned type, unsigned protect)
{
	const struct standin_call *last = wine->last;

	return !strcmp(last->service, service) && last->process == process &&
	       last->base == base && last->size == size && last->type == type &&
	       last->protect == protect;
}

/* What is not ours arrives in Wine as it was. */
static void pass_through(void)
{
	void *base = (void *)0x770000, *addresses[4];
	size_t size = 0x1234, count = 4;
	unsigned granularity = 5;

	wine->allocate(OTHER, &base, 7, &size, MEM_RESERVE, 0x40);
	row("allocate arrives", called_with("allocate", OTHER, base, size,
					    MEM_RESERVE, 0x40) &&
	    wine->last->zero_bits == 7);
	wine->allocate_ex(OTHER, &base, &size, MEM_COMMIT, 0x20);
	row("allocate_ex arrives", called_with("allocate_ex", OTHER, base, size,
					       MEM_COMMIT, 0x20));
	wine->free(OTHER, &base, &size, MEM_RELEASE);
	row("free arrives", called_with("free", OTHER, base, size, MEM_RELEASE, 0));
	wine->get(SELF, 1, base, size, addresses, &count, &granularity);
	row("get arrives", called_with("get", SELF, base, size, 1, 0) &&
	    count == 4 && granularity == 5);
	wine->reset(SELF, base, size);
	row("reset arrives", called_with("reset", SELF, base, size, 0, 0));
}

static bool is_written(char *base, unsigned flags, size_t wanted_page)
{
	void *addresses[16];
	size_t count = 16;
	unsigned granularity = 0;

	return !wine->get(SELF, flags, base, 16 * PAGE, addresses, &count,
			  &granularity) &&
	       granularity == PAGE &&
	       (wanted_page < 16 ? count == 1 && addresses[0] ==
						 base + wanted_page * PAGE
				 : count == 0);
}

static void watch(void)
{
	void *memory = NULL;
	size_t size = 16 * PAGE, rest = 4 * PAGE;
	char *base;

	wine->allocate(SELF, &memory, 0, &size, MEM_RESERVE | MEM_WRITE_WATCH,
		       PAGE_READWRITE);
	row("the watch flag is taken off", called_with("allocate", SELF, NULL, size,
						       MEM_RESERVE,
						       PAGE_READWRITE));
	base = memory;
	wine->allocate_ex(SELF, &memory, &rest, MEM_COMMIT, PAGE_READWRITE);
	row("a commit arrives", called_with("allocate_ex", SELF, base, rest,
					    MEM_COMMIT, PAGE_READWRITE));
	row("fresh memory is clean", is_written(base, 0, 16));
	base[2 * PAGE] = 1;
	row("a write is seen", is_written(base, 0, 2));
	row("a reset takes it", is_written(base, 1, 2) && is_written(base, 0, 16));
	base[3 * PAGE] = 1;
	row("NtResetWriteWatch", !wine->reset(SELF, base, size) &&
	    is_written(base, 0, 16));
	base[PAGE] = 1;
	memory = base;
	wine->free(SELF, &memory, &rest, MEM_DECOMMIT);
	row("a decommit keeps it", is_written(base, 0, 1));
	memory = base;
	wine->free(SELF, &memory, &size, MEM_RELEASE);
	row("a release ends it", !is_written(base, 0, 1) &&
	    called_with("get", SELF, base, 16 * PAGE, 0, 0));
	row("a userfaultfd was opened", n_userfaultfds > 0);
}

static void *load(const char *file)
{
	void *ntdll = dlopen(file, RTLD_NOW);
	standin_fn *find_standin;

	if (!ntdll) {
		printf("%s\n", dlerror());
		return NULL;
	}
	find_standin = (standin_fn *)dlsym(ntdll, "standin");
	wine = find_standin ? find_standin() : NULL;
	return wine ? ntdll : NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	void *ntdll;

	if (argc < 2) {
		fprintf(stderr, "usage: load FILE [again|call|watch]\n");
		return 2;
	}
	ntdll = load(argv[1]);
	if (!ntdll)
		return 1;
	if (!strcmp(what, "call")) {
		pass_through();
	} else if (!strcmp(what, "watch")) {
		watch();
	} else {
		if (!strcmp(what, "again"))
			load(argv[1]);
		print_replaced(ntdll, wine->table);
		print_access(wine->table);
		printf("userfaultfds: %d\n", n_userfaultfds);
	}
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that work in watched memory, their own and ours, and are killed. */
#include "pages.h"
#include "rows.h"

#ifdef _WIN32

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESET		WRITE_WATCH_FLAG_RESET
#define N_PAGES		256		/* the first half our own to write */
#define FIRST_FOREIGN	(N_PAGES / 2)
#define N_CHILDREN	2		/* unless --steps says more */
#define KILLED		4711

/*
 * As in stress_crowd.c: numbers of writes, begun before and done after them. An
 * intruder has these for its half in memory that both processes see.
 */
struct numbers {
	volatile LONG begun[N_PAGES], done[N_PAGES];
	volatile LONG n_calls;		/* of intruders, who are at work then */
};

static struct numbers *map_numbers(const char *pid, HANDLE *mapping)
{
	char name[64];

	snprintf(name, sizeof(name), "writewatch.intruder.%s", pid);
	*mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE,
				      0, sizeof(struct numbers), name);
	return *mapping ? MapViewOfFile(*mapping, FILE_MAP_WRITE, 0, 0, 0) : NULL;
}

/* ---- The other process ---- */

static void write_from_outside(HANDLE process, char *base,
			       struct numbers *numbers, size_t page)
{
	LONG number = InterlockedIncrement(&numbers->begun[page]), old;
	SIZE_T n = 0;

	if (!WriteProcessMemory(process, base + page * PAGE_BYTES, &number,
				sizeof(number), &n) || n != sizeof(number))
		return;
	do {
		old = numbers->done[page];
	} while (old < number &&
		 InterlockedCompareExchange(&numbers->done[page], number, old) !=
		 old);
}

static void ask_from_outside(HANDLE process, char *base)
{
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	ULONG granularity;

	NtGetWriteWatch(process, 0, base, N_PAGES * PAGE_BYTES, addresses, &count,
			&granularity);
}

static void intrude(HANDLE process, char *base, struct numbers *numbers,
		    uint64_t *random)
{
	size_t page = FIRST_FOREIGN + random_below(random, FIRST_FOREIGN);
	size_t n_bytes = (1 + random_below(random, N_PAGES - page)) * PAGE_BYTES;
	char *start = base + page * PAGE_BYTES, byte;
	DWORD old;

	switch (random_below(random, 8)) {
	case 0:
		VirtualProtectEx(process, start, n_bytes, PAGE_READONLY, &old);
		break;
	case 1:
		VirtualProtectEx(process, start, n_bytes, PAGE_READWRITE, &old);
		break;
	case 2:
		VirtualAllocEx(process, start, n_bytes, MEM_COMMIT,
			       PAGE_READWRITE);
		break;
	case 3:
		ReadProcessMemory(process, start, &byte, 1, NULL);
		break;
	case 4:
		ask_from_outside(process, base);
		break;
	default:
		write_from_outside(process, base, numbers, page);
	}
	InterlockedIncrement(&numbers->n_calls);
}

int run_intruder(char **arguments)
{
	HANDLE process = OpenProcess(PROCESS_VM_OPERATION | PROCESS_VM_READ |
				     PROCESS_VM_WRITE |
				     PROCESS_QUERY_LIMITED_INFORMATION |
				     SYNCHRONIZE, FALSE,
				     strtoul(arguments[0], NULL, 10));
	char *base = (char *)(uintptr_t)strtoull(arguments[1], NULL, 10);
	uint64_t random = strtoull(arguments[2], NULL, 10);
	HANDLE mapping;
	struct numbers *numbers = map_numbers(arguments[0], &mapping);

	if (!process || !numbers)
		return GetLastError();
	/* until it is killed, or is left alone */
	while (WaitForSingleObject(process, 0) == WAIT_TIMEOUT)
		intrude(process, base, numbers, &random);
	return 0;
}

/* ---- Ours ---- */

static struct numbers *numbers;
static LONG seen[N_PAGES];
static char *base;
static volatile bool stop;

static void write_on(void *argument)
{
	uint64_t random = *(uint64_t *)argument;

	while (!stop) {
		size_t page = random_below(&random, FIRST_FOREIGN);

		InterlockedIncrement(&numbers->begun[page]);
		touch(base, page);
		InterlockedIncrement(&numbers->done[page]);
	}
}

static void see_written(void)
{
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity;

	if (get_error(RESET, base, N_PAGES * PAGE_BYTES, addresses, &count,
		      &granularity))
		give_up("GetWriteWatch: error %lu", GetLastError());
	for (ULONG_PTR i = 0; i < count; i++) {
		size_t page = ((char *)addresses[i] - base) / PAGE_BYTES;

		seen[page] = numbers->begun[page];
	}
}

static void check_seen(const char *when)
{
	see_written();
	for (size_t page = 0; page < N_PAGES; page++)
		CHECK(numbers->done[page] <= seen[page], "%s: page %u: write %ld "
		      "is lost", when, (unsigned int)page, numbers->done[page]);
}

static HANDLE start_child(const char *arguments)
{
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	PROCESS_INFORMATION process;
	char program[MAX_PATH], command[MAX_PATH + 128];

	GetModuleFileNameA(NULL, program, sizeof(program));
	snprintf(command, sizeof(command), "\"%s\" %s", program, arguments);
	if (!CreateProcessA(program, command, NULL, NULL, TRUE, 0, NULL, NULL,
			    &startup, &process))
		give_up("CreateProcess: error %lu", GetLastError());
	CloseHandle(process.hThread);
	return process.hProcess;
}

/* It must not have ended before, which is how it says that a write was lost. */
static void kill_child(HANDLE child)
{
	DWORD status = 0;

	TerminateProcess(child, KILLED);
	if (WaitForSingleObject(child, 20000) != WAIT_OBJECT_0)
		give_up("a child does not end");
	GetExitCodeProcess(child, &status);
	CHECK(status == KILLED, "a child ended with %lu", status);
	CloseHandle(child);
}

static HANDLE start_intruder(uint64_t *random)
{
	char arguments[96];
	LONG before = numbers->n_calls;
	uint64_t start = now_us();
	HANDLE child;

	snprintf(arguments, sizeof(arguments), "--intrude %lu %llu %u",
		 GetCurrentProcessId(), (unsigned long long)(uintptr_t)base,
		 random_below(random, 1 << 30));
	child = start_child(arguments);
	while (numbers->n_calls == before &&
	       WaitForSingleObject(child, 0) == WAIT_TIMEOUT)
		wait_a_turn(start, "the call of a child");
	return child;
}

/* Both of them at once, and one killed in the middle of anything. */
static void child_after_child(uint64_t *random)
{
	HANDLE crowd = start_child("--row stress-crowd --steps 1000000");
	HANDLE intruder = start_intruder(random);
	LONG enough = numbers->n_calls + random_below(random, 100);
	uint64_t end = now_us() + 500000;

	while (numbers->n_calls < enough && now_us() < end)
		see_written();
	kill_child(intruder);
	kill_child(crowd);
}

static void children(void)
{
	uint64_t random = row_seed(), n = row_steps(N_CHILDREN);
	HANDLE mapping, thread;
	char pid[16];

	snprintf(pid, sizeof(pid), "%lu", GetCurrentProcessId());
	numbers = map_numbers(pid, &mapping);
	if (!numbers)
		give_up("no memory to share: error %lu", GetLastError());
	base = watch(N_PAGES);
	thread = start_thread(write_on, &random);
	for (uint64_t i = 0; i < n; i++)
		child_after_child(&random);
	stop = true;
	join_thread(thread);
	protect(base, N_PAGES * PAGE_BYTES, PAGE_READWRITE);
	check_seen("at the end");
	note("%ld calls of intruders", numbers->n_calls);
}

#else

int run_intruder(char **arguments)
{
	(void)arguments;
	return ERROR_NOT_SUPPORTED;
}

#endif

const struct row children_rows[] = {
	{ "stress-children", "MS", WINDOWS_ONLY(children), 0, 0,
	  "no write is lost to processes that work in it and are killed" },
	{ 0 },
};

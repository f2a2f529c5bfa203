/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NtGetWriteWatch and NtResetWriteWatch through process handles. */
#include "foreign.h"
#include "pages.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef _WIN32
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#define N_PAGES		16
#define N_FOLLOWED	256
#define N_ROUNDS	200
#define N_WRITERS	4

#define NT_INVALID_HANDLE	((NTSTATUS)0xc0000008)
#define NT_TYPE_MISMATCH	((NTSTATUS)0xc0000024)
#define NT_ACCESS_DENIED	((NTSTATUS)0xc0000022)
#define NT_TERMINATING		((NTSTATUS)0xc000010a)

/* ---- In the other process ---- */

struct call {
	HANDLE process;
	DWORD pid;
	const char *action;
	char *start;
	size_t n_bytes;
	unsigned long long value;
};

/* What Win32 makes of the statuses that are meant here. */
static DWORD error_of(NTSTATUS status)
{
#ifdef _WIN32
	return RtlNtStatusToDosError(status);
#else
	ULONG number = (ULONG)status;

	if (number == 0xc000000d || (number >= 0xc00000ef && number <= 0xc00000f4))
		return ERROR_INVALID_PARAMETER;
	return number == 0xc0000005 ? ERROR_NOACCESS : number;
#endif
}

static NTSTATUS get(HANDLE process, ULONG flags, void *start, size_t n_bytes,
		    void **addresses, ULONG_PTR *count)
{
	ULONG granularity = 0;
	NTSTATUS status = NtGetWriteWatch(process, flags, start, n_bytes,
					  addresses, count, &granularity);

	CHECK(status || granularity == PAGE_BYTES, "granularity %lu",
	      (unsigned long)granularity);
	return status;
}

/* Exactly the pages of a list such as "1,5,9". */
static void expect_pages(const struct call *call, ULONG flags)
{
	static void *addresses[MAX_PAGES];
	const char *list = strchr(call->action, '=') + 1;
	ULONG_PTR count = call->value;
	NTSTATUS status = get(call->process, flags, call->start, call->n_bytes,
			      addresses, &count);
	char got[256] = "";
	int length = 0;

	for (size_t i = 0; !status && i < count && length < 240; i++)
		length += snprintf(got + length, sizeof(got) - length, "%s%u",
				   i ? "," : "",
				   (unsigned int)(((char *)addresses[i] -
						   call->start) / PAGE_BYTES));
	CHECK(!status, "status %#lx", (unsigned long)(ULONG)status);
	CHECK(!strcmp(got, list), "written: [%s], expected [%s]", got, list);
}

static void expect_refusal(const struct call *call)
{
	void *addresses[1] = { NULL };
	ULONG_PTR count = 1;
	NTSTATUS status = get(call->process, WRITE_WATCH_FLAG_RESET, call->start,
			      call->n_bytes, addresses, &count);

	CHECK(error_of(status) == call->value, "get: status %#lx",
	      (unsigned long)(ULONG)status);
	CHECK(count == 1 && !addresses[0], "a refused call stored something");
	status = NtResetWriteWatch(call->process, call->start, call->n_bytes);
	CHECK(error_of(status) == call->value,
	      "reset: status %#lx", (unsigned long)(ULONG)status);
}

static bool copy_in(const struct call *call, void *here, void *there,
		    size_t n_bytes)
{
#ifdef _WIN32
	return ReadProcessMemory(call->process, there, here, n_bytes, NULL);
#else
	struct iovec to = { here, n_bytes }, from = { there, n_bytes };

	return process_vm_readv(call->pid, &to, 1, &from, 1, 0) ==
	       (ssize_t)n_bytes;
#endif
}

static bool copy_out(const struct call *call, void *there, void *here,
		     size_t n_bytes)
{
#ifdef _WIN32
	return WriteProcessMemory(call->process, there, here, n_bytes, NULL);
#else
	struct iovec to = { there, n_bytes }, from = { here, n_bytes };

	return process_vm_writev(call->pid, &from, 1, &to, 1, 0) ==
	       (ssize_t)n_bytes;
#endif
}

/*
 * The page is read after it was reported: later writes show again. Wine stops
 * the other process for each read.
 */
static void follow(const struct call *call)
{
	static uint32_t seen[N_FOLLOWED];
	static void *addresses[N_FOLLOWED];
	void *there = (void *)(uintptr_t)call->value;

	CHECK(copy_in(call, seen, there, sizeof(seen)), "cannot read");
	for (unsigned int round = 0; another_round(round, N_ROUNDS); round++) {
		ULONG_PTR count = 1 + round * 37 % N_FOLLOWED;
		NTSTATUS status = get(call->process, WRITE_WATCH_FLAG_RESET,
				      call->start, call->n_bytes, addresses,
				      &count);

		if (!CHECK(!status, "status %#lx", (unsigned long)(ULONG)status))
			return;
		for (size_t i = 0; i < count; i++) {
			size_t page = ((char *)addresses[i] - call->start) /
				      PAGE_BYTES;

			CHECK(copy_in(call, &seen[page], addresses[i],
				      sizeof(seen[page])), "cannot read");
		}
	}
	CHECK(copy_out(call, there, seen, sizeof(seen)), "cannot write");
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static bool query_as_told(const struct call *call)
{
	if (starts_with(call->action, "get="))
		expect_pages(call, 0);
	else if (starts_with(call->action, "take="))
		expect_pages(call, WRITE_WATCH_FLAG_RESET);
	else if (!strcmp(call->action, "reset"))
		CHECK(!NtResetWriteWatch(call->process, call->start,
					 call->n_bytes), "reset fails");
	else if (!strcmp(call->action, "refuse"))
		expect_refusal(call);
	else if (!strcmp(call->action, "follow"))
		follow(call);
	else
		return false;
	return true;
}

bool run_foreign_query(char **arguments, int *status)
{
	struct call call = {
		.pid = strtoul(arguments[0], NULL, 10),
		.action = arguments[1],
		.start = (char *)(uintptr_t)strtoull(arguments[2], NULL, 10),
		.n_bytes = strtoull(arguments[3], NULL, 10),
		.value = strtoull(arguments[4], NULL, 10),
	};
	DWORD rights = PROCESS_VM_OPERATION;

	if (!strcmp(call.action, "follow"))
		rights |= PROCESS_VM_READ | PROCESS_VM_WRITE;
	call.process = OpenProcess(rights, FALSE, call.pid);
	if (!query_as_told(&call))
		return false;
	*status = checks_status();
	return true;
}

/* ---- Rows: the handle itself ---- */

static void expect_status(NTSTATUS expected, HANDLE process, void *start,
			  size_t n_bytes)
{
	void *addresses[1];
	ULONG_PTR count = 1;
	NTSTATUS status = get(process, 0, start, n_bytes, addresses, &count);

	CHECK(status == expected, "get: status %#lx",
	      (unsigned long)(ULONG)status);
	status = NtResetWriteWatch(process, start, n_bytes);
	CHECK(status == expected, "reset: status %#lx",
	      (unsigned long)(ULONG)status);
}

static void invalid_handle(void)
{
	static const uintptr_t invalid[] = { 0, 0x7ffffffc };
	char *base = watch(N_PAGES);

	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		expect_status(NT_INVALID_HANDLE, (HANDLE)invalid[i], base,
			      PAGE_BYTES);
}

static void closed_handle(void)
{
	HANDLE self = OpenProcess(PROCESS_ALL_ACCESS, FALSE,
				  GetCurrentProcessId());
	char *base = watch(N_PAGES);

	if (!self)
		give_up("OpenProcess: error %" DU, GetLastError());
	expect_status(0, self, base, PAGE_BYTES);
	CloseHandle(self);
	expect_status(NT_INVALID_HANDLE, self, base, PAGE_BYTES);
}

/* After the arguments, before the memory. */
static void handle_order(void)
{
	HANDLE invalid = (HANDLE)(uintptr_t)0x7ffffffc;
	static char unwatched[PAGE_BYTES];
	void *addresses[1];
	ULONG_PTR count = 1;
	NTSTATUS status;

	expect_status(NT_INVALID_HANDLE, invalid, unwatched, 1);
	expect_status(NT_INVALID_HANDLE, invalid, NULL, 1);
	status = get(invalid, 2, unwatched, 1, addresses, &count);
	CHECK(error_of(status) == ERROR_INVALID_PARAMETER,
	      "unknown flag: status %#lx", (unsigned long)(ULONG)status);
	status = get(invalid, 0, unwatched, 0, addresses, &count);
	CHECK(error_of(status) == ERROR_INVALID_PARAMETER,
	      "size 0: status %#lx", (unsigned long)(ULONG)status);
	status = get(invalid, 0, unwatched, 1, NULL, &count);
	CHECK(error_of(status) == ERROR_NOACCESS,
	      "no addresses: status %#lx", (unsigned long)(ULONG)status);
}

#ifdef _WIN32
static void other_object(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL);
	char *base = watch(N_PAGES);

	expect_status(NT_TYPE_MISMATCH, event, base, PAGE_BYTES);
	expect_status(NT_TYPE_MISMATCH, GetCurrentThread(), base, PAGE_BYTES);
	CloseHandle(event);
}
#endif

static void without_right(void)
{
	HANDLE self = OpenProcess(PROCESS_ALL_ACCESS & ~PROCESS_VM_OPERATION,
				  FALSE, GetCurrentProcessId());
	char *base = watch(N_PAGES);

	if (!self)
		give_up("OpenProcess: error %" DU, GetLastError());
	expect_status(NT_ACCESS_DENIED, self, base, PAGE_BYTES);
	CloseHandle(self);
}

static void own_process(void)
{
	HANDLE self = OpenProcess(PROCESS_VM_OPERATION, FALSE,
				  GetCurrentProcessId());
	struct call call = {
		.process = self, .action = "=3,7", .value = MAX_PAGES,
		.start = watch(N_PAGES), .n_bytes = N_PAGES * PAGE_BYTES,
	};

	if (!self)
		give_up("OpenProcess: error %" DU, GetLastError());
	touch_all(call.start, "3 7");
	expect_pages(&call, 0);
	expect_pages(&call, WRITE_WATCH_FLAG_RESET);
	EXPECT_WRITTEN("", call.start, N_PAGES);
	touch(call.start, 4);
	CHECK(!NtResetWriteWatch(self, call.start, call.n_bytes), "reset fails");
	EXPECT_WRITTEN("", call.start, N_PAGES);
}

#ifdef _WIN32
static HANDLE ended_process(void)
{
	char program[MAX_PATH], command[MAX_PATH + 16];
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	PROCESS_INFORMATION process;

	GetModuleFileNameA(NULL, program, sizeof(program));
	snprintf(command, sizeof(command), "\"%s\" --list", program);
	if (!CreateProcessA(program, command, NULL, NULL, FALSE,
			    CREATE_SUSPENDED, NULL, NULL, &startup, &process))
		give_up("CreateProcess: error %" DU, GetLastError());
	TerminateProcess(process.hProcess, 0);
	WaitForSingleObject(process.hProcess, 20000);
	return process.hProcess;
}
#else
static HANDLE ended_process(void)
{
	pid_t child = fork();
	HANDLE process;

	if (!child) {
		pause();
		_exit(0);
	}
	process = OpenProcess(PROCESS_VM_OPERATION, FALSE, child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return process;
}
#endif

static void ended(void)
{
	char *base = watch(N_PAGES);
	HANDLE process = ended_process();

	expect_status(NT_TERMINATING, process, base, PAGE_BYTES);
	CloseHandle(process);
}

/* ---- Rows: another process asks ---- */

static void others_get(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 5 9");
	foreign("get=1,5,9", base, N_PAGES * PAGE_BYTES, MAX_PAGES);
	foreign("get=0", base + 5 * PAGE_BYTES, PAGE_BYTES, 1);
	foreign("get=", base + 6 * PAGE_BYTES, 3 * PAGE_BYTES, 1);
	EXPECT_WRITTEN("1 5 9", base, N_PAGES);
}

/* Only what is reported is reset; capacity and pages may be equal. */
static void others_take(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 5 6 9");
	foreign("take=1,5", base, N_PAGES * PAGE_BYTES, 2);
	EXPECT_WRITTEN("6 9", base, N_PAGES);
	touch(base, 2);
	foreign("take=2,6,9", base, N_PAGES * PAGE_BYTES, 3);
	foreign("take=", base, N_PAGES * PAGE_BYTES, 3);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 6);
	EXPECT_AND_RESET("6", base, N_PAGES);
}

static void others_reset(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 5 9");
	foreign("reset", base + 4 * PAGE_BYTES, 2 * PAGE_BYTES, 0);
	EXPECT_WRITTEN("1 9", base, N_PAGES);
	foreign("reset", base, N_PAGES * PAGE_BYTES, 0);
	EXPECT_WRITTEN("", base, N_PAGES);
	touch(base, 1);
	EXPECT_WRITTEN("1", base, N_PAGES);
}

/* What was decommitted is known to its own process alone. */
static void others_decommitted(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "2 3 4 8");
	VirtualFree(base + 3 * PAGE_BYTES, 2 * PAGE_BYTES, MEM_DECOMMIT);
	foreign("get=2,3,4,8", base, N_PAGES * PAGE_BYTES, MAX_PAGES);
	foreign("take=2,3", base, N_PAGES * PAGE_BYTES, 2);
	EXPECT_WRITTEN("4 8", base, N_PAGES);
	foreign("reset", base, N_PAGES * PAGE_BYTES, 0);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void others_unaligned(void)
{
	char *base = watch(N_PAGES);

	touch_all(base, "1 2");
	foreign("get=0,1", base + PAGE_BYTES, PAGE_BYTES + 1, MAX_PAGES);
	foreign("reset", base + PAGE_BYTES + 100, 1, 0);
	EXPECT_WRITTEN("2", base, N_PAGES);
}

static void others_uncommitted(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);

	foreign("take=", base, N_PAGES * PAGE_BYTES, MAX_PAGES);
	VirtualAlloc(base + 4 * PAGE_BYTES, 4 * PAGE_BYTES, MEM_COMMIT,
		     PAGE_READWRITE);
	touch(base, 5);
	foreign("take=5", base, N_PAGES * PAGE_BYTES, MAX_PAGES);
	foreign("reset", base, N_PAGES * PAGE_BYTES, 0);
}

static void others_refused(void)
{
	char *base = watch(N_PAGES);
	char *unwatched = allocate(N_PAGES, MEM_RESERVE | MEM_COMMIT,
				   PAGE_READWRITE);

	touch(base, 3);
	foreign("refuse", base, N_PAGES * PAGE_BYTES + 1,
		ERROR_INVALID_PARAMETER);
	foreign("refuse", unwatched, PAGE_BYTES, ERROR_INVALID_PARAMETER);
	EXPECT_WRITTEN("3", base, N_PAGES);
	release(base);
	foreign("refuse", base, PAGE_BYTES, ERROR_INVALID_PARAMETER);
}

/* ---- Rows: while this process writes ---- */

static char *followed;
static volatile bool enough;

struct writer {
	unsigned int number;
	uint64_t random;
};

static void write_on(void *argument)
{
	struct writer *writer = argument;

	while (!enough) {
		size_t page = random_below(&writer->random,
					   N_FOLLOWED / N_WRITERS) * N_WRITERS +
			      writer->number;

		++*(volatile uint32_t *)(followed + page * PAGE_BYTES);
		spin_us(random_below(&writer->random, 20));
	}
}

static void others_follow(void)
{
	static uint32_t seen[N_FOLLOWED];
	static void *addresses[N_FOLLOWED];
	struct writer writers[N_WRITERS];
	HANDLE threads[N_WRITERS];
	bool reported[N_FOLLOWED] = { false };

#ifndef _WIN32
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
#endif
	followed = watch(N_FOLLOWED);
	for (unsigned int i = 0; i < N_WRITERS; i++) {
		writers[i] = (struct writer){ i, row_seed() + i };
		threads[i] = start_thread(write_on, &writers[i]);
	}
	foreign("follow", followed, N_FOLLOWED * PAGE_BYTES, (uintptr_t)seen);
	enough = true;
	for (unsigned int i = 0; i < N_WRITERS; i++)
		join_thread(threads[i]);
	take(followed, N_FOLLOWED, addresses, reported);
	for (size_t page = 0; page < N_FOLLOWED; page++) {
		uint32_t now = *(uint32_t *)(followed + page * PAGE_BYTES);

		CHECK(reported[page] || seen[page] == now,
		      "page %u: %u writes, %u seen", (unsigned int)page, now,
		      seen[page]);
	}
}

const struct row handle_rows[] = {
	{ "handle-invalid", "RO", invalid_handle, 0, 0,
	  "what is no handle is refused" },
	{ "handle-closed", "RO", closed_handle, 0, 0,
	  "a handle works until it is closed" },
	{ "handle-order", "INF", handle_order, 0, ROW_NOT_PINNED,
	  "the handle is checked after the arguments and before the memory" },
	{ "handle-other-object", "RO", WINDOWS_ONLY(other_object), 0, 0,
	  "a handle of something else is refused" },
	{ "handle-without-right", "RO", without_right, 0, 0,
	  "PROCESS_VM_OPERATION is needed" },
	{ "handle-own-process", "RO", own_process, 0, 0,
	  "through a real handle the own pages are found" },
	{ "handle-ended", "INF", ended, 0, ROW_NOT_PINNED,
	  "a process that has ended says so" },
	{ "handle-get", "RO", others_get, 0, 0,
	  "another process finds the pages that this one has written" },
	{ "handle-get-reset", "RO", others_take, 0, 0,
	  "with RESET exactly the reported pages become clean" },
	{ "handle-reset", "RO", others_reset, 0, 0,
	  "another process resets a range" },
	{ "handle-decommitted", "INF", others_decommitted, 0, 0,
	  "another process finds pages that were decommitted" },
	{ "handle-unaligned", "INF", others_unaligned, 0, 0,
	  "ranges of another process are widened to pages" },
	{ "handle-uncommitted", "INF", others_uncommitted, 0, 0,
	  "uncommitted pages of another process are clean" },
	{ "handle-refused", "INF", others_refused, 0, 0,
	  "unwatched memory of another process is refused" },
	{ "handle-shadow", "INF", others_follow, 120, 0,
	  "no write is lost while another process queries" },
	{ 0 },
};

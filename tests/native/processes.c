/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Process handles, and the written pages of another process: a child that does
 * what it is told, a byte at a time.
 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 16
#define ALL (N_PAGES * PAGE_BYTES)
#define NO_PID 0x3fffffff	/* Linux ends at 2^22 */
#define SECONDS 60		/* the longest that a child lives */

static bool failed_with(bool succeeded, DWORD error)
{
	DWORD got = GetLastError();

	if (succeeded || got != error)
		diag("%s, last error %u", succeeded ? "success" : "failure", got);
	return !succeeded && got == error;
}

static bool is(NTSTATUS got, uint32_t wanted)
{
	if ((uint32_t)got != wanted)
		diag("status %08x, expected %08x", (uint32_t)got, wanted);
	return (uint32_t)got == wanted;
}

/* ---- Handles ---- */

static void pseudo_handle(void)
{
	HANDLE self = GetCurrentProcess();

	ok(GetCurrentProcessId() == (DWORD)getpid(), "the pid is Linux's");
	ok(GetProcessId(self) == GetCurrentProcessId(), "also by the handle");
	ok(CloseHandle(self) && GetProcessId(self), "which cannot be closed");
}

static void bad_handles(void)
{
	static HANDLE bad[] = { NULL, (void *)4, (void *)0x1234, (void *)-2 };
	MEMORY_BASIC_INFORMATION info;
	DWORD old;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(failed_with(CloseHandle(bad[i]), ERROR_INVALID_HANDLE),
		   "bad handle %zu: CloseHandle", i);
		ok(failed_with(GetProcessId(bad[i]), ERROR_INVALID_HANDLE),
		   "GetProcessId");
		ok(failed_with(VirtualFreeEx(bad[i], NULL, 1, MEM_DECOMMIT),
			       ERROR_INVALID_HANDLE), "VirtualFreeEx");
		ok(failed_with(VirtualProtectEx(bad[i], NULL, 1, PAGE_READONLY,
						&old),
			       ERROR_INVALID_HANDLE), "VirtualProtectEx");
		ok(failed_with(VirtualQueryEx(bad[i], NULL, &info, sizeof(info)),
			       ERROR_INVALID_HANDLE), "VirtualQueryEx");
	}
}

static void opening(void)
{
	HANDLE handle = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)getpid());
	HANDLE second = OpenProcess(PROCESS_ALL_ACCESS, TRUE, (DWORD)getpid());

	ok(handle && !((uintptr_t)handle & 3), "a handle is a multiple of 4");
	ok(second && second != handle, "another is another");
	ok(GetProcessId(handle) == (DWORD)getpid(), "it knows its pid");
	ok(CloseHandle(handle), "closed");
	ok(failed_with(CloseHandle(handle), ERROR_INVALID_HANDLE), "but once");
	ok(OpenProcess(SYNCHRONIZE, FALSE, (DWORD)getpid()) == handle,
	   "its number is used again");
	ok(failed_with(GetProcessId(handle), ERROR_ACCESS_DENIED),
	   "a handle for nothing tells nothing");
	CloseHandle(handle);
	CloseHandle(second);
	ok(failed_with(OpenProcess(PROCESS_ALL_ACCESS, FALSE, 0) != NULL,
		       ERROR_INVALID_PARAMETER), "there is no process 0");
	ok(failed_with(OpenProcess(PROCESS_ALL_ACCESS, FALSE, NO_PID) != NULL,
		       ERROR_INVALID_PARAMETER), "nor one beyond all pids");
	ok(failed_with(OpenProcess(PROCESS_ALL_ACCESS, FALSE, ~0u) != NULL,
		       ERROR_INVALID_PARAMETER), "nor a negative one");
}

static void nt_names(void)
{
	UNICODE_STRING name = { 0, 0, NULL };
	CLIENT_ID client = { (HANDLE)(uintptr_t)getpid(), NULL };
	OBJECT_ATTRIBUTES object;
	HANDLE handle = (HANDLE)1;

	InitializeObjectAttributes(&object, NULL, 0, NULL, NULL);
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, &object, NULL),
	      0xc0000030), "no pid");
	object.ObjectName = &name;
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, &object, &client),
	      0xc0000030), "a pid and a name");
	object.ObjectName = NULL;
	client.UniqueThread = (HANDLE)4;
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, &object, &client),
	      0xc000000b), "a thread");
	client.UniqueThread = NULL;
	client.UniqueProcess = NULL;
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, &object, &client),
	      0xc000000b), "process 0");
	client.UniqueProcess = (HANDLE)(((uintptr_t)1 << 32) + (uintptr_t)getpid());
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, &object, &client),
	      0xc000000b), "a pid beyond 32 bits");
	client.UniqueProcess = (HANDLE)(uintptr_t)getpid();
	ok(is(NtOpenProcess(NULL, PROCESS_VM_OPERATION, &object, &client),
	      0xc0000005), "nowhere to store the handle");
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, NULL, &client),
	      0xc0000005), "no attributes");
	ok(handle == (HANDLE)1, "failures store no handle");
	ok(is(NtOpenProcess(&handle, PROCESS_VM_OPERATION, &object, &client), 0),
	   "opened");
	ok(is(NtClose(handle), 0) && is(NtClose(handle), 0xc0000008), "closed");
}

/* Without `mask` all that are open; with FD_CLOEXEC those that exec closes. */
static size_t count_files(int mask)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && (flags & mask) == mask;
	}
	return n;
}

static void many(void)
{
	enum { N = 100 };
	size_t n_files = count_files(0), n_closing = count_files(FD_CLOEXEC);
	size_t n_different = 0;
	static HANDLE handles[N];

	for (size_t i = 0; i < N; i++)
		handles[i] = OpenProcess(GENERIC_ALL, FALSE, (DWORD)getpid());
	for (size_t i = 1; i < N; i++)
		n_different += handles[i] && handles[i] != handles[i - 1];
	ok(n_different == N - 1, "a hundred handles");
	ok(count_files(0) - n_files == count_files(FD_CLOEXEC) - n_closing,
	   "none of which survives exec");
	for (size_t i = 0; i < N; i++)
		CloseHandle(handles[i]);
	ok(count_files(0) == n_files, "leave nothing open");
}

static void *open_and_close(void *n_wrong)
{
	for (int i = 0; i < 5000; i++) {
		HANDLE handle = OpenProcess(PROCESS_ALL_ACCESS, FALSE,
					    (DWORD)getpid());

		*(size_t *)n_wrong += GetProcessId(handle) != (DWORD)getpid() ||
				      !CloseHandle(handle);
	}
	return NULL;
}

static void threads(void)
{
	size_t n_files = count_files(0), n_wrong[4] = { 0 };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, open_and_close, &n_wrong[i]))
			bail_out("pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(!n_wrong[0] && !n_wrong[1] && !n_wrong[2] && !n_wrong[3],
	   "four threads each have handles of their own");
	ok(count_files(0) == n_files, "and leave nothing open");
}

static void own_handle(void)
{
	HANDLE all = OpenProcess(MAXIMUM_ALLOWED, FALSE, (DWORD)getpid());
	HANDLE query = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE,
				   (DWORD)getpid());
	MEMORY_BASIC_INFORMATION info;
	char *base = VirtualAllocEx(all, NULL, ALL, MEM_RESERVE | MEM_COMMIT,
				    PAGE_READWRITE);
	DWORD old;

	ok(base != NULL, "VirtualAllocEx by a handle of one's own");
	ok(VirtualProtectEx(all, base, 1, PAGE_READONLY, &old) &&
	   old == PAGE_READWRITE, "VirtualProtectEx");
	ok(VirtualQueryEx(all, base, &info, sizeof(info)) == sizeof(info) &&
	   info.Protect == PAGE_READONLY, "VirtualQueryEx");
	ok(failed_with(VirtualAllocEx(query, NULL, 1, MEM_RESERVE,
				      PAGE_READWRITE) != NULL,
		       ERROR_ACCESS_DENIED), "VirtualAllocEx without the right");
	ok(failed_with(VirtualProtectEx(query, base, 1, PAGE_READWRITE, &old),
		       ERROR_ACCESS_DENIED), "VirtualProtectEx without");
	ok(failed_with(VirtualFreeEx(query, base, 0, MEM_RELEASE),
		       ERROR_ACCESS_DENIED), "VirtualFreeEx without");
	ok(VirtualQueryEx(query, base, &info, sizeof(info)) &&
	   GetProcessId(query) == (DWORD)getpid(), "it is for questions");
	ok(VirtualFreeEx(all, base, 0, MEM_RELEASE), "VirtualFreeEx");
	CloseHandle(query);
	CloseHandle(all);
}

/* ---- A child ---- */

struct child {
	pid_t pid;
	int orders;
	int answers;
	char *base;
};

/* A page below N_PAGES is written; everything else has a letter. */
static void obey(char *base, int orders, int answers)
{
	unsigned char order;

	while (read(orders, &order, 1) == 1) {
		if (order < N_PAGES)
			touch(base, order);
		else if (order == 'd')
			VirtualFree(base, 8 * PAGE_BYTES, MEM_DECOMMIT);
		else if (order == 'c')
			VirtualAlloc(base, 8 * PAGE_BYTES, MEM_COMMIT,
				     PAGE_READWRITE);
		else if (order == 'r')
			ResetWriteWatch(base, ALL);
		else if (order == 'f')
			VirtualFree(base, 0, MEM_RELEASE);
		if (write(answers, &order, 1) != 1)
			break;
	}
	_exit(0);
}

static void live(bool watch, int orders, int answers)
{
	char *base = NULL;

	alarm(SECONDS);
	if (watch)
		base = watched(N_PAGES);
	if (write(answers, &base, sizeof(base)) == sizeof(base))
		obey(base, orders, answers);
	_exit(1);
}

static struct child start(bool watch)
{
	int orders[2], answers[2];
	struct child child;

	if (pipe2(orders, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
		bail_out("pipe2");
	child.pid = fork();
	if (!child.pid) {
		close(orders[1]);
		live(watch, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	child.orders = orders[1];
	child.answers = answers[0];
	if (child.pid < 0 ||
	    read(answers[0], &child.base, sizeof(child.base)) !=
		    sizeof(child.base))
		bail_out("a child");
	return child;
}

static void tell(const struct child *child, unsigned char order)
{
	if (write(child->orders, &order, 1) != 1 ||
	    read(child->answers, &order, 1) != 1)
		bail_out("a child that does not answer");
}

/* The child ends, and nobody takes notice of it. */
static void leave(const struct child *child)
{
	siginfo_t info;

	close(child->orders);
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT))
		bail_out("waitid");
	close(child->answers);
}

static void end(const struct child *child)
{
	leave(child);
	waitpid(child->pid, NULL, 0);
}

static void other_memory(void)
{
	struct child child = start(false);
	HANDLE handle = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)child.pid);
	MEMORY_BASIC_INFORMATION info;
	PVOID base = (PVOID)0x10000;
	SIZE_T size = 1;
	DWORD old;

	ok(handle && GetProcessId(handle) == (DWORD)child.pid,
	   "a handle of another process");
	ok(failed_with(VirtualAllocEx(handle, NULL, 1, MEM_RESERVE,
				      PAGE_READWRITE) != NULL,
		       ERROR_NOT_SUPPORTED), "nothing is allocated there");
	ok(failed_with(VirtualFreeEx(handle, base, 1, MEM_DECOMMIT),
		       ERROR_NOT_SUPPORTED), "nor freed");
	ok(failed_with(VirtualProtectEx(handle, base, 1, PAGE_READONLY, &old),
		       ERROR_NOT_SUPPORTED), "nor protected");
	ok(failed_with(VirtualQueryEx(handle, base, &info, sizeof(info)),
		       ERROR_NOT_SUPPORTED), "nor described");
	ok(is(NtLockVirtualMemory(handle, &base, &size, 1), 0xc00000bb),
	   "nor locked");
	end(&child);
	ok(GetProcessId(handle) == (DWORD)child.pid,
	   "what has ended still has its pid");
	ok(failed_with(VirtualAllocEx(handle, NULL, 1, MEM_RESERVE,
				      PAGE_READWRITE) != NULL,
		       ERROR_ACCESS_DENIED), "and nothing else");
	ok(failed_with(OpenProcess(PROCESS_ALL_ACCESS, FALSE,
				   (DWORD)child.pid) != NULL,
		       ERROR_INVALID_PARAMETER), "nor can it be opened again");
	CloseHandle(handle);
}

/* The kernel says who may look. */
static void forbidden(void)
{
	struct child child;
	int status;
	pid_t pid;

	if (geteuid()) {
		skip("a process of somebody else", "only root can make one");
		return;
	}
	child = start(false);
	pid = fork();
	if (!pid) {
		HANDLE handle;

		alarm(SECONDS);
		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(1);
		if (OpenProcess(PROCESS_VM_OPERATION, FALSE, (DWORD)child.pid) ||
		    GetLastError() != ERROR_ACCESS_DENIED)
			_exit(2);
		handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE,
				     (DWORD)child.pid);
		_exit(!handle || GetProcessId(handle) != (DWORD)child.pid ? 3 : 0);
	}
	ok(waitpid(pid, &status, 0) == pid && !status,
	   "a process of somebody else can be named, and no more");
	diag("exit status %#x", status);
	end(&child);
}

/* ---- The written pages of a child ---- */

static HANDLE other;

static uint32_t get_other(DWORD flags, char *base, size_t n_bytes, PVOID *addresses,
			  ULONG_PTR *count)
{
	ULONG granularity = 77;
	NTSTATUS status = NtGetWriteWatch(other, flags, base, n_bytes, addresses,
					  count, &granularity);

	if (granularity != (status ? 77 : PAGE_BYTES))
		ok(false, "granularity %u", granularity);
	return (uint32_t)status;
}

/* As is_written() is for this process. */
static void other_written(char *base, size_t capacity, DWORD flags,
			  const char *wanted, const char *name)
{
	char text[N_PAGES * 8] = "", *end = text;
	PVOID addresses[N_PAGES];
	ULONG_PTR count = capacity;
	uint32_t status = get_other(flags, base, ALL, addresses, &count);

	for (size_t i = 0; !status && i < count; i++)
		end += sprintf(end, i ? " %zd" : "%zd",
			       ((char *)addresses[i] - base) /
			       (ssize_t)PAGE_BYTES);
	if (!ok(!status && !strcmp(text, wanted), "%s", name))
		diag("status %08x, written: [%s], expected [%s]", status, text,
		     wanted);
}

static void other_rules(const struct child *child)
{
	PVOID addresses[N_PAGES];
	ULONG_PTR count = 0;
	HANDLE all = other;

	ok(is((NTSTATUS)get_other(0, child->base, ALL, addresses, &count),
	      0xc00000f3), "count 0");
	count = N_PAGES;
	ok(is((NTSTATUS)get_other(2, child->base, ALL, addresses, &count),
	      0xc00000f0), "unknown flags");
	ok(is((NTSTATUS)get_other(0, child->base, ALL, NULL, &count), 0xc0000005),
	   "no addresses");
	ok(is((NTSTATUS)get_other(0, child->base, ALL + 1, addresses, &count),
	      0xc00000f1), "a byte too many");
	ok(is((NTSTATUS)get_other(0, (char *)addresses, 1, addresses, &count),
	      0xc00000f0), "memory that is not watched there");
	ok(is(NtResetWriteWatch(all, child->base, ALL + 1), 0xc00000f1),
	   "a reset of a byte too many");
	ok(is(NtResetWriteWatch(all, addresses, 1), 0xc00000f0),
	   "a reset of what is not watched there");
	ok(is(NtResetWriteWatch(all, child->base, 0), 0xc00000f2),
	   "a reset of nothing");
	other = OpenProcess(PROCESS_ALL_ACCESS & ~PROCESS_VM_OPERATION, FALSE,
			    (DWORD)child->pid);
	ok(is((NTSTATUS)get_other(0, child->base, ALL, addresses, &count),
	      0xc0000022) && count == N_PAGES, "a handle without the right");
	ok(is(NtResetWriteWatch(other, child->base, ALL), 0xc0000022),
	   "nor for a reset");
	CloseHandle(other);
	other = all;
}

static void other_pages(void)
{
	struct child child = start(true);
	PVOID addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;

	other = OpenProcess(PROCESS_VM_OPERATION, FALSE, (DWORD)child.pid);
	other_written(child.base, N_PAGES, 0, "", "a child has written nothing");
	tell(&child, 3), tell(&child, 7);
	other_written(child.base, N_PAGES, 0, "3 7", "what it writes is seen");
	other_written(child.base, N_PAGES, 0, "3 7", "and stays");
	other_written(child.base, 1, WRITE_WATCH_FLAG_RESET, "3",
		      "a full array, with reset");
	other_written(child.base, N_PAGES, WRITE_WATCH_FLAG_RESET, "7",
		      "leaves the rest");
	other_written(child.base, N_PAGES, 0, "", "and that is all");
	tell(&child, 7), tell(&child, 9);
	other_written(child.base, N_PAGES, 0, "7 9", "written again");
	ok(is(NtResetWriteWatch(other, child.base, 8 * PAGE_BYTES), 0),
	   "a reset of the first half");
	other_written(child.base, N_PAGES, 0, "9", "leaves the second");
	tell(&child, 'r');
	other_written(child.base, N_PAGES, 0, "", "the child resets by itself");
	tell(&child, 2), tell(&child, 'd');
	other_written(child.base, N_PAGES, 0, "2", "a decommit loses nothing");
	tell(&child, 'c');
	other_written(child.base, N_PAGES, WRITE_WATCH_FLAG_RESET, "2",
		      "nor a commit");
	other_written(child.base, N_PAGES, 0, "", "reset");
	other_rules(&child);
	tell(&child, 'f');
	ok(is((NTSTATUS)get_other(0, child.base, 1, addresses, &count),
	      0xc00000f0), "what it has released is not watched");
	leave(&child);
	ok(is((NTSTATUS)get_other(0, child.base, 1, addresses, &count),
	      0xc000010a), "the child has ended, and nobody knows");
	waitpid(child.pid, NULL, 0);
	ok(is((NTSTATUS)get_other(0, child.base, 1, addresses, &count),
	      0xc000010a), "the child has ended");
	ok(is(NtResetWriteWatch(other, child.base, 1), 0xc000010a),
	   "for a reset, too");
	CloseHandle(other);
}

static void without_registry(void)
{
	struct child child = start(false);
	PVOID addresses[1];
	ULONG_PTR count = 1;

	other = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)child.pid);
	ok(is((NTSTATUS)get_other(0, (char *)addresses, 1, addresses, &count),
	      0xc00000f0), "a process that watches nothing");
	ok(is(NtResetWriteWatch(other, addresses, 1), 0xc00000f0),
	   "a reset there");
	CloseHandle(other);
	end(&child);
}

/* A handle of one's own is oneself; a child's is its parent. */
static void own_pages(void)
{
	char *base;
	int status;
	pid_t pid;

	other = OpenProcess(PROCESS_VM_OPERATION, FALSE, (DWORD)getpid());
	base = watched(N_PAGES);
	touch(base, 4);
	other_written(base, N_PAGES, WRITE_WATCH_FLAG_RESET, "4",
		      "a handle of one's own");
	touch(base, 6);
	pid = fork();
	if (!pid) {
		PVOID addresses[N_PAGES];
		ULONG_PTR count = N_PAGES;

		alarm(SECONDS);
		touch(base, 1);
		_exit(get_other(0, base, ALL, addresses, &count) || count != 1 ||
		      addresses[0] != base + 6 * PAGE_BYTES);
	}
	ok(waitpid(pid, &status, 0) == pid && !status,
	   "it is the parent's in a child");
	release(base);
	CloseHandle(other);
}

int main(void)
{
	errno = 4711;
	pseudo_handle();
	bad_handles();
	opening();
	nt_names();
	own_handle();
	ok(errno == 4711, "errno never changed");
	many();
	threads();
	other_memory();
	forbidden();
	/* a child of a process that watches has a registry */
	without_registry();
	if (!can_watch()) {
		skip("other processes", "writes cannot be watched here");
		return done_testing();
	}
	if (!uses_uffd()) {
		skip("other processes", "their bits are in their kernel with uffd "
		     "alone");
		return done_testing();
	}
	other_pages();
	own_pages();
	return done_testing();
}

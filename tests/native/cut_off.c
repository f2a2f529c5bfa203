/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A query on another process that a fault in the caller's array cuts off half
 * way: it has made nothing clean.
 */
#include "memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every other page is written: more runs than one batch of them. */
#define N_PAGES ((size_t)4096)
#define N_WRITTEN (N_PAGES / 2)
#define ARRAY_BYTES (N_PAGES * sizeof(PVOID))

static PVOID *array;
static bool armed;
static sigjmp_buf before;

/* The library's own, once a batch: it looks whether the process is the one that
 * it has found. After the first batch the rest of the array goes away. */
__attribute__((visibility("default")))
int fstat(int fd, struct stat *file)
{
	if (armed && array[0]) {
		armed = false;
		mprotect((char *)array + PAGE_BYTES, ARRAY_BYTES - PAGE_BYTES,
			 PROT_NONE);
	}
	return fstatat(fd, "", file, AT_EMPTY_PATH);
}

static void unwind(int signal)
{
	(void)signal;
	siglongjmp(before, 1);
}

static _Noreturn void live(int answers)
{
	char *base;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	base = watched(N_PAGES);
	for (size_t i = 0; i < N_PAGES; i += 2)
		touch(base, i);
	if (write(answers, &base, sizeof(base)) != sizeof(base))
		_exit(1);
	for (;;)
		pause();
}

static pid_t start(char **base)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		bail_out("making a pipe");
	pid = fork();
	if (!pid)
		live(ends[1]);
	close(ends[1]);
	if (read(ends[0], base, sizeof(*base)) != sizeof(*base))
		bail_out("a child");
	close(ends[0]);
	return pid;
}

/* The number of written pages; 0 for a failure. */
static size_t get(HANDLE process, char *base, DWORD flags)
{
	ULONG_PTR count = N_PAGES;
	ULONG granularity;

	memset(array, 0, ARRAY_BYTES);
	return NtGetWriteWatch(process, flags, base, N_PAGES * PAGE_BYTES, array,
			       &count, &granularity) ? 0 : count;
}

static bool is_cut_off(HANDLE process, char *base)
{
	struct sigaction action = { .sa_handler = unwind }, saved;
	volatile bool faulted = true;

	sigaction(SIGSEGV, &action, &saved);
	armed = true;
	if (!sigsetjmp(before, 1)) {
		get(process, base, RESET);
		faulted = false;
	}
	armed = false;
	sigaction(SIGSEGV, &saved, NULL);
	mprotect(array, ARRAY_BYTES, PROT_READ | PROT_WRITE);
	return faulted;
}

int main(void)
{
	HANDLE process;
	char *base;
	size_t n;
	pid_t pid;

	watch_or_skip();
	if (!uses_uffd())
		skip_all("other processes are seen with uffd alone");
	array = mmap(NULL, ARRAY_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (array == MAP_FAILED)
		bail_out("mapping memory");
	pid = start(&base);
	process = OpenProcess(PROCESS_VM_OPERATION, FALSE, (DWORD)pid);
	ok(get(process, base, 0) == N_WRITTEN, "every other page is written");
	ok(is_cut_off(process, base), "a query with reset is cut off");
	ok(array[0] == base, "it had stored something");
	n = get(process, base, RESET);
	if (!ok(n == N_WRITTEN, "it has made nothing clean"))
		diag("%zu pages are left of %zu", n, N_WRITTEN);
	ok(get(process, base, 0) == 0, "the next one has");
	CloseHandle(process);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return done_testing();
}

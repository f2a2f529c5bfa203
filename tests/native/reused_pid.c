/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A handle of a process that has ended, in a child that has the same pid. */
#include "memory.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDED ((NTSTATUS)0xc000010a)

static pid_t start(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static NTSTATUS ask(HANDLE process, char *base)
{
	ULONG_PTR count = 1;
	ULONG granularity;
	PVOID address;

	return NtGetWriteWatch(process, 0, base, PAGE_BYTES, &address, &count,
			       &granularity);
}

/* For those who may restore processes. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

int main(void)
{
	HANDLE process;
	char *base;
	int status;
	pid_t pid, again;

	watch_or_skip();
	base = watched(1);
	pid = start();
	process = OpenProcess(PROCESS_VM_OPERATION, FALSE, (DWORD)pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(ask(process, base) == ENDED, "a process that has ended has no pages");
	again = fork_as(pid);
	if (!again)
		_exit(ask(process, base) != ENDED);
	if (again > 0) {
		waitpid(again, &status, 0);
		ok(!status, "it is not the child that has its pid");
	} else {
		skip("it is not the child that has its pid", strerror(errno));
	}
	CloseHandle(process);
	release(base);
	return done_testing();
}

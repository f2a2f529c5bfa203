/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts the system calls of a part of a program: ptrace shows them all. */
#include "calls.h"
#include "tap.h"

#include "../../kernel/abi.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A call that nobody makes, to be found among the others. */
#define MARK SYS_getpgid
#define BEGIN (-1234567)
#define END (-1234568)

#define LONGEST 60	/* seconds */

void calls_begin(void)
{
	syscall(MARK, BEGIN);
}

void calls_end(void)
{
	syscall(MARK, END);
}

static _Noreturn void run(void (*program)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(LONGEST);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(2);
	raise(SIGSTOP);
	program();
	_exit(0);
}

struct counter {
	pid_t pid;
	struct calls *calls;
	size_t n;
	size_t n_begun;
	size_t n_ended;
};

static bool is_mark(const struct __ptrace_syscall_info *info, int mark)
{
	return info->entry.nr == MARK && (int)info->entry.args[0] == mark;
}

static void count(struct counter *counter,
		  const struct __ptrace_syscall_info *info)
{
	struct calls *calls;

	if (is_mark(info, END))
		counter->n_ended++;
	if (is_mark(info, BEGIN) && counter->n_begun++ < counter->n)
		counter->calls[counter->n_begun - 1] = (struct calls){ 0, 0 };
	else if (counter->n_begun > counter->n_ended &&
		 counter->n_begun <= counter->n) {
		calls = &counter->calls[counter->n_begun - 1];
		calls->n++;
		calls->n_scans += info->entry.nr == SYS_ioctl &&
				  info->entry.args[1] == PAGEMAP_SCAN;
	}
}

/* Lets it go on to its next stop. False when it has ended. */
static bool go_on(const struct counter *counter, int signal, int *status)
{
	if (ptrace(PTRACE_SYSCALL, counter->pid, NULL, (void *)(long)signal))
		bail_out("PTRACE_SYSCALL");
	if (waitpid(counter->pid, status, 0) != counter->pid)
		bail_out("waitpid");
	return WIFSTOPPED(*status);
}

static void look(struct counter *counter)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, counter->pid, (void *)sizeof(info),
		   &info) < 0)
		bail_out("PTRACE_GET_SYSCALL_INFO");
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		count(counter, &info);
}

static void follow(struct counter *counter)
{
	int signal = 0, status;

	while (go_on(counter, signal, &status)) {
		signal = WSTOPSIG(status);
		if (signal != (SIGTRAP | 0x80))
			continue;
		look(counter);
		signal = 0;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		bail_out("the program that was looked at");
}

void calls_count(void (*program)(void), struct calls *calls, size_t n)
{
	struct counter counter = { .calls = calls, .n = n };
	int status;

	fflush(stdout);
	counter.pid = fork();
	if (!counter.pid)
		run(program);
	if (counter.pid < 0 || waitpid(counter.pid, &status, 0) != counter.pid)
		bail_out("fork");
	if (!WIFSTOPPED(status))
		skip_all("ptrace is refused");
	if (ptrace(PTRACE_SETOPTIONS, counter.pid, NULL,
		   (void *)PTRACE_O_TRACESYSGOOD))
		bail_out("PTRACE_SETOPTIONS");
	follow(&counter);
	if (counter.n_begun != n || counter.n_ended != n)
		bail_out("a part that was not counted");
}

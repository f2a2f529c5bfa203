/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness on Linux: processes, threads and signals. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static char *volatile retry_start;
static volatile size_t retry_n_bytes;

void end_process(unsigned int status)
{
	_exit(status);
}

/* By default uffd where PAGEMAP_SCAN is known, which older headers lack. */
bool backend_is(const char *name)
{
	const char *forced = getenv("WINEWATCH_BACKEND");
	uint64_t argument[12] = { sizeof(argument) };
	int pagemap, ret;

	if (forced && *forced)
		return !strcmp(forced, name);
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ret = ioctl(pagemap, _IOWR('f', 16, argument), argument);
	close(pagemap);
	return !strcmp(ret ? "softdirty" : "uffd", name);
}

void let_others_run(void)
{
	sched_yield();
}

static void __attribute__((noreturn)) become(const char *arguments)
{
	enum { MOST = 16 };
	char *words = strdup(arguments), *argv[MOST] = { "writewatch" };
	char *rest = NULL;

	for (int i = 1; words && i < MOST - 1; i++) {
		argv[i] = strtok_r(i == 1 ? words : NULL, " ", &rest);
		if (!argv[i])
			break;
	}
	execv("/proc/self/exe", argv);
	_exit(127);
}

static bool ends_within(pid_t child, unsigned int timeout_s)
{
	struct pollfd ended = {
		.fd = syscall(SYS_pidfd_open, child, 0),
		.events = POLLIN,
	};
	bool in_time = poll(&ended, 1, timeout_s * 1000) > 0;

	close(ended.fd);
	return in_time;
}

enum ending run_program(const char *arguments, unsigned int timeout_s,
			unsigned int *status)
{
	enum ending ending = ENDED;
	pid_t child = fork();
	int how = 0;

	if (child < 0) {
		*status = errno;
		return NOT_STARTED;
	}
	if (child == 0)
		become(arguments);
	if (!ends_within(child, timeout_s)) {
		kill(child, SIGKILL);
		ending = HUNG;
	}
	waitpid(child, &how, 0);
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return ending;
}

struct thread {
	pthread_t id;
	void (*run)(void *);
	void *argument;
};

static void *thread_main(void *argument)
{
	struct thread *thread = argument;

	thread->run(thread->argument);
	return NULL;
}

HANDLE start_thread(void (*run)(void *), void *argument)
{
	struct thread *thread = malloc(sizeof(*thread));
	int error = ENOMEM;

	if (thread) {
		thread->run = run;
		thread->argument = argument;
		error = pthread_create(&thread->id, NULL, thread_main, thread);
	}
	if (error)
		give_up("pthread_create: %s", strerror(error));
	return thread;
}

void join_thread(HANDLE handle)
{
	struct thread *thread = handle;
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += WAIT_S;
	if (pthread_clockjoin_np(thread->id, NULL, CLOCK_MONOTONIC, &end))
		give_up("a thread does not end");
	free(thread);
}

void retry_faults_in(void *start, size_t n_bytes)
{
	retry_start = start;
	retry_n_bytes = n_bytes;
}

/* There is nothing that would guard a page. */
unsigned int guard_faults(void)
{
	return 0;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	char *address = info->si_addr;

	if (registers[REG_RIP] == (greg_t)try_write) {
		registers[REG_RIP] = (greg_t)try_write_refused;
		return;
	}
	if ((size_t)(address - retry_start) < retry_n_bytes) {
		/* The faulting thread would starve the one it waits for. */
		sched_yield();
		return;
	}
	note("%s at %p, address %p", strsignal(number),
	     (void *)registers[REG_RIP], info->si_addr);
	/* The access is tried again, and ends the process. */
	signal(number, SIG_DFL);
}

void prepare_faults(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO,
	};
	const struct rlimit no_core = { 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child has memory of its own, and all of it counts as written at first. */
#include "memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 16
#define ROUNDS 200

static bool is(const char *got, const char *wanted)
{
	if (strcmp(got, wanted))
		diag("written: [%s], expected [%s]", got, wanted);
	return !strcmp(got, wanted);
}

/* Each step stands for a bit of the exit status. */
static int child(char *base)
{
	int failed = 0;
	char *own;

	failed |= 1 * !is(written(RESET, base, 0, N_PAGES, N_PAGES),
			  "0 1 2 3 4 5 6 7");
	touch_all(base, "3 5");
	failed |= 2 * !is(written(RESET, base, 0, N_PAGES, N_PAGES), "3 5");
	failed |= 4 * !VirtualAlloc(base + 8 * PAGE_BYTES, 4 * PAGE_BYTES,
				    MEM_COMMIT, PAGE_READWRITE);
	touch(base, 9);
	failed |= 8 * !is(written(RESET, base, 0, N_PAGES, N_PAGES), "9");
	own = watched(N_PAGES);
	touch(own, 1);
	failed |= 16 * !is(written(RESET, own, 0, N_PAGES, N_PAGES), "1");
	return failed;
}

static int wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork");
	return status;
}

static void writes(void)
{
	char *base = allocate(N_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);
	int status;
	pid_t pid;

	if (!VirtualAlloc(base, 8 * PAGE_BYTES, MEM_COMMIT, PAGE_READWRITE))
		bail_out("commit");
	touch_all(base, "1 2");
	pid = fork();
	if (!pid)
		_exit(child(base));
	status = wait_for(pid);
	ok(!status, "the child's writes are the child's");
	diag("exit status %#x", status);
	is_written(base, N_PAGES, RESET, "1 2", "the parent's are its own");
	release(base);
}

static volatile bool stop;

static void *churn(void *argument)
{
	while (!stop)
		release(watched(N_PAGES));
	return argument;
}

/* While another thread has the locks in every order that it can. */
static void locks(void)
{
	pthread_t thread;
	int n_good = 0;

	if (pthread_create(&thread, NULL, churn, NULL))
		bail_out("pthread_create");
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid = fork();

		if (!pid) {
			alarm(20);
			release(watched(N_PAGES));
			_exit(0);
		}
		n_good += !wait_for(pid);
	}
	stop = true;
	pthread_join(thread, NULL);
	ok(n_good == ROUNDS, "no child inherits a lock");
}

int main(void)
{
	watch_or_skip();
	writes();
	locks();
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running another program to its end, with a bound. */
#include "config.h"

#include "child.h"

#include "tool.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 250000000

sigset_t ending_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct sigaction action;

		sigaction(signals[i], NULL, &action);
		if (action.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	}
	return set;
}

static bool is_over(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

/* Reaps what has ended, orphans that came to us as well; is `pid` among it? */
static bool has_ended(pid_t pid, int *status)
{
	int other;
	pid_t ended;

	while ((ended = waitpid(-1, &other, WNOHANG)) > 0) {
		if (ended != pid)
			continue;
		*status = other;
		return true;
	}
	return false;
}

static int wait_for(struct child *child, pid_t pid, const sigset_t *signals)
{
	const struct timespec turn = { .tv_nsec = LOOK_NS };
	struct timespec end;
	int number, error = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += child->timeout_s;
	while (!has_ended(pid, &child->status)) {
		number = sigtimedwait(signals, NULL, &turn);
		if (child->look)
			child->look(child->context);
		if (number > 0 && number != SIGCHLD) {
			raise(number);
			error = -EINTR;
		} else if (is_over(&end)) {
			error = -ETIMEDOUT;
		}
		if (error) {
			kill(-pid, SIGKILL);
			waitpid(pid, &child->status, 0);
			break;
		}
	}
	if (child->look)
		child->look(child->context);
	return error;
}

/* In the new process. A group of its own, so that a timeout ends a wrapper's
 * children as well as the wrapper; what we block is not to be inherited. */
static void __attribute__((noreturn)) become(const struct child *child)
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	child->start(child->context);
	_exit(EXIT_NOT_FOUND);
}

int child_run(struct child *child)
{
	sigset_t signals = ending_signals();
	sigset_t before;
	pid_t pid;
	int error;

	/* An inherited SIG_IGN would take the exit status from us. */
	signal(SIGCHLD, SIG_DFL);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid = fork();
	if (pid == 0)
		become(child);
	if (pid < 0) {
		error = -errno;
	} else {
		/* Here, too: it may be killed before it has run. */
		setpgid(pid, pid);
		error = wait_for(child, pid, &signals);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

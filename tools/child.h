/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running another program to its end, with a bound. */
#ifndef WW_TOOLS_CHILD_H
#define WW_TOOLS_CHILD_H

#include <signal.h>

struct child {
	/* In the new process: executes the program, or returns if it cannot. */
	void (*start)(const void *context);
	/* Several times a second while it runs; may be NULL. */
	void (*look)(void *context);
	void *context;
	unsigned int timeout_s;
	int status;		/* as from waitpid(2), when it has ended */
};

/* The signals that end a program and may not be ignored here. */
sigset_t ending_signals(void);

/*
 * Runs the program in a process group of its own, which is killed when the time
 * is over or when this program shall end. Returns 0, -ETIMEDOUT, -EINTR, or why
 * there is no process. With -EINTR the signal comes again, as soon as it is no
 * longer blocked.
 */
int child_run(struct child *child);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * deny SYSCALL ERRNO COMMAND [ARGUMENT]...: runs COMMAND where the kernel
 * answers SYSCALL with ERRNO ("EPERM"), as the filter of a sandbox does, or
 * ends the process that calls it (KILL).
 */
#include "config.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HIGHEST_ERRNO = 4095, EXIT_NO_FILTER = 125 };

/* The filter's answer of that name; SCMP_ACT_ALLOW if there is none. */
static uint32_t action_of(const char *name)
{
	if (strcmp(name, "KILL") == 0)
		return SCMP_ACT_KILL_PROCESS;
	for (int error = 1; error <= HIGHEST_ERRNO; error++) {
		const char *known = strerrorname_np(error);

		if (known && strcmp(known, name) == 0)
			return SCMP_ACT_ERRNO(error);
	}
	return SCMP_ACT_ALLOW;
}

static int deny(const char *syscall_name, uint32_t action)
{
	int number = seccomp_syscall_resolve_name(syscall_name);
	scmp_filter_ctx filter;
	int ret;

	if (number == __NR_SCMP_ERROR)
		return -ENOSYS;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;
	ret = seccomp_rule_add(filter, action, number, 0);
	if (ret == 0)
		ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

int main(int argc, char **argv)
{
	uint32_t action = argc > 3 ? action_of(argv[2]) : SCMP_ACT_ALLOW;
	int ret;

	if (action == SCMP_ACT_ALLOW) {
		fprintf(stderr, "usage: deny SYSCALL ERRNO|KILL COMMAND...\n");
		return EXIT_NO_FILTER;
	}
	ret = deny(argv[1], action);
	if (ret < 0) {
		fprintf(stderr, "deny: %s: %s\n", argv[1], strerror(-ret));
		return EXIT_NO_FILTER;
	}
	execvp(argv[3], argv + 3);
	fprintf(stderr, "deny: %s: %s\n", argv[3], strerror(errno));
	return 127;
}

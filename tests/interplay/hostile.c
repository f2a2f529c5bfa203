/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that another process offers for its registry's and that are not: whoever
 * looks survives it.
 */
#include "foreign.h"

#include "../kernel/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_BYTES ((off_t)1 << 36)

/* The process that offers it; it ends with the other end of the pipe. */
static pid_t offer(const char *name, unsigned flags, int seals, int *end)
{
	int fd = memfd_create(name, MFD_ALLOW_SEALING | flags), ends[2];
	pid_t child;
	char byte;

	if (fd < 0 || ftruncate(fd, N_BYTES) ||
	    (seals && fcntl(fd, F_ADD_SEALS, seals))) {
		close(fd);
		return -1;
	}
	if (pipe(ends) || (child = fork()) < 0)
		bail_out("fork");
	if (!child) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	close(ends[0]);
	close(fd);
	*end = ends[1];
	return child;
}

/* In a process of its own: the answer of a look, or the signal that ended it. */
static int look(pid_t pid)
{
	struct ww_process process;
	pid_t child = fork();
	int status;

	if (!child) {
		alarm(20);
		_exit(-ww_foreign_find(&process, pid));
	}
	if (waitpid(child, &status, 0) != child)
		bail_out("waitpid");
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void is_ignored(const char *what, const char *name, unsigned flags,
		       int seals)
{
	int end, got;
	pid_t pid = offer(name, flags, seals, &end);

	if (pid < 0) {
		skip(what, "this kernel makes no such file");
		return;
	}
	got = look(pid);
	if (!ok(got == -ENOENT, "%s", what))
		diag(got < 0 ? "error %d" : "signal %d", got < 0 ? -got : got);
	close(end);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const int sealed = F_SEAL_SHRINK | F_SEAL_GROW;
	struct ww_process process;
	int ret = ww_foreign_find(&process, getpid());

	if (ret != -ENOENT)
		skip_all("no other process can be asked here: error %d", -ret);
	is_ignored("an empty file", "winewatch", 0, sealed);
	is_ignored("one that can shrink", "winewatch", 0, F_SEAL_GROW);
	is_ignored("one that cannot be written", "winewatch", 0,
		   sealed | F_SEAL_WRITE);
	is_ignored("another name", "winewatcher", 0, sealed);
	is_ignored("huge pages that there are none of", "winewatch", MFD_HUGETLB,
		   sealed);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * starter [--spawn|--child|--maps] [COMMAND...]: watches memory, says so, and
 * runs COMMAND; without one it lists its own descriptors. --child: a forked child
 * that has asked for itself does. --maps: shows its mappings instead.
 */
#include <writewatch.h>

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_BYTES ((size_t)1 << 20)

extern char **environ;

static struct ww *ww;
static char *memory;

static void use(void)
{
	void *pages[256];

	memory[5000] = 1;
	ww_get(ww, memory, N_BYTES, WW_GET_RESET, pages, 256);
}

static int start(const char *option, char **command)
{
	pid_t child;
	int status;

	fflush(stdout);
	if (!strcmp(option, "--spawn")) {
		if (posix_spawnp(&child, command[0], NULL, NULL, command, environ))
			return 1;
	} else if (!(child = fork())) {
		if (!strcmp(option, "--child"))
			use();
		execvp(command[0], command);
		_exit(127);
	}
	return waitpid(child, &status, 0) != child || status;
}

static int show(const char *command)
{
	char text[64];

	fflush(stdout);
	snprintf(text, sizeof(text), command, (int)getpid());
	return system(text);
}

int main(int argc, char **argv)
{
	const char *option = argc > 1 && !strncmp(argv[1], "--", 2) ? argv[1] : "";
	char **command = argv + 1 + (*option != '\0');

	if (ww_open(&ww, NULL))
		return 0;
	memory = mmap(NULL, N_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || ww_watch(ww, memory, N_BYTES))
		return 1;
	use();
	printf("watching\n");
	if (!strcmp(option, "--maps"))
		return show("cat /proc/%d/maps");
	return *command ? start(option, command) : show("ls -l /proc/%d/fd");
}

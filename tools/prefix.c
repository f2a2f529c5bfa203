/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A wineprefix to run programs in. */
#include "config.h"

#include "prefix.h"

#include "tool.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A wineserver that is asked to end saves the registry first. */
#define TURN_NS		20000000
#define N_POLITE_TURNS	100
#define N_TURNS		500
#define MAX_OPEN_FDS	16

int prefix_open(struct prefix *prefix)
{
	const char *given = getenv("WINEPREFIX");
	const char *folder = getenv("TMPDIR");

	*prefix = (struct prefix){ 0 };
	if (given && *given) {
		prefix->path = format_text("%s", given);
		return 0;
	}
	prefix->path = format_text("%s/winewatch-conform-XXXXXX",
				   folder && *folder ? folder : "/tmp");
	prefix->own = mkdtemp(prefix->path);
	return prefix->own ? 0 : -errno;
}

/* Sends all children the signal; false if there are none. */
static bool signal_children(int number)
{
	char *path = format_text("/proc/self/task/%d/children", (int)getpid());
	FILE *children = fopen(path, "re");
	int child;

	free(path);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (waitpid(-1, NULL, WNOHANG) < 0) {
		if (children)
			fclose(children);
		return false;
	}
	while (children && fscanf(children, "%d", &child) == 1)
		kill(child, number);
	if (children)
		fclose(children);
	return true;
}

/*
 * Everything that Wine starts leaves its parent and comes to us, as the
 * subreaper. The children of whom we end do so as well: hence the turns.
 */
void prefix_end_processes(const struct prefix *prefix)
{
	const struct timespec turn = { .tv_nsec = TURN_NS };

	for (int i = 0; prefix->own && i < N_TURNS; i++) {
		if (!signal_children(i < N_POLITE_TURNS ? SIGTERM : SIGKILL))
			break;
		nanosleep(&turn, NULL);
	}
}

static int remove_entry(const char *path, const struct stat *status, int type,
			struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	remove(path);
	return 0;
}

static void remove_folder(const char *path)
{
	nftw(path, remove_entry, MAX_OPEN_FDS, FTW_DEPTH | FTW_PHYS);
}

/*
 * A wineserver leaves its folder behind: named after the prefix's inode, or,
 * Debian's, in the prefix.
 */
static void remove_server_folder(const char *prefix)
{
	char *path = format_text("%s/wineserver", prefix);
	FILE *file = fopen(path, "re");
	char name[64] = "";
	struct stat status;

	free(path);
	if (file) {
		if (fscanf(file, "%63s", name) == 1 && !strchr(name, '/') &&
		    strncmp(name, "wine-", strlen("wine-")) == 0) {
			path = format_text("/tmp/%s", name);
			remove_folder(path);
			free(path);
		}
		fclose(file);
	}
	if (stat(prefix, &status) == 0) {
		path = format_text("/tmp/.wine-%u/server-%lx-%lx", getuid(),
				   status.st_dev, status.st_ino);
		remove_folder(path);
		free(path);
	}
}

void prefix_close(struct prefix *prefix)
{
	prefix_end_processes(prefix);
	if (prefix->own) {
		remove_server_folder(prefix->path);
		remove_folder(prefix->path);
	}
	free(prefix->path);
}

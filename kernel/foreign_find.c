/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding the file that another process' registry shares, by pid or by tag. */
#include "foreign_find.h"
#include "uffd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINK_TEXT "/memfd:" WW_SHARE_NAME " (deleted)"

/* ---- Opening what a process has ---- */

/* What is not there belongs to a process that is not there. */
static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* An exited process may still have its folder, and says so late: trap K15. */
int ww_foreign_pagemap(struct ww_tracker *tracker, pid_t pid)
{
	int ret, fd = open_of(pid, "pagemap", O_RDONLY);

	if (fd < 0)
		return fd;
	*tracker = (struct ww_tracker){ .backend = &ww_backend_uffd,
					.ops = &ww_linux, .uffd = -1,
					.pagemap = fd,
					.pagemap_file = ww_linux.identify(fd) };
	ret = ww_pagemap_scan_known(tracker->ops, fd);
	if (ret < 0)
		ww_tracker_close(tracker);
	/* a kernel without the call has no bits for others to see */
	return ret == -ENOTTY ? -ENOENT : ret;
}

/* The pid of a process as it sees it itself: the innermost of its names, where
 * the kernel knows such. */
static pid_t own_pid(pid_t pid)
{
	char path[64], line[256], *last;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	if (!status)
		return -1;
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, "NSpid:", 6) && (last = strrchr(line, '\t'))) {
			pid = (pid_t)strtol(last, NULL, 10);
			break;
		}
	fclose(status);
	return pid;
}

/* What could shrink could kill us, and so could huge pages that there are none
 * of: only small ones are there when they are looked at. */
static bool is_harmless(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs system;

	return seals >= 0 && (seals & F_SEAL_SHRINK) &&
	       !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) &&
	       !fstatfs(fd, &system) && system.f_type == TMPFS_MAGIC;
}

/* Makes `share` the way to a file that may be anything, and takes its
 * descriptor. */
static int look_at(struct ww_share *share, int fd, pid_t owner,
		   uint64_t *identity)
{
	struct stat file;

	if (!is_harmless(fd) || fstat(fd, &file)) {
		close(fd);
		return -ENOENT;
	}
	*identity = file.st_ino;
	return ww_share_look_at(share, &ww_linux, fd, (uint64_t)file.st_size,
				owner);
}

static int open_share(struct ww_share *share, struct ww_process *process,
		      pid_t owner)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "fd/%d", process->fd);
	fd = open_of(process->pid, name, O_RDWR);
	return fd < 0 ? fd : look_at(share, fd, owner, &process->identity);
}

int ww_foreign_reopen(struct ww_share *share, const struct ww_process *process)
{
	struct ww_process now = *process;
	int ret = open_share(share, &now, now.owner);

	if (!ret && now.identity != process->identity) {
		ww_share_close(share, &ww_linux);
		ret = -ESRCH;
	}
	return ret == -ENOENT ? -ESRCH : ret;
}

/* ---- Finding ---- */

/* A number of decimal digits; -1 for any other name. */
static int number(const char *name)
{
	char *end;
	long n = strtol(name, &end, 10);

	return *name >= '0' && *name <= '9' && !*end && n <= INT32_MAX ? (int)n
								      : -1;
}

static bool is_shared(int folder, const char *name)
{
	char link[sizeof(LINK_TEXT)];
	ssize_t n = readlinkat(folder, name, link, sizeof(link));

	return n == sizeof(LINK_TEXT) - 1 && !memcmp(link, LINK_TEXT, (size_t)n);
}

/* Looks through the descriptors of a process for one whose file is its own. */
static int search(DIR *folder, struct ww_process *process, struct ww_share *share)
{
	struct dirent *entry;
	int ret = -ENOENT;

	while (ret == -ENOENT && (entry = readdir(folder))) {
		process->fd = number(entry->d_name);
		if (process->fd < 0 || !is_shared(dirfd(folder), entry->d_name))
			continue;
		if (process->owner < 0)
			process->owner = own_pid(process->pid);
		ret = open_share(share, process, process->owner);
		/* closed since it was listed */
		if (ret == -ESRCH)
			ret = -ENOENT;
	}
	return ret;
}

static int find_share(struct ww_process *process, pid_t pid,
		      struct ww_share *share)
{
	int ret, fd = open_of(pid, "fd", O_RDONLY | O_DIRECTORY);
	DIR *folder;

	if (fd < 0)
		return fd;
	folder = fdopendir(fd);
	if (!folder) {
		ret = -errno;
		close(fd);
		return ret;
	}
	*process = (struct ww_process){ .pid = pid, .owner = -1 };
	ret = search(folder, process, share);
	closedir(folder);
	return ret;
}

int ww_foreign_find(struct ww_process *process, pid_t pid)
{
	int saved_errno = errno, ret;
	struct ww_tracker tracker;
	struct ww_share share;

	ret = find_share(process, pid, &share);
	if (!ret)
		ww_share_close(&share, &ww_linux);
	if (ret == -ENOENT) {
		ret = ww_foreign_pagemap(&tracker, pid);
		if (!ret) {
			ww_tracker_close(&tracker);
			ret = -ENOENT;
		}
	}
	errno = saved_errno;
	return ret;
}

/* What this process lacks says nothing of the other. */
static bool is_want(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

/* 0, -ENOENT, or what this process lacks. */
static int compare_tag(struct ww_process *process, pid_t pid,
		       const struct ww_tag *tag)
{
	struct ww_share share;
	struct ww_tag its;
	bool same;
	int ret = find_share(process, pid, &share);

	if (ret)
		return is_want(ret) ? ret : -ENOENT;
	same = !ww_share_read_tag(&share, &its) && !memcmp(&its, tag, sizeof(its));
	ww_share_close(&share, &ww_linux);
	return same ? 0 : -ENOENT;
}

int ww_foreign_find_tag(struct ww_process *process, const struct ww_tag *tag)
{
	static const struct ww_tag none;
	int saved_errno = errno, ret = -ENOENT, pid;
	struct dirent *entry;
	DIR *folder;

	if (!memcmp(tag, &none, sizeof(none)))
		return -ENOENT;
	folder = opendir("/proc");
	if (!folder)
		ret = -errno;
	while (ret == -ENOENT && folder && (entry = readdir(folder))) {
		pid = number(entry->d_name);
		if (pid > 0)
			ret = compare_tag(process, pid, tag);
	}
	if (folder)
		closedir(folder);
	errno = saved_errno;
	return ret;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ww_pagemap_scan(): the kernel's ioctl where it does, the engine elsewhere. */
#include "abi.h"
#include "proc.h"
#include "revision.h"

#include <writewatch/pagemap.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* What was saved when soft-dirty bits were cleared belongs to the memory they
 * were bits of, as the kernel's own do: all who opened one process share it. */
struct shared {
	struct shared *next;
	pid_t pid;
	unsigned n_users;
	pthread_mutex_t scanning;
	struct ww_proc proc;
};

struct ww_pagemap {
	const struct ww_pagemap_revision *revision;
	int fd;			/* for the kernel's ioctl, or -1 */
	struct shared *shared;	/* for the engine, or NULL */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared *list;

static const struct ww_pagemap_revision *const revisions[] = {
	[WW_PAGEMAP_V6] = &ww_pagemap_v6,
	[WW_PAGEMAP_V10] = &ww_pagemap_v10,
	[WW_PAGEMAP_V16] = &ww_pagemap_v16,
	[WW_PAGEMAP_V18] = &ww_pagemap_v18,
	[WW_PAGEMAP_MAINLINE] = &ww_pagemap_mainline,
	[WW_PAGEMAP_GUARD] = &ww_pagemap_guard_2026,
};

/* ---- Who shares a process ---- */

static struct shared *make_shared(pid_t pid, int *error)
{
	struct shared *shared = malloc(sizeof(*shared));

	if (!shared) {
		*error = -ENOMEM;
		return NULL;
	}
	*error = ww_proc_open(&shared->proc, pid);
	if (!*error && !ww_proc_alive(shared->proc.pagemap)) {
		ww_proc_close(&shared->proc);
		*error = -ESRCH;
	}
	if (*error) {
		free(shared);
		return NULL;
	}
	shared->pid = pid;
	shared->n_users = 0;
	pthread_mutex_init(&shared->scanning, NULL);
	shared->next = list;
	list = shared;
	return shared;
}

/* The number of a process may have gone to another one since. */
static struct shared *find_shared(pid_t pid)
{
	struct shared *shared = list;

	while (shared && (shared->pid != pid ||
			  !ww_proc_alive(shared->proc.pagemap)))
		shared = shared->next;
	return shared;
}

/* Files are opened and read under the locks, where a cancelled thread would end
 * and keep them. */
static void hold(pthread_mutex_t *lock, int *cancel_state)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancel_state);
	pthread_mutex_lock(lock);
}

static void let_go(pthread_mutex_t *lock, int cancel_state)
{
	pthread_mutex_unlock(lock);
	pthread_setcancelstate(cancel_state, NULL);
}

static struct shared *share(pid_t pid, int *error)
{
	struct shared *shared;
	int cancel_state;

	hold(&list_lock, &cancel_state);
	shared = find_shared(pid);
	if (!shared)
		shared = make_shared(pid, error);
	if (shared)
		shared->n_users++;
	let_go(&list_lock, cancel_state);
	return shared;
}

static void drop(struct shared *shared)
{
	struct shared **link = &list;

	while (*link != shared)
		link = &(*link)->next;
	*link = shared->next;
	ww_proc_close(&shared->proc);
	pthread_mutex_destroy(&shared->scanning);
	free(shared);
}

static void unshare_process(struct shared *shared)
{
	int cancel_state;

	hold(&list_lock, &cancel_state);
	if (!--shared->n_users)
		drop(shared);
	let_go(&list_lock, cancel_state);
}

/* ---- Opening ---- */

/* Nothing of any range: 0 if the kernel knows all categories of this revision,
 * which it does from some version on. */
static bool kernel_scans(const struct ww_pagemap *pagemap)
{
	struct ww_pm_arg_mainline arg = {
		.size = sizeof(arg),
		.returned = pagemap->revision->all_categories,
	};

	return pagemap->revision->request == WW_PM_SCAN_MAINLINE &&
	       !ioctl(pagemap->fd, WW_PM_SCAN_MAINLINE, &arg);
}

static int open_engine(struct ww_pagemap *pagemap, pid_t pid)
{
	int error = 0;

	pagemap->shared = share(pid ? pid : getpid(), &error);
	return error;
}

static int open_any(struct ww_pagemap *pagemap, pid_t pid, unsigned flags)
{
	if (flags & WW_PAGEMAP_ENGINE)
		return open_engine(pagemap, pid);
	pagemap->fd = ww_proc_file(pid, "pagemap", O_RDONLY);
	if (pagemap->fd < 0)
		return pagemap->fd;
	if (!ww_proc_alive(pagemap->fd))
		return -ESRCH;
	if (kernel_scans(pagemap))
		return 0;
	close(pagemap->fd);
	pagemap->fd = -1;
	return open_engine(pagemap, pid);
}

int ww_pagemap_open(struct ww_pagemap **out, pid_t pid, enum ww_pagemap_abi abi,
		    unsigned flags)
{
	int saved = errno, error;
	struct ww_pagemap *pagemap;

	if ((unsigned)abi > WW_PAGEMAP_GUARD ||
	    flags & ~(unsigned)WW_PAGEMAP_ENGINE)
		return -EINVAL;
	if ((uint64_t)sysconf(_SC_PAGESIZE) != WW_PAGEMAP_PAGE)
		return -EOPNOTSUPP;
	pagemap = malloc(sizeof(*pagemap));
	if (!pagemap)
		return -ENOMEM;
	*pagemap = (struct ww_pagemap){ revisions[abi], -1, NULL };
	error = pid < 0 ? -ESRCH : open_any(pagemap, pid, flags);
	if (error)
		ww_pagemap_close(pagemap);
	else
		*out = pagemap;
	errno = saved;
	return error;
}

void ww_pagemap_close(struct ww_pagemap *pagemap)
{
	int saved = errno;

	if (!pagemap)
		return;
	if (pagemap->fd >= 0)
		close(pagemap->fd);
	if (pagemap->shared)
		unshare_process(pagemap->shared);
	free(pagemap);
	errno = saved;
}

const char *ww_pagemap_source(const struct ww_pagemap *pagemap)
{
	static const char *const names[] = {
		[WW_PROC_NOTHING] = "none",
		[WW_PROC_MPROTECT] = "mprotect",
		[WW_PROC_SOFT_DIRTY] = "soft-dirty",
		[WW_PROC_UFFD] = "uffd-wp",
	};
	bool clears;

	if (!pagemap->shared)
		return "ioctl";
	clears = pagemap->revision->clears_soft_dirty &&
		 pagemap->shared->proc.pages.soft_dirty;
	return names[clears ? WW_PROC_SOFT_DIRTY : pagemap->shared->proc.way];
}

/* ---- Scans ---- */

static int scan_shared(struct ww_pagemap *pagemap, unsigned long request,
		       void *argument)
{
	struct shared *shared = pagemap->shared;
	int cancel_state, result;

	hold(&shared->scanning, &cancel_state);
	result = ww_proc_begin(&shared->proc);
	if (!result)
		result = ww_pagemap_engine_scan(pagemap->revision,
						&shared->proc.pages, request,
						argument);
	let_go(&shared->scanning, cancel_state);
	return result;
}

/* Linux 6.12 and 7.2 find nothing in memory that has gone, 6.18.44 says ESRCH;
 * nothing found must not mean that nothing was written. */
static int scan_by_kernel(struct ww_pagemap *pagemap, unsigned long request,
			  void *argument)
{
	int result = ioctl(pagemap->fd, request, argument);

	if (result < 0)
		return -errno;
	if (!result && !ww_proc_alive(pagemap->fd))
		return -ESRCH;
	return result;
}

int ww_pagemap_scan(struct ww_pagemap *pagemap, unsigned long request,
		    void *argument)
{
	int saved = errno, result;

	/* the kernel has others for every file */
	if (request != pagemap->revision->request)
		return -EINVAL;
	if (pagemap->shared)
		result = scan_shared(pagemap, request, argument);
	else
		result = scan_by_kernel(pagemap, request, argument);
	errno = saved;
	return result;
}

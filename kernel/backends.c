/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backends, and which of them is used. */
#include "abi.h"
#include "environment.h"
#include "hugezero.h"
#include "tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * First what costs least and changes least. softdirty comes before mprotect
 * although its resets cost more: under it every program works as it did, while
 * mprotect makes system calls fail that write to armed memory, takes SIGSEGV and
 * has to be told of every change of access.
 */
const struct ww_backend *const ww_backends[] = {
	&ww_backend_uffd,
	&ww_backend_softdirty,
	&ww_backend_mprotect,
	NULL,
};

static const struct ww_backend *find(const char *name)
{
	const struct ww_backend *const *backend = ww_backends;

	while (*backend && strcmp((*backend)->name, name))
		backend++;
	return *backend;
}

static const char *variable(enum ww_environment which)
{
	static const char *const names[] = {
#define V(symbol, name, values, what) [WW_ENV_##symbol] = name,
		WW_ENVIRONMENT(V)
#undef V
	};

	return secure_getenv(names[which]);
}

const char *ww_backend_forced(void)
{
	const char *name = variable(WW_ENV_BACKEND);

	return name && *name ? name : NULL;
}

enum ww_huge_zero ww_huge_zero_allowed(void)
{
	const char *value = variable(WW_ENV_HUGE_ZERO);

	return value && !strcmp(value, "0") ? WW_HUGE_ZERO_OFF
					    : WW_HUGE_ZERO_UNTRIED;
}

int ww_backends_prepare(void)
{
	int ret = 0;

	for (size_t i = 0; ww_backends[i] && !ret; i++)
		if (ww_backends[i]->prepare)
			ret = ww_backends[i]->prepare();
	return ret;
}

/* Descriptors that are not open are -1, whatever the backend. */
static int open_one(struct ww_tracker *tracker, const struct ww_kernel_ops *ops,
		    const struct ww_backend *backend)
{
	*tracker = (struct ww_tracker){
		.backend = backend, .ops = ops,
		.uffd = -1, .pagemap = -1, .clear_refs = -1,
	};
	return backend->open(tracker);
}

static int open_named(struct ww_tracker *tracker, const struct ww_kernel_ops *ops,
		      const char *name)
{
	const struct ww_backend *backend = find(name);

	if (backend)
		return open_one(tracker, ops, backend);
	*tracker = (struct ww_tracker){ .failure = "no such backend" };
	return -EINVAL;
}

/* For want of what another moment may bring, nobody gets less than there is. */
static bool is_for_now(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int open_best(struct ww_tracker *tracker, const struct ww_kernel_ops *ops)
{
	struct ww_tracker first, other;
	int error = open_one(&first, ops, ww_backends[0]), ret = error;

	*tracker = first;
	for (size_t i = 1; ret && !is_for_now(ret) && ww_backends[i]; i++) {
		ret = open_one(&other, ops, ww_backends[i]);
		*tracker = ret ? first : other;
	}
	return ret ? error : 0;
}

int ww_tracker_open_backend(struct ww_tracker *tracker,
			    const struct ww_kernel_ops *ops, const char *name)
{
	if (!name)
		name = ww_backend_forced();
	return name ? open_named(tracker, ops, name) : open_best(tracker, ops);
}

int ww_tracker_open(struct ww_tracker *tracker, const struct ww_kernel_ops *ops)
{
	const char *name = ww_backend_forced();

	return open_named(tracker, ops, name ? name : ww_backend_uffd.name);
}

int ww_tracker_reopen(struct ww_tracker *tracker)
{
	const struct ww_backend *backend = tracker->backend;

	ww_tracker_close(tracker);
	return open_one(tracker, tracker->ops, backend);
}

bool ww_is_same_file(const struct ww_kernel_ops *ops, int fd, uint64_t file)
{
	return fd >= 0 && ops->identify(fd) == file;
}

void ww_close_same_file(const struct ww_kernel_ops *ops, int fd, uint64_t file)
{
	if (ww_is_same_file(ops, fd, file))
		ops->close(fd);
}

void ww_tracker_close(struct ww_tracker *tracker)
{
	tracker->backend->close(tracker);
}

bool ww_scan_add(struct ww_scan *scan, uintptr_t address)
{
	struct ww_run *last = scan->n_runs ? &scan->runs[scan->n_runs - 1] : NULL;

	if (scan->n_pages == scan->max_pages)
		return false;
	if (last && last->end == address) {
		last->end += ww_page_size();
	} else {
		if (scan->n_runs == scan->max_runs)
			return false;
		scan->runs[scan->n_runs++] = (struct ww_run){
			address, address + ww_page_size(), PAGE_IS_WRITTEN
		};
	}
	scan->n_pages++;
	return true;
}

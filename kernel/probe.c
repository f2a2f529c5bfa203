/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the running kernel can do, found out by doing it: the backends'
 * self-test, and the list of features for people.
 */
#include "uffd.h"

#include <writewatch.h>

#include <errno.h>
#include <string.h>

/* The self-test's pages, in the states a scan meets. */
enum { WRITTEN, UNTOUCHED, READ, ALSO_WRITTEN, N_PAGES };

struct arena {
	struct ww_tracker *tracker;
	volatile char *memory;
	size_t page_size;
	struct ww_run runs[N_PAGES];
	struct ww_scan scan;
};

static int scan_arena(struct arena *arena, unsigned flags, size_t max_pages)
{
	arena->scan = (struct ww_scan) {
		.start = (uintptr_t)arena->memory,
		.n_bytes = N_PAGES * arena->page_size,
		.flags = flags,
		.max_pages = max_pages,
		.runs = arena->runs,
		.max_runs = N_PAGES,
	};
	return arena->tracker->backend->scan(arena->tracker, &arena->scan);
}

/* One scan whose answer must be exactly the pages of `expected`, a bit each. */
static int expect(struct arena *arena, unsigned flags, size_t max_pages,
		  unsigned expected)
{
	unsigned seen = 0;
	int ret = scan_arena(arena, flags, max_pages);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < arena->scan.n_runs; i++) {
		size_t first = (arena->runs[i].start - (uintptr_t)arena->memory)
			       / arena->page_size;
		size_t end = (arena->runs[i].end - (uintptr_t)arena->memory)
			     / arena->page_size;

		for (; first < end && end <= N_PAGES; first++)
			seen |= 1u << first;
	}
	return seen == expected ? 0 : -ENOTRECOVERABLE;
}

static void write_page(struct arena *arena, int page)
{
	arena->memory[page * arena->page_size]++;
}

static int see_and_reset(struct arena *arena)
{
	const unsigned both = 1u << WRITTEN | 1u << ALSO_WRITTEN;
	int ret;

	if ((ret = expect(arena, 0, N_PAGES, 0)))
		return ret;
	(void)arena->memory[READ * arena->page_size];
	write_page(arena, WRITTEN);
	write_page(arena, ALSO_WRITTEN);
	if ((ret = expect(arena, 0, N_PAGES, both)))
		return ret;
	/* a partial result resets what it reports and nothing else */
	if ((ret = expect(arena, WW_SCAN_RESET, 1, 1u << WRITTEN)))
		return ret;
	if ((ret = expect(arena, WW_SCAN_RESET, N_PAGES, 1u << ALSO_WRITTEN)))
		return ret;
	if ((ret = expect(arena, 0, N_PAGES, 0)))
		return ret;
	write_page(arena, WRITTEN);
	if ((ret = expect(arena, 0, N_PAGES, 1u << WRITTEN)))
		return ret;
	ret = arena->tracker->backend->reset(arena->tracker,
					     (uintptr_t)arena->memory,
					     N_PAGES * arena->page_size);
	if (ret)
		return ret;
	return expect(arena, 0, N_PAGES, 0);
}

int ww_tracker_self_test(struct ww_tracker *tracker)
{
	struct arena arena = { .tracker = tracker, .page_size = ww_page_size() };
	size_t n_bytes = N_PAGES * arena.page_size;
	void *memory = tracker->ops->map(n_bytes);
	int ret;

	if (!memory)
		return -ENOMEM;
	arena.memory = memory;
	ret = tracker->backend->watch(tracker, (uintptr_t)memory, n_bytes);
	if (!ret)
		ret = tracker->backend->arm(tracker, (uintptr_t)memory, n_bytes);
	if (!ret)
		ret = see_and_reset(&arena);
	tracker->ops->unmap(memory, n_bytes);
	if (tracker->backend->forget)
		tracker->backend->forget(tracker, (uintptr_t)memory, n_bytes);
	return ret;
}

/* The steps of opening a backend, in order. Each is tried on what the steps
 * before it left open; a step whose ground is missing could not be tried. */
struct probe {
	struct ww_tracker tracker;
	int uffd_usable;
	int scan_usable;
};

static int try_userfaultfd(struct probe *probe)
{
	struct ww_tracker *tracker = &probe->tracker;

	tracker->uffd = ww_uffd_create(tracker->ops);
	tracker->uffd_file = tracker->ops->identify(tracker->uffd);
	return tracker->uffd;
}

static int try_wp_async(struct probe *probe)
{
	int ret;

	if (probe->tracker.uffd < 0)
		return -ECANCELED;
	ret = ww_uffd_handshake(probe->tracker.ops, probe->tracker.uffd);
	probe->uffd_usable = ret == 0;
	return ret;
}

static int try_pagemap(struct probe *probe)
{
	struct ww_tracker *tracker = &probe->tracker;

	tracker->pagemap = tracker->ops->open_pagemap();
	tracker->pagemap_file = tracker->ops->identify(tracker->pagemap);
	return tracker->pagemap;
}

static int try_pagemap_scan(struct probe *probe)
{
	int ret;

	if (probe->tracker.pagemap < 0)
		return -ECANCELED;
	ret = ww_pagemap_scan_known(probe->tracker.ops, probe->tracker.pagemap);
	probe->scan_usable = ret == 0;
	return ret;
}

static int try_self_test(struct probe *probe)
{
	if (!probe->uffd_usable || !probe->scan_usable)
		return -ECANCELED;
	return ww_tracker_self_test(&probe->tracker);
}

/* Other backends, which stand on nothing of the above. */
static int try_backend(const struct ww_backend *backend)
{
	struct ww_tracker tracker;
	int ret = ww_tracker_open_backend(&tracker, &ww_linux, backend->name);

	if (!ret)
		ww_tracker_close(&tracker);
	return ret;
}

static int try_softdirty(struct probe *probe)
{
	(void)probe;
	return try_backend(&ww_backend_softdirty);
}

static int try_mprotect(struct probe *probe)
{
	(void)probe;
	return try_backend(&ww_backend_mprotect);
}

#define NEEDS_6_7 "run Linux 6.7 or later"
#define ALLOW "leave the sandbox or container, or allow it in its seccomp list"

static const struct {
	const char *name;
	int (*try)(struct probe *probe);
	const char *absent;	/* reason when the kernel does not have it */
	const char *remedy;
} features[] = {
	{ "userfaultfd", try_userfaultfd,
	  "this kernel is built without userfaultfd",
	  "run a kernel with CONFIG_USERFAULTFD=y" },
	{ "uffd-wp-async", try_wp_async,
	  "userfaultfd has no asynchronous write-protection here", NEEDS_6_7 },
	{ "pagemap", try_pagemap,
	  "/proc/self/pagemap does not exist",
	  "mount /proc; run a kernel with CONFIG_PROC_PAGE_MONITOR=y" },
	{ "pagemap-scan", try_pagemap_scan,
	  "pagemap has no PAGEMAP_SCAN here", NEEDS_6_7 },
	{ "write-tracking", try_self_test,
	  "the self-test saw a wrong answer: writes are not tracked right",
	  "report this with the kernel's version" },
	{ "soft-dirty", try_softdirty,
	  "this kernel has no soft-dirty bits",
	  "run a kernel with CONFIG_MEM_SOFT_DIRTY=y" },
	{ "mprotect", try_mprotect,
	  "memory cannot be protected", "try again" },
};

#define N_FEATURES (sizeof(features) / sizeof(features[0]))

/* Which refusals say that a thing does not exist; every other one may go away
 * with another user, sandbox or moment. ENOSYS may come from a sandbox as well:
 * the system call exists since 4.3, and what we need since 6.7, so an absent
 * one is as good as missing. */
static enum ww_state state_of(int error)
{
	switch (error) {
	case 0:
		return WW_SUPPORTED;
	case ENOSYS:
	case ENOTTY:
	case EINVAL:
	case ENOENT:
	case EOPNOTSUPP:
	case ENOTRECOVERABLE:
		return WW_MISSING;
	default:
		return WW_UNKNOWN;
	}
}

static const char *refusal(int error)
{
	switch (error) {
	case ECANCELED:
		return "not tried: what it stands on is not there";
	case EPERM:
	case EACCES:
		return "refused: not permitted here";
	case EMFILE:
	case ENFILE:
		return "refused: too many open files";
	case ENOMEM:
		return "refused: out of memory";
	default:
		return "refused with an unexpected error";
	}
}

static const char *refusal_remedy(int error)
{
	switch (error) {
	case ECANCELED:
		return "see the features before this one";
	case EPERM:
	case EACCES:
		return ALLOW;
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	default:
		return "try again";
	}
}

static struct ww_feature answer(size_t i, int error)
{
	struct ww_feature feature = {
		.name = features[i].name,
		.state = state_of(error),
		.error = error,
		.reason = "tried, works",
		.remedy = "",
	};

	if (feature.state == WW_MISSING) {
		feature.reason = features[i].absent;
		feature.remedy = error == ENOSYS ? ALLOW ", or " NEEDS_6_7
						 : features[i].remedy;
	} else if (feature.state == WW_UNKNOWN) {
		feature.reason = refusal(error);
		feature.remedy = refusal_remedy(error);
	}
	return feature;
}

int ww_probe(struct ww_feature *list, size_t n_features)
{
	struct probe probe = {
		.tracker = { .backend = &ww_backend_uffd, .ops = &ww_linux,
			     .uffd = -1, .pagemap = -1, .clear_refs = -1 },
	};

	for (size_t i = 0; i < N_FEATURES; i++) {
		int ret = features[i].try(&probe);

		if (i < n_features)
			list[i] = answer(i, ret < 0 ? -ret : 0);
	}
	ww_tracker_close(&probe.tracker);
	return N_FEATURES;
}

const char *ww_backend_name(void)
{
	struct ww_tracker tracker;

	if (ww_tracker_open_backend(&tracker, &ww_linux, NULL) < 0)
		return "none";
	ww_tracker_close(&tracker);
	return tracker.backend->name;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public C interface: arguments, and the one layout for another. A tracker
 * of the interface is a registry whose regions are committed from the start.
 */
#include "config.h"

#include "regions.h"
#include "stats.h"

#include <writewatch.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* struct ww is never defined: the pointer is the registry's. */
static struct ww_regions *registry(const struct ww *ww)
{
	return (struct ww_regions *)ww;
}

const char *ww_version(void)
{
	return PACKAGE_VERSION;
}

int ww_open(struct ww **ww, const struct ww_open_options *options)
{
	static const struct ww_open_options defaults = { sizeof(defaults), NULL, NULL };
	struct ww_regions *regions;
	const char *failure;
	sigset_t all;
	int ret;

	if (!options)
		options = &defaults;
	if (options->struct_size != sizeof(*options))
		return -EINVAL;
	/* a thread that is suspended by any signal holds no lock */
	sigfillset(&all);
	ret = ww_regions_open_backend(&regions, &ww_linux, &all,
				      options->backend, &failure);
	if (!ret) {
		failure = ww_regions_backend(regions);
		*ww = (struct ww *)regions;
	}
	if (options->reason)
		*options->reason = failure;
	return ret;
}

void ww_close(struct ww *ww)
{
	if (ww)
		ww_regions_close(registry(ww));
}

const char *ww_backend(const struct ww *ww)
{
	return ww_regions_backend(registry(ww));
}

static bool is_whole_pages(const void *start, size_t n_bytes)
{
	uintptr_t end, mask = ww_page_size() - 1;

	return n_bytes && !(((uintptr_t)start | n_bytes) & mask) &&
	       !__builtin_add_overflow((uintptr_t)start, n_bytes, &end);
}

/* One line of /proc/self/maps. */
struct mapping {
	uintptr_t start;
	uintptr_t end;
	bool suitable;
};

/* Private and anonymous: no inode behind it. The kernel itself would let any
 * mapping be watched, and get shared and huge ones wrong. */
static bool read_mapping(FILE *maps, struct mapping *mapping)
{
	unsigned long start, end, inode;
	char line[512], permissions[5];

	if (!fgets(line, sizeof(line), maps) ||
	    sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, permissions,
		   &inode) != 4)
		return false;
	/* the rest of a line with a long name */
	for (size_t n = strlen(line); line[n - 1] != '\n'; n = strlen(line))
		if (!fgets(line, sizeof(line), maps))
			break;
	*mapping = (struct mapping){ start, end,
				     permissions[3] == 'p' && !inode };
	return true;
}

/* Whether all of [start, end) is private anonymous memory: 0, -ENOMEM for a
 * hole, -EINVAL for another kind. */
static int check_kind(uintptr_t start, uintptr_t end)
{
	int saved_errno = errno, ret = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	struct mapping mapping;

	if (!maps) {
		ret = -errno;
		errno = saved_errno;
		return ret;
	}
	while (!ret && start < end && read_mapping(maps, &mapping)) {
		if (mapping.end <= start)
			continue;
		if (mapping.start > start)
			ret = -ENOMEM;
		else if (!mapping.suitable)
			ret = -EINVAL;
		start = mapping.end;
	}
	if (!ret && start < end)
		ret = -ENOMEM;
	fclose(maps);
	errno = saved_errno;
	return ret;
}

int ww_watch(struct ww *ww, void *start, size_t n_bytes)
{
	struct ww_regions *regions = registry(ww);
	sigset_t saved;
	int ret;

	if (!is_whole_pages(start, n_bytes))
		return -EINVAL;
	ret = check_kind((uintptr_t)start, (uintptr_t)start + n_bytes);
	if (ret)
		return ret;
	ww_regions_lock(regions, &saved);
	ret = ww_regions_overlap(regions, (uintptr_t)start, n_bytes) ? -EEXIST :
	      ww_regions_reserve(regions, (uintptr_t)start, n_bytes,
				 WW_MEMORY_IN_USE);
	ww_regions_unlock(regions, &saved);
	return ret;
}

int ww_unwatch(struct ww *ww, void *start, size_t n_bytes)
{
	struct ww_regions *regions = registry(ww);
	sigset_t saved;

	if (!is_whole_pages(start, n_bytes))
		return -EINVAL;
	ww_regions_lock(regions, &saved);
	ww_regions_unwatch(regions, (uintptr_t)start, n_bytes);
	ww_regions_unlock(regions, &saved);
	return 0;
}

static int begin(struct ww_query *query, struct ww *ww, void *start,
		 size_t n_bytes)
{
	if (!n_bytes)
		return -EINVAL;
	return ww_query_begin(query, registry(ww), (uintptr_t)start, n_bytes);
}

static int begin_get(struct ww_query *query, struct ww *ww, void *start,
		     size_t n_bytes, unsigned int flags, size_t capacity)
{
	if (!capacity || (flags & ~(unsigned int)WW_GET_RESET))
		return -EINVAL;
	return begin(query, ww, start, n_bytes);
}

ssize_t ww_get(struct ww *ww, void *start, size_t n_bytes, unsigned int flags,
	       void **addresses, size_t capacity)
{
	uint64_t began = ww_stats_begin(registry(ww));
	struct ww_query query;
	ssize_t ret = begin_get(&query, ww, start, n_bytes, flags, capacity);

	if (ret)
		return ret;
	ret = (ssize_t)ww_query_get(&query, flags & WW_GET_RESET,
				    (uintptr_t *)addresses, capacity);
	ww_query_end(&query);
	ww_stats_end(registry(ww), WW_STATS_GET, began, (size_t)ret);
	return ret;
}

static size_t pages_in(const struct ww_range *runs, size_t n_runs)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < n_runs; i++)
		n_bytes += runs[i].n_bytes;
	return n_bytes / ww_page_size();
}

ssize_t ww_get_runs(struct ww *ww, void *start, size_t n_bytes,
		    unsigned int flags, struct ww_range *runs, size_t capacity)
{
	uint64_t began = ww_stats_begin(registry(ww));
	struct ww_query query;
	ssize_t ret = begin_get(&query, ww, start, n_bytes, flags, capacity);

	if (ret)
		return ret;
	ret = (ssize_t)ww_query_get_runs(&query, flags & WW_GET_RESET, runs,
					 capacity);
	ww_query_end(&query);
	if (began)
		ww_stats_count(registry(ww), WW_STATS_GET, began,
			       pages_in(runs, (size_t)ret));
	return ret;
}

int ww_reset(struct ww *ww, void *start, size_t n_bytes)
{
	uint64_t began = ww_stats_begin(registry(ww));
	struct ww_query query;
	int ret = begin(&query, ww, start, n_bytes);

	if (ret)
		return ret;
	ww_query_reset(&query);
	ww_query_end(&query);
	ww_stats_end(registry(ww), WW_STATS_RESET, began, 0);
	return 0;
}

int ww_mark(struct ww *ww, void *start, size_t n_bytes)
{
	struct ww_regions *regions = registry(ww);
	struct ww_query query;
	sigset_t saved;
	int ret = begin(&query, ww, start, n_bytes);

	if (ret)
		return ret;
	ww_regions_lock(regions, &saved);
	ret = ww_regions_mark(regions, query.start, query.end - query.start);
	ww_regions_unlock(regions, &saved);
	ww_query_end(&query);
	return ret;
}

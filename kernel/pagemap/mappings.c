/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mappings of a process, as smaps tells them. */
#include "mappings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A line holds a path, each byte of which may take four. */
struct reader {
	int fd;
	off_t offset;
	size_t at;
	size_t n;
	char buffer[20 << 10];
};

static ssize_t fill(struct reader *reader)
{
	size_t n_kept = reader->n - reader->at;
	ssize_t n;

	memmove(reader->buffer, reader->buffer + reader->at, n_kept);
	reader->at = 0;
	reader->n = n_kept;
	do
		n = pread(reader->fd, reader->buffer + n_kept,
			  sizeof(reader->buffer) - n_kept, reader->offset);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : 0;
	reader->n += (size_t)n;
	reader->offset += n;
	return n;
}

/* 1 with a line, 0 at the end, or -errno. */
static int next_line(struct reader *reader, char **line)
{
	for (;;) {
		char *start = reader->buffer + reader->at;
		char *end = memchr(start, '\n', reader->n - reader->at);
		ssize_t n;

		if (end) {
			*end = '\0';
			*line = start;
			reader->at = (size_t)(end + 1 - reader->buffer);
			return 1;
		}
		n = fill(reader);
		if (n <= 0)
			return (int)n;
	}
}

static int grow(struct ww_mappings *mappings)
{
	size_t room = mappings->room ? 2 * mappings->room : 64;
	struct ww_mapping *item;

	if (mappings->n < mappings->room)
		return 0;
	item = realloc(mappings->item, room * sizeof(*item));
	if (!item)
		return -ENOMEM;
	mappings->item = item;
	mappings->room = room;
	return 0;
}

/* 1 when this one and all that follow begin too high. */
static int begin_mapping(struct ww_mappings *mappings, const char *line,
			 uint64_t limit)
{
	uint64_t start, end, inode;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %" SCNu64, &start,
		   &end, &inode) != 3)
		return -EIO;
	if (start >= limit)
		return 1;
	if (grow(mappings))
		return -ENOMEM;
	mappings->item[mappings->n++] = (struct ww_mapping){
		.start = start, .end = end, .n_entry = WW_PAGEMAP_PAGE,
		.facts = inode ? WW_MAPPING_FILE : 0,
	};
	return 0;
}

static void read_flags(struct ww_mapping *mapping, const char *flags)
{
	if (strstr(flags, " pf"))
		mapping->facts |= WW_MAPPING_PFNMAP;
	if (strstr(flags, " sd"))
		mapping->facts |= WW_MAPPING_SOFT_DIRTY;
	if (strstr(flags, " uw"))
		mapping->facts |= WW_MAPPING_WP;
	if (strstr(flags, " ht"))
		mapping->hugetlb = mapping->populated = true;
}

static void read_detail(struct ww_mapping *mapping, const char *line)
{
	uint64_t n_kib;

	if (!strncmp(line, "VmFlags:", 8))
		read_flags(mapping, line + 8);
	else if (sscanf(line, "KernelPageSize: %" SCNu64, &n_kib) == 1)
		mapping->n_entry = n_kib << 10;
	else if (sscanf(line, "Rss: %" SCNu64, &n_kib) == 1 ||
		 sscanf(line, "Swap: %" SCNu64, &n_kib) == 1)
		mapping->populated |= n_kib != 0;
}

/* The first line is never one. */
static bool is_detail(const struct ww_mappings *mappings, const char *line)
{
	return mappings->n && *line >= 'A' && *line <= 'Z';
}

int ww_mappings_read(struct ww_mappings *mappings, int smaps, uint64_t end)
{
	struct reader reader = { .fd = smaps };
	char *line;
	int ret;

	mappings->n = 0;
	while ((ret = next_line(&reader, &line)) > 0) {
		if (is_detail(mappings, line)) {
			read_detail(&mappings->item[mappings->n - 1], line);
			continue;
		}
		ret = begin_mapping(mappings, line, end);
		if (ret)
			break;
	}
	return ret < 0 ? ret : 0;
}

const struct ww_mapping *ww_mappings_find(const struct ww_mappings *mappings,
					  uint64_t address)
{
	size_t low = 0, high = mappings->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (mappings->item[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < mappings->n ? &mappings->item[low] : NULL;
}

void ww_mappings_free(struct ww_mappings *mappings)
{
	free(mappings->item);
	*mappings = (struct ww_mappings){ 0 };
}

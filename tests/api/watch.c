/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which memory can be watched, in which state, and what unwatching leaves. */
#include "pages.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ww *ww;

static int watch(char *memory, size_t first, size_t n_pages)
{
	return ww_watch(ww, memory + first * page_size(), n_pages * page_size());
}

static int unwatch(char *memory, size_t first, size_t n_pages)
{
	return ww_unwatch(ww, memory + first * page_size(),
			  n_pages * page_size());
}

static void done_with(char *memory, size_t n_pages)
{
	unwatch(memory, 0, n_pages);
	unmap_pages(memory, n_pages);
}

/* ---- What can be watched ---- */

static void populated(void)
{
	char *memory = map_pages(16, PROT_READ | PROT_WRITE);

	memset(memory, 7, 8 * page_size());
	(void)*(volatile char *)(memory + 8 * page_size());
	is_answer(watch(memory, 0, 16), 0, "memory in use");
	is_written(ww, memory, 16, "", "what was written before does not count");
	ok(memory[7 * page_size()] == 7, "it is still there");
	write_page(memory, 0);
	write_page(memory, 7);
	write_page(memory, 8);
	write_page(memory, 15);
	(void)*(volatile char *)(memory + 10 * page_size());
	is_written(ww, memory, 16, "0,7-8,15", "written, read and untouched pages");
	done_with(memory, 16);
}

#define OTHERS_MPROTECT "mprotect does not see that others change the access"

static bool is_told_of_access(void)
{
	return strcmp(ww_backend(ww), "mprotect") != 0;
}

static void protections(void)
{
	static const int all[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
				   PROT_READ | PROT_WRITE | PROT_EXEC };
	char *memory = map_pages(16, PROT_READ | PROT_WRITE);
	size_t size = page_size();

	for (size_t page = 0; page < 16; page += 2)
		write_page(memory, page);
	for (size_t i = 0; i < 4; i++)
		mprotect(memory + 4 * i * size, 4 * size, all[i]);
	is_answer(watch(memory, 0, 16), 0, "four protections");
	is_written(ww, memory, 16, "", "nothing is written");
	write_page(memory, 3);
	write_page(memory, 12);
	is_written(ww, memory, 16, "3,12", "two pages are");
	mprotect(memory, 16 * size, PROT_NONE);
	is_written(ww, memory, 16, "3,12", "also when nothing can be accessed");
	mprotect(memory, 16 * size, PROT_READ | PROT_WRITE);
	is_written(ww, memory, 16, "3,12", "also when all can");
	for (size_t page = 4; page < 12; page++)
		write_page(memory, page);
	if (is_told_of_access())
		is_written(ww, memory, 16, "3-12", "and as one run across them");
	else
		skip("and as one run across them", OTHERS_MPROTECT);
	done_with(memory, 16);
}

static void huge_pages(void)
{
	size_t n_pages = (4 << 20) / page_size();
	char *memory = map_pages(n_pages, PROT_READ | PROT_WRITE);

	madvise(memory, n_pages * page_size(), MADV_HUGEPAGE);
	memset(memory, 1, n_pages * page_size());
	is_answer(watch(memory, 0, n_pages), 0, "transparent huge pages");
	is_written(ww, memory, n_pages, "", "nothing is written");
	write_page(memory, 5);
	write_page(memory, n_pages - 1);
	write_page(memory, 512);
	write_page(memory, 513);
	ww_reset(ww, memory + 512 * page_size(), 1);
	is_written(ww, memory, 514, "5,513", "writes and resets are exact");
	done_with(memory, n_pages);
}

static void heap(void)
{
	size_t size = page_size();
	char *block = sbrk((intptr_t)(20 * size));
	char *memory = (char *)(((uintptr_t)block + size - 1) & ~(size - 1));

	if (block == (void *)-1) {
		skip("the heap", "it cannot grow here");
		return;
	}
	is_answer(watch(memory, 0, 16), 0, "the heap");
	write_page(memory, 2);
	is_written(ww, memory, 16, "2", "is exact");
	unwatch(memory, 0, 16);
}

/* ---- What cannot ---- */

static char *map_other(int flags, int fd)
{
	return mmap(NULL, 4 * page_size(), PROT_READ | PROT_WRITE, flags, fd, 0);
}

static void refuse_memory(char *memory, size_t n_bytes, const char *name)
{
	if (memory == MAP_FAILED) {
		skip(name, strerror(errno));
		return;
	}
	is_answer(ww_watch(ww, memory, n_bytes), -EINVAL, name);
	munmap(memory, n_bytes);
}

/* A mapping of another kind right behind memory that could be watched. */
static void refuse_mixed(int fd)
{
	size_t size = page_size();
	char *memory = map_pages(4, PROT_READ | PROT_WRITE);
	void *addresses[4];

	if (mmap(memory + 2 * size, 2 * size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		bail_out("mapping a file");
	is_answer(watch(memory, 0, 4), -EINVAL, "anonymous memory and a file");
	is_answer(ww_get(ww, memory, size, 0, addresses, 4), -ENOENT,
		  "nothing of it is watched");
	is_answer(watch(memory, 0, 2), 0, "its anonymous part");
	done_with(memory, 4);
}

static void other_memory(void)
{
	size_t n_bytes = 4 * page_size(), huge_bytes = 2 << 20;
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)n_bytes))
		bail_out("making a file");
	refuse_memory(map_other(MAP_PRIVATE, fd), n_bytes, "a private file");
	refuse_memory(map_other(MAP_SHARED, fd), n_bytes, "a shared file");
	refuse_memory(map_other(MAP_SHARED | MAP_ANONYMOUS, -1), n_bytes,
		      "shared memory");
	/* not reserved, so that it needs none to be there */
	refuse_memory(mmap(NULL, huge_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			   MAP_NORESERVE, -1, 0),
		      huge_bytes, "huge pages of hugetlbfs");
	refuse_mixed(fd);
	close(fd);
}

/* ---- Unwatching ---- */

static void unwatch_parts(void)
{
	char *memory = watched_pages(ww, 16);
	size_t size = page_size();
	void *addresses[16];

	for (size_t page = 0; page < 16; page++)
		write_page(memory, page);
	is_answer(unwatch(memory, 6, 4), 0, "a part in the middle");
	is_written(ww, memory, 6, "0-5", "the part before it stays");
	is_written(ww, memory + 10 * size, 6, "0-5", "the part behind it stays");
	is_answer(ww_get(ww, memory + 6 * size, size, 0, addresses, 16), -ENOENT,
		  "it is not watched");
	is_answer(ww_get(ww, memory, 16 * size, 0, addresses, 16), -ERANGE,
		  "a query across it");
	ww_reset(ww, memory, 6 * size);
	write_page(memory, 7);
	is_written(ww, memory, 6, "", "its writes are nobody's");
	is_answer(watch(memory, 7, 2), 0, "some of it is watched again");
	is_written(ww, memory + 7 * size, 2, "", "as not written");
	write_page(memory, 8);
	is_written(ww, memory + 7 * size, 2, "1", "and exactly");
	is_answer(unwatch(memory, 0, 16), 0, "three ranges and what is between");
	for (size_t page = 0; page < 16; page++)
		if (ww_reset(ww, memory + page * size, 1) != -ENOENT)
			ok(false, "page %zu is still watched", page);
	is_answer(unwatch(memory, 0, 16), 0, "what is not watched is ignored");
	is_answer(watch(memory, 0, 16), 0, "all of it again");
	is_written(ww, memory, 16, "", "as not written");
	done_with(memory, 16);
}

static void unwatch_ends(void)
{
	char *memory = watched_pages(ww, 16);

	write_page(memory, 3);
	write_page(memory, 12);
	unwatch(memory, 0, 2);
	unwatch(memory, 14, 2);
	is_written(ww, memory + 2 * page_size(), 12, "1,10",
		   "without its first and last pages");
	write_page(memory, 13);
	is_written(ww, memory + 2 * page_size(), 12, "1,10-11", "it goes on");
	done_with(memory, 16);
}

/* Memory that was unmapped without a word, and its place used again. */
static void forgotten(void)
{
	char *memory = watched_pages(ww, 16);
	size_t size = page_size();

	write_page(memory, 1);
	ww_reset(ww, memory, 16 * size);
	munmap(memory + 4 * size, 8 * size);
	write_page(memory, 2);
	is_written(ww, memory, 4, "2", "before a hole");
	if (mmap(memory + 4 * size, 8 * size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		bail_out("mapping memory");
	write_page(memory, 6);
	if (is_told_of_access())
		is_written(ww, memory + 4 * size, 8, "0-7",
			   "memory mapped over a watched range reads as written");
	else
		skip("memory mapped over a watched range", OTHERS_MPROTECT);
	is_answer(unwatch(memory, 0, 16), 0, "unwatched");
	is_answer(watch(memory, 0, 16), 0, "and watched again");
	is_written(ww, memory, 16, "", "it is clean");
	write_page(memory, 6);
	is_written(ww, memory, 16, "6", "and exact");
	done_with(memory, 16);
}

static void unmapped_first(void)
{
	char *memory = watched_pages(ww, 16);

	unmap_pages(memory, 16);
	is_answer(unwatch(memory, 0, 16), 0, "unwatched after it was unmapped");
	if (mmap(memory, 16 * page_size(), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		bail_out("mapping memory");
	is_answer(watch(memory, 0, 16), 0, "its place is watched");
	is_written(ww, memory, 16, "", "and clean");
	done_with(memory, 16);
}

int main(void)
{
	ww = open_or_skip();
	populated();
	protections();
	huge_pages();
	heap();
	other_memory();
	unwatch_parts();
	unwatch_ends();
	forgotten();
	unmapped_first();
	ww_close(ww);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every error of writewatch.h, the first of several where two apply, and that
 * nothing has changed after any of them; and the errors of opening, with the
 * kernel's part refused.
 */
#include "pages.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_PAGES = 16, ANYTHING = 0x5a };

static struct ww *ww;
static char *memory;	/* N_PAGES watched ones, with pages 1 and 4 written */

/* ---- Queries ---- */

struct query {
	const char *name;
	ptrdiff_t start;	/* from the memory, in bytes */
	size_t n_bytes;
	unsigned int flags;
	size_t capacity;
	int error;
};

#define FAR ((ptrdiff_t)1 << 40)	/* nothing of ours lies there */

static const struct query bad_queries[] = {
	{ "capacity 0", 0, 1, 0, 0, -EINVAL },
	{ "size 0", 0, 0, 0, 8, -EINVAL },
	{ "an unknown flag", 0, 1, 2, 8, -EINVAL },
	{ "an unknown flag with reset", 0, 1, 1 | 1u << 31, 8, -EINVAL },
	{ "unwatched memory", FAR, 1, 0, 8, -ENOENT },
	{ "the byte before", -1, 1, 0, 8, -ENOENT },
	{ "the byte before, with reset", -1, 2, 1, 8, -ENOENT },
	{ "more than is watched, from outside", -1, FAR, 1, 8, -ENOENT },
	{ "one byte more than is watched", 0, SIZE_MAX, 0, 8, -ERANGE },
	{ "capacity 0 in unwatched memory", FAR, 1, 0, 0, -EINVAL },
	{ "size 0 in unwatched memory", FAR, 0, 0, 8, -EINVAL },
	{ "an unknown flag in unwatched memory", FAR, 1, 4, 8, -EINVAL },
	{ "capacity 0 in a range too long", 0, FAR, 1, 0, -EINVAL },
	{ "an unknown flag in a range too long", 0, FAR, 3, 8, -EINVAL },
	{ "too long", 0, FAR, 0, 8, -ERANGE },
	{ "too long, with reset", 1, FAR, 1, 8, -ERANGE },
};

static bool is_untouched(const void *array, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		if (((const unsigned char *)array)[i] != ANYTHING)
			return false;
	return true;
}

static void bad_query(const struct query *query)
{
	char *start = (char *)((uintptr_t)memory + (uintptr_t)query->start);
	struct ww_range runs[8];
	void *addresses[8];

	memset(runs, ANYTHING, sizeof(runs));
	memset(addresses, ANYTHING, sizeof(addresses));
	is_answer(ww_get(ww, start, query->n_bytes, query->flags, addresses,
			 query->capacity), query->error, query->name);
	is_answer(ww_get_runs(ww, start, query->n_bytes, query->flags, runs,
			      query->capacity), query->error, "as runs");
	ok(is_untouched(addresses, sizeof(addresses)) &&
	   is_untouched(runs, sizeof(runs)), "nothing is stored");
	is_written(ww, memory, N_PAGES, "1,4", "nothing is reset");
}

static void one_byte_more(void)
{
	size_t n_bytes = N_PAGES * page_size();
	void *addresses[8];

	is_answer(ww_get(ww, memory, n_bytes + 1, 1, addresses, 8), -ERANGE,
		  "one byte more than is watched");
	is_answer(ww_get(ww, memory + n_bytes - 1, 2, 1, addresses, 8), -ERANGE,
		  "the last byte and the one behind");
	is_answer(ww_get(ww, memory + n_bytes, 1, 1, addresses, 8), -ENOENT,
		  "the byte behind");
	is_written(ww, memory, N_PAGES, "1,4", "nothing is reset");
}

static void reset_and_mark(void)
{
	static int (*const calls[])(struct ww *, void *, size_t) = {
		ww_reset, ww_mark,
	};
	size_t n_bytes = N_PAGES * page_size();

	for (size_t i = 0; i < 2; i++) {
		diag(i ? "ww_mark" : "ww_reset");
		is_answer(calls[i](ww, memory, 0), -EINVAL, "size 0");
		is_answer(calls[i](ww, memory - 1, 0), -EINVAL,
			  "size 0 in unwatched memory");
		is_answer(calls[i](ww, memory - 1, n_bytes), -ENOENT,
			  "the byte before");
		is_answer(calls[i](ww, memory + n_bytes, 1), -ENOENT,
			  "the byte behind");
		is_answer(calls[i](ww, memory, n_bytes + 1), -ERANGE,
			  "one byte too many");
		is_answer(calls[i](ww, memory + 1, SIZE_MAX), -ERANGE,
			  "beyond all memory");
		is_written(ww, memory, N_PAGES, "1,4", "nothing has changed");
	}
}

/* ---- Watching ---- */

/* That a range is watched by nobody shows when another tracker may have it. */
static void is_free(char *start, size_t n_pages)
{
	struct ww *other = open_or_skip();

	is_answer(ww_watch(other, start, n_pages * page_size()), 0,
		  "nothing of the rest is watched");
	ww_close(other);
}

static void bad_ranges(void)
{
	char *free_pages = map_pages(4, PROT_READ | PROT_WRITE);
	char *high = (char *)(UINTPTR_MAX & ~(uintptr_t)(page_size() - 1));
	static int (*const calls[])(struct ww *, void *, size_t) = {
		ww_watch, ww_unwatch,
	};

	for (size_t i = 0; i < 2; i++) {
		diag(i ? "ww_unwatch" : "ww_watch");
		is_answer(calls[i](ww, free_pages, 0), -EINVAL, "size 0");
		is_answer(calls[i](ww, free_pages + 1, page_size()), -EINVAL,
			  "start within a page");
		is_answer(calls[i](ww, free_pages, page_size() + 1), -EINVAL,
			  "size within a page");
		is_answer(calls[i](ww, free_pages, page_size() - 1), -EINVAL,
			  "less than a page");
		is_answer(calls[i](ww, high, 2 * page_size()), -EINVAL,
			  "around the end of memory");
		is_answer(calls[i](ww, memory + 1, page_size()), -EINVAL,
			  "start within a watched page");
		is_answer(calls[i](ww, memory, 0), -EINVAL,
			  "size 0 of watched memory");
	}
	is_free(free_pages, 4);
	is_written(ww, memory, N_PAGES, "1,4", "what is watched stays so");
	unmap_pages(free_pages, 4);
}

static void holes(void)
{
	char *pages = map_pages(8, PROT_READ | PROT_WRITE);

	unmap_pages(pages + 2 * page_size(), 2);
	is_answer(ww_watch(ww, pages, 8 * page_size()), -ENOMEM,
		  "a hole in the middle");
	is_answer(ww_watch(ww, pages, 3 * page_size()), -ENOMEM,
		  "a hole at the end");
	is_answer(ww_watch(ww, pages + 3 * page_size(), 3 * page_size()),
		  -ENOMEM, "a hole at the start");
	is_answer(ww_watch(ww, pages + 2 * page_size(), page_size()), -ENOMEM,
		  "nothing but a hole");
	is_free(pages, 2);
	is_free(pages + 4 * page_size(), 4);
	is_answer(ww_watch(ww, pages, 2 * page_size()), 0, "the part before it");
	is_answer(ww_watch(ww, pages, 3 * page_size()), -ENOMEM,
		  "a hole behind watched memory");
	ww_unwatch(ww, pages, 2 * page_size());
	unmap_pages(pages, 8);
}

static void overlaps(void)
{
	char *pages = map_pages(12, PROT_READ | PROT_WRITE);
	size_t size = page_size();

	is_answer(ww_watch(ww, pages + 4 * size, 4 * size), 0, "four of twelve");
	write_page(pages, 5);
	is_answer(ww_watch(ww, pages + 4 * size, 4 * size), -EEXIST, "the same");
	is_answer(ww_watch(ww, pages, 12 * size), -EEXIST, "all around");
	is_answer(ww_watch(ww, pages + 5 * size, size), -EEXIST, "within");
	is_answer(ww_watch(ww, pages + 7 * size, 5 * size), -EEXIST,
		  "the last page and more");
	is_answer(ww_watch(ww, pages, 5 * size), -EEXIST,
		  "the first page and less");
	is_written(ww, pages + 4 * size, 4, "1", "what is watched stays so");
	is_free(pages, 4);
	is_free(pages + 8 * size, 4);
	is_answer(ww_watch(ww, pages, 4 * size), 0, "the pages before");
	is_answer(ww_watch(ww, pages + 8 * size, 4 * size), 0,
		  "the pages behind");
	is_answer(ww_reset(ww, pages, 5 * size), -ERANGE,
		  "adjacent ranges are two");
	ww_unwatch(ww, pages, 12 * size);
	unmap_pages(pages, 12);
}

/* ---- Opening ---- */

static int open_with(size_t struct_size, const char *backend,
		     const char **reason)
{
	struct ww_open_options options = { struct_size, backend, reason };
	struct ww *opened = ww;
	int ret = ww_open(&opened, &options);

	if (!ret)
		ww_close(opened);
	else if (opened != ww)
		ok(false, "a failed ww_open stores nothing");
	return ret;
}

static void options(void)
{
	const size_t size = sizeof(struct ww_open_options);
	const char *reason = NULL;

	is_answer(open_with(0, NULL, NULL), -EINVAL, "struct_size 0");
	is_answer(open_with(size - 1, NULL, NULL), -EINVAL,
		  "struct_size too small");
	is_answer(open_with(size + 8, NULL, NULL), -EINVAL,
		  "struct_size too large");
	is_answer(open_with(size, "none", &reason), -EINVAL,
		  "a backend that is not known");
	ok(reason && *reason, "the reason says so");
	is_answer(open_with(size, "", NULL), -EINVAL, "a backend without a name");
	reason = NULL;
	is_answer(open_with(size, ww_backend(ww), &reason), 0,
		  "a backend that is known");
	ok(reason && !strcmp(reason, ww_backend(ww)), "the reason is its name");
	is_answer(open_with(size, NULL, NULL), 0, "all by default");
}

/* Has the kernel refuse what a filter finds, in this process from now on. */
static int install(struct sock_filter *filter, size_t n)
{
	struct sock_fprog program = { (unsigned short)n, filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#define LOAD(member) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define SKIP_UNLESS(value, n) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)(value), 0, n)
#define ANSWER(error) \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)(error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int refuse_call(int number, int error)
{
	struct sock_filter filter[] = {
		LOAD(nr), SKIP_UNLESS(number, 1), ANSWER(error), ALLOW,
	};

	return install(filter, sizeof(filter) / sizeof(filter[0]));
}

static int refuse_ioctl(int request, int error)
{
	struct sock_filter filter[] = {
		LOAD(nr), SKIP_UNLESS(SYS_ioctl, 3),
		LOAD(args[1]), SKIP_UNLESS(request, 1), ANSWER(error), ALLOW,
	};

	return install(filter, sizeof(filter) / sizeof(filter[0]));
}

static int limit_files(int n, int unused)
{
	struct rlimit limit = { (rlim_t)n, (rlim_t)n };

	(void)unused;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static int limit_memory(int n_bytes, int unused)
{
	struct rlimit limit = { (rlim_t)n_bytes, (rlim_t)n_bytes };

	(void)unused;
	return setrlimit(RLIMIT_AS, &limit);
}

enum { CANNOT_ARRANGE = 255 };

/* PAGEMAP_SCAN, which older headers lack. */
#define SCAN _IOC(_IOC_READ | _IOC_WRITE, 'f', 16, 96)

/* The error of opening uffd in a process for which `arrange` made it fail. */
static void refused(int (*arrange)(int, int), int what, int how, int error,
		    const char *name)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		const char *reason = NULL;
		int ret;

		if (arrange(what, how))
			_exit(CANNOT_ARRANGE);
		ret = open_with(sizeof(struct ww_open_options), "uffd", &reason);
		_exit(reason && *reason ? -ret : 0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_ARRANGE)
		skip(name, "it cannot be arranged here");
	else
		is_answer(-WEXITSTATUS(status), -error, name);
}

static void refusals(void)
{
	refused(limit_files, 0, 0, EMFILE, "no descriptors: EMFILE");
	refused(limit_memory, 0, 0, ENOMEM, "no memory: ENOMEM");
	if (open_with(sizeof(struct ww_open_options), "uffd", NULL)) {
		skip("userfaultfd is refused", "it is anyway");
		return;
	}
	refused(refuse_call, SYS_userfaultfd, EPERM, EPERM,
		"userfaultfd is forbidden: EPERM");
	refused(refuse_call, SYS_userfaultfd, ENOSYS, ENOSYS,
		"userfaultfd does not exist: ENOSYS");
	/* what Linux says to features that it does not know */
	refused(refuse_ioctl, (int)UFFDIO_API, EINVAL, EOPNOTSUPP,
		"userfaultfd without asynchronous write-protection: EOPNOTSUPP");
	refused(refuse_ioctl, (int)SCAN, ENOTTY, ENOTTY,
		"pagemap without PAGEMAP_SCAN: ENOTTY");
}

/* ---- A thread's first query ---- */

struct first_query {
	pthread_barrier_t limited;
	void *addresses[N_PAGES];
	ssize_t without_memory, with_memory;
};

static void *query_without_memory(void *argument)
{
	struct first_query *first = argument;

	pthread_barrier_wait(&first->limited);
	first->without_memory = ww_get(ww, memory, N_PAGES * page_size(),
				       WW_GET_RESET, first->addresses, N_PAGES);
	pthread_barrier_wait(&first->limited);
	pthread_barrier_wait(&first->limited);
	first->with_memory = ww_get(ww, memory, N_PAGES * page_size(), 0,
				    first->addresses, N_PAGES);
	return NULL;
}

static void first_query(void)
{
	struct first_query first = { 0 };
	struct rlimit limit, none = { 0 };
	pthread_t thread;

	memset(first.addresses, ANYTHING, sizeof(first.addresses));
	pthread_barrier_init(&first.limited, NULL, 2);
	pthread_create(&thread, NULL, query_without_memory, &first);
	getrlimit(RLIMIT_AS, &limit);
	none.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_AS, &none);
	pthread_barrier_wait(&first.limited);
	pthread_barrier_wait(&first.limited);
	setrlimit(RLIMIT_AS, &limit);
	is_answer(first.without_memory, -ENOMEM,
		  "a thread's first query without memory");
	ok(is_untouched(first.addresses, sizeof(first.addresses)),
	   "nothing is stored");
	is_written(ww, memory, N_PAGES, "1,4", "nothing is reset");
	pthread_barrier_wait(&first.limited);
	pthread_join(thread, NULL);
	is_answer(first.with_memory, 2, "the same with memory");
}

int main(void)
{
	ww = open_or_skip();
	memory = watched_pages(ww, N_PAGES);
	/* neighbours that are mapped and not watched */
	if (mmap(memory - page_size(), page_size(), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	    MAP_FAILED)
		diag("the page before is something else");
	write_page(memory, 1);
	write_page(memory, 4);
	for (size_t i = 0; i < sizeof(bad_queries) / sizeof(*bad_queries); i++)
		bad_query(&bad_queries[i]);
	one_byte_more();
	reset_and_mark();
	bad_ranges();
	holes();
	overlaps();
	options();
	refusals();
	first_query();
	is_written(ww, memory, N_PAGES, "1,4", "after all that");
	ww_close(ww);
	return done_testing();
}

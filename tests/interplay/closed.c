/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that closes descriptors it does not know, and one that then has
 * others under their numbers: no write is lost, the watch comes back, and what is
 * not ours is neither used nor closed.
 */
#include "../kernel/tap.h"

#include <writewatch.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 64
#define MAX_FDS 16
#define HIGHEST_FD 1024

/* Far enough away that the library maps more for it. */
#define FAR ((uintptr_t)1 << 40)

static const char text[] = "a stranger's";

static size_t page_size;
static struct ww *ww;
static char *memory;
static int ours[MAX_FDS];
static size_t n_ours;

/* ---- Descriptors ---- */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Those that ww_open opens. */
static void open_tracker(void)
{
	bool before[HIGHEST_FD];

	n_ours = 0;
	for (int fd = 0; fd < HIGHEST_FD; fd++)
		before[fd] = is_open(fd);
	if (ww_open(&ww, NULL))
		skip_all("no backend");
	for (int fd = 0; fd < HIGHEST_FD && n_ours < MAX_FDS; fd++)
		if (!before[fd] && is_open(fd))
			ours[n_ours++] = fd;
}

static int nobody(void)
{
	return -1;
}

static int file(void)
{
	int fd = memfd_create("stranger", 0);

	if (write(fd, text, sizeof(text)) != sizeof(text))
		_exit(99);
	return fd;
}

/* One that makes writers wait for a thread that is not there. */
static int userfaultfd(void)
{
	int fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		_exit(99);
	return fd;
}

static const struct stranger {
	const char *name;
	int (*open)(void);
} strangers[] = {
	{ "closed", nobody },
	{ "a file now", file },
	{ "another userfaultfd now", userfaultfd },
};

static ino_t inode_of(int fd)
{
	struct stat found;

	return fstat(fd, &found) ? 0 : found.st_ino;
}

/* Returns who has the numbers now. */
static ino_t rob(const struct stranger *stranger, size_t first, size_t n)
{
	int fd = stranger->open();
	ino_t inode = inode_of(fd);

	for (size_t i = first; i < first + n; i++) {
		if (fd < 0)
			close(ours[i]);
		else
			dup2(fd, ours[i]);
	}
	if (fd >= 0)
		close(fd);
	return inode;
}

/* Whether all of them are as they were left: still there, with nothing written. */
static bool is_untouched(ino_t inode, size_t first, size_t n)
{
	char found[2 * sizeof(text)];

	for (size_t i = first; inode && i < first + n; i++) {
		if (inode_of(ours[i]) != inode)
			return false;
		if (fcntl(ours[i], F_GET_SEALS) >= 0 &&
		    (pread(ours[i], found, sizeof(found), 0) != sizeof(text) ||
		     memcmp(found, text, sizeof(text))))
			return false;
	}
	return true;
}

/* ---- Memory ---- */

static char *new_memory(uintptr_t at)
{
	char *start = mmap((void *)at, N_PAGES * page_size,
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED || ww_watch(ww, start, N_PAGES * page_size))
		return NULL;
	return start;
}

static void touch(char *start, size_t page)
{
	++*(volatile char *)(start + page * page_size);
}

/* The written pages as bits. */
static uint64_t get(char *start, unsigned flags)
{
	void *pages[N_PAGES];
	uint64_t bits = 0;
	ssize_t n = ww_get(ww, start, N_PAGES * page_size, flags, pages, N_PAGES);

	for (ssize_t i = 0; i < n; i++)
		bits |= UINT64_C(1) << (((char *)pages[i] - start) / page_size);
	return bits;
}

#define BIT(page) (UINT64_C(1) << (page))

/* Whether it watches as if nothing had happened. */
static bool is_exact(char *start)
{
	ww_reset(ww, start, N_PAGES * page_size);
	if (get(start, 0))
		return false;
	touch(start, 7);
	return get(start, WW_GET_RESET) == BIT(7) && !get(start, 0);
}

/* ---- What comes first after the robbery: how far it came ---- */

enum outcome { FINE, LOST, INEXACT, REFUSED, TAKEN };

static enum outcome judge(uint64_t seen)
{
	return (seen & (BIT(3) | BIT(5))) != (BIT(3) | BIT(5)) ? LOST :
	       !is_exact(memory) ? INEXACT : FINE;
}

static enum outcome query(void)
{
	return judge(get(memory, 0));
}

static enum outcome query_and_reset(void)
{
	return judge(get(memory, WW_GET_RESET));
}

static enum outcome reset(void)
{
	ww_reset(ww, memory, N_PAGES * page_size);
	touch(memory, 3);
	touch(memory, 5);
	return judge(get(memory, 0));
}

/* The kernel has forgotten the old memory if it was the userfaultfd. */
static enum outcome watch(void)
{
	char *other = new_memory((uintptr_t)memory - FAR);

	if (!other)
		return REFUSED;
	touch(other, 9);
	if (get(other, 0) != BIT(9) || !is_exact(other))
		return INEXACT;
	return judge(get(memory, 0));
}

static enum outcome unwatch(void)
{
	ww_unwatch(ww, memory, N_PAGES * page_size);
	if (ww_watch(ww, memory, N_PAGES * page_size))
		return REFUSED;
	touch(memory, 3);
	touch(memory, 5);
	return judge(get(memory, 0));
}

static enum outcome fork_and_query(void)
{
	pid_t child = fork();
	int status;

	if (!child) {
		alarm(20);
		_exit(query());
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return LOST;
	return WEXITSTATUS(status) ? WEXITSTATUS(status) : query();
}

static const struct {
	const char *name;
	enum outcome (*run)(void);
} firsts[] = {
	{ "a query", query },
	{ "a query with reset", query_and_reset },
	{ "a reset", reset },
	{ "a watch", watch },
	{ "an end of a watch", unwatch },
	{ "a fork", fork_and_query },
};

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Cases, each in a process of its own ---- */

static int run_case(size_t stranger, size_t run, size_t first, size_t n)
{
	enum outcome outcome;
	ino_t inode;

	alarm(30);
	open_tracker();
	memory = new_memory(0);
	if (!memory)
		return REFUSED;
	touch(memory, 3);
	inode = rob(&strangers[stranger], first, n);
	touch(memory, 5);
	outcome = firsts[run].run();
	if (outcome == FINE && !is_untouched(inode, first, n))
		outcome = TAKEN;
	ww_close(ww);
	if (outcome == FINE && !is_untouched(inode, first, n))
		outcome = TAKEN;
	return (int)outcome;
}

static void one_case(size_t stranger, size_t run, size_t first, size_t n,
		     const char *which)
{
	static const char *const outcomes[] = {
		"fine", "a write was lost", "it does not watch any more",
		"memory could not be watched", "a stranger's was touched",
	};
	pid_t child = fork();
	int status = -1;

	if (!child)
		_exit(run_case(stranger, run, first, n));
	waitpid(child, &status, 0);
	if (ok(status == 0, "%s %s, then %s", which, strangers[stranger].name,
	       firsts[run].name))
		return;
	if (WIFEXITED(status) && (size_t)WEXITSTATUS(status) < N(outcomes))
		diag("%s", outcomes[WEXITSTATUS(status)]);
	else
		diag("status %x", (unsigned)status);
}

int main(void)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	open_tracker();
	if (!n_ours)
		skip_all("this backend has no descriptors");
	ww_close(ww);
	for (size_t stranger = 0; stranger < N(strangers); stranger++)
		for (size_t run = 0; run < N(firsts); run++) {
			one_case(stranger, run, 0, n_ours, "all");
			for (size_t i = 0; i < n_ours; i++) {
				char which[32];

				snprintf(which, sizeof(which), "descriptor %zu", i);
				one_case(stranger, run, i, 1, which);
			}
		}
	return done_testing();
}

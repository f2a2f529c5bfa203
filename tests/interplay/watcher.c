/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watcher [segv|uffd|wait]: watches memory and compares what it is told with what
 * it writes, round by round; prints "exact", or what was wrong, or "no backend".
 * segv: with a handler of its own for SIGSEGV, which gets its own faults. uffd:
 * with a userfaultfd of its own, on other memory and on the watched. wait: says
 * where its memory is, and after a line of input which pages are written.
 */
#include <writewatch.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_PAGES 64
#define N_ROUNDS 50

static size_t page_size;
static struct ww *ww;
static char *memory;

static char *map(int protection)
{
	char *start = mmap(NULL, N_PAGES * page_size, protection,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		exit(1);
	return start;
}

static uint64_t get(unsigned flags)
{
	void *pages[N_PAGES];
	uint64_t bits = 0;
	ssize_t n = ww_get(ww, memory, N_PAGES * page_size, flags, pages, N_PAGES);

	for (ssize_t i = 0; i < n; i++)
		bits |= UINT64_C(1) << (((char *)pages[i] - memory) / page_size);
	return bits;
}

/* Every third page or so, another set in every round. */
static bool round_is_exact(unsigned round)
{
	uint64_t written = 0;

	for (unsigned page = round % 5; page < N_PAGES; page += 2 + round % 3) {
		*(volatile char *)(memory + page * page_size) = (char)round;
		written |= UINT64_C(1) << page;
	}
	return get(0) == written && get(WW_GET_RESET) == written && !get(0);
}

static const char *play(void)
{
	for (unsigned round = 0; round < N_ROUNDS; round++)
		if (!round_is_exact(round))
			return "not exact";
	return "exact";
}

/* ---- A handler of its own ---- */

static sigjmp_buf out;
static volatile sig_atomic_t n_faults;

static void handle(int signal)
{
	(void)signal;
	n_faults++;
	siglongjmp(out, 1);
}

static const char *play_with_handler(void)
{
	char *forbidden = map(PROT_NONE);
	const char *outcome = play();

	for (int i = 0; i < 3; i++)
		if (!sigsetjmp(out, 1))
			*(volatile char *)forbidden = 1;
	return n_faults == 3 ? outcome : "its own faults went astray";
}

/* ---- A userfaultfd of its own ---- */

static bool registers(int fd, char *start)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)start, N_PAGES * page_size },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return !ioctl(fd, UFFDIO_REGISTER, &reg);
}

/* Two userfaultfds on one mapping are refused by the kernel, whoever is first. */
static const char *play_with_userfaultfd(void)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	char *other = map(PROT_READ | PROT_WRITE);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return "no backend";
	if (!registers(fd, other))
		return "it cannot watch its own memory";
	if (!strcmp(ww_backend(ww), "uffd")) {
		if (registers(fd, memory))
			return "it got watched memory";
		if (ww_watch(ww, other, N_PAGES * page_size) != -EBUSY)
			return "its memory was taken";
	}
	return play();
}

/* ---- Others look in ---- */

static const char *wait_for_others(void)
{
	uint64_t bits;

	/* a text that is nowhere else */
	sprintf(memory + 3 * page_size, "%s-%s", "watched", "dumped");
	get(WW_GET_RESET);
	printf("%d %#lx %zu\n", (int)getpid(), (unsigned long)memory, page_size);
	fflush(stdout);
	if (getchar() == EOF)
		return "nobody came";
	bits = get(WW_GET_RESET);
	for (int page = 0; page < N_PAGES; page++)
		if (bits >> page & 1)
			printf("written: %d\n", page);
	return play();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	struct sigaction action = { .sa_handler = handle };

	alarm(120);
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	memory = map(PROT_READ | PROT_WRITE);
	if (!strcmp(mode, "segv"))
		sigaction(SIGSEGV, &action, NULL);
	if (ww_open(&ww, NULL)) {
		printf("no backend\n");
		return 0;
	}
	if (ww_watch(ww, memory, N_PAGES * page_size))
		return 1;
	if (!strcmp(mode, "segv"))
		puts(play_with_handler());
	else if (!strcmp(mode, "uffd"))
		puts(play_with_userfaultfd());
	else if (!strcmp(mode, "wait"))
		puts(wait_for_others());
	else
		puts(play());
	ww_close(ww);
	return 0;
}

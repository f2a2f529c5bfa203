/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process with watched memory that does what it is told, for winewatch top. */
#include "top_worker.h"

#include "../kernel/tap.h"

#include <writewatch.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_NAME "/memfd:winewatch (deleted)"
/* Of the shared file, as kernel/share.c lays it out. */
#define N_VIEWS_AT 48
#define STATS_AT 4096
#define VIEWS_AT 65536
#define PATIENCE_MS 20000

struct command {
	enum order order;
	uint64_t n;
};

static struct ww *ww;
static char *memory;
static size_t n_bytes;

bool worker_can_watch(void)
{
	const struct ww_open_options options = { sizeof(options), "uffd", NULL };
	struct ww *tried;

	if (ww_open(&tried, &options))
		return false;
	ww_close(tried);
	return true;
}

/* ---- In the worker ---- */

static void watch(void)
{
	const struct ww_open_options options = { sizeof(options), "uffd", NULL };

	if (ww_open(&ww, &options) || ww_watch(ww, memory, n_bytes))
		_exit(1);
}

static void write_pages(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		((volatile char *)memory)[i * n_bytes / WORKER_PAGES]++;
}

static void *get(void *times)
{
	void *pages[WORKER_PAGES];

	for (uint64_t i = 0; i < *(uint64_t *)times; i++)
		if (ww_get(ww, memory, n_bytes, WW_GET_RESET, pages,
			   WORKER_PAGES) < 0)
			_exit(1);
	return NULL;
}

static void get_runs(uint64_t times)
{
	struct ww_range runs[WORKER_PAGES];

	for (uint64_t i = 0; i < times; i++)
		if (ww_get_runs(ww, memory, n_bytes, WW_GET_RESET, runs,
				WORKER_PAGES) < 0)
			_exit(1);
}

static void get_in_threads(uint64_t times)
{
	pthread_t threads[WORKER_THREADS];

	for (int i = 0; i < WORKER_THREADS; i++)
		if (pthread_create(&threads[i], NULL, get, &times))
			_exit(1);
	for (int i = 0; i < WORKER_THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* The descriptor of the file that the tracker shares. */
static int shared_file(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	char link[64];
	int fd = -1;

	while (fd < 0 && folder && (entry = readdir(folder))) {
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, link,
				       sizeof(link));

		if (n == sizeof(FILE_NAME) - 1 && !memcmp(link, FILE_NAME, (size_t)n))
			fd = atoi(entry->d_name);
	}
	if (folder)
		closedir(folder);
	if (fd < 0)
		_exit(1);
	return fd;
}

static void store(off_t at, const void *data, size_t n)
{
	if (pwrite(shared_file(), data, n, at) != (ssize_t)n)
		_exit(1);
}

static void spoil_stats(void)
{
	unsigned char ones[4096];

	memset(ones, 0xff, sizeof(ones));
	store(STATS_AT, ones, sizeof(ones));
}

/* The first stays, some of the others look like views, and some of those like
 * this process's own. */
static void spoil_views(uint64_t seed)
{
	uint64_t views[512], many = UINT64_MAX;

	srand48((long)seed);
	for (size_t i = 0; i < 512; i++) {
		views[i] = (uint64_t)mrand48() << (lrand48() % 33);
		if (lrand48() % 2)
			views[i] &= ~UINT64_C(4095);
		if (lrand48() % 4 == 0)
			views[i] = (uintptr_t)memory + (uint64_t)i * 4096;
	}
	views[0] = (uintptr_t)memory;
	views[1] = (uintptr_t)memory + n_bytes;
	store(VIEWS_AT, views, sizeof(views));
	store(N_VIEWS_AT, &many, sizeof(many));
}

static uint64_t observed(void)
{
	uint64_t until = 0;

	if (pread(shared_file(), &until, sizeof(until), STATS_AT) !=
	    sizeof(until))
		_exit(1);
	return until != 0;
}

static uint64_t carry_out(struct command *command)
{
	switch (command->order) {
	case WATCH:
		watch();
		break;
	case WRITE:
		write_pages(command->n);
		break;
	case GET:
		get(&command->n);
		break;
	case GET_RUNS:
		get_runs(command->n);
		break;
	case RESET:
		while (command->n--)
			ww_reset(ww, memory, n_bytes);
		break;
	case THREADS:
		get_in_threads(command->n);
		break;
	case SPOIL_STATS:
		spoil_stats();
		break;
	case SPOIL_VIEWS:
		spoil_views(command->n);
		break;
	case OBSERVED:
		return observed();
	}
	return 0;
}

static void map(void)
{
	n_bytes = WORKER_PAGES * (size_t)sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		bail_out("mmap");
}

static void __attribute__((noreturn)) work(int in, int out)
{
	struct command command;
	uint64_t answer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(in, &command, sizeof(command)) == sizeof(command)) {
		answer = carry_out(&command);
		if (write(out, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

int worker_busy(void)
{
	uint64_t once = 1;

	map();
	watch();
	alarm(PATIENCE_MS / 1000);
	for (;;) {
		write_pages(3);
		get(&once);
		usleep(1000);
	}
}

/* ---- Its master ---- */

struct worker worker_start(void)
{
	int to[2], from[2];
	pid_t pid;

	if (!memory)
		map();
	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bail_out("pipe2");
	pid = fork();
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		work(to[0], from[1]);
	}
	if (pid < 0)
		bail_out("fork");
	close(to[0]);
	close(from[1]);
	return (struct worker){ pid, to[1], from[0], memory };
}

uint64_t worker_do(const struct worker *worker, enum order order, uint64_t n)
{
	struct command command = { order, n };
	struct pollfd from = { worker->from, POLLIN, 0 };
	uint64_t answer;

	if (write(worker->to, &command, sizeof(command)) != sizeof(command) ||
	    poll(&from, 1, PATIENCE_MS) != 1 ||
	    read(worker->from, &answer, sizeof(answer)) != sizeof(answer))
		bail_out("the worker gave no answer");
	return answer;
}

void worker_end(struct worker *worker)
{
	close(worker->to);
	close(worker->from);
	waitpid(worker->pid, NULL, 0);
}

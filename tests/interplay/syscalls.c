/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of system calls in SECURITY.md is complete and names none that is not
 * made: the library is used where the kernel stops a process at any other, and
 * then with each of the list forbidden, which must be noticed.
 */
#include "config.h"

#include "../kernel/tap.h"

#include <writewatch.h>
#ifdef WITH_WIN32
#include <writewatch/win32.h>
#endif

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 512
#define MAX_ROWS 64
#define CANNOT 77		/* a scenario's answer where it cannot be tried */
#define FORBIDDEN 78

static size_t page_size;

/* ---- What the library is asked to do ---- */

static void touch(char *memory)
{
	for (size_t i = 0; i < N_PAGES; i += 3)
		memory[i * page_size]++;
}

static int queries(struct ww *ww, char *memory)
{
	static void *pages[N_PAGES];
	static struct ww_range runs[N_PAGES];
	size_t n_bytes = N_PAGES * page_size;

	touch(memory);
	if (ww_get(ww, memory, n_bytes, 0, pages, N_PAGES) <= 0 ||
	    ww_get_runs(ww, memory, n_bytes, WW_GET_RESET, runs, N_PAGES) <= 0)
		return 1;
	touch(memory);
	return ww_mark(ww, memory, page_size) || ww_reset(ww, memory, n_bytes);
}

/* By its signal where the library had blocked that. */
static bool was_forbidden(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGSYS :
				     WEXITSTATUS(status) == FORBIDDEN;
}

static int ask_in_child(struct ww *ww, char *memory)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(queries(ww, memory));
	if (waitpid(child, &status, 0) != child)
		return 1;
	if (was_forbidden(status))
		_exit(FORBIDDEN);
	return status;
}

static int watch(const char *backend, bool forks)
{
	struct ww_open_options options = { .struct_size = sizeof(options),
					   .backend = backend };
	size_t n_bytes = N_PAGES * page_size;
	struct ww *ww;
	char *memory;
	int ret;

	if (ww_open(&ww, &options))
		return CANNOT;
	memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ret = ww_watch(ww, memory, n_bytes) || queries(ww, memory) ||
	      (forks && ask_in_child(ww, memory)) ||
	      ww_unwatch(ww, memory, n_bytes);
	ww_close(ww);
	return ret;
}

static int uffd(void)
{
	return watch("uffd", false);
}

static int uffd_and_fork(void)
{
	return watch("uffd", true);
}

static int softdirty(void)
{
	return watch("softdirty", true);
}

static int use_mprotect(void)
{
	return watch("mprotect", true);
}

static int probe(void)
{
	struct ww_feature features[16];

	return ww_probe(features, 16) <= 0;
}

#ifdef WITH_WIN32
static int win32(void)
{
	size_t n_bytes = N_PAGES * page_size;
	static PVOID pages[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity, old;
	char *memory = VirtualAlloc(NULL, n_bytes, MEM_RESERVE | MEM_COMMIT |
				    MEM_WRITE_WATCH, PAGE_READWRITE);

	if (!memory)
		return CANNOT;
	touch(memory);
	return GetWriteWatch(WRITE_WATCH_FLAG_RESET, memory, n_bytes, pages,
			     &count, &granularity) ||
	       !VirtualProtect(memory, n_bytes, PAGE_READONLY, &old) ||
	       !VirtualProtect(memory, n_bytes, PAGE_READWRITE, &old) ||
	       !VirtualFree(memory, n_bytes / 2, MEM_DECOMMIT) ||
	       !VirtualAlloc(memory, n_bytes / 2, MEM_COMMIT, PAGE_READWRITE) ||
	       ResetWriteWatch(memory, n_bytes) ||
	       !VirtualFree(memory, 0, MEM_RELEASE);
}

/* Memory of a child that is there before any filter is. */
static char *of_child;
static pid_t child;

static void begin_child(void)
{
	char **shared = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	child = fork();
	if (!child) {
		char *memory = VirtualAlloc(NULL, N_PAGES * page_size,
					    MEM_RESERVE | MEM_COMMIT |
					    MEM_WRITE_WATCH, PAGE_READWRITE);

		if (memory)
			touch(memory);
		__atomic_store_n(shared, memory ? memory : (char *)shared,
				 __ATOMIC_RELEASE);
		alarm(120);
		pause();
		_exit(1);
	}
	while (!__atomic_load_n(shared, __ATOMIC_ACQUIRE))
		usleep(1000);
	of_child = *shared == (char *)shared ? NULL : *shared;
	munmap(shared, page_size);
}

static void end_child(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static int other_process(void)
{
	static PVOID pages[N_PAGES];
	ULONG_PTR count = N_PAGES;
	ULONG granularity;
	HANDLE process;
	int ret;

	if (!of_child)
		return CANNOT;
	process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, (DWORD)child);
	ret = !process ||
	      NtGetWriteWatch(process, WRITE_WATCH_FLAG_RESET, of_child,
			      N_PAGES * page_size, pages, &count, &granularity) ||
	      NtResetWriteWatch(process, of_child, N_PAGES * page_size);
	return !CloseHandle(process) || ret;
}
#else
static void begin_child(void)
{
}

static void end_child(void)
{
}
#endif

static const struct scenario {
	const char *name;
	int (*run)(void);
} scenarios[] = {
	{ "uffd", uffd },
	{ "uffd and a fork", uffd_and_fork },
	{ "softdirty", softdirty },
	{ "mprotect", use_mprotect },
	{ "the list of features", probe },
#ifdef WITH_WIN32
	{ "the Win32 calls", win32 },
	{ "another process", other_process },
#endif
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* ---- The list: a row of one or more calls, of which a C library makes one ---- */

struct row {
	char names[96];		/* "openat open" */
};

static struct row rows[MAX_ROWS];
static size_t n_rows;

/* What this test makes itself, between the filter and its end. */
static const struct row ours = { "clone set_robust_list wait4 exit_group" };

/* Made only by some machines' backends, when threads race, or as the allocator
 * of the C library sees fit. */
static const char *const rare[] = {
	"sched_yield", "getrusage", "pread64", "write", "brk", "getrandom",
	"futex", "statfs",
};

/* Takes the words in backquotes of the first column. */
static void read_row(const char *line)
{
	const char *end = strchr(line + 1, '|'), *from = line, *to;
	struct row *row = &rows[n_rows];

	if (!end || n_rows == MAX_ROWS)
		return;
	while ((from = strchr(from, '`')) && from < end &&
	       (to = strchr(++from, '`'))) {
		size_t n = strlen(row->names);

		snprintf(row->names + n, sizeof(row->names) - n, "%s%.*s",
			 n ? " " : "", (int)(to - from), from);
		from = to + 1;
	}
	n_rows += *row->names != '\0';
}

static void read_list(void)
{
	const char *folder = getenv("top_srcdir");
	char path[4096], line[512];
	bool inside = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/SECURITY.md", folder ? folder : ".");
	file = fopen(path, "re");
	if (!file)
		bail_out("reading SECURITY.md");
	while (fgets(line, sizeof(line), file)) {
		if (*line == '#')
			inside = !strcmp(line, "## System calls\n");
		if (inside && !strncmp(line, "| `", 3))
			read_row(line);
	}
	fclose(file);
}

/* ---- Filters ---- */

/* The number of the call that was stopped, and where its handler leaves it. */
static volatile int *stopped;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	*stopped = info->si_syscall;
	_exit(FORBIDDEN);
}

static void allow_row(scmp_filter_ctx filter, const struct row *row)
{
	char names[sizeof(row->names)], *rest = names, *name;

	strcpy(names, row->names);
	while ((name = strsep(&rest, " "))) {
		int number = seccomp_syscall_resolve_name(name);

		if (number == __NR_SCMP_ERROR)
			bail_out(name);
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
}

/* From here on all rows but one can be called; n_rows: all. */
static void forbid(size_t row)
{
	struct sigaction action = { .sa_sigaction = note,
				    .sa_flags = SA_SIGINFO };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);

	sigaction(SIGSYS, &action, NULL);
	allow_row(filter, &ours);
	for (size_t i = 0; i < n_rows; i++)
		if (i != row)
			allow_row(filter, &rows[i]);
	if (!filter || seccomp_load(filter))
		_exit(CANNOT);
	seccomp_release(filter);
}

static int run(const struct scenario *scenario, size_t row)
{
	pid_t pid = fork();
	int status;

	*stopped = -1;
	if (!pid) {
		alarm(60);
		forbid(row);
		_exit(scenario->run());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("a child");
	if (was_forbidden(status))
		return FORBIDDEN;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static void is_complete_for(const struct scenario *scenario)
{
	int ret = run(scenario, n_rows);
	char *name;

	if (ret == CANNOT) {
		skip(scenario->name, "not to be had here");
		return;
	}
	if (ok(!ret, "%s: the list is complete", scenario->name))
		return;
	name = *stopped < 0 ? NULL : seccomp_syscall_resolve_num_arch(
						SCMP_ARCH_NATIVE, *stopped);
	diag("ended with %d, stopped at %s", ret, name ? name : "nothing");
	free(name);
}

static bool is_rare(const struct row *row)
{
	for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
		if (!strncmp(row->names, rare[i], strlen(rare[i])))
			return true;
	return false;
}

/* Some scenario does not get through without it. */
static void is_needed(size_t row)
{
	bool noticed = false;

	for (size_t i = 0; i < N_SCENARIOS && !noticed; i++)
		noticed = run(&scenarios[i], row) == FORBIDDEN;
	if (!noticed && is_rare(&rows[row]))
		skip(rows[row].names, "no machine makes all of them");
	else
		ok(noticed, "%s is needed", rows[row].names);
}

int main(void)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	stopped = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	read_list();
	ok(n_rows > 10, "SECURITY.md lists %zu kinds of calls", n_rows);
	begin_child();
	for (size_t i = 0; i < N_SCENARIOS; i++)
		is_complete_for(&scenarios[i]);
	for (size_t i = 0; i < n_rows; i++)
		is_needed(i);
	end_child();
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that runs out of descriptors, of address space or of memory, in the
 * midst of its calls: some are refused, and no write is lost.
 *
 * Usage: scarce [SEED]
 */
#include "shadow.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

enum {
	STEPS = 10000,
	GROUP_MIB = 32,
	BALLAST_PAGES = 65536,	/* 256 MiB */
	BATCH = 256,
	CHILD_SECONDS = 60,
	SKIPPED = 77,
};

static uint64_t seed;

/* Shared with children, which may be killed. */
static struct figures *figures;

/* ---- Children ---- */

/* A child that has watched nothing yet does it. Returns its status, as from
 * wait. Who hangs is killed, with SIGALRM. */
static int in_child(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(CHILD_SECONDS);
		_exit(run());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("a child");
	return status;
}

static void tell(const char *name)
{
	ok(!figures->lost && !figures->wrong, "%s", name);
	diag("%llu writes, %llu calls, %llu of them refused; lost %llu, wrong "
	     "%llu", (unsigned long long)figures->writes,
	     (unsigned long long)figures->calls,
	     (unsigned long long)figures->refused,
	     (unsigned long long)figures->lost,
	     (unsigned long long)figures->wrong);
	memset(figures, 0, sizeof(*figures));
}

static void begin(struct shadow *shadow, bool limited)
{
	char *base = allocate(SHADOW_PAGES, MEM_RESERVE | MEM_WRITE_WATCH,
			      PAGE_READWRITE);

	shadow_begin(shadow, base, seed, figures);
	shadow->zone = allocate(ZONE_PAGES, MEM_RESERVE, PAGE_READWRITE);
	release(shadow->zone);
	shadow->limited = limited;
}

static void go_on(struct shadow *shadow)
{
	for (int i = 0; i < STEPS; i++)
		shadow_step(shadow);
	shadow_take_all(shadow);
}

/* ---- Descriptors ---- */

static void limit_descriptors(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = n ? n : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		bail_out("setrlimit");
}

/* Reservations that are not watched need none. */
static int begin_without(void)
{
	char *plain, *base;

	limit_descriptors(1);
	base = VirtualAlloc(NULL, PAGE_BYTES, MEM_RESERVE | MEM_WRITE_WATCH,
			    PAGE_READWRITE);
	if (base && uses_uffd())
		return 1;
	if (!base && GetLastError() != ERROR_NOT_SUPPORTED &&
	    GetLastError() != ERROR_NOT_ENOUGH_MEMORY)
		return 2;
	plain = VirtualAlloc(NULL, PAGE_BYTES, MEM_RESERVE | MEM_COMMIT,
			     PAGE_READWRITE);
	if (!plain)
		return 3;
	*plain = 1;
	limit_descriptors(0);
	return can_watch() ? 0 : 4;
}

/* Other backends look at what is mapped before they watch more. */
static int go_on_without(void)
{
	struct shadow shadow;

	begin(&shadow, !uses_uffd());
	limit_descriptors(1);
	go_on(&shadow);
	return 0;
}

/* A child cannot ask about what it has inherited then, which reads as written,
 * and cannot watch anything new. */
static int fork_without(void)
{
	struct shadow shadow;
	pid_t pid;
	int status;

	begin(&shadow, !uses_uffd());
	go_on(&shadow);
	limit_descriptors(1);
	pid = fork();
	if (!pid) {
		shadow.limited = true;
		shadow_take_all(&shadow);
		go_on(&shadow);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	go_on(&shadow);
	return 0;
}

static void descriptors(void)
{
	ok(!in_child(begin_without), "without a descriptor there is no watch, and "
	   "with one there is");
	ok(!in_child(go_on_without), "who has begun needs none");
	tell("and loses no write");
	ok(!in_child(fork_without), "nor does who forks");
	tell("and neither process loses a write");
}

/* ---- Address space ---- */

/* A little more than there is, so that some calls find no room. */
static int little_address_space(void)
{
	struct rlimit limit;
	struct shadow shadow;
	char *large;

	begin(&shadow, true);
	go_on(&shadow);
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = (rlim_t)status_kb("VmSize") * 1024 + 8 * PAGE_BYTES;
	if (setrlimit(RLIMIT_AS, &limit))
		return SKIPPED;
	go_on(&shadow);
	large = VirtualAlloc(NULL, 64 * MIB, MEM_RESERVE | MEM_WRITE_WATCH,
			     PAGE_READWRITE);
	if (large || GetLastError() != ERROR_NOT_ENOUGH_MEMORY)
		return 1;
	return !figures->refused;
}

static void address_space(void)
{
	ok(!in_child(little_address_space),
	   "without address space calls are refused");
	tell("and no write is lost");
}

/* ---- Memory ---- */

static char group[512];

static bool write_in_group(const char *name, unsigned long long number)
{
	char path[600];
	bool written;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", group, name);
	file = fopen(path, "we");
	if (!file)
		return false;
	written = fprintf(file, "%llu", number) > 0;
	return !fclose(file) && written;
}

/* The folder of this process's own group; with version 1 of the interface that
 * of the memory controller. */
static bool find_group(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[400];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *path = strchr(line, '/');

		line[strcspn(line, "\n")] = 0;
		found = path && (strstr(line, ":memory:") ||
				 !strncmp(line, "0::", 3));
		if (found)
			snprintf(group, sizeof(group), "/sys/fs/cgroup%s%s/"
				 "winewatch-%d", line[0] == '0' ? "" : "/memory",
				 path, (int)getpid());
	}
	if (file)
		fclose(file);
	return found;
}

static bool make_group(void)
{
	if (!find_group() || mkdir(group, 0755))
		return false;
	if (write_in_group("memory.max", GROUP_MIB * MIB) ||
	    write_in_group("memory.limit_in_bytes", GROUP_MIB * MIB))
		return true;
	rmdir(group);
	return false;
}

/* It is empty some time after its last process has ended. */
static void remove_group(void)
{
	for (int i = 0; i < 1000 && rmdir(group); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Writes the next pages: exactly they are reported. */
static void write_batch(char *base, size_t first)
{
	static void *results[BATCH];
	ULONG_PTR count = BATCH;
	DWORD granularity;

	for (size_t page = first; page < first + BATCH; page++) {
		touch(base, page);
		figures->writes++;
	}
	figures->calls++;
	if (GetWriteWatch(RESET, base, (first + BATCH) * PAGE_BYTES, results,
			  &count, &granularity))
		figures->wrong++;
	else if (count != BATCH || results[0] != base + first * PAGE_BYTES)
		figures->lost++;
}

/* Stays a little below the limit, with what the calls themselves need. */
static int stay_in_group(void)
{
	struct shadow shadow;
	char *base;

	if (!write_in_group("cgroup.procs", (unsigned)getpid()))
		return SKIPPED;
	begin(&shadow, true);
	base = watched(BALLAST_PAGES);
	for (size_t page = 0; page < GROUP_MIB * MIB / 2 / PAGE_BYTES;
	     page += BATCH)
		write_batch(base, page);
	go_on(&shadow);
	return 0;
}

/* Goes on until it is killed, or there was enough after all, thanks to swap. */
static int outgrow_group(void)
{
	char *base;

	if (!write_in_group("cgroup.procs", (unsigned)getpid()))
		return SKIPPED;
	base = watched(BALLAST_PAGES);
	for (size_t page = 0; page < BALLAST_PAGES; page += BATCH)
		write_batch(base, page);
	return 0;
}

static void memory(void)
{
	int status;

	if (!make_group()) {
		skip("a limit of memory", "no control group can be made here");
		return;
	}
	status = in_child(stay_in_group);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		skip("a limit of memory", "no control group can be entered here");
	} else {
		ok(!status, "with half of its memory used a process goes on");
		tell("and loses no write");
		status = in_child(outgrow_group);
		ok(!status || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
		   "one that uses more than it may is killed, or swapped");
		tell("and has lost no write until then");
	}
	remove_group();
}

int main(int argc, char **argv)
{
	figures = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (figures == MAP_FAILED)
		bail_out("mmap");
	seed = seed_of(argc, argv);
	if (in_child(begin_without) == 4 << 8)
		watch_or_skip();
	descriptors();
	address_space();
	memory();
	return done_testing();
}

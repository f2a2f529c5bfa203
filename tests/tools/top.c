/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * winewatch top on native processes: what it prints, counts, waits for and
 * refuses; that a killed one is forgotten; that a hostile process does it no
 * harm. Rates and times are printed by it and compared with nothing.
 */
#include "stats.h"
#include "top_worker.h"

#include "../kernel/tap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define MAX_ARGUMENTS 12

static char winewatch[4096];

/* ---- Running it ---- */

struct run {
	pid_t pid;
	int out;
	size_t n;
	char text[1 << 20];	/* what it has said and nobody has taken */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void __attribute__((noreturn)) become(char *const *arguments)
{
	execv(winewatch, arguments);
	_exit(125);
}

/* Starts it with `words`, which blanks separate, and the pid. */
static void split(char **arguments, char *words, char *pid)
{
	char *rest = NULL;
	int n = 0;

	arguments[n++] = winewatch;
	for (char *word = strtok_r(words, " ", &rest); word && n < MAX_ARGUMENTS - 2;
	     word = strtok_r(NULL, " ", &rest))
		arguments[n++] = word;
	arguments[n++] = pid;
	arguments[n] = NULL;
}

static void start(struct run *run, const char *words, pid_t pid, bool pty)
{
	char *arguments[MAX_ARGUMENTS], copy[256], number[16];
	struct winsize size = { 24, 100, 0, 0 };
	int out[2] = { -1, -1 };

	snprintf(copy, sizeof(copy), "%s", words);
	snprintf(number, sizeof(number), "%d", (int)pid);
	split(arguments, copy, pid ? number : NULL);
	if (!pty && pipe2(out, O_CLOEXEC))
		bail_out("pipe2");
	run->pid = pty ? forkpty(&run->out, NULL, NULL, &size) : fork();
	if (run->pid == 0) {
		if (!pty)
			dup2(out[1], STDOUT_FILENO);
		become(arguments);
	}
	if (run->pid < 0)
		bail_out("fork");
	if (!pty) {
		close(out[1]);
		run->out = out[0];
	}
	run->n = 0;
}

/* Reads what there is, waiting for some. False at the end, or without any. */
static bool hear(struct run *run)
{
	struct pollfd out = { run->out, POLLIN, 0 };
	ssize_t n;

	if (run->n == sizeof(run->text) - 1 || poll(&out, 1, PATIENCE_MS) != 1)
		return false;
	n = read(run->out, run->text + run->n, sizeof(run->text) - 1 - run->n);
	if (n <= 0)
		return false;
	run->n += (size_t)n;
	run->text[run->n] = '\0';
	return true;
}

/* Whether it says `what`, sooner or later. */
static bool says(struct run *run, const char *what)
{
	do {
		run->text[run->n] = '\0';
		if (strstr(run->text, what))
			return true;
	} while (hear(run));
	return false;
}

/* Takes its next line; the caller frees what it means. NULL: none, or no JSON. */
static json_t *next_look(struct run *run)
{
	json_t *look;
	char *end;

	if (!says(run, "\n"))
		return NULL;
	end = strchr(run->text, '\n');
	*end = '\0';
	look = json_loads(run->text, 0, NULL);
	run->n -= (size_t)(end + 1 - run->text);
	memmove(run->text, end + 1, run->n);
	return look;
}

/* Its exit status, or minus the signal that ended it; whatever it still says is
 * thrown away. */
static int end(struct run *run)
{
	int64_t last = now_ms() + PATIENCE_MS;
	int status;

	do
		run->n = 0;
	while (hear(run) && now_ms() < last);
	close(run->out);
	while (!waitpid(run->pid, &status, WNOHANG)) {
		if (now_ms() > last)
			kill(run->pid, SIGKILL);
		usleep(1000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int end_by(struct run *run, int signal)
{
	kill(run->pid, signal);
	return end(run);
}

/* ---- What a look holds ---- */

static bool is_object_of(const json_t *object, const char *keys,
			 const char *types)
{
	char copy[128], *rest = NULL;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", keys);
	for (char *key = strtok_r(copy, " ", &rest); key;
	     key = strtok_r(NULL, " ", &rest)) {
		const json_t *value = json_object_get(object, key);

		if (!(types[n] == 'i' ? json_is_integer(value) :
		      types[n] == 'r' ? json_is_real(value) :
		      types[n] == 's' ? json_is_string(value) :
		      types[n] == 'o' ? json_is_object(value) :
		      types[n] == 'a' ? json_is_array(value) :
		      json_is_integer(value) || json_is_null(value)))
			return false;
		n++;
	}
	return json_object_size(object) == n;
}

static bool is_look(const json_t *look)
{
	static const char call_keys[] = "calls pages calls_per_second "
		"pages_per_second p50_ns p90_ns p99_ns max_ns";
	const json_t *region;
	size_t i;

	if (!is_object_of(look, "pid name seconds page_bytes get reset regions",
			  "isriooa") ||
	    !is_object_of(json_object_get(look, "get"), call_keys, "iirr????") ||
	    !is_object_of(json_object_get(look, "reset"), call_keys, "iirr????"))
		return false;
	json_array_foreach(json_object_get(look, "regions"), i, region)
		if (!is_object_of(region, "start bytes written where", "siia"))
			return false;
	return true;
}

static int64_t number(const json_t *look, const char *of, const char *key)
{
	const json_t *object = *of ? json_object_get(look, of) : look;

	return json_integer_value(json_object_get(object, key));
}

static const json_t *region_of(const json_t *look)
{
	return json_array_get(json_object_get(look, "regions"), 0);
}

static bool shows_region(const json_t *look, const struct worker *worker)
{
	char start[32];

	snprintf(start, sizeof(start), "0x%" PRIxPTR, (uintptr_t)worker->memory);
	return json_array_size(json_object_get(look, "regions")) == 1 &&
	       !strcmp(json_string_value(json_object_get(region_of(look), "start")),
		       start) &&
	       number(region_of(look), "", "bytes") ==
		       WORKER_PAGES * number(look, "", "page_bytes");
}

/* Of 32 parts of 64 pages, the first ones hold all n. */
static bool shows_written(const json_t *look, int64_t n)
{
	const json_t *where = json_object_get(region_of(look), "where");
	bool right = number(region_of(look), "", "written") == n &&
		     json_array_size(where) == 32;

	for (size_t i = 0; i < 32; i++) {
		int64_t here = n > 2 ? 2 : n;

		right &= json_integer_value(json_array_get(where, i)) == here;
		n -= here;
	}
	return right;
}

static bool are_ordered(const json_t *calls)
{
	int64_t p50 = number(calls, "", "p50_ns");
	int64_t p90 = number(calls, "", "p90_ns");
	int64_t p99 = number(calls, "", "p99_ns");

	return p50 > 0 && p50 <= p90 && p90 <= p99 &&
	       p99 <= number(calls, "", "max_ns");
}

/* What no hostile process can have shown otherwise: regions of whole pages, one
 * behind the other. */
static bool has_regions_in_order(const json_t *look)
{
	int64_t page_size = number(look, "", "page_bytes");
	uint64_t last = 0;
	const json_t *region;
	size_t i;

	json_array_foreach(json_object_get(look, "regions"), i, region) {
		uint64_t start = strtoull(
			json_string_value(json_object_get(region, "start")), NULL, 0);
		int64_t n_bytes = number(region, "", "bytes");

		if (start < last || n_bytes <= 0 || n_bytes % page_size)
			return false;
		last = start + (uint64_t)n_bytes;
	}
	return true;
}

/* ---- Tests ---- */

static void test_buckets(void)
{
	bool right = true;

	for (size_t i = 0; i + 1 < WW_STATS_BUCKETS; i++) {
		uint64_t ns = ww_stats_bucket_ns(i);
		uint64_t next = ww_stats_bucket_ns(i + 1);

		right &= ns < next && ww_stats_bucket(ns) == i &&
			 ww_stats_bucket(next - 1) == i &&
			 (ns < 4 || (next - ns) * 4 <= ns);
	}
	ok(right, "a bucket holds its times, none wider than a quarter");
	ok(ww_stats_bucket(UINT64_MAX) == WW_STATS_BUCKETS - 1,
	   "the last one holds all that are longer");
}

/* The look that already knows of all calls, of the few that follow. */
static json_t *look_after(struct run *run, const char *of, int64_t n_calls)
{
	json_t *look = next_look(run);

	for (int i = 0; i < 100 && look && number(look, of, "calls") < n_calls; i++) {
		json_decref(look);
		look = next_look(run);
	}
	return look;
}

static void test_counts(const struct worker *worker, struct run *run)
{
	json_t *look;

	worker_do(worker, GET, 100);
	worker_do(worker, RESET, 7);
	look = look_after(run, "reset", 7);
	ok(look && number(look, "get", "calls") == 100, "100 queries are 100");
	ok(look && number(look, "get", "pages") == 5,
	   "they have reported what was written, and looking took nothing");
	ok(look && number(look, "reset", "calls") == 7, "7 resets are 7");
	json_decref(look);

	worker_do(worker, WRITE, 3);
	worker_do(worker, GET_RUNS, 1);
	look = look_after(run, "get", 101);
	ok(look && number(look, "get", "pages") == 8, "runs are counted in pages");
	ok(look && are_ordered(json_object_get(look, "get")),
	   "the times of a query are in order");
	json_decref(look);

	worker_do(worker, THREADS, 1000);
	look = look_after(run, "get", 101 + WORKER_THREADS * 1000);
	ok(look && number(look, "get", "calls") == 101 + WORKER_THREADS * 1000,
	   "no query of %d threads is lost", WORKER_THREADS);
	json_decref(look);
}

static void test_json(const struct worker *worker)
{
	struct run run;
	json_t *look;

	worker_do(worker, GET, 10);
	worker_do(worker, WRITE, 5);
	start(&run, "top --json -d 0.05", worker->pid, false);
	look = next_look(&run);
	ok(look && is_look(look), "a look is as the manual says");
	ok(look && number(look, "", "pid") == worker->pid, "it names the process");
	ok(look && shows_region(look, worker), "it shows the region");
	ok(look && shows_written(look, 5), "and where it was written");
	ok(look && !number(look, "get", "calls"), "calls count from here on");
	json_decref(look);
	test_counts(worker, &run);
	ok(end_by(&run, SIGTERM) == -SIGTERM, "it goes on until it is ended");
}

static void test_number_of_looks(const struct worker *worker)
{
	struct run run;
	int n = 0;
	json_t *look;

	start(&run, "top --json -d 0.05 -n 3", worker->pid, false);
	while ((look = next_look(&run))) {
		json_decref(look);
		n++;
	}
	ok(n == 3, "-n 3 gives 3 looks");
	ok(end(&run) == 0, "and then a good end");
}

static void test_text(const struct worker *worker)
{
	char line[128];
	struct run run;

	worker_do(worker, WRITE, 17);
	start(&run, "top -n 1", worker->pid, false);
	snprintf(line, sizeof(line), "%14" PRIxPTR
		 " %5d.0 KiB %10d  26.6%% |@@@@@@@@#%24s\n",
		 (uintptr_t)worker->memory,
		 (int)(WORKER_PAGES * sysconf(_SC_PAGESIZE) / 1024), 17, "|");
	ok(says(&run, line), "text has a line for the region");
	ok(says(&run, "GetWriteWatch ") && says(&run, "ResetWriteWatch "),
	   "and one for each kind of call");
	ok(!strchr(run.text, '\033'), "and nothing for a terminal");
	ok(end(&run) == 0, "it ends well");
}

static void test_killed(const struct worker *worker)
{
	struct run run;
	json_t *look;

	start(&run, "top --json -d 0.05", worker->pid, false);
	look = next_look(&run);
	json_decref(look);
	ok(worker_do(worker, OBSERVED, 0), "a process knows that it is looked at");
	end_by(&run, SIGKILL);
}

/* When some time has gone by. */
static void test_forgotten(const struct worker *worker)
{
	int64_t last = now_ms() + PATIENCE_MS;

	while (worker_do(worker, OBSERVED, 0) && now_ms() < last) {
		worker_do(worker, GET, 1);
		usleep(50000);
	}
	ok(!worker_do(worker, OBSERVED, 0), "and forgets one that was killed");
}

static void test_screen(const struct worker *worker)
{
	char address[32];
	struct run run;
	bool shown;

	setenv("TERM", "xterm", 1);
	snprintf(address, sizeof(address), "%" PRIxPTR, (uintptr_t)worker->memory);
	start(&run, "top -d 600", worker->pid, true);
	shown = says(&run, address);
	if (shown && !strchr(run.text, '\033')) {
		skip("the screen shows the region", "built without ncurses");
		skip("q ends it", "built without ncurses");
		end_by(&run, SIGTERM);
		return;
	}
	ok(shown && says(&run, "q: quit"), "the screen shows the region");
	ok(write(run.out, "q", 1) == 1 && end(&run) == 0, "q ends it");
}

static void test_waiting(void)
{
	struct worker worker = worker_start();
	struct run run;
	json_t *look;

	start(&run, "top --json -d 0.05", worker.pid, false);
	usleep(300000);
	worker_do(&worker, WATCH, 0);
	look = next_look(&run);
	ok(look && shows_region(look, &worker),
	   "it waits for a process that has the library");
	json_decref(look);
	worker_end(&worker);
	ok(end(&run) == 0, "the process's end is its end");
}

static int status_of(const char *words, pid_t pid)
{
	struct run run;

	start(&run, words, pid, false);
	return end(&run);
}

/* Another program, when it is that: the pipe closes as it begins. */
static pid_t start_sleeper(void)
{
	struct pollfd begun = { .events = POLLIN };
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		bail_out("pipe2");
	pid = fork();
	if (pid == 0) {
		execlp("sleep", "sleep", "60", NULL);
		_exit(1);
	}
	close(fds[1]);
	begun.fd = fds[0];
	if (pid < 0 || poll(&begun, 1, PATIENCE_MS) != 1)
		bail_out("sleep did not start");
	close(fds[0]);
	return pid;
}

static void test_refusals(void)
{
	pid_t pid = start_sleeper();

	ok(status_of("top -n 1", pid) == 1, "a process without the library: 1");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(status_of("top -n 1", pid) == 3, "no process: 3");
	ok(status_of("top", 0) == 2, "nothing to look at: 2");
	ok(status_of("top 12x", 0) == 2, "no number: 2");
	ok(status_of("top -d 0", 1) == 2, "no delay: 2");
	ok(status_of("top -n 0", 1) == 2, "no looks: 2");
	ok(status_of("top 1", 1) == 2, "two processes: 2");
}

static void test_hostile(uint64_t seed)
{
	struct worker worker = worker_start();
	struct run run;
	json_t *look;
	int n = 0;

	worker_do(&worker, WATCH, 0);
	worker_do(&worker, SPOIL_STATS, 0);
	start(&run, "top --json -d 0.05 -n 3", worker.pid, false);
	while ((look = next_look(&run)) && is_look(look)) {
		worker_do(&worker, GET, 1);
		json_decref(look);
		n++;
	}
	ok(n == 3 && end(&run) == 0, "spoiled statistics are shown");
	for (int i = 0; i < 5; i++) {
		worker_do(&worker, SPOIL_VIEWS, seed + (uint64_t)i);
		start(&run, "top --json -n 1", worker.pid, false);
		look = next_look(&run);
		ok(look && is_look(look) && has_regions_in_order(look) &&
		   end(&run) == 0, "spoiled views of seed %" PRIu64,
		   seed + (uint64_t)i);
		json_decref(look);
	}
	worker_end(&worker);
}

/* COMMAND is this program. */
static void test_command(void)
{
	char self[2048], words[3000];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct run run;
	json_t *look;
	int pid;

	if (n < 0 || system("\"$top_builddir/tools/winewatch\" run true")) {
		skip("a COMMAND is shown", "libwinewatch.so was not built");
		skip("it is left alone", "libwinewatch.so was not built");
		return;
	}
	self[n] = '\0';
	snprintf(words, sizeof(words), "top --json -d 0.05 -n 1 -- %s busy", self);
	start(&run, words, 0, false);
	look = next_look(&run);
	pid = look ? (int)number(look, "", "pid") : 0;
	ok(look && shows_written(look, number(region_of(look), "", "written")),
	   "a COMMAND is shown");
	json_decref(look);
	end(&run);
	ok(pid > 0 && kill(pid, SIGKILL) == 0, "it is left alone");
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) :
				   (uint64_t)getpid();
	const char *build = getenv("top_builddir");
	struct worker worker;

	if (argc > 1 && !strcmp(argv[1], "busy"))
		return worker_busy();
	snprintf(winewatch, sizeof(winewatch), "%s/tools/winewatch",
		 build ? build : ".");
	if (!worker_can_watch())
		skip_all("no backend here that others can look at");
	diag("seed %" PRIu64, seed);
	signal(SIGPIPE, SIG_IGN);
	setenv("LC_ALL", "C", 1);
	worker = worker_start();
	worker_do(&worker, WATCH, 0);
	test_buckets();
	test_json(&worker);
	test_number_of_looks(&worker);
	test_text(&worker);
	test_screen(&worker);
	test_killed(&worker);
	test_waiting();
	test_refusals();
	test_hostile(seed);
	test_command();
	test_forgotten(&worker);
	worker_end(&worker);
	return done_testing();
}

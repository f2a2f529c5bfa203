/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch top: a live view of what a process writes. */
#include "config.h"

#include "tool.h"
#include "top.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How often a process without watched memory is asked again. */
#define WAIT_SECONDS 0.2
/* Of the text for other programs: all that are looked at. */
#define ALL_REGIONS SIZE_MAX

struct top {
	double delay;
	unsigned long n_looks;	/* 0: no end */
	bool json;
	bool on_screen;
	pid_t root;		/* this process itself, of a COMMAND */
	char **command;		/* what run_command gets, or NULL */
	int n_arguments;
};

/* ---- Options ---- */

static double seconds_of(const char *argument, struct argp_state *state)
{
	char *end;
	double seconds = strtod(argument, &end);

	if (end == argument || *end || !(seconds >= 0.05 && seconds <= 600))
		argp_error(state, "a delay is from 0.05 to 600 seconds");
	return seconds;
}

static unsigned long number_of(const char *argument, struct argp_state *state,
			       const char *what)
{
	char *end;
	long n = strtol(argument, &end, 10);

	if (end == argument || *end || n <= 0 || n > INT32_MAX)
		argp_error(state, "'%s' is not %s", argument, what);
	return (unsigned long)n;
}

/* The first argument, and for a COMMAND with all that follow. */
static void set_target(struct top *top, char *argument, struct argp_state *state)
{
	if (top->root) {
		argp_error(state, "one process only");
	} else if (state->quoted && state->next > state->quoted) {
		top->root = getpid();
		top->command = state->argv + state->next - 1;
		top->n_arguments = state->argc - state->next + 1;
		state->next = state->argc;
	} else {
		top->root = (pid_t)number_of(argument, state,
			"the number of a process (COMMAND stands after --)");
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case 'd':
	case WW_OPTION_TOP_DELAY:
		top->delay = seconds_of(argument, state);
		return 0;
	case 'n':
	case WW_OPTION_TOP_COUNT:
		top->n_looks = number_of(argument, state, "a number of looks");
		return 0;
	case WW_OPTION_TOP_JSON:
		top->json = true;
		return 0;
	case ARGP_KEY_ARG:
		set_target(top, argument, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "neither PID nor COMMAND was given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	WW_TOP_OPTIONS(WW_ARGP_OPTION)
	{ .key = 'd', .arg = "SECONDS", .doc = "The same as --delay." },
	{ .key = 'n', .arg = "N", .doc = "The same as --count." },
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PID\n-- COMMAND [ARGUMENT]...",
	.doc = "Shows what a process writes and asks, again and again.",
};

/* ---- COMMAND ---- */

/* In the new process. Its output must not come between ours. */
static void __attribute__((noreturn)) become(const struct top *top)
{
	char name[] = "winewatch run", end[] = "--";
	char **arguments = resize_array(NULL, (size_t)top->n_arguments + 3,
					sizeof(*arguments));
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	arguments[0] = name;
	arguments[1] = end;
	memcpy(arguments + 2, top->command,
	       ((size_t)top->n_arguments + 1) * sizeof(*arguments));
	dup2(nothing, STDIN_FILENO);
	if (top->on_screen && isatty(STDERR_FILENO))
		dup2(nothing, STDERR_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	exit(run_command(top->n_arguments + 2, arguments));
}

/* What COMMAND starts and leaves behind comes to us, as Wine's processes do. */
static bool start_command(const struct top *top)
{
	pid_t pid;

	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(top);
	if (pid < 0)
		complain("fork: %s", strerror(errno));
	return pid > 0;
}

/* Whether there is anything left to look at. Of a COMMAND, reaps what ended. */
static bool is_there(const struct top *top)
{
	pid_t pid;

	if (!top->command)
		return kill(top->root, 0) == 0 || errno == EPERM;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid == 0;
}

/* ---- Waiting for watched memory ---- */

static void sleep_for(double seconds)
{
	const struct timespec time = {
		(time_t)seconds, (long)(fmod(seconds, 1) * 1e9) };

	nanosleep(&time, NULL);
}

/* Says that there is nothing to see yet; false if there will never be. */
static bool can_wait(const struct top *top)
{
	if (top->command) {
		complain("%s has no watched memory yet; waiting",
			 top->command[0]);
		return true;
	}
	if (top_has_library(top->root)) {
		complain("process %d has no watched memory yet; waiting",
			 (int)top->root);
		return true;
	}
	complain("process %d does not use winewatch (start it with winewatch "
		 "run)", (int)top->root);
	return false;
}

static int refuse(const struct top *top, int error)
{
	if (error == -ESRCH)
		complain("there is no process %d", (int)top->root);
	else
		complain("process %d: %s (look at it as its user, or as root)",
			 (int)top->root, strerror(-error));
	return EXIT_UNKNOWN;
}

/* Finds a process with watched memory, however long it takes: 0, or the exit
 * status. */
static int wait_for_memory(const struct top *top, struct ww_process *process)
{
	bool waiting = false;
	int ret;

	while ((ret = top_find(process, top->root))) {
		bool is_open = ret == -ENOENT || ret == -EBUSY;

		if (!is_open && !waiting)
			return refuse(top, ret);
		/* one that cannot be asked any more is waiting to be reaped */
		if (!is_open || !is_there(top)) {
			complain("it has ended, without watched memory");
			return EXIT_UNWATCHED;
		}
		if (!waiting && !can_wait(top))
			return EXIT_UNWATCHED;
		waiting = true;
		sleep_for(WAIT_SECONDS);
	}
	return 0;
}

/* ---- Showing ---- */

/* Until the next look, or the process's end. */
static void wait_for_next(const struct top *top, const struct top_look *look)
{
	double rest = top->delay;

	for (; rest > TOP_STAY_SECONDS; rest -= TOP_STAY_SECONDS) {
		sleep_for(TOP_STAY_SECONDS);
		if (top_stay(look) == -ESRCH)
			return;
	}
	sleep_for(rest);
}

static bool print_look(const struct top *top, const struct top_look *look,
		       bool is_first)
{
	char *text = top->json ? top_json(look) : top_text(look, 0, ALL_REGIONS);

	printf("%s%s%s", is_first || top->json ? "" : "\n", text,
	       top->json ? "\n" : "");
	free(text);
	return !fflush(stdout) && !ferror(stdout);
}

/* Shows the looks at one process until the user has seen enough: 0, or why there
 * are no more. */
static int show(const struct top *top, struct top_look *look)
{
	int ret = 0;

	for (unsigned long i = 1; !ret || ret == -EBUSY; i++) {
		if (top->on_screen && !top_screen_show(look, top->delay))
			return 0;
		if (!top->on_screen && !print_look(top, look, i == 1))
			return -EIO;
		if (i == top->n_looks)
			return 0;
		if (!top->on_screen)
			wait_for_next(top, look);
		is_there(top);
		ret = top_again(look);
	}
	return ret;
}

/* The exit status, and the last word. */
static int judge(const struct ww_process *process, int ret, bool shown)
{
	/* -EACCES: it has not been reaped yet */
	if (ret == -ESRCH || ret == -EACCES)
		complain("process %d has ended, or watches nothing any more",
			 (int)process->pid);
	else if (ret == -EIO)
		complain("standard output could not be written");
	else if (ret)
		complain("process %d: %s", (int)process->pid, strerror(-ret));
	if (ret && ret != -ESRCH && ret != -EACCES)
		return EXIT_UNKNOWN;
	return shown ? EXIT_SHOWN : EXIT_UNWATCHED;
}

static int show_process(struct top *top, const struct ww_process *process)
{
	struct top_look look;
	int ret = top_begin(&look, process);
	bool shown = !ret;

	if (!ret) {
		top->on_screen = top->on_screen && top_screen_open();
		ret = show(top, &look);
		top_screen_close();
	}
	top_end(&look);
	return judge(process, ret, shown);
}

int top_command(int argc, char **argv)
{
	struct top top = { .delay = 1 };
	struct ww_process process;
	int status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &top);
	setlocale(LC_CTYPE, "");
	top.on_screen = !top.json && isatty(STDIN_FILENO) &&
			isatty(STDOUT_FILENO);
	if (top.command && !start_command(&top))
		return EXIT_UNKNOWN;
	status = wait_for_memory(&top, &process);
	return status ? status : show_process(&top, &process);
}

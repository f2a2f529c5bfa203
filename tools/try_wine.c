/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trying a Wine: starts it with winewatch and reads what winewatch says. */
#include "config.h"

#include "try_wine.h"

#include "child.h"
#include "environment.h"
#include "preload.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_S 30
#define INSTALL_WINE "apt-get install wine, or give its full path"

/*
 * What the shell and all below it write goes to files, not into pipes: a
 * wineserver that outlives the command would hold a pipe open.
 */
struct trial {
	const char *command;
	const char *library;
	int output;
	int errors;
	char *log;		/* path of winewatch's log; only we may read it */
	int log_fd;
	int status;		/* as from waitpid(2) */
};

static const char *const environment[] = {
#define V(symbol, name, values, what) [WW_ENV_##symbol] = name,
	WW_ENVIRONMENT(V)
#undef V
};

/* The last word on a Wine; takes over `reason`. */
static void answer(struct wine *wine, enum ww_state state, char *reason,
		   const char *remedy)
{
	wine->state = state;
	wine->reason = reason;
	wine->remedy = remedy;
}

static void open_trial(struct trial *trial)
{
	const char *folder = getenv("TMPDIR");

	if (!folder || !*folder)
		folder = "/tmp";
	trial->log = format_text("%s/winewatch-doctor-XXXXXX", folder);
	trial->log_fd = mkostemp(trial->log, O_CLOEXEC);
	trial->output = memfd_create("output", MFD_CLOEXEC);
	trial->errors = memfd_create("errors", MFD_CLOEXEC);
}

static bool is_open(const struct trial *trial)
{
	return trial->log_fd >= 0 && trial->output >= 0 && trial->errors >= 0;
}

static void close_trial(struct trial *trial)
{
	if (trial->log_fd >= 0) {
		unlink(trial->log);
		close(trial->log_fd);
	}
	if (trial->output >= 0)
		close(trial->output);
	if (trial->errors >= 0)
		close(trial->errors);
	free(trial->log);
}

/* In the new process, see struct child. */
static void start(const void *context)
{
	const struct trial *trial = context;
	char *preload = preload_value(trial->library, getenv("LD_PRELOAD"));
	char *line = format_text("%s --version", trial->command);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (dup2(nothing, 0) < 0 || dup2(trial->output, 1) < 0 ||
	    dup2(trial->errors, 2) < 0 || setenv("LD_PRELOAD", preload, 1) ||
	    setenv(environment[WW_ENV_LOG], "debug", 1) ||
	    setenv(environment[WW_ENV_LOG_FILE], trial->log, 1))
		_exit(EXIT_NOT_EXECUTABLE);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
}

/* Runs "COMMAND --version"; as child_run(). */
static int run_trial(struct trial *trial)
{
	struct child child = {
		.start = start,
		.context = trial,
		.timeout_s = TIMEOUT_S,
	};
	int error = child_run(&child);

	trial->status = child.status;
	return error;
}

/*
 * The last line in the file that `wanted` accepts (the first one if `first`),
 * or NULL.
 */
static char *find_line(int fd, bool (*wanted)(const char *line), bool first)
{
	FILE *file = fdopen(dup(fd), "r");
	char *line = NULL, *found = NULL;
	size_t n_bytes = 0;

	if (!file)
		return NULL;
	rewind(file);
	while (!(first && found) && getline(&line, &n_bytes, file) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!wanted(line))
			continue;
		free(found);
		found = format_text("%s", line);
	}
	free(line);
	fclose(file);
	return found;
}

static bool is_not_empty(const char *line)
{
	return *line != '\0';
}

static bool is_version(const char *line)
{
	return strncmp(line, "wine-", 5) == 0;
}

static bool is_verdict(const char *line)
{
	return strncmp(line, "winewatch[", 10) == 0 &&
	       (strstr(line, "]: entered ") || strstr(line, "]: stayed out of "))
	       && strstr(line, ": abi ");
}

/* Cuts "ABI, own watches ANSWER" off the end of the verdict. */
static void read_facts(struct wine *wine, char *verdict)
{
	char *facts = NULL, *comma;

	for (char *p = strstr(verdict, ": abi "); p; p = strstr(p + 1, ": abi "))
		facts = p;
	*facts = '\0';
	facts += strlen(": abi ");
	comma = strchr(facts, ',');
	if (!comma)
		return;
	*comma++ = '\0';
	free(wine->abi);
	wine->abi = format_text("%s", facts);
	if (strcmp(comma, " own watches yes") == 0)
		wine->own_watches = 1;
	else if (strcmp(comma, " own watches no") == 0)
		wine->own_watches = 0;
}

static void read_verdict(struct wine *wine, char *verdict)
{
	const char *library = "ntdll.so: ";
	const char *reason;

	read_facts(wine, verdict);
	if (strstr(verdict, "]: entered ")) {
		answer(wine, WW_SUPPORTED,
		       format_text(SERVED), "");
		return;
	}
	if (wine->own_watches == 1) {
		answer(wine, WW_SUPPORTED,
		       format_text("it has kernel write watches of its own, "
				   "so winewatch leaves it alone"), "");
		return;
	}
	reason = strstr(verdict, library);
	answer(wine, WW_MISSING,
	       format_text("winewatch stays out of it: %s",
			   reason ? reason + strlen(library) : verdict),
	       "see the kernel features; if they are all there, use a Wine of "
	       "another version");
}

/* COMMAND ran, and no line of winewatch tells of a Wine. */
static void read_silence(struct wine *wine)
{
	static const enum ww_environment switches[] = {
		WW_ENV_SWITCH, WW_ENV_WINE_SWITCH
	};

	for (int i = 0; i < 2; i++) {
		const char *name = environment[switches[i]];
		const char *value = getenv(name);

		if (!value || (strcmp(value, "0") == 0) != (i == 0))
			continue;
		if (i == 0 || *value) {
			answer(wine, WW_UNKNOWN,
			       format_text("winewatch is switched off by %s=%s",
					   name, value),
			       "unset that variable");
			return;
		}
	}
	answer(wine, WW_MISSING,
	       format_text("winewatch met no 64-bit Wine in it"),
	       "name the command of a 64-bit Wine: apt-get install wine64");
}

static void read_failure(struct wine *wine, const struct trial *trial)
{
	char *words = find_line(trial->errors, is_not_empty, false);
	int status = trial->status;

	if (WIFSIGNALED(status))
		answer(wine, WW_MISSING,
		       format_text("it was ended by signal %d",
				   WTERMSIG(status)), INSTALL_WINE);
	else
		answer(wine, WW_MISSING,
		       format_text("its exit status is %d%s%s",
				   WEXITSTATUS(status), words ? ": " : "",
				   words ? words : ""), INSTALL_WINE);
	free(words);
}

static void read_trial(struct wine *wine, const struct trial *trial)
{
	char *verdict;

	if (trial->status != 0) {
		read_failure(wine, trial);
		return;
	}
	wine->version = find_line(trial->output, is_version, true);
	if (!wine->version)
		wine->version = find_line(trial->output, is_not_empty, true);
	/* The last one: Wine's loader starts itself again. */
	verdict = find_line(trial->log_fd, is_verdict, false);
	if (verdict)
		read_verdict(wine, verdict);
	else
		read_silence(wine);
	free(verdict);
}

static void try_with(struct wine *wine, const char *library)
{
	struct trial trial = { .command = wine->command, .library = library };
	int error;

	open_trial(&trial);
	error = is_open(&trial) ? run_trial(&trial) : -errno;
	if (error == -ETIMEDOUT)
		answer(wine, WW_UNKNOWN,
		       format_text("it did not end within %d s", TIMEOUT_S),
		       "see what its --version does by hand");
	else if (error)
		answer(wine, WW_UNKNOWN,
		       format_text("it was not started: %s", strerror(-error)),
		       "free what is short, or set TMPDIR to a writable "
		       "folder");
	else
		read_trial(wine, &trial);
	close_trial(&trial);
}

void try_wine(struct wine *wine)
{
	struct preload library;

	wine->abi = format_text("unknown");
	wine->own_watches = -1;
	preload_find(&library);
	if (library.problem)
		answer(wine, WW_MISSING,
		       format_text("%s: %s", library.path, library.problem),
		       library.remedy);
	else
		try_with(wine, library.path);
	free(library.path);
}

void free_wine(struct wine *wine)
{
	free(wine->version);
	free(wine->abi);
	free(wine->reason);
}

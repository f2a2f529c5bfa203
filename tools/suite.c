/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conformance suite: where it is, and running it. */
#include "config.h"

#include "suite.h"

#include "child.h"
#include "environment.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSTALLED	PKGLIBDIR "/conform"
#define NATIVE		"native-writewatch"
#define WINDOWS		"writewatch.exe"
#define BENCH		"winewatch-bench.exe"

/* A row's own time, as far as it is known here, and what starting takes. */
#define ROW_S		60
#define START_S		30
/* A first start makes the prefix. */
#define FIRST_START_S	180
#define MAX_REMARKS	4

void suite_find(struct suite_files *files)
{
	char *folder = program_folder();
	char *lists = format_text("%s/conform", folder ? folder : "");

	if (access(lists, X_OK) == 0)
		*files = (struct suite_files){
			.native = format_text("%s/../tests/win32/" NATIVE,
					      folder),
			.windows = format_text("%s/../tests/win32/"
					       "x86_64-windows/" WINDOWS,
					       folder),
			.windows32 = format_text("%s/../tests/win32/"
						 "i386-windows/" WINDOWS,
						 folder),
			.bench = format_text("%s/../bench/x86_64-windows/"
					     BENCH, folder),
			.lists = format_text("%s", lists),
		};
	else
		*files = (struct suite_files){
			.native = format_text(INSTALLED "/" NATIVE),
			.windows = format_text(INSTALLED "/" WINDOWS),
			.windows32 = format_text(INSTALLED "/i386-windows/"
						 WINDOWS),
			.bench = format_text(INSTALLED "/" BENCH),
			.lists = format_text(INSTALLED),
		};
	free(lists);
	free(folder);
}

void suite_files_free(struct suite_files *files)
{
	free(files->native);
	free(files->windows);
	free(files->windows32);
	free(files->bench);
	free(files->lists);
}

/* ---- Becoming a program ---- */

static void set_wine_environment(const struct setting *setting)
{
	if (setting->prefix)
		setenv("WINEPREFIX", setting->prefix, 1);
	setenv("WINEDEBUG", "-all", 1);
	/* Nobody is to be asked whether Mono and Gecko may be installed. */
	setenv("WINEDLLOVERRIDES", "mscoree,mshtml=", 1);
	/* Debian's Wine 10.0 aborts where this is set. */
	unsetenv("TMPDIR");
}

/* What the caller has set must not reach a Wine as it is. */
static void set_environment(const struct setting *setting)
{
	static const char *const ours[] = {
#define V(symbol, name, values, what) name,
		WW_ENVIRONMENT(V)
#undef V
	};

	if (setting->wine)
		set_wine_environment(setting);
	if (setting->library) {
		setenv("LD_PRELOAD", setting->library, 1);
		return;
	}
	unsetenv("LD_PRELOAD");
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		unsetenv(ours[i]);
	if (setting->backend)
		setenv(ours[WW_ENV_BACKEND], setting->backend, 1);
}

void setting_become(const struct setting *setting, const char *const *arguments)
{
	const char *argv[16];
	size_t n = 0;

	set_environment(setting);
	if (setting->wine) {
		argv[n++] = "sh";
		argv[n++] = "-c";
		argv[n++] = format_text("%s \"$@\"", setting->wine);
		argv[n++] = "sh";
	}
	argv[n++] = setting->program;
	while (*arguments)
		argv[n++] = *arguments++;
	argv[n] = NULL;
	execv(setting->wine ? "/bin/sh" : setting->program, (char **)argv);
	perror(setting->program);
}

/* ---- One run of a program ---- */

/*
 * The output goes to files, not into pipes, which a wineserver that outlives
 * the program would hold open.
 */
struct run {
	const struct setting *setting;
	const char *arguments[8];
	int output, errors;
	off_t offset;			/* of the output that was read */
	char *line;			/* its last line, so far */
	size_t n_line;
	void (*take)(struct run *run, char *line);
	void *taker;			/* whose the lines are */
};

/* In the new process, see struct child. */
static void start(const void *context)
{
	const struct run *run = context;
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (dup2(nothing, 0) >= 0 && dup2(run->output, 1) >= 0 &&
	    dup2(run->errors, 2) >= 0)
		setting_become(run->setting, run->arguments);
}

/* Adds to the last line; hands it over where it ends. */
static void read_bytes(struct run *run, const char *bytes, size_t n_bytes)
{
	run->line = resize_array(run->line, run->n_line + n_bytes + 1, 1);
	for (size_t i = 0; i < n_bytes; i++) {
		if (bytes[i] != '\n') {
			run->line[run->n_line++] = bytes[i];
			continue;
		}
		while (run->n_line && run->line[run->n_line - 1] == '\r')
			run->n_line--;
		run->line[run->n_line] = '\0';
		run->n_line = 0;
		run->take(run, run->line);
	}
}

static void read_output(void *context)
{
	struct run *run = context;
	char bytes[4096];
	ssize_t n_bytes;

	while ((n_bytes = pread(run->output, bytes, sizeof(bytes),
				run->offset)) > 0) {
		run->offset += n_bytes;
		read_bytes(run, bytes, n_bytes);
	}
}

/* The last line on standard error that is not empty, or "". */
static char *last_error(const struct run *run)
{
	FILE *file = fdopen(dup(run->errors), "r");
	char *line = NULL, *last = format_text("%s", "");
	size_t n_bytes = 0;

	if (!file)
		return last;
	rewind(file);
	while (getline(&line, &n_bytes, file) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line)
			continue;
		free(last);
		last = format_text("%s", line);
	}
	free(line);
	fclose(file);
	return last;
}

/* What became of it, as the end of a sentence. */
static char *describe_end(const struct run *run, int error,
			  const struct child *child)
{
	char *words, *end;

	if (error == -ETIMEDOUT)
		return format_text("did not end within %u s", child->timeout_s);
	if (error)
		return format_text("was not started: %s", strerror(-error));
	if (WIFSIGNALED(child->status))
		return format_text("was ended by signal %d",
				   WTERMSIG(child->status));
	words = last_error(run);
	end = format_text("ended with exit status %d%s%s",
			  WEXITSTATUS(child->status), *words ? ": " : "",
			  words);
	free(words);
	return end;
}

static void take_rest(struct run *run)
{
	if (run->n_line)
		read_bytes(run, "\n", 1);
	free(run->line);
}

/* Runs it; returns how it ended. *good: by itself, with exit status 0. */
static char *run_to_end(struct run *run, unsigned int timeout_s, bool *good)
{
	struct child child = {
		.start = start,
		.look = read_output,
		.context = run,
		.timeout_s = timeout_s,
	};
	char *end;
	int error;

	run->output = memfd_create("output", MFD_CLOEXEC);
	run->errors = memfd_create("errors", MFD_CLOEXEC);
	error = run->output < 0 || run->errors < 0 ? -errno : child_run(&child);
	*good = !error && child.status == 0;
	take_rest(run);
	end = describe_end(run, error, &child);
	if (run->output >= 0)
		close(run->output);
	if (run->errors >= 0)
		close(run->errors);
	return end;
}

/* ---- The version ---- */

static void take_version(struct run *run, char *line)
{
	char **version = run->taker;

	if (*version || strncmp(line, "wine-", strlen("wine-")) != 0)
		return;
	line += strlen("wine-");
	*version = format_text("%.*s", (int)strcspn(line, " "), line);
}

char *setting_version(const struct setting *setting, char **version)
{
	struct setting asked = *setting;
	struct run run = {
		.setting = &asked, .take = take_version, .taker = version
	};
	bool good;
	char *end;

	asked.program = "--version";
	*version = NULL;
	end = run_to_end(&run, START_S, &good);
	if (good && !*version) {
		free(end);
		return format_text("it does not say which Wine it is");
	}
	if (!good) {
		char *why_not = format_text("it %s", end);

		free(end);
		return why_not;
	}
	free(end);
	return NULL;
}

/* ---- The rows ---- */

struct listing {
	struct matrix *matrix;
	size_t n_rows;
};

/* NAME, source, "pinned" or "not pinned", and the rule, between tabs. */
static void take_listed(struct run *run, char *line)
{
	struct listing *listing = run->taker;
	char *fields[4];
	size_t n = 0;

	for (char *field; n < 4 && (field = strsep(&line, "\t")); n++)
		fields[n] = field;
	if (n < 4)
		return;
	listing->n_rows++;
	matrix_add_row(listing->matrix, fields[0], fields[1],
		       strcmp(fields[2], "pinned") == 0, fields[3]);
}

char *setting_list(const struct setting *setting, struct matrix *matrix)
{
	struct listing listing = { .matrix = matrix };
	struct run run = {
		.setting = setting,
		.arguments = { "--list" },
		.take = take_listed,
		.taker = &listing,
	};
	char *end, *why_not = NULL;
	bool good;

	if (access(setting->program, R_OK) != 0)
		return format_text("the suite is not there: its program %s was "
				   "not built",
				   strrchr(setting->program, '/') + 1);
	end = run_to_end(&run, FIRST_START_S, &good);
	/* Wine may well end with 0 without having run anything. */
	if (!listing.n_rows)
		why_not = format_text("the suite lists no rows: it %s", end);
	free(end);
	return why_not;
}

/* ---- The results ---- */

struct results {
	const struct matrix *matrix;
	struct system *system;
	size_t n_done;
	char *remarks;			/* since the last result */
	size_t n_remarks;
};

static void show_progress(const struct results *results, const char *name)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s: %zu of %zu %s",
			results->system->name, results->n_done,
			results->system->n_cells, name);
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

/* Both, with "; " between them if there is something of each. */
static char *join(const char *first, const char *second)
{
	return format_text("%s%s%s", first, *first && *second ? "; " : "",
			   second);
}

static void add_remark(struct results *results, const char *remark)
{
	char *longer;

	if (results->n_remarks++ >= MAX_REMARKS)
		return;
	longer = join(results->remarks, remark);
	free(results->remarks);
	results->remarks = longer;
}

static void forget_remarks(struct results *results)
{
	free(results->remarks);
	results->remarks = format_text("%s", "");
	results->n_remarks = 0;
}

/* The words behind `word` in the directive, or NULL. */
static const char *directive_is(const char *directive, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(directive, word, n) != 0)
		return NULL;
	return directive + n + strspn(directive + n, " ");
}

static void set_result(struct results *results, struct cell *cell, bool good,
		       const char *directive)
{
	const char *why = directive_is(directive, "SKIP");

	if (good && why)
		cell_set(cell, RESULT_SKIPPED, format_text("%s", why));
	else if (good)
		cell_set(cell, RESULT_PASS, format_text("%s", ""));
	else if (directive_is(directive, "TODO"))
		cell_set(cell, RESULT_NOT_PINNED,
			 format_text("%s", results->remarks));
	else
		cell_set(cell, RESULT_FAIL, join(directive, results->remarks));
}

/* "NUMBER - NAME[ # DIRECTIVE]" */
static void take_result(struct results *results, bool good, char *text)
{
	char *name = strstr(text, " - ");
	char *directive;
	size_t row;

	if (!name)
		return;
	name += strlen(" - ");
	directive = strstr(name, " # ");
	if (directive) {
		*directive = '\0';
		directive += strlen(" # ");
	}
	row = matrix_find_row(results->matrix, name);
	if (row < results->system->n_cells) {
		results->n_done++;
		show_progress(results, name);
		set_result(results, &results->system->cells[row], good,
			   directive ? directive : "");
	}
	forget_remarks(results);
}

static void take_tap(struct run *run, char *line)
{
	struct results *results = run->taker;

	if (strncmp(line, "ok ", 3) == 0)
		take_result(results, true, line + 3);
	else if (strncmp(line, "not ok ", 7) == 0)
		take_result(results, false, line + 7);
	else if (strncmp(line, "# ", 2) == 0)
		add_remark(results, line + 2);
}

void setting_run(const struct setting *setting, unsigned int timeout_s,
		 const struct matrix *matrix, struct system *system)
{
	char *timeout = format_text("%u", timeout_s);
	struct results results = {
		.matrix = matrix,
		.system = system,
		.remarks = format_text("%s", ""),
	};
	struct run run = {
		.setting = setting,
		.arguments = { "--group",
			       matrix->only ? matrix->only : matrix->group,
			       timeout_s ? "--timeout" : NULL, timeout },
		.take = take_tap,
		.taker = &results,
	};
	unsigned int row_s = timeout_s ? timeout_s : ROW_S;
	char *end, *why, *detail;
	bool good;

	show_progress(&results, "");
	end = run_to_end(&run, START_S + matrix->n_rows * row_s, &good);
	clear_progress();
	why = format_text("no result: the suite %s", end);
	detail = join(why, results.remarks);
	system_set_rest(system, RESULT_FAIL, detail);
	free(detail);
	free(why);
	free(end);
	free(results.remarks);
	free(timeout);
}

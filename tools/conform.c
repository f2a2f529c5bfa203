/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch conform: which rule of Windows holds on which system. */
#include "config.h"

#include "child.h"
#include "conform_report.h"
#include "faults.h"
#include "prefix.h"
#include "preload.h"
#include "suite.h"
#include "tool.h"
#include "try_wine.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Some faults of Wines are endless loops; nothing that works takes so long. */
#define STOCK_ROW_S	20

struct request {
	char **wines;
	size_t n_wines;
	const char *json, *markdown;
	unsigned int timeout_s;		/* 0: each row's own */
	struct suite_files files;
	struct matrix matrix;
	size_t n_run;			/* systems on which the suite was run */
	bool wine_missing;		/* a named Wine is not among them */
};

/* ---- Options ---- */

static void once(struct argp_state *state, const char **option, char *argument,
		 const char *name)
{
	if (*option)
		argp_error(state, "--%s was given twice", name);
	*option = argument;
}

static unsigned int number(struct argp_state *state, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < 1 || value > 86400)
		argp_error(state, "'%s' is not a number of seconds", text);
	return value;
}

static void add_wine(struct request *request, const char *command)
{
	request->wines = resize_array(request->wines, request->n_wines + 1,
				      sizeof(*request->wines));
	request->wines[request->n_wines++] = format_text("%s", command);
}

static bool is_stdout(const char *file)
{
	return file && strcmp(file, "-") == 0;
}

static void check(struct argp_state *state, const struct request *request)
{
	if (request->matrix.only && request->matrix.group)
		argp_error(state, "--row and --group exclude each other");
	if (is_stdout(request->json) && is_stdout(request->markdown))
		argp_error(state, "two results for standard output");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case WW_OPTION_CONFORM_WINE:
		add_wine(request, argument);
		return 0;
	case WW_OPTION_CONFORM_JSON:
		once(state, &request->json, argument, "json");
		return 0;
	case WW_OPTION_CONFORM_MARKDOWN:
		once(state, &request->markdown, argument, "markdown");
		return 0;
	case WW_OPTION_CONFORM_ROW:
		once(state, &request->matrix.only, argument, "row");
		return 0;
	case WW_OPTION_CONFORM_GROUP:
		once(state, &request->matrix.group, argument, "group");
		return 0;
	case WW_OPTION_CONFORM_TIMEOUT:
		request->timeout_s = number(state, argument);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option of conform", argument);
		return 0;
	case ARGP_KEY_END:
		check(state, request);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	WW_CONFORM_OPTIONS(WW_ARGP_OPTION)
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Runs the conformance suite natively and on Wines, as they are "
	       "and with winewatch.",
};

/* ---- Systems ---- */

/* What a Wine is asked to run. */
struct kind {
	const char *version;	/* of the Wine, and whose programs */
	/* NULL: 64-bit programs; i386: 32-bit ones only; wow64: those, too.
	 * Also the name of a list of known faults. */
	const char *word_size;
};

/* A column that is skipped as a whole. */
static void skip_system(struct request *request, const char *name,
			const char *reason)
{
	system_set_rest(matrix_add_system(&request->matrix, name),
			RESULT_SKIPPED, reason);
}

static void run_system(struct request *request, const char *name,
		       const struct setting *setting, unsigned int timeout_s,
		       const struct faults *faults)
{
	struct system *system = matrix_add_system(&request->matrix, name);

	setting_run(setting, timeout_s, &request->matrix, system);
	faults_judge(faults, &request->matrix, system);
	request->n_run++;
}

static bool backend_works(const char *backend)
{
	const struct ww_open_options options = {
		.struct_size = sizeof(options), .backend = backend,
	};
	struct ww *ww;

	if (ww_open(&ww, &options))
		return false;
	ww_close(ww);
	return true;
}

static void add_backend(struct request *request, const char *backend)
{
	const struct setting setting = { .program = request->files.native,
					 .backend = backend };
	char *name = format_text("native/%s", backend);
	char *why_not = setting_list(&setting, &request->matrix);

	if (why_not)
		skip_system(request, name, why_not);
	else if (!backend_works(backend))
		skip_system(request, name, "no backend works here: see "
					   "winewatch doctor");
	else
		run_system(request, name, &setting, request->timeout_s,
			   &(struct faults){ 0 });
	free(why_not);
	free(name);
}

/* The backend that programs get, which may be forced, or else all that work. */
static void add_native(struct request *request)
{
	static const char *const others[] = { "softdirty", "mprotect" };
	const char *best = ww_backend_name();

	add_backend(request, best);
	if (secure_getenv("WINEWATCH_BACKEND"))
		return;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(best, others[i]) && backend_works(others[i]))
			add_backend(request, others[i]);
}

static void add_stock(struct request *request, const struct setting *setting,
		      const struct kind *kind)
{
	char *name = format_text("wine %s", kind->version);
	struct faults faults;

	faults_load_wine(&faults, request->files.lists, kind->version);
	if (kind->word_size)
		faults_add(&faults, request->files.lists, kind->word_size);
	run_system(request, name, setting,
		   request->timeout_s ? request->timeout_s : STOCK_ROW_S,
		   &faults);
	faults_free(&faults);
	free(name);
}

/* Why winewatch does not serve the Wine, or NULL. */
static char *stays_out(const char *command)
{
	struct wine wine = { .command = command };
	char *reason = NULL;

	try_wine(&wine);
	if (wine.state != WW_SUPPORTED || strcmp(wine.reason, SERVED) != 0)
		reason = format_text("%s", wine.reason);
	free_wine(&wine);
	return reason;
}

static void add_watched(struct request *request, const struct setting *stock,
			const struct kind *kind)
{
	char *name = format_text("wine %s + winewatch", kind->version);
	char *why_not = stays_out(stock->wine);
	struct setting setting = *stock;
	struct preload preload;
	struct faults faults;

	preload_find(&preload);
	setting.library = preload.path;
	if (why_not) {
		skip_system(request, name, why_not);
	} else {
		faults_load(&faults, request->files.lists,
			    kind->word_size ? kind->word_size : "winewatch");
		run_system(request, name, &setting, request->timeout_s,
			   &faults);
		faults_free(&faults);
	}
	free(preload.path);
	free(why_not);
	free(name);
}

/* Both columns of a Wine for programs of one kind; NULL, or why not. */
static char *run_kind(struct request *request, const struct setting *setting,
		      const struct prefix *prefix, const struct kind *kind)
{
	char *why_not = setting_list(setting, &request->matrix);

	if (why_not)
		return why_not;
	add_stock(request, setting, kind);
	prefix_end_processes(prefix);
	add_watched(request, setting, kind);
	prefix_end_processes(prefix);
	return NULL;
}

/* All columns of a Wine whose prefix is there; NULL, or why there is none. Only
 * by running one is it seen whether it runs 32-bit programs. */
static char *run_wine(struct request *request, struct setting *setting,
		      const struct prefix *prefix, const char *version)
{
	struct kind kind = { .version = version };
	struct setting setting32 = *setting;
	char *why_not = run_kind(request, setting, prefix, &kind);
	char *name, *why_not32;

	setting32.program = request->files.windows32;
	if (access(setting32.program, R_OK) != 0)
		return why_not;
	kind.word_size = why_not ? "i386" : "wow64";
	name = format_text("%s %s", version, kind.word_size);
	kind.version = name;
	why_not32 = run_kind(request, &setting32, prefix, &kind);
	free(name);
	if (why_not32) {
		free(why_not32);
		return why_not;
	}
	free(why_not);
	return NULL;
}

static char *try_prefix(struct request *request, struct setting *setting,
			const char *version)
{
	struct prefix prefix;
	int error = prefix_open(&prefix);
	char *why_not;

	setting->prefix = prefix.path;
	why_not = error ? format_text("no wineprefix: %s", strerror(-error))
			: run_wine(request, setting, &prefix, version);
	prefix_close(&prefix);
	return why_not;
}

static void add_wine_systems(struct request *request, const char *command)
{
	struct setting setting = {
		.program = request->files.windows,
		.wine = command,
	};
	char *version;
	char *why_not = setting_version(&setting, &version);

	if (!why_not)
		why_not = try_prefix(request, &setting, version);
	if (why_not) {
		char *name = version ? format_text("wine %s", version)
				     : format_text("wine: %s", command);

		skip_system(request, name, why_not);
		complain("%s: %s", name, why_not);
		request->wine_missing = true;
		free(name);
	}
	free(why_not);
	free(version);
}

/* ---- The Wine of this machine ---- */

/* The command in single quotes, if that folder has such a program. */
static char *wine_in(const char *folder, const char *name)
{
	char *path = format_text("%s/%s", folder, name);
	char *command = NULL;

	if (access(path, X_OK) == 0 && !strchr(path, '\''))
		command = format_text("'%s'", path);
	free(path);
	return command;
}

/* As configure finds it for the tests; NULL if there is none. */
static char *find_wine(void)
{
	static const char *const names[] = { "wine64", "wine" };
	const char *path = getenv("PATH");
	char *command = NULL;

	for (int i = 0; i < 2 && !command; i++) {
		char *folders = format_text("%s:/usr/lib/wine:"
					    "/opt/wine-stable/bin",
					    path ? path : "");
		char *rest = NULL;

		for (char *folder = strtok_r(folders, ":", &rest);
		     folder && !command; folder = strtok_r(NULL, ":", &rest))
			command = wine_in(folder, names[i]);
		free(folders);
	}
	return command;
}

/* ---- The results ---- */

typedef void (*writer)(const struct conformance *conformance, FILE *file);

/* Whether all of it was written. */
static bool write_result(const struct conformance *conformance,
			 const char *name, writer write)
{
	bool is_out = is_stdout(name);
	FILE *file = is_out ? stdout : fopen(name, "we");
	bool good;

	if (!file) {
		complain("%s: %s", name, strerror(errno));
		return false;
	}
	write(conformance, file);
	good = fflush(file) == 0 && !ferror(file);
	if (!good)
		complain("%s could not be written",
			 is_out ? "standard output" : name);
	if (!is_out)
		fclose(file);
	return good;
}

static bool write_results(const struct request *request)
{
	struct utsname system = { .release = "unknown" };
	struct conformance conformance = {
		.version = ww_version(),
		.kernel = system.release,
		.matrix = &request->matrix,
	};
	bool good = true;

	uname(&system);
	if (request->json)
		good &= write_result(&conformance, request->json, conform_json);
	if (request->markdown)
		good &= write_result(&conformance, request->markdown,
				     conform_markdown);
	if (!is_stdout(request->json) && !is_stdout(request->markdown))
		good &= write_result(&conformance, "-", conform_text);
	return good;
}

static int judge(const struct request *request)
{
	for (size_t i = 0; i < request->matrix.n_systems; i++)
		if (matrix_count(&request->matrix, i, RESULT_FAIL))
			return EXIT_FAILS;
	return request->n_run && !request->wine_missing ? EXIT_CONFORMS
							: EXIT_UNKNOWN;
}

static int conclude(const struct request *request)
{
	const struct matrix *matrix = &request->matrix;

	if (request->n_run && !matrix->n_rows) {
		complain("the suite has no row %s%s", matrix->only
			 ? matrix->only : "that begins with ",
			 matrix->only ? "" : matrix->group);
		return EXIT_USAGE;
	}
	if (!request->n_run)
		complain("there is nothing that the suite could be run on");
	return write_results(request) ? judge(request) : EXIT_UNKNOWN;
}

static void run_all(struct request *request)
{
	add_native(request);
	if (!request->n_wines) {
		char *wine = find_wine();

		if (wine)
			add_wine_systems(request, wine);
		free(wine);
	}
	for (size_t i = 0; i < request->n_wines; i++)
		add_wine_systems(request, request->wines[i]);
}

int conform_command(int argc, char **argv)
{
	struct request request = { 0 };
	sigset_t ending = ending_signals();
	sigset_t before;
	int status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
	if (!request.matrix.group)
		request.matrix.group = "";
	suite_find(&request.files);
	/* Whatever ends us, a wineprefix of ours is removed first. */
	sigprocmask(SIG_BLOCK, &ending, &before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	run_all(&request);
	sigprocmask(SIG_SETMASK, &before, NULL);
	status = conclude(&request);
	matrix_free(&request.matrix);
	suite_files_free(&request.files);
	for (size_t i = 0; i < request.n_wines; i++)
		free(request.wines[i]);
	free(request.wines);
	return status;
}

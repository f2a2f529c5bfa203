/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch bench: what each method of watching writes costs here. */
#include "config.h"

#include "bench_report.h"
#include "bench_wine.h"
#include "child.h"
#include "tool.h"
#include "writewatch.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLOTS "bench.gnuplot"
#define PLOT_S 120

struct request {
	const char *json, *svg;
	bool targets, list;
	const char **wines;
	size_t n_wines;
	bool wine_missing;	/* a named Wine was not measured */
	struct bench bench;
};

/* ---- Options ---- */

static void once(struct argp_state *state, const char **option, char *argument,
		 const char *name)
{
	if (*option)
		argp_error(state, "--%s was given twice", name);
	*option = argument;
}

static void add_text(const char ***texts, size_t *n, const char *text)
{
	*texts = resize_array(*texts, *n + 1, sizeof(**texts));
	(*texts)[(*n)++] = text;
}

static bool is_stdout(const char *file)
{
	return file && strcmp(file, "-") == 0;
}

static void check(struct argp_state *state, const struct request *request)
{
	if (request->targets && request->list)
		argp_error(state, "--targets and --list exclude each other");
	if (request->targets && is_stdout(request->json))
		argp_error(state, "two results for standard output");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case WW_OPTION_BENCH_QUICK:
		request->bench.quick = true;
		return 0;
	case WW_OPTION_BENCH_CASE:
		add_text(&request->bench.prefixes, &request->bench.n_prefixes,
			 argument);
		return 0;
	case WW_OPTION_BENCH_WINE:
		add_text(&request->wines, &request->n_wines, argument);
		return 0;
	case WW_OPTION_BENCH_JSON:
		once(state, &request->json, argument, "json");
		return 0;
	case WW_OPTION_BENCH_SVG:
		once(state, &request->svg, argument, "svg");
		return 0;
	case WW_OPTION_BENCH_TARGETS:
		request->targets = true;
		return 0;
	case WW_OPTION_BENCH_LIST:
		request->list = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option of bench", argument);
		return 0;
	case ARGP_KEY_END:
		check(state, request);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	WW_BENCH_OPTIONS(WW_ARGP_OPTION)
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Measures winewatch beside other methods of watching writes.",
};

/* ---- Progress ---- */

#define BAR_WIDTH 30

static void show_progress(const struct bench *bench, const char *name)
{
	size_t n = bench->n_done * BAR_WIDTH / bench->n_cases;

	fprintf(stderr, "\r[%.*s%*s] %3zu %% %-44.44s", (int)n,
		"##############################", (int)(BAR_WIDTH - n), "",
		bench->n_done * 100 / bench->n_cases, name);
}

static void end_progress(const struct bench *bench)
{
	if (bench->progress)
		fprintf(stderr, "\r%*s\r", BAR_WIDTH + 53, "");
}

/* ---- The machine ---- */

/* Each returns a text that the caller frees. */

static char *cpu_name(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], name[200] = "an unknown CPU";

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "model name : %199[^\n]", name) == 1)
			break;
	if (file)
		fclose(file);
	return format_text("%s", name);
}

/* The word in brackets; "never" where the kernel has none. */
static char *huge_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char mode[20] = "never";

	if (file) {
		if (fscanf(file, "%*[^[][%19[^]]", mode) != 1)
			strcpy(mode, "always");
		fclose(file);
	}
	return format_text("%s", mode);
}

/* ---- The results ---- */

typedef void (*writer)(const struct bench *bench,
		       const struct bench_machine *machine, FILE *file);

/* Whether all of it was written. */
static bool write_result(const struct bench *bench,
			 const struct bench_machine *machine, const char *name,
			 writer write)
{
	bool is_out = is_stdout(name);
	FILE *file = is_out ? stdout : fopen(name, "we");
	bool good;

	if (!file) {
		complain("%s: %s", name, strerror(errno));
		return false;
	}
	write(bench, machine, file);
	good = fflush(file) == 0 && !ferror(file);
	if (!good)
		complain("%s could not be written",
			 is_out ? "standard output" : name);
	if (!is_out)
		fclose(file);
	return good;
}

static void start_gnuplot(const void *context)
{
	if (chdir(context) == 0)
		execlp("gnuplot", "gnuplot", PLOTS, (char *)NULL);
}

static bool draw(const struct request *request,
		 const struct bench_machine *machine)
{
	struct child child = {
		.start = start_gnuplot,
		.context = (void *)request->svg,
		.timeout_s = PLOT_S,
	};
	char *name = format_text("%s/%s", request->svg, PLOTS);
	bool good = write_result(&request->bench, machine, name, bench_plots);

	if (good && (child_run(&child) || child.status != 0)) {
		complain("gnuplot could not draw %s", name);
		good = false;
	}
	free(name);
	return good;
}

static bool write_results(const struct request *request)
{
	struct utsname system = { .release = "unknown" };
	char *cpu = cpu_name(), *huge = huge_pages();
	struct bench_machine machine = {
		.version = ww_version(),
		.kernel = system.release,
		.cpu = cpu,
		.huge_pages = huge,
	};
	const struct bench *bench = &request->bench;
	bool good = true;

	uname(&system);
	if (!is_stdout(request->json))
		good &= write_result(bench, &machine, "-",
				     request->targets ? bench_targets
						      : bench_text);
	if (request->json)
		good &= write_result(bench, &machine, request->json, bench_json);
	if (request->svg)
		good &= draw(request, &machine);
	free(cpu);
	free(huge);
	return good;
}

/* ---- The command ---- */

static bool has_gnuplot(void)
{
	const char *path = getenv("PATH");
	char *folders = format_text("%s", path ? path : "");
	char *rest = NULL;
	bool found = false;

	for (char *folder = strtok_r(folders, ":", &rest); folder && !found;
	     folder = strtok_r(NULL, ":", &rest)) {
		char *name = format_text("%s/gnuplot", folder);

		found = access(name, X_OK) == 0;
		free(name);
	}
	free(folders);
	return found;
}

/* Before minutes are spent: whether plots can be made at all. */
static bool can_draw(const struct request *request)
{
	if (!request->svg)
		return true;
	if (!has_gnuplot()) {
		complain("--svg needs gnuplot, which is missing: "
			 "apt-get install gnuplot-nox");
		return false;
	}
	if (mkdir(request->svg, 0777) && errno != EEXIST) {
		complain("%s: %s", request->svg, strerror(errno));
		return false;
	}
	return true;
}

static void measure_wines(struct request *request)
{
	for (size_t i = 0; i < request->n_wines; i++) {
		char *why_not = bench_wine(&request->bench, request->wines[i]);

		if (!why_not)
			continue;
		complain("wine: %s: %s", request->wines[i], why_not);
		free(why_not);
		request->wine_missing = true;
	}
}

static int measure(struct request *request)
{
	struct bench *bench = &request->bench;
	char *why_not;

	if (!can_draw(request))
		return EXIT_UNKNOWN;
	if (isatty(STDERR_FILENO))
		bench->progress = show_progress;
	why_not = bench_run(bench);
	if (why_not) {
		complain("%s", why_not);
		free(why_not);
		return EXIT_UNKNOWN;
	}
	measure_wines(request);
	end_progress(bench);
	if (!write_results(request) || request->wine_missing)
		return EXIT_UNKNOWN;
	return bench->wrong ? EXIT_WRONG : EXIT_MEASURED;
}

static int list(const struct bench *bench)
{
	for (size_t i = 0; i < bench->n_cases; i++)
		puts(bench->cases[i]);
	return fflush(stdout) ? EXIT_UNKNOWN : EXIT_MEASURED;
}

int bench_command(int argc, char **argv)
{
	struct request request = { 0 };
	int status = EXIT_USAGE;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
	bench_list(&request.bench);
	if (!request.bench.n_cases)
		complain("no case begins so: winewatch bench --list names "
			 "them all");
	else
		status = request.list ? list(&request.bench) : measure(&request);
	bench_free(&request.bench);
	free(request.bench.prefixes);
	free(request.wines);
	return status;
}

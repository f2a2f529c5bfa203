/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch doctor: what this kernel and the named Wines can do. */
#include "config.h"

#include "report.h"
#include "tool.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

struct request {
	bool json;
	const char *feature;
	struct wine *wines;
	size_t n_wines;
};

static void add_wine(struct request *request, const char *command)
{
	size_t n = request->n_wines + 1;
	struct wine *wines = resize_array(request->wines, n, sizeof(*wines));

	wines[n - 1] = (struct wine){ .command = command };
	request->wines = wines;
	request->n_wines = n;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case WW_OPTION_JSON:
		request->json = true;
		return 0;
	case WW_OPTION_FEATURE:
		if (request->feature)
			argp_error(state, "--feature was given twice");
		request->feature = argument;
		return 0;
	case WW_OPTION_WINE:
		add_wine(request, argument);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option of doctor", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	WW_DOCTOR_OPTIONS(WW_ARGP_OPTION)
	{ 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Says what this kernel and the named Wines can do.",
};

/* Leaves the feature `name` alone in the list; its answer, or NULL. */
static const struct ww_feature *pick(struct findings *findings,
				     const char *name)
{
	for (size_t i = 0; i < findings->n_features; i++) {
		if (strcmp(findings->features[i].name, name) != 0)
			continue;
		findings->features += i;
		findings->n_features = 1;
		return findings->features;
	}
	complain("there is no feature '%s' (winewatch doctor lists them)",
		 name);
	return NULL;
}

/*
 * Without a backend, a feature that is missing explains it; if there is none,
 * something was refused, and another sandbox may see another answer.
 */
static enum ww_state backend_state(const struct findings *findings)
{
	if (strcmp(findings->backend, "none") != 0)
		return WW_SUPPORTED;
	for (size_t i = 0; i < findings->n_features; i++)
		if (findings->features[i].state == WW_MISSING)
			return WW_MISSING;
	return WW_UNKNOWN;
}

static int exit_status(enum ww_state required, const struct findings *findings)
{
	bool missing = required == WW_MISSING;
	bool unknown = required == WW_UNKNOWN;

	for (size_t i = 0; i < findings->n_wines; i++) {
		missing |= findings->wines[i].state == WW_MISSING;
		unknown |= findings->wines[i].state == WW_UNKNOWN;
	}
	return missing ? EXIT_MISSING : unknown ? EXIT_UNKNOWN : EXIT_PRESENT;
}

/* Everything but the features is in `findings`; tells, and judges. */
static int examine(const struct request *request, struct findings *findings)
{
	enum ww_state required;

	if (request->feature) {
		const struct ww_feature *one = pick(findings, request->feature);

		if (!one)
			return EXIT_USAGE;
		required = one->state;
	} else {
		required = backend_state(findings);
	}
	for (size_t i = 0; i < request->n_wines; i++)
		try_wine(&request->wines[i]);
	if (!(request->json ? report_json : report_text)(findings)) {
		complain("standard output could not be written");
		return EXIT_UNKNOWN;
	}
	return exit_status(required, findings);
}

static int probe_and_examine(const struct request *request)
{
	struct utsname system = { .release = "unknown" };
	int n_features = ww_probe(NULL, 0);
	struct ww_feature *features;
	int status = EXIT_UNKNOWN;

	uname(&system);
	features = calloc(n_features > 0 ? n_features : 1, sizeof(*features));
	if (features && n_features >= 0)
		n_features = ww_probe(features, n_features);
	if (!features || n_features < 0)
		complain("the kernel could not be asked: %s",
			 features ? strerror(-n_features) : "out of memory");
	else
		status = examine(request, &(struct findings){
			.version = ww_version(),
			.kernel = system.release,
			.backend = ww_backend_name(),
			.features = features,
			.n_features = n_features,
			.wines = request->wines,
			.n_wines = request->n_wines,
		});
	free(features);
	return status;
}

int doctor_command(int argc, char **argv)
{
	struct request request = { 0 };
	int status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request);
	status = probe_and_examine(&request);
	for (size_t i = 0; i < request.n_wines; i++)
		free_wine(&request.wines[i]);
	free(request.wines);
	return status;
}

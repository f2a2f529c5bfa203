/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the doctor found, as text and as JSON. */
#include "config.h"

#include "report.h"

#include "foreign_text.h"

#include <jansson.h>
#include <stdio.h>

static const char *const answers[] = {
	[WW_SUPPORTED] = "yes",
	[WW_MISSING] = "no",
	[WW_UNKNOWN] = "unknown",
};

static const char *const states[] = {
	[WW_SUPPORTED] = "supported",
	[WW_MISSING] = "missing",
	[WW_UNKNOWN] = "unknown",
};

static void print_answer(const char *name, enum ww_state state,
			 const char *reason, const char *remedy)
{
	printf("  %-24s %-8s %s\n", name, answers[state], reason);
	if (*remedy)
		printf("  %-24s %-8s -> %s\n", "", "", remedy);
}

static void print_wine(const struct wine *wine)
{
	printf("\nWine: %s\n", wine->command);
	if (wine->version)
		printf("  %-24s %s\n", "version", wine->version);
	printf("  %-24s %s\n", "calling convention", wine->abi);
	printf("  %-24s %s\n", "watches of its own",
	       wine->own_watches < 0 ? "unknown"
				     : wine->own_watches ? "yes" : "no");
	print_answer("kernel write watches", wine->state, wine->reason,
		     wine->remedy);
}

bool report_text(const struct findings *findings)
{
	printf("winewatch %s on Linux %s\nbackend: %s\n\nkernel features:\n",
	       findings->version, findings->kernel, findings->backend);
	for (size_t i = 0; i < findings->n_features; i++) {
		const struct ww_feature *feature = &findings->features[i];

		print_answer(feature->name, feature->state, feature->reason,
			     feature->remedy);
	}
	for (size_t i = 0; i < findings->n_wines; i++)
		print_wine(&findings->wines[i]);
	return fflush(stdout) == 0 && !ferror(stdout);
}

static json_t *feature_json(const struct ww_feature *feature)
{
	return json_pack("{s:s, s:s, s:s}", "state", states[feature->state],
			 "reason", feature->reason, "remedy", feature->remedy);
}

static json_t *wine_json(const struct wine *wine)
{
	json_t *own_watches = wine->own_watches < 0
				      ? json_null()
				      : json_boolean(wine->own_watches);

	return json_pack("{s:o, s:o, s:s, s:o, s:s, s:o, s:s}",
			 "command", foreign_text(wine->command),
			 "version", foreign_text(wine->version),
			 "abi", wine->abi, "own_watches", own_watches,
			 "state", states[wine->state],
			 "reason", foreign_text(wine->reason),
			 "remedy", wine->remedy);
}

bool report_json(const struct findings *findings)
{
	json_t *features = json_object();
	json_t *wines = json_array();
	json_t *object;
	bool good = true;

	for (size_t i = 0; i < findings->n_features; i++) {
		const struct ww_feature *feature = &findings->features[i];

		good &= json_object_set_new(features, feature->name,
					    feature_json(feature)) == 0;
	}
	for (size_t i = 0; i < findings->n_wines; i++)
		good &= json_array_append_new(
				wines, wine_json(&findings->wines[i])) == 0;

	object = json_pack("{s:s, s:s, s:s, s:o, s:o}",
			   "version", findings->version,
			   "kernel", findings->kernel,
			   "backend", findings->backend,
			   "features", features, "wine", wines);
	good = good && object &&
	       json_dumpf(object, stdout, JSON_INDENT(2)) == 0 &&
	       putchar('\n') != EOF && fflush(stdout) == 0;
	json_decref(object);
	return good;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* winewatch run: become COMMAND, with libwinewatch.so in LD_PRELOAD. */
#include "config.h"

#include "preload.h"
#include "tool.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	switch (key) {
	case ARGP_KEY_ARG:
		*(int *)state->input = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no COMMAND was given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[--] COMMAND [ARGUMENT]...",
	.doc = "Runs COMMAND with winewatch in every Wine that it starts.",
};

/* Puts the library into LD_PRELOAD; 0, or the exit status if it cannot. */
static int preload(void)
{
	struct preload library;
	char *value;

	preload_find(&library);
	if (library.problem) {
		complain("%s: %s (%s)", library.path, library.problem,
			 library.remedy);
		return library.missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	}
	value = preload_value(library.path, getenv("LD_PRELOAD"));
	if (setenv("LD_PRELOAD", value, 1) != 0) {
		complain("LD_PRELOAD: %s", strerror(errno));
		return EXIT_NOT_EXECUTABLE;
	}
	free(value);
	free(library.path);
	return 0;
}

/* Says why `command` could not be executed, and returns the exit status. */
static int refuse(const char *command, int error)
{
	const char *name = strrchr(command, '/');

	if (error != ENOENT && error != ENOTDIR) {
		complain("%s: %s (see its permissions and its format)",
			 command, strerror(error));
		return EXIT_NOT_EXECUTABLE;
	}
	name = name ? name + 1 : command;
	complain("%s: command not found (%s)", command,
		 strncmp(name, "wine", 4) == 0
			 ? "apt-get install wine, or give its full path"
			 : "install the package it belongs to, or give its "
			   "full path");
	return EXIT_NOT_FOUND;
}

int run_command(int argc, char **argv)
{
	int command = 0;
	int status;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);
	status = preload();
	if (status != 0)
		return status;
	execvp(argv[command], argv + command);
	return refuse(argv[command], errno);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The winewatch command: finds out which command is asked for and calls it. */
#include "config.h"

#include "environment.h"
#include "tool.h"
#include "writewatch.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	char *program;		/* what its messages and its usage call it */
	int (*function)(int argc, char **argv);
};

static const struct command commands[] = {
#define C(name, arguments, what) { #name, "winewatch " #name, name##_command },
	WW_COMMANDS(C)
#undef C
};

struct choice {
	const struct command *command;
	int first;		/* its place in argv */
};

/*
 * Only texts: the options of a command are parsed by the command. A heading
 * begins a group, and what follows belongs to it.
 */
static const struct argp_option texts[] = {
	{ .doc = "Commands:" },
#define C(name_, arguments, what) \
	{ .name = #name_ arguments, .doc = what, .flags = OPTION_DOC },
	WW_COMMANDS(C)
#undef C
#define O(symbol, name_, argument, what) \
	{ .name = "--" name_ argument, .doc = what, .flags = OPTION_DOC },
#define L(command, options) \
	{ .doc = "Options of " #command ":" }, \
	options(O)
	WW_OPTION_LISTS(L)
#undef L
#undef O
	{ .doc = "Environment:" },
#define V(symbol, name_, values, what) \
	{ .name = name_ "=" values, .doc = what, .flags = OPTION_DOC },
	WW_ENVIRONMENT(V)
#undef V
	{ .doc = "Options of winewatch itself:", .group = -1 },
	{ 0 }
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		choice->command = find_command(argument);
		if (!choice->command)
			argp_error(state, "unknown command '%s'", argument);
		choice->first = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no command was given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = texts,
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT]...",
	.doc = "Gives Windows programs under an unmodified Wine the real "
	       "GetWriteWatch, answered by the Linux kernel.",
};

int help_command(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	char option[] = "--help";

	if (argc > 2 || (argc == 2 && !command)) {
		complain("usage: winewatch help [COMMAND]");
		return EXIT_USAGE;
	}
	if (command && command->function != help_command) {
		char *arguments[] = { command->program, option, NULL };

		return command->function(2, arguments);
	}
	argp_help(&argp, stdout, ARGP_HELP_STD_HELP, "winewatch");
	return 0;
}

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "winewatch %s\n", ww_version());
}

int main(int argc, char **argv)
{
	struct choice choice = { 0 };

	argp_err_exit_status = EXIT_USAGE;
	argp_program_version_hook = print_version;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);

	argv += choice.first;
	argv[0] = choice.command->program;
	return choice.command->function(argc - choice.first, argv);
}

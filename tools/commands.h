/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The commands and the options of winewatch, each in one list: parsers and help
 * texts are made from these, completion reads the help texts, and tests hold the
 * man page and other texts against the lists.
 */
#ifndef WW_TOOLS_COMMANDS_H
#define WW_TOOLS_COMMANDS_H

/* C(name, arguments, what it does); name_command() in the tool does it. */
#define WW_COMMANDS(C) \
	C(run, " [--] COMMAND [ARGUMENT]...", \
	  "Run COMMAND with winewatch in every Wine that it starts. The exit " \
	  "status is COMMAND's own; 127 if it was not found, 126 if it could " \
	  "not be executed.") \
	C(doctor, " [--json] [--feature=NAME] [--wine=COMMAND]...", \
	  "Say what this kernel and the named Wines can do, and for every no " \
	  "the reason and the remedy. The exit status is 0 if everything " \
	  "required is present, 1 if something is missing, 3 if that could " \
	  "not be told. Required are a working backend and each named Wine.") \
	C(conform, " [--wine=COMMAND]... [--json=FILE] [OPTION]...", \
	  "Run the conformance suite on everything present and print which " \
	  "rule of Windows holds where: natively and, for each Wine, as it is " \
	  "and with winewatch. Without --wine, the Wine found in PATH or in " \
	  "a usual folder. The exit status is 0 if nothing fails but what is " \
	  "a known fault, 1 if something does, 3 if nothing, or not every " \
	  "named Wine, could be run.") \
	C(bench, " [--quick] [--case=PREFIX]... [--wine=COMMAND]... [OPTION]...", \
	  "Measure winewatch beside the methods of Wines, the bare system calls " \
	  "and memory that nobody watches. The exit status is 0 if all was " \
	  "measured, however fast, 1 if a method gave a wrong answer, 3 if " \
	  "nothing, or not every named Wine, could be measured or a result " \
	  "could not be written.") \
	C(top, " [--delay=SECONDS] [--count=N] [--json] PID|-- COMMAND " \
	  "[ARGUMENT]...", \
	  "Show, again and again, what a process writes and asks: its watched " \
	  "memory with the pages written there, and how many calls there are " \
	  "and how long they take. Of a process without watched memory the " \
	  "first descendant that has some is shown, if need be after waiting " \
	  "for it. COMMAND is run as by run. A terminal is filled, and q ends " \
	  "that. The exit status is 0 if something was shown, 1 if no memory " \
	  "was watched, 3 if the process could not be looked at.") \
	C(help, " [COMMAND]", "Print this text, or the options of COMMAND.")

/* O(symbol, name, argument with its = or "", what it does) */
#define WW_DOCTOR_OPTIONS(O) \
	O(JSON, "json", "", "Answer with one JSON object.") \
	O(FEATURE, "feature", "=NAME", \
	  "Ask for the kernel feature NAME alone and require it instead of a " \
	  "backend.") \
	O(WINE, "wine", "=COMMAND", \
	  "Try the Wine that the shell command COMMAND starts, by running " \
	  "COMMAND --version. May be given again for further Wines.")

#define WW_CONFORM_OPTIONS(O) \
	O(CONFORM_WINE, "wine", "=COMMAND", \
	  "Include the Wine that the shell command COMMAND starts. May be given " \
	  "again for further Wines.") \
	O(CONFORM_JSON, "json", "=FILE", \
	  "Write the result as one JSON object to FILE. As FILE, - is standard " \
	  "output, instead of the text.") \
	O(CONFORM_MARKDOWN, "markdown", "=FILE", \
	  "Write the result as Markdown tables to FILE, in the same way.") \
	O(CONFORM_ROW, "row", "=NAME", "Run the row NAME alone.") \
	O(CONFORM_GROUP, "group", "=PREFIX", \
	  "Run only rows whose names begin with PREFIX.") \
	O(CONFORM_TIMEOUT, "timeout", "=SECONDS", \
	  "Give each row that long instead of its own time, which is 20 seconds " \
	  "on a Wine as it is, where faults may be endless loops.")

#define WW_BENCH_OPTIONS(O) \
	O(BENCH_QUICK, "quick", "", \
	  "Repeat little and wait little: under a minute on a machine with " \
	  "nothing else to do, and less exact.") \
	O(BENCH_CASE, "case", "=PREFIX", \
	  "Measure only cases whose names begin with PREFIX. May be given again " \
	  "for further ones.") \
	O(BENCH_WINE, "wine", "=COMMAND", \
	  "Measure also in the Wine that the shell command COMMAND starts, as " \
	  "it is and with winewatch. May be given again for further Wines.") \
	O(BENCH_JSON, "json", "=FILE", \
	  "Write the result as one JSON object to FILE. As FILE, - is standard " \
	  "output, instead of the text.") \
	O(BENCH_SVG, "svg", "=DIR", \
	  "Draw the result into SVG files in the folder DIR, with gnuplot.") \
	O(BENCH_TARGETS, "targets", "", \
	  "Print, instead of the table, how the result compares with what the " \
	  "project wants.") \
	O(BENCH_LIST, "list", "", "Print the names of the cases, and measure " \
	  "none.")

#define WW_TOP_OPTIONS(O) \
	O(TOP_DELAY, "delay", "=SECONDS", \
	  "Look again after that long, from 0.05 to 600; otherwise after 1 " \
	  "second. Also -d SECONDS.") \
	O(TOP_COUNT, "count", "=N", "End after N looks. Also -n N.") \
	O(TOP_JSON, "json", "", "Print each look as one JSON object on one line.")

/* L(command, the list of its options), for those that have any. */
#define WW_OPTION_LISTS(L) \
	L(doctor, WW_DOCTOR_OPTIONS) \
	L(conform, WW_CONFORM_OPTIONS) \
	L(bench, WW_BENCH_OPTIONS) \
	L(top, WW_TOP_OPTIONS)

/* The keys of the options for argp; outside of the printable characters, so
 * that no option has a one-letter form. */
enum ww_option {
	WW_OPTION_FIRST = 0x100,
#define O(symbol, name, argument, what) WW_OPTION_##symbol,
#define L(command, options) options(O)
	WW_OPTION_LISTS(L)
#undef L
#undef O
};

/* Options for argp, made from such a list. */
#define WW_ARGP_OPTION(symbol, name_, argument, what) \
	{ .name = name_, .key = WW_OPTION_##symbol, .doc = what, \
	  .arg = sizeof(argument) > 1 ? &(argument)[1] : NULL },

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any arguments of the winewatch command: each is taken for what the list of
 * options says it is, or the whole is refused with status 2 and a message of one
 * line, and nothing has been done until then.
 *
 * The input is arguments, at most N_ARGUMENTS: a byte that chooses a word, and,
 * if its highest bit is set, what is appended to it, up to the next zero.
 */
#include "input.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

/* Its own calls of argp come here, by --wrap of the linker. */
#define main winewatch_main
#include "../../tools/winewatch.c"
#undef main

const char fuzz_target[] = "options";

enum { N_ARGUMENTS = 12, N_BYTES = 2048 };

enum outcome { ACCEPTED = 1, REFUSED, SHOWN, HIDDEN };

/* ---- The reference ---- */

enum { KEY_SHOWN = 1, KEY_HIDDEN };

struct known {
	const char *name;
	int key;
	bool has_argument;
};

/* Those of argp; the hidden ones are its own tests of programs. */
#define ARGP_OWN \
	{ "help", KEY_SHOWN, false }, { "usage", KEY_SHOWN, false }, \
	{ "version", KEY_SHOWN, false }, { "HANG", KEY_HIDDEN, false }, \
	{ "program-name", KEY_HIDDEN, true }, { 0 }

#define O(symbol, name, argument, what) \
	{ name, WW_OPTION_##symbol, sizeof(argument) > 1 },
static const struct known none[] = { ARGP_OWN };
#define L(command, options) \
	static const struct known command##_known[] = { options(O) ARGP_OWN };
WW_OPTION_LISTS(L)
#undef L
#undef O

/* One thing that was read: an option with its argument, or an operand. */
struct item {
	int key;		/* ARGP_KEY_ARG: an operand */
	const char *text;
};

struct items {
	struct item item[N_ARGUMENTS * 8];
	size_t n;
};

struct reading {
	char **argv;
	int argc;
	int next;
	bool quoted;		/* -- has been read */
	const struct known *known;
	const char *shorts;	/* with an argument */
	struct items items;
};

static const char *text_of(const struct reading *reading, int key, int nth)
{
	for (size_t i = 0; i < reading->items.n; i++)
		if (reading->items.item[i].key == key && !nth--)
			return reading->items.item[i].text;
	return NULL;
}

static bool has(const struct reading *reading, int key)
{
	for (size_t i = 0; i < reading->items.n; i++)
		if (reading->items.item[i].key == key)
			return true;
	return false;
}

static bool is_dash(const struct reading *reading, int key)
{
	const char *text = text_of(reading, key, 0);

	return text && !strcmp(text, "-");
}

static void add(struct items *items, int key, const char *text)
{
	expect(items->n < sizeof(items->item) / sizeof(items->item[0]));
	items->item[items->n++] = (struct item){ key, text };
}

/* The name in full, or the beginning of one alone. */
static const struct known *find_known(const struct known *known, const char *name,
				      size_t n)
{
	const struct known *found = NULL;
	int n_found = 0;

	for (; known->name; known++) {
		if (strncmp(known->name, name, n))
			continue;
		if (!known->name[n])
			return known;
		found = known;
		n_found++;
	}
	return n_found == 1 ? found : NULL;
}

static enum outcome add_option(struct reading *reading, int key, const char *text)
{
	if (key == KEY_SHOWN)
		return SHOWN;
	if (key == KEY_HIDDEN)
		return HIDDEN;
	add(&reading->items, key, text);
	return ACCEPTED;
}

static const char *next_argument(struct reading *reading)
{
	return reading->next < reading->argc ? reading->argv[reading->next++]
					     : NULL;
}

static enum outcome read_long(struct reading *reading, const char *text)
{
	size_t n = strcspn(text, "=");
	const char *argument = text[n] ? text + n + 1 : NULL;
	const struct known *known = find_known(reading->known, text, n);

	if (!known)
		return REFUSED;
	if (known->key == KEY_HIDDEN)
		return HIDDEN;
	if (argument && !known->has_argument)
		return REFUSED;
	if (known->has_argument && !argument &&
	    !(argument = next_argument(reading)))
		return REFUSED;
	return add_option(reading, known->key, argument);
}

static enum outcome read_short(struct reading *reading, const char *text)
{
	for (; *text; text++) {
		const char *argument = text[1] ? text + 1 : NULL;

		if (strchr("?V", *text))
			return SHOWN;
		/* glibc calls it invalid, and then takes it for -? */
		if (*text == '\377')
			return HIDDEN;
		if (!strchr(reading->shorts, *text))
			return REFUSED;
		if (!argument && !(argument = next_argument(reading)))
			return REFUSED;
		return add_option(reading, *text, argument);
	}
	return ACCEPTED;
}

/* Reads options up to the next operand, which is *operand, or NULL. */
static enum outcome read_options(struct reading *reading, const char **operand)
{
	const char *text;

	while ((text = next_argument(reading))) {
		enum outcome outcome;

		if (reading->quoted || text[0] != '-' || !text[1])
			break;
		if (!strcmp(text, "--")) {
			reading->quoted = true;
			continue;
		}
		outcome = text[1] == '-' ? read_long(reading, text + 2)
					 : read_short(reading, text + 1);
		if (outcome != ACCEPTED)
			return outcome;
	}
	*operand = text;
	return ACCEPTED;
}

/* A decimal number as strtol() reads it, within bounds. */
static bool is_number(const char *text, bool loose, unsigned long max)
{
	unsigned long value = 0;

	text += loose ? strspn(text, " \t\n\v\f\r") : 0;
	text += loose && *text == '+';
	if (!*text || text[strspn(text, "0123456789")])
		return false;
	for (; *text && value <= max; text++)
		value = value * 10 + (unsigned long)(*text - '0');
	return value && value <= max;
}

/* sscanf would take "600E". */
static bool is_delay(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	return end != text && !*end && seconds >= 0.05 && seconds <= 600;
}

static bool is_good(const struct item *item)
{
	switch (item->key) {
	case 'd':
	case WW_OPTION_TOP_DELAY:
		return is_delay(item->text);
	case 'n':
	case WW_OPTION_TOP_COUNT:
		return is_number(item->text, true, INT32_MAX);
	case WW_OPTION_CONFORM_TIMEOUT:
		return is_number(item->text, false, 86400);
	default:
		return true;
	}
}

/* Options of which only one is wanted, and that was given. */
static bool repeats(const struct reading *reading)
{
	static const int once[] = {
		WW_OPTION_FEATURE, WW_OPTION_CONFORM_JSON,
		WW_OPTION_CONFORM_MARKDOWN, WW_OPTION_CONFORM_ROW,
		WW_OPTION_CONFORM_GROUP, WW_OPTION_BENCH_JSON,
		WW_OPTION_BENCH_SVG,
	};

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		if (text_of(reading, once[i], 1))
			return true;
	return false;
}

static bool exclude_each_other(const struct reading *reading)
{
	if (has(reading, WW_OPTION_CONFORM_ROW) &&
	    has(reading, WW_OPTION_CONFORM_GROUP))
		return true;
	if (is_dash(reading, WW_OPTION_CONFORM_JSON) &&
	    is_dash(reading, WW_OPTION_CONFORM_MARKDOWN))
		return true;
	return has(reading, WW_OPTION_BENCH_TARGETS) &&
	       (has(reading, WW_OPTION_BENCH_LIST) ||
		is_dash(reading, WW_OPTION_BENCH_JSON));
}

/* Reads on after an operand; *end is where that is all that is read. */
static enum outcome read_operand(struct reading *reading, const char *name,
				 const char *operand, bool *end)
{
	bool is_top = !strcmp(name, "top");

	*end = !strcmp(name, "run") || (is_top && reading->quoted);
	if (!*end && !is_top)
		return REFUSED;
	if (is_top && has(reading, ARGP_KEY_ARG))
		return REFUSED;
	if (is_top && !*end && !is_number(operand, true, INT32_MAX))
		return REFUSED;
	add(&reading->items, ARGP_KEY_ARG, operand);
	return ACCEPTED;
}

static bool all_are_good(const struct reading *reading)
{
	for (size_t i = 0; i < reading->items.n; i++)
		if (!is_good(&reading->items.item[i]))
			return false;
	return !repeats(reading);
}

static enum outcome read_end(const struct reading *reading, const char *name)
{
	bool wants_operand = !strcmp(name, "run") || !strcmp(name, "top");

	if (wants_operand && !has(reading, ARGP_KEY_ARG))
		return REFUSED;
	return exclude_each_other(reading) ? REFUSED : ACCEPTED;
}

static enum outcome read_command(struct reading *reading, const char *name)
{
	enum outcome outcome = ACCEPTED;
	bool end = false;

	while (outcome == ACCEPTED && !end) {
		const char *operand;

		outcome = read_options(reading, &operand);
		if (!all_are_good(reading))
			return REFUSED;
		if (outcome == ACCEPTED && !operand)
			return read_end(reading, name);
		if (outcome == ACCEPTED)
			outcome = read_operand(reading, name, operand, &end);
	}
	return outcome;
}

static const struct known *known_of(const char *name)
{
#define L(command, options) \
	if (!strcmp(name, #command)) \
		return command##_known;
	WW_OPTION_LISTS(L)
#undef L
	return none;
}

static bool is_command(const char *name)
{
#define C(command, arguments, what) \
	if (!strcmp(name, #command)) \
		return true;
	WW_COMMANDS(C)
#undef C
	return false;
}

static enum outcome read_help(const struct reading *reading)
{
	int n = reading->argc - reading->next;

	return !n || (n == 1 && is_command(reading->argv[reading->next])) ?
	       SHOWN : REFUSED;
}

static enum outcome read_all(struct reading *reading, int argc, char **argv)
{
	enum outcome outcome;
	const char *name;

	*reading = (struct reading){ .argv = argv, .argc = argc, .next = 1,
				     .known = none, .shorts = "" };
	outcome = read_options(reading, &name);
	if (outcome != ACCEPTED)
		return outcome;
	if (!name || !is_command(name))
		return REFUSED;
	if (!strcmp(name, "help"))
		return read_help(reading);
	reading->quoted = false;
	reading->known = known_of(name);
	reading->shorts = strcmp(name, "top") ? "" : "dn";
	return read_command(reading, name);
}

/* ---- The command, up to where it would begin to do something ---- */

error_t __real_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned flags, int *end, void *input);
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv,
			  unsigned flags, int *end, void *input);
void __real_argp_error(const struct argp_state *state, const char *format, ...);
void __wrap_argp_error(const struct argp_state *state, const char *format, ...);
void *__real_resize_array(void *array, size_t n, size_t n_bytes_each);
void *__wrap_resize_array(void *array, size_t n, size_t n_bytes_each);
char *__wrap_format_text(const char *format, ...);

static jmp_buf parsed;
static argp_parser_t parser;
static bool refused;
static struct items seen;

/* What a command would give back at its end. */
static void *blocks[N_ARGUMENTS * 4];
static size_t n_blocks;

static void *keep(void *old, void *block)
{
	size_t i = 0;

	while (i < n_blocks && blocks[i] != old)
		i++;
	if (!old || i == n_blocks)
		i = n_blocks++;
	expect(block && i < sizeof(blocks) / sizeof(blocks[0]));
	blocks[i] = block;
	return block;
}

static void give_back(void)
{
	while (n_blocks)
		free(blocks[--n_blocks]);
}

void *__wrap_resize_array(void *array, size_t n, size_t n_bytes_each)
{
	return keep(array, __real_resize_array(array, n, n_bytes_each));
}

char *__wrap_format_text(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	expect(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	return keep(NULL, text);
}

/* The same message, and no exit. */
void __wrap_argp_error(const struct argp_state *state, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	refused = true;
	va_start(arguments, format);
	expect(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	__real_argp_error(state, "%s", text);
	free(text);
}

static error_t spy(int key, char *argument, struct argp_state *state)
{
	error_t error = parser(key, argument, state);

	if (refused)
		return EINVAL;
	if (!error && (key == ARGP_KEY_ARG || (key > 0 && key < ARGP_KEY_END)))
		add(&seen, key, argument);
	return error;
}

error_t __wrap_argp_parse(const struct argp *its, int argc, char **argv,
			  unsigned flags, int *end, void *input)
{
	struct argp spied = *its;
	error_t error;

	parser = its->parser;
	spied.parser = spy;
	seen.n = 0;
	error = __real_argp_parse(&spied, argc, argv, flags | ARGP_NO_EXIT, end,
				  input);
	if (error || refused)
		longjmp(parsed, REFUSED);
	if (its != &argp)
		longjmp(parsed, ACCEPTED);
	return 0;
}

static enum outcome call(int argc, char **argv)
{
	int status = setjmp(parsed);

	if (status)
		return (enum outcome)status;
	status = winewatch_main(argc, argv);
	expect(!status || status == EXIT_USAGE);
	return status ? REFUSED : SHOWN;
}

/* What it prints, on both streams. */
static char *printed;

static enum outcome run(int argc, char **argv)
{
	FILE *out = stdout, *err = stderr;
	enum outcome outcome;
	size_t n_bytes;

	refused = false;
	stdout = stderr = open_memstream(&printed, &n_bytes);
	expect(stdout != NULL);
	outcome = call(argc, argv);
	fclose(stdout);
	stdout = out;
	stderr = err;
	give_back();
	return outcome;
}

/* ---- What is compared ---- */

static bool begins_with(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

static bool is_shown(void)
{
	char *version = format_text("winewatch %s\n", ww_version());
	bool is = begins_with(printed, "Usage: ") ||
		  begins_with(printed, version);

	give_back();
	return is;
}

/* One line, and perhaps where there is help. */
static bool is_one_message(void)
{
	const char *end = strchr(printed, '\n');

	return begins_with(printed, "winewatch") && end &&
	       (!end[1] || begins_with(end + 1, "Try `winewatch")) &&
	       (!end[1] || strstr(end, "--help'")) &&
	       argp_err_exit_status == EXIT_USAGE;
}

static bool same_item(const struct item *a, const struct item *b)
{
	return a->key == b->key && !a->text == !b->text &&
	       (!a->text || !strcmp(a->text, b->text));
}

static bool same_items(const struct items *a, const struct items *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_item(&a->item[i], &b->item[i]))
			return false;
	return true;
}

/* Whoever asks for help is told, whatever comes behind that. */
static void compare(enum outcome expected, int argc, char **argv,
		    struct reading *reading)
{
	enum outcome outcome;

	if (expected == SHOWN)
		argv[argc = reading->next] = NULL;
	outcome = run(argc, argv);
	if (expected == SHOWN) {
		expect(is_shown());
	} else {
		expect(outcome == expected);
		if (outcome == REFUSED)
			expect(is_one_message());
		else
			expect(!*printed && same_items(&seen, &reading->items));
	}
	free(printed);
}

/* ---- The input ---- */

static const char *const words[] = {
	"", "--", "-", "-d", "-n", "1", "0.5", "600", "86400", "-V", "-?",
	"--help", "--usage", "--version", "=", "true",
#define C(name, arguments, what) #name,
	WW_COMMANDS(C)
#undef C
#define O(symbol, name, argument, what) \
	"--" name, sizeof(argument) > 1 ? "--" name "=" : "--" name,
#define L(command, options) options(O)
	WW_OPTION_LISTS(L)
#undef L
#undef O
};

enum { N_WORDS = sizeof(words) / sizeof(words[0]) };

/* Each is memory of its own, so that a read beyond its end shows. */
static char *take_argument(struct input *input)
{
	char text[N_BYTES], c;
	size_t n;
	uint8_t word;

	if (!take(input, &word, 1))
		return NULL;
	strcpy(text, words[(word & 127) % N_WORDS]);
	for (n = strlen(text); (word & 128) && n < sizeof(text) - 1 &&
			       take(input, &c, 1) && c; n++)
		text[n] = c == '\n' ? ' ' : c;
	text[n] = '\0';
	return strdup(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
	char *argv[N_ARGUMENTS + 2] = { strdup("winewatch") };
	char *all[N_ARGUMENTS + 2];
	struct input input = { data, n_bytes };
	struct reading reading;
	enum outcome expected;
	int argc = 1;

	while (argc <= N_ARGUMENTS && (argv[argc] = take_argument(&input)))
		argc++;
	argv[argc] = NULL;
	memcpy(all, argv, sizeof(all));
	expected = read_all(&reading, argc, argv);
	if (expected != HIDDEN)
		compare(expected, argc, argv, &reading);
	for (int i = 0; i < argc; i++)
		free(all[i]);
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness: rows, TAP, diagnostics, random numbers and time. */
#include "harness.h"

#include "system.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_S	60
#define MAX_FAILURES_SHOWN	8

/*
 * A child says by a status of its own that its row passed: a process that dies
 * by Wine's hand may well end with 0. A row that is skipped prints its result
 * itself.
 */
enum { PASSED, FAILED, USAGE, CHILD_PASSED = 42, SKIPPED = 77 };

static const struct row *current;
static unsigned int child_number;
static unsigned int failures;
static uint64_t seed, steps;
static bool seed_given, seed_shown;
static unsigned int timeout_for_all_s;
static const char *group_wanted = "";

static void print_line(const char *where, const char *format, va_list arguments)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, arguments);
	printf("# %s%s\n", where, text);
	fflush(stdout);
}

bool check_at(bool ok, const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	char where[80];
	va_list arguments;

	if (ok)
		return true;
	if (++failures > MAX_FAILURES_SHOWN)
		return false;
	snprintf(where, sizeof(where), "%s:%d: ", slash ? slash + 1 : file,
		 line);
	va_start(arguments, format);
	print_line(where, format, arguments);
	va_end(arguments);
	return false;
}

void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line("", format, arguments);
	va_end(arguments);
}

/*
 * Not exit(): a row may leave suspended or killed threads behind, which could
 * hold a lock that an orderly end would wait for.
 */
static void __attribute__((noreturn)) end_row(void)
{
	fflush(stdout);
	end_process(failures ? FAILED : child_number ? CHILD_PASSED : PASSED);
}

void give_up(const char *format, ...)
{
	va_list arguments;

	failures++;
	va_start(arguments, format);
	print_line("cannot go on: ", format, arguments);
	va_end(arguments);
	end_row();
}

int checks_status(void)
{
	return failures ? FAILED : PASSED;
}

static void print_skip(unsigned int number, const struct row *row,
		       const char *reason)
{
	printf("ok %u - %s # SKIP %s\n", number, row->name, reason);
	fflush(stdout);
}

/* What has failed by then has failed. */
void skip_row(const char *format, ...)
{
	char reason[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	if (failures)
		end_row();
	if (child_number)
		print_skip(child_number, current, reason);
	else
		note("skipped: %s", reason);
	end_process(SKIPPED);
}

uint64_t now_us(void)
{
	static LARGE_INTEGER per_second;
	LARGE_INTEGER now;

	if (!per_second.QuadPart)
		QueryPerformanceFrequency(&per_second);
	QueryPerformanceCounter(&now);
	return (uint64_t)((double)now.QuadPart * 1e6 / per_second.QuadPart);
}

void spin_us(unsigned int us)
{
	uint64_t end = now_us() + us;

	while (now_us() < end)
		__builtin_ia32_pause();
}

void wait_a_turn(uint64_t start_us, const char *what)
{
	if (now_us() - start_us > WAIT_S * 1000000u)
		give_up("%s: not after %u s", what, WAIT_S);
	let_others_run();
}

/* Half of what the row has, or another process that it waits for. */
static unsigned int time_to_repeat_s(void)
{
	if (!current)
		return WAIT_S / 2;
	return (current->timeout_s ?: DEFAULT_TIMEOUT_S) / 2;
}

bool another_round(unsigned int round, unsigned int n_rounds)
{
	static uint64_t start;

	if (!round)
		start = now_us();
	if (round >= n_rounds)
		return false;
	if (now_us() - start < time_to_repeat_s() * UINT64_C(1000000))
		return true;
	note("%u of %u rounds", round, n_rounds);
	return false;
}

uint64_t row_seed(void)
{
	if (!seed_given)
		seed = now_us() & 0xffffffff;
	seed_given = true;
	if (!seed_shown)
		note("seed %llu", (unsigned long long)seed);
	seed_shown = true;
	return seed;
}

uint64_t row_steps(uint64_t n)
{
	return steps ?: n;
}

uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(((*state >> 32) * limit) >> 32);
}

void shuffle(uint32_t *numbers, uint32_t n, uint64_t *state)
{
	for (uint32_t i = 0; i < n; i++)
		numbers[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t other = random_below(state, i);
		uint32_t number = numbers[i - 1];

		numbers[i - 1] = numbers[other];
		numbers[other] = number;
	}
}

static void __attribute__((noreturn)) run_here(const struct row *row)
{
	current = row;
	prepare_faults();
	row->run();
	if (failures > MAX_FAILURES_SHOWN)
		note("%u checks failed", failures);
	end_row();
}

void run_again(const char *arguments)
{
	unsigned int status;
	enum ending ending;

	fflush(stdout);
	ending = run_program(arguments, WAIT_S, &status);
	if (ending == HUNG)
		give_up("the other process does not end");
	if (ending == NOT_STARTED || status)
		give_up("the other process: error %u", status);
}

static enum ending run_child(const struct row *row, unsigned int number,
			     unsigned int timeout_s, unsigned int *status)
{
	char arguments[128];
	int length = snprintf(arguments, sizeof(arguments),
			      "--child %u --row %s", number, row->name);

	if (seed_given)
		length += snprintf(arguments + length,
				   sizeof(arguments) - length, " --seed %llu",
				   (unsigned long long)seed);
	if (steps)
		snprintf(arguments + length, sizeof(arguments) - length,
			 " --steps %llu", (unsigned long long)steps);
	fflush(stdout);
	return run_program(arguments, timeout_s, status);
}

/* Returns false if the row failed and must not. */
static bool run_in_child(const struct row *row, unsigned int number)
{
	unsigned int timeout_s = timeout_for_all_s ?: row->timeout_s ?:
				 DEFAULT_TIMEOUT_S;
	unsigned int status = FAILED;
	enum ending ending = run_child(row, number, timeout_s, &status);
	bool passed, differs;

	/* Wine 8.0 on a busy machine: once in thousands of times */
	if (ending == NOT_STARTED) {
		printf("# %s: not started: error %u; again\n", row->name, status);
		ending = run_child(row, number, timeout_s, &status);
	}
	passed = ending == ENDED && status == CHILD_PASSED;
	differs = ending == ENDED && status == FAILED &&
		  row->flags & ROW_NOT_PINNED;
	if (ending == ENDED && status == SKIPPED)
		return true;
	printf("%s %u - %s", passed ? "ok" : "not ok", number, row->name);
	if (ending == NOT_STARTED)
		printf(" # not started: error %u", status);
	else if (ending == HUNG)
		printf(" # timeout after %u s", timeout_s);
	else if (differs)
		printf(" # TODO not pinned");
	else if (!passed && status != FAILED)
		printf(" # ended with status %08x", status);
	printf("\n");
	fflush(stdout);
	return passed || differs;
}

static bool run_or_skip(const struct row *row, unsigned int number)
{
	if (row->run)
		return run_in_child(row, number);
	print_skip(number, row, LEFT_OUT);
	return true;
}

static bool is_wanted(const struct row *row)
{
	return !strncmp(row->name, group_wanted, strlen(group_wanted));
}

static int run_all(const struct row *const *groups)
{
	unsigned int n_rows = 0, n_failed = 0, number = 0;

	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			n_rows += is_wanted(row);
	printf("1..%u\n", n_rows);
	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			if (is_wanted(row))
				n_failed += !run_or_skip(row, ++number);
	return n_failed ? FAILED : PASSED;
}

static int list_all(const struct row *const *groups)
{
	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			printf("%s\t%s\t%s\t%s\n", row->name, row->source,
			       row->flags & ROW_NOT_PINNED ? "not pinned" :
			       "pinned", row->rule);
	return PASSED;
}

static const struct row *find_row(const struct row *const *groups,
				  const char *name)
{
	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			if (row->run && !strcmp(row->name, name))
				return row;
	return NULL;
}

static int usage(FILE *to, int status)
{
	fprintf(to, "Usage: writewatch [--list] [--group PREFIX] [--row NAME] "
		"[--seed N] [--steps N] [--timeout SECONDS]\n"
		"Without --row every row, or every one whose name begins with "
		"PREFIX, runs in a\nprocess of its own; prints TAP.\n");
	return status;
}

int run_rows(const struct row *const *groups, int argc, char **argv)
{
	const struct row *row = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list"))
			return list_all(groups);
		if (!strcmp(argv[i], "--help"))
			return usage(stdout, PASSED);
		if (!strcmp(argv[i], "--child") && i + 1 < argc) {
			child_number = strtoul(argv[++i], NULL, 10);
			continue;
		}
		if (!strcmp(argv[i], "--row") && i + 1 < argc) {
			row = find_row(groups, argv[++i]);
			if (row)
				continue;
			fprintf(stderr, "writewatch: no row %s\n", argv[i]);
			return USAGE;
		}
		if (!strcmp(argv[i], "--group") && i + 1 < argc) {
			group_wanted = argv[++i];
			continue;
		}
		if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
			seed = strtoull(argv[++i], NULL, 10);
			seed_given = true;
			continue;
		}
		if (!strcmp(argv[i], "--steps") && i + 1 < argc) {
			steps = strtoull(argv[++i], NULL, 10);
			continue;
		}
		if (!strcmp(argv[i], "--timeout") && i + 1 < argc) {
			timeout_for_all_s = strtoul(argv[++i], NULL, 10);
			continue;
		}
		return usage(stderr, USAGE);
	}
	if (row)
		run_here(row);
	return run_all(groups);
}

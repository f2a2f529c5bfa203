/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which faults are played, and a row for each. */
#include "inject.h"

#include "../kernel/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct inject_machine *machine;

/* ---- One play ---- */

static void forget_play(void)
{
	inject_state->n_calls = inject_state->n_fired = 0;
	inject_state->lacks_features = false;
	inject_state->why[0] = '\0';
}

/* In a process of its own. */
static bool play(const struct inject_scenario *scenario)
{
	int status = 0;
	pid_t pid;

	forget_play();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		inject_play(machine, scenario);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("a process to play in");
	if (WIFSIGNALED(status))
		snprintf(inject_state->why, sizeof(inject_state->why),
			 "signal %d", WTERMSIG(status));
	return !status;
}

static void choose(size_t i, unsigned call, unsigned fault)
{
	inject_state->choices[i] = (struct inject_choice){ call, fault };
}

static void choose_none(void)
{
	choose(0, 0, 0);
	choose(1, 0, 0);
}

/* ---- Scenarios as they are without faults ---- */

struct recorded {
	unsigned n_calls;
	unsigned char ops[INJECT_MAX_CALLS];
};

static bool record(const struct inject_scenario *scenario,
		   struct recorded *recorded)
{
	bool passed;

	choose_none();
	passed = play(scenario);
	recorded->n_calls = inject_state->n_calls;
	memcpy(recorded->ops, inject_state->ops, sizeof(recorded->ops));
	if (!ok(passed, "%s: nothing fails, in %u calls", scenario->name,
		recorded->n_calls))
		diag("%s", inject_state->why);
	return passed;
}

/* ---- One fault ---- */

static void play_one(const struct inject_scenario *scenario, unsigned call,
		     unsigned fault, enum inject_op op)
{
	size_t n_faults;
	const struct inject_fault *faults = inject_faults(op, &n_faults);
	bool passed;

	choose_none();
	choose(0, call, fault);
	passed = play(scenario);
	if (!passed || inject_state->n_fired == 1) {
		ok(passed, "%s: call %u, %s: %s%s%s", scenario->name, call,
		   inject_op_name(op), faults[fault].name, passed ? "" : ": ",
		   inject_state->why);
		return;
	}
	ok(false, "%s: call %u is not reached", scenario->name, call);
}

static void play_singles(const struct inject_scenario *scenario,
			 const struct recorded *recorded)
{
	for (unsigned call = 1; call <= recorded->n_calls; call++) {
		enum inject_op op = recorded->ops[call];
		size_t n_faults;

		inject_faults(op, &n_faults);
		for (unsigned i = 0; i < n_faults; i++)
			play_one(scenario, call, i, op);
	}
}

/* ---- Two ---- */

/* What follows a fault may be more calls than there were. */
#define MORE_CALLS 8

static size_t random_below(size_t below)
{
	uint64_t z = inject_state->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ z >> 31) % below);
}

/* Any number stands for a fault: those before the end are the pairs'. */
static unsigned fault_from_end(enum inject_op op, unsigned i)
{
	size_t n_faults;

	inject_faults(op, &n_faults);
	return (unsigned)(n_faults > i ? n_faults - 1 - i : 0);
}

static bool play_two(const struct inject_scenario *scenario)
{
	const struct inject_choice *choices = inject_state->choices;

	if (play(scenario))
		return true;
	diag("%s: call %u, fault %u and call %u, fault %u: %s", scenario->name,
	     choices[0].call, choices[0].fault, choices[1].call,
	     choices[1].fault, inject_state->why);
	return false;
}

/* All pairs with this first call. */
static unsigned play_seconds(const struct inject_scenario *scenario,
			     const struct recorded *recorded, unsigned first,
			     unsigned *n_failed)
{
	unsigned n = 0;

	for (unsigned second = first + 1;
	     second <= recorded->n_calls + MORE_CALLS; second++)
		for (unsigned i = 0; i < 4; i++, n++) {
			choose(0, first, fault_from_end(recorded->ops[first],
							i % 2));
			choose(1, second, fault_from_end(recorded->ops[second],
							 i / 2));
			*n_failed += !play_two(scenario);
		}
	return n;
}

static void play_all_pairs(const struct inject_scenario *scenario,
			   const struct recorded *recorded)
{
	for (unsigned first = 1; first <= recorded->n_calls; first++) {
		unsigned n_failed = 0;
		unsigned n = play_seconds(scenario, recorded, first, &n_failed);

		ok(!n_failed, "%s: call %u, %s, and another: %u pairs",
		   scenario->name, first,
		   inject_op_name(recorded->ops[first]), n);
	}
}

static void choose_two(const struct recorded *recorded)
{
	size_t first = 1 + random_below(recorded->n_calls);
	size_t second = first + 1 + random_below(recorded->n_calls +
						 MORE_CALLS - first);

	choose(0, (unsigned)first, (unsigned)random_below(64));
	choose(1, (unsigned)second, (unsigned)random_below(64));
}

static void play_some_pairs(const struct inject_scenario *scenario,
			    const struct recorded *recorded, unsigned n)
{
	unsigned n_failed = 0;

	for (unsigned i = 0; i < n; i++) {
		choose_two(recorded);
		n_failed += !play_two(scenario);
	}
	ok(!n_failed, "%s: %u pairs of failures", scenario->name, n);
}

/* ---- All ---- */

#define PAIRS 60

static void play_pairs(const struct inject_scenario *scenario,
		       const struct recorded *recorded)
{
	const char *pairs = getenv("INJECT_PAIRS");

	if (pairs && !strcmp(pairs, "all"))
		play_all_pairs(scenario, recorded);
	else
		play_some_pairs(scenario, recorded, pairs ?
				(unsigned)strtoul(pairs, NULL, 10) : PAIRS);
}

static void play_scenario(const struct inject_scenario *scenario)
{
	static struct recorded recorded;

	memset(&recorded, 0, sizeof(recorded));
	if (!record(scenario, &recorded))
		return;
	play_singles(scenario, &recorded);
	play_pairs(scenario, &recorded);
}

static void share_state(void)
{
	const char *seed = getenv("SEED");

	inject_state = mmap(NULL, sizeof(*inject_state), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (inject_state == MAP_FAILED)
		bail_out("memory to share");
	inject_state->seed = seed ? strtoull(seed, NULL, 0) :
				    (uint64_t)time(NULL);
	diag("SEED=%llu", (unsigned long long)inject_state->seed);
}

int inject_main(const struct inject_machine *its)
{
	const char *only = getenv("INJECT_ONLY");

	machine = its;
	share_state();
	for (size_t i = 0; i < inject_n_scenarios; i++)
		if (!only || !strcmp(only, inject_scenarios[i].name))
			play_scenario(&inject_scenarios[i]);
	return done_testing();
}

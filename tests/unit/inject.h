/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fault injection: scenarios are played on a registry over a table of operations
 * that numbers every call and lets chosen ones fail; a shadow of one cell a page
 * says what the registry must answer all the same.
 *
 * A play runs in a process of its own, so that a crash, a hang or what an earlier
 * play left behind is a result like any other.
 */
#ifndef INJECT_H
#define INJECT_H

#include "regions.h"

#define INJECT_FORMAT(string, first) \
	__attribute__((format(printf, string, first)))

/* ---- Calls and faults ---- */

enum inject_op {
	INJECT_USERFAULTFD,
	INJECT_PAGEMAP,
	INJECT_API,
	INJECT_REGISTER,
	INJECT_UNREGISTER,
	INJECT_WRITEPROTECT,
	INJECT_SCAN,		/* PAGEMAP_SCAN with an array */
	INJECT_RESET,		/* without */
	INJECT_MAP,
	INJECT_PROTECT,
	INJECT_ADVISE,
	INJECT_IS_CLOSED,
	INJECT_SPARSE_FILE,
	INJECT_MAP_PART,
	INJECT_MOVE,
	INJECT_DISCARD,
	INJECT_OPS
};

/* What a chosen call does. */
enum inject_way {
	INJECT_BEFORE,		/* fails and has done nothing */
	INJECT_HALF,		/* fails in the middle of its range */
	INJECT_AFTER,		/* fails and has done everything */
	INJECT_NOTHING,		/* does nothing and says so to nobody */
	INJECT_STALE,		/* leaves walk_end where the scan began */
	INJECT_NO_ASYNC,	/* agrees to fewer features */
	INJECT_NO_UNPOPULATED,
	INJECT_NO_PROTECTION,	/* registers for something else */
};

struct inject_fault {
	const char *name;
	enum inject_way way;
	int error;
};

const char *inject_op_name(enum inject_op op);

/* The faults that suit an operation. The second last and the last of them are
 * what pairs are made of. */
const struct inject_fault *inject_faults(enum inject_op op, size_t *n);

/* The call with this number (the first has 1; 0 for none) meets this one of the
 * faults that suit it. */
struct inject_choice {
	unsigned call;
	unsigned fault;
};

#define INJECT_MAX_CALLS 4096

/* Shared by the process that chooses and the one that plays. */
struct inject_state {
	struct inject_choice choices[2];
	unsigned n_calls;
	unsigned n_fired;
	bool lacks_features;	/* since the last registry was opened */
	unsigned char ops[INJECT_MAX_CALLS];
	uint64_t seed;
	char why[256];		/* why a play has failed */
};

extern struct inject_state *inject_state;

/* The table over `ops`; calls are numbered from inject_begin to inject_end. */
const struct ww_kernel_ops *inject_over(const struct ww_kernel_ops *ops);
void inject_begin(void);
void inject_end(void);

/* What was given out and not given back, but for slots, which never are, and for
 * `n_allowed` mappings: "" or a text. */
const char *inject_leak(size_t n_allowed);

/* ---- The memory that is played with ---- */

#define INJECT_PAGES 16384

/* The kernel under the registry. Pages are numbered from 0 to INJECT_PAGES. */
struct inject_machine {
	const struct ww_kernel_ops *ops;
	const char *backend;
	/* In the process of a play: anew, and nothing mapped. */
	void (*begin)(void);
	uintptr_t (*at)(size_t page);
	/* A new mapping over what was there. */
	void (*map)(size_t page, size_t n_pages, bool accessible);
	void (*unmap)(size_t page, size_t n_pages);
	void (*protect)(size_t page, size_t n_pages, bool accessible);
	void (*write)(size_t page);
	/* In a child of that process. */
	void (*forked)(void);
	/* Whether any of these pages is still registered. */
	bool (*registered)(size_t page, size_t n_pages);
	/* After the registry was closed: "" or what is wrong. */
	const char *(*wrong)(void);
};

/* ---- Scenarios ---- */

struct inject_scenario {
	const char *name;
	void (*play)(void);
	bool opens;	/* it opens the registry itself */
};

extern const struct inject_scenario inject_scenarios[];
extern const size_t inject_n_scenarios;

/* Plays one from the beginning to the end of a registry; returns if nothing was
 * wrong. */
void inject_play(const struct inject_machine *machine,
		 const struct inject_scenario *scenario);

/* Ends the play: it has failed. */
_Noreturn void inject_fail(const char *format, ...) INJECT_FORMAT(1, 2);

/* ---- Rows ---- */

/* Every scenario without a fault, with every fault of every call, and with pairs
 * of faults; what main returns. INJECT_PAIRS in the environment: how many pairs,
 * or "all". INJECT_ONLY: the one scenario to play. SEED. */
int inject_main(const struct inject_machine *machine);

#endif

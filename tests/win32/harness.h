/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the rows of the suite, each in a process of its own, and prints TAP;
 * and everything a row needs that is not a write-watch call: threads, faults,
 * random numbers, time.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DU and DX: the ends of formats for a DWORD. */
#ifdef _WIN32
#include <windows.h>
#include <winternl.h>
#define DU	"lu"
#define DX	"lx"
NTSTATUS NTAPI NtGetWriteWatch(HANDLE, ULONG, PVOID, SIZE_T, PVOID *,
			       ULONG_PTR *, ULONG *);
NTSTATUS NTAPI NtResetWriteWatch(HANDLE, PVOID, SIZE_T);
#else
#include <writewatch/win32.h>
#define DU	"u"
#define DX	"x"
#endif

/*
 * One row. The source says why the rule holds: MS Microsoft's public
 * documentation, WT an assertion of Wine's own tests that real Windows passes,
 * RO ReactOS, W8 measured on Wine 8.0, L measured on Linux, INF inference.
 */
struct row {
	const char *name;
	const char *source;
	void (*run)(void);		/* NULL: not on this side */
	unsigned int timeout_s;		/* 0: the default, 60 s */
	unsigned int flags;
	const char *rule;		/* what it shows, a short sentence */
};

/*
 * No public source says what Windows does; expected is what never loses a
 * write. Another answer is no failure. A crash is one, and a hang.
 */
#define ROW_NOT_PINNED	1

/* Rows that are possible on one side only, and skipped on the other. */
#ifdef _WIN32
#define WINDOWS_ONLY(run)	run
#define NATIVE_ONLY(run)	NULL
#define LEFT_OUT		"needs the native side"
#else
#define WINDOWS_ONLY(run)	NULL
#define NATIVE_ONLY(run)	run
#define LEFT_OUT		"needs Windows"
#endif

/*
 * The program, as --help describes it. groups ends with NULL, each group with
 * a row without a name. Returns the exit status: 0, 1 if a row failed, 2 for a
 * wrong command line.
 */
int run_rows(const struct row *const *groups, int argc, char **argv);

/*
 * Say in a diagnostic why the row fails, unless ok, which is evaluated before
 * the diagnostic. The row goes on; returns ok. Only the first failures of a
 * row are printed.
 */
#define CHECK(ok, ...)							\
	__extension__ ({						\
		bool is_ok = !!(ok);					\
									\
		check_at(is_ok, __FILE__, __LINE__, __VA_ARGS__);	\
	})
bool check_at(bool ok, const char *file, int line, const char *format, ...)
	__attribute__((format(__printf__, 4, 5)));

/* Natively, whether this is how writes are seen; there is one way in Wine. */
bool backend_is(const char *name);

/* A diagnostic line. */
void note(const char *format, ...) __attribute__((format(__printf__, 1, 2)));

/* The row cannot go on: fail it now. */
void give_up(const char *format, ...)
	__attribute__((noreturn, format(__printf__, 1, 2)));

/* The row cannot show anything on this system: end it now. */
void skip_row(const char *format, ...)
	__attribute__((noreturn, format(__printf__, 1, 2)));

/* For what run_again() runs: its exit status, 1 if a check has failed. */
int checks_status(void);

/* The row's random numbers: repeated by --seed, printed at the first use. */
uint64_t row_seed(void);
/* How long a random row goes on: as --steps says, or n steps. */
uint64_t row_steps(uint64_t n);
/* A number below limit; state starts as row_seed() plus any constant. */
uint32_t random_below(uint64_t *state, uint32_t limit);
/* Mix the numbers 0 … n - 1. */
void shuffle(uint32_t *numbers, uint32_t n, uint64_t *state);

uint64_t now_us(void);
void spin_us(unsigned int us);

/*
 * For what is repeated: true for rounds 0 to n_rounds - 1, or, where the machine
 * is busy, for as many as fit into half of the row's time. A round that does not
 * end is still a hang.
 */
bool another_round(unsigned int round, unsigned int n_rounds);

/*
 * One turn of a waiting loop: lets another thread run; gives up when 20 s have
 * passed since start_us.
 */
void wait_a_turn(uint64_t start_us, const char *what);

/* Threads. A killed thread must not have been about to end by itself. */
HANDLE start_thread(void (*run)(void *), void *argument);
/* Wait until it has ended; give up after 20 s. */
void join_thread(HANDLE thread);
/* Returns when the thread really stands still. */
void suspend_thread(HANDLE thread);
void resume_thread(HANDLE thread);
/* Returns when the system calls the thread dead. */
void kill_thread(HANDLE thread);

/*
 * Run this program once more, with these arguments, until it ends; gives up
 * unless its exit status is 0.
 */
void run_again(const char *arguments);

/*
 * Add one to *byte. Returns 0, with nothing changed, if that faulted with an
 * access violation.
 */
#ifdef __x86_64__
int __attribute__((ms_abi)) try_write(volatile char *byte);
#else
int __attribute__((fastcall)) try_write(volatile char *byte);
#endif
/* Where its fault handler goes on. */
extern const char try_write_refused[];

/*
 * From now on an access violation inside the range is simply tried again,
 * until the access succeeds. n_bytes 0 ends this.
 */
void retry_faults_in(void *start, size_t n_bytes);

/* How often a PAGE_GUARD page was hit; the access then goes on. */
unsigned int guard_faults(void);

#endif

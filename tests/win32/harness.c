/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness on Win32: child processes, threads and vectored exceptions. */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_S	60
#define MAX_FAILURES_SHOWN	8
#define WAIT_US			20000000u

/*
 * A child says by a status of its own that its row passed: a process that dies
 * by Wine's hand may well end with 0.
 */
enum { PASSED, FAILED, USAGE, CHILD_PASSED = 42 };

static unsigned int failures;
static uint64_t seed;
static bool seed_given, seed_shown, is_child;
static unsigned int timeout_for_all_s;

static volatile LONG guards;
static char *volatile retry_start;
static volatile size_t retry_n_bytes;

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
	TerminateProcess(GetCurrentProcess(), failures ? FAILED :
			 is_child ? CHILD_PASSED : PASSED);
	abort();
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
		YieldProcessor();
}

void wait_a_turn(uint64_t start_us, const char *what)
{
	if (now_us() - start_us > WAIT_US)
		give_up("%s: not after %u s", what, WAIT_US / 1000000);
	SwitchToThread();
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

struct start {
	void (*run)(void *);
	void *argument;
};

static DWORD WINAPI thread_main(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	start.run(start.argument);
	return 0;
}

HANDLE start_thread(void (*run)(void *), void *argument)
{
	struct start *start = malloc(sizeof(*start));
	HANDLE thread = NULL;

	if (start) {
		start->run = run;
		start->argument = argument;
		thread = CreateThread(NULL, 0x10000, thread_main, start,
				      STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
	}
	if (!thread)
		give_up("CreateThread: error %lu", GetLastError());
	return thread;
}

void join_thread(HANDLE thread)
{
	if (WaitForSingleObject(thread, WAIT_US / 1000) != WAIT_OBJECT_0)
		give_up("a thread does not end");
	CloseHandle(thread);
}

void suspend_thread(HANDLE thread)
{
	CONTEXT context = { .ContextFlags = CONTEXT_CONTROL };

	/* SuspendThread only asks; the context is there once it stands. */
	if (SuspendThread(thread) == (DWORD)-1 ||
	    !GetThreadContext(thread, &context))
		give_up("SuspendThread: error %lu", GetLastError());
}

void resume_thread(HANDLE thread)
{
	if (ResumeThread(thread) == (DWORD)-1)
		give_up("ResumeThread: error %lu", GetLastError());
}

void kill_thread(HANDLE thread)
{
	if (!TerminateThread(thread, 0))
		give_up("TerminateThread: error %lu", GetLastError());
	join_thread(thread);
}

/*
 * The store of try_write is its first instruction, so that a fault there is
 * known by its address and needs no unwinding.
 */
__asm__(".text\n"
	".globl try_write\n"
	"try_write:\n"
	"\tincb (%rcx)\n"
	"\tmovl $1, %eax\n"
	"\tret\n"
	"try_write_refused:\n"
	"\txorl %eax, %eax\n"
	"\tret\n");
extern const char try_write_refused[];

void retry_faults_in(void *start, size_t n_bytes)
{
	retry_start = start;
	retry_n_bytes = n_bytes;
}

unsigned int guard_faults(void)
{
	return guards;
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *info)
{
	EXCEPTION_RECORD *record = info->ExceptionRecord;
	CONTEXT *context = info->ContextRecord;

	if (record->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION) {
		InterlockedIncrement(&guards);
		return EXCEPTION_CONTINUE_EXECUTION;
	}
	if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION)
		return EXCEPTION_CONTINUE_SEARCH;
	if (context->Rip == (DWORD64)try_write) {
		context->Rip = (DWORD64)try_write_refused;
		return EXCEPTION_CONTINUE_EXECUTION;
	}
	if (record->ExceptionInformation[1] - (ULONG_PTR)retry_start <
	    retry_n_bytes) {
		/* The faulting thread would starve the one it waits for. */
		SwitchToThread();
		return EXCEPTION_CONTINUE_EXECUTION;
	}
	return EXCEPTION_CONTINUE_SEARCH;
}

/* Says where a row crashed; without it Wine would start a debugger. */
static LONG CALLBACK on_crash(EXCEPTION_POINTERS *info)
{
	EXCEPTION_RECORD *record = info->ExceptionRecord;

	note("exception %08lx at %p, address %p", record->ExceptionCode,
	     record->ExceptionAddress, (void *)record->ExceptionInformation[1]);
	TerminateProcess(GetCurrentProcess(), record->ExceptionCode);
	return EXCEPTION_EXECUTE_HANDLER;
}

static void __attribute__((noreturn)) run_here(const struct row *row)
{
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
	SetUnhandledExceptionFilter(on_crash);
	AddVectoredExceptionHandler(1, on_exception);
	row->run();
	if (failures > MAX_FAILURES_SHOWN)
		note("%u checks failed", failures);
	end_row();
}

static HANDLE start_child(const struct row *row)
{
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	PROCESS_INFORMATION process;
	char program[MAX_PATH], command[MAX_PATH + 128];
	size_t length;

	GetModuleFileNameA(NULL, program, sizeof(program));
	length = snprintf(command, sizeof(command), "\"%s\" --child --row %s",
			  program, row->name);
	if (seed_given)
		snprintf(command + length, sizeof(command) - length,
			 " --seed %llu", (unsigned long long)seed);
	fflush(stdout);
	if (!CreateProcessA(program, command, NULL, NULL, TRUE, 0, NULL, NULL,
			    &startup, &process))
		return NULL;
	CloseHandle(process.hThread);
	return process.hProcess;
}

static bool run_in_child(const struct row *row, unsigned int number)
{
	unsigned int timeout_s = timeout_for_all_s ?: row->timeout_s ?:
				 DEFAULT_TIMEOUT_S;
	HANDLE process = start_child(row);
	DWORD status = FAILED;
	bool hung;

	if (!process) {
		printf("not ok %u - %s # CreateProcess: error %lu\n", number,
		       row->name, GetLastError());
		return false;
	}
	hung = WaitForSingleObject(process, timeout_s * 1000) != WAIT_OBJECT_0;
	if (hung) {
		TerminateProcess(process, FAILED);
		WaitForSingleObject(process, 10000);
	} else {
		GetExitCodeProcess(process, &status);
	}
	CloseHandle(process);

	if (hung)
		printf("not ok %u - %s # timeout after %u s\n", number,
		       row->name, timeout_s);
	else if (status == CHILD_PASSED)
		printf("ok %u - %s\n", number, row->name);
	else if (status == FAILED)
		printf("not ok %u - %s\n", number, row->name);
	else
		printf("not ok %u - %s # ended with status %08lx\n", number,
		       row->name, status);
	fflush(stdout);
	return status == CHILD_PASSED;
}

static int run_all(const struct row *const *groups)
{
	unsigned int n_rows = 0, n_failed = 0, number = 0;

	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			n_rows++;
	printf("1..%u\n", n_rows);
	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			n_failed += !run_in_child(row, ++number);
	return n_failed ? FAILED : PASSED;
}

static int list_all(const struct row *const *groups)
{
	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			printf("%-32s %s\n", row->name, row->source);
	return PASSED;
}

static const struct row *find_row(const struct row *const *groups,
				  const char *name)
{
	for (unsigned int group = 0; groups[group]; group++)
		for (const struct row *row = groups[group]; row->name; row++)
			if (!strcmp(row->name, name))
				return row;
	return NULL;
}

static int usage(FILE *to, int status)
{
	fprintf(to, "Usage: writewatch [--list] [--row NAME] [--seed N] "
		"[--timeout SECONDS]\n"
		"Without --row every row runs in a process of its own; "
		"prints TAP.\n");
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
		if (!strcmp(argv[i], "--child")) {
			is_child = true;
			continue;
		}
		if (!strcmp(argv[i], "--row") && i + 1 < argc) {
			row = find_row(groups, argv[++i]);
			if (row)
				continue;
			fprintf(stderr, "writewatch: no row %s\n", argv[i]);
			return USAGE;
		}
		if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
			seed = strtoull(argv[++i], NULL, 10);
			seed_given = true;
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness on Windows: processes, threads and vectored exceptions. */
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#define INSTRUCTION	Rip
#else
#define INSTRUCTION	Eip
#endif

static volatile LONG guards;
static char *volatile retry_start;
static volatile size_t retry_n_bytes;

void end_process(unsigned int status)
{
	TerminateProcess(GetCurrentProcess(), status);
	abort();
}

bool backend_is(const char *name)
{
	return !strcmp(name, "uffd");
}

void let_others_run(void)
{
	SwitchToThread();
}

static HANDLE start(const char *arguments)
{
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	PROCESS_INFORMATION process;
	char program[MAX_PATH], command[MAX_PATH + 256];

	GetModuleFileNameA(NULL, program, sizeof(program));
	snprintf(command, sizeof(command), "\"%s\" %s", program, arguments);
	if (!CreateProcessA(program, command, NULL, NULL, TRUE, 0, NULL, NULL,
			    &startup, &process))
		return NULL;
	CloseHandle(process.hThread);
	return process.hProcess;
}

enum ending run_program(const char *arguments, unsigned int timeout_s,
			unsigned int *status)
{
	HANDLE process = start(arguments);
	enum ending ending = ENDED;
	DWORD exit_status = 0;

	if (!process) {
		*status = GetLastError();
		return NOT_STARTED;
	}
	if (WaitForSingleObject(process, timeout_s * 1000) != WAIT_OBJECT_0) {
		TerminateProcess(process, 1);
		WaitForSingleObject(process, 10000);
		ending = HUNG;
	}
	GetExitCodeProcess(process, &exit_status);
	CloseHandle(process);
	*status = exit_status;
	return ending;
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
	if (WaitForSingleObject(thread, WAIT_S * 1000) != WAIT_OBJECT_0)
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
	if (context->INSTRUCTION == (ULONG_PTR)try_write) {
		context->INSTRUCTION = (ULONG_PTR)try_write_refused;
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

void prepare_faults(void)
{
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
	SetUnhandledExceptionFilter(on_crash);
	AddVectoredExceptionHandler(1, on_exception);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that is cancelled while it is in a call of the library leaves no lock
 * behind: the call comes to its end, and the thread ends after it.
 */
#include "memory.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 20

enum { N_PAGES = 512, N_WRITERS = 1500 };

static bool came_back;

/* The process's first watch opens the kernel's interfaces. */
static void first_watch(void)
{
	VirtualAlloc(NULL, PAGE_BYTES, MEM_RESERVE | MEM_WRITE_WATCH,
		     PAGE_READWRITE);
}

/* This one looks at what is mapped. */
static void low_place(void)
{
	MEM_ADDRESS_REQUIREMENTS low = {
		.HighestEndingAddress = (void *)(uintptr_t)0x7fffffff,
	};
	MEM_EXTENDED_PARAMETER parameter = {
		.Type = MemExtendedParameterAddressRequirements,
	};

	parameter.Pointer = &low;
	VirtualAlloc2(NULL, NULL, PAGE_BYTES, MEM_RESERVE, PAGE_READWRITE,
		      &parameter, 1);
}

/* The handlers of fork copy what a child will need, and close it. */
static void fork_here(void)
{
	if (!fork())
		_exit(0);
}

/* In it from its first cancellation point on. */
static void *run(void *argument)
{
	void (*const *call)(void) = argument;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	(*call)();
	came_back = true;
	pthread_testcancel();
	return NULL;
}

static int go_on_after(void (*call)(void))
{
	void *result;
	pthread_t thread;

	if (call != first_watch)
		first_watch();
	if (pthread_create(&thread, NULL, run, &call) ||
	    pthread_join(thread, &result))
		return 1;
	if (!came_back || result != PTHREAD_CANCELED)
		return 2;
	release(watched(1));
	return 0;
}

static void *write_on(void *argument)
{
	volatile char *base = argument;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (unsigned i = 0;; i = (i + 7) % N_PAGES)
		base[i * PAGE_BYTES]++;
	return NULL;
}

/* Who only writes may be cancelled anywhere, also where a write is noticed. */
static int cancel_writers(void)
{
	char *base = watched(N_PAGES);
	void *addresses[N_PAGES];

	for (int i = 0; i < N_WRITERS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, write_on, base))
			return 1;
		for (int k = 0; k < 3; k++) {
			ULONG_PTR count = N_PAGES;
			DWORD granularity;

			if (GetWriteWatch(WRITE_WATCH_FLAG_RESET, base,
					  N_PAGES * PAGE_BYTES, addresses,
					  &count, &granularity))
				return 2;
		}
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	return 0;
}

/* Who hangs may have blocked all signals but the one that cannot be. */
static bool ends_well(pid_t pid)
{
	int status;

	for (int i = 0; i < SECONDS * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			diag("status %#x", status);
			return !status;
		}
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	diag("it hangs");
	return false;
}

static void cancel_in(void (*call)(void), const char *name)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(call ? go_on_after(call) : cancel_writers());
	}
	if (pid < 0)
		bail_out("fork");
	ok(ends_well(pid), "%s", name);
}

int main(void)
{
	cancel_in(first_watch, "cancelled in the first watch");
	cancel_in(low_place, "cancelled in a search for a place");
	cancel_in(fork_here, "cancelled in a fork");
	cancel_in(NULL, "cancelled while it writes");
	return done_testing();
}

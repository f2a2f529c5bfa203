/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals 10,000 times a second, in two threads at work, with and without
 * SA_RESTART: no call fails because of them and no write is lost.
 *
 * Usage: interrupted [SECONDS [SEED]]
 */
#include "shadow.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { N_THREADS = 2, TICKS_PER_SECOND = 10000, ODD = 4711 };

static struct worker {
	struct shadow shadow;
	struct figures figures;
	pthread_t thread;
	uint64_t n_signals, n_inside;	/* of them, inside a call */
	uint64_t n_errno;		/* how often a call has changed it */
} workers[N_THREADS];

static __thread struct worker *self;
static bool stop;

static void on_tick(int signal)
{
	(void)signal;
	self->n_signals++;
	self->n_inside += self->shadow.call > A_WRITE;
}

static void begin_ticks(int signal, int flags)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = flags };
	struct timespec step = { .tv_nsec = 1000000000 / TICKS_PER_SECOND };
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = signal,
	};
	timer_t timer;

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	if (sigaction(signal, &action, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &(struct itimerspec){ step, step }, NULL))
		bail_out("a timer");
}

/* The timers of both have the same numbers, and each tells its own thread. */
static void *work(void *argument)
{
	self = argument;
	begin_ticks(SIGRTMIN, SA_RESTART);
	begin_ticks(SIGRTMIN + 1, 0);
	errno = ODD;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		shadow_step(&self->shadow);
		self->n_errno += errno != ODD;
		errno = ODD;
	}
	shadow_take_all(&self->shadow);
	return NULL;
}

static void begin(uint64_t seed)
{
	char *base = allocate(N_THREADS * SHADOW_PAGES,
			      MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);
	char *zones = allocate(N_THREADS * ZONE_PAGES * 16, MEM_RESERVE,
			       PAGE_READWRITE);

	release(zones);
	for (size_t i = 0; i < N_THREADS; i++) {
		shadow_begin(&workers[i].shadow,
			     base + i * SHADOW_PAGES * PAGE_BYTES, seed + i,
			     &workers[i].figures);
		workers[i].shadow.zone = zones + i * ZONE_PAGES * 16 * PAGE_BYTES;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			bail_out("pthread_create");
	}
}

static void finish(void)
{
	uint64_t n_signals = 0, n_inside = 0, n_errno = 0;
	struct figures sum = { 0 };

	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < N_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		n_signals += workers[i].n_signals;
		n_inside += workers[i].n_inside;
		n_errno += workers[i].n_errno;
		figures_add(&sum, &workers[i].figures);
	}
	ok(!sum.lost, "no write is lost");
	ok(!sum.wrong, "no call fails");
	ok(!n_errno, "none changes errno");
	ok(n_inside, "signals came in the middle of calls");
	diag("%llu signals, %llu of them inside a call; %llu pages written, %llu "
	     "calls; lost %llu, wrong %llu", (unsigned long long)n_signals,
	     (unsigned long long)n_inside, (unsigned long long)sum.writes,
	     (unsigned long long)sum.calls, (unsigned long long)sum.lost,
	     (unsigned long long)sum.wrong);
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;

	watch_or_skip();
	/* who hangs is ended */
	alarm(seconds + 60);
	begin(seed_of(argc - 1, argv + 1));
	sleep(seconds);
	finish();
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Everything at once, and no write lost: 64 threads that write, query, commit,
 * decommit, protect, reserve and release, each with a shadow of what it wrote and
 * all together on one crowded piece of memory, while they are suspended and ended
 * anywhere, moved between processors and interrupted 10,000 times a second, and
 * the process forks: children that check what they have inherited and go on with
 * it until they are killed.
 *
 * The threads are ended by pthread_exit in a signal handler, as Wine ends them.
 *
 * Usage: storm [SECONDS [SEED]]; an hour is a soak.
 */
#include "shadow.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	N_THREADS = 64,
	CROWD_PAGES = 256,
	N_CHILDREN = 4,
	ZONE_BYTES = 1 << 20,	/* each worker's, so that no two touch */
	CHILD_STEPS = 200,
	/* Without a rest now and then the main thread waits for its turn for
	 * so long that it makes little trouble. */
	WORK_STEPS = 32,
	REST_US = 40000,
	GLANCES = 10000,
	CALM_MS = 500,		/* between two moments of peace */
	HANG_SECONDS = 60,
	TICKS_PER_SECOND = 10000,
};

struct worker {
	struct shadow shadow;
	struct figures figures;
	pthread_t thread;
	pid_t tid;			/* 0: its handlers do not know it yet */
	unsigned number;
	bool held, may_go;
	uint64_t held_until;		/* ms */
	uint64_t n_signals, n_inside;	/* of them, inside a call */
	/* in the crowd */
	uint64_t value;
	bool taking;
	void *taken[CROWD_PAGES];
};

static struct worker workers[N_THREADS];
static __thread struct worker *self;
static uint64_t tyrant_random;

static struct {
	char *base;
	uint64_t copy[CROWD_PAGES][N_THREADS];
} crowd;

/* How it went, besides what the threads did. */
static struct {
	uint64_t held, ended, ended_inside, moved, aimed, peaces;
	uint64_t forks, vforks, killed;
} done;

static uint32_t below(uint32_t limit)
{
	return random_below(&tyrant_random, limit);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void sleep_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag, bool value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

/* ---- No hang ---- */

/* What the main thread is at, and how often it has gone on. */
static const char *volatile at = "the start";
static volatile uint64_t n_ticks;

static void tick(const char *where)
{
	at = where;
	n_ticks++;
}

static void tell_hang(void)
{
	ok(false, "no hang: nothing for %d s at %s", HANG_SECONDS, at);
	for (int i = 0; i < N_THREADS; i++)
		diag("thread %d: %s%s%s", i, shadow_calls[workers[i].shadow.call],
		     is_set(&workers[i].held) ? ", held" : "",
		     is_set(&workers[i].taking) ? ", in the crowd" : "");
	done_testing();
	_exit(1);
}

/* The main thread waits for all others again and again. So who does not go on is
 * noticed there; this thread makes no calls of the library and cannot hang. */
static void *watch_over(void *argument)
{
	uint64_t last = 0, since = now_ms();

	for (;;) {
		sleep_us(500000);
		if (last != n_ticks) {
			last = n_ticks;
			since = now_ms();
		} else if (now_ms() - since > HANG_SECONDS * 1000) {
			tell_hang();
		}
	}
	return argument;
}

/* ---- The crowd: any thread writes any page, any thread asks ---- */

static uint64_t *crowd_value(size_t page, unsigned number)
{
	return (uint64_t *)(crowd.base + page * PAGE_BYTES) + number;
}

static void crowd_write(struct worker *worker)
{
	size_t page = random_below(&worker->shadow.random, CROWD_PAGES);

	__atomic_store_n(crowd_value(page, worker->number), ++worker->value,
			 __ATOMIC_RELAXED);
	worker->figures.writes++;
}

/* Values only rise: the highest that anyone has seen is the latest. */
static void copy_value(uint64_t *copy, const uint64_t *value)
{
	uint64_t new = __atomic_load_n(value, __ATOMIC_RELAXED);
	uint64_t old = __atomic_load_n(copy, __ATOMIC_RELAXED);

	while (old < new &&
	       !__atomic_compare_exchange_n(copy, &old, new, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void copy_taken(struct worker *worker)
{
	for (size_t i = 0; i < CROWD_PAGES && worker->taken[i]; i++) {
		size_t page = (size_t)((char *)worker->taken[i] - crowd.base) /
			      PAGE_BYTES;

		for (unsigned n = 0; n < N_THREADS; n++)
			copy_value(&crowd.copy[page][n], crowd_value(page, n));
		worker->figures.reported++;
	}
}

/* Returns how many. If the thread is ended in here, who comes after it copies
 * what stands in the array; what does not is reported to others. */
static size_t crowd_take(struct worker *worker, size_t first, size_t n_pages,
			 ULONG_PTR capacity)
{
	ULONG_PTR count = capacity;
	DWORD granularity;

	memset(worker->taken, 0, sizeof(worker->taken));
	set(&worker->taking, true);
	worker->figures.calls++;
	if (GetWriteWatch(RESET, crowd.base + first * PAGE_BYTES,
			  n_pages * PAGE_BYTES, worker->taken, &count,
			  &granularity))
		worker->figures.wrong++;
	else
		copy_taken(worker);
	set(&worker->taking, false);
	return count;
}

static void crowd_step(struct worker *worker)
{
	uint64_t *random = &worker->shadow.random;
	size_t first = random_below(random, CROWD_PAGES), n_pages;

	if (random_below(random, 8)) {
		crowd_write(worker);
		return;
	}
	n_pages = 1 + random_below(random, (uint32_t)(CROWD_PAGES - first));
	crowd_take(worker, first, n_pages,
		   1 + random_below(random, (uint32_t)n_pages));
}

/* With all threads at rest: what is not yet copied must be reported. */
static size_t crowd_lost(void)
{
	size_t n_lost = 0;

	while (crowd_take(&workers[0], 0, CROWD_PAGES, CROWD_PAGES) ==
	       CROWD_PAGES)
		;
	for (size_t page = 0; page < CROWD_PAGES; page++)
		for (unsigned n = 0; n < N_THREADS; n++)
			n_lost += crowd.copy[page][n] != *crowd_value(page, n);
	return n_lost;
}

/* ---- Threads ---- */

static bool peace, stop;
static pthread_barrier_t barrier;

static void *work(void *argument)
{
	self = argument;
	__atomic_store_n(&self->tid, (pid_t)syscall(SYS_gettid),
			 __ATOMIC_RELEASE);
	for (;;) {
		shadow_step(&self->shadow);
		crowd_step(self);
		if (!random_below(&self->shadow.random, WORK_STEPS))
			sleep_us(random_below(&self->shadow.random, REST_US));
		if (!is_set(&peace))
			continue;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		if (is_set(&stop))
			return NULL;
	}
}

static pid_t tid_of(const struct worker *worker)
{
	return __atomic_load_n(&worker->tid, __ATOMIC_ACQUIRE);
}

static void start(struct worker *worker)
{
	worker->tid = 0;
	if (pthread_create(&worker->thread, NULL, work, worker))
		bail_out("pthread_create");
}

static bool is_inside(const struct worker *worker)
{
	return worker->shadow.call > A_WRITE || is_set(&worker->taking);
}

static void on_tick(int signal)
{
	(void)signal;
	self->n_signals++;
	self->n_inside += is_inside(self);
}

/* As a suspended thread stands: somewhere, until it is let go. */
static void on_hold(int signal)
{
	int saved = errno;

	(void)signal;
	while (!is_set(&self->may_go))
		sleep_us(200);
	set(&self->held, false);
	errno = saved;
}

static void on_end(int signal)
{
	(void)signal;
	pthread_exit(NULL);
}

/* The unwinder that pthread_exit uses is loaded at its first call, which must
 * not be in a handler. */
static void *end_at_once(void *argument)
{
	pthread_exit(argument);
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	if (sigaction(signal, &action, NULL))
		bail_out("sigaction");
}

static void handle_signals(void)
{
	pthread_t thread;

	handle(SIGUSR1, on_hold, SA_RESTART);
	handle(SIGUSR2, on_end, 0);
	handle(SIGRTMIN, on_tick, SA_RESTART);
	handle(SIGRTMIN + 1, on_tick, 0);
	if (pthread_create(&thread, NULL, end_at_once, NULL) ||
	    pthread_join(thread, NULL))
		bail_out("a thread");
}

/* ---- Suspending and ending them ---- */

/* One that is asking with reset, for preference: nowhere else is more to lose,
 * and nowhere else is a thread for a shorter time. */
static struct worker *someone(void)
{
	struct worker *worker = NULL;

	for (int i = 0; i < GLANCES; i++) {
		worker = &workers[below(N_THREADS)];
		if (__atomic_load_n(&worker->shadow.call, __ATOMIC_RELAXED) ==
		    A_GET_RESET || is_set(&worker->taking))
			break;
	}
	return worker;
}

static void hold(struct worker *worker)
{
	if (is_set(&worker->held) || !tid_of(worker))
		return;
	worker->held_until = now_ms() + below(20);
	set(&worker->may_go, false);
	set(&worker->held, true);
	pthread_kill(worker->thread, SIGUSR1);
	done.held++;
}

static void let_go(struct worker *worker)
{
	tick("letting go");
	set(&worker->may_go, true);
	while (is_set(&worker->held))
		sleep_us(50);
}

static void let_go_until(uint64_t time)
{
	for (int i = 0; i < N_THREADS; i++)
		if (is_set(&workers[i].held) && workers[i].held_until <= time)
			let_go(&workers[i]);
}

static void end_thread(struct worker *worker)
{
	/* if it is held, it ends in the handler, wherever that has come */
	pthread_kill(worker->thread, SIGUSR2);
	tick("the end of a thread");
	pthread_join(worker->thread, NULL);
	set(&worker->held, false);
	done.ended++;
	done.ended_inside += is_inside(worker);
	shadow_recover(&worker->shadow);
	if (worker->taking)
		copy_taken(worker);
	set(&worker->taking, false);
	start(worker);
}

/* ---- Processors ---- */

static cpu_set_t all_processors;

static void move(const struct worker *worker)
{
	cpu_set_t some;

	CPU_ZERO(&some);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all_processors) && below(2))
			CPU_SET(cpu, &some);
	if (CPU_COUNT(&some))
		done.moved += !pthread_setaffinity_np(worker->thread,
						      sizeof(some), &some);
}

/* ---- Signals ---- */

static struct aim {
	timer_t timer;
	struct worker *target;
} aims[2];

static void withdraw(struct aim *aim)
{
	if (aim->target)
		timer_delete(aim->timer);
	aim->target = NULL;
}

static void withdraw_from(const struct worker *worker)
{
	for (int i = 0; i < 2; i++)
		if (!worker || aims[i].target == worker)
			withdraw(&aims[i]);
}

/* One with SA_RESTART, one without. */
static void take_aim(int i, struct worker *worker)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGRTMIN + i,
	};
	struct timespec step = { .tv_nsec = 1000000000 / TICKS_PER_SECOND };

	withdraw(&aims[i]);
	event.sigev_notify_thread_id = tid_of(worker);
	if (!tid_of(worker) ||
	    timer_create(CLOCK_MONOTONIC, &event, &aims[i].timer))
		return;
	aims[i].target = worker;
	timer_settime(aims[i].timer, 0, &(struct itimerspec){ step, step }, NULL);
	done.aimed++;
}

/* ---- Processes ---- */

/* Shared with the children, which share nothing else. */
static struct figures *children_figures;

static struct child {
	pid_t pid;
	uint64_t killed_at;	/* ms; 0: it ends by itself */
} children[N_CHILDREN];

/* After a fork, everything that can be asked about counts as written once. */
static size_t inherited_crowd(void)
{
	static void *results[CROWD_PAGES];
	ULONG_PTR count = CROWD_PAGES;
	DWORD granularity;

	if (GetWriteWatch(RESET, crowd.base, CROWD_PAGES * PAGE_BYTES, results,
			  &count, &granularity))
		return 1;
	return CROWD_PAGES - count;
}

/* The books of a thread that this process does not have, as they stood when it
 * forked. */
static void inherit(struct worker *worker, struct figures *figures, bool on)
{
	struct shadow *shadow = &worker->shadow;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	shadow->figures = figures;
	shadow_recover(shadow);
	shadow_take_all(shadow);
	figures->lost += inherited_crowd();
	for (int i = 0; on || i < CHILD_STEPS; i++)
		shadow_step(shadow);
	shadow_take_all(shadow);
}

static void fork_child(int i)
{
	struct worker *worker = &workers[below(N_THREADS)];
	uint64_t killed_at = below(2) ? now_ms() + below(300) : 0;
	pid_t pid;

	tick("fork");
	pid = fork();
	if (!pid) {
		inherit(worker, &children_figures[i], killed_at);
		_exit(0);
	}
	if (pid < 0)
		return;
	children[i] = (struct child){ pid, killed_at };
	done.forks++;
}

static void reap(struct child *child)
{
	int status;

	if (!child->pid || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return;
	if (child->killed_at ? !WIFSIGNALED(status) : status)
		children_figures[child - children].wrong++;
	child->pid = 0;
}

static void kill_due(uint64_t time)
{
	for (int i = 0; i < N_CHILDREN; i++) {
		if (children[i].pid && children[i].killed_at &&
		    children[i].killed_at <= time) {
			kill(children[i].pid, SIGKILL);
			children[i].killed_at = UINT64_MAX;
			done.killed++;
		}
		reap(&children[i]);
	}
}

static void await_children(void)
{
	for (int i = 0; i < N_CHILDREN; i++) {
		tick("the end of a child");
		while (children[i].pid) {
			kill_due(UINT64_MAX - 1);
			sleep_us(1000);
		}
	}
}

/* The other kind of child, which borrows this process's memory. */
static void vfork_child(void)
{
	pid_t pid;

	tick("vfork");
	pid = vfork();
	if (!pid) {
		execl("/proc/self/exe", "storm", "--nothing", (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return;
	tick("the end of another program");
	if (waitpid(pid, NULL, 0) == pid)
		done.vforks++;
}

/* ---- The storm ---- */

/* Everyone stops between two calls, and the books are compared. */
static size_t be_at_peace(bool for_good)
{
	size_t n_lost;

	withdraw_from(NULL);
	let_go_until(UINT64_MAX);
	tick("all threads to be at peace");
	set(&peace, true);
	pthread_barrier_wait(&barrier);
	tick("peace");
	n_lost = crowd_lost();
	for (int i = 0; i < N_THREADS; i++)
		shadow_take_all(&workers[i].shadow);
	set(&stop, for_good);
	set(&peace, false);
	pthread_barrier_wait(&barrier);
	done.peaces++;
	return n_lost;
}

static void trouble(void)
{
	struct worker *worker = someone();
	int i;

	switch (below(16)) {
	case 0:
	case 1:
		withdraw_from(worker);
		end_thread(worker);
		break;
	case 2:
	case 3:
		move(worker);
		break;
	case 4:
		i = (int)below(N_CHILDREN);
		if (!children[i].pid)
			fork_child(i);
		break;
	case 5:
		if (!below(8))
			vfork_child();
		break;
	case 6:
		i = (int)below(2);
		take_aim(i, worker);
		break;
	default:
		hold(worker);
	}
}

static size_t storm_for(unsigned seconds)
{
	uint64_t began = now_ms(), calm = began + CALM_MS, time;
	uint64_t end = began + (uint64_t)seconds * 1000;
	size_t n_lost = 0;

	while ((time = now_ms()) < end) {
		tick("trouble");
		trouble();
		let_go_until(time);
		kill_due(time);
		if (time >= calm) {
			n_lost += be_at_peace(false);
			calm = now_ms() + CALM_MS;
		}
		sleep_us(below(3000));
	}
	return n_lost + be_at_peace(true);
}

/* ---- How it went ---- */

static unsigned long long number(uint64_t n)
{
	return n;
}

static struct figures sum_up(void)
{
	struct figures sum = { 0 };

	for (int i = 0; i < N_THREADS; i++) {
		figures_add(&sum, &workers[i].figures);
		if (workers[i].figures.wrong)
			diag("thread %d: %s went wrong, error %u", i,
			     shadow_calls[workers[i].shadow.wrong],
			     workers[i].shadow.error);
	}
	return sum;
}

static void tell_figures(const char *who, const struct figures *sum)
{
	diag("%s: %llu pages written, %llu calls, %llu pages reported, "
	     "%llu of them spare; lost %llu, wrong %llu", who,
	     number(sum->writes), number(sum->calls), number(sum->reported),
	     number(sum->spare), number(sum->lost), number(sum->wrong));
}

static void tell_troubles(void)
{
	uint64_t n_signals = 0, n_inside = 0;

	for (int i = 0; i < N_THREADS; i++) {
		n_signals += workers[i].n_signals;
		n_inside += workers[i].n_inside;
	}
	diag("%llu suspensions, %llu threads ended, %llu of them inside a call, "
	     "%llu moves", number(done.held), number(done.ended),
	     number(done.ended_inside), number(done.moved));
	diag("%llu signals, %llu of them inside a call",
	     number(n_signals), number(n_inside));
	diag("%llu forks, %llu children killed, %llu vforks, %llu comparisons",
	     number(done.forks), number(done.killed), number(done.vforks),
	     number(done.peaces));
}

/* ---- Beginning and end ---- */

/* A place where nobody is, and where nobody comes by himself. */
static char *find_zones(void)
{
	char *zones = allocate(N_THREADS * (ZONE_BYTES / PAGE_BYTES), MEM_RESERVE,
			       PAGE_READWRITE);

	release(zones);
	return zones;
}

static void begin(uint64_t seed)
{
	char *pieces = allocate(N_THREADS * SHADOW_PAGES,
				MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE);
	char *zones = find_zones();

	crowd.base = watched(CROWD_PAGES);
	tyrant_random = seed;
	for (unsigned i = 0; i < N_THREADS; i++) {
		shadow_begin(&workers[i].shadow,
			     pieces + i * SHADOW_PAGES * PAGE_BYTES, seed + i,
			     &workers[i].figures);
		workers[i].shadow.zone = zones + i * ZONE_BYTES;
		workers[i].number = i;
	}
	children_figures = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sched_getaffinity(0, sizeof(all_processors), &all_processors);
	pthread_barrier_init(&barrier, NULL, N_THREADS + 1);
	for (unsigned i = 0; i < N_THREADS; i++)
		start(&workers[i]);
}

static void finish(size_t n_lost)
{
	struct figures threads, inherited = { 0 };

	for (int i = 0; i < N_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	await_children();
	for (int i = 0; i < N_CHILDREN; i++)
		figures_add(&inherited, &children_figures[i]);
	threads = sum_up();
	threads.lost += n_lost;
	ok(!threads.lost, "%d threads: no write is lost", N_THREADS);
	ok(!threads.wrong, "and nothing else went wrong");
	ok(!inherited.lost, "their children lose none");
	ok(!inherited.wrong, "and nothing went wrong there");
	if (done.ended_inside)
		ok(true, "threads were ended inside a call");
	else
		skip("threads ended inside a call", "none was, by chance");
	tell_figures("threads", &threads);
	tell_figures("children", &inherited);
	tell_troubles();
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 3;
	pthread_t watcher;

	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return 0;
	watch_or_skip();
	begin(seed_of(argc - 1, argv + 1));
	handle_signals();
	if (pthread_create(&watcher, NULL, watch_over, NULL))
		bail_out("pthread_create");
	finish(storm_for(seconds));
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mprotect backend: written pages are those that raised SIGSEGV. */
#include "mprotect.h"

#include "spans.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- The lock ---- */

enum { FREE, HELD, AWAITED };

static int lock_word;
static sigset_t all_signals;
static int holder_cancel_type;

static void futex(int operation, int value)
{
	int saved = errno;

	syscall(SYS_futex, &lock_word, operation | FUTEX_PRIVATE_FLAG, value,
		NULL);
	errno = saved;
}

/*
 * Who had to wait cannot know that no other does, and leaves it awaited: the
 * word is never HELD while somebody sleeps. Nobody waits by sched_yield(), as
 * who yields on Linux 6.18 gives up his share of the future: on a busy machine
 * a thread waited 77 s for this lock, and the others for its report.
 */
static void await_lock(void)
{
	int found = FREE;

	if (__atomic_compare_exchange_n(&lock_word, &found, HELD, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock_word, AWAITED, __ATOMIC_ACQUIRE) != FREE)
		futex(FUTEX_WAIT, AWAITED);
}

/* Who only writes may be cancelled anywhere, so in the handler, too. It is the type
 * that counts: glibc 2.36 looks at nothing else when the signal arrives for a
 * cancellation that was begun before. There is no cancellation point under the
 * lock. */
static void take_lock(void)
{
	int cancel_type;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancel_type);
	await_lock();
	holder_cancel_type = cancel_type;
}

static void drop_lock(void)
{
	int cancel_type = holder_cancel_type;

	if (__atomic_exchange_n(&lock_word, FREE, __ATOMIC_RELEASE) == AWAITED)
		futex(FUTEX_WAKE, 1);
	pthread_setcanceltype(cancel_type, NULL);
}

/* The handler takes it too: whoever holds it must not be interrupted, by a
 * handler that writes to armed memory or by one that never returns. */
static sigset_t lock(void)
{
	sigset_t mask;

	sigfillset(&all_signals);
	pthread_sigmask(SIG_SETMASK, &all_signals, &mask);
	take_lock();
	return mask;
}

static void unlock(sigset_t mask)
{
	drop_lock();
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* ---- States of pages ---- */

enum {
	WATCHED = 1,
	WRITTEN = 2,
	ARMED = 4,		/* its owner's writes are withheld */
	ACCESS = 8,		/* times PROT_READ and so on: the owner's */
	STEP = 1 << 13,		/* 21 bits of a block, and 13 a step: 47 */
	BLOCK = 512,
	SLAB_BYTES = 1 << 20,
};

/* By address; what is there once stays, so that nothing is freed under the
 * handler. */
static unsigned char **folder[STEP];
static size_t n_boundaries;
static size_t budget;
static size_t n_overreported;
static unsigned long generation;

static unsigned char *state_of(uintptr_t address)
{
	size_t page = address / ww_page_size();
	unsigned char **step = folder[page / BLOCK / STEP % STEP];
	unsigned char *block = step ? step[page / BLOCK % STEP] : NULL;

	return block ? &block[page % BLOCK] : NULL;
}

static unsigned get(uintptr_t address)
{
	const unsigned char *state = state_of(address);

	return state ? *state : 0;
}

/* Not from malloc, whose memory may be armed. */
static void *allocate(size_t n_bytes)
{
	static char *slab;
	static size_t left;
	void *found;

	if (n_bytes > left) {
		slab = ww_linux.map(SLAB_BYTES);
		left = slab ? SLAB_BYTES : 0;
	}
	if (!left)
		return NULL;
	found = slab;
	slab += n_bytes;
	left -= n_bytes;
	return found;
}

static bool make_block(uintptr_t address)
{
	size_t block = address / ww_page_size() / BLOCK;
	unsigned char ***step = &folder[block / STEP % STEP];

	if (!*step)
		*step = allocate(STEP * sizeof(**step));
	if (!*step)
		return false;
	if (!(*step)[block % STEP])
		(*step)[block % STEP] = allocate(BLOCK);
	return (*step)[block % STEP];
}

/* The first page of [at, end) that may have a state. */
static uintptr_t skip_empty(uintptr_t at, uintptr_t end)
{
	uintptr_t block_bytes = BLOCK * ww_page_size();

	while (at < end) {
		size_t block = at / block_bytes;
		unsigned char **step = folder[block / STEP % STEP];

		if (!step)
			at = (block / STEP + 1) * STEP * block_bytes;
		else if (!step[block % STEP])
			at = (block + 1) * block_bytes;
		else
			return at;
	}
	return end;
}

static int access_of(unsigned state)
{
	int access = (int)(state / ACCESS);

	return state & ARMED ? access & ~PROT_WRITE : access;
}

static bool is_boundary(unsigned state, unsigned next)
{
	return state & next & WATCHED && (state ^ next) & ARMED;
}

static size_t boundaries(uintptr_t start, uintptr_t end)
{
	size_t page_size = ww_page_size(), n = 0;
	uintptr_t last = end + page_size, at = start;

	for (; (at = skip_empty(at, last)) < last; at += page_size)
		n += is_boundary(get(at - page_size), get(at));
	return n;
}

/* ---- Changes of a range ---- */

/* What becomes of a page. */
typedef unsigned change_fn(unsigned state, unsigned argument);

static unsigned to_armed(unsigned state, unsigned argument)
{
	(void)argument;
	return (state | ARMED) & ~(unsigned)WRITTEN;
}

static unsigned to_written(unsigned state, unsigned argument)
{
	(void)argument;
	return (state | WRITTEN) & ~(unsigned)ARMED;
}

/* A page that its owner cannot write has nothing to open. */
static unsigned to_opened(unsigned state, unsigned argument)
{
	if (!(state & ARMED) || !(state & PROT_WRITE * ACCESS))
		return state;
	return to_written(state, argument);
}

/* Memory that nobody could write, and nobody has armed: who makes it accessible
 * without a word to those who watch it, as another process may, has written
 * nothing yet. */
static unsigned to_access(unsigned state, unsigned access)
{
	if (!(state & (ARMED | WRITTEN | PROT_WRITE * ACCESS)))
		state |= ARMED;
	return state % ACCESS + access * ACCESS;
}

static int set_access(uintptr_t start, uintptr_t end, int access)
{
	int saved = errno, ret;

	ret = mprotect((void *)start, end - start, access) ? -errno : 0;
	errno = saved;
	return ret;
}

/* The pages from `start` on that change to the same access, in one call. The
 * states follow, unless it failed. */
static int change_run(uintptr_t *at, uintptr_t end, change_fn *change,
		      unsigned argument, bool force)
{
	size_t page_size = ww_page_size();
	uintptr_t start = *at;
	unsigned state = get(start);
	int access = access_of(change(state, argument)), ret = 0;
	bool differs = force || access != access_of(state);

	for (*at += page_size; *at < end; *at += page_size) {
		if (!state && (*at = skip_empty(*at, end)) == end)
			break;
		unsigned next = get(*at);
		int wanted = access_of(change(next, argument));

		if (!(next & WATCHED) != !(state & WATCHED) ||
		    wanted != access ||
		    differs != (force || wanted != access_of(next)))
			break;
	}
	if (differs)
		ret = set_access(start, *at, access);
	if (!(state & WATCHED))
		return ret;
	for (uintptr_t page = start; page < *at && !ret; page += page_size) {
		unsigned char *kept = state_of(page);

		*kept = (unsigned char)change(*kept, argument);
	}
	return ret;
}

static int change_range(uintptr_t start, uintptr_t end, change_fn *change,
			unsigned argument, bool force)
{
	size_t before = boundaries(start, end);
	int error = 0;

	for (uintptr_t at = start; at < end && !error;)
		error = change_run(&at, end, change, argument, force);
	n_boundaries += boundaries(start, end) - before;
	generation++;
	return error;
}

/* ---- Faults ---- */

static struct sigaction below;		/* where faults go on to */
static struct sigaction bottom;		/* what was there at first */
static bool installed;

static size_t n_armed(uintptr_t start, uintptr_t end)
{
	size_t n = 0;

	for (; start < end; start += ww_page_size())
		n += (get(start) & (WATCHED | ARMED | PROT_WRITE * ACCESS)) ==
		     (WATCHED | ARMED | PROT_WRITE * ACCESS);
	return n;
}

static bool open_around(uintptr_t page, size_t n_pages)
{
	size_t n_bytes = n_pages * ww_page_size(), n;
	uintptr_t start = page - page % n_bytes;

	n = n_armed(start, start + n_bytes);
	if (change_range(start, start + n_bytes, to_opened, 0, false) &&
	    get(page) & ARMED)
		return false;
	n_overreported += n - n_armed(start, start + n_bytes) - 1;
	return true;
}

/* Each page opened alone takes two mappings. */
static bool open_page(uintptr_t page)
{
	size_t n_pages = n_boundaries + 2 > budget ? 64 : 1;

	for (; n_pages <= 1 << 20; n_pages *= 64)
		if (open_around(page, n_pages))
			return true;
	return false;
}

/* A page that is open faults where another thread was faster; the second time
 * in a row, with nothing changed between, the fault is not ours. */
static __thread struct {
	uintptr_t address;
	unsigned long generation;
} last_fault __attribute__((tls_model("initial-exec")));

static bool is_repeated(uintptr_t address)
{
	bool repeated = last_fault.address == address &&
			last_fault.generation == generation;

	last_fault.address = address;
	last_fault.generation = generation;
	return repeated;
}

static bool resolve(uintptr_t address)
{
	uintptr_t page = address - address % ww_page_size();
	unsigned state;
	bool ours;

	take_lock();
	state = get(page);
	if (!(state & WATCHED) || !(state & PROT_WRITE * ACCESS))
		ours = false;
	else if (state & ARMED)
		ours = open_page(page);
	else
		ours = !is_repeated(address);
	drop_lock();
	return ours;
}

/* The kernel lets nobody ignore a fault. */
static void die(const siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(SIGSEGV, &action, NULL);
	if (info->si_code <= 0)
		raise(SIGSEGV);
}

static void set_mask(const struct sigaction *action, const ucontext_t *context)
{
	sigset_t mask;

	sigorset(&mask, &context->uc_sigmask, &action->sa_mask);
	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void call(const struct sigaction *action, int number, siginfo_t *info,
		 void *context)
{
	bool takes_info = action->sa_flags & SA_SIGINFO;

	if (!takes_info && action->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (!takes_info && (action->sa_handler == SIG_DFL ||
			    action->sa_handler == SIG_IGN)) {
		die(info);
		return;
	}
	set_mask(action, context);
	if (takes_info)
		action->sa_sigaction(number, info, context);
	else
		action->sa_handler(number);
}

/* A handler that was installed later may go on to ours, which it found, while
 * ours goes on to it. Its caller's frame tells the second time from a new fault
 * after a siglongjmp(). */
static __thread struct {
	const siginfo_t *info;
	const char *frame;
} passing __attribute__((tls_model("initial-exec")));

static void pass_on(int number, siginfo_t *info, void *context)
{
	const char *frame = __builtin_frame_address(0);
	bool again = passing.info == info && frame < passing.frame;
	struct sigaction action;

	if (again) {
		call(&bottom, number, info, context);
		return;
	}
	take_lock();
	action = below;
	drop_lock();
	passing.info = info;
	passing.frame = frame;
	call(&action, number, info, context);
	passing.info = NULL;
}

static void handle(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code != SEGV_ACCERR ||
	    !resolve((uintptr_t)info->si_addr))
		pass_on(number, info, context);
	errno = saved;
}

/* With the lock held. */
static int install(void)
{
	struct sigaction action = {
		.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK,
	}, found;

	if (sigaction(SIGSEGV, NULL, &found))
		return -errno;
	if (found.sa_flags & SA_SIGINFO && found.sa_sigaction == handle)
		return 0;
	sigfillset(&action.sa_mask);
	below = found;
	if (!installed)
		bottom = found;
	installed = true;
	return sigaction(SIGSEGV, &action, NULL) ? -errno : 0;
}

/* ---- The backend ---- */

/* /proc/self/maps, a piece at a time and without malloc. */
struct maps {
	int fd;
	size_t at;
	size_t n_bytes;
	char bytes[1024];
};

static int next_byte(struct maps *maps)
{
	if (maps->at == maps->n_bytes) {
		ssize_t n = read(maps->fd, maps->bytes, sizeof(maps->bytes));

		if (n <= 0)
			return -1;
		maps->n_bytes = (size_t)n;
		maps->at = 0;
	}
	return (unsigned char)maps->bytes[maps->at++];
}

/* And the byte after it. */
static uintptr_t next_number(struct maps *maps)
{
	uintptr_t number = 0;

	for (;;) {
		int byte = next_byte(maps);

		if (byte >= '0' && byte <= '9')
			number = number * 16 + (uintptr_t)(byte - '0');
		else if (byte >= 'a' && byte <= 'f')
			number = number * 16 + (uintptr_t)(byte - 'a' + 10);
		else
			return number;
	}
}

/* False at the end. */
static bool next_mapping(struct maps *maps, uintptr_t *start, uintptr_t *end,
			 int *access)
{
	int byte;

	*start = next_number(maps);
	*end = next_number(maps);
	*access = next_byte(maps) == 'r' ? PROT_READ : 0;
	*access |= next_byte(maps) == 'w' ? PROT_WRITE : 0;
	*access |= next_byte(maps) == 'x' ? PROT_EXEC : 0;
	do
		byte = next_byte(maps);
	while (byte >= 0 && byte != '\n');
	return *end;
}

/* Watched memory and the access it had then; armed pages have a state. The value
 * is the tracker, of which there may be several. */
static struct ww_spans watched;

static int add_watched(struct ww_tracker *tracker, uintptr_t start,
		       uintptr_t end, int access)
{
	struct ww_span gap = { .end = start };

	while (ww_spans_next_gap(&watched, gap.end, end, &gap)) {
		struct ww_span span = { gap.start, gap.end, tracker,
					(uint64_t)access };

		if (ww_spans_insert(&watched, tracker->ops, &span))
			return -ENOMEM;
	}
	return 0;
}

static int add_mappings(struct ww_tracker *tracker, struct maps *maps,
			uintptr_t start, uintptr_t end)
{
	uintptr_t from, to;
	int access, error = 0;

	while (!error && start < end && next_mapping(maps, &from, &to, &access)) {
		if (to <= start)
			continue;
		if (from > start)
			return -ENOMEM;
		error = add_watched(tracker, start, to < end ? to : end, access);
		start = to;
	}
	return error ? error : start < end ? -ENOMEM : 0;
}

static bool is_anothers(const struct ww_tracker *tracker, uintptr_t start,
			uintptr_t end)
{
	struct ww_span span = { .end = start };

	while (ww_spans_next(&watched, span.end, end, &span))
		if (span.value != tracker)
			return true;
	return false;
}

static int watch_locked(struct ww_tracker *tracker, uintptr_t start,
			uintptr_t end)
{
	struct maps maps = { .n_bytes = 0 };
	struct ww_span gap;
	int saved = errno, error = install();

	if (error || !ww_spans_next_gap(&watched, start, end, &gap))
		return error;
	maps.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (maps.fd < 0)
		error = -errno;
	else
		error = add_mappings(tracker, &maps, start, end);
	if (maps.fd >= 0)
		close(maps.fd);
	errno = saved;
	return error;
}

static int mprotect_watch(struct ww_tracker *tracker, uintptr_t start,
			  size_t n_bytes)
{
	sigset_t mask = lock();
	int error = is_anothers(tracker, start, start + n_bytes) ? -EBUSY :
		    watch_locked(tracker, start, start + n_bytes);

	unlock(mask);
	return error;
}

static int make_state(uintptr_t address, uint64_t access)
{
	if (!make_block(address))
		return -ENOMEM;
	if (!get(address))
		*state_of(address) = (unsigned char)(WATCHED + ACCESS * access);
	return 0;
}

/* Gives watched pages of [start, end) a state. */
static int make_states(uintptr_t start, uintptr_t end)
{
	struct ww_span span = { .end = start };
	size_t before = boundaries(start, end);
	int error = 0;

	while (!error && ww_spans_next(&watched, span.end, end, &span))
		for (uintptr_t at = span.start; !error && at < span.end;
		     at += ww_page_size())
			error = make_state(at, span.stamp);
	n_boundaries += boundaries(start, end) - before;
	return error;
}

static void forget_states(const struct ww_tracker *tracker, uintptr_t start,
			  uintptr_t end)
{
	size_t before = boundaries(start, end);

	for (uintptr_t at = start; (at = skip_empty(at, end)) < end;
	     at += ww_page_size())
		*state_of(at) = 0;
	n_boundaries -= before - boundaries(start, end);
	/* without memory for a cut, what is left of it has no states */
	ww_spans_remove(&watched, tracker->ops, start, end);
	generation++;
}

/* First open, as far as it is still there, then forgotten. */
static int mprotect_unwatch(struct ww_tracker *tracker, uintptr_t start,
			    size_t n_bytes)
{
	uintptr_t end = start + n_bytes;
	sigset_t mask = lock();
	size_t before = boundaries(start, end);

	for (uintptr_t at = start; at < end;)
		change_run(&at, end, to_written, 0, false);
	n_boundaries += boundaries(start, end) - before;
	forget_states(tracker, start, end);
	unlock(mask);
	return 0;
}

static void mprotect_forget(struct ww_tracker *tracker, uintptr_t start,
			    size_t n_bytes)
{
	sigset_t mask = lock();

	forget_states(tracker, start, start + n_bytes);
	unlock(mask);
}

static int change_locked(uintptr_t start, size_t n_bytes, change_fn *change,
			 unsigned argument, bool force)
{
	sigset_t mask = lock();
	int error = install();

	if (!error)
		error = make_states(start, start + n_bytes);
	if (!error)
		error = change_range(start, start + n_bytes, change, argument,
				     force);
	unlock(mask);
	return error;
}

static int mprotect_arm(struct ww_tracker *tracker, uintptr_t start,
			size_t n_bytes)
{
	(void)tracker;
	return change_locked(start, n_bytes, to_armed, 0, false);
}

int ww_mprotect_mark(struct ww_tracker *tracker, uintptr_t start,
		     size_t n_bytes)
{
	(void)tracker;
	return change_locked(start, n_bytes, to_written, 0, false);
}

/* Pages without a state have the access that they had when the watch began. */
static int make_differing(uintptr_t start, uintptr_t end, int access)
{
	struct ww_span span = { .end = start };
	int error = 0;

	while (!error && ww_spans_next(&watched, span.end, end, &span))
		if (span.stamp != (uint64_t)access)
			error = make_states(span.start, span.end);
	return error;
}

int ww_mprotect_protect(struct ww_tracker *tracker, uintptr_t start,
			size_t n_bytes, int access)
{
	sigset_t mask = lock();
	int error = make_differing(start, start + n_bytes, access);

	(void)tracker;
	if (!error)
		error = change_range(start, start + n_bytes, to_access,
				     (unsigned)access, true);
	unlock(mask);
	return error;
}

static bool mprotect_withholds(uintptr_t start, size_t n_bytes)
{
	uintptr_t end = start + n_bytes, at = start - start % ww_page_size();
	sigset_t mask = lock();
	bool some = false, all = true;

	for (; (at = skip_empty(at, end)) < end; at += ww_page_size()) {
		some |= get(at) & WATCHED;
		all &= !(get(at) & WATCHED) || get(at) & PROT_WRITE * ACCESS;
	}
	unlock(mask);
	return some && all;
}

/* What was never armed reads as written. */
static bool is_written(uintptr_t address)
{
	return (get(address) & (WRITTEN | ARMED)) != ARMED;
}

/* What was written in memory that nobody has armed, as far as he knows. */
static bool is_found_written(uintptr_t address)
{
	return get(address) & WRITTEN;
}

static void collect(struct ww_scan *scan, bool (*wanted)(uintptr_t address))
{
	uintptr_t end = scan->start + scan->n_bytes;

	scan->n_runs = scan->n_pages = 0;
	for (scan->resume = scan->start; scan->resume < end;
	     scan->resume += ww_page_size())
		if (wanted(scan->resume) && !ww_scan_add(scan, scan->resume))
			return;
}

/* A boundary that the kernel refuses costs a report too many: the pages stay open
 * and written. */
static void arm_collected(const struct ww_scan *scan)
{
	for (size_t i = 0; i < scan->n_runs; i++)
		change_range((uintptr_t)scan->runs[i].start,
			     (uintptr_t)scan->runs[i].end, to_armed, 0, false);
}

static bool all_watched(const struct ww_scan *scan)
{
	for (size_t i = 0; i < scan->n_bytes; i += ww_page_size())
		if (!(get(scan->start + i) & WATCHED))
			return false;
	return true;
}

/* Memory without a state has nothing written: what makes it accessible gives it
 * one. */
static int scan_unarmed(struct ww_scan *scan)
{
	uintptr_t end = scan->start + scan->n_bytes;
	int error = 0;

	if (scan->flags & WW_SCAN_ARM) {
		error = install();
		if (!error)
			error = make_states(scan->start, end);
	} else if (skip_empty(scan->start, end) == end) {
		scan->n_runs = scan->n_pages = 0;
		scan->resume = end;
		return 0;
	}
	if (error)
		return error;
	collect(scan, is_found_written);
	if (scan->flags & WW_SCAN_ARM)
		error = change_range(scan->start, scan->resume, to_armed, 0,
				     false);
	return error;
}

static int scan_locked(struct ww_scan *scan)
{
	int error = install();

	if (!error && !all_watched(scan))
		error = -EPERM;
	if (error)
		return error;
	collect(scan, is_written);
	if (scan->flags & WW_SCAN_RESET)
		arm_collected(scan);
	return 0;
}

static int mprotect_scan(struct ww_tracker *tracker, struct ww_scan *scan)
{
	sigset_t mask = lock();
	int error;

	(void)tracker;
	if (scan->flags & (WW_SCAN_UNARMED | WW_SCAN_ARM))
		error = scan_unarmed(scan);
	else
		error = scan_locked(scan);
	unlock(mask);
	return error;
}

void ww_mprotect_states(uintptr_t start, size_t n_pages, unsigned char *states)
{
	sigset_t mask = lock();

	for (size_t i = 0; i < n_pages; i++) {
		unsigned state = get(start + i * ww_page_size());

		states[i] = (state & WATCHED ? WW_MPROTECT_WATCHED : 0) |
			    (state & ARMED ? WW_MPROTECT_ARMED : 0);
	}
	unlock(mask);
}

/* ---- Opening ---- */

static size_t default_budget(void)
{
	int saved = errno;
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	size_t n = 65530;

	if (file && fscanf(file, "%zu", &n) != 1)
		n = 65530;
	if (file)
		fclose(file);
	errno = saved;
	return n / 2;
}

static void release_in_both(void)
{
	drop_lock();
}

static int prepare_error;

static void prepare_once(void)
{
	if (!budget)
		budget = default_budget();
	prepare_error = -pthread_atfork(take_lock, release_in_both,
					release_in_both);
}

static int mprotect_prepare(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, prepare_once);
	return prepare_error;
}

/* After a handler it lets a program go on with registers that it had not kept,
 * unless it is told to keep them all; the program ends then as if it had a fault
 * of its own (3.19). */
static bool is_under_valgrind(void)
{
	const char *preloads = getenv("LD_PRELOAD");

	return preloads && strstr(preloads, "/vgpreload_core");
}

static int mprotect_open(struct ww_tracker *tracker)
{
	int error = mprotect_prepare();

	if (is_under_valgrind()) {
		tracker->failure = "valgrind";
		return -EOPNOTSUPP;
	}
	if (error)
		tracker->failure = "memory";
	return error;
}

/* The handler stays: others may have put theirs above it. */
static void mprotect_close(struct ww_tracker *tracker)
{
	(void)tracker;
}

size_t ww_mprotect_overreported(void)
{
	return __atomic_load_n(&n_overreported, __ATOMIC_RELAXED);
}

void ww_mprotect_set_budget(size_t n)
{
	budget = n;
}

const struct ww_backend ww_backend_mprotect = {
	.name = "mprotect",
	.prepare = mprotect_prepare,
	.open = mprotect_open,
	.close = mprotect_close,
	.watch = mprotect_watch,
	.unwatch = mprotect_unwatch,
	.forget = mprotect_forget,
	.arm = mprotect_arm,
	.scan = mprotect_scan,
	.reset = mprotect_arm,
	.protect = ww_mprotect_protect,
	.mark = ww_mprotect_mark,
	.withholds = mprotect_withholds,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process's registry: opened at the first watched allocation, never before,
 * and one line in the log about how that went.
 */
#include "config.h"

#include "handles.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct ww_regions *watching;
static bool tried;
static bool given_up;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

struct ww_regions *ww_watching(void)
{
	return __atomic_load_n(&watching, __ATOMIC_ACQUIRE);
}

/* The signals by which Wine suspends, interrupts and terminates threads. */
static void wine_signals(sigset_t *set)
{
	static const int signals[] = {
		SIGALRM, SIGIO, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD,
		SIGQUIT, SIGTERM,
	};

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
}

/* Errors that may be gone at the next allocation. */
static bool may_pass(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM ||
	       error == -EAGAIN;
}

/* 32-bit code on the 64-bit side leaves a thread without the C library's own
 * segment: a handler for its faults can only begin as Wine's does. */
static bool is_32_bit(const struct ww_wine *wine)
{
	ULONG_PTR peb = 0;

	return NT_SUCCESS(wine->query_process(NtCurrentProcess(),
					      ProcessWow64Information, &peb,
					      sizeof(peb))) && peb;
}

static int open_regions(const struct ww_wine *wine, const sigset_t *signals,
			struct ww_regions **regions, const char **failure)
{
	const char *forced = ww_backend_forced();

	if (forced && !strcmp(forced, ww_backend_mprotect.name) &&
	    is_32_bit(wine)) {
		*failure = "mprotect in a 32-bit program";
		return -EOPNOTSUPP;
	}
	return ww_regions_open(regions, &ww_linux, signals, failure);
}

static struct ww_regions *open_registry(const struct ww_wine *wine,
					const sigset_t *signals)
{
	struct ww_regions *regions;
	const char *failure;
	int ret = open_regions(wine, signals, &regions, &failure);

	if (!ret) {
		struct ww_tag tag = ww_own_tag(wine);

		ww_regions_set_tag(regions, &tag);
		ww_log(WW_LOG_INFO, PACKAGE_VERSION ", backend %s",
		       ww_regions_backend(regions));
		return regions;
	}
	given_up = !may_pass(ret);
	if (!tried)
		ww_log(WW_LOG_INFO, PACKAGE_VERSION ", no backend: %s: %s; "
		       "Wine watches writes its own way", failure, strerror(-ret));
	return NULL;
}

struct ww_regions *ww_start_watching(const struct ww_wine *wine)
{
	struct ww_regions *regions = ww_watching();
	sigset_t signals, saved;

	if (regions || __atomic_load_n(&given_up, __ATOMIC_RELAXED))
		return regions;
	wine_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, &saved);
	pthread_mutex_lock(&opening);
	regions = ww_watching();
	if (!regions && !given_up) {
		regions = open_registry(wine, &signals);
		tried = true;
		__atomic_store_n(&watching, regions, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&opening);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return regions;
}

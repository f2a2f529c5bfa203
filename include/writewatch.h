/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * writewatch.h: which pages of its own memory has a program written?
 *
 * Functions return 0 or a count on success and a negative errno value on
 * failure. None of them prints, exits, or changes errno. All of them may be
 * called from any thread at any time.
 */
#ifndef WRITEWATCH_H
#define WRITEWATCH_H

#include <stddef.h>

#define WW_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library in use, as "1.2.3". Never NULL. Since 0.1. */
WW_API const char *ww_version(void);

/** What a probe found out. */
enum ww_state {
	WW_SUPPORTED,	/**< it was tried, and it works */
	WW_MISSING,	/**< it was tried, and this kernel does not have it */
	WW_UNKNOWN,	/**< it could not be tried, or was refused: another user,
			     another sandbox or another moment may see it work */
};

/**
 * The answer to one question about this machine. The strings are constant or
 * belong to the library; they are never NULL and never need freeing.
 */
struct ww_feature {
	const char *name;	/**< stable, lower case: "pagemap-scan" */
	enum ww_state state;
	int error;		/**< the errno value behind a no, or 0 */
	const char *reason;	/**< one line; what was tried and what happened */
	const char *remedy;	/**< one line; how to get it. "" when supported */
};

/**
 * Ask the running kernel what it can do, by doing the real thing on private
 * memory and reading the effect back. Nothing is cached: a later call may see
 * another answer. Fills up to `n_features` entries of `features` in a fixed
 * order and returns how many features there are, whether or not they fitted;
 * `features` may be NULL when `n_features` is 0. Opens file descriptors and
 * closes them again. Since 0.1.
 */
WW_API int ww_probe(struct ww_feature *features, size_t n_features);

/**
 * The name of the backend that this process would use: "uffd", or "none" when
 * nothing works here. Asks the kernel, like ww_probe(). Never NULL. Since 0.1.
 */
WW_API const char *ww_backend_name(void);

#ifdef __cplusplus
}
#endif

#endif

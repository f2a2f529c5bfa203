/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * writewatch.h: which pages of its own memory has a program written?
 *
 * Open a tracker, watch private anonymous memory with it, and ask, again and
 * again, which of its pages were written since the last reset. A write is never
 * lost: one that races with a query is in that result or in the next. Where
 * something cannot be told, the pages concerned read as written.
 *
 * Functions return 0 or a count on success and a negative errno value on
 * failure. None of them prints, exits, or changes errno. Sizes are in bytes.
 *
 * Threads: all functions but ww_close() may be called from any number of threads
 * at once. Queries (ww_get, ww_get_runs, ww_reset) take no lock in the common
 * case and may be interrupted, suspended or killed anywhere. None of the
 * functions may be called from a signal handler that may have interrupted one
 * of them.
 *
 * Fork: in a child, the first call on a tracker finds out that it is in one, and
 * opens the kernel interfaces again; all watched memory reads as written there.
 */
#ifndef WRITEWATCH_H
#define WRITEWATCH_H

#include <stddef.h>
#include <sys/types.h>

#define WW_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the library in use, as "1.2.3". Never NULL. Since 0.1. */
WW_API const char *ww_version(void);

/* ---- Trackers ---- */

/** A tracker: a set of watched ranges of this process. */
struct ww;

/** What ww_open() may be told. Set struct_size; zero means the default. */
struct ww_open_options {
	size_t struct_size;	/**< sizeof(struct ww_open_options) */
	const char *backend;	/**< "uffd", "softdirty" or "mprotect": this one
				     or none. NULL: the one that the variable
				     WINEWATCH_BACKEND names, or whichever works
				     best here */
	const char **reason;	/**< not NULL: where to store what was refused
				     when ww_open() fails for another reason than
				     struct_size, or the backend's name when it
				     succeeds; a constant string */
};

/*
 * Backends, the best first:
 *
 * "uffd" (Linux 6.7 and later) sees every write, by whomever, costs a reset of
 * the range that is asked about, and reports nothing that was not written.
 *
 * "softdirty" (CONFIG_MEM_SOFT_DIRTY) sees every write of this process, also by
 * its system calls. A reset makes the kernel clear the bits of the whole process
 * and costs accordingly; where another thread takes a page fault at that very
 * moment, all watched pages that are there read as written. What another process
 * or a device writes into this one at that moment is lost. Pages discarded by
 * madvise(MADV_DONTNEED) do not read as written. Watched memory gets no more
 * huge pages. Nobody else may write to /proc/self/clear_refs.
 *
 * "mprotect" works everywhere and asks for more. A program that cannot keep to it
 * opens "uffd" or "softdirty" by name, or looks at ww_backend():
 *  - system calls that write to watched pages fail with EFAULT, or stop in front
 *    of the first that is clean, unless ww_mark() was called for them since the
 *    last reset; what debuggers write through /proc/PID/mem is not seen;
 *  - the program must not change the protection of watched memory with
 *    mprotect(2), nor map anything over it: writes to what became writable are
 *    not seen until it is unwatched and watched again, and what became read-only
 *    is opened for them. Unwatch it before, and watch it again after;
 *  - a handler for SIGSEGV that is installed after ww_open() has to pass on what
 *    is not its own, and SIGSEGV must not be blocked where pages are written;
 *    stacks without an alternate one for signals cannot be watched;
 *  - where many separate pages are written, more around them read as written;
 *  - watched pages count for limits of memory only when they are written, which
 *    can then end the program; so can a write where the program itself has used
 *    up all mappings that the kernel allows.
 */

/**
 * Open a tracker. `options` may be NULL. Stores it in `*ww`.
 *
 * Errors: -EINVAL a struct_size or backend that is not known; -ENOSYS, -ENOTTY
 * or -EOPNOTSUPP this kernel (Linux before 6.7) lacks what is needed;
 * -ENOTRECOVERABLE its self-test saw a wrong answer; -EPERM a sandbox forbids
 * it; -ENOENT or -EACCES /proc/self/pagemap is not there or not for us; -EMFILE,
 * -ENFILE, -ENOMEM. Without a name the error is that of the best backend, after
 * the others were refused, too; for want of memory or descriptors no other is
 * tried. It opens up to three file descriptors, all close-on-exec.
 * Since 0.1.
 */
WW_API int ww_open(struct ww **ww, const struct ww_open_options *options);

/**
 * Close a tracker: all its memory becomes unwatched. NULL is ignored. No other
 * call may be under way on it, nor start. Since 0.1.
 */
WW_API void ww_close(struct ww *ww);

/** The backend in use, by its name. Never NULL. Since 0.1. */
WW_API const char *ww_backend(const struct ww *ww);

/* ---- Watched memory ---- */

/**
 * Watch [start, start + n_bytes): whole pages of private anonymous memory, of
 * any protection, populated or not. Afterwards its pages are not written until
 * somebody writes them; writes that race with this call may or may not count.
 * The memory stays what it is, but huge pages are split where it is written.
 *
 * Errors: -EINVAL start or n_bytes is not a multiple of the page size, n_bytes
 * is 0, or some of it is not private anonymous memory (files, shared memory and
 * huge pages of hugetlbfs cannot be watched); -ENOMEM some of it is not mapped,
 * or no memory; -EEXIST some of it is watched by this tracker already; -EBUSY
 * some of it is watched by another tracker or userfaultfd; -ENOENT, -EMFILE, -ENFILE
 * /proc/self/maps cannot be read. Nothing is watched then. Since 0.1.
 */
WW_API int ww_watch(struct ww *ww, void *start, size_t n_bytes);

/**
 * Stop watching whole pages, which may be a part of a watched range or span
 * several. Do this before unmapping memory; where it was forgotten, memory that
 * is mapped there later reads as written until it is unwatched. What is not
 * watched is ignored. Error: -EINVAL as above. Since 0.1.
 */
WW_API int ww_unwatch(struct ww *ww, void *start, size_t n_bytes);

/* ---- Queries ---- */

/** Flags of ww_get() and ww_get_runs(). */
enum {
	WW_GET_RESET = 1,	/**< the pages reported become not written */
};

/** A run of whole pages. */
struct ww_range {
	void *start;
	size_t n_bytes;
};

/**
 * Store the addresses of the written pages of [start, start + n_bytes), widened
 * to whole pages, strictly ascending, at most `capacity`; returns how many. If
 * there were more, the lowest are stored, and with WW_GET_RESET only those
 * reported are reset: repeat while the result equals `capacity`.
 *
 * `addresses` is written after pages were reset. If it cannot be written the
 * process takes its SIGSEGV; a handler that leaves by siglongjmp() loses
 * nothing: the pages are reported by the next query of anyone who asks for
 * them.
 *
 * Errors: -EINVAL capacity or n_bytes is 0, or unknown flags; -ENOENT start is
 * not watched; -ERANGE the range leaves the watched range it begins in; -ENOMEM
 * no memory for this thread's first query. Nothing is stored or reset then.
 * Since 0.1.
 */
WW_API ssize_t ww_get(struct ww *ww, void *start, size_t n_bytes,
		      unsigned int flags, void **addresses, size_t capacity);

/**
 * The same as runs of pages, ascending and not adjacent. `capacity` and the
 * result count runs. When they are equal, the last run may go on behind its end.
 * Since 0.1.
 */
WW_API ssize_t ww_get_runs(struct ww *ww, void *start, size_t n_bytes,
			   unsigned int flags, struct ww_range *runs,
			   size_t capacity);

/**
 * Make every page of the range, widened to whole pages, not written. Errors as
 * for ww_get(). Since 0.1.
 */
WW_API int ww_reset(struct ww *ww, void *start, size_t n_bytes);

/**
 * Make every page of the range, widened to whole pages, read as written: for
 * writes that did not go through this process's page tables, and, with the
 * backend "mprotect", before system calls that write there. Errors as for
 * ww_get(), and -ENOMEM where there are too many mappings. Since 0.1.
 */
WW_API int ww_mark(struct ww *ww, void *start, size_t n_bytes);

/* ---- What this machine can do ---- */

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
 * The name of the backend that ww_open() would use, or "none" when nothing works
 * here. Asks the kernel, like ww_probe(). Never NULL. Since 0.1.
 */
WW_API const char *ww_backend_name(void);

#ifdef __cplusplus
}
#endif

#endif

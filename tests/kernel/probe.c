/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What ww_probe and ww_backend_name say, here and where userfaultfd is refused:
 * names, states, reasons, and no descriptor left behind. Each refusal is tried
 * in a child.
 */
#include "config.h"

#include "memory.h"
#include "tap.h"

#include <writewatch.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef WITH_SECCOMP
#include <seccomp.h>
#endif

/* The first features are what uffd needs. */
enum { N_FEATURES = 7, N_OF_UFFD = 5, MOST_TEXT = 128 };

/* What a child was told; shared with it. */
struct answers {
	int n_features;
	struct {
		char name[MOST_TEXT], reason[MOST_TEXT], remedy[MOST_TEXT];
		enum ww_state state;
		int error;
	} feature[N_FEATURES];
	char backend[MOST_TEXT], failure[MOST_TEXT];
	int opened;
	int descriptors;	/* more than before */
	int changed_errno;
};

static struct answers *answers;

static int n_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

static void copy_text(char *to, const char *from)
{
	strncpy(to, from ? from : "(NULL)", MOST_TEXT - 1);
}

static void ask(void)
{
	struct ww_feature features[N_FEATURES];
	struct ww_regions *regions;
	const char *failure = "";
	sigset_t none;

	sigemptyset(&none);
	errno = 77;
	answers->n_features = ww_probe(features, N_FEATURES);
	copy_text(answers->backend, ww_backend_name());
	answers->opened = ww_regions_open(&regions, &ww_linux, &none, &failure);
	if (!answers->opened)
		ww_regions_close(regions);
	answers->changed_errno = errno != 77;
	copy_text(answers->failure, answers->opened ? failure : "");
	for (int i = 0; i < N_FEATURES; i++) {
		copy_text(answers->feature[i].name, features[i].name);
		copy_text(answers->feature[i].reason, features[i].reason);
		copy_text(answers->feature[i].remedy, features[i].remedy);
		answers->feature[i].state = features[i].state;
		answers->feature[i].error = features[i].error;
	}
}

/* Asks in a child that first cuts itself off. False: it could not. */
static bool ask_in_child(bool (*cut_off)(int argument), int argument)
{
	int status;
	pid_t pid;

	memset(answers, 0, sizeof(*answers));
	pid = fork();
	if (!pid) {
		int before = n_descriptors();

		if (cut_off && !cut_off(argument))
			_exit(2);
		ask();
		answers->descriptors = -before;
		/* counting needs a descriptor, too */
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1024, 1024 });
		answers->descriptors += n_descriptors();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return false;
	return ok(!status, "the child ends well");
}

static void is_feature(int i, const char *name, enum ww_state state, int error,
		       const char *reason, const char *remedy)
{
	bool right = !strcmp(answers->feature[i].name, name) &&
		     answers->feature[i].state == state &&
		     answers->feature[i].error == error &&
		     strstr(answers->feature[i].reason, reason) &&
		     strstr(answers->feature[i].remedy, remedy);

	if (!ok(right, "%s", name))
		diag("%s: state %d, error %d (%s), remedy %s",
		     answers->feature[i].name, (int)answers->feature[i].state,
		     answers->feature[i].error, answers->feature[i].reason,
		     answers->feature[i].remedy);
}

static void is_left_alone(void)
{
	ok(answers->n_features == N_FEATURES, "%d features", N_FEATURES);
	ok(answers->descriptors == 0, "no descriptor is left");
	ok(!answers->changed_errno, "errno is as it was");
}

static void without_filter(void)
{
	static const char *const names[] = {
		"userfaultfd", "uffd-wp-async", "pagemap", "pagemap-scan",
		"write-tracking", "soft-dirty", "mprotect",
	};
	bool all = true;

	ask_in_child(NULL, 0);
	is_left_alone();
	for (int i = 0; i < N_FEATURES; i++) {
		enum ww_state state = answers->feature[i].state;

		ok(!strcmp(answers->feature[i].name, names[i]) &&
		   *answers->feature[i].reason &&
		   (state == WW_SUPPORTED) == !*answers->feature[i].remedy &&
		   (state == WW_SUPPORTED) == !answers->feature[i].error,
		   "%s has an answer", names[i]);
		diag("this kernel: %s: %s", answers->feature[i].name,
		     answers->feature[i].reason);
		all &= state == WW_SUPPORTED || i >= N_OF_UFFD;
	}
	ok(!strcmp(answers->backend, "uffd") == all,
	   "the backend follows from that");
	diag("this kernel: backend %s", answers->backend);
	ok((answers->opened == 0) == all, "and so does opening a registry");
}

static void short_lists(void)
{
	struct ww_feature features[2];

	memset(features, 0, sizeof(features));
	ok(ww_probe(NULL, 0) == N_FEATURES, "no room");
	ok(ww_probe(features, 1) == N_FEATURES && features[0].name &&
	   !features[1].name, "room for one");
	ok(!strcmp(ww_version(), PACKAGE_VERSION), "the version");
}

static bool use_up_descriptors(int argument)
{
	struct rlimit none = { 0, 1024 };

	(void)argument;
	return !setrlimit(RLIMIT_NOFILE, &none);
}

static void without_descriptors(void)
{
	if (answers->opened) {
		skip("too many open files", "refused for another reason already");
		return;
	}
	if (!ask_in_child(use_up_descriptors, 0))
		return;
	is_left_alone();
	is_feature(0, "userfaultfd", WW_UNKNOWN, EMFILE, "too many open files",
		   "ulimit");
	is_feature(2, "pagemap", WW_UNKNOWN, EMFILE, "too many open files",
		   "ulimit");
	is_feature(4, "write-tracking", WW_UNKNOWN, ECANCELED, "not tried",
		   "see the features before");
	ok(!strcmp(answers->backend, "none"), "no backend");
	ok(answers->opened == -EMFILE &&
	   !strcmp(answers->failure, "userfaultfd"), "a registry says why");
}

#ifdef WITH_SECCOMP
static bool refuse(int error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	return filter &&
	       !seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)error),
				 SCMP_SYS(userfaultfd), 0) &&
	       !seccomp_load(filter);
}

static void refused(int error, enum ww_state state, const char *reason,
		    const char *remedy)
{
	if (!ask_in_child(refuse, error)) {
		skip("userfaultfd refused", "no filter can be loaded");
		return;
	}
	diag("userfaultfd refused: %s", strerrorname_np(error));
	is_left_alone();
	is_feature(0, "userfaultfd", state, error, reason, remedy);
	is_feature(1, "uffd-wp-async", WW_UNKNOWN, ECANCELED, "not tried",
		   "see the features before");
	ok(!strcmp(answers->feature[2].name, "pagemap") &&
	   answers->feature[2].error != ECANCELED, "pagemap is tried all the same");
	is_feature(4, "write-tracking", WW_UNKNOWN, ECANCELED, "not tried",
		   "see the features before");
	ok(!strcmp(answers->backend, "mprotect") ||
	   !strcmp(answers->backend, "softdirty"), "another backend");
	ok(answers->opened == -error && !strcmp(answers->failure, "userfaultfd"),
	   "a registry says why");
}

static void with_filter(void)
{
	refused(ENOSYS, WW_MISSING, "without userfaultfd", "seccomp");
	refused(EPERM, WW_UNKNOWN, "not permitted", "seccomp");
}
#else
static void with_filter(void)
{
	skip("userfaultfd refused", "built without libseccomp");
}
#endif

int main(void)
{
	answers = mmap(NULL, sizeof(*answers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answers == MAP_FAILED)
		bail_out("mapping memory");
	without_filter();
	without_descriptors();
	short_lists();
	with_filter();
	return done_testing();
}

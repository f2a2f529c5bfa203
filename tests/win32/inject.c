/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel that fails, see inject.h. */
#include "inject.h"

#include "../../kernel/abi.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum injection injected;
static unsigned int scans;

void inject(enum injection injection)
{
	injected = injection;
}

unsigned int n_scans(void)
{
	return scans;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int handshake(int fd, unsigned long request, struct uffdio_api *api)
{
	int ret = syscall(SYS_ioctl, fd, request, api);

	if (injected == NO_ASYNC_FEATURE)
		api->features &= ~(__u64)UFFD_FEATURE_WP_ASYNC;
	return ret;
}

/* Takes the place of the C library's for all of the program. */
__attribute__((visibility("default")))
int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	scans += request == PAGEMAP_SCAN;
	if (request == UFFDIO_REGISTER && injected == REGISTER_FAILS)
		return fail(ENOMEM);
	if (request == PAGEMAP_SCAN && injected == SCAN_FAILS)
		return fail(ENOMEM);
	if (request == PAGEMAP_SCAN && injected == SCAN_DOES_NOTHING)
		return 0;
	if (request == UFFDIO_WRITEPROTECT && injected == PROTECT_DOES_NOTHING)
		return 0;
	if (request == UFFDIO_API)
		return handshake(fd, request, argument);
	return syscall(SYS_ioctl, fd, request, argument);
}

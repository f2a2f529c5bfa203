/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of the caller, which may not be there. */
#include "user.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

/* On 32 bits, an address above them must not wrap around to a good one. */
static bool is_ours(uint64_t address)
{
	return address == (uintptr_t)address;
}

/* The kernel tries each access for us: no signal handler of ours is needed, and
 * no check that another thread could make untrue. */
int ww_user_read(void *target, uint64_t address, size_t n_bytes)
{
	struct iovec ours = { target, n_bytes };
	struct iovec theirs = { (void *)(uintptr_t)address, n_bytes };
	int saved = errno;
	ssize_t n = is_ours(address) ?
		process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) : -1;

	errno = saved;
	return n == (ssize_t)n_bytes ? 0 : -EFAULT;
}

int ww_user_write(uint64_t address, const void *source, size_t n_bytes)
{
	struct iovec ours = { (void *)(uintptr_t)source, n_bytes };
	struct iovec theirs = { (void *)(uintptr_t)address, n_bytes };
	int saved = errno;
	ssize_t n = is_ours(address) ?
		process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0) : -1;

	errno = saved;
	return n == (ssize_t)n_bytes ? 0 : -EFAULT;
}

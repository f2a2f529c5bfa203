/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fact K12: in asynchronous mode the kernel's own writes are tracked, without
 * any privilege: read(2), recv(2), process_vm_writev, /proc/self/mem. Those
 * that fail write nothing.
 */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { N_PAGES = 16 };

static char text[3 * 4096 + 3] = "text";

static void by_read(const struct area *area)
{
	int ends[2];

	if (pipe(ends) || write(ends[1], text, 6000) != 6000)
		bail_out("making a pipe");
	ok(read(ends[0], area_page(area, 3), 5000) == 5000, "read(2)");
	is_written(area, true, ww_page_size() == 4096 ? "3-4" : "3",
		   "its pages are written");
	ok(read(ends[0], area_page(area, 3) + 8, 1000) == 1000, "read(2) again");
	is_written(area, true, "3", "a page that had been reset, too");
	close(ends[1]);
	ok(read(ends[0], area_page(area, 3), 5000) == 0, "read(2) at the end");
	is_written(area, true, "", "it writes nothing");
	ok(read(-1, area_page(area, 3), 5000) < 0, "read(2) of no file");
	is_written(area, true, "", "it writes nothing");
	close(ends[0]);
}

static void by_recv(const struct area *area)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    write(ends[1], text, 100) != 100)
		bail_out("making a socket");
	ok(recv(ends[0], area_page(area, 7) - 10, 64, 0) == 64, "recv(2)");
	is_written(area, true, "6-7", "its pages are written");
	close(ends[0]);
	close(ends[1]);
}

static void by_writev(const struct area *area)
{
	struct iovec from = { text, 100 };
	struct iovec to = { area_page(area, 9), 100 };
	struct iovec bad = { NULL, 100 };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != 100) {
		skip("process_vm_writev", "refused");
		return;
	}
	is_written(area, true, "9", "process_vm_writev");
	ok(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 100,
	   "process_vm_writev again");
	is_written(area, true, "9", "a page that had been reset, too");
	ok(process_vm_readv(getpid(), &to, 1, &bad, 1, 0) < 0,
	   "process_vm_readv from nowhere");
	is_written(area, true, "", "it writes nothing");
}

static void by_mem(const struct area *area)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	off_t at = (off_t)(uintptr_t)area_page(area, 11);

	if (mem < 0 || pwrite(mem, text, 10, at) != 10) {
		skip("/proc/self/mem", strerror(errno));
	} else {
		is_written(area, true, "11", "/proc/self/mem");
		ok(pwrite(mem, text, 10, at) == 10, "/proc/self/mem again");
		is_written(area, true, "11", "a page that had been reset, too");
	}
	if (mem >= 0)
		close(mem);
}

int main(void)
{
	struct ww_regions *regions = regions_or_skip();
	struct area area;

	diag("this kernel: run as user %d", (int)getuid());
	area_reserve(&area, regions, N_PAGES);
	area_commit(&area, 0, N_PAGES);
	by_read(&area);
	by_recv(&area);
	by_writev(&area);
	by_mem(&area);
	area_release(&area);
	ww_regions_close(regions);
	return done_testing();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of write watches that the other files here do not show, one a row. */
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_PAGES 16
#define ALL (N_PAGES * PAGE_BYTES)
#define WATCH (MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH)

static char in_image[2 * PAGE_BYTES];

static void protect(char *base, size_t page, DWORD protection)
{
	DWORD old;

	if (!VirtualProtect(base + page * PAGE_BYTES, 1, protection, &old))
		bail_out("VirtualProtect");
}

static void is(const char *got, const char *wanted, const char *name)
{
	if (!ok(!strcmp(got, wanted), "%s", name))
		diag("written: [%s], expected [%s]", got, wanted);
}

static bool is_refused(char *base, size_t n_bytes)
{
	void *addresses[2 * N_PAGES];
	ULONG_PTR count = 2 * N_PAGES;
	DWORD granularity;

	return GetWriteWatch(0, base, n_bytes, addresses, &count, &granularity) ==
	       ~0u && GetLastError() == ERROR_INVALID_PARAMETER &&
	       ResetWriteWatch(base, n_bytes) == ~0u &&
	       GetLastError() == ERROR_INVALID_PARAMETER;
}

/* ---- Ranges ---- */

static void odd_ranges(void)
{
	char *base = watched(N_PAGES);
	void *addresses[N_PAGES];
	ULONG_PTR count = N_PAGES;
	DWORD granularity = 0;

	touch_all(base, "1 2 3");
	SetLastError(77);
	ok(!GetWriteWatch(0, base + PAGE_BYTES + 100, PAGE_BYTES, addresses, &count,
			  &granularity) && count == 2 &&
	   addresses[0] == base + PAGE_BYTES && addresses[1] == base + 2 * PAGE_BYTES,
	   "a base within a page is widened to it, and its address lies below");
	ok(granularity == PAGE_BYTES, "the granularity is a page");
	ok(GetLastError() == 77, "success leaves the last error alone");
	ok(!ResetWriteWatch(base + 2 * PAGE_BYTES - 1, 2),
	   "a reset of the last byte of a page and the first of the next");
	is_written(base, N_PAGES, 0, "3", "resets both");
	ok(!ResetWriteWatch(base + 15 * PAGE_BYTES + 5, PAGE_BYTES - 5),
	   "up to the last byte");
	ok(is_refused(base + 15 * PAGE_BYTES + 5, PAGE_BYTES - 4),
	   "and not one more");
	release(base);
}

static void neighbours(void)
{
	char *base = watched(2 * N_PAGES), *second;

	release(base);
	base = VirtualAlloc(base, ALL, WATCH, PAGE_READWRITE);
	second = VirtualAlloc(base + ALL, ALL, WATCH, PAGE_READWRITE);
	if (!base || second != base + ALL)
		bail_out("two neighbours");
	touch(base, 15);
	touch(second, 0);
	ok(is_refused(base, 2 * ALL) && is_refused(base + ALL - 1, 2),
	   "no range across two reservations");
	is_written(base, N_PAGES, 0, "15", "each has its own writes");
	is_written(second, N_PAGES, 0, "0", "the other, too");
	release(base);
	ok(is_refused(base, 1), "what was released is not watched");
	is_written(second, N_PAGES, 0, "0", "its neighbour is");
	release(second);
}

static void not_watched(void)
{
	char *plain = allocate(N_PAGES, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

	ok(is_refused(in_image, 1), "the program's own data is not watched");
	ok(is_refused((char *)&plain, 1), "nor is its stack");
	ok(is_refused(plain, ALL), "nor memory that did not ask for it");
	release(plain);
}

/* ---- Allocation ---- */

static void kinds(void)
{
	static const struct {
		const char *name;
		DWORD type, protect;
		bool writable;
	} rows[] = {
		{ "top down", MEM_TOP_DOWN, PAGE_READWRITE, true },
		{ "executable", 0, PAGE_EXECUTE_READWRITE, true },
		{ "write-combined", 0, PAGE_READWRITE | PAGE_WRITECOMBINE, true },
		{ "not cached", 0, PAGE_READWRITE | PAGE_NOCACHE, true },
		{ "read-only", 0, PAGE_READONLY, false },
		{ "only executable", 0, PAGE_EXECUTE, false },
		{ "executable and readable", 0, PAGE_EXECUTE_READ, false },
		{ "inaccessible", 0, PAGE_NOACCESS, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *base = VirtualAlloc(NULL, ALL, WATCH | rows[i].type,
					  rows[i].protect);

		if (!ok(base != NULL, "watched memory can be %s", rows[i].name))
			continue;
		is_written(base, N_PAGES, 0, "", "it is not written");
		if (!rows[i].writable)
			protect(base, 3, PAGE_READWRITE);
		touch(base, 3);
		is_written(base, N_PAGES, RESET, "3", "until it is");
		release(base);
	}
}

static void inside(void)
{
	char *base = watched(2 * N_PAGES);

	ok(!VirtualAlloc(base + ALL, ALL, MEM_RESERVE | MEM_WRITE_WATCH,
			 PAGE_READWRITE) &&
	   GetLastError() == ERROR_INVALID_ADDRESS,
	   "no reservation within another");
	touch(base, 3);
	is_written(base, N_PAGES, RESET, "3", "which stays watched");
	release(base);
}

static void invisible(void)
{
	char *base = watched(N_PAGES);
	MEMORY_BASIC_INFORMATION info;

	touch_all(base, "0 5");
	ok(VirtualQuery(base, &info, sizeof(info)) && info.Type == MEM_PRIVATE &&
	   info.State == MEM_COMMIT && info.Protect == PAGE_READWRITE &&
	   info.AllocationProtect == PAGE_READWRITE && info.RegionSize == ALL,
	   "neither a watch nor a write shows in VirtualQuery");
	is_written(base, N_PAGES, RESET, "0 5", "which changes none");
	release(base);
}

/* ---- What is a write ---- */

static void reading(void)
{
	char *base = VirtualAlloc(NULL, ALL, WATCH, PAGE_EXECUTE_READWRITE);
	volatile char *bytes = base;

	for (size_t i = 0; i < N_PAGES; i++)
		(void)bytes[i * PAGE_BYTES];
	is_written(base, N_PAGES, 0, "", "reading is no write");
	base[2 * PAGE_BYTES] = (char)0xc3;	/* ret */
	is_written(base, N_PAGES, RESET, "2", "code is written");
	((void (*)(void))(uintptr_t)(base + 2 * PAGE_BYTES))();
	is_written(base, N_PAGES, 0, "", "running it is no write");
	release(base);
}

static void recommit(void)
{
	char *base = watched(N_PAGES);
	MEMORY_BASIC_INFORMATION info;

	touch_all(base, "1 4");
	ok(VirtualAlloc(base, 8 * PAGE_BYTES, MEM_COMMIT, PAGE_READONLY) == base,
	   "committed pages can be committed");
	is_written(base, N_PAGES, 0, "1 4", "what is written stays so");
	ok(base[PAGE_BYTES] == 1 && VirtualQuery(base, &info, sizeof(info)) &&
	   info.Protect == PAGE_READONLY && info.RegionSize == 8 * PAGE_BYTES,
	   "the contents too, and the new protection holds");
	release(base);
}

static void decommitted(void)
{
	char *base = watched(N_PAGES);

	touch_all(base, "1 4 9");
	ok(!ResetWriteWatch(base + 9 * PAGE_BYTES, 1) &&
	   VirtualFree(base, 12 * PAGE_BYTES, MEM_DECOMMIT), "decommitted");
	is_written(base, N_PAGES, 0, "1 4", "written pages stay, clean ones too");
	is(written(RESET, base, 0, 3, 3), "1", "a reset of the first");
	ok(!ResetWriteWatch(base + 3 * PAGE_BYTES, 3 * PAGE_BYTES),
	   "and of the second");
	is_written(base, N_PAGES, 0, "", "works on what is not there");
	ok(VirtualAlloc(base, ALL, MEM_COMMIT, PAGE_READWRITE) == base,
	   "committed again");
	is_written(base, N_PAGES, 0, "", "still clean");
	touch(base, 4);
	is_written(base, N_PAGES, RESET, "4", "and watched");
	release(base);
}

static void same_place(void)
{
	char *base = watched(N_PAGES), *again;

	touch_all(base, "1 4");
	release(base);
	again = VirtualAlloc(base, ALL, WATCH, PAGE_READWRITE);
	ok(again == base, "a reservation where one was released");
	is_written(base, N_PAGES, 0, "", "has none of its writes");
	ok(!base[PAGE_BYTES], "nor its contents");
	release(base);
	again = VirtualAlloc(base, ALL, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	ok(again == base && is_refused(base, ALL), "nor its watch");
	release(base);
}

static void released_part(void)
{
	char *base = watched(3 * N_PAGES);
	PVOID middle = base + ALL;
	SIZE_T size = ALL;

	touch_all(base, "3 20 40");
	ok(!NtFreeVirtualMemory(GetCurrentProcess(), &middle, &size, MEM_RELEASE),
	   "the middle is released");
	is_written(base, N_PAGES, RESET, "3", "the first part is watched");
	is_written(base + 2 * ALL, N_PAGES, RESET, "8", "the last, too");
	ok(is_refused(base, 3 * ALL) && is_refused(base + ALL, ALL),
	   "the middle is not");
	release(base);
	release(base + 2 * ALL);
}

static void inaccessible(void)
{
	char *base = watched(N_PAGES);

	touch_all(base, "2 7");
	protect(base, 2, PAGE_NOACCESS);
	protect(base, 3, PAGE_NOACCESS);
	is_written(base, N_PAGES, RESET, "2 7", "pages without access are told of");
	is_written(base, N_PAGES, 0, "", "and reset");
	protect(base, 2, PAGE_READWRITE);
	ok(base[2 * PAGE_BYTES] == 1, "with their contents");
	is_written(base, N_PAGES, 0, "", "access is no write");
	release(base);
}

static void locking(void)
{
	char *base = watched(N_PAGES);
	long before = status_kb("VmLck");

	/* sanitizers let nothing be locked, and say that it is */
	if (uses_mprotect()) {
		skip("VirtualLock", "the kernel cannot write to armed pages");
	} else if (!VirtualLock(base + PAGE_BYTES, 2 * PAGE_BYTES) ||
	    status_kb("VmLck") == before) {
		skip("VirtualLock", "memory cannot be locked here");
	} else {
		is_written(base, N_PAGES, RESET, "1 2",
			   "locked pages are written by the kernel");
		touch(base, 2);
		ok(VirtualUnlock(base + PAGE_BYTES, 2 * PAGE_BYTES), "unlocked");
		is_written(base, N_PAGES, RESET, "2", "which is no write");
	}
	release(base);
}

/* ---- Others who write ---- */

static void file_read(void)
{
	char *base = watched(N_PAGES);
	int ends[2];

	if (uses_mprotect()) {
		skip("a read", "it fails where pages are armed");
		release(base);
		return;
	}
	if (pipe(ends) || write(ends[1], "12345678", 8) != 8)
		bail_out("pipe");
	ok(read(ends[0], base + 5 * PAGE_BYTES - 4, 8) == 8 &&
	   !memcmp(base + 5 * PAGE_BYTES - 4, "12345678", 8),
	   "a read into two clean pages");
	is_written(base, N_PAGES, RESET, "4 5", "writes them");
	close(ends[1]);
	ok(read(ends[0], base, ALL) == 0, "one at the end of a file");
	is_written(base, N_PAGES, 0, "", "writes none");
	close(ends[0]);
	ok(read(ends[0], base, ALL) == -1 && errno == EBADF, "nor does one of none");
	is_written(base, N_PAGES, 0, "", "at all");
	release(base);
}

static void write_from_child(char *base)
{
	char bytes[2] = { 'a', 'b' };
	struct iovec from = { bytes, 2 }, to = { base, 2 };

	alarm(60);
	_exit(process_vm_writev(getppid(), &from, 1, &to, 1, 0) == 2 ? 0 : errno);
}

static void other_process(void)
{
	char *base = watched(N_PAGES);
	int status;
	pid_t pid = fork();

	if (!pid)
		write_from_child(base + 10 * PAGE_BYTES - 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork");
	if (status)
		skip("another process", "it may not write here");
	else
		is_written(base, N_PAGES, RESET, "9 10",
			   "what another process writes counts");
	release(base);
}

int main(void)
{
	watch_or_skip();
	odd_ranges();
	neighbours();
	not_watched();
	kinds();
	inside();
	invisible();
	reading();
	recommit();
	decommitted();
	same_place();
	released_part();
	inaccessible();
	locking();
	file_read();
	other_process();
	return done_testing();
}

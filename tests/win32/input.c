/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that store into watched memory, or fail to. */
#include "pages.h"
#include "rows.h"

#include <stdio.h>
#include <string.h>
#include <winternl.h>

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)
#define EVERY_PAGE	"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"

/* An open file of that many bytes, gone when it is closed. */
static HANDLE make_file(size_t n_bytes)
{
	static char contents[4 * PAGE_BYTES];
	char folder[MAX_PATH], path[MAX_PATH];
	HANDLE file;
	DWORD n;

	GetTempPathA(sizeof(folder), folder);
	if (!GetTempFileNameA(folder, "ww", 0, path))
		give_up("GetTempFileName: error %lu", GetLastError());
	file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL,
			   CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
	memset(contents, 0xcc, sizeof(contents));
	if (file == INVALID_HANDLE_VALUE ||
	    !WriteFile(file, contents, n_bytes, &n, NULL) ||
	    SetFilePointer(file, 0, NULL, FILE_BEGIN))
		give_up("a file to read: error %lu", GetLastError());
	return file;
}

static void read_file(void)
{
	char *base = watch(N_PAGES);
	HANDLE file = make_file(2 * PAGE_BYTES + 3);
	DWORD n = 0;

	CHECK(ReadFile(file, base, ALL, &n, NULL), "ReadFile: error %lu",
	      GetLastError());
	CHECK(n == 2 * PAGE_BYTES + 3 && base[n - 1] == (char)0xcc && !base[n],
	      "%lu bytes read", n);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(ReadFile(file, base, ALL, &n, NULL), "at the end: error %lu",
	      GetLastError());
	CHECK(!n, "%lu bytes read at the end", n);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	CloseHandle(file);
}

static void read_bad_handle(void)
{
	char *base = watch(N_PAGES);
	DWORD n;

	CHECK(!ReadFile((HANDLE)0xdead, base, ALL, &n, NULL), "succeeded");
	EXPECT_WRITTEN("", base, N_PAGES);
}

struct pipe {
	HANDLE reader, writer;
};

static void make_pipe(struct pipe *pipe)
{
	char name[64];

	sprintf(name, "\\\\.\\pipe\\writewatch.%lu", GetCurrentProcessId());
	pipe->reader = CreateNamedPipeA(name, PIPE_ACCESS_INBOUND |
					FILE_FLAG_OVERLAPPED,
					PIPE_TYPE_MESSAGE | PIPE_WAIT, 1, ALL,
					ALL, 1000, NULL);
	pipe->writer = CreateFileA(name, GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
				   0, NULL);
	if (pipe->reader == INVALID_HANDLE_VALUE ||
	    pipe->writer == INVALID_HANDLE_VALUE)
		give_up("a pipe: error %lu", GetLastError());
}

/* A read that waits for data. */
static void start_read(struct pipe *pipe, char *buffer, OVERLAPPED *overlapped)
{
	memset(overlapped, 0, sizeof(*overlapped));
	overlapped->hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
	CHECK(!ReadFile(pipe->reader, buffer, ALL, NULL, overlapped) &&
	      GetLastError() == ERROR_IO_PENDING, "the read is not pending");
}

/* Four bytes arrive, and nothing else happens before the read is done. */
static void send_data(struct pipe *pipe, OVERLAPPED *overlapped)
{
	HANDLE event = overlapped->hEvent;
	DWORD n = 0;

	CHECK(WriteFile(pipe->writer, "data", 4, &n, NULL),
	      "WriteFile: error %lu", GetLastError());
	if (WaitForSingleObject(event, 20000) != WAIT_OBJECT_0)
		give_up("the read does not end");
}

static void check_read(struct pipe *pipe, OVERLAPPED *overlapped)
{
	DWORD n = 0;

	CHECK(GetOverlappedResult(pipe->reader, overlapped, &n, TRUE) && n == 4,
	      "%lu bytes, error %lu", n, GetLastError());
}

static void read_pipe_pending(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED overlapped;
	struct pipe pipe;

	make_pipe(&pipe);
	start_read(&pipe, base, &overlapped);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	send_data(&pipe, &overlapped);
	check_read(&pipe, &overlapped);
	EXPECT_WRITTEN("0", base, N_PAGES);
	CHECK(!memcmp(base, "data", 4), "other data arrived");
}

static void overlapped_inside(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED *overlapped = (OVERLAPPED *)(base + 3 * PAGE_BYTES);
	static char buffer[ALL];
	struct pipe pipe;

	make_pipe(&pipe);
	start_read(&pipe, buffer, overlapped);
	EXPECT_AND_RESET("3", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	send_data(&pipe, overlapped);
	EXPECT_AND_RESET("3", base, N_PAGES);
	check_read(&pipe, overlapped);
	CHECK(!memcmp(buffer, "data", 4), "other data arrived");
}

static void write_process_memory(void)
{
	char *base = watch(N_PAGES);
	char data[2 * PAGE_BYTES];
	SIZE_T n = 0;

	memset(data, 0x55, sizeof(data));
	CHECK(WriteProcessMemory(GetCurrentProcess(), base + 5 * PAGE_BYTES,
				 data, 10, &n) && n == 10,
	      "WriteProcessMemory: error %lu", GetLastError());
	EXPECT_AND_RESET("5", base, N_PAGES);
	CHECK(WriteProcessMemory(GetCurrentProcess(),
				 base + 5 * PAGE_BYTES + 1, data, sizeof(data),
				 &n), "again: error %lu", GetLastError());
	EXPECT_AND_RESET("5 6 7", base, N_PAGES);
}

static void read_process_memory(void)
{
	char *base = watch(N_PAGES);
	char source[2 * PAGE_BYTES];
	SIZE_T n = 0;

	memset(source, 0x55, sizeof(source));
	CHECK(ReadProcessMemory(GetCurrentProcess(), source,
				base + 5 * PAGE_BYTES, 10, &n) && n == 10,
	      "ReadProcessMemory: error %lu", GetLastError());
	EXPECT_AND_RESET("5", base, N_PAGES);
	CHECK(base[5 * PAGE_BYTES + 9] == 0x55, "the data is missing");
}

static void read_process_memory_fails(void)
{
	char *base = watch(N_PAGES);
	SIZE_T n = 0;

	CHECK(!ReadProcessMemory(GetCurrentProcess(), NULL, base,
				 2 * PAGE_BYTES, &n), "succeeded");
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* Wine's server sends this answer straight into the caller's memory. */
static void query_object(void)
{
	const OBJECT_INFORMATION_CLASS name_information = 1;
	char *base = watch(N_PAGES), name[64];
	ULONG n = 0;
	NTSTATUS status;
	HANDLE event;

	sprintf(name, "writewatch.%lu", GetCurrentProcessId());
	event = CreateEventA(NULL, TRUE, FALSE, name);
	status = NtQueryObject(event, name_information, base + PAGE_BYTES,
			       PAGE_BYTES, &n);
	CHECK(!status, "status %#lx, %lu bytes", status, n);
	EXPECT_AND_RESET("1", base, N_PAGES);
}

/* Failing calls that take the page as their output: a debugger check. */
static void failing_outputs(void)
{
	char *base = watch(N_PAGES);

	CHECK(!GlobalGetAtomNameA(0, base, 1), "GlobalGetAtomName succeeded");
	CHECK(!GetEnvironmentVariableA("?? no such name ??", base, PAGE_BYTES),
	      "GetEnvironmentVariable succeeded");
	CHECK(!GetBinaryTypeA("?? no such file ??", (DWORD *)base),
	      "GetBinaryType succeeded");
	CHECK(!GetThreadContext((HANDLE)0xdead, (CONTEXT *)base),
	      "GetThreadContext succeeded");
	EXPECT_WRITTEN("", base, N_PAGES);
}

const struct row input_rows[] = {
	{ "input-read-file", "WT", read_file, 0 },
	{ "input-read-bad-handle", "WT", read_bad_handle, 0 },
	{ "input-read-pipe-pending", "WT", read_pipe_pending, 0 },
	{ "input-overlapped-inside", "WT", overlapped_inside, 0 },
	{ "input-write-process-memory", "L", write_process_memory, 0 },
	{ "input-read-process-memory", "INF", read_process_memory, 0 },
	{ "input-read-process-memory-fails", "W8", read_process_memory_fails,
	  0 },
	{ "input-query-object", "L", query_object, 0 },
	{ "input-failing-outputs", "INF", failing_outputs, 0 },
	{ 0 },
};

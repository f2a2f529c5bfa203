/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files, pipes and sockets that store into watched memory, or read from it. */
#ifdef _WIN32
#include <winsock2.h>
#endif

#include "pages.h"
#include "rows.h"

#ifdef _WIN32

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)
#define EVERY_PAGE	"0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"
#define SOME_BYTES	(2 * PAGE_BYTES + 3)
#define KEY		42

static HANDLE make_port(HANDLE file)
{
	HANDLE port = CreateIoCompletionPort(file, NULL, KEY, 0);

	if (!port)
		give_up("CreateIoCompletionPort: error %lu", GetLastError());
	return port;
}

static OVERLAPPED make_overlapped(void)
{
	return (OVERLAPPED) { .hEvent = CreateEventA(NULL, TRUE, FALSE, NULL) };
}

static void wait_for_event(HANDLE event)
{
	if (WaitForSingleObject(event, 20000) != WAIT_OBJECT_0)
		give_up("the transfer does not end");
}

/* At least these pages come first: a call may report more of its buffer. */
static void expect_first(const char *pages, char *base, size_t n_pages)
{
	const char *got = query(WRITE_WATCH_FLAG_RESET, base, 0, n_pages,
				MAX_PAGES);

	CHECK(!strncmp(got, pages, strlen(pages)),
	      "written: [%s], expected at least [%s]", got, pages);
}

/* An open file of SOME_BYTES, gone when it is closed. */
static HANDLE make_file(DWORD flags)
{
	static char contents[SOME_BYTES];
	char folder[MAX_PATH], path[MAX_PATH];
	OVERLAPPED overlapped = make_overlapped();
	HANDLE file;
	DWORD n = 0;

	GetTempPathA(sizeof(folder), folder);
	if (!GetTempFileNameA(folder, "ww", 0, path))
		give_up("GetTempFileName: error %lu", GetLastError());
	file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL,
			   CREATE_ALWAYS, flags | FILE_FLAG_DELETE_ON_CLOSE,
			   NULL);
	memset(contents, 0xcc, sizeof(contents));
	if (file == INVALID_HANDLE_VALUE)
		give_up("a file to read: error %lu", GetLastError());
	WriteFile(file, contents, sizeof(contents), NULL, &overlapped);
	if (!GetOverlappedResult(file, &overlapped, &n, TRUE) ||
	    n != sizeof(contents))
		give_up("%lu bytes written, error %lu", n, GetLastError());
	SetFilePointer(file, 0, NULL, FILE_BEGIN);
	return file;
}

static void read_file(void)
{
	char *base = watch(N_PAGES);
	HANDLE file = make_file(0);
	DWORD n = 0;

	CHECK(ReadFile(file, base, ALL, &n, NULL), "ReadFile: error %lu",
	      GetLastError());
	CHECK(n == SOME_BYTES && base[n - 1] == (char)0xcc && !base[n],
	      "%lu bytes read", n);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	CloseHandle(file);
}

static void read_at_end(void)
{
	char *base = watch(N_PAGES);
	HANDLE file = make_file(0);
	DWORD n = 1;

	SetFilePointer(file, 0, NULL, FILE_END);
	CHECK(ReadFile(file, base, ALL, &n, NULL), "at the end: error %lu",
	      GetLastError());
	CHECK(!n, "%lu bytes read at the end", n);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	CloseHandle(file);
}

static void read_bad_handle(void)
{
	char *base = watch(N_PAGES);
	DWORD n;

	CHECK(!ReadFile((HANDLE)0xdead, base, ALL, &n, NULL), "succeeded");
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* Only part of the watched memory is the buffer, and it is not aligned. */
static void read_into_part(void)
{
	char *base = watch(N_PAGES), *buffer = base + 5 * PAGE_BYTES - 1;
	HANDLE file = make_file(0);
	DWORD n = 0;

	CHECK(ReadFile(file, buffer, PAGE_BYTES + 2, &n, NULL) &&
	      n == PAGE_BYTES + 2, "ReadFile: %lu bytes, error %lu", n,
	      GetLastError());
	CHECK(buffer[n - 1] == (char)0xcc, "other data was read");
	EXPECT_AND_RESET("4 5 6", base, N_PAGES);
	CloseHandle(file);
}

static void read_file_overlapped(void)
{
	char *base = watch(N_PAGES);
	HANDLE file = make_file(FILE_FLAG_OVERLAPPED);
	OVERLAPPED overlapped = make_overlapped();
	DWORD n = 0;

	CHECK(ReadFile(file, base, ALL, NULL, &overlapped) ||
	      GetLastError() == ERROR_IO_PENDING, "ReadFile: error %lu",
	      GetLastError());
	CHECK(GetOverlappedResult(file, &overlapped, &n, TRUE) &&
	      n == SOME_BYTES, "%lu bytes, error %lu", n, GetLastError());
	CHECK(base[n - 1] == (char)0xcc, "other data was read");
	expect_first("0 1 2", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	CloseHandle(file);
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

static void send_data(struct pipe *pipe)
{
	DWORD n = 0;

	CHECK(WriteFile(pipe->writer, "data", 4, &n, NULL) && n == 4,
	      "WriteFile: error %lu", GetLastError());
}

/* A read that waits for data. */
static void start_read(struct pipe *pipe, char *buffer, OVERLAPPED *overlapped)
{
	CHECK(!ReadFile(pipe->reader, buffer, ALL, NULL, overlapped) &&
	      GetLastError() == ERROR_IO_PENDING, "the read is not pending");
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
	OVERLAPPED overlapped = make_overlapped();
	struct pipe pipe;

	make_pipe(&pipe);
	start_read(&pipe, base, &overlapped);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	send_data(&pipe);
	wait_for_event(overlapped.hEvent);
	check_read(&pipe, &overlapped);
	EXPECT_WRITTEN("0", base, N_PAGES);
	CHECK(!memcmp(base, "data", 4), "other data arrived");
}

static void read_pipe_at_once(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED overlapped = make_overlapped();
	struct pipe pipe;

	make_pipe(&pipe);
	send_data(&pipe);
	CHECK(ReadFile(pipe.reader, base, ALL, NULL, &overlapped) ||
	      GetLastError() == ERROR_IO_PENDING, "ReadFile: error %lu",
	      GetLastError());
	check_read(&pipe, &overlapped);
	expect_first("0", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(!memcmp(base, "data", 4), "other data arrived");
}

static void read_pipe_cancelled(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED overlapped = make_overlapped();
	struct pipe pipe;
	DWORD n;

	make_pipe(&pipe);
	start_read(&pipe, base, &overlapped);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	CHECK(CancelIo(pipe.reader), "CancelIo: error %lu", GetLastError());
	CHECK(!GetOverlappedResult(pipe.reader, &overlapped, &n, TRUE) &&
	      GetLastError() == ERROR_OPERATION_ABORTED,
	      "the read is not cancelled: error %lu", GetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
}

/* The calls that find out how a transfer ended may write the page, too. */
static void overlapped_inside(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED *overlapped = (OVERLAPPED *)(base + 3 * PAGE_BYTES);
	static char buffer[ALL];
	struct pipe pipe;
	HANDLE event;

	make_pipe(&pipe);
	*overlapped = make_overlapped();
	event = overlapped->hEvent;
	start_read(&pipe, buffer, overlapped);
	EXPECT_AND_RESET("3", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
	send_data(&pipe);
	wait_for_event(event);
	EXPECT_AND_RESET("3", base, N_PAGES);
	check_read(&pipe, overlapped);
	CHECK(!memcmp(buffer, "data", 4), "other data arrived");
}

static void completion_port(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED *overlapped = (OVERLAPPED *)(base + 3 * PAGE_BYTES);
	OVERLAPPED **got = (OVERLAPPED **)(base + 5 * PAGE_BYTES);
	ULONG_PTR *key = (ULONG_PTR *)(base + 7 * PAGE_BYTES);
	DWORD *n = (DWORD *)(base + 9 * PAGE_BYTES);
	static char buffer[ALL];
	struct pipe pipe;
	HANDLE port;

	make_pipe(&pipe);
	port = make_port(pipe.reader);
	start_read(&pipe, buffer, overlapped);
	EXPECT_AND_RESET("3", base, N_PAGES);
	send_data(&pipe);
	CHECK(GetQueuedCompletionStatus(port, n, key, got, 20000),
	      "GetQueuedCompletionStatus: error %lu", GetLastError());
	CHECK(*n == 4 && *key == KEY && *got == overlapped,
	      "%lu bytes, key %lu, %p", *n, (unsigned long)*key, *got);
	EXPECT_AND_RESET("3 5 7 9", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void completion_entries(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED_ENTRY *entries = (void *)(base + 5 * PAGE_BYTES);
	ULONG *n = (ULONG *)(base + 9 * PAGE_BYTES);
	HANDLE port = make_port(INVALID_HANDLE_VALUE);

	CHECK(PostQueuedCompletionStatus(port, 4, KEY, NULL),
	      "PostQueuedCompletionStatus: error %lu", GetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
	CHECK(GetQueuedCompletionStatusEx(port, entries, 8, n, 20000, FALSE),
	      "GetQueuedCompletionStatusEx: error %lu", GetLastError());
	CHECK(*n == 1 && entries->lpCompletionKey == KEY,
	      "%lu entries, key %lu", *n,
	      (unsigned long)entries->lpCompletionKey);
	EXPECT_AND_RESET("5 9", base, N_PAGES);
}

static DWORD n_completed;

static void CALLBACK completed(DWORD error, DWORD n, OVERLAPPED *overlapped)
{
	(void)overlapped;
	CHECK(!error, "completed with error %lu", error);
	n_completed = n;
}

static void read_and_call_back(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED overlapped = { 0 };
	struct pipe pipe;

	make_pipe(&pipe);
	CHECK(ReadFileEx(pipe.reader, base, ALL, &overlapped, completed),
	      "ReadFileEx: error %lu", GetLastError());
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	send_data(&pipe);
	CHECK(SleepEx(20000, TRUE) == WAIT_IO_COMPLETION, "no call back");
	CHECK(n_completed == 4, "%lu bytes", n_completed);
	EXPECT_WRITTEN("0", base, N_PAGES);
}

static void peek_pipe(void)
{
	char *base = watch(N_PAGES);
	DWORD *n = (DWORD *)(base + 9 * PAGE_BYTES);
	struct pipe pipe;

	make_pipe(&pipe);
	send_data(&pipe);
	CHECK(PeekNamedPipe(pipe.reader, base, PAGE_BYTES, n, NULL, NULL) &&
	      *n == 4, "PeekNamedPipe: error %lu", GetLastError());
	EXPECT_AND_RESET("0 9", base, N_PAGES);
}

/* How many bytes there were is told in watched memory. */
static void count_inside(void)
{
	char *base = watch(N_PAGES);
	DWORD *n = (DWORD *)(base + 9 * PAGE_BYTES);
	HANDLE file = make_file(0);
	char byte;

	CHECK(ReadFile(file, &byte, 1, n, NULL) && *n == 1,
	      "ReadFile: error %lu", GetLastError());
	EXPECT_AND_RESET("9", base, N_PAGES);
	CHECK(WriteFile(file, &byte, 1, n, NULL) && *n == 1,
	      "WriteFile: error %lu", GetLastError());
	EXPECT_AND_RESET("9", base, N_PAGES);
	CloseHandle(file);
}

static void write_file(void)
{
	char *base = watch(N_PAGES);
	HANDLE file = make_file(0);
	DWORD n = 0;

	for (size_t page = 0; page < N_PAGES; page++)
		touch(base, page);
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	CHECK(WriteFile(file, base, ALL, &n, NULL) && n == ALL,
	      "WriteFile: error %lu", GetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
	CloseHandle(file);
}

struct sockets {
	SOCKET sender, receiver;
};

/* Two ends of a connection. */
static void make_sockets(struct sockets *sockets)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int n = sizeof(address);
	SOCKET listener;
	WSADATA data;

	if (WSAStartup(MAKEWORD(2, 2), &data))
		skip_row("no sockets here");
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	sockets->sender = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (void *)&address, n) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &n) ||
	    connect(sockets->sender, (void *)&address, n))
		skip_row("no network here: error %d", WSAGetLastError());
	sockets->receiver = accept(listener, NULL, NULL);
	if (sockets->receiver == INVALID_SOCKET)
		give_up("accept: error %d", WSAGetLastError());
	closesocket(listener);
}

static void send_text(struct sockets *sockets, const char *text)
{
	int n_bytes = strlen(text);

	if (send(sockets->sender, text, n_bytes, 0) != n_bytes)
		give_up("send: error %d", WSAGetLastError());
}

/*
 * Windows does not report what arrives through a socket. Here it is a write
 * like any other, and a blocking call may report all of its buffer.
 */
static void receive(void)
{
	char *base = watch(N_PAGES);
	struct sockets sockets;

	make_sockets(&sockets);
	send_text(&sockets, "data");
	CHECK(recv(sockets.receiver, base, ALL, 0) == 4, "recv: error %d",
	      WSAGetLastError());
	CHECK(!memcmp(base, "data", 4), "other data arrived");
	expect_first("0", base, N_PAGES);
	EXPECT_WRITTEN("", base, N_PAGES);
}

static void receive_overlapped(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED overlapped = make_overlapped();
	WSABUF buffer = { ALL, base };
	DWORD flags = 0, n = 0;
	struct sockets sockets;

	make_sockets(&sockets);
	CHECK(WSARecv(sockets.receiver, &buffer, 1, NULL, &flags, &overlapped,
		      NULL) && WSAGetLastError() == WSA_IO_PENDING,
	      "the receive is not pending");
	EXPECT_ERROR(0, reset_error(base, ALL));
	send_text(&sockets, "data");
	wait_for_event(overlapped.hEvent);
	CHECK(WSAGetOverlappedResult(sockets.receiver, &overlapped, &n, TRUE,
				     &flags) && n == 4, "%lu bytes, error %d",
	      n, WSAGetLastError());
	CHECK(!memcmp(base, "data", 4), "other data arrived");
	EXPECT_WRITTEN("0", base, N_PAGES);
}

static void receive_issued(void)
{
	char *base = watch(N_PAGES);
	OVERLAPPED overlapped = make_overlapped();
	WSABUF buffer = { ALL, base };
	struct sockets sockets;
	DWORD flags = 0;

	make_sockets(&sockets);
	CHECK(WSARecv(sockets.receiver, &buffer, 1, NULL, &flags, &overlapped,
		      NULL) && WSAGetLastError() == WSA_IO_PENDING,
	      "the receive is not pending");
	EXPECT_AND_RESET(EVERY_PAGE, base, N_PAGES);
	send_text(&sockets, "data");
	wait_for_event(overlapped.hEvent);
}

static void send_watched(void)
{
	char *base = watch(N_PAGES);
	struct sockets sockets;

	make_sockets(&sockets);
	touch_all(base, "0 3");
	EXPECT_AND_RESET("0 3", base, N_PAGES);
	CHECK(send(sockets.sender, base, ALL, 0) == (int)ALL, "send: error %d",
	      WSAGetLastError());
	EXPECT_WRITTEN("", base, N_PAGES);
}

#endif

const struct row io_rows[] = {
	{ "io-read-file", "WT", WINDOWS_ONLY(read_file), 0, 0,
	  "a file that is read at once writes all of the buffer" },
	{ "io-read-at-end", "WT", WINDOWS_ONLY(read_at_end), 0, 0,
	  "a read at the end of a file writes all of the buffer" },
	{ "io-read-bad-handle", "WT", WINDOWS_ONLY(read_bad_handle), 0, 0,
	  "a read from a bad handle writes nothing" },
	{ "io-read-into-part", "MS", WINDOWS_ONLY(read_into_part), 0, 0,
	  "a read writes no page beside its buffer" },
	{ "io-read-file-overlapped", "MS", WINDOWS_ONLY(read_file_overlapped),
	  0, 0, "an overlapped file read writes at least what it has read" },
	{ "io-read-pipe-pending", "WT", WINDOWS_ONLY(read_pipe_pending), 0, 0,
	  "a pending read writes all of its buffer, its end only what came" },
	{ "io-read-pipe-at-once", "MS", WINDOWS_ONLY(read_pipe_at_once), 0, 0,
	  "a read of data that is there writes at least that" },
	{ "io-read-pipe-cancelled", "INF", WINDOWS_ONLY(read_pipe_cancelled), 0,
	  ROW_NOT_PINNED, "a cancelled read writes nothing when it ends" },
	{ "io-read-and-call-back", "WT", WINDOWS_ONLY(read_and_call_back), 0, 0,
	  "a read that ends with a call back is as any other" },
	{ "io-overlapped-inside", "WT", WINDOWS_ONLY(overlapped_inside), 0, 0,
	  "the OVERLAPPED is written when a read starts and when it ends" },
	{ "io-completion-port", "MS", WINDOWS_ONLY(completion_port), 0, 0,
	  "what GetQueuedCompletionStatus stores is written" },
	{ "io-completion-entries", "MS", WINDOWS_ONLY(completion_entries), 0, 0,
	  "what GetQueuedCompletionStatusEx stores is written" },
	{ "io-peek-pipe", "MS", WINDOWS_ONLY(peek_pipe), 0, 0,
	  "what PeekNamedPipe stores is written" },
	{ "io-count-inside", "MS", WINDOWS_ONLY(count_inside), 0, 0,
	  "the number of bytes that a transfer stores is written" },
	{ "io-write-file", "MS", WINDOWS_ONLY(write_file), 0, 0,
	  "writing to a file leaves its source clean" },
	{ "io-receive", "INF", WINDOWS_ONLY(receive), 0, ROW_NOT_PINNED,
	  "what a blocking receive has stored is reported (not by Windows)" },
	{ "io-receive-issued", "INF", WINDOWS_ONLY(receive_issued), 0,
	  ROW_NOT_PINNED, "a pending receive writes all of its buffer" },
	{ "io-receive-overlapped", "INF", WINDOWS_ONLY(receive_overlapped), 0,
	  ROW_NOT_PINNED,
	  "what a pending receive has stored is reported (not by Windows)" },
	{ "io-send", "MS", WINDOWS_ONLY(send_watched), 0, 0,
	  "sending leaves its source clean" },
	{ 0 },
};

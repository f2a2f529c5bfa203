/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that store into watched memory, or fail to. */
#include "pages.h"
#include "rows.h"

#ifdef _WIN32

#include <stdio.h>
#include <string.h>
#include <winternl.h>

#define N_PAGES		16
#define ALL		(N_PAGES * PAGE_BYTES)

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

/* More of these answers. */
static void server_answers(void)
{
	char *base = watch(N_PAGES);
	DWORD n = PAGE_BYTES;
	HANDLE token;
	LONG error;
	HKEY key;

	if (RegCreateKeyExA(HKEY_CURRENT_USER, "Software\\writewatch", 0, NULL,
			    REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &key,
			    NULL) ||
	    RegSetValueExA(key, "value", 0, REG_BINARY, (BYTE *)"data", 4))
		give_up("no key to query");
	error = RegQueryValueExA(key, "value", NULL, NULL,
				 (BYTE *)base + PAGE_BYTES, &n);
	CHECK(!error && n == 4, "RegQueryValueEx: error %ld, %lu bytes", error,
	      n);
	RegDeleteKeyA(HKEY_CURRENT_USER, "Software\\writewatch");
	EXPECT_AND_RESET("1", base, N_PAGES);
	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		give_up("OpenProcessToken: error %lu", GetLastError());
	CHECK(GetTokenInformation(token, TokenUser, base + 2 * PAGE_BYTES,
				  PAGE_BYTES, &n),
	      "GetTokenInformation: error %lu", GetLastError());
	EXPECT_AND_RESET("2", base, N_PAGES);
}

/* Answers that the system puts together itself. */
static void system_answers(void)
{
	MEMORY_BASIC_INFORMATION *info;
	BY_HANDLE_FILE_INFORMATION *file;
	char *base = watch(N_PAGES), path[MAX_PATH];
	FILETIME *time = (FILETIME *)(base + 3 * PAGE_BYTES);
	HANDLE program;

	info = (MEMORY_BASIC_INFORMATION *)(base + PAGE_BYTES);
	CHECK(VirtualQuery(base, info, sizeof(*info)) == sizeof(*info),
	      "VirtualQuery: error %lu", GetLastError());
	EXPECT_AND_RESET("1", base, N_PAGES);
	GetModuleFileNameA(NULL, path, sizeof(path));
	program = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL,
			      OPEN_EXISTING, 0, NULL);
	file = (BY_HANDLE_FILE_INFORMATION *)(base + 2 * PAGE_BYTES);
	CHECK(GetFileInformationByHandle(program, file) && file->nFileSizeLow,
	      "GetFileInformationByHandle: error %lu", GetLastError());
	EXPECT_AND_RESET("2", base, N_PAGES);
	GetSystemTimeAsFileTime(time);
	CHECK(GetFileTime(program, NULL, NULL, time + 1),
	      "GetFileTime: error %lu", GetLastError());
	EXPECT_AND_RESET("3", base, N_PAGES);
	CloseHandle(program);
	CHECK(GetProcessTimes(GetCurrentProcess(), time, time + 1, time + 2,
			      time + 3), "GetProcessTimes: error %lu",
	      GetLastError());
	EXPECT_AND_RESET("3", base, N_PAGES);
}

#endif

const struct row input_rows[] = {
	{ "input-write-process-memory", "L", WINDOWS_ONLY(write_process_memory),
	  0, 0, "WriteProcessMemory is a write" },
	{ "input-read-process-memory", "INF", WINDOWS_ONLY(read_process_memory),
	  0, 0, "ReadProcessMemory writes its destination" },
	{ "input-read-process-memory-fails", "W8",
	  WINDOWS_ONLY(read_process_memory_fails), 0, 0,
	  "a failing ReadProcessMemory writes nothing" },
	{ "input-query-object", "L", WINDOWS_ONLY(query_object), 0, 0,
	  "a service that fills a clean watched page works and is a write" },
	{ "input-server-answers", "L", WINDOWS_ONLY(server_answers), 0, 0,
	  "answers about keys and tokens come into clean watched pages" },
	{ "input-system-answers", "MS", WINDOWS_ONLY(system_answers), 0, 0,
	  "answers about memory, files and times come into clean pages" },
	{ 0 },
};

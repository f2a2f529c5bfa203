/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * starter-windows SHELL SCRIPT: watches memory under Wine, has it run a script of
 * the system by fork and exec, and ends when the script has removed itself. There
 * is no handle to wait for.
 */
#include <stdio.h>
#include <windows.h>

#define BYTES (64 * 4096)

static int watch(void)
{
	static PVOID pages[64];
	char *memory = VirtualAlloc(NULL, BYTES, MEM_RESERVE | MEM_COMMIT |
				    MEM_WRITE_WATCH, PAGE_READWRITE);
	ULONG_PTR count = 64;
	DWORD granularity;

	if (!memory)
		return 1;
	memory[5000] = 1;
	return GetWriteWatch(WRITE_WATCH_FLAG_RESET, memory, BYTES, pages, &count,
			     &granularity) || count != 1;
}

int main(int argc, char **argv)
{
	PROCESS_INFORMATION process;
	STARTUPINFOA startup = { .cb = sizeof(startup) };
	char command[1024], script[512];

	if (argc < 3 || watch())
		return 1;
	snprintf(command, sizeof(command), "%s %s", argv[1], argv[2]);
	snprintf(script, sizeof(script), "Z:%s", argv[2]);
	if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL,
			    &startup, &process))
		return 2;
	for (int i = 0; i < 300; i++) {
		if (GetFileAttributesA(script) == INVALID_FILE_ATTRIBUTES) {
			printf("ended\n");
			return 0;
		}
		Sleep(100);
	}
	return 3;
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite: an ordinary Windows program, and a native one of what can do
# without Windows.
win32_shared_sources = \
	tests/win32/allocation.c \
	tests/win32/arrays.c \
	tests/win32/harness.c \
	tests/win32/pages.c \
	tests/win32/results.c \
	tests/win32/state.c \
	tests/win32/stress.c \
	tests/win32/try_write.c \
	tests/win32/validation.c \
	tests/win32/writewatch.c
win32_windows_sources = \
	tests/win32/foreign.c \
	tests/win32/guard.c \
	tests/win32/input.c \
	tests/win32/race.c \
	tests/win32/threads.c \
	tests/win32/windows.c
win32_native_sources = \
	tests/win32/needs_windows.c \
	tests/win32/posix.c
win32_includes = \
	tests/win32/harness.h \
	tests/win32/pages.h \
	tests/win32/rows.h \
	tests/win32/system.h
win32_sources = $(win32_shared_sources) $(win32_windows_sources)

EXTRA_DIST += $(win32_windows_sources)

if WITH_MINGW
windows_programs += tests/win32/x86_64-windows/writewatch.exe
endif

win32_objects = $(win32_sources:tests/win32/%.c=tests/win32/x86_64-windows/%.o)

$(win32_objects): tests/win32/x86_64-windows/%.o: tests/win32/%.c \
		$(win32_includes)
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(WW_FLAGS) -O2 -c -o $@ $<

tests/win32/x86_64-windows/writewatch.exe: $(win32_objects)
	$(AM_V_CCLD)$(x86_64_CC) -static -o $@ $(win32_objects) -lntdll

CLEANFILES += $(win32_objects)

if WITH_DLLS
check_PROGRAMS += tests/win32/native-writewatch
TESTS += tests/win32/native.sh
endif
tests_win32_native_writewatch_SOURCES = $(win32_shared_sources) \
	$(win32_native_sources) $(win32_includes)
tests_win32_native_writewatch_CFLAGS = $(AM_CFLAGS) -pthread
tests_win32_native_writewatch_LDADD = libwritewatch-win32.la
dist_check_SCRIPTS += tests/win32/native.sh

# SPDX-License-Identifier: LGPL-2.1-or-later
# The Win32 suite: an ordinary Windows program, and a native one, in which rows
# are skipped that need more of Windows.
win32_shared_sources = \
	tests/win32/allocation.c \
	tests/win32/antidebug.c \
	tests/win32/arrays.c \
	tests/win32/clients.c \
	tests/win32/faults.c \
	tests/win32/foreign.c \
	tests/win32/guard.c \
	tests/win32/handles.c \
	tests/win32/harness.c \
	tests/win32/input.c \
	tests/win32/io.c \
	tests/win32/model.c \
	tests/win32/pages.c \
	tests/win32/placeholders.c \
	tests/win32/race.c \
	tests/win32/results.c \
	tests/win32/shared.c \
	tests/win32/state.c \
	tests/win32/stress.c \
	tests/win32/stress_children.c \
	tests/win32/stress_crowd.c \
	tests/win32/stress_regions.c \
	tests/win32/threads.c \
	tests/win32/try_write.c \
	tests/win32/validation.c \
	tests/win32/writewatch.c
win32_windows_sources = tests/win32/windows.c
win32_native_sources = \
	tests/win32/inject.c \
	tests/win32/posix.c
win32_includes = \
	tests/win32/foreign.h \
	tests/win32/harness.h \
	tests/win32/inject.h \
	tests/win32/model.h \
	tests/win32/pages.h \
	tests/win32/rows.h \
	tests/win32/system.h
win32_libraries = -lws2_32 -lntdll
win32_sources = $(win32_shared_sources) $(win32_windows_sources)

EXTRA_DIST += $(win32_windows_sources)

if WITH_MINGW
windows_programs += tests/win32/x86_64-windows/writewatch.exe
endif
if WITH_MINGW32
windows_programs += tests/win32/i386-windows/writewatch.exe
endif

win32_x86_64 = $(win32_sources:tests/win32/%.c=tests/win32/x86_64-windows/%.o)
win32_i386 = $(win32_sources:tests/win32/%.c=tests/win32/i386-windows/%.o)

$(win32_x86_64): tests/win32/x86_64-windows/%.o: tests/win32/%.c \
		$(win32_includes)
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(WW_FLAGS) -O2 -c -o $@ $<

$(win32_i386): tests/win32/i386-windows/%.o: tests/win32/%.c \
		$(win32_includes)
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(i386_CC) $(WW_FLAGS) -O2 -c -o $@ $<

tests/win32/x86_64-windows/writewatch.exe: $(win32_x86_64)
	$(AM_V_CCLD)$(x86_64_CC) -static -o $@ $(win32_x86_64) $(win32_libraries)

tests/win32/i386-windows/writewatch.exe: $(win32_i386)
	$(AM_V_CCLD)$(i386_CC) -static -o $@ $(win32_i386) $(win32_libraries)

CLEANFILES += $(win32_x86_64) $(win32_i386)

if WITH_DLLS
conform_PROGRAMS = tests/win32/native-writewatch
TESTS += tests/win32/native.sh
endif
tests_win32_native_writewatch_SOURCES = $(win32_shared_sources) \
	$(win32_native_sources) $(win32_includes)
tests_win32_native_writewatch_CFLAGS = $(AM_CFLAGS) -pthread
tests_win32_native_writewatch_LDADD = libwritewatch-win32.la
# Installed, it is two folders below the library.
tests_win32_native_writewatch_LDFLAGS = -Wl,-rpath,'$$ORIGIN/../..'
dist_check_SCRIPTS += tests/win32/native.sh

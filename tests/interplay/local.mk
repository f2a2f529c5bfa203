# SPDX-License-Identifier: LGPL-2.1-or-later
# Programs and tools that do what the library does, look into it, or undo it; and
# what it may do to a program.
interplay_programs = \
	tests/interplay/privileged \
	tests/interplay/starter \
	tests/interplay/watcher

interplay_tests = \
	tests/interplay/closed \
	tests/interplay/hostile

interplay_scripts = \
	tests/interplay/descriptors.sh \
	tests/interplay/preload.sh \
	tests/interplay/tools.sh

interplay_wine_scripts = \
	tests/interplay/log.sh \
	tests/interplay/privileged.sh \
	tests/interplay/wine.sh

check_PROGRAMS += $(interplay_programs) $(interplay_tests)
dist_check_SCRIPTS += $(interplay_scripts) $(interplay_wine_scripts)
TESTS += $(interplay_tests) $(interplay_scripts)
if WITH_DLLS
TESTS += $(interplay_wine_scripts)
endif

tests_interplay_closed_SOURCES = tests/interplay/closed.c \
	tests/kernel/tap.c tests/kernel/tap.h
tests_interplay_closed_LDADD = libwritewatch.la
tests_interplay_hostile_SOURCES = tests/interplay/hostile.c \
	tests/kernel/tap.c tests/kernel/tap.h
tests_interplay_hostile_CFLAGS = $(AM_CFLAGS) -pthread
tests_interplay_hostile_LDADD = libwwkernel.la
# One file: it is copied to where its library is not.
tests_interplay_privileged_SOURCES = tests/interplay/privileged.c
tests_interplay_privileged_CFLAGS = $(AM_CFLAGS) -pthread
tests_interplay_privileged_LDADD = libwwkernel.la
tests_interplay_starter_SOURCES = tests/interplay/starter.c
tests_interplay_starter_LDADD = libwritewatch.la
# No script around it, which debuggers and preloads would meet first.
tests_interplay_watcher_SOURCES = tests/interplay/watcher.c
tests_interplay_watcher_LDFLAGS = -no-install
tests_interplay_watcher_LDADD = libwritewatch.la

if WITH_SECCOMP
check_PROGRAMS += tests/interplay/syscalls
TESTS += tests/interplay/syscalls
endif
tests_interplay_syscalls_SOURCES = tests/interplay/syscalls.c \
	tests/kernel/tap.c tests/kernel/tap.h
tests_interplay_syscalls_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
tests_interplay_syscalls_LDADD = libwritewatch.la $(SECCOMP_LIBS)
if WITH_DLLS
tests_interplay_syscalls_CPPFLAGS += -DWITH_WIN32
tests_interplay_syscalls_LDADD += libwritewatch-win32.la
endif

# A library that somebody else preloads.
check_LTLIBRARIES += tests/interplay/liboverlay.la
tests_interplay_liboverlay_la_SOURCES = tests/interplay/overlay.c
tests_interplay_liboverlay_la_LDFLAGS = -module -avoid-version -rpath /nowhere

if WITH_MINGW
windows_programs += tests/interplay/x86_64-windows/starter-windows.exe
endif
EXTRA_DIST += tests/interplay/starter-windows.c

tests/interplay/x86_64-windows/%.exe: tests/interplay/%.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(WW_FLAGS) -O2 -static -o $@ $<

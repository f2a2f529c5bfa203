# SPDX-License-Identifier: LGPL-2.1-or-later
# Programs that show what write watches are for, and how one asks. Those with the
# Win32 calls are built for Windows, too.
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	examples/cards.c \
	examples/checkpoint.c \
	examples/pageguard.c \
	examples/rollback.c

if WITH_MINGW
windows_programs += \
	examples/x86_64-windows/pageguard.exe \
	examples/x86_64-windows/rollback.exe
endif

examples/x86_64-windows/%.exe: examples/%.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(WW_FLAGS) -O2 -static -o $@ $<

if WITH_DLLS
noinst_PROGRAMS += examples/rollback
endif
examples_rollback_SOURCES = examples/rollback.c
examples_rollback_LDADD = libwritewatch-win32.la

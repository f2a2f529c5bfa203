# SPDX-License-Identifier: LGPL-2.1-or-later
include_HEADERS += include/writewatch.h

noinst_LTLIBRARIES += libwwkernel.la
libwwkernel_la_SOURCES = \
	include/private/environment.h \
	include/private/foreign.h \
	include/private/regions.h \
	include/private/stats.h \
	include/private/tracker.h \
	kernel/abi.h \
	kernel/api.c \
	kernel/backends.c \
	kernel/batch.c \
	kernel/batch.h \
	kernel/foreign.c \
	kernel/foreign_find.c \
	kernel/foreign_find.h \
	kernel/foreign_look.c \
	kernel/hugezero.c \
	kernel/hugezero.h \
	kernel/known.c \
	kernel/known.h \
	kernel/linux.c \
	kernel/merge.c \
	kernel/merge.h \
	kernel/mprotect.c \
	kernel/mprotect.h \
	kernel/probe.c \
	kernel/query.c \
	kernel/regions.c \
	kernel/registry.h \
	kernel/share.c \
	kernel/share.h \
	kernel/slots.c \
	kernel/slots.h \
	kernel/softdirty.c \
	kernel/spans.c \
	kernel/spans.h \
	kernel/stats.c \
	kernel/uffd.c \
	kernel/uffd.h
libwwkernel_la_CFLAGS = $(AM_CFLAGS) -pthread

lib_LTLIBRARIES += libwritewatch.la
libwritewatch_la_SOURCES =
libwritewatch_la_LIBADD = libwwkernel.la libwwpagemap.la
libwritewatch_la_LDFLAGS = -version-info 0:0:0 -no-undefined -pthread \
	-Wl,--version-script=$(srcdir)/kernel/libwritewatch.map
libwritewatch_la_DEPENDENCIES = libwwkernel.la libwwpagemap.la \
	kernel/libwritewatch.map
EXTRA_DIST += kernel/libwritewatch.map

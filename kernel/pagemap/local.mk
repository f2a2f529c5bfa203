# SPDX-License-Identifier: LGPL-2.1-or-later
# PAGEMAP_SCAN in user space; the model is for tests and tools alone.
pagemapdir = $(includedir)/writewatch
pagemap_HEADERS = include/writewatch/pagemap.h

noinst_LTLIBRARIES += libwwpagemap.la libwwmodel.la
libwwpagemap_la_SOURCES = \
	include/private/pagemap_scan.h \
	kernel/pagemap/abi.h \
	kernel/pagemap/decode.c \
	kernel/pagemap/dirt.c \
	kernel/pagemap/dirt.h \
	kernel/pagemap/emit.c \
	kernel/pagemap/emit.h \
	kernel/pagemap/engine.c \
	kernel/pagemap/mappings.c \
	kernel/pagemap/mappings.h \
	kernel/pagemap/proc.c \
	kernel/pagemap/proc.h \
	kernel/pagemap/revision.h \
	kernel/pagemap/revisions.c \
	kernel/pagemap/scan.c \
	kernel/pagemap/user.c \
	kernel/pagemap/user.h
libwwpagemap_la_CFLAGS = $(AM_CFLAGS) -pthread
libwwmodel_la_SOURCES = kernel/pagemap/model.c kernel/pagemap/model.h
libwwmodel_la_LIBADD = libwwpagemap.la

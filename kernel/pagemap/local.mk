# SPDX-License-Identifier: LGPL-2.1-or-later
# PAGEMAP_SCAN in user space.
noinst_LTLIBRARIES += libwwpagemap.la
libwwpagemap_la_SOURCES = \
	include/private/pagemap_scan.h \
	kernel/pagemap/abi.h \
	kernel/pagemap/decode.c \
	kernel/pagemap/emit.c \
	kernel/pagemap/emit.h \
	kernel/pagemap/engine.c \
	kernel/pagemap/model.c \
	kernel/pagemap/model.h \
	kernel/pagemap/revision.h \
	kernel/pagemap/revisions.c \
	kernel/pagemap/user.c \
	kernel/pagemap/user.h

# SPDX-License-Identifier: LGPL-2.1-or-later
# What others need to build with the libraries.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = packaging/writewatch.pc

if WITH_DLLS
pkgconfig_DATA += packaging/writewatch-win32.pc
endif

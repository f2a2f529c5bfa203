# SPDX-License-Identifier: LGPL-2.1-or-later
# What others need to build with the libraries, what shells know of the command,
# and what packagers need.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = packaging/writewatch.pc

if WITH_DLLS
pkgconfig_DATA += packaging/writewatch-win32.pc
endif

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
completions = packaging/completion/winewatch packaging/completion/_winewatch
if WITH_TOOL
bashcompletion_DATA = packaging/completion/winewatch
zshcompletion_DATA = packaging/completion/_winewatch
endif
# Each shell finds the file by its name alone.
packaging/completion/winewatch: packaging/completion/winewatch.bash
packaging/completion/_winewatch: packaging/completion/winewatch.zsh
$(completions):
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cp $< $@
CLEANFILES += $(completions)

EXTRA_DIST += \
	COPYING \
	NEWS \
	PACKAGERS \
	SECURITY.md \
	packaging/completion/winewatch.bash \
	packaging/completion/winewatch.zsh \
	debian/changelog \
	debian/control \
	debian/copyright \
	debian/libwritewatch-dev.install \
	debian/libwritewatch-win32-0.install \
	debian/libwritewatch-win32-0.symbols \
	debian/libwritewatch0.install \
	debian/libwritewatch0.symbols \
	debian/rules \
	debian/source/format \
	debian/tests/build \
	debian/tests/control \
	debian/tests/rollback \
	debian/winewatch.docs \
	debian/winewatch.install

# Windows programs for trying out an installation.
if WITH_MINGW
examples_DATA = \
	examples/x86_64-windows/pageguard.exe \
	examples/x86_64-windows/rollback.exe
endif

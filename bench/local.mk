# SPDX-License-Identifier: LGPL-2.1-or-later
# The cases of winewatch bench as a Windows program, where conform finds its own
# programs, too.
windows_bench_shared = \
	bench/bench.c \
	bench/mix.c \
	bench/pages.c \
	bench/pattern.c \
	bench/reservations.c \
	bench/threads.c \
	bench/touch.c
windows_bench_own = \
	bench/pe/bench.c \
	bench/pe/machine.c
windows_bench_headers = \
	bench/bench.h \
	bench/method.h \
	bench/pattern.h \
	tools/tool.h

EXTRA_DIST += $(windows_bench_own) bench/boehm.sh

if WITH_TOOL
if WITH_MINGW
windows_programs += bench/x86_64-windows/winewatch-bench.exe
conform_DATA += bench/x86_64-windows/winewatch-bench.exe
endif
endif

windows_bench_objects = \
	$(windows_bench_shared:bench/%.c=bench/x86_64-windows/%.o) \
	$(windows_bench_own:bench/pe/%.c=bench/x86_64-windows/pe-%.o)

# The compiler takes mingw's own printf for the one without %z; the shared files
# are checked where they are built for Linux.
windows_bench_flags = $(WW_FLAGS) -O2 -Wno-format -D_GNU_SOURCE \
	-D__USE_MINGW_ANSI_STDIO=1 -I.

bench/x86_64-windows/%.o: bench/%.c $(windows_bench_headers)
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(windows_bench_flags) -c -o $@ $<

bench/x86_64-windows/pe-%.o: bench/pe/%.c $(windows_bench_headers)
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(x86_64_CC) $(windows_bench_flags) -c -o $@ $<

bench/x86_64-windows/winewatch-bench.exe: $(windows_bench_objects)
	$(AM_V_CCLD)$(x86_64_CC) -static -o $@ $(windows_bench_objects) -lpthread

CLEANFILES += $(windows_bench_objects)

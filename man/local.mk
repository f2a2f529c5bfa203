# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_TOOL
dist_man_MANS += man/winewatch.1
endif
EXTRA_DIST += man/winewatch.1

if WITH_DLLS
dist_man_MANS += man/writewatch-win32.7
endif
EXTRA_DIST += man/writewatch-win32.7

dist_man_MANS += \
	man/writewatch.7 \
	man/ww_backend.3 \
	man/ww_backend_name.3 \
	man/ww_close.3 \
	man/ww_get.3 \
	man/ww_get_runs.3 \
	man/ww_mark.3 \
	man/ww_open.3 \
	man/ww_pagemap_close.3 \
	man/ww_pagemap_open.3 \
	man/ww_pagemap_scan.3 \
	man/ww_pagemap_source.3 \
	man/ww_probe.3 \
	man/ww_reset.3 \
	man/ww_unwatch.3 \
	man/ww_version.3 \
	man/ww_watch.3

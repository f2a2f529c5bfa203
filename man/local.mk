# SPDX-License-Identifier: LGPL-2.1-or-later
if WITH_TOOL
dist_man_MANS += man/winewatch.1
endif
EXTRA_DIST += man/winewatch.1

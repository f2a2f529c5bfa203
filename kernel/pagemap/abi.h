/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The structures, bits and requests of every revision, each under a name of its
 * own: two revisions of one name cannot be included together.
 */
#ifndef WW_PAGEMAP_ABI_H
#define WW_PAGEMAP_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

/* v6 to v18: start in bytes, n_pages in pages. Mainline: both in bytes, the
 * second the exclusive end. */
struct ww_pm_region {
	uint64_t start;
	uint64_t n_pages_or_end;
	uint64_t bits;
};

/* v6 and v10 */
struct ww_pm_arg_v6 {
	uint64_t start;
	uint64_t n_bytes;
	uint64_t vec;
	uint64_t vec_len;
	uint32_t max_pages;
	uint32_t flags;
	uint64_t required;
	uint64_t anyof;
	uint64_t excluded;
	uint64_t returned;
};

/* v16 and v18 */
struct ww_pm_arg_v16 {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t n_bytes;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t required;
	uint64_t anyof;
	uint64_t excluded;
	uint64_t returned;
};

struct ww_pm_arg_mainline {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t inverted;
	uint64_t required;
	uint64_t anyof;
	uint64_t returned;
};

#define WW_PM_SCAN_V6 _IOWR('f', 16, struct ww_pm_arg_v6)
#define WW_PM_SCAN_V16 _IOWR('f', 16, struct ww_pm_arg_v16)
#define WW_PM_SCAN_MAINLINE _IOWR('f', 16, struct ww_pm_arg_mainline)

/* v6 has soft-dirty where v10 to v18 have written; the others stayed. */
#define WW_PM_V6_SOFT_DIRTY UINT64_C(1)
#define WW_PM_V10_WRITTEN UINT64_C(1)
#define WW_PM_V6_FILE UINT64_C(2)
#define WW_PM_V6_PRESENT UINT64_C(4)
#define WW_PM_V6_SWAPPED UINT64_C(8)
#define WW_PM_V6_ALL UINT64_C(15)

#define WW_PM_WPALLOWED UINT64_C(1)
#define WW_PM_WRITTEN UINT64_C(2)
#define WW_PM_FILE UINT64_C(4)
#define WW_PM_PRESENT UINT64_C(8)
#define WW_PM_SWAPPED UINT64_C(16)
#define WW_PM_PFNZERO UINT64_C(32)
#define WW_PM_HUGE UINT64_C(64)
#define WW_PM_SOFT_DIRTY UINT64_C(128)
#define WW_PM_GUARD UINT64_C(256)

#define WW_PM_V6_CLEAR UINT64_C(1)
#define WW_PM_V6_NO_REUSED UINT64_C(2)
#define WW_PM_V10_WP_ENGAGE UINT64_C(1)
#define WW_PM_V16_GET UINT64_C(1)
#define WW_PM_V16_WP UINT64_C(2)
#define WW_PM_WP_MATCHING UINT64_C(1)
#define WW_PM_CHECK_WPASYNC UINT64_C(2)

#endif

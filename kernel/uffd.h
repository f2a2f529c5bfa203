/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of opening the uffd backend, one by one, so that the backend and
 * the feature probe ask the kernel the same questions.
 */
#ifndef WW_UFFD_H
#define WW_UFFD_H

#include "tracker.h"

/* A userfaultfd, or -errno. */
int ww_uffd_create(const struct ww_kernel_ops *ops);

/* Agrees on asynchronous write-protection of any page. A kernel may answer
 * with success and fewer features than were asked for: -EOPNOTSUPP then. */
int ww_uffd_handshake(const struct ww_kernel_ops *ops, int uffd);

/* Whether the ioctl answers at all: a scan of nothing. -ENOTTY where it is not
 * known. */
int ww_pagemap_scan_known(const struct ww_kernel_ops *ops, int pagemap);

/* Whether a register's answer allows write-protection. The answer holds bit
 * numbers, not ioctl numbers. */
int ww_uffd_can_protect(uint64_t ioctls);

#endif

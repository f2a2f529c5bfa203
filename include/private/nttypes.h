/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Windows types, from Wine's headers. */
#ifndef WW_NTTYPES_H
#define WW_NTTYPES_H

#include <stdarg.h>

#include <ntstatus.h>
#define WIN32_NO_STATUS
#include <windef.h>
#include <winbase.h>
#include <winternl.h>

#endif

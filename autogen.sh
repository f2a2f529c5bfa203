#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes configure and what it needs from configure.ac and Makefile.am.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --warnings=no-obsolete,no-portability

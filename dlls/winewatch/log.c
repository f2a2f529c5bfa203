/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log. The environment is read each time: there are two lines in a life. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int level_wanted(void)
{
	const char *value = secure_getenv("WINEWATCH_LOG");

	if (!value || !*value || !strcmp(value, "0"))
		return 0;
	return strcmp(value, "debug") ? WW_LOG_INFO : WW_LOG_DEBUG;
}

static void write_line(const char *line, size_t n_bytes)
{
	const char *file = secure_getenv("WINEWATCH_LOG_FILE");
	int fd = STDERR_FILENO;

	if (file && *file)
		fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
			  O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	if (fd < 0)
		return;
	if (write(fd, line, n_bytes) < 0) {
		/* nobody to tell */
	}
	if (fd != STDERR_FILENO)
		close(fd);
}

void ww_log(enum ww_log_level level, const char *format, ...)
{
	int saved_errno = errno, prefix, n;
	char line[512];
	va_list args;

	if (level_wanted() < (int)level)
		return;
	prefix = snprintf(line, sizeof(line), "winewatch[%d]: ", (int)getpid());
	va_start(args, format);
	n = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, format, args);
	va_end(args);
	n = n < 0 ? prefix : prefix + n;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n] = '\n';
	write_line(line, (size_t)n + 1);
	errno = saved_errno;
}

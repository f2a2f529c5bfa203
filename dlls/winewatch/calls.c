/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Wine's own calls on watched memory, where a backend is forced.
 *
 * softdirty and mprotect have to hear of every change of access before it
 * happens, and ntdll.so makes more of them than services tell: for guard pages
 * in its signal handler, and for other processes. Under mprotect, a system call
 * fails that writes to armed memory, or stops early, in front of the first such
 * page; Wine takes that for the end of a file, for a lost datagram or for the
 * end of its server. So what is read goes into memory of ours first, and is
 * copied as a program would write it: the pages that it reaches, and no others,
 * are written (tests/wine/win32-mprotect.sh).
 */
#include "calls.h"

#include "memory.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

bool ww_calls_are_needed(void)
{
	const char *name = ww_backend_forced();

	return name && strcmp(name, ww_backend_uffd.name);
}

#ifdef __x86_64__

/* ---- What takes their place ---- */

static int call_mprotect(void *start, size_t n_bytes, int access)
{
	int ret;

	if (!ww_is_watched_range(start, n_bytes))
		return mprotect(start, n_bytes, access);
	ret = ww_regions_protect(ww_watching(), (uintptr_t)start, n_bytes, access);
	if (ret)
		errno = -ret;
	return ret ? -1 : 0;
}

/* Where to read to instead of into such memory; NULL: into it after all. */
static void *detour(const void *buffer, size_t n_bytes)
{
	return ww_is_withheld(buffer, n_bytes) ? ww_linux.map(n_bytes) : NULL;
}

static ssize_t deliver(void *buffer, void *from, size_t n_bytes, ssize_t n_read)
{
	int saved = errno;

	if (n_read > 0)
		memcpy(buffer, from, (size_t)n_read);
	ww_linux.unmap(from, n_bytes);
	errno = saved;
	return n_read;
}

static ssize_t call_read(int fd, void *buffer, size_t n_bytes)
{
	void *to = detour(buffer, n_bytes);

	if (!to)
		return read(fd, buffer, n_bytes);
	return deliver(buffer, to, n_bytes, read(fd, to, n_bytes));
}

static ssize_t call_pread(int fd, void *buffer, size_t n_bytes, off_t offset)
{
	void *to = detour(buffer, n_bytes);

	if (!to)
		return pread(fd, buffer, n_bytes, offset);
	return deliver(buffer, to, n_bytes, pread(fd, to, n_bytes, offset));
}

static size_t size_of(const struct msghdr *message)
{
	size_t n_bytes = 0;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		n_bytes += message->msg_iov[i].iov_len;
	return n_bytes;
}

static bool any_withheld(const struct msghdr *message)
{
	for (size_t i = 0; i < message->msg_iovlen; i++)
		if (ww_is_withheld(message->msg_iov[i].iov_base,
				   message->msg_iov[i].iov_len))
			return true;
	return false;
}

/* A datagram may be longer than what it was read into. */
static void scatter(const struct msghdr *message, const char *from,
		    size_t n_bytes)
{
	for (size_t i = 0; i < message->msg_iovlen && n_bytes; i++) {
		const struct iovec *piece = &message->msg_iov[i];
		size_t n = piece->iov_len < n_bytes ? piece->iov_len : n_bytes;

		memcpy(piece->iov_base, from, n);
		from += n;
		n_bytes -= n;
	}
}

static ssize_t call_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct iovec *pieces = message->msg_iov, whole = { NULL, 0 };
	size_t n_pieces = message->msg_iovlen;
	ssize_t n_read;
	int saved;

	if (any_withheld(message)) {
		whole.iov_len = size_of(message);
		whole.iov_base = ww_linux.map(whole.iov_len);
	}
	if (!whole.iov_base)
		return recvmsg(fd, message, flags);
	message->msg_iov = &whole;
	message->msg_iovlen = 1;
	n_read = recvmsg(fd, message, flags);
	saved = errno;
	message->msg_iov = pieces;
	message->msg_iovlen = n_pieces;
	if (n_read > 0)
		scatter(message, whole.iov_base, (size_t)n_read);
	ww_linux.unmap(whole.iov_base, whole.iov_len);
	errno = saved;
	return n_read;
}

static const struct {
	const char *name;
	void *replacement;
} calls[] = {
	{ "mprotect", call_mprotect },
	{ "read", call_read },
	{ "pread", call_pread },
	{ "recvmsg", call_recvmsg },
};

enum { N_CALLS = sizeof(calls) / sizeof(calls[0]) };

/* ---- Where they are called ---- */

/* What the dynamic section of a library says of the functions that it calls. */
struct imports {
	uintptr_t base;
	const ElfW(Rela) *relocation;
	size_t n_bytes;
	const ElfW(Sym) *symbol;
	const char *names;
};

/* All of them are pointers but the size. */
static void note(struct imports *imports, const ElfW(Dyn) *entry)
{
	switch (entry->d_tag) {
	case DT_JMPREL:
		imports->relocation = (const void *)entry->d_un.d_ptr;
		break;
	case DT_PLTRELSZ:
		imports->n_bytes = entry->d_un.d_val;
		break;
	case DT_SYMTAB:
		imports->symbol = (const void *)entry->d_un.d_ptr;
		break;
	case DT_STRTAB:
		imports->names = (const void *)entry->d_un.d_ptr;
		break;
	}
}

static bool imports_of(void *library, struct imports *imports)
{
	struct link_map *map;

	if (dlinfo(library, RTLD_DI_LINKMAP, &map))
		return false;
	*imports = (struct imports){ .base = map->l_addr };
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag; entry++)
		note(imports, entry);
	return imports->relocation && imports->symbol && imports->names;
}

/* The one word through which the library calls this function. */
static void **find_call(const struct imports *imports, const char *name)
{
	for (size_t i = 0; i < imports->n_bytes / sizeof(*imports->relocation);
	     i++) {
		const ElfW(Rela) *relocation = &imports->relocation[i];
		const ElfW(Sym) *symbol =
			&imports->symbol[ELF64_R_SYM(relocation->r_info)];

		if (!strcmp(imports->names + symbol->st_name, name))
			return (void **)(imports->base + relocation->r_offset);
	}
	return NULL;
}

bool ww_calls_replace(void *library, const struct ww_image *image)
{
	void **slots[N_CALLS], *replacements[N_CALLS];
	struct imports imports;

	if (!imports_of(library, &imports))
		return false;
	for (size_t i = 0; i < N_CALLS; i++) {
		slots[i] = find_call(&imports, calls[i].name);
		if (!slots[i])
			return false;
		replacements[i] = calls[i].replacement;
	}
	return !ww_replace_slots(image, slots, replacements, N_CALLS);
}

#else

/* A 32-bit side enters its signal handlers without the C library's segment. */
bool ww_calls_replace(void *library, const struct ww_image *image)
{
	(void)library;
	(void)image;
	return false;
}

#endif

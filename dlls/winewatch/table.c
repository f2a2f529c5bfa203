/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service table in the image of ntdll.so. */
#include "table.h"

#include "tracker.h"

#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

struct lookup {
	uintptr_t address;
	struct ww_image *image;
	bool found;
};

static void add_segment(struct ww_image *image, uintptr_t base,
			const ElfW(Phdr) *header)
{
	image->segments[image->n_segments++] = (struct ww_segment){
		.start = base + header->p_vaddr,
		.end = base + header->p_vaddr + header->p_filesz,
		.writable = header->p_flags & PF_W,
		.executable = header->p_flags & PF_X,
	};
}

static bool contains(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_LOAD && address >= start &&
		    address - start < header->p_memsz)
			return true;
	}
	return false;
}

static int look_at_library(struct dl_phdr_info *info, size_t n_bytes, void *data)
{
	struct lookup *lookup = data;

	(void)n_bytes;
	if (!contains(info, lookup->address))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type == PT_GNU_RELRO) {
			lookup->image->relro_start = info->dlpi_addr + header->p_vaddr;
			lookup->image->relro_end = lookup->image->relro_start +
						   header->p_memsz;
		}
		if (header->p_type != PT_LOAD)
			continue;
		if (lookup->image->n_segments == WW_IMAGE_SEGMENTS)
			return 1;
		add_segment(lookup->image, info->dlpi_addr, header);
	}
	lookup->found = true;
	return 1;
}

bool ww_image_of(const void *address, struct ww_image *image)
{
	struct lookup lookup = { (uintptr_t)address, image, false };

	memset(image, 0, sizeof(*image));
	dl_iterate_phdr(look_at_library, &lookup);
	return lookup.found;
}

static bool is_code(const struct ww_image *image, const void *pointer)
{
	uintptr_t address = (uintptr_t)pointer;

	for (size_t i = 0; i < image->n_segments; i++)
		if (image->segments[i].executable &&
		    address >= image->segments[i].start &&
		    address < image->segments[i].end)
			return true;
	return false;
}

struct hits {
	void **slot;
	size_t n;
	bool surrounded;
};

static void search_segment(const struct ww_image *image,
			   const struct ww_segment *segment,
			   const void *function, struct hits *hits)
{
	uintptr_t mask = sizeof(void *) - 1;
	void **first = (void **)((segment->start + mask) & ~mask);
	void **end = (void **)(segment->end & ~mask);

	for (void **word = first; word < end; word++) {
		if (*word != function)
			continue;
		hits->slot = word;
		hits->n++;
		hits->surrounded = word > first && word + 1 < end &&
				   is_code(image, word[-1]) &&
				   is_code(image, word[1]);
	}
}

void **ww_find_slot(const struct ww_image *image, const void *function)
{
	struct hits hits = { 0 };

	for (size_t i = 0; i < image->n_segments; i++)
		if (image->segments[i].writable)
			search_segment(image, &image->segments[i], function, &hits);
	return hits.n == 1 && hits.surrounded ? hits.slot : NULL;
}

bool ww_image_contains(const struct ww_image *image, const char *text)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		const struct ww_segment *segment = &image->segments[i];

		if (!segment->writable && !segment->executable &&
		    memmem((const void *)segment->start,
			   segment->end - segment->start, text, strlen(text)))
			return true;
	}
	return false;
}

/* Whether the dynamic loader has made this word's page read-only. It protects
 * whole pages: the last one only if the range reaches its end. */
static bool is_read_only(const struct ww_image *image, void *const *slot)
{
	uintptr_t mask = ww_page_size() - 1;

	return (uintptr_t)slot >= (image->relro_start & ~mask) &&
	       (uintptr_t)slot < (image->relro_end & ~mask);
}

static int protect_slot(void *const *slot, int protection)
{
	uintptr_t page = (uintptr_t)slot & ~(uintptr_t)(ww_page_size() - 1);

	return mprotect((void *)page, ww_page_size(), protection) ? -errno : 0;
}

int ww_replace_slots(const struct ww_image *image, void **const slots[],
		     void *const values[], size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		if (is_read_only(image, slots[i]))
			ret = protect_slot(slots[i], PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < n && !ret; i++)
		__atomic_store_n(slots[i], values[i], __ATOMIC_RELEASE);
	for (size_t i = 0; i < n; i++)
		if (is_read_only(image, slots[i]))
			protect_slot(slots[i], PROT_READ);
	return ret;
}

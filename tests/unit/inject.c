/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every call of the registry fails in every way, on the model kernel. */
#include "inject.h"

#include "fake.h"

static void begin(void)
{
	fake_reset();
	fake.huge_zero = true;
}

static void write_page(size_t page)
{
	if (!fake_write(page))
		inject_fail("page %zu cannot be written", page);
}

static bool registered(size_t page, size_t n_pages)
{
	for (size_t i = page; i < page + n_pages; i++)
		if (fake_registered(i))
			return true;
	return false;
}

static const char *wrong(void)
{
	if (fake.open_fds)
		return "a descriptor stays open";
	return fake.bad_calls ? "a call was misused" : "";
}

static const struct inject_machine machine = {
	.ops = &fake_ops,
	.backend = "uffd",
	.begin = begin,
	.at = fake_at,
	.map = fake_mmap,
	.unmap = fake_munmap,
	.protect = fake_protect,
	.write = write_page,
	.forked = fake_after_fork,
	.registered = registered,
	.wrong = wrong,
};

int main(void)
{
	return inject_main(&machine);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sorted ranges under a sequence count.
 *
 * They lie in parts of one page each, which a directory lists in order. So a
 * change moves a part and some of the directory, not all spans behind it: 30,000
 * commits in no order take 9 µs each, 3 of them in mprotect(2); with arrays in
 * one piece they took 58 µs (6.18). A table of few spans has no parts.
 *
 * Proof. The writer makes the count odd, changes spans, and makes it even
 * again; the release fence after the first step and the release store of the
 * last order its stores between the two. A reader takes the count (acquire),
 * reads what it wants, and takes the count again behind an acquire fence: if
 * both are the same even number, no store of any writer lies between, and what
 * it read belongs together. If not, it tries again. So a reader waits only
 * while a writer is between its two steps, and the writer runs with the
 * signals blocked by which a thread here can be suspended or killed.
 *
 * A reader may follow a directory that the writer has just replaced, or a part
 * that was emptied and serves others now. Both therefore stay mapped until
 * ww_spans_free. Every word that both sides touch is read and written atomically
 * (relaxed), so a torn search yields garbage that is thrown away, never a fault:
 * an index into a directory is bounded by the capacity that stands in it, one
 * into a part by the size that all of them have, and a part that is listed but
 * not seen yet is NULL and passed over.
 */
#include "spans.h"

#include <errno.h>
#include <sched.h>

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#define PART_BYTES 4096
#define PART_SPANS (PART_BYTES / sizeof(struct ww_span))

struct ww_spans_directory {
	size_t n_bytes;
	size_t capacity;
	struct ww_spans_directory *older;
	struct ww_spans_part parts[];
};

/* ---- Readers ---- */

static unsigned read_begin(const struct ww_spans *spans)
{
	unsigned sequence;

	while ((sequence = __atomic_load_n(&spans->sequence, __ATOMIC_ACQUIRE)) & 1)
		sched_yield();
	return sequence;
}

static bool read_valid(const struct ww_spans *spans, unsigned sequence)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return LOAD(spans->sequence) == sequence;
}

/* The index of the first span that ends above `address`. */
static size_t lower_bound(const struct ww_span *array, size_t n, uintptr_t address)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (LOAD(array[middle].end) > address)
			n = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The same among parts. */
static size_t lower_part(const struct ww_spans_part *parts, size_t n,
			 uintptr_t address)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (LOAD(parts[middle].end) > address)
			n = middle;
		else
			low = middle + 1;
	}
	return low;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The spans among which the first that ends above `address` is, if any does. */
static const struct ww_span *part_with(const struct ww_spans *spans,
				       uintptr_t address, size_t *n)
{
	const struct ww_spans_directory *directory =
		__atomic_load_n(&spans->directory, __ATOMIC_ACQUIRE);
	const struct ww_span *array;
	size_t n_parts, i;

	if (!directory) {
		*n = min_size(LOAD(spans->first.n), WW_SPANS_INLINE);
		return spans->few;
	}
	n_parts = min_size(LOAD(spans->n_parts), directory->capacity);
	i = lower_part(directory->parts, n_parts, address);
	array = i < n_parts ? LOAD(directory->parts[i].spans) : NULL;
	*n = array ? min_size(LOAD(directory->parts[i].n), PART_SPANS) : 0;
	return array;
}

bool ww_spans_find(const struct ww_spans *spans, uintptr_t address,
		   struct ww_span *found)
{
	unsigned sequence;
	bool any;

	do {
		const struct ww_span *array;
		size_t n, i;

		sequence = read_begin(spans);
		array = part_with(spans, address, &n);
		i = lower_bound(array, n, address);
		any = i < n;
		if (any) {
			found->start = LOAD(array[i].start);
			found->end = LOAD(array[i].end);
			found->value = LOAD(array[i].value);
			found->stamp = LOAD(array[i].stamp);
		}
	} while (!read_valid(spans, sequence));
	return any;
}

bool ww_spans_next(const struct ww_spans *spans, uintptr_t address,
		   uintptr_t end, struct ww_span *piece)
{
	if (address >= end || !ww_spans_find(spans, address, piece) ||
	    piece->start >= end)
		return false;
	if (piece->start < address)
		piece->start = address;
	if (piece->end > end)
		piece->end = end;
	return true;
}

bool ww_spans_next_gap(const struct ww_spans *spans, uintptr_t address,
		       uintptr_t end, struct ww_span *gap)
{
	struct ww_span span;

	while (address < end) {
		bool any = ww_spans_find(spans, address, &span);

		if (!any || span.start > address) {
			gap->start = address;
			gap->end = any && span.start < end ? span.start : end;
			return true;
		}
		address = span.end;
	}
	return false;
}

/* ---- Where the writer is ---- */

/* Behind all spans, `part` is the number of parts and `i` is 0. */
struct place {
	size_t part;
	size_t i;
};

static struct ww_spans_part *parts_of(const struct ww_spans *spans, size_t *n)
{
	*n = spans->directory ? spans->n_parts : 1;
	return spans->directory ? spans->directory->parts
				: (struct ww_spans_part *)&spans->first;
}

/* The place of the first span that ends above `address`. */
static struct place place_of(const struct ww_spans *spans, uintptr_t address)
{
	size_t n_parts;
	const struct ww_spans_part *parts = parts_of(spans, &n_parts);
	size_t p = lower_part(parts, n_parts, address);

	if (p == n_parts)
		return (struct place){ p, 0 };
	return (struct place){ p, lower_bound(parts[p].spans, parts[p].n, address) };
}

/* The span there; NULL behind all of them. */
static struct ww_span *span_at(const struct ww_spans *spans, struct place at)
{
	size_t n_parts;
	const struct ww_spans_part *parts = parts_of(spans, &n_parts);

	return at.part < n_parts ? &parts[at.part].spans[at.i] : NULL;
}

static struct place after(const struct ww_spans *spans, struct place at)
{
	size_t n_parts;
	const struct ww_spans_part *parts = parts_of(spans, &n_parts);

	if (++at.i == parts[at.part].n)
		at = (struct place){ at.part + 1, 0 };
	return at;
}

size_t ww_spans_count(const struct ww_spans *spans)
{
	return ww_spans_index(spans, UINTPTR_MAX);
}

size_t ww_spans_index(const struct ww_spans *spans, uintptr_t address)
{
	struct place at = place_of(spans, address);
	size_t n_parts, n = at.i;
	const struct ww_spans_part *parts = parts_of(spans, &n_parts);

	for (size_t p = 0; p < at.part; p++)
		n += parts[p].n;
	return n;
}

bool ww_spans_before(const struct ww_spans *spans, uintptr_t address,
		     struct ww_span *found)
{
	struct place at = place_of(spans, address);
	size_t n_parts;
	const struct ww_spans_part *parts = parts_of(spans, &n_parts);

	if (!at.i && at.part)
		at.i = parts[--at.part].n;
	if (at.i)
		*found = parts[at.part].spans[at.i - 1];
	return at.i;
}

void ww_spans_each(const struct ww_spans *spans, uintptr_t address,
		   void (*each)(const struct ww_span *span, void *data),
		   void *data)
{
	struct place at = place_of(spans, address);
	const struct ww_span *span;

	for (; (span = span_at(spans, at)); at = after(spans, at))
		each(span, data);
}

/* ---- Changes ---- */

static void write_begin(struct ww_spans *spans)
{
	STORE(spans->sequence, spans->sequence + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(struct ww_spans *spans)
{
	__atomic_store_n(&spans->sequence, spans->sequence + 1, __ATOMIC_RELEASE);
}

static void put(struct ww_span *to, const struct ww_span *span)
{
	STORE(to->start, span->start);
	STORE(to->end, span->end);
	STORE(to->value, span->value);
	STORE(to->stamp, span->stamp);
}

static void move(struct ww_span *array, size_t to, size_t from, size_t n)
{
	if (to < from)
		for (size_t i = 0; i < n; i++)
			put(&array[to + i], &array[from + i]);
	else
		for (size_t i = n; i-- > 0;)
			put(&array[to + i], &array[from + i]);
}

static void put_part(struct ww_spans_part *to, const struct ww_spans_part *part)
{
	STORE(to->end, part->end);
	STORE(to->n, part->n);
	STORE(to->spans, part->spans);
}

static void set_size(struct ww_spans_part *part, size_t n)
{
	STORE(part->n, n);
	STORE(part->end, n ? part->spans[n - 1].end : 0);
}

/* An empty one. */
static void drop_part(struct ww_spans *spans, size_t p)
{
	struct ww_spans_part *parts = spans->directory->parts;

	STORE(parts[p].spans->value, spans->unused);
	spans->unused = parts[p].spans;
	for (; p + 1 < spans->n_parts; p++)
		put_part(&parts[p], &parts[p + 1]);
	STORE(spans->n_parts, spans->n_parts - 1);
}

/* Takes out `n` spans from a place on. One part stays, if it is empty. */
static void erase(struct ww_spans *spans, struct place at, size_t n)
{
	while (n) {
		size_t n_parts, n_here;
		struct ww_spans_part *part = parts_of(spans, &n_parts) + at.part;

		n_here = min_size(n, part->n - at.i);
		n -= n_here;
		move(part->spans, at.i, at.i + n_here, part->n - at.i - n_here);
		set_size(part, part->n - n_here);
		if (!part->n && n_parts > 1)
			drop_part(spans, at.part);
		else
			at.part++;
		at.i = 0;
	}
}

/* Puts a span where there is one, or changes that. */
static void replace(struct ww_spans *spans, struct place at,
		    const struct ww_span *span)
{
	size_t n_parts;
	struct ww_spans_part *part = parts_of(spans, &n_parts) + at.part;

	put(&part->spans[at.i], span);
	set_size(part, part->n);
}

/* ---- Room ---- */

static struct ww_span *new_part(struct ww_spans *spans,
				const struct ww_kernel_ops *ops)
{
	struct ww_span *part = spans->unused;

	if (!part)
		return ops->map(PART_BYTES);
	spans->unused = part->value;
	return part;
}

/* A bigger directory, or the first. */
static int grow_directory(struct ww_spans *spans, const struct ww_kernel_ops *ops,
			  const struct ww_spans_part *parts, size_t n_parts)
{
	struct ww_spans_directory *old = spans->directory, *new;
	size_t n_bytes = old ? 2 * old->n_bytes : PART_BYTES;

	new = ops->map(n_bytes);
	if (!new)
		return -ENOMEM;
	new->n_bytes = n_bytes;
	new->capacity = (n_bytes - sizeof(*new)) / sizeof(new->parts[0]);
	new->older = old;
	for (size_t p = 0; p < n_parts; p++)
		new->parts[p] = parts[p];
	write_begin(spans);
	/* release: what it lists was stored before it is shown */
	__atomic_store_n(&spans->directory, new, __ATOMIC_RELEASE);
	STORE(spans->n_parts, n_parts);
	write_end(spans);
	return 0;
}

/* The first directory has all spans in one part. */
static int begin_directory(struct ww_spans *spans, const struct ww_kernel_ops *ops)
{
	struct ww_spans_part part = {
		spans->first.end, spans->first.n, ops->map(PART_BYTES),
	};

	if (!part.spans)
		return -ENOMEM;
	for (size_t i = 0; i < part.n; i++)
		part.spans[i] = spans->few[i];
	if (!grow_directory(spans, ops, &part, 1))
		return 0;
	ops->unmap(part.spans, PART_BYTES);
	return -ENOMEM;
}

/* Moves the spans from number `i` of a part on into a part of their own. */
static void split(struct ww_spans *spans, size_t p, size_t i, struct ww_span *new)
{
	struct ww_spans_part *parts = spans->directory->parts;
	struct ww_spans_part upper = {
		.end = parts[p].end, .n = parts[p].n - i, .spans = new,
	};

	write_begin(spans);
	for (size_t k = 0; k < upper.n; k++)
		put(&new[k], &parts[p].spans[i + k]);
	set_size(&parts[p], i);
	for (size_t k = spans->n_parts; k > p + 1; k--)
		put_part(&parts[k], &parts[k - 1]);
	put_part(&parts[p + 1], &upper);
	STORE(spans->n_parts, spans->n_parts + 1);
	write_end(spans);
}

/* Room for one more span in part number `p`, perhaps in another one then. */
static int make_room(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		     size_t p)
{
	struct ww_span *new;

	if (!spans->directory)
		return spans->first.n < WW_SPANS_INLINE ? 0
							: begin_directory(spans, ops);
	if (spans->directory->parts[p].n < PART_SPANS)
		return 0;
	if (spans->n_parts == spans->directory->capacity &&
	    grow_directory(spans, ops, spans->directory->parts, spans->n_parts))
		return -ENOMEM;
	new = new_part(spans, ops);
	if (!new)
		return -ENOMEM;
	split(spans, p, PART_SPANS / 2, new);
	return 0;
}

/* The place for a span that ends above all that end at `address` or below, with
 * room for it. */
static int open_place(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		      uintptr_t address, struct place *at)
{
	size_t n_parts;
	struct ww_spans_part *parts = parts_of(spans, &n_parts);
	size_t p = min_size(lower_part(parts, n_parts, address), n_parts - 1);

	if (make_room(spans, ops, p))
		return -ENOMEM;
	*at = place_of(spans, address);
	parts = parts_of(spans, &n_parts);
	if (at->part == n_parts)
		*at = (struct place){ n_parts - 1, parts[n_parts - 1].n };
	return 0;
}

static void insert_at(struct ww_spans *spans, struct place at,
		      const struct ww_span *span)
{
	size_t n_parts;
	struct ww_spans_part *part = parts_of(spans, &n_parts) + at.part;

	if (!spans->directory)
		part->spans = spans->few;
	move(part->spans, at.i + 1, at.i, part->n - at.i);
	put(&part->spans[at.i], span);
	set_size(part, part->n + 1);
}

int ww_spans_insert(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		    const struct ww_span *span)
{
	struct place at;

	if (open_place(spans, ops, span->start, &at))
		return -ENOMEM;
	write_begin(spans);
	insert_at(spans, at, span);
	write_end(spans);
	return 0;
}

int ww_spans_add(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		 uintptr_t start, uintptr_t end)
{
	struct ww_span merged = { .start = start, .end = end };
	/* a span that ends at our start touches us */
	struct place first = place_of(spans, start ? start - 1 : 0), at = first;
	const struct ww_span *span;
	size_t n;

	for (n = 0; (span = span_at(spans, at)) && span->start <= end; n++) {
		if (span->start < merged.start)
			merged.start = span->start;
		if (span->end > merged.end)
			merged.end = span->end;
		at = after(spans, at);
	}
	if (!n)
		return ww_spans_insert(spans, ops, &merged);
	write_begin(spans);
	replace(spans, first, &merged);
	if (n > 1)
		erase(spans, after(spans, first), n - 1);
	write_end(spans);
	return 0;
}

/* Takes a hole out of one span. */
static int cut(struct ww_spans *spans, const struct ww_kernel_ops *ops,
	       uintptr_t start, uintptr_t end)
{
	struct ww_span left, right;
	struct place at;

	if (open_place(spans, ops, start, &at))
		return -ENOMEM;
	left = right = *span_at(spans, at);
	left.end = start;
	right.start = end;
	write_begin(spans);
	replace(spans, at, &right);
	insert_at(spans, at, &left);
	write_end(spans);
	return 0;
}

int ww_spans_remove(struct ww_spans *spans, const struct ww_kernel_ops *ops,
		    uintptr_t start, uintptr_t end)
{
	struct place first = place_of(spans, start), at;
	const struct ww_span *span = span_at(spans, first);
	struct ww_span left, right;
	size_t n;

	if (!span || span->start >= end)
		return 0;
	if (span->start < start && span->end > end)
		return cut(spans, ops, start, end);
	write_begin(spans);
	if (span->start < start) {
		left = *span;
		left.end = start;
		replace(spans, first, &left);
		first = after(spans, first);
	}
	at = first;
	for (n = 0; (span = span_at(spans, at)) && span->end <= end; n++)
		at = after(spans, at);
	if (span && span->start < end) {
		right = *span;
		right.start = end;
		replace(spans, at, &right);
	}
	erase(spans, first, n);
	write_end(spans);
	return 0;
}

void ww_spans_free(struct ww_spans *spans, const struct ww_kernel_ops *ops)
{
	struct ww_spans_directory *directory = spans->directory, *older;
	struct ww_span *part, *next;

	for (size_t p = 0; p < spans->n_parts; p++)
		ops->unmap(directory->parts[p].spans, PART_BYTES);
	for (part = spans->unused; part; part = next) {
		next = part->value;
		ops->unmap(part, PART_BYTES);
	}
	for (; directory; directory = older) {
		older = directory->older;
		ops->unmap(directory, directory->n_bytes);
	}
	spans->directory = NULL;
	spans->n_parts = 0;
	spans->unused = NULL;
	set_size(&spans->first, 0);
}

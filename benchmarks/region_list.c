// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's way to keep a region map, for comparison: a doubly linked list of ranges, walked from its head.
 *
 * What it does is what mm/hugetlb.c does since 4.3 (region_chg, region_add, region_count, region_del), less locks, cgroups
 * and failing allocations. Answers are in pages. region_map.py compiles this file and calls it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct region {
	struct region *prev, *next;
	int64_t from, to;
};

/* The head is a region of the ring that represents nothing. */
struct region *list_new(void)
{
	struct region *head = malloc(sizeof(*head));

	head->prev = head->next = head;
	return head;
}

static void link_before(struct region *next, struct region *new, int64_t from, int64_t to)
{
	new->from = from;
	new->to = to;
	new->next = next;
	new->prev = next->prev;
	new->prev->next = new;
	next->prev = new;
}

static void insert_before(struct region *next, int64_t from, int64_t to)
{
	link_before(next, malloc(sizeof(struct region)), from, to);
}

static struct region *drop(struct region *old)
{
	struct region *next = old->next;

	old->prev->next = next;
	next->prev = old->prev;
	free(old);
	return next;
}

void list_free(struct region *head)
{
	while (head->next != head)
		drop(head->next);
	free(head);
}

/*
 * Fill an empty list with `n` regions, given as from, to, from, to, ... The node of the `order[i]`-th is the `i`-th to
 * get its memory: so the order in which nodes lie there is chosen.
 */
void list_fill(struct region *head, const int64_t *boundaries, const int64_t *order, int64_t n)
{
	struct region **nodes = malloc(n * sizeof(*nodes));

	for (int64_t i = 0; i < n; i++)
		nodes[order[i]] = malloc(sizeof(**nodes));
	for (int64_t i = 0; i < n; i++)
		link_before(head, nodes[i], boundaries[2 * i], boundaries[2 * i + 1]);
	free(nodes);
}

static int64_t overlap(const struct region *r, int64_t f, int64_t t)
{
	int64_t from = r->from > f ? r->from : f;
	int64_t to = r->to < t ? r->to : t;

	return to > from ? to - from : 0;
}

static int64_t region_count(struct region *head, int64_t f, int64_t t)
{
	int64_t pages = 0;

	for (struct region *r = head->next; r != head && r->from < t; r = r->next)
		pages += overlap(r, f, t);
	return pages;
}

static int64_t region_chg(struct region *head, int64_t f, int64_t t)
{
	return t - f - region_count(head, f, t);
}

/* Everything that [f, t) overlaps or touches becomes one region. */
static int64_t region_add(struct region *head, int64_t f, int64_t t)
{
	struct region *r = head->next;
	int64_t from = f, to = t, before = 0;

	while (r != head && r->to < f)
		r = r->next;
	while (r != head && r->from <= t) {
		before += overlap(r, f, t);
		from = r->from < from ? r->from : from;
		to = r->to > to ? r->to : to;
		r = drop(r);
	}
	insert_before(r, from, to);
	return t - f - before;
}

static int64_t region_del(struct region *head, int64_t f, int64_t t)
{
	struct region *r = head->next;
	int64_t pages = 0;

	while (r != head && r->to <= f)
		r = r->next;
	while (r != head && r->from < t) {
		pages += overlap(r, f, t);
		if (r->from < f && r->to > t)
			insert_before(r, r->from, f);
		if (r->to > t) {
			r->from = t;
			break;
		}
		if (r->from < f) {
			r->to = f;
			r = r->next;
		} else {
			r = drop(r);
		}
	}
	return pages;
}

enum kind { CHG, ADD, COUNT, DELETE };

struct operation {
	int64_t kind, f, t;
};

static int64_t apply(struct region *head, const struct operation *op)
{
	switch (op->kind) {
	case CHG:
		return region_chg(head, op->f, op->t);
	case ADD:
		return region_add(head, op->f, op->t);
	case COUNT:
		return region_count(head, op->f, op->t);
	default:
		return region_del(head, op->f, op->t);
	}
}

/* Carry out all operations, write their answers, and return the seconds of CPU time that this took. */
double list_run(struct region *head, const struct operation *ops, int64_t n, int64_t *answers)
{
	struct timespec start, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (int64_t i = 0; i < n; i++)
		answers[i] = apply(head, &ops[i]);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

/* Write from, to of at most `room` regions and return how many regions there are. */
int64_t list_regions(const struct region *head, int64_t *boundaries, int64_t room)
{
	int64_t n = 0;

	for (const struct region *r = head->next; r != head; r = r->next, n++)
		if (n < room) {
			boundaries[2 * n] = r->from;
			boundaries[2 * n + 1] = r->to;
		}
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The lists judged as a whole: what stands twice, what lies inside what, what
 * two lists must not share (RFC 7757 5, EAM-06, MIX-02), and what cannot be
 * compiled (GEN-04). */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "check.h"
#include "policy_int.h"
#include "span.h"

/* Called for a prefix and each one that it lies in or equals; not 0 stops. */
typedef int (*nest_fn)(const struct check *k, enum opt_id id, const struct span *outer,
		       const struct span *inner, void *arg);

static int sweep(const struct check *k, enum opt_id id, struct span *v, size_t n, nest_fn fn,
		 void *arg)
{
	/* equal prefixes of two kinds may meet, so twice the depth */
	const struct span *stack[2 * SPAN_DEPTH];
	size_t depth = 0;
	int rc;

	span_sort(v, n);
	for (size_t i = 0; i < n; i++) {
		while (depth && !span_covers(stack[depth - 1], &v[i]))
			depth--;
		for (size_t j = depth; j-- > 0;) {
			rc = fn(k, id, stack[j], &v[i], arg);
			if (rc)
				return rc;
		}
		stack[depth++] = &v[i];
	}
	return 0;
}

struct nested {
	size_t n, outer, inner;	/* how many, and the first of them */
};

void check_place(const struct check *k, enum opt_id id, size_t i, char *buf, size_t size)
{
	char place[200];
	size_t len;

	option_place(k->c, id, i, place, sizeof(place));
	len = strlen(place);
	if (len > 2)
		place[len - 2] = '\0'; /* its ": " */
	snprintf(buf, size, "%s%s", len ? " in " : "", place);
}

int check_twice(const struct check *k, enum opt_id id, size_t first, size_t second,
		const char *what)
{
	char place[210], text[PREFIX_TEXT * 2];

	if (first > second) {
		size_t swap = first;

		first = second;
		second = swap;
	}
	option_elem_text(k->c, id, second, text, sizeof(text));
	check_place(k, id, first, place, sizeof(place));
	return check_fail(k, id, second, "'%s' is not allowed, %s as entry %zu%s; write each once",
			  text, what, first + 1, place);
}

static int no_twins(const struct check *k, enum opt_id id, const struct span *outer,
		    const struct span *inner, void *arg)
{
	struct nested *nested = arg;

	if (span_same(outer, inner))
		return check_twice(k, id, outer->index, inner->index, "it has the same prefix");
	if (!nested->n++) {
		nested->outer = outer->index;
		nested->inner = inner->index;
	}
	return 0;
}

static void warn_nested(const struct check *k, enum opt_id id, const struct nested *nested,
			const char *meaning)
{
	char inner[PREFIX_TEXT * 2], outer[PREFIX_TEXT * 2], more[40] = "";

	if (!nested->n)
		return;
	option_elem_text(k->c, id, nested->inner, inner, sizeof(inner));
	option_elem_text(k->c, id, nested->outer, outer, sizeof(outer));
	if (nested->n > 1)
		snprintf(more, sizeof(more), " (and %zu more)", nested->n - 1);
	check_warn(k, id, nested->inner, "%s lies inside %s%s; %s", inner, outer, more, meaning);
}

static const char redundant[] = "one of the two changes nothing";

/* One list of prefixes: IPv4 or IPv6. */
static int check_prefixes(const struct check *k, enum opt_id id, const struct prefix4 *v4,
			  const struct prefix6 *v6, size_t n, const char *meaning)
{
	struct span *span = calloc(n + 1, sizeof(*span));
	struct nested nested = { 0 };
	int rc;

	if (!span)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		span[i] = v4 ? span4(&v4[i], 0, i) : span6(&v6[i], 0, i);
	rc = sweep(k, id, span, n, no_twins, &nested);
	free(span);
	if (!rc)
		warn_nested(k, id, &nested, meaning);
	return rc;
}

/* EAM-06: refuse twins, warn about overlaps of different length. */
static int check_eam(const struct check *k)
{
	const struct config *c = k->c;
	struct span *span = calloc(c->eam.n + 1, sizeof(*span));
	struct nested nested = { 0 };
	int rc;

	if (!span)
		return -ENOMEM;
	for (size_t i = 0; i < c->eam.n; i++)
		span[i] = span4(&c->eam.v[i].v4, 0, i);
	rc = sweep(k, O_eam, span, c->eam.n, no_twins, &nested);
	for (size_t i = 0; i < c->eam.n; i++)
		span[i] = span6(&c->eam.v[i].v6, 0, i);
	if (!rc)
		rc = sweep(k, O_eam, span, c->eam.n, no_twins, &nested);
	free(span);
	if (!rc)
		warn_nested(k, O_eam, &nested, "the longer wins, and the way back may differ "
					       "(RFC 7757 5)");
	return rc;
}

enum { FROM_EAM, FROM_XLAT4 };

static int not_shared(const struct check *k, enum opt_id id, const struct span *outer,
		      const struct span *inner, void *arg)
{
	size_t xlat4 = outer->kind == FROM_XLAT4 ? outer->index : inner->index;
	size_t eam = outer->kind == FROM_XLAT4 ? inner->index : outer->index;
	char x[PREFIX_TEXT], e[PREFIX_TEXT];

	(void)arg;
	if (outer->kind == inner->kind)
		return 0;
	return check_fail(k, id, xlat4, "'%s' is not allowed, it overlaps %s of %s (entry %zu); "
					"write each IPv4 address in one of the two",
			  prefix4_text(&k->c->xlat4.v[xlat4], x),
			  prefix4_text(&k->c->eam.v[eam].v4, e), options[O_eam].key, eam + 1);
}

/* MIX-02: an IPv4 address has one place where its host lives. */
static int check_eam_xlat4(const struct check *k)
{
	const struct config *c = k->c;
	struct span *span = calloc(c->eam.n + c->xlat4.n + 1, sizeof(*span));
	size_t n = 0;
	int rc;

	if (!span)
		return -ENOMEM;
	for (size_t i = 0; i < c->eam.n; i++)
		span[n++] = span4(&c->eam.v[i].v4, FROM_EAM, i);
	for (size_t i = 0; i < c->xlat4.n; i++)
		if (c->xlat4.v[i].len) /* 0.0.0.0/0 is what no eam has */
			span[n++] = span4(&c->xlat4.v[i], FROM_XLAT4, i);
	rc = sweep(k, O_xlat4, span, n, not_shared, NULL);
	free(span);
	return rc;
}

static int check_pref64(const struct check *k)
{
	const struct config *c = k->c;
	char text[PREFIX_TEXT];

	if (c->pref64.n > N64_MAX_PREF64)
		return check_fail(k, O_pref64, N64_MAX_PREF64,
				  "'%s' is not possible, it is number %d; write at most %d",
				  prefix6_text(&c->pref64.v[N64_MAX_PREF64], text),
				  N64_MAX_PREF64 + 1, N64_MAX_PREF64);
	return check_prefixes(k, O_pref64, NULL, c->pref64.v, c->pref64.n,
			      "the longest that holds an address counts (ADR-08)");
}

/* ADR-20, ADR-24: no host is here, so nothing can be translated to or from it, and
 * a route for it would take the host's own. */
const struct prefix4 hostless4[N_HOSTLESS4] = {
	{ IP4(0, 0, 0, 0), 8 }, { IP4(127, 0, 0, 0), 8 }, { IP4(169, 254, 0, 0), 16 },
	{ IP4(224, 0, 0, 0), 3 },
};

/* ADR-21. */
static const struct prefix6 hostless6[] = {
	{ { { 0 } }, 127 }, { { { 0, 0, be32(0xffff) } }, 96 },
	{ { { be32(0xfe800000) } }, 10 }, { { { be32(0xff000000) } }, 8 },
};

static __u8 shorter(__u8 a, __u8 b)
{
	return a < b ? a : b;
}

int check_hosts4(const struct check *k, enum opt_id id, size_t i, const struct prefix4 *p)
{
	char text[PREFIX_TEXT], none[PREFIX_TEXT];

	for (size_t n = 0; n < N_HOSTLESS4; n++)
		if (prefix4_contains(hostless4[n].addr, shorter(hostless4[n].len, p->len), p->addr))
			return check_fail(k, id, i, "'%s' is not possible, %s has no hosts; write "
					  "unicast addresses", prefix4_text(p, text),
					  prefix4_text(&hostless4[n], none));
	return 0;
}

int check_hosts6(const struct check *k, enum opt_id id, size_t i, const struct prefix6 *p)
{
	char text[PREFIX_TEXT], none[PREFIX_TEXT];

	for (size_t n = 0; n < sizeof(hostless6) / sizeof(hostless6[0]); n++)
		if (prefix6_contains(&hostless6[n].addr, shorter(hostless6[n].len, p->len),
				     &p->addr))
			return check_fail(k, id, i, "'%s' is not possible, %s has no hosts; write "
					  "unicast addresses", prefix6_text(p, text),
					  prefix6_text(&hostless6[n], none));
	return 0;
}

static int check_hosts(const struct check *k)
{
	const struct config *c = k->c;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->pref64.n; i++)
		rc = check_hosts6(k, O_pref64, i, &c->pref64.v[i]);
	for (size_t i = 0; !rc && i < c->xlat4.n; i++)
		rc = c->xlat4.v[i].len ? check_hosts4(k, O_xlat4, i, &c->xlat4.v[i]) : 0;
	for (size_t i = 0; !rc && i < c->eam.n; i++) {
		rc = check_hosts4(k, O_eam, i, &c->eam.v[i].v4);
		if (!rc)
			rc = check_hosts6(k, O_eam, i, &c->eam.v[i].v6);
	}
	return rc;
}

/* SRC-02, SRC-04: addresses that errors are sent from. */
static int check_pools(const struct check *k)
{
	const struct config *c = k->c;
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < c->pool6791v4.n; i++) {
		prefix4_text(&c->pool6791v4.v[i], text);
		if (c->pool6791v4.v[i].len < 8 || src4_is_illegal(c->pool6791v4.v[i].addr))
			return check_fail(k, O_pool6791v4, i, "'%s' is not a range that a host may "
					  "send from; write unicast addresses", text);
		if (prefix4_contains(IP4(10, 0, 0, 0), 8, c->pool6791v4.v[i].addr) ||
		    prefix4_contains(IP4(172, 16, 0, 0), 12, c->pool6791v4.v[i].addr) ||
		    prefix4_contains(IP4(192, 168, 0, 0), 16, c->pool6791v4.v[i].addr) ||
		    prefix4_contains(IP4(100, 64, 0, 0), 10, c->pool6791v4.v[i].addr))
			check_warn(k, O_pool6791v4, i, "%s is not public, so errors from it may be "
						       "dropped on their way (RFC 6791 5)", text);
	}
	for (size_t i = 0; i < c->pool6791v6.n; i++)
		if (c->pool6791v6.v[i].len < 8 || src6_is_illegal(&c->pool6791v6.v[i].addr))
			return check_fail(k, O_pool6791v6, i,
					  "'%s' is not a range that a router may "
					  "answer from; write global unicast addresses",
					  prefix6_text(&c->pool6791v6.v[i], text));
	return 0;
}

static int same_noxlat(const struct check *k, const struct span *span, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (span_same(&span[i - 1], &span[i]) && span[i - 1].kind == span[i].kind)
			return check_twice(k, O_no_translate, span[i - 1].index, span[i].index,
				     "it has the same prefix and port");
	return 0;
}

static int check_noxlat(const struct check *k)
{
	const struct config *c = k->c;
	struct span *span = calloc(c->no_translate.n + 1, sizeof(*span));
	int rc = 0;

	if (!span)
		return -ENOMEM;
	for (int fam = FAM_4; !rc && fam <= FAM_6; fam += FAM_6 - FAM_4) {
		size_t n = 0;

		for (size_t i = 0; i < c->no_translate.n; i++) {
			const struct noxlat_entry *e = &c->no_translate.v[i];

			if (e->fam == (enum ip_family)fam)
				span[n++] = fam == FAM_4 ? span4(&e->v4, e->port, i)
							 : span6(&e->v6, e->port, i);
		}
		span_sort(span, n);
		rc = same_noxlat(k, span, n);
	}
	free(span);
	return rc;
}

static int check_plateaus(const struct check *k)
{
	const struct config *c = k->c;

	if (c->mtu_plateaus.n > N64_MAX_PLATEAUS)
		return check_fail(k, O_mtu_plateaus, N64_MAX_PLATEAUS,
				  "'%u' is not possible, it is number %d; write at most %d",
				  c->mtu_plateaus.v[N64_MAX_PLATEAUS], N64_MAX_PLATEAUS + 1,
				  N64_MAX_PLATEAUS);
	for (size_t i = 0; i < c->mtu_plateaus.n; i++)
		for (size_t j = 0; j < i; j++)
			if (c->mtu_plateaus.v[i] == c->mtu_plateaus.v[j])
				return check_twice(k, O_mtu_plateaus, j, i,
						   "it is the same number");
	return 0;
}

/* N64_NOXLAT_PORTS: a row of the compiled table holds no more. */
int check_compile(const struct check *k)
{
	static const struct n64_conf conf;
	struct policy p;
	char text[PREFIX_TEXT * 2];
	size_t at = 0;
	int rc = policy_compile_at(k->c, &conf, NULL, 0, &p, &at);

	if (rc == -E2BIG) {
		option_elem_text(k->c, O_no_translate, at, text, sizeof(text));
		return check_fail(k, O_no_translate, at,
				  "'%s' is not possible, with the prefixes around it more than "
				  "%d ports apply; write one entry without port",
				  text, N64_NOXLAT_PORTS);
	}
	if (!rc)
		policy_free(&p);
	return rc;
}

int check_lists(const struct check *k)
{
	const struct config *c = k->c;
	int rc;

	rc = check_pref64(k);
	if (!rc)
		rc = check_hosts(k);
	if (!rc)
		rc = check_eam(k);
	if (!rc)
		rc = check_prefixes(k, O_xlat4, c->xlat4.v, NULL, c->xlat4.n, redundant);
	if (!rc)
		rc = check_eam_xlat4(k);
	if (!rc)
		rc = check_prefixes(k, O_denylist4, c->denylist4.v, NULL, c->denylist4.n,
				    redundant);
	if (!rc)
		rc = check_prefixes(k, O_allow6, NULL, c->allow6.v, c->allow6.n, redundant);
	if (!rc)
		rc = check_prefixes(k, O_pool6791v4, c->pool6791v4.v, NULL, c->pool6791v4.n,
				    redundant);
	if (!rc)
		rc = check_prefixes(k, O_pool6791v6, NULL, c->pool6791v6.v, c->pool6791v6.n,
				    redundant);
	if (!rc)
		rc = check_pools(k);
	if (!rc)
		rc = check_noxlat(k);
	if (!rc)
		rc = check_plateaus(k);
	return rc;
}

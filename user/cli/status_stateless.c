/* SPDX-License-Identifier: GPL-2.0-only */
/* status: the stateless entries in force (MIX-01), each range of their hosts with the IPv6
 * addresses that it becomes. Read from the compiled lists: what the program does, not what
 * a file says by now. */
#include "status_stateless.h"

#include <stdint.h>

#include "config/options.h"
#include "stateless.h"

#define SHOWN_HOSTS 20 /* as text; --json has all */

struct listing {
	json_t *table;
	__u32 entry;
	const struct n64_pref64 *pref;
	size_t room, left_out;
};

static void add_hosts(struct listing *l, const char *kind, const struct prefix4 *v4,
		      const struct prefix6 *v6)
{
	struct prefix6 pref = { l->pref->prefix, (__u8)l->pref->len };
	char text[PREFIX_TEXT];
	json_t *row;

	if (!l->room) {
		l->left_out++;
		return;
	}
	l->room--;
	row = out_row(l->table);
	out_int(row, "entry", l->entry);
	out_str(row, "ipv4", "%s", prefix4_text(v4, text));
	out_str(row, "ipv6", "%s", prefix6_text(v6, text));
	if (pref.len)
		out_str(row, "to_pref64", "%s", prefix6_text(&pref, text));
	else
		out_null(row, "to_pref64"); /* only to hosts of the entry */
	out_str(row, "by", "%s", kind);
}

/* The addresses inside the pref64: bits 64 to 71 are not part of the IPv4 address (RFC 6052
 * 2.2). */
static struct prefix6 embedded(const struct n64_pref64 *pref, const struct prefix4 *v4)
{
	struct prefix6 p = { .len = (__u8)(pref->len + v4->len) };

	rfc6052_embed(pref, v4->addr, &p.addr);
	if (pref->len <= 64 && p.len > 64)
		p.len = (__u8)(p.len + 8);
	return p;
}

/* Rows of other lists inside an EAM or a range say the same of their part; rows are in the
 * order of addresses. */
static void add_entry(struct listing *l, const struct policy *p)
{
	__u64 end = 0; /* behind the last range */

	for (size_t i = 0; i < p->n4; i++) {
		const struct policy_row4 *r = &p->row4[i];
		struct prefix4 v4 = { r->key.addr, (__u8)r->key.prefixlen };
		struct prefix6 v6 = { r->val.eam6, r->val.eam6_len };

		if (pol_entry(r->val.flags) != l->entry)
			continue;
		if (r->val.flags & POL_EAM) {
			if (v4.len == r->val.eam4_len)
				add_hosts(l, "eam", &v4, &v6);
		} else if (host32(v4.addr) >= end) {
			end = host32(v4.addr) + (1ull << (32 - v4.len));
			v6 = embedded(l->pref, &v4);
			add_hosts(l, "xlat4", &v4, &v6);
		}
	}
}

void status_stateless(json_t *root, const struct policy *p, bool all)
{
	struct listing l = { .room = all ? SIZE_MAX : SHOWN_HOSTS };

	if (!p->conf.n_stateless)
		return;
	l.table = out_table(root, "stateless");
	for (l.entry = 1; l.entry <= p->conf.n_stateless; l.entry++) {
		l.pref = stateless_pref(&p->conf, l.entry);
		if (l.pref)
			add_entry(&l, p);
	}
	if (l.left_out)
		out_str(root, "stateless_left_out", "%zu more; see them with --json", l.left_out);
}

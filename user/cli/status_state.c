/* SPDX-License-Identifier: GPL-2.0-only */
/* status in modes stateful and dynamic: how full everything is. */
#include "status_state.h"

#include "dynamic.h"

static void show_pool(json_t *root, const struct pool_use *u)
{
	static const char *const used[] = { "tcp_used", "udp_used", "icmp_used" };
	static const char *const most[] = { "tcp_ports", "udp_ports", "icmp_identifiers" };
	json_t *t = out_table(root, "pool4"), *row;
	char text[PREFIX_TEXT];
	size_t i;
	__u32 p;

	for (i = 0; i < u->n; i++) {
		const struct address_use *a = &u->v[i];

		row = out_row(t);
		out_str(row, "address", "%s", addr4_text(a->addr, text));
		for (p = 0; p < N_ST_PROTOS; p++) {
			if (!(a->protos & 1u << p)) {
				out_null(row, used[p]);
				out_null(row, most[p]);
				continue;
			}
			out_int(row, used[p], a->used[p]);
			out_int(row, most[p], a->allowed[p]);
		}
		out_bool(row, "draining", a->draining);
		out_bool(row, "shared", a->shared);
	}
}

/* Mode dynamic: the addresses of pool4 by their upper halves. */
static void show_hosts(json_t *root, const struct pool_use *u)
{
	json_t *t = out_table(root, "pool4"), *row;
	char text[PREFIX_TEXT];
	size_t i;

	for (i = 0; i < u->n; i++) {
		const struct address_use *a = &u->v[i];

		row = out_row(t);
		out_str(row, "addresses_in", "%s/16", addr4_text(a->addr, text));
		out_int(row, "used", a->used[ST_HOST]);
		out_int(row, "addresses", a->allowed[ST_HOST]);
		out_bool(row, "draining", a->draining);
	}
}

static void show_count(json_t *t, const char *what, __u64 now, __u64 most)
{
	json_t *row = out_row(t);

	out_str(row, "what", "%s", what);
	out_int(row, "now", (long long)now);
	out_int(row, "limit", (long long)most);
}

static void show_counts(json_t *root, const struct pool_use *u, const struct n64_conf *conf)
{
	static const char *const mappings[] = { "tcp_mappings", "udp_mappings", "icmp_mappings" };
	json_t *t = out_table(root, "state");
	int p;

	for (p = 0; p < N_ST_PROTOS; p++)
		show_count(t, mappings[p], u->state.count[p].n, conf->st.max_mappings[p]);
	show_count(t, "sessions", u->state.count[3].n, conf->st.max_sessions);
	show_count(t, "subscribers", u->state.subscribers, conf->st.sub_lines);
	show_count(t, "stored_syns", u->state.stored_syn, conf->opt.max_stored_syn);
	show_count(t, "fragment_bytes", u->state.frag_bytes, conf->opt.frag_bytes);
}

static void show_host_counts(json_t *root, const struct pool_use *u)
{
	json_t *t = out_table(root, "state");
	__u64 used = 0, all = 0;
	size_t i;

	for (i = 0; i < u->n; i++) {
		used += u->v[i].used[ST_HOST];
		all += u->v[i].allowed[ST_HOST];
	}
	show_count(t, "hosts", used, all);
	show_count(t, "hosts_not_static", u->state.count[ST_HOST].n, all);
}

static void show_tables(json_t *root, const struct pool_use *u, const struct n64_conf *conf)
{
	struct table_use tables[N_STATE_TABLES];
	__u64 total = 0;
	json_t *t, *row;
	int i;

	pool_use_tables(u, conf, tables);
	for (i = 0; i < N_STATE_TABLES; i++)
		total += tables[i].bytes;
	out_real(root, "state_mib", (double)total / (1 << 20));
	t = out_table(root, "tables");
	for (i = 0; i < N_STATE_TABLES; i++) {
		row = out_row(t);
		out_str(row, "table", "%s", tables[i].name);
		out_int(row, "entries", (long long)tables[i].entries);
		if (tables[i].counted)
			out_int(row, "used", (long long)tables[i].used);
		else
			out_null(row, "used");
		out_real(row, "mib", (double)tables[i].bytes / (1 << 20));
	}
}

void status_state(json_t *root, const struct pool_use *u, const struct n64_conf *conf)
{
	if (conf_is_dynamic(conf)) {
		show_hosts(root, u);
		show_host_counts(root, u);
	} else {
		show_pool(root, u);
		show_counts(root, u, conf);
	}
	show_tables(root, u, conf);
}

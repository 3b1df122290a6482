/* SPDX-License-Identifier: GPL-2.0-only */
/* `mapping lookup`: both mapping functions (CGN-07): who has or had an IPv4 address and
 * port, and what an IPv6 host has and would get. */
#include "mapping.h"

#include <arpa/inet.h>
#include <string.h>

#include "addr.h"
#include "dynamic.h"
#include "output/output.h"

#define FORM "192.0.2.1:4711 or 2001:db8::5"

int mapping_judge_lookup(struct state_cmd *c)
{
	struct config_error err;
	struct endpoint e;

	if (endpoint_read("lookup", "address", FORM, c->operand[0], &e, &err)) {
		cli_error(&c->cli, "%s", err.text);
		return CLI_USAGE;
	}
	return CLI_GO_ON;
}

/* A port where addresses are shared, and none where they are not. */
static int judge_port(const struct state_cmd *c, const struct endpoint *e)
{
	if (conf_is_dynamic(&c->view->conf) && e->has_port) {
		cli_error(&c->cli, "lookup: '%s' has a port, but in mode dynamic a mapping is a "
			  "whole host; write the address alone", c->operand[0]);
		return CLI_USAGE;
	}
	if (conf_is_dynamic(&c->view->conf) || e->fam == FAM_6 || e->has_port)
		return CLI_GO_ON;
	cli_error(&c->cli, "lookup: '%s' is shared by many hosts; write it with the port, like "
		  "%s:4711, or use: xdp-nat64 mapping list --address %s", c->operand[0],
		  c->operand[0], c->operand[0]);
	return CLI_USAGE;
}

static void add_ages(json_t *row, const struct mapping_info *m, __u32 now)
{
	bool ended;

	if (m->kind == MAPPING_DYNAMIC)
		out_int(row, "expires_s", m->left);
	else
		out_null(row, "expires_s");
	if (m->idle != AGE_UNKNOWN)
		out_int(row, "idle_s", m->idle);
	else
		out_null(row, "idle_s");
	ended = m->kind == MAPPING_FREE || m->kind == MAPPING_EXPIRED;
	if (ended && (__s32)(now - m->until) >= 0)
		out_int(row, "ended_s_ago", now - m->until);
	else
		out_null(row, "ended_s_ago");
}

struct answer {
	const struct state_cmd *c;
	json_t *table;
	__u32 n;
};

static int add_row(const struct mapping_info *m, void *ctx)
{
	struct answer *a = ctx;
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN], pref[PREFIX_TEXT];
	json_t *row = out_row(a->table);

	inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
	inet_ntop(AF_INET6, &m->host6, v6, sizeof(v6));
	if (!m->host)
		out_str(row, "protocol", "%s", proto_text(m->proto));
	out_str(row, "ipv4", "%s", v4);
	if (!m->host)
		out_int(row, "port4", m->port4);
	out_str(row, "ipv6", "%s", v6);
	if (!m->host)
		out_int(row, "port6", m->port6);
	out_str(row, "pref64", "%s", pref64_text(&a->c->view->conf, m->pref, pref));
	out_str(row, "state", "%s", mapping_kind_text(m->kind));
	add_ages(row, m, a->c->view->now);
	a->n++;
	return 0;
}

/* ---- from IPv4 ---------------------------------------------------------------------- */

static int lookup4(struct state_cmd *c, const struct endpoint *e, struct answer *a)
{
	struct mapping_info m;
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &e->addr4, text, sizeof(text));
	if (state_slot(c->view, e->addr4, N_ST_PROTOS) < 0) {
		cli_error(&c->cli, "lookup: %s is not a pool address of instance '%s'%s", text,
			  c->name, c->view->conf.n_stateless ?
			  "; hosts of stateless entries have no mappings, status lists them" : "");
		return CLI_FAILED;
	}
	for (int p = 0; p < N_ST_PROTOS; p++) {
		/* of a free one the last host is known, until the next one has it */
		if (state_mapping_at(c->view, (enum st_proto)p, e->addr4, e->port, &m) &&
		    !addr6_is_zero(&m.host6))
			add_row(&m, a);
	}
	return CLI_OK;
}

/* ---- from IPv6 ---------------------------------------------------------------------- */

/* Which pool address new mappings of the host would get (PORT-02). */
static int add_pool_addresses(struct state_cmd *c, const struct endpoint *e, json_t *root)
{
	json_t *s = out_section(root, "new_mappings_at");
	char text[INET_ADDRSTRLEN];

	for (int p = 0; p < N_ST_PROTOS; p++) {
		struct n64_call call = {
			.op = CALL_WOULD_OUT,
			.proto = (__u32)p,
			.tcp_flags = TCP_SYN,
			.host6 = e->addr6,
			.port6 = be16(e->port),
		};
		int rc = state_ask(c->view, &call);

		if (rc)
			return rc;
		if (call.reason || !call.addr4) {
			out_null(s, proto_text((enum st_proto)p));
			continue;
		}
		inet_ntop(AF_INET, &call.addr4, text, sizeof(text));
		out_str(s, proto_text((enum st_proto)p), "%s", text);
	}
	return 0;
}

static int lookup6(struct state_cmd *c, const struct endpoint *e, json_t *root, struct answer *a)
{
	struct state_filter f;
	int rc = conf_is_dynamic(&c->view->conf) ? 0 : add_pool_addresses(c, e, root);

	if (rc)
		return mapping_no_answer(c, rc);
	state_filter_init(&f);
	f.kinds |= 1u << MAPPING_EXPIRED;
	f.addr6 = (struct prefix6){ e->addr6, 128 };
	if (e->has_port)
		f.port6[0] = f.port6[1] = e->port;
	a->table = out_table(root, "mappings");
	state_mappings(c->view, &f, add_row, a);
	return CLI_OK;
}

int mapping_lookup(struct state_cmd *c)
{
	struct answer a = { .c = c };
	struct config_error err;
	struct endpoint e;
	json_t *root;
	int rc;

	if (endpoint_read("lookup", "address", FORM, c->operand[0], &e, &err))
		return CLI_USAGE;
	rc = judge_port(c, &e);
	if (rc != CLI_GO_ON)
		return rc;
	root = json_object();
	out_str(root, "instance", "%s", c->name);
	if (e.fam == FAM_4) {
		a.table = out_table(root, "mappings");
		rc = lookup4(c, &e, &a);
	} else {
		rc = lookup6(c, &e, root, &a);
	}
	if (rc == CLI_OK && output_print(root, c->cli.json, stdout))
		rc = CLI_FAILED;
	json_decref(root);
	return rc;
}

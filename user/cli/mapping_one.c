/* SPDX-License-Identifier: GPL-2.0-only */
/* `mapping add` and `mapping del`: static mappings at runtime (ST-04, RFC 6146 3.1). */
#include "mapping.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "dataplane/counters.h"
#include "dynamic.h"
#include "output/output.h"

#define FORM4 "one like 192.0.2.1:443"
#define FORM6 "one like [2001:db8::5]:443"
#define HOST4 "an address like 10.0.1.5"
#define HOST6 "an address like fc00::5"

const char *mapping_text(const struct mapping_info *m, char buf[MAPPING_TEXT])
{
	char v4[ENDPOINT_TEXT], v6[ENDPOINT_TEXT];

	if (m->host) {
		inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
		inet_ntop(AF_INET6, &m->host6, v6, sizeof(v6));
		snprintf(buf, MAPPING_TEXT, "%s = %s", v4, v6);
		return buf;
	}
	snprintf(buf, MAPPING_TEXT, "%s %s = %s", proto_text(m->proto),
		 endpoint4_text(m->addr4, m->port4, v4), endpoint6_text(&m->host6, m->port6, v6));
	return buf;
}

int mapping_no_answer(const struct state_cmd *c, int rc)
{
	cli_error(&c->cli, "%s: the program n64_state does not answer: %s", c->verb,
		  strerror(-rc));
	return CLI_FAILED;
}

/* {"KEY": TEXT}, or "KEY TEXT". */
static int say_done(const struct state_cmd *c, const char *key, const char *text)
{
	json_t *root;
	int rc;

	if (!c->cli.json)
		return printf("%s %s\n", key, text) < 0 ? CLI_FAILED : CLI_OK;
	root = json_object();
	out_str(root, key, "%s", text);
	rc = output_print(root, true, stdout);
	json_decref(root);
	return rc ? CLI_FAILED : CLI_OK;
}

/* ---- words ------------------------------------------------------------------------- */

static int usage(const struct state_cmd *c, const struct config_error *err)
{
	cli_error(&c->cli, "%s", err->text);
	return CLI_USAGE;
}

/* A port is never 0 (PORT-05); an ICMP identifier may be. */
static int judge_end(const struct state_cmd *c, const char *word, enum st_proto proto,
		     unsigned int fams, struct endpoint *e)
{
	const char *form = fams == 4 ? FORM4 : fams == 6 ? FORM6 : FORM4 " or [2001:db8::5]:443";
	struct config_error err;

	if (endpoint_read(c->verb, fams == 4 ? "IPv4" : fams == 6 ? "IPv6" : "address", form, word,
			  e, &err))
		return usage(c, &err);
	if (e->has_port && (e->port || proto == ST_ICMP) &&
	    (fams == 10 || fams == (unsigned int)e->fam))
		return CLI_GO_ON;
	cli_error(&c->cli, "%s: '%s' is not what is wanted here; write %s", c->verb, word, form);
	return CLI_USAGE;
}

/* Mode dynamic: an address alone. */
static int judge_host(const struct state_cmd *c, const char *word, unsigned int fams,
		      struct endpoint *e)
{
	const char *form = fams == 4 ? HOST4 : fams == 6 ? HOST6 : HOST4 " or fc00::5";
	struct config_error err;

	if (endpoint_read(c->verb, "address", form, word, e, &err))
		return usage(c, &err);
	if (!e->has_port && (fams == 10 || fams == (unsigned int)e->fam))
		return CLI_GO_ON;
	cli_error(&c->cli, "%s: '%s' is not what is wanted here; write %s", c->verb, word, form);
	return CLI_USAGE;
}

static int read_hosts(struct state_cmd *c, struct mapping_info *m, struct endpoint *e4,
		      struct endpoint *e6)
{
	int rc = judge_host(c, c->operand[0], 4, e4);

	m->host = true;
	m->proto = ST_HOST;
	return rc == CLI_GO_ON ? judge_host(c, c->operand[1], 6, e6) : rc;
}

static int read_ends(struct state_cmd *c, struct mapping_info *m, struct endpoint *e4,
		     struct endpoint *e6)
{
	struct config_error err;
	int rc;

	if (proto_read(c->verb, c->operand[0], &m->proto, &err))
		return usage(c, &err);
	rc = judge_end(c, c->operand[1], m->proto, 4, e4);
	return rc == CLI_GO_ON ? judge_end(c, c->operand[2], m->proto, 6, e6) : rc;
}

/* The words of `add` as a mapping. */
static int read_add(struct state_cmd *c, struct mapping_info *m)
{
	struct endpoint e4, e6;
	int rc;

	memset(m, 0, sizeof(*m));
	rc = state_cmd_of_hosts(c) ? read_hosts(c, m, &e4, &e6) : read_ends(c, m, &e4, &e6);
	if (rc != CLI_GO_ON)
		return rc;
	if (src6_is_illegal(&e6.addr6)) {
		cli_error(&c->cli, "add: '%s' is no address that a host can have (ADR-21); write "
			  "%s", c->operand[c->n_operand - 1], m->host ? HOST6 : FORM6);
		return CLI_USAGE;
	}
	m->addr4 = e4.addr4;
	m->port4 = e4.port;
	m->host6 = e6.addr6;
	m->port6 = e6.port;
	return CLI_GO_ON;
}

int mapping_judge_add(struct state_cmd *c)
{
	struct mapping_info m;

	return read_add(c, &m);
}

static int read_del(struct state_cmd *c, enum st_proto *proto, struct endpoint *e)
{
	struct config_error err;

	*proto = ST_HOST;
	if (state_cmd_of_hosts(c))
		return judge_host(c, c->operand[0], 10, e);
	if (proto_read(c->verb, c->operand[0], proto, &err))
		return usage(c, &err);
	return judge_end(c, c->operand[1], *proto, 10, e);
}

int mapping_judge_del(struct state_cmd *c)
{
	enum st_proto proto;
	struct endpoint e;

	return read_del(c, &proto, &e);
}

/* ---- add --------------------------------------------------------------------------- */

/* Mode dynamic: an address that hosts may get. */
static int judge_host_place(const struct state_cmd *c, const struct mapping_info *m)
{
	char v4[INET_ADDRSTRLEN];
	bool known;
	int rc = state_host_free(c->view, m->addr4, &known);

	if (!rc && known)
		return CLI_GO_ON;
	if (rc)
		return mapping_no_answer(c, rc);
	inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
	cli_error(&c->cli, "add: %s is not an address that hosts may get here (DYN-05); add it to "
		  "pool4: in the configuration (or write this mapping under static-hosts:), then: "
		  "xdp-nat64 reload --name %s", v4, c->name);
	return CLI_FAILED;
}

/* What can be told before the program is asked. */
static int judge_place(const struct state_cmd *c, const struct mapping_info *m)
{
	char v4[ENDPOINT_TEXT];
	int which = pref64_find(&c->view->conf, &m->host6);

	if (which >= 0) {
		cli_error(&c->cli, "add: the IPv6 address is inside a pref64, where no host is "
			  "(ADR-22); write the address of the host itself");
		return CLI_FAILED;
	}
	if (m->host)
		return judge_host_place(c, m);
	if (state_slot(c->view, m->addr4, m->proto) >= 0)
		return CLI_GO_ON;
	endpoint4_text(m->addr4, m->port4, v4);
	*strchr(v4, ':') = '\0';
	cli_error(&c->cli, "add: %s has no %s ports here; add it to pool4: in the configuration "
		  "(or write this mapping under static:), then: xdp-nat64 reload --name %s", v4,
		  proto_text(m->proto), c->name);
	return CLI_FAILED;
}

/* The other mapping of a refusal, and what can be done about it. */
static int say_conflict(struct state_cmd *c, const struct mapping_info *m,
			const struct n64_call *call)
{
	struct mapping_info other;
	char text[MAPPING_TEXT];
	bool known = state_mapping_at(c->view, m->proto, call->addr4, host16(call->port4), &other);

	if (!known || other.kind == MAPPING_FREE) {
		cli_error(&c->cli, "add: another mapping is in the way and changes just now; "
			  "try again");
		return CLI_FAILED;
	}
	mapping_text(&other, text);
	cli_error(&c->cli, "add: there is a %s mapping %s; --force ends it and its sessions",
		  mapping_kind_text(other.kind), mapping_text(&other, text));
	return CLI_FAILED;
}

int mapping_add(struct state_cmd *c)
{
	struct mapping_info m;
	struct n64_call call;
	char text[MAPPING_TEXT];
	int rc = read_add(c, &m);

	if (rc == CLI_GO_ON)
		rc = judge_place(c, &m);
	if (rc != CLI_GO_ON)
		return rc;
	call = (struct n64_call){
		.op = CALL_STATIC_ADD,
		.flags = c->force ? CALL_FORCE : 0,
		.proto = m.proto,
		.addr4 = m.addr4,
		.port4 = be16(m.port4),
		.host6 = m.host6,
		.port6 = be16(m.port6),
		.pref = c->view->conf.first_pref64,
	};
	rc = state_ask(c->view, &call);
	if (rc)
		return mapping_no_answer(c, rc);
	if (call.reason == R_static_conflict)
		return say_conflict(c, &m, &call);
	if (call.reason) {
		cli_error(&c->cli, "add: not possible: %s",
			  reason_text((enum reason)call.reason));
		return CLI_FAILED;
	}
	rc = say_done(c, "added", mapping_text(&m, text));
	if (!c->cli.json)
		puts("it lasts until detach; what stands under static: (static-hosts: in mode "
		     "dynamic) in the configuration comes back with every attach");
	return rc;
}

/* ---- del --------------------------------------------------------------------------- */

static int keep_one(const struct mapping_info *m, void *found)
{
	*(struct mapping_info *)found = *m;
	return 1;
}

static bool find(struct state_cmd *c, enum st_proto proto, const struct endpoint *e,
		 struct mapping_info *m)
{
	struct state_filter f;

	state_filter_init(&f);
	f.protos = 1u << proto;
	if (e->fam == FAM_4) {
		f.addr4 = (struct prefix4){ e->addr4, 32 };
		if (e->has_port)
			f.port4[0] = f.port4[1] = e->port;
	} else {
		f.addr6 = (struct prefix6){ e->addr6, 128 };
		if (e->has_port)
			f.port6[0] = f.port6[1] = e->port;
	}
	return state_mappings(c->view, &f, keep_one, m) == 1;
}

int mapping_del(struct state_cmd *c)
{
	struct mapping_info m;
	enum st_proto proto;
	struct endpoint e;
	char text[MAPPING_TEXT];
	int rc = read_del(c, &proto, &e);

	if (rc != CLI_GO_ON)
		return rc;
	if (!find(c, proto, &e, &m)) {
		cli_error(&c->cli, "del: there is no %s%smapping of %s; see: xdp-nat64 mapping "
			  "list",
			  e.has_port ? proto_text(proto) : "", e.has_port ? " " : "",
			  c->operand[c->n_operand - 1]);
		return CLI_FAILED;
	}
	rc = state_mapping_end(c->view, &m);
	if (rc < 0)
		return mapping_no_answer(c, rc);
	if (rc)
		return say_done(c, "deleted", mapping_text(&m, text));
	cli_error(&c->cli, "del: %s has just ended by itself", mapping_text(&m, text));
	return CLI_FAILED;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* `check`: reads a configuration as attach would and shows what would be in
 * force: every option with its value, the lists, the prefixes, and what the maps
 * take. Changes nothing and needs no privileges. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "config/policy.h"
#include "dataplane/shared.h"
#include "dynamic.h"
#include "memory.h"
#include "output/output.h"

static void show_interfaces(json_t *root, const struct config *c)
{
	static const char *const words[] = { "none", "6to4", "4to6", "both" };
	json_t *t = out_table(root, options[O_interfaces].key);

	for (size_t i = 0; i < c->interfaces.n; i++) {
		const struct iface_entry *e = &c->interfaces.v[i];
		json_t *r = out_row(t);

		out_str(r, "name", "%s", e->name);
		out_str(r, "translate", "%s", words[e->flags & (PORT_6TO4 | PORT_4TO6)]);
		out_str(r, "deliver", "%s", e->deliver == DELIVER_STACK ? "stack" : "auto");
	}
}

/* ADR-06: a neutral prefix leaves transport checksums as they are. */
static void show_pref64(json_t *root, const struct config *c)
{
	json_t *t = out_table(root, options[O_pref64].key);
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < c->pref64.n; i++) {
		json_t *r = out_row(t);

		out_str(r, "prefix", "%s", prefix6_text(&c->pref64.v[i], text));
		out_bool(r, "checksum_neutral", prefix6_is_neutral(&c->pref64.v[i]));
		out_bool(r, "well_known", prefix6_is_wkp(&c->pref64.v[i]));
		out_bool(r, "used_from_ipv4", i == 0);
	}
}

#define SHOWN_ENTRIES 4

static void show_lists(json_t *root, const struct config *c)
{
	json_t *t = out_table(root, "lists");
	char text[2 * PREFIX_TEXT];

	for (int id = 0; id < N_OPTS; id++) {
		size_t n = option_list_len(c, id);
		json_t *r, *first;

		if (options[id].type != OPT_TYPE_LIST || id == O_interfaces || id == O_pref64)
			continue;
		if (c->adapted && id == O_statics)
			continue; /* those are static-hosts */
		r = out_row(t);
		out_str(r, "list", "%s", options[id].key);
		out_int(r, "entries", (long long)n);
		first = out_list(r, "first_entries");
		for (size_t i = 0; i < n && i < SHOWN_ENTRIES; i++) {
			option_elem_text(c, id, i, text, sizeof(text));
			out_item(first, "%s", text);
		}
		for (size_t i = 0; !n && id == O_mtu_plateaus && i < n_default_plateaus; i++)
			out_item(first, "%u", default_plateaus[i]);
	}
}

static void show_options(json_t *root, const struct config *c)
{
	json_t *t = out_table(root, "options");
	char text[64];

	for (int id = 0; id < N_OPTS; id++) {
		json_t *r;

		if (options[id].type == OPT_TYPE_LIST ||
		    (c->adapted && option_is_stateful(id)))
			continue;
		option_text(c, id, text, sizeof(text));
		r = out_row(t);
		out_str(r, "option", "%s", options[id].key);
		if (id == O_wkp_strict && c->opt.wkp_strict == TRI_AUTO)
			out_str(r, "value", "auto (%s)", config_wkp_strict(c) ? "on" : "off");
		else
			out_str(r, "value", "%s", text);
		out_bool(r, "default", option_is_default(c, id));
		out_str(r, "change_by", "%s", options[id].restart ? "detach and attach" : "reload");
	}
}

/* What the pool gives and what the tables are made for (mode stateful). */
static void show_state(json_t *root, const struct config *c, const struct state_sizes *s)
{
	json_t *t = out_table(root, "pool"), *section;

	for (__u32 i = 0; i < N_ST_PROTOS; i++) {
		json_t *r;

		if (c->opt.mode == MODE_DYNAMIC)
			break;
		r = out_row(t);

		out_str(r, "protocol", "%s", st_proto_text(i));
		out_int(r, "addresses", s->proto_rows[i]);
		out_int(r, "ports", (long long)s->ports[i]);
		out_int(r, "mappings", (long long)s->mappings[i]);
	}
	section = out_section(root, "state");
	if (c->opt.mode == MODE_DYNAMIC) {
		out_int(section, "hosts", (long long)s->mappings[ST_HOST]);
	} else {
		out_int(section, "addresses", s->addresses);
		out_int(section, "sessions", (long long)s->sessions);
		out_int(section, "subscribers", (long long)s->subscribers);
	}
	out_real(section, "memory_mib", (double)s->bytes / (1 << 20));
}

static int show(const struct cli *cli, const struct config *c)
{
	const bool stateful = c->opt.mode != MODE_SIIT;
	struct config_error err;
	struct state_sizes sizes;
	json_t *root;
	struct n64_conf conf;
	struct policy policy;
	int rc;

	rc = stateful ? state_sizes(c, &sizes, &err) : 0;
	if (rc)
		return cli_fail(cli, &err);
	config_to_conf(c, &conf);
	rc = policy_compile(c, &conf, NULL, 0, &policy);
	if (rc) {
		cli_error(cli, "the lists cannot be compiled: %s", strerror(-rc));
		return CLI_FAILED;
	}
	root = json_object();
	out_bool(root, "valid", true);
	out_str(root, "name", "%s", c->name);
	if (cli->file)
		out_str(root, "file", "%s", cli->file);
	else if (!cli->n_set)
		out_str(root, "file", CLI_CONFIG_DIR "/%s.yaml", c->name);
	show_interfaces(root, c);
	show_pref64(root, c);
	show_lists(root, c);
	show_options(root, c);
	if (stateful) {
		show_state(root, c, &sizes);
		if (state_memory_check(&sizes, &err))
			cli_warn(err.text); /* another host may have it */
	}
	rc = memory_show(root, &policy, stateful ? &sizes : NULL);
	if (rc)
		cli_error(cli, "the maps of the programs cannot be read: %s", strerror(-rc));
	else
		rc = output_print(root, cli->json, stdout);
	json_decref(root);
	policy_free(&policy);
	return rc ? CLI_FAILED : CLI_OK;
}

/* Beside what is printed, which may be JSON. */
static void say_aside(const char *text)
{
	fprintf(stderr, "%s\n", text);
}

/* GEN-12: what this host says about pool addresses that are its own. */
static int judge_host(const struct cli *cli, const struct config *c)
{
	struct config_error err;
	struct links links = { 0 };
	struct nl nl;
	int rc = CLI_GO_ON;

	if (c->opt.mode != MODE_STATEFUL || nl_open(&nl))
		return CLI_GO_ON;
	if (!links_read(&nl, &links) && shared_judge(c, &links, say_aside, &err))
		rc = cli_fail(cli, &err);
	links_free(&links);
	nl_close(&nl);
	return rc;
}

int cmd_check(int argc, char **argv)
{
	struct cli cli;
	struct config c;
	int rc;

	rc = cli_parse(&cli, argc, argv, CLI_CONFIG | CLI_NAME | CLI_JSON, NULL);
	if (rc == CLI_GO_ON) {
		rc = cli_config(&cli, &c);
		if (rc == CLI_GO_ON)
			rc = judge_host(&cli, &c);
		if (rc == CLI_GO_ON)
			rc = show(&cli, &c);
		config_free(&c);
	}
	cli_free(&cli);
	return rc;
}

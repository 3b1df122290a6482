/* SPDX-License-Identifier: GPL-2.0-only */
/* `mapping`: the three BIBs of mode stateful (RFC 6146 3.1): listed, looked up from
 * either side (CGN-07), static ones added and removed (ST-04), dynamic ones ended. */
#include <string.h>

#include "mapping.h"

static int list(struct state_cmd *c)
{
	struct listing l;
	int rc;

	if (c->all)
		c->filter.kinds |= 1u << MAPPING_EXPIRED;
	listing_open(&l, c, stdout);
	rc = state_mappings(c->view, &c->filter, listing_mapping, &l);
	return listing_close(&l) || rc < 0 ? CLI_FAILED : CLI_OK;
}

/* ---- flush ------------------------------------------------------------------------- */

static int judge_flush(struct state_cmd *c)
{
	if (!c->all && !c->statics && filter_is_empty(&c->words)) {
		cli_error(&c->cli, "flush: without a filter every dynamic mapping would end; "
			  "write a filter, or --all");
		return CLI_USAGE;
	}
	if (c->words.state && !c->statics && c->filter.kinds == 1u << MAPPING_STATIC) {
		cli_error(&c->cli, "flush: static mappings are the operator's; write --static "
			  "beside the filter to end them too");
		return CLI_USAGE;
	}
	if (!c->words.state)
		c->filter.kinds = 1u << MAPPING_DYNAMIC | (c->statics ? 1u << MAPPING_STATIC : 0);
	return CLI_GO_ON;
}

struct flush {
	const struct state_cmd *c;
	__u32 n;
};

static int end_one(const struct mapping_info *m, void *ctx)
{
	struct flush *f = ctx;
	int rc = state_mapping_end(f->c->view, m);

	if (rc < 0)
		return rc;
	f->n += (__u32)rc;
	return 0;
}

static int flush(struct state_cmd *c)
{
	struct flush f = { .c = c };
	int rc = state_mappings(c->view, &c->filter, end_one, &f);

	if (say_number(c, "ended", "mapping", f.n))
		return CLI_FAILED;
	return rc ? mapping_no_answer(c, rc) : CLI_OK;
}

/* ---- the command ------------------------------------------------------------------- */

static const struct state_verb verbs[] = {
	{ "list", VERB_FILTER | VERB_LIST | VERB_ALL, 0, 0, "mapping list [FILTER...]", NULL,
	  list },
	{ "lookup", 0, 1, 0, "mapping lookup V4:PORT or mapping lookup V6", mapping_judge_lookup,
	  mapping_lookup },
	{ "add", VERB_FORCE, 3, 2, "mapping add tcp|udp|icmp V4:PORT [V6]:PORT, or V4 V6 in mode "
	  "dynamic", mapping_judge_add,
	  mapping_add },
	{ "del", 0, 2, 1, "mapping del tcp|udp|icmp V4:PORT or [V6]:PORT, or V4 or V6 in mode "
	  "dynamic", mapping_judge_del,
	  mapping_del },
	{ "flush", VERB_FILTER | VERB_ALL | VERB_STATIC, 0, 0, "mapping flush FILTER...",
	  judge_flush, flush },
	{ "save", 0, 1, 0, "mapping save FILE", NULL, mapping_save },
	{ "restore", 0, 1, 0, "mapping restore FILE", NULL, mapping_restore },
	{ 0 },
};

int cmd_mapping(int argc, char **argv)
{
	struct state_cmd c = { .of = FILTER_MAPPINGS };
	struct filter_words *w = &c.words;
	const struct cli_opt extra[] = {
		{ "address", 0, "A[/LEN]", "of this IPv4 pool address, or IPv6 host (prefix)",
		  NULL, &w->address },
		{ "prefix", 0, "PREFIX", "of this subscriber: an IPv6 prefix", NULL, &w->prefix },
		{ "protocol", 0, "tcp|udp|icmp", "of this protocol", NULL, &w->protocol },
		{ "port", 0, "N[-M]", "of these ports of the pool address", NULL, &w->port },
		{ "port6", 0, "N[-M]", "of these ports of the IPv6 host", NULL, &w->port6 },
		{ "state", 0, "STATE", "dynamic, static or expired (not reclaimed yet)", NULL,
		  &w->state },
		{ "older", 0, "S", "idle for at least S seconds", NULL, &w->older },
		{ "expires", 0, "S", "that end within S seconds", NULL, &w->expires },
		{ "limit", 0, "N", "list: at most N", NULL, &c.limit_word },
		{ "count", 0, NULL, "list: only how many", &c.count, NULL },
		{ "all", 0, NULL, "list: expired ones too; flush: all, without a filter", &c.all,
		  NULL },
		{ "static", 0, NULL, "flush: static ones too", &c.statics, NULL },
		{ "force", 0, NULL, "add: ends a mapping that is in the way", &c.force, NULL },
		{ 0 },
	};

	return state_cmd_run(&c, argc, argv, extra, verbs);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* `session`: the TCP sessions, permissions of address-dependent filtering and stored
 * SYNs of mode stateful (RFC 6146 3.2, ST-09). */
#include <string.h>

#include "state_cmd.h"

static int list(struct state_cmd *c)
{
	struct listing l;
	int rc;

	listing_open(&l, c, stdout);
	rc = state_sessions(c->view, &c->filter, listing_session, &l);
	return listing_close(&l) || rc < 0 ? CLI_FAILED : CLI_OK;
}

static int judge_flush(struct state_cmd *c)
{
	if (c->all || !filter_is_empty(&c->words))
		return CLI_GO_ON;
	cli_error(&c->cli, "flush: without a filter every session would end; write a filter, "
		  "or --all");
	return CLI_USAGE;
}

struct flush {
	const struct state_cmd *c;
	__u32 n;
};

static int end_one(const struct session_info *s, void *ctx)
{
	struct flush *f = ctx;
	int rc = state_session_end(f->c->view, s);

	if (rc < 0)
		return rc;
	f->n += (__u32)rc;
	return 0;
}

static int flush(struct state_cmd *c)
{
	struct flush f = { .c = c };
	int rc = state_sessions(c->view, &c->filter, end_one, &f);

	if (say_number(c, "ended", "session", f.n))
		return CLI_FAILED;
	if (!rc)
		return CLI_OK;
	cli_error(&c->cli, "flush: the program n64_state does not answer: %s", strerror(-rc));
	return CLI_FAILED;
}

static const struct state_verb verbs[] = {
	{ "list", VERB_FILTER | VERB_LIST, 0, 0, "session list [FILTER...]", NULL, list },
	{ "flush", VERB_FILTER | VERB_ALL, 0, 0, "session flush FILTER...", judge_flush, flush },
	{ 0 },
};

int cmd_session(int argc, char **argv)
{
	struct state_cmd c = { .of = FILTER_SESSIONS };
	struct filter_words *w = &c.words;
	const struct cli_opt extra[] = {
		{ "address", 0, "A[/LEN]", "of this IPv4 pool address, or IPv6 host (prefix)",
		  NULL, &w->address },
		{ "prefix", 0, "PREFIX", "of this subscriber: an IPv6 prefix", NULL, &w->prefix },
		{ "protocol", 0, "tcp|udp|icmp", "of this protocol", NULL, &w->protocol },
		{ "port", 0, "N[-M]", "of these ports of the pool address", NULL, &w->port },
		{ "port6", 0, "N[-M]", "of these ports of the IPv6 host", NULL, &w->port6 },
		{ "remote", 0, "A[/LEN]", "with this IPv4 peer", NULL, &w->remote },
		{ "remote-port", 0, "N[-M]", "with these ports of the peer", NULL,
		  &w->remote_port },
		{ "state", 0, "STATE", "in this state: v4-init, v6-init, established, "
		  "v4-fin-rcv, ...", NULL, &w->state },
		{ "older", 0, "S", "idle for at least S seconds", NULL, &w->older },
		{ "expires", 0, "S", "that end within S seconds", NULL, &w->expires },
		{ "limit", 0, "N", "list: at most N", NULL, &c.limit_word },
		{ "count", 0, NULL, "list: only how many", &c.count, NULL },
		{ "all", 0, NULL, "flush: all, without a filter", &c.all, NULL },
		{ 0 },
	};

	return state_cmd_run(&c, argc, argv, extra, verbs);
}

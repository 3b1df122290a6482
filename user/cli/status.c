/* SPDX-License-Identifier: GPL-2.0-only */
/* status: health first, then what is attached and what it did. */
#include <stdio.h>
#include <string.h>
#include <linux/if_link.h>

#include "cli.h"
#include "dataplane/health.h"
#include "dataplane/place.h"
#include "output/output.h"
#include "status_state.h"
#include "status_stateless.h"

struct report {
	struct attachment a;
	struct policy pol;
	bool has_policy;
	struct counters counters;
	bool has_counters;
	struct pool_use use;
	struct health health;
};

static int gather(struct report *r, const char *wanted, struct config_error *err)
{
	char name[N64_NAME_MAX + 1];
	int rc = place_choose(wanted, name, err);

	memset(r, 0, sizeof(*r));
	if (!rc)
		rc = bpffs_check(NULL, err);
	if (!rc)
		rc = attachment_load(&r->a, name, "status", err);
	if (rc)
		return rc;
	r->has_policy = !policy_load(&r->pol, r->a.state.path.policy);
	r->has_counters = !counters_read(&r->a.state, &r->a.ports, &r->counters);
	rc = pool_use_read(&r->a, &r->use);
	if (rc) /* what is pinned is told by health_devices */
		memset(&r->use, 0, sizeof(r->use));
	health_check(&r->a, r->has_policy ? &r->pol.conf : NULL,
		     r->has_counters ? &r->counters : NULL, &r->use, &r->health);
	return 0;
}

static void release(struct report *r)
{
	if (r->has_policy)
		policy_free(&r->pol);
	pool_use_free(&r->use);
	attachment_close(&r->a);
}

static void show_health(json_t *root, const struct health *h)
{
	json_t *t, *row;
	unsigned int i;

	out_str(root, "health", "%s", h->n_bad ? "bad" : h->n ? "ok, with notes" : "ok");
	t = out_table(root, "problems");
	for (i = 0; i < h->n; i++) {
		row = out_row(t);
		out_str(row, "level", "%s", h->v[i].bad ? "bad" : "note");
		out_str(row, "problem", "%s", h->v[i].what);
		out_str(row, "remedy", "%s", h->v[i].remedy);
	}
}

static const char *mode_of(__u8 xdp_mode)
{
	switch (xdp_mode) {
	case XDP_ATTACHED_DRV:
		return "native";
	case XDP_ATTACHED_SKB:
		return "skb";
	case XDP_ATTACHED_HW:
		return "hw";
	case XDP_ATTACHED_MULTI:
		return "several";
	default:
		return "none";
	}
}

static const char *translate_of(__u32 flags)
{
	switch (flags & (PORT_6TO4 | PORT_4TO6)) {
	case PORT_6TO4 | PORT_4TO6:
		return "both";
	case PORT_6TO4:
		return "6to4";
	case PORT_4TO6:
		return "4to6";
	default:
		return "none";
	}
}

static void show_device(const struct report *r, json_t *t, const char *name, __u32 ifindex,
			const char *role, const char *translate)
{
	const struct link *d = link_by_index(&r->a.links, ifindex);
	char prog[PROG_TEXT];
	json_t *row = out_row(t);

	out_str(row, "name", "%s", d ? d->name : name); /* it may have been renamed */
	out_int(row, "ifindex", ifindex);
	out_str(row, "role", "%s", role);
	if (!d) {
		out_null(row, "xdp");
		out_null(row, "program");
		out_null(row, "mtu");
	} else {
		out_str(row, "xdp", "%s", mode_of(d->xdp_mode));
		out_str(row, "program", "%s", d->xdp_id ? prog_text(d->xdp_id, prog) : "none");
		out_int(row, "mtu", d->mtu);
	}
	out_str(row, "translate", "%s", translate);
}

static void show_devices(json_t *root, const struct report *r)
{
	json_t *t = out_table(root, "interfaces");
	__u32 i;

	for (i = 0; i < r->a.ports.n; i++)
		show_device(r, t, r->a.ports.v[i].name, r->a.ports.ifindex[i], "port",
			    translate_of(r->a.ports.v[i].flags));
	show_device(r, t, r->a.state.path.xlat, r->a.pair.xlat, "translator", "both");
	show_device(r, t, r->a.state.path.kernel, r->a.pair.kernel, "kernel", "none");
}

static void show_worker(json_t *root, const struct health *h)
{
	json_t *s = out_section(root, "worker");

	out_bool(s, "alive", h->worker != 0);
	if (h->worker)
		out_int(s, "pid", h->worker);
	else
		out_null(s, "pid");
	if (h->beat_ms >= 0)
		out_int(s, "last_beat_ms", h->beat_ms);
	else
		out_null(s, "last_beat_ms");
}

static void show_policy(json_t *root, const struct report *r)
{
	json_t *list = out_list(root, "pref64");
	char text[PREFIX_TEXT];
	__u32 i;

	if (!r->has_policy)
		return;
	for (i = 0; i < r->pol.conf.n_pref64; i++) {
		struct prefix6 p = { r->pol.conf.pref64[i].prefix,
				     (__u8)r->pol.conf.pref64[i].len };

		if (!p.len)
			continue; /* it left with a reload */
		out_item(list, "%s", prefix6_text(&p, text));
	}
	out_int(root, "ipv4_rules", (long long)r->pol.n4);
	out_int(root, "ipv6_rules", (long long)r->pol.n6);
	out_int(root, "proxy_arp_addresses", r->health.n_proxy);
}

static void show_traffic(json_t *root, const struct report *r)
{
	json_t *t = out_table(root, "traffic"), *row;
	__u32 i;

	for (i = 0; r->has_counters && i < r->counters.n; i++) {
		const struct stage *s = &r->counters.v[i];

		row = out_row(t);
		out_str(row, "stage", "%s", s->name);
		out_int(row, "in", (long long)s->in.packets);
		out_int(row, "forwarded", (long long)stage_kind_sum(s, KIND_FWD));
		out_int(row, "to_worker", (long long)stage_kind_sum(s, KIND_SLOW));
		out_int(row, "not_ours", (long long)stage_kind_sum(s, KIND_PASS));
		out_int(row, "errors", (long long)stage_kind_sum(s, KIND_ERROR));
		out_int(row, "dropped", (long long)stage_kind_sum(s, KIND_DROP));
	}
}

static int show(const struct report *r, bool json)
{
	json_t *root = json_object();
	int rc;

	out_str(root, "instance", "%s", state_str(&r->a.state, "name"));
	show_health(root, &r->health);
	out_str(root, "mode", "%s", state_str(&r->a.state, "mode"));
	out_str(root, "xdp", "%s", state_str(&r->a.state, "xdp"));
	show_policy(root, r);
	show_devices(root, r);
	show_worker(root, &r->health);
	if (r->use.known && r->has_policy)
		status_state(root, &r->use, &r->pol.conf);
	if (r->has_policy)
		status_stateless(root, &r->pol, json);
	show_traffic(root, r);
	rc = output_print(root, json, stdout);
	json_decref(root);
	return rc ? CLI_FAILED : CLI_OK;
}

/* One line for keepalived and FRR; the exit status is the answer. */
static int show_verdict(const struct health *h, bool json)
{
	unsigned int i;

	if (json) {
		json_t *root = json_object();

		show_health(root, h);
		i = output_print(root, true, stdout) ? 1 : 0;
		json_decref(root);
		return h->n_bad || i ? CLI_FAILED : CLI_OK;
	}
	for (i = 0; i < h->n && h->n_bad; i++) {
		if (h->v[i].bad) {
			printf("bad: %s (%u problem%s); %s\n", h->v[i].what, h->n_bad,
			       h->n_bad == 1 ? "" : "s", h->v[i].remedy);
			break;
		}
	}
	if (!h->n_bad)
		puts("ok");
	return h->n_bad ? CLI_FAILED : CLI_OK;
}

int cmd_status(int argc, char **argv)
{
	bool verdict = false;
	const struct cli_opt extra[] = {
		{ "health", 0, NULL, "one line and an exit status: 0 well, 1 not", &verdict, NULL },
		{ 0 },
	};
	struct config_error err;
	struct report r;
	struct cli cli;
	int rc = cli_parse(&cli, argc, argv, CLI_NAME | CLI_JSON, extra);

	if (rc == CLI_GO_ON) {
		memset(&r, 0, sizeof(r));
		rc = gather(&r, cli.name, &err) ? cli_fail(&cli, &err) :
		     verdict			? show_verdict(&r.health, cli.json) :
						  show(&r, cli.json);
		release(&r);
	}
	cli_free(&cli);
	return rc;
}

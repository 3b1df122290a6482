/* SPDX-License-Identifier: GPL-2.0-only */
/* stats: how packets left each stage, and whether the sums of GEN-10 hold. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "dataplane/counters.h"
#include "dataplane/instance.h"
#include "dataplane/place.h"
#include "output/output.h"

static void show_stage(json_t *root, const struct stage *s, bool all)
{
	json_t *section = out_section(root, s->name), *t, *row;
	unsigned int r;

	out_int(section, "in_packets", (long long)s->in.packets);
	out_int(section, "in_bytes", (long long)s->in.bytes);
	t = out_table(section, "reasons");
	for (r = 0; r < N_REASONS; r++) {
		if (!s->by[r].packets && (!all || r == R_GO_ON))
			continue;
		row = out_row(t);
		out_str(row, "reason", "%s", reason_name((enum reason)r));
		out_str(row, "kind", "%s", reason_kind_name(reason_kind((enum reason)r)));
		out_int(row, "packets", (long long)s->by[r].packets);
		out_int(row, "bytes", (long long)s->by[r].bytes);
		out_str(row, "meaning", "%s", reason_text((enum reason)r));
	}
}

/* What was handed over and neither received nor counted as lost. */
static long long unaccounted(const struct handover *h)
{
	long long overflow = (long long)h->overflow;

	return h->missing > overflow ? h->missing - overflow : h->missing < 0 ? h->missing : 0;
}

static void show_handover(json_t *root, const struct handover *h)
{
	json_t *s = out_section(root, "to_the_worker");

	out_int(s, "handed_over", (long long)h->handed_over);
	out_int(s, "received", (long long)h->received);
	out_int(s, "ring_drops", (long long)h->ring_drops);
	out_int(s, "overflow", (long long)h->overflow);
	out_int(s, "left_the_worker", (long long)(h->worker_in - h->held));
	out_int(s, "held", (long long)h->held);
	out_int(s, "unaccounted", unaccounted(h));
	out_int(s, "in_flight", (long long)h->in_flight);
	out_bool(s, "sums_hold", h->holds);
}

static int show(const char *wanted, bool all, bool json, struct config_error *err)
{
	char name[N64_NAME_MAX + 1];
	struct attachment a = { 0 };
	struct counters c;
	struct handover h;
	json_t *root, *stages;
	__u32 i;
	int rc = place_choose(wanted, name, err);

	if (!rc)
		rc = bpffs_check(NULL, err);
	if (!rc)
		rc = attachment_load(&a, name, "stats", err);
	if (!rc) {
		rc = counters_settle(&a.state, &a.ports, &c, &h);
		if (rc)
			report_error(err, rc,
				     "the counters in %s cannot be read: %s", a.state.path.pin,
				     strerror(-rc));
	}
	if (!rc) {
		root = json_object();
		out_str(root, "instance", "%s", name);
		stages = out_section(root, "stages");
		for (i = 0; i < c.n; i++)
			show_stage(stages, &c.v[i], all);
		show_handover(root, &h);
		output_print(root, json, stdout);
		json_decref(root);
	}
	attachment_close(&a);
	return rc;
}

int cmd_stats(int argc, char **argv)
{
	bool all = false;
	const struct cli_opt extra[] = {
		{ "all", 0, NULL, "counters that are zero too", &all, NULL },
		{ 0 },
	};
	struct config_error err;
	struct cli cli;
	int rc = cli_parse(&cli, argc, argv, CLI_NAME | CLI_JSON, extra);

	if (rc == CLI_GO_ON)
		rc = show(cli.name, all, cli.json, &err) ? cli_fail(&cli, &err) : CLI_OK;
	cli_free(&cli);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* `mapping save` and `mapping restore`: the addresses of hosts in mode dynamic over a
 * restart (DYN-06). A file of JSON, written beside and moved, so that it is never half. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "config/policy.h"
#include "dataplane/instance.h"
#include "dynamic.h"
#include "mapping.h"
#include "output/output.h"

#define VERSION 1
#define PATH_TEXT 512

static int judge_mode(const struct state_cmd *c)
{
	if (conf_is_dynamic(&c->view->conf))
		return CLI_GO_ON;
	cli_error(&c->cli, "%s: instance '%s' is in mode stateful; only the mappings of mode "
		  "dynamic are kept in files", c->verb, c->name);
	return CLI_FAILED;
}

static int file_error(const struct state_cmd *c, const char *what, const char *path, int rc)
{
	cli_error(&c->cli, "%s: cannot %s %s: %s; nothing was changed", c->verb, what, path,
		  strerror(-rc));
	return CLI_FAILED;
}

/* ---- save -------------------------------------------------------------------------- */

struct saving {
	FILE *f;
	__u32 n;
};

static int save_one(const struct mapping_info *m, void *ctx)
{
	struct saving *s = ctx;
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN];

	if (m->kind != MAPPING_DYNAMIC)
		return 0; /* static ones come from the configuration */
	inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
	inet_ntop(AF_INET6, &m->host6, v6, sizeof(v6));
	fprintf(s->f, "%s\n    {\"ipv4\": \"%s\", \"ipv6\": \"%s\", \"expires_s\": %u}",
		s->n++ ? "," : "", v4, v6, m->left);
	return ferror(s->f) ? -EIO : 0;
}

static int write_file(struct state_cmd *c, const char *path, struct saving *s)
{
	int rc;

	s->f = fopen(path, "we");
	if (!s->f)
		return -errno;
	fprintf(s->f, "{\n  \"xdp_nat64_hosts\": %d,\n  \"mappings\": [", VERSION);
	rc = state_mappings(c->view, &c->filter, save_one, s);
	fputs("\n  ]\n}\n", s->f);
	if (!rc && (fflush(s->f) || fsync(fileno(s->f))))
		rc = -errno;
	if (fclose(s->f) && !rc)
		rc = -errno;
	return rc;
}

int mapping_save(struct state_cmd *c)
{
	const char *path = c->operand[0];
	struct saving s = { .n = 0 };
	char temporary[PATH_TEXT];
	int rc = judge_mode(c);

	if (rc != CLI_GO_ON)
		return rc;
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return file_error(c, "write", path, -ENAMETOOLONG);
	rc = write_file(c, temporary, &s);
	if (!rc && rename(temporary, path))
		rc = -errno;
	if (rc) {
		unlink(temporary);
		return file_error(c, "write", path, rc);
	}
	return say_number(c, "saved", "mapping", s.n) ? CLI_FAILED : CLI_OK;
}

/* ---- restore ----------------------------------------------------------------------- */

/* One row of the file; false: it is not of the form. */
static bool read_row(const json_t *row, struct n64_call *call)
{
	const char *v4 = json_string_value(json_object_get(row, "ipv4"));
	const char *v6 = json_string_value(json_object_get(row, "ipv6"));
	const json_t *left = json_object_get(row, "expires_s");

	*call = (struct n64_call){ .op = CALL_STATIC_ADD, .flags = CALL_RESTORE, .proto = ST_HOST };
	if (!v4 || !v6 || !json_is_integer(left) || json_integer_value(left) < 0 ||
	    json_integer_value(left) > 0x7fffffff)
		return false;
	call->n = (__u32)json_integer_value(left);
	return inet_pton(AF_INET, v4, &call->addr4) == 1 &&
	       inet_pton(AF_INET6, v6, &call->host6) == 1;
}

/* All rows are judged before the first is used. */
static int read_file(const struct state_cmd *c, const char *path, json_t **root, json_t **rows)
{
	struct n64_call call;
	json_error_t why;
	size_t i;

	*root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	*rows = json_object_get(*root, "mappings");
	if (!*root) {
		cli_error(&c->cli, "restore: cannot read %s (line %d: %s); nothing was changed",
			  path, why.line, why.text);
		return CLI_FAILED;
	}
	if (json_integer_value(json_object_get(*root, "xdp_nat64_hosts")) != VERSION ||
	    !json_is_array(*rows)) {
		cli_error(&c->cli, "restore: %s is not what mapping save of this version writes; "
			  "nothing was changed", path);
		return CLI_FAILED;
	}
	for (i = 0; i < json_array_size(*rows); i++) {
		if (read_row(json_array_get(*rows, i), &call))
			continue;
		cli_error(&c->cli, "restore: %s: mapping %zu is not of two addresses and a number "
			  "of seconds; nothing was changed", path, i + 1);
		return CLI_FAILED;
	}
	return CLI_GO_ON;
}

/* What the configuration of today says of a mapping of yesterday (DYN-03, ADR-22). */
static bool may_come_back(const struct policy *pol, const struct n64_call *call)
{
	const struct n64_pol6 *allowed = policy_find6(pol, &call->host6);

	return allowed && allowed->flags & POL_ALLOW && !src6_is_illegal(&call->host6) &&
	       pref64_find(&pol->conf, &call->host6) < 0;
}

static int restore_all(const struct state_cmd *c, const struct policy *pol, const json_t *rows,
		       __u32 *done)
{
	struct n64_call call;
	size_t i;
	int rc = 0;

	for (i = 0; i < json_array_size(rows) && !rc; i++) {
		if (!read_row(json_array_get(rows, i), &call) || !may_come_back(pol, &call))
			continue;
		rc = state_ask(c->view, &call);
		*done += !rc && call.reason == R_GO_ON;
	}
	return rc;
}

static int say_restored(const struct state_cmd *c, __u32 done, __u32 all)
{
	json_t *root;
	int rc;

	if (!c->cli.json && done == all)
		return say_number(c, "restored", "mapping", done);
	if (!c->cli.json)
		return printf("restored %u of %u mappings; the others are not allowed any more, or "
			      "their address or host has another by now\n", done, all) < 0;
	root = json_object();
	out_int(root, "restored", done);
	out_int(root, "left_out", all - done);
	rc = output_print(root, true, stdout);
	json_decref(root);
	return rc;
}

int mapping_restore(struct state_cmd *c)
{
	json_t *root = NULL, *rows = NULL;
	struct instance_paths path;
	struct policy pol;
	__u32 done = 0;
	int rc = judge_mode(c);

	if (rc == CLI_GO_ON)
		rc = read_file(c, c->operand[0], &root, &rows);
	if (rc != CLI_GO_ON) {
		json_decref(root);
		return rc;
	}
	instance_paths(c->name, &path);
	rc = policy_load(&pol, path.policy);
	if (rc) {
		json_decref(root);
		return file_error(c, "read", path.policy, rc);
	}
	rc = restore_all(c, &pol, rows, &done);
	policy_free(&pol);
	if (rc)
		rc = mapping_no_answer(c, rc);
	else
		rc = say_restored(c, done, (__u32)json_array_size(rows)) ? CLI_FAILED : CLI_OK;
	json_decref(root);
	return rc;
}

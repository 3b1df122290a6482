/* SPDX-License-Identifier: GPL-2.0-only */
/* Static mappings of the configuration (ST-04). */
#include "statics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "dynamic.h"

#define KEY "statics"	/* in state.json */
#define STATIC_WORDS 96

static bool is_same(const struct static_entry *a, const struct static_entry *b)
{
	return a->proto == b->proto && a->addr4 == b->addr4 && a->port4 == b->port4 &&
	       a->port6 == b->port6 && !memcmp(&a->addr6, &b->addr6, sizeof(a->addr6));
}

static bool among(const struct static_entry *e, const struct static_entry *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_same(e, &v[i]))
			return true;
	}
	return false;
}

/* ---- the journal ------------------------------------------------------------ */

static json_t *to_json(const struct static_entry *e)
{
	char a4[INET_ADDRSTRLEN], a6[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &e->addr4, a4, sizeof(a4));
	inet_ntop(AF_INET6, &e->addr6, a6, sizeof(a6));
	return json_pack("{s:s, s:s, s:i, s:s, s:i, s:b}", "protocol", st_proto_text(e->proto),
			 "ipv4", a4, "port4", e->port4, "ipv6", a6, "port6", e->port6, "host",
			 e->host);
}

static bool of_json(const json_t *row, struct static_entry *e)
{
	const char *a4 = json_string_value(json_object_get(row, "ipv4"));
	const char *a6 = json_string_value(json_object_get(row, "ipv6"));
	const char *proto = json_string_value(json_object_get(row, "protocol"));

	memset(e, 0, sizeof(*e));
	e->host = json_is_true(json_object_get(row, "host"));
	e->port4 = (__u16)json_integer_value(json_object_get(row, "port4"));
	e->port6 = (__u16)json_integer_value(json_object_get(row, "port6"));
	while (proto && e->proto < N_ST_PROTOS && strcmp(st_proto_text(e->proto), proto))
		e->proto++;
	return proto && e->proto < N_ST_PROTOS && a4 && a6 &&
	       inet_pton(AF_INET, a4, &e->addr4) == 1 && inet_pton(AF_INET6, a6, &e->addr6) == 1;
}

static int read_journal(const struct state *s, struct static_entry **v, size_t *n)
{
	const json_t *list = json_object_get(s->doc, KEY);
	size_t i;

	*n = 0;
	*v = calloc(json_array_size(list) + 1, sizeof(**v));
	if (!*v)
		return -ENOMEM;
	for (i = 0; i < json_array_size(list); i++)
		*n += of_json(json_array_get(list, i), &(*v)[*n]);
	return 0;
}

static int write_journal(struct state *s, const struct static_entry *v, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++) {
		if (json_array_append_new(list, to_json(&v[i]))) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	return json_object_set_new(s->doc, KEY, list) ? -ENOMEM : 0;
}

/* ---- the state --------------------------------------------------------------- */

static int slot_of(const struct pool_maps *m, __be32 addr)
{
	struct n64_slot *slot = calloc(N64_MAX_SLOTS, sizeof(*slot));
	int i, found = -ENOENT;

	if (!slot)
		return -ENOMEM;
	if (!pool_slots_read(m, slot)) {
		for (i = 0; i < N64_MAX_SLOTS && found < 0; i++)
			if (slot[i].flags & SLOT_USED && slot[i].addr == addr)
				found = i;
	}
	free(slot);
	return found;
}

/* The record of this very static mapping: its index and ctl. */
static bool find_record(const struct pool_maps *m, const struct static_entry *e, __u32 *index,
			__u64 *ctl)
{
	int slot = slot_of(m, e->host ? host_block(e->addr4) : e->addr4);
	struct n64_binding b;
	__u32 row;

	if (slot < 0)
		return false;
	row = row_of((__u32)slot, (enum st_proto)e->proto);
	if (pool_binding_read(m, row, e->port4, &b) || ctl_state(b.ctl) != CTL_ACTIVE ||
	    !(b.ctl & CTL_STATIC) || b.port6 != be16(e->port6) ||
	    memcmp(&b.host6, &e->addr6, sizeof(b.host6)))
		return false;
	*index = binding_index(row, e->port4);
	*ctl = b.ctl;
	return true;
}

static bool remove_one(const struct pool_maps *m, const struct static_entry *e)
{
	struct n64_call call = { .op = CALL_DEL };

	return find_record(m, e, &call.binding, &call.ctl) && !pool_call(m->call, &call) && call.n;
}

/* "tcp 192.0.2.1:443 OF [2001:db8::5]:443", or "10.0.1.5 OF fc00::5". */
static const char *static_words(const struct static_entry *e, const char *of,
				char buf[STATIC_WORDS])
{
	char a4[INET_ADDRSTRLEN], a6[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &e->addr4, a4, sizeof(a4));
	inet_ntop(AF_INET6, &e->addr6, a6, sizeof(a6));
	if (e->host)
		snprintf(buf, STATIC_WORDS, "%s %s %s", a4, of, a6);
	else
		snprintf(buf, STATIC_WORDS, "%s %s:%u %s [%s]:%u", st_proto_text(e->proto), a4,
			 e->port4, of, a6, e->port6);
	return buf;
}

static int refuse(const struct static_entry *e, const struct n64_call *call,
		  struct config_error *err)
{
	const struct static_entry other = {
		.proto = e->proto, .addr4 = call->addr4, .addr6 = call->host6,
		.port4 = host16(call->port4), .port6 = host16(call->port6), .host = e->host,
	};
	char mine[STATIC_WORDS], its[STATIC_WORDS];

	if (call->reason != R_static_conflict)
		return report_error(err, -EIO,
				    "static: %s cannot be made (%s); nothing was "
				    "changed; is one of the tables full? see: xdp-nat64 status",
				    static_words(e, "for", mine),
				    call->reason < N_REASONS ? reason_name(call->reason) : "?");
	return report_error(err, -EEXIST,
			    "static: %s is in conflict with the mapping %s; nothing was changed; "
			    "wait for its end, or end it with --force",
			    static_words(e, "for", mine), static_words(&other, "of", its));
}

static int add_one(const struct pool_maps *m, const struct static_entry *e, bool force,
		   struct config_error *err)
{
	struct n64_call call = { .op = CALL_STATIC_ADD, .flags = force ? CALL_FORCE : 0,
				 .proto = e->proto, .host6 = e->addr6, .addr4 = e->addr4,
				 .port4 = be16(e->port4), .port6 = be16(e->port6) };
	int rc = pool_call(m->call, &call);

	if (rc)
		return report_error(err, rc, "the program n64_state cannot be asked: %s",
				    strerror(-rc));
	return call.reason == R_GO_ON ? 0 : refuse(e, &call, err);
}

/* ---- both ---------------------------------------------------------------------- */

void statics_free(struct statics_change *done)
{
	free(done->removed);
	free(done->added);
	memset(done, 0, sizeof(*done));
}

static void take_back(const struct pool_maps *m, struct statics_change *done)
{
	struct config_error ignored;
	size_t i;

	for (i = done->n_added; i-- > 0;)
		remove_one(m, &done->added[i]);
	for (i = done->n_removed; i-- > 0;)
		add_one(m, &done->removed[i], false, &ignored);
	done->n_added = done->n_removed = 0;
}

/* What goes makes room for what comes: the same port may get another host. */
static int change(const struct pool_maps *m, const struct static_entry *old, size_t n_old,
		  const struct config *c, bool force, struct statics_change *done,
		  struct config_error *err)
{
	__u64 ctl;
	__u32 index;
	size_t i;
	int rc = 0;

	for (i = 0; i < n_old; i++) {
		if (!among(&old[i], c->statics.v, c->statics.n) && remove_one(m, &old[i]))
			done->removed[done->n_removed++] = old[i];
	}
	for (i = 0; i < c->statics.n && !rc; i++) {
		const struct static_entry *e = &c->statics.v[i];

		if (find_record(m, e, &index, &ctl))
			continue;
		rc = add_one(m, e, force, err);
		if (!rc)
			done->added[done->n_added++] = *e;
	}
	return rc;
}

int statics_apply(const struct pool_maps *m, struct state *s, const struct config *c, bool force,
		  struct statics_change *done, struct config_error *err)
{
	struct static_entry *old;
	size_t n_old;
	int rc = read_journal(s, &old, &n_old);

	memset(done, 0, sizeof(*done));
	if (!rc) {
		done->removed = calloc(n_old + 1, sizeof(*done->removed));
		done->added = calloc(c->statics.n + 1, sizeof(*done->added));
		rc = done->removed && done->added ? 0 : -ENOMEM;
	}
	if (rc)
		report_error(err, rc, "not enough memory for the static mappings");
	else
		rc = change(m, old, n_old, c, force, done, err);
	if (!rc && write_journal(s, c->statics.v, c->statics.n))
		rc = report_error(err, -ENOMEM, "not enough memory for the static mappings");
	if (rc)
		statics_revert(m, done);
	free(old);
	return rc;
}

void statics_revert(const struct pool_maps *m, struct statics_change *done)
{
	take_back(m, done);
	statics_free(done);
}

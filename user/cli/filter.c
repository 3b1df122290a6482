/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading filters and endpoints, and the words for protocols and states (those of TCP as
 * RFC 6146 3.5.2 names them). */
#include "filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/word.h"

#define PROTO_WORDS "tcp|udp|icmp"
#define KIND_WORDS "dynamic|static|expired"
#define STATE_WORDS "closed|v4-init|v6-init|established|v4-fin-rcv|v6-fin-rcv|" \
		    "v4-fin-v6-fin-rcv|trans|stored-syn|permission"

const char *proto_text(enum st_proto proto)
{
	static const char *const words[N_ST_PROTOS] = { "tcp", "udp", "icmp" };

	return words[proto];
}

const char *mapping_kind_text(enum mapping_kind kind)
{
	static const char *const words[] = { "dynamic", "static", "expired", "free" };

	return words[kind];
}

const char *tcp_state_text(enum tcp_state state)
{
	static const char *const words[N_TCP_STATES] = {
		[TCP_CLOSED] = "closed",
		[TCP_V4_INIT] = "v4-init",
		[TCP_V6_INIT] = "v6-init",
		[TCP_ESTABLISHED] = "established",
		[TCP_V4_FIN_RCV] = "v4-fin-rcv",
		[TCP_V6_FIN_RCV] = "v6-fin-rcv",
		[TCP_V4_V6_FIN] = "v4-fin-v6-fin-rcv",
		[TCP_TRANS] = "trans",
		[TCP_V4_STORED] = "stored-syn",
		[TCP_PERMIT] = "permission",
	};

	return (unsigned int)state < N_TCP_STATES ? words[state] : "?";
}

/* ---- one word -------------------------------------------------------------------- */

static struct word word_of(const char *verb, const char *key, const char *value,
			   struct config_error *err)
{
	return (struct word){ .source = verb, .key = key, .value = value, .err = err };
}

int filter_number(const char *verb, const char *key, const char *value, __u32 *out,
		  struct config_error *err)
{
	struct word w = word_of(verb, key, value, err);

	return word_u32(&w, 0, 0x7fffffff, "31 bits", out);
}

int proto_read(const char *verb, const char *value, enum st_proto *out, struct config_error *err)
{
	struct word w = word_of(verb, "protocol", value, err);
	__u32 proto;
	int rc = word_enum(&w, PROTO_WORDS, &proto);

	if (!rc)
		*out = (enum st_proto)proto;
	return rc;
}

/* 0 to 65535, digits only; false: it is none. */
static bool read_port(const char *s, size_t len, __u16 *out)
{
	__u32 v = 0;

	if (!len || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (__u32)(s[i] - '0');
	}
	*out = (__u16)v;
	return v <= 0xffff;
}

/* N or N-M. */
static int read_ports(const struct word *w, __u16 range[2])
{
	size_t len = strcspn(w->value, "-");
	bool ok = read_port(w->value, len, &range[0]);

	range[1] = range[0];
	if (ok && w->value[len])
		ok = read_port(w->value + len + 1, strlen(w->value + len + 1), &range[1]);
	if (!ok || range[0] > range[1])
		return word_bad(w, "is not a port or a range of ports; write one like 443 or "
				   "1024-2047");
	return 0;
}

/* ---- filters ------------------------------------------------------------------------ */

bool filter_is_empty(const struct filter_words *w)
{
	return !(w->address || w->prefix || w->protocol || w->port || w->port6 || w->state ||
		 w->older || w->expires || w->remote || w->remote_port);
}

static int read_addresses(const struct filter_words *w, const char *verb, struct state_filter *f,
			  struct config_error *err)
{
	struct word address = word_of(verb, "--address", w->address, err);
	struct word prefix = word_of(verb, "--prefix", w->prefix, err);
	struct word remote = word_of(verb, "--remote", w->remote, err);
	bool is6 = w->address && strchr(w->address, ':');
	int rc = 0;

	if (is6 && w->prefix)
		return word_bad(&address, "is not possible beside --prefix, both are of the IPv6 "
					  "side; write one of them");
	if (is6)
		rc = word_prefix6(&address, &f->addr6);
	else if (w->address)
		rc = word_prefix4(&address, &f->addr4);
	if (!rc && w->prefix)
		rc = word_prefix6(&prefix, &f->addr6);
	if (!rc && w->remote)
		rc = word_prefix4(&remote, &f->remote4);
	return rc;
}

static int read_port_words(const struct filter_words *w, const char *verb,
			   struct state_filter *f, struct config_error *err)
{
	const struct {
		const char *key, *value;
		__u16 *range;
	} rows[] = {
		{ "--port", w->port, f->port4 },
		{ "--port6", w->port6, f->port6 },
		{ "--remote-port", w->remote_port, f->remote_port },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !rc; i++) {
		struct word word = word_of(verb, rows[i].key, rows[i].value, err);

		if (rows[i].value)
			rc = read_ports(&word, rows[i].range);
	}
	return rc;
}

static int read_state(const char *value, enum filter_of of, const char *verb,
		      struct state_filter *f, struct config_error *err)
{
	struct word word = word_of(verb, "--state", value, err);
	__u32 n;
	int rc = word_enum(&word, of == FILTER_MAPPINGS ? KIND_WORDS : STATE_WORDS, &n);

	if (rc)
		return rc;
	if (of == FILTER_MAPPINGS)
		f->kinds = 1u << n;
	else
		f->states = 1u << n;
	return 0;
}

int filter_read(const struct filter_words *w, enum filter_of of, const char *verb,
		struct state_filter *f, struct config_error *err)
{
	enum st_proto proto;
	int rc;

	state_filter_init(f);
	rc = read_addresses(w, verb, f, err);
	if (!rc)
		rc = read_port_words(w, verb, f, err);
	if (!rc && w->protocol) {
		rc = proto_read(verb, w->protocol, &proto, err);
		if (!rc)
			f->protos = 1u << proto;
	}
	if (!rc && w->state)
		rc = read_state(w->state, of, verb, f, err);
	if (!rc && w->older)
		rc = filter_number(verb, "--older", w->older, &f->idle_min, err);
	if (!rc && w->expires)
		rc = filter_number(verb, "--expires", w->expires, &f->left_max, err);
	return rc;
}

/* ---- endpoints ------------------------------------------------------------------------ */

static bool read_address(const char *s, size_t len, struct endpoint *e)
{
	char text[INET6_ADDRSTRLEN];

	if (len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	e->fam = strchr(text, ':') ? FAM_6 : FAM_4;
	return e->fam == FAM_6 ? inet_pton(AF_INET6, text, &e->addr6) == 1
			       : inet_pton(AF_INET, text, &e->addr4) == 1;
}

/* What stands where: [V6]:PORT, V4:PORT, or an address alone. */
static bool split_endpoint(const char *value, struct endpoint *e)
{
	const char *end = strchr(value, ']'), *colon = strchr(value, ':');

	memset(e, 0, sizeof(*e));
	if (value[0] == '[') {
		if (!end || !read_address(value + 1, (size_t)(end - value - 1), e) ||
		    e->fam != FAM_6)
			return false;
		if (!end[1])
			return true;
		colon = end + 1;
	} else {
		if (!colon || strchr(colon + 1, ':'))
			return read_address(value, strlen(value), e);
		if (!read_address(value, (size_t)(colon - value), e))
			return false;
	}
	e->has_port = true;
	return *colon == ':' && read_port(colon + 1, strlen(colon + 1), &e->port);
}

int endpoint_read(const char *verb, const char *key, const char *form, const char *value,
		  struct endpoint *e, struct config_error *err)
{
	struct word w = word_of(verb, key, value, err);

	if (!split_endpoint(value, e))
		return word_bad(&w, "is not an address with a port; write %s", form);
	return 0;
}

const char *endpoint4_text(__be32 addr, __u16 port, char buf[ENDPOINT_TEXT])
{
	const __u8 *b = (const __u8 *)&addr;

	/* inet_ntop costs as much as all else in a row of a long list */
	snprintf(buf, ENDPOINT_TEXT, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3], port);
	return buf;
}

const char *endpoint6_text(const struct addr6 *addr, __u16 port, char buf[ENDPOINT_TEXT])
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, addr, text, sizeof(text));
	snprintf(buf, ENDPOINT_TEXT, "[%s]:%u", text, port);
	return buf;
}

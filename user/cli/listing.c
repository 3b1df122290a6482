/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of mappings and sessions, as text in columns or as one JSON array. A million rows
 * go through here, so each is put together once and nothing is kept. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "addr.h"
#include "state_cmd.h"

#define ROW_TEXT 512
#define BUFFER (1 << 18)

void listing_open(struct listing *l, const struct state_cmd *c, FILE *f)
{
	static char buffer[BUFFER];

	memset(l, 0, sizeof(*l));
	l->f = f;
	l->json = c->cli.json;
	l->count = c->count;
	l->limit = c->limit;
	l->conf = &c->view->conf;
	l->several = l->conf->n_pref64 > 1;
	setvbuf(f, buffer, _IOFBF, sizeof(buffer));
}

const char *pref64_text(const struct n64_conf *conf, __u32 pref, char buf[PREFIX_TEXT])
{
	struct prefix6 p;

	buf[0] = '\0';
	if (!pref64_exists(conf, pref))
		return buf;
	p = (struct prefix6){ conf->pref64[pref].prefix, (__u8)conf->pref64[pref].len };
	return prefix6_text(&p, buf);
}

/* A number, or what stands for none. */
static const char *age_text(__u32 seconds, bool known, const char *none, char buf[16])
{
	if (!known || seconds == AGE_UNKNOWN)
		return none;
	snprintf(buf, 16, "%u", seconds);
	return buf;
}

/* 0, 1 when that was the last one wanted. */
static int put_row(struct listing *l, const char *head, const char *row)
{
	if (l->n >= l->limit)
		return 1;
	l->n++;
	if (l->count)
		return l->n >= l->limit;
	if (l->json)
		fputs(l->n == 1 ? "[\n" : ",\n", l->f);
	else if (l->n == 1)
		fputs(head, l->f);
	fputs(row, l->f);
	if (ferror(l->f))
		return -EIO;
	return l->n >= l->limit;
}

int listing_close(struct listing *l)
{
	if (l->count)
		fprintf(l->f, l->json ? "{\n  \"count\": %u\n}\n" : "%u\n", l->n);
	else if (l->json)
		fputs(l->n ? "\n]\n" : "[]\n", l->f);
	else if (!l->n)
		fputs("none\n", l->f);
	return fflush(l->f) || ferror(l->f) ? -EIO : 0;
}

/* ---- mappings ---------------------------------------------------------------------- */

static void mapping_json(const struct listing *l, const struct mapping_info *m, char *row)
{
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN], pref[PREFIX_TEXT], left[16], idle[16];

	inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
	inet_ntop(AF_INET6, &m->host6, v6, sizeof(v6));
	snprintf(row, ROW_TEXT,
		 "  {\"protocol\": \"%s\", \"ipv4\": \"%s\", \"port4\": %u, \"ipv6\": \"%s\", "
		 "\"port6\": %u, \"pref64\": \"%s\", \"state\": \"%s\", \"expires_s\": %s, "
		 "\"idle_s\": %s}",
		 proto_text(m->proto), v4, m->port4, v6, m->port6,
		 pref64_text(l->conf, m->pref, pref), mapping_kind_text(m->kind),
		 age_text(m->left, m->kind == MAPPING_DYNAMIC, "null", left),
		 age_text(m->idle, true, "null", idle));
}

static void mapping_row(const struct listing *l, const struct mapping_info *m, char *row)
{
	char v4[ENDPOINT_TEXT], v6[ENDPOINT_TEXT], pref[PREFIX_TEXT] = "", left[16], idle[16];

	if (l->several)
		pref64_text(l->conf, m->pref, pref);
	snprintf(row, ROW_TEXT, "%-8s  %-21s  %-7s  %9s  %7s  %*s%s%s\n", proto_text(m->proto),
		 endpoint4_text(m->addr4, m->port4, v4), mapping_kind_text(m->kind),
		 age_text(m->left, m->kind == MAPPING_DYNAMIC, "-", left),
		 age_text(m->idle, true, "-", idle), l->several ? -22 : 0, pref,
		 l->several ? "  " : "", endpoint6_text(&m->host6, m->port6, v6));
}

/* Mode dynamic: without protocol and ports, which a host has all of. */
static void host_json(const struct listing *l, const struct mapping_info *m, char *row)
{
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN], pref[PREFIX_TEXT], left[16], idle[16];

	inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
	inet_ntop(AF_INET6, &m->host6, v6, sizeof(v6));
	snprintf(row, ROW_TEXT, "  {\"ipv4\": \"%s\", \"ipv6\": \"%s\", \"pref64\": \"%s\", "
		 "\"state\": \"%s\", \"expires_s\": %s, \"idle_s\": %s}", v4, v6,
		 pref64_text(l->conf, m->pref, pref), mapping_kind_text(m->kind),
		 age_text(m->left, m->kind == MAPPING_DYNAMIC, "null", left),
		 age_text(m->idle, true, "null", idle));
}

static void host_row(const struct mapping_info *m, char *row)
{
	char v4[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN], left[16], idle[16];

	inet_ntop(AF_INET, &m->addr4, v4, sizeof(v4));
	inet_ntop(AF_INET6, &m->host6, v6, sizeof(v6));
	snprintf(row, ROW_TEXT, "%-15s  %-7s  %9s  %7s  %s\n", v4, mapping_kind_text(m->kind),
		 age_text(m->left, m->kind == MAPPING_DYNAMIC, "-", left),
		 age_text(m->idle, true, "-", idle), v6);
}

static int listing_host(struct listing *l, const struct mapping_info *m)
{
	char row[ROW_TEXT], head[ROW_TEXT];

	row[0] = '\0';
	snprintf(head, sizeof(head), "%-15s  %-7s  %9s  %7s  %s\n", "ipv4", "state", "expires s",
		 "idle s", "ipv6");
	if (l->json)
		host_json(l, m, row);
	else if (!l->count)
		host_row(m, row);
	return put_row(l, head, row);
}

int listing_mapping(const struct mapping_info *m, void *listing)
{
	struct listing *l = listing;
	char row[ROW_TEXT], head[ROW_TEXT];

	if (m->host)
		return listing_host(l, m);
	row[0] = '\0';
	snprintf(head, sizeof(head), "%-8s  %-21s  %-7s  %9s  %7s  %*s%s%s\n", "protocol", "ipv4",
		 "state", "expires s", "idle s", l->several ? -22 : 0, l->several ? "pref64" : "",
		 l->several ? "  " : "", "ipv6");
	if (l->json)
		mapping_json(l, m, row);
	else if (!l->count)
		mapping_row(l, m, row);
	return put_row(l, head, row);
}

/* ---- sessions ---------------------------------------------------------------------- */

static void session_json(const struct session_info *s, char *row)
{
	char v4[INET_ADDRSTRLEN], remote[INET_ADDRSTRLEN], v6[INET6_ADDRSTRLEN + 2] = "null";
	char port6[8] = "null", port[8] = "null", idle[16];

	inet_ntop(AF_INET, &s->map.addr4, v4, sizeof(v4));
	inet_ntop(AF_INET, &s->remote4, remote, sizeof(remote));
	if (s->map.kind != MAPPING_FREE) {
		inet_ntop(AF_INET6, &s->map.host6, v6 + 1, sizeof(v6) - 2);
		v6[0] = '"';
		strcat(v6, "\"");
		snprintf(port6, sizeof(port6), "%u", s->map.port6);
	}
	if (s->state != TCP_PERMIT)
		snprintf(port, sizeof(port), "%u", s->remote_port);
	snprintf(row, ROW_TEXT,
		 "  {\"protocol\": \"%s\", \"ipv4\": \"%s\", \"port4\": %u, \"remote4\": \"%s\", "
		 "\"remote_port\": %s, \"ipv6\": %s, \"port6\": %s, \"state\": \"%s\", "
		 "\"expires_s\": %u, \"idle_s\": %s}",
		 proto_text(s->map.proto), v4, s->map.port4, remote, port, v6, port6,
		 tcp_state_text(s->state), s->left, age_text(s->idle, true, "null", idle));
}

static void session_row(const struct session_info *s, char *row)
{
	char v4[ENDPOINT_TEXT], remote[ENDPOINT_TEXT], v6[ENDPOINT_TEXT] = "-", idle[16];

	endpoint4_text(s->remote4, s->remote_port, remote);
	if (s->state == TCP_PERMIT)
		strcpy(strchr(remote, ':') + 1, "*");
	if (s->map.kind != MAPPING_FREE)
		endpoint6_text(&s->map.host6, s->map.port6, v6);
	snprintf(row, ROW_TEXT, "%-8s  %-21s  %-21s  %-17s  %9u  %7s  %s\n",
		 proto_text(s->map.proto), endpoint4_text(s->map.addr4, s->map.port4, v4), remote,
		 tcp_state_text(s->state), s->left, age_text(s->idle, true, "-", idle), v6);
}

int listing_session(const struct session_info *s, void *listing)
{
	struct listing *l = listing;
	char row[ROW_TEXT], head[ROW_TEXT];

	row[0] = '\0';
	snprintf(head, sizeof(head), "%-8s  %-21s  %-21s  %-17s  %9s  %7s  %s\n", "protocol",
		 "ipv4", "remote", "state", "expires s", "idle s", "ipv6");
	if (l->json)
		session_json(s, row);
	else if (!l->count)
		session_row(s, row);
	return put_row(l, head, row);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The rule file of the client shim: its lines, and what they say about a destination. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "destination.h"

#define LINE_MAX_BYTES 512
#define WORDS 4

static const struct n64_pref64 well_known = { { { be32(0x0064ff9b), 0, 0, 0 } }, 96 };

struct place {
	const char *file;
	unsigned int line;
	char *err;
};

static int bad(const struct place *at, const char *word, const char *what)
{
	snprintf(at->err, DEST_ERROR, "%s line %u: '%.60s' %s", at->file, at->line, word, what);
	return -1;
}

/* ---- words --------------------------------------------------------------------- */

static int number(const char *s, unsigned int max, unsigned int *out)
{
	unsigned int n = 0;

	if (!*s || strlen(s) > 5 || strspn(s, "0123456789") != strlen(s))
		return -1;
	for (; *s; s++)
		n = 10 * n + (unsigned int)(*s - '0');
	*out = n;
	return n > max ? -1 : 0;
}

int dest_pref64(const char *word, struct n64_pref64 *out)
{
	const char *slash = strchr(word, '/');
	char text[INET6_ADDRSTRLEN];
	struct n64_pref64 again;
	unsigned int len;

	if (!slash || (size_t)(slash - word) >= sizeof(text) || number(slash + 1, 96, &len) ||
	    !pref64_length_ok(len))
		return -1;
	snprintf(text, sizeof(text), "%.*s", (int)(slash - word), word);
	if (inet_pton(AF_INET6, text, &out->prefix) != 1)
		return -1;
	out->len = len;
	/* no bits behind the prefix, and the u octet is zero (RFC 6052 2.2) */
	again = *out;
	rfc6052_embed(out, 0, &again.prefix);
	if (len == 96 && host32(out->prefix.w[2]) >> 24)
		return -1;
	return addr6_equal(&again.prefix, &out->prefix) ? 0 : -1;
}

static int read_ports(char *text, struct dest_rule *rule)
{
	char *rest;

	for (char *one = strtok_r(text, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
		char *dash = strchr(one, '-');
		unsigned int from, to;

		if (dash)
			*dash++ = '\0';
		if (rule->n_ports == DEST_PORTS || number(one, 65535, &from) ||
		    number(dash ? dash : one, 65535, &to) || from > to)
			return -1;
		rule->ports[rule->n_ports++] = (struct dest_ports){ (__u16)from, (__u16)to };
	}
	return rule->n_ports ? 0 : -1;
}

/* NET/LEN, or an address; with `ports` also :PORTS behind it. */
static int read_net(const struct place *at, const char *word, bool ports, struct dest_rule *rule)
{
	char text[LINE_MAX_BYTES], *slash, *colon;
	unsigned int len = 32;

	snprintf(text, sizeof(text), "%s", word);
	colon = strchr(text, ':');
	if (colon) {
		*colon++ = '\0';
		if (!ports || strstr(colon, ",,") || read_ports(colon, rule))
			return bad(at, word, ports
				   ? "has ports that are none; write NET/LEN:80,8000-8999, at "
				     "most 8 ranges"
				   : "cannot have ports here; write local NET/LEN");
	}
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, text, &rule->net) != 1 || (slash && number(slash, 32, &len)))
		return bad(at, word, "is not an IPv4 network; write one like 192.0.2.0/24");
	if (rule->net & ~mask4(len))
		return bad(at, word, "has bits behind its length; write the network's first "
			   "address");
	rule->len = (__u8)len;
	return 0;
}

/* ---- lines ----------------------------------------------------------------------- */

static int read_default(struct dest_rules *r, const struct place *at, const char *word)
{
	if (r->line)
		return bad(at, "default", "is there twice; keep one of the lines");
	r->line = at->line;
	if (!strcmp(word, "discover"))
		r->otherwise = DEST_DISCOVER;
	else if (!strcmp(word, "none"))
		r->otherwise = DEST_NONE;
	else if (!dest_pref64(word, &r->pref))
		r->otherwise = DEST_PREFIX;
	else
		return bad(at, word, "is no default; write discover, none, or a prefix of length "
			   "32, 40, 48, 56, 64 or 96 like 64:ff9b::/96");
	return 0;
}

static int read_rule(struct dest_rules *r, const struct place *at, char **word, int n)
{
	struct dest_rule *rule = &r->rule[r->n];

	if (r->n == DEST_RULES)
		return bad(at, word[0], "is one line too many; at most 256 are possible");
	memset(rule, 0, sizeof(*rule));
	rule->local = !strcmp(word[0], "local");
	rule->line = at->line;
	if (n != (rule->local ? 2 : 3))
		return bad(at, word[0], rule->local ? "needs one network; write local NET/LEN"
			   : "needs a network and a prefix; write path NET/LEN[:PORTS] PREFIX");
	if (read_net(at, word[1], !rule->local, rule))
		return -1;
	if (!rule->local && dest_pref64(word[2], &rule->pref))
		return bad(at, word[2], "is not a NAT64 prefix; write one of length 32, 40, 48, "
			   "56, 64 or 96 with nothing behind it, like 2001:db8:64::/96");
	r->n++;
	return 0;
}

static int read_line(struct dest_rules *r, const struct place *at, char *text)
{
	char *word[WORDS], *rest;
	int n = 0;

	text[strcspn(text, "#")] = '\0';
	for (char *w = strtok_r(text, " \t\r", &rest); w; w = strtok_r(NULL, " \t\r", &rest)) {
		if (n == WORDS - 1)
			return bad(at, w, "is one word too many; write local NET/LEN, "
				   "path NET/LEN[:PORTS] PREFIX or default PREFIX");
		word[n++] = w;
	}
	if (!n)
		return 0;
	if (!strcmp(word[0], "local") || !strcmp(word[0], "path"))
		return read_rule(r, at, word, n);
	if (strcmp(word[0], "default"))
		return bad(at, word[0], "is not a rule; write local, path or default");
	if (n != 2)
		return bad(at, word[0], "needs one word; write discover, none or a prefix");
	return read_default(r, at, word[1]);
}

void dest_init(struct dest_rules *r)
{
	memset(r, 0, sizeof(*r));
	r->otherwise = DEST_DISCOVER;
}

int dest_read(struct dest_rules *r, const char *file, const char *text, char err[DEST_ERROR])
{
	struct place at = { file, 0, err };

	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[LINE_MAX_BYTES];

		at.line++;
		if (len >= sizeof(line))
			return bad(&at, "", "is longer than 511 bytes; shorten it");
		memcpy(line, text, len);
		line[len] = '\0';
		if (read_line(r, &at, line))
			return -1;
		text += len + (text[len] == '\n');
	}
	return 0;
}

/* ---- choosing ---------------------------------------------------------------------- */

/* Never leaves this host or this link, or cannot be translated. */
static bool is_host(__be32 a)
{
	return dst4_is_illegal(a) || addr4_is_multicast(a) ||
	       prefix4_contains(IP4(169, 254, 0, 0), 16, a);
}

static bool fits(const struct dest_rule *rule, __be32 addr, __u16 port)
{
	if (!prefix4_contains(rule->net, rule->len, addr))
		return false;
	for (unsigned int i = 0; i < rule->n_ports; i++)
		if (port >= rule->ports[i].from && port <= rule->ports[i].to)
			return true;
	return !rule->n_ports;
}

static struct dest_choice by_default(const struct dest_rules *r, dest_discover_fn *discover)
{
	struct dest_choice c = { DEST_WELL_KNOWN, r->line, true, well_known };

	switch (r->otherwise) {
	case DEST_NONE:
		c.why = DEST_NO_PREFIX;
		c.translated = false;
		break;
	case DEST_PREFIX:
		c.why = DEST_DEFAULT;
		c.pref = r->pref;
		break;
	case DEST_DISCOVER:
		if (discover(&c.pref))
			c.why = DEST_DISCOVERED;
		else
			c.pref = well_known;
	}
	return c;
}

struct dest_choice dest_choose(const struct dest_rules *r, __be32 addr, __u16 port,
			       dest_discover_fn *discover)
{
	struct dest_choice c = { .why = DEST_HOST };

	if (is_host(addr))
		return c;
	for (unsigned int i = 0; i < r->n; i++) {
		const struct dest_rule *rule = &r->rule[i];

		if (fits(rule, addr, port))
			return (struct dest_choice){ rule->local ? DEST_LOCAL : DEST_PATH,
						     rule->line, !rule->local, rule->pref };
	}
	c = by_default(r, discover);
	/* ADR-04; who writes the well-known prefix himself knows why */
	if (c.translated && c.why != DEST_DEFAULT && pref64_is_wkp(&c.pref) &&
	    addr4_is_nonglobal(addr))
		c = (struct dest_choice){ .why = DEST_NONGLOBAL };
	return c;
}

bool dest_extract(const struct dest_rules *r, const struct addr6 *a,
		  dest_discover_fn *discover, __be32 *out)
{
	struct dest_choice c;

	for (unsigned int i = 0; i < r->n; i++) {
		const struct n64_pref64 *p = &r->rule[i].pref;

		if (!r->rule[i].local && pref64_contains(p, a)) {
			*out = rfc6052_extract(p->len, a);
			return true;
		}
	}
	c = by_default(r, discover);
	if (!c.translated || !pref64_contains(&c.pref, a))
		return false;
	*out = rfc6052_extract(c.pref.len, a);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets in words, for tables of tests: what goes in and what must come out are
 * written in the same language and compared as bytes.
 *
 *   v4 S4>H4 [ttl= tos= id= df mf off= opt=HEX] L4
 *   v6 H6>S6 [ttl= tos= eh=NH:HEX fh=OFF:M:ID] L4
 *   L4: udp=N  udp=N/WHOLE (a first fragment)  udp0=N (checksum 0)  udplen=N
 *       tcp=N  tcp=N/WHOLE  syn=MSS  echo=N  reply=N  raw=PROTO:N  data=PROTO:AT:N
 *       icmp=TYPE:CODE:WORD:QUOTED [ quoted packet ] ext=N
 *   in front of L4: sport= dport= eid=HEX (of an echo) flags=HEX (of TCP)
 *   lies and damage, at the end: len= ihl= hc ck (checksum off by as much as it
 *   is in the translated packet) cut= pad=
 *
 * Defaults: ttl 64, the rest 0; UDP 53 > 40001, TCP 80 > 40000, echo 1234. Payload
 * bytes are (7 i + 3) mod 256. Names: S4 S6 H4 H6 K4 K6 R4 R6 GW4 GW6 and as6(IPv4
 * address) of config "S"; T, C6, X6, and D6, R4D6, TD6 (of S4, R4, T) of config "P". */
#ifndef N64_PACKET_TEXT_H
#define N64_PACKET_TEXT_H

#include "fake_shell.h"

static const struct {
	const char *name, *text;
} packet_names[] = {
	{ "S4", "198.51.100.10" }, { "S6", "2001:db8:64::198.51.100.10" },
	{ "H4", "192.0.2.33" },	   { "H6", "2001:db8:a::33" },
	{ "K4", "192.0.2.34" },	   { "K6", "2001:db8:b::34" },
	{ "R4", "198.51.100.254" }, { "R6", "2001:db8:dead::1" },
	{ "GW4", "203.0.113.1" },  { "GW6", "2001:db8:ffff::1" },
	{ "R4as6", "2001:db8:64::198.51.100.254" }, { "K4as6", "2001:db8:64::192.0.2.34" },
	{ "H4as6", "2001:db8:64::192.0.2.33" },
	{ "T", "203.0.113.8" },	   { "C6", "2001:db8:c::5" },
	{ "X6", "2001:db8:c::6" }, { "D6", "64:ff9b:1::198.51.100.10" },
	{ "R4D6", "64:ff9b:1::198.51.100.254" }, { "TD6", "64:ff9b:1::203.0.113.8" },
};

struct packet_text {
	enum ip_family fam;
	struct addr6 src, dst;	/* FAM_4: in w[0] */
	unsigned int ttl, tos, id, frag, ihl;
	unsigned int sport, dport, eid, flags; /* 0: the default */
	__u8 opt[40], eh[1024];
	__u32 n_opt, n_eh;
	int first_nh, last_nh;	/* -1; offset of the last Next Header byte in eh */
	__u8 proto;
	__u8 l4[66000];
	__u32 n_l4;
	int len;		/* of the length field, -1: the true one */
	bool bad_hc, bad_ck;
	__u32 cut, pad;
};

static inline struct addr6 packet_addr(enum ip_family fam, const char *word)
{
	for (size_t i = 0; i < sizeof(packet_names) / sizeof(packet_names[0]); i++)
		if (!strcmp(word, packet_names[i].name))
			word = packet_names[i].text;
	if (fam == FAM_6)
		return fake_addr6(word);
	return (struct addr6){ { fake_addr4(word) } };
}

static inline void packet_addrs(struct packet_text *t, char *word)
{
	char *gt = strchr(word, '>');

	if (!gt)
		abort();
	*gt = 0;
	t->src = packet_addr(t->fam, word);
	t->dst = packet_addr(t->fam, gt + 1);
}

static inline __u32 packet_hex(const char *hex, __u8 *out)
{
	__u32 n = 0;

	for (; hex[0] && hex[1]; hex += 2)
		sscanf(hex, "%2hhx", &out[n++]);
	return n;
}

static inline void packet_fill(__u8 *p, __u32 from, __u32 n)
{
	for (__u32 i = 0; i < n; i++)
		p[i] = (__u8)((from + i) * 7 + 3);
}

/* ---- extension headers ------------------------------------------------------------ */

static inline void packet_next(struct packet_text *t, int nh)
{
	if (t->last_nh < 0)
		t->first_nh = nh;
	else
		t->eh[t->last_nh] = (__u8)nh;
}

static inline void packet_eh(struct packet_text *t, const char *value)
{
	packet_next(t, atoi(value));
	t->last_nh = (int)t->n_eh;
	t->eh[t->n_eh++] = 59;
	t->n_eh += packet_hex(strchr(value, ':') + 1, t->eh + t->n_eh);
}

static inline void packet_fh(struct packet_text *t, const char *value)
{
	unsigned int off, more, id;
	struct frag_hdr fh = { 0 };

	if (sscanf(value, "%u:%u:%x", &off, &more, &id) != 3)
		abort();
	fh.off_m = be16(off << 3 | more);
	fh.id = be32(id);
	packet_next(t, P_FRAGMENT);
	t->last_nh = (int)t->n_eh;
	memcpy(t->eh + t->n_eh, &fh, sizeof(fh));
	t->n_eh += sizeof(fh);
}

/* ---- transport ---------------------------------------------------------------------- */

static inline void packet_csum(struct packet_text *t, __u32 whole, __u32 at)
{
	__u64 sum = csum_bytes(t->l4, whole);
	__be16 ck;

	if (t->fam == FAM_6)
		sum += csum_pseudo6(&t->src, &t->dst, t->proto, whole);
	else if (t->proto != P_ICMP4)
		sum += csum_pseudo4(t->src.w[0], t->dst.w[0], t->proto, whole);
	ck = csum_finish(sum);
	if (t->proto == P_UDP)
		ck = csum_udp_nonzero(ck);
	memcpy(t->l4 + at, &ck, sizeof(ck));
}

static inline void packet_udp(struct packet_text *t, const char *value, bool csum)
{
	const char *slash = strchr(value, '/');
	__u32 n = (__u32)atoi(value), whole = slash ? (__u32)atoi(slash + 1) : n;
	struct udp_hdr h = {
		.sport = be16(t->sport ? t->sport : 53),
		.dport = be16(t->dport ? t->dport : 40001),
		.len = be16(whole),
	};

	t->proto = P_UDP;
	packet_fill(t->l4 + UDP_LEN, 0, whole);
	memcpy(t->l4, &h, sizeof(h));
	if (csum)
		packet_csum(t, whole, 6);
	t->n_l4 = n;
}

static inline void packet_tcp(struct packet_text *t, const char *value, int mss)
{
	const char *slash = strchr(value, '/');
	__u32 n = mss < 0 ? (__u32)atoi(value) : 24;
	__u32 whole = slash ? (__u32)atoi(slash + 1) : n;
	struct tcp_hdr h = {
		.sport = be16(t->sport ? t->sport : 80),
		.dport = be16(t->dport ? t->dport : 40000),
		.doff = mss < 0 ? 0x50 : 0x60,
		.flags = t->flags ? (__u8)t->flags : mss < 0 ? TCP_ACK : TCP_SYN,
		.window = be16(8192),
	};
	const __u8 opt[4] = { 2, 4, (__u8)(mss >> 8), (__u8)mss };

	t->proto = P_TCP;
	packet_fill(t->l4 + TCP_LEN, 0, whole);
	memcpy(t->l4, &h, sizeof(h));
	if (mss >= 0)
		memcpy(t->l4 + TCP_LEN, opt, sizeof(opt));
	packet_csum(t, whole, 16);
	t->n_l4 = n;
}

static inline void packet_echo(struct packet_text *t, __u32 n, bool reply)
{
	struct icmp_hdr h = { .echo = { be16(t->eid ? t->eid : 0x1234), be16(1) } };

	t->proto = t->fam == FAM_4 ? P_ICMP4 : P_ICMP6;
	h.type = reply ? ICMP4_ECHO_REPLY : ICMP4_ECHO;
	if (t->fam == FAM_6)
		h.type = echo_4to6(h.type);
	packet_fill(t->l4 + ICMP_LEN, 0, n);
	memcpy(t->l4, &h, sizeof(h));
	packet_csum(t, n, 2);
	t->n_l4 = n;
}

static inline void packet_data(struct packet_text *t, const char *value, bool at)
{
	unsigned int proto, from = 0, n;

	if (at ? sscanf(value, "%u:%u:%u", &proto, &from, &n) != 3 :
		 sscanf(value, "%u:%u", &proto, &n) != 2)
		abort();
	t->proto = (__u8)proto;
	packet_fill(t->l4, from, n);
	t->n_l4 = n;
}

/* ---- from words to bytes --------------------------------------------------------------- */

static inline __u32 packet_write(const struct packet_text *t, __u8 *out)
{
	__u32 head, n;

	if (t->fam == FAM_4) {
		struct ip4_hdr ip = { 0 };

		head = IP4_LEN + t->n_opt;
		ip.ver_ihl = (__u8)(0x40 | (t->ihl ? t->ihl : head / 4));
		ip.tos = (__u8)t->tos;
		ip.len = be16(t->len >= 0 ? (__u32)t->len : head + t->n_l4);
		ip.id = be16(t->id);
		ip.frag = be16(t->frag);
		ip.ttl = (__u8)t->ttl;
		ip.proto = t->proto;
		ip.src = t->src.w[0];
		ip.dst = t->dst.w[0];
		memcpy(out, &ip, sizeof(ip));
		memcpy(out + IP4_LEN, t->opt, t->n_opt);
		ip.csum = csum_finish(csum_bytes(out, head) + (t->bad_hc ? 1 : 0));
		memcpy(out, &ip, sizeof(ip));
	} else {
		struct ip6_hdr ip = { 0 };

		head = IP6_LEN + t->n_eh;
		ip.ver_tc_flow = be32(6u << 28 | t->tos << 20);
		ip.plen = be16(t->len >= 0 ? (__u32)t->len : t->n_eh + t->n_l4);
		ip.nexthdr = t->last_nh < 0 ? t->proto : (__u8)t->first_nh;
		ip.hlim = (__u8)t->ttl;
		ip.src = t->src;
		ip.dst = t->dst;
		memcpy(out, &ip, sizeof(ip));
		memcpy(out + IP6_LEN, t->eh, t->n_eh);
		if (t->last_nh >= 0)
			out[IP6_LEN + t->last_nh] = t->proto;
	}
	memcpy(out + head, t->l4, t->n_l4);
	n = head + t->n_l4;
	if (t->cut && t->cut < n) {
		memset(out + t->cut, 0, n - t->cut);
		n = t->cut;
	}
	memset(out + n, 0xa5, t->pad);
	return n + t->pad;
}

static inline __u32 packet_parse(char **save, __u8 *out);

static inline void packet_icmp(struct packet_text *t, const char *value, char **save)
{
	unsigned int type, code, word, quoted, ext = 0;
	__u8 *inner = calloc(1, 70000);
	struct icmp_hdr h = { 0 };
	char *w;

	if (sscanf(value, "%u:%u:%x:%u", &type, &code, &word, &quoted) != 4)
		abort();
	h.type = (__u8)type;
	h.code = (__u8)code;
	h.word = be32(word);
	t->proto = t->fam == FAM_4 ? P_ICMP4 : P_ICMP6;
	memcpy(t->l4, &h, sizeof(h));
	w = strtok_r(NULL, " ", save);
	if (!w || strcmp(w, "["))
		abort();
	packet_parse(save, inner);
	memcpy(t->l4 + ICMP_LEN, inner, quoted);
	free(inner);
	if (*save && sscanf(*save, "ext=%u", &ext) == 1)
		strtok_r(NULL, " ", save);
	packet_fill(t->l4 + ICMP_LEN + quoted, 100, ext);
	t->n_l4 = ICMP_LEN + quoted + ext;
	packet_csum(t, t->n_l4, 2);
}

/* A word KEY=VALUE of the network layer or about damage; false: none of them. */
static inline bool packet_word(struct packet_text *t, const char *key, const char *value)
{
	const struct {
		const char *key;
		unsigned int *at;
	} numbers[] = {
		{ "ttl", &t->ttl }, { "tos", &t->tos }, { "id", &t->id },
		{ "ihl", &t->ihl }, { "cut", &t->cut }, { "pad", &t->pad },
		{ "sport", &t->sport }, { "dport", &t->dport },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(key, numbers[i].key)) {
			*numbers[i].at = (unsigned int)strtoul(value, NULL, 0);
			return true;
		}
	if (!strcmp(key, "eid"))
		t->eid = (unsigned int)strtoul(value, NULL, 16);
	else if (!strcmp(key, "flags"))
		t->flags = (unsigned int)strtoul(value, NULL, 16);
	else if (!strcmp(key, "df"))
		t->frag |= IP4_DF;
	else if (!strcmp(key, "mf"))
		t->frag |= IP4_MF;
	else if (!strcmp(key, "rf"))
		t->frag |= 0x8000;
	else if (!strcmp(key, "off"))
		t->frag |= (unsigned int)atoi(value);
	else if (!strcmp(key, "hc"))
		t->bad_hc = true;
	else if (!strcmp(key, "ck"))
		csum_field_update(t->l4 + (t->proto == P_TCP ? 16 : t->proto == P_UDP ? 6 : 2),
				  0x55, false);
	else if (!strcmp(key, "len"))
		t->len = atoi(value);
	else if (!strcmp(key, "opt"))
		t->n_opt = packet_hex(value, t->opt);
	else if (!strcmp(key, "eh"))
		packet_eh(t, value);
	else if (!strcmp(key, "fh"))
		packet_fh(t, value);
	else
		return false;
	return true;
}

static inline bool packet_l4(struct packet_text *t, const char *key, const char *value,
			     char **save)
{
	if (!strcmp(key, "udp"))
		packet_udp(t, value, true);
	else if (!strcmp(key, "udp0"))
		packet_udp(t, value, false);
	else if (!strcmp(key, "udplen"))
		t->l4[4] = (__u8)(atoi(value) >> 8), t->l4[5] = (__u8)atoi(value);
	else if (!strcmp(key, "tcp"))
		packet_tcp(t, value, -1);
	else if (!strcmp(key, "syn"))
		packet_tcp(t, value, atoi(value));
	else if (!strcmp(key, "echo"))
		packet_echo(t, (__u32)atoi(value), false);
	else if (!strcmp(key, "reply"))
		packet_echo(t, (__u32)atoi(value), true);
	else if (!strcmp(key, "raw"))
		packet_data(t, value, false);
	else if (!strcmp(key, "data"))
		packet_data(t, value, true);
	else if (!strcmp(key, "icmp"))
		packet_icmp(t, value, save);
	else
		return false;
	return true;
}

/* Words up to the end or to "]". */
static inline __u32 packet_parse(char **save, __u8 *out)
{
	struct packet_text *t = calloc(1, sizeof(*t));
	__u32 n;
	char *w;

	w = strtok_r(NULL, " ", save);
	t->fam = !strcmp(w, "v4") ? FAM_4 : FAM_6;
	t->ttl = 64;
	t->len = -1;
	t->last_nh = -1;
	packet_addrs(t, strtok_r(NULL, " ", save));
	while ((w = strtok_r(NULL, " ", save)) && strcmp(w, "]")) {
		char *value = strchr(w, '=');

		if (value)
			*value++ = 0;
		if (!packet_word(t, w, value ? value : "") &&
		    !packet_l4(t, w, value ? value : "", save)) {
			fprintf(stderr, "no such word: %s\n", w);
			abort();
		}
	}
	n = packet_write(t, out);
	free(t);
	return n;
}

/* `out` holds 70000 bytes. Returns the length of the packet. */
static inline __u32 packet_from_text(const char *text, __u8 *out)
{
	char *copy = malloc(strlen(text) + 3), *save = NULL;
	__u32 n;

	/* a word in front, so that every reader takes its words the same way */
	sprintf(copy, ". %s", text);
	strtok_r(copy, " ", &save);
	n = packet_parse(&save, out);
	free(copy);
	return n;
}

#endif

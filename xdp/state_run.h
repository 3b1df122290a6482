/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets for the tests of mode stateful, and one test run of one: what must hold of every
 * run is looked at here (GEN-10; untouched where it is passed or handed over, right lengths
 * and checksums and one hop less where it is translated). */
#ifndef N64_STATE_RUN_H
#define N64_STATE_RUN_H

#include "state_bed.h"

#define C6 "2001:db8:c::5"
#define X6 "2001:db8:c::6"
#define Y6 "2001:db8:d::7" /* another /64 */
#define S4 "198.51.100.10"
#define Z4 "198.51.100.20"
#define T4 "203.0.113.8"
#define SYN TCP_SYN
#define SYNACK (TCP_SYN | TCP_ACK)
#define ECHO_OTHER 1 /* `flags` of ICMP: a reply from IPv6, a request from IPv4 */

/* What is not usual about the next packets. */
static struct {
	__u8 ttl;
	__u16 payload;
	int pref;
	__u32 seq, ack, window, scale; /* TCP; scale + 1 in a SYN */
} knob = {.ttl = 64, .payload = 16, .window = 8192};

static struct run got;
/* The packet that came out, and its ends; ICMP: the identifier in both ports. */
static struct {
	struct pkt p;
	__u16 sport, dport;
} seen;

/* ---- packets ---------------------------------------------------------------------------- */

static inline __u32 l4_header(__u8 *l4, bool v6, int proto, int flags, __u16 sport, __u16 dport)
{
	struct tcp_hdr *tcp = (void *)l4;
	struct udp_hdr *udp = (void *)l4;

	if (proto == P_ICMP6 || proto == P_ICMP4) {
		bool request = v6 != !!flags;

		l4[0] = v6 ? (request ? 128 : 129) : request ? 8 : 0;
		l4[4] = (v6 ? sport : dport) >> 8;
		l4[5] = (__u8)(v6 ? sport : dport);
		return 8;
	}
	udp->sport = be16(sport);
	udp->dport = be16(dport);
	if (proto != P_TCP) {
		udp->len = be16(UDP_LEN + knob.payload);
		return UDP_LEN;
	}
	tcp->seq = be32(knob.seq);
	tcp->ack = be32(knob.ack);
	tcp->window = be16((__u16)knob.window);
	l4[12] = 5 << 4;
	l4[13] = (__u8)flags;
	if (!knob.scale)
		return sizeof(*tcp);
	l4[12] = 6 << 4;
	l4[20] = 3;
	l4[21] = 3;
	l4[22] = (__u8)(knob.scale - 1);
	return sizeof(*tcp) + 4;
}

/* Full checksum over the pseudo header; 0 in a valid packet. */
static inline __be16 l4_sum(const __u8 *ip, bool v6, int proto, const __u8 *l4, __u32 len)
{
	const struct ip6_hdr *ip6 = (const void *)ip;
	const struct ip4_hdr *ip4 = (const void *)ip;
	__u64 sum = proto == P_ICMP4 ? 0 :
		    v6 ? csum_pseudo6(&ip6->src, &ip6->dst, (__u8)proto, len) :
			 csum_pseudo4(ip4->src, ip4->dst, (__u8)proto, len);

	return csum_finish(sum + csum_bytes(l4, len));
}

/* A packet of `proto` between what stands in `src` and `dst` (16 or 4 bytes). */
static inline void frame_packet(struct frame *f, bool v6, int proto, int flags, const void *src,
				__u16 sport, const void *dst, __u16 dport)
{
	__u32 hlen = v6 ? IP6_LEN : IP4_LEN, len;
	__u8 *ip = f->bytes + ETH_LEN, *l4 = ip + hlen;
	int at = proto == P_TCP ? 16 : proto == P_UDP ? 6 : 2;
	__be16 sum;

	memset(f, 0, ETH_LEN + 128);
	frame_eth(f, v6 ? SLOT_V6 : SLOT_V4, v6);
	if (proto == P_ICMP4 || proto == P_ICMP6)
		proto = v6 ? P_ICMP6 : P_ICMP4;
	ip[0] = v6 ? 0x60 : 0x45;
	ip[v6 ? 7 : 8] = knob.ttl;
	ip[v6 ? 6 : 9] = (__u8)proto;
	memcpy(ip + (v6 ? 8 : 12), src, v6 ? 16 : 4);
	memcpy(ip + (v6 ? 24 : 16), dst, v6 ? 16 : 4);
	len = l4_header(l4, v6, proto, flags, sport, dport);
	memset(l4 + len, 'x', knob.payload);
	len += knob.payload;
	*(__be16 *)(ip + (v6 ? 4 : 2)) = be16((__u16)(v6 ? len : hlen + len));
	if (!v6)
		((struct ip4_hdr *)ip)->csum = csum_ip4((void *)ip);
	sum = l4_sum(ip, v6, proto, l4, len);
	memcpy(l4 + at, &sum, 2);
	f->len = ETH_LEN + hlen + len;
}

static inline void frame_6(struct frame *f, int proto, int flags, const char *host, __u16 hport,
			   const char *peer, __u16 pport)
{
	struct addr6 src, dst;
	__be32 a;

	inet_pton(AF_INET6, host, &src);
	inet_pton(AF_INET, peer, &a);
	rfc6052_embed(&bed_conf()->pref64[knob.pref], a, &dst);
	frame_packet(f, true, proto, flags, &src, hport, &dst, pport);
}

static inline void frame_4(struct frame *f, int proto, int flags, const char *peer, __u16 pport,
			   const char *t, __u16 tport)
{
	__be32 src, dst;

	inet_pton(AF_INET, peer, &src);
	inet_pton(AF_INET, t, &dst);
	frame_packet(f, false, proto, flags, &src, pport, &dst, tport);
}

/* ---- runs -------------------------------------------------------------------------------- */

#define MAX_CPUS 64
static inline void bed_counters(__u64 sum[N_REASONS], __u32 slot)
{
	static struct n64_count c[N_REASONS][MAX_CPUS];
	int cpus = libbpf_num_possible_cpus(), rc;

	assert_true(cpus <= MAX_CPUS);
	rc = map_read(bpf_map__fd(bed.owner->maps.counters), slot * N_REASONS, N_REASONS, c);
	if (rc)
		fail_msg("counters: %s", strerror(-rc));
	for (__u32 i = 0; i < N_REASONS; i++) {
		sum[i] = 0;
		for (int k = 0; k < cpus; k++)
			sum[i] += ((struct n64_count *)c)[i * (__u32)cpus + (__u32)k].packets;
	}
}

static inline void assert_translated(const struct frame *f)
{
	_Alignas(4) __u8 copy[4096];
	const __u8 *l4;
	/* of what leaves; hairpinned it stays IPv6 */
	bool v6 = !f->v6 || got.reason == R_fwd_hairpin;

	assert_int_equal(got.action, XDP_REDIRECT);
	assert_valid_packet("translated", got.out, got.out_len);
	memset(&seen, 0, sizeof(seen));
	assert_true(parse_eth(got.out, got.out + got.out_len, &seen.p));
	memcpy(copy, got.out + seen.p.l3_off, got.out_len - seen.p.l3_off);
	assert_true(v6 ? parse_ip6((void *)copy, copy + sizeof(copy), &seen.p)
		       : parse_ip4((void *)copy, copy + sizeof(copy), &seen.p));
	l4 = copy + (v6 ? IP6_LEN : IP4_LEN);
	seen.sport = seen.dport = (__u16)(l4[4] << 8 | l4[5]);
	if (seen.p.proto == P_TCP || seen.p.proto == P_UDP) {
		seen.sport = (__u16)(l4[0] << 8 | l4[1]);
		seen.dport = (__u16)(l4[2] << 8 | l4[3]);
	}
	if ((seen.p.proto == P_TCP || seen.p.proto == P_UDP || pkt_is_icmp(&seen.p)) &&
	    l4_sum(copy, v6, seen.p.proto, l4, seen.p.l3_len - (v6 ? IP6_LEN : IP4_LEN)))
		fail_msg("wrong checksum of protocol %d", seen.p.proto);
	if (got.reason == R_fwd_6to4 || got.reason == R_fwd_4to6) /* GEN-09 */
		assert_int_equal(copy[v6 ? 7 : 8], f->bytes[ETH_LEN + (f->v6 ? 7 : 8)] - 1);
}

static inline enum reason bed_run_on(struct nat64_bpf *s, __u32 slot, const struct frame *f)
{
	__u32 in = ifindex_of(slot == N64_SLOT_XLAT ? "nat64x" : f->v6 ? "v6" : "v4");
	const struct frame *sent = slot == N64_SLOT_XLAT ? f : frame_tagged(f);
	struct xdp_md ctx = {.data_end = sent->len, .ingress_ifindex = in};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = sent->bytes, .data_size_in = sent->len,
		    .data_out = got.out, .data_size_out = sizeof(got.out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));
	__u64 before[N_REASONS], after[N_REASONS];
	int n = 0;

	if (slot != N64_SLOT_XLAT)
		warm_frame(bed_conf(), f->v6, f->bytes + ETH_LEN, frame_device(f->v6));
	bed_counters(before, slot);
	if (bpf_prog_test_run_opts(bpf_program__fd(bed_path(s)), &o))
		fail_msg("test run: %s", strerror(errno));
	bed_counters(after, slot);
	got.action = (int)o.retval;
	got.out_len = o.data_size_out;
	got.reason = R_GO_ON;
	for (int i = 1; i < N_REASONS; i++) {
		if (after[i] == before[i] || reason_kind((enum reason)i) == KIND_NOTE)
			continue;
		got.reason = (enum reason)i;
		n += (int)(after[i] - before[i]);
	}
	assert_int_equal(n, 1); /* GEN-10 */
	if (reason_kind(got.reason) == KIND_SLOW)
		assert_handed_over(&got, "slow", got.reason, f->bytes + ETH_LEN, f->len - ETH_LEN);
	if (reason_kind(got.reason) == KIND_PASS && slot != N64_SLOT_XLAT) {
		assert_int_equal(got.action, XDP_PASS);
		assert_int_equal(got.out_len, sent->len);
		assert_memory_equal(got.out, sent->bytes, sent->len);
	}
	if (reason_kind(got.reason) == KIND_DROP)
		assert_int_equal(got.action, XDP_DROP);
	if (reason_kind(got.reason) == KIND_FWD)
		assert_translated(f);
	return got.reason;
}

static inline enum reason bed_run(const struct frame *f)
{
	return bed_run_on(bed.skel, BED_SLOT, f);
}

static inline enum reason from6(int proto, int flags, const char *host, __u16 hport,
				const char *peer, __u16 pport)
{
	static struct frame f;

	frame_6(&f, proto, flags, host, hport, peer, pport);
	return bed_run(&f);
}

static inline enum reason from4(int proto, int flags, const char *peer, __u16 pport,
				const char *t, __u16 tport)
{
	static struct frame f;

	frame_4(&f, proto, flags, peer, pport, t, tport);
	return bed_run(&f);
}

static inline void expect(enum reason r, enum reason want, const char *what)
{
	if (r != want)
		fail_msg("%s: %s instead of %s", what, reason_name(r), reason_name(want));
}

/* Sends and expects a translated packet; its external port. */
static inline __u16 out6(int proto, int flags, const char *host, __u16 hport, const char *peer,
			 __u16 pport)
{
	char what[160];

	snprintf(what, sizeof(what), "%s port %u", host, hport);
	expect(from6(proto, flags, host, hport, peer, pport), R_fwd_6to4, what);
	return seen.sport;
}

static inline __u16 udp6(const char *host, __u16 hport)
{
	return out6(P_UDP, 0, host, hport, S4, 53);
}

/* And from IPv4: it reached this host and port. */
static inline void in4(int proto, int flags, const char *peer, __u16 pport, __u16 tport,
		       const char *host, __u16 hport)
{
	struct addr6 a;

	inet_pton(AF_INET6, host, &a);
	expect(from4(proto, flags, peer, pport, T4, tport), R_fwd_4to6, "from IPv4");
	if (!addr6_equal(&a, &seen.p.dst6) || seen.dport != hport)
		fail_msg("not to %s port %u", host, hport);
}

/* Takes the long way away: what leaves now leaves by a short one. */
static inline void no_long_way(void)
{
	__u32 way = WAY_LONG;

	if (bpf_map_delete_elem(bpf_map__fd(bed.skel->maps.ways), &way))
		fail_msg("map ways");
}

/* Is there a mapping that lives? Changes nothing. */
static inline bool alive6(enum st_proto proto, const char *host, __u16 port)
{
	struct n64_call q = {.op = CALL_PEEK_OUT, .proto = proto, .port6 = be16(port)};

	inet_pton(AF_INET6, host, &q.host6);
	return bed_call(&q) != R_no_bib;
}

static inline __be32 ip4(const char *text)
{
	__be32 a;

	inet_pton(AF_INET, text, &a);
	return a;
}

#endif

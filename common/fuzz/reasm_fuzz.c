// SPDX-License-Identifier: GPL-2.0-only
/* Any fragments in any order through reassembly.h, eight bytes each: few keys, so that they
 * meet; offsets and lengths that often fit or overlap; first fragments with and without a
 * mapping. After each: every fragment has left once or is held, the bytes held are the sum
 * of what is held, nothing overlaps. In the end everything has left and nothing leaked. */
#include "fake_reasm.h"

#define CHECK(x)                                                                    \
	do {                                                                        \
		if (!(x)) {                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);     \
			abort();                                                    \
		}                                                                   \
	} while (0)

static const char *const fuzz_config[] = {
	"frag-max-datagrams=4;frag-max-per-source=3;frag-max-fragments=5;frag-max-bytes=65536",
	"frag=reassemble;frag-max-datagrams=8;frag-id4=generate;mtu4=600",
	"shared=1;frag-max-fragments=16;denylist4=198.51.100.7/32",
	"frag-timeout=2;mtu4=1300;mtu6=1400;frag-max-per-source=2",
};

#define N_CONFIGS (sizeof(fuzz_config) / sizeof(fuzz_config[0]))

struct record {
	__u8 key;	/* family, host, ID */
	__u8 proto;	/* of the header; kind of the first fragment */
	__u8 off, len;
	__u8 bits;	/* enum record_bits */
	__u8 ms;
	__u8 ttl, damage;
};

enum record_bits {
	BIT_MORE = 1 << 0, BIT_ODD = 1 << 1, BIT_LONG = 1 << 2, BIT_CUT = 1 << 3,
	BIT_PAIR = 1 << 4, BIT_EXT = 1 << 5, BIT_FAR = 1 << 6, BIT_JUMP = 1 << 7,
};

static const __u8 protos[] = { P_UDP, P_TCP, P_ICMP4, 47 };

/* A transport header: of a mapping of config "P", or of none. */
static void transport(const struct record *r, bool v4, __u8 *at)
{
	struct udp_hdr udp = { .sport = be16(v4 ? 53 : 40002), .dport = be16(v4 ? 50002 : 53),
			       .len = be16(1000), .csum = r->proto & 16 ? 0 : 1 };
	struct tcp_hdr tcp = { .sport = be16(v4 ? 80 : 40000), .dport = be16(v4 ? 50000 : 80),
			       .doff = 0x50, .flags = r->proto & 16 ? TCP_SYN : TCP_ACK };
	struct icmp_hdr icmp = { .type = v4 ? 8 : 128, .echo = { be16(v4 ? 0x8001 : 0x1234), 0 } };

	if (r->proto & 32)
		udp.dport = udp.sport = tcp.dport = tcp.sport = icmp.echo.id = 7;
	if (r->proto & 64)
		icmp.type = v4 ? 3 : 1;
	if (protos[r->proto & 3] == P_UDP)
		memcpy(at, &udp, sizeof(udp));
	else if (protos[r->proto & 3] == P_TCP)
		memcpy(at, &tcp, sizeof(tcp));
	else
		memcpy(at, &icmp, sizeof(icmp));
}

static __u32 build4(const struct record *r, __u32 off, __u32 n, __u8 *p)
{
	struct ip4_hdr ip = {
		.ver_ihl = r->bits & BIT_EXT ? 0x46 : 0x45, .ttl = r->ttl ? 64 : 1,
		.id = be16(r->key >> 4 & 3), .proto = protos[r->proto & 3],
		.frag = be16(off / 8 | (r->bits & BIT_MORE ? IP4_MF : 0) |
			     (r->proto & 128 ? IP4_DF : 0)),
		.src = be32(0xc6336400u | (r->key >> 1 & 7)), .dst = be32(0xcb007108u),
	};
	__u32 head = r->bits & BIT_EXT ? 24 : 20;

	ip.len = be16(head + n);
	memset(p, 1, head);
	memcpy(p, &ip, sizeof(ip));
	ip.csum = csum_finish(csum_bytes(p, head));
	memcpy(p, &ip, sizeof(ip));
	return head;
}

static __u32 build6(const struct record *r, __u32 off, __u32 n, __u8 *p)
{
	struct ip6_hdr ip = { .ver_tc_flow = be32(6u << 28), .hlim = r->ttl ? 64 : 1 };
	struct frag_hdr fh = { .nexthdr = protos[r->proto & 3], .id = be32(r->key >> 4 & 3),
			       .off_m = be16(off | (r->bits & BIT_MORE ? 1 : 0)) };
	static const __u8 dst[8] = { P_FRAGMENT, 0, 1, 4 };
	__u32 head = IP6_LEN;

	if (fh.nexthdr == P_ICMP4)
		fh.nexthdr = P_ICMP6;
	ip.src = fake_addr6(r->key & 8 ? "2001:db8:c::6" : "2001:db8:c::5");
	ip.dst = fake_addr6(r->key & 4 ? "64:ff9b:1::cb00:7108" : "64:ff9b:1::c633:640a");
	ip.nexthdr = r->bits & BIT_EXT ? P_DSTOPT : P_FRAGMENT;
	ip.plen = be16(n + FRAGHDR_LEN + (r->bits & BIT_EXT ? sizeof(dst) : 0));
	memcpy(p, &ip, sizeof(ip));
	if (r->bits & BIT_EXT) {
		memcpy(p + head, dst, sizeof(dst));
		head += sizeof(dst);
	}
	memcpy(p + head, &fh, sizeof(fh));
	return head + FRAGHDR_LEN;
}

static __u32 build(const struct record *r, __u8 *p)
{
	__u32 off = (r->bits & BIT_FAR ? r->off * 32u : r->off & 15) * 64;
	__u32 n = (r->bits & BIT_LONG ? 4096u : 0) + (r->len & 15) * 64u, head;
	bool v4 = r->key & 1;

	n += r->bits & BIT_ODD ? r->len >> 4 : 0;
	head = v4 ? build4(r, off & 0xffff, n, p) : build6(r, off & 0xffff, n, p);
	memset(p + head, 0x5a, n + 64);
	if (!(off & 0xffff))
		transport(r, v4, p + head);
	if (r->damage < 100)
		p[r->damage] ^= 1 << (r->ms & 7);
	return head + n;
}

static struct fake_reasm *fake_of(__u8 which)
{
	static struct fake_reasm all[N_CONFIGS];
	struct fake_reasm *t = &all[which % N_CONFIGS];

	if (!t->rs)
		fake_reasm_init(t, fuzz_config[which % N_CONFIGS]);
	return t;
}

static void check_out(const struct fake_reasm *t)
{
	for (__u32 i = 0; i < t->f.n_out; i++) {
		const struct fake_out *o = &t->f.out[i];
		struct pkt p = { 0 };

		if (o->flags == EMIT_RETURNED)
			continue;
		CHECK(o->ip[0] >> 4 == 4 ? parse_ip4((const void *)o->ip, o->ip + o->len, &p) :
					   parse_ip6((const void *)o->ip, o->ip + o->len, &p));
		CHECK(p.l3_len == o->len && o->len <= 65535);
	}
	CHECK(t->f.note[R_frags_reassembled] <= 1);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static __u8 bytes[70000];
	struct fake_reasm *t;
	struct record r;
	__u64 now = 1;

	if (size < 1)
		return 0;
	t = fake_of(data[0]);
	reasm_init(t->rs, &t->f.conf, data[0] * 0x9e3779b97f4a7c15ull, &t->ops);
	t->all_in = t->all_done = 0;
	for (size_t at = 1; at + sizeof(r) <= size && at < 4096; at += sizeof(r)) {
		struct slow_in in = { 0 };
		const char *wrong;
		__u32 n;

		memcpy(&r, data + at, sizeof(r));
		now += r.bits & BIT_JUMP ? r.ms * 20u : 0;
		in.fam = r.key & 1 ? FAM_4 : FAM_6;
		in.from_pair = r.bits & BIT_PAIR;
		n = build(&r, bytes);
		in.true_len = n + (r.bits & BIT_CUT ? 1000 : 0);
		fake_reasm_forget(t);
		fake_reasm_take(t, in, bytes, n, now);
		if (r.damage == 255)
			reasm_expire(t->rs, now);
		wrong = fake_reasm_conserved(t);
		if (wrong)
			fprintf(stderr, "%s\n", wrong);
		CHECK(!wrong);
		check_out(t);
	}
	fake_reasm_forget(t);
	reasm_flush(t->rs);
	CHECK(t->all_in == t->all_done && !fake_reasm_check(t->rs));
	CHECK(!(t->rs->bytes + t->rs->frags.used + t->rs->blocks.used + t->rs->dgrams.used +
		t->rs->sources.used));
	fake_reasm_forget(t);
	return 0;
}

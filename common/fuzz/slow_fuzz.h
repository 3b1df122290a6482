/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers of the slow path share: configurations, how the first four
 * bytes choose among them, and what must hold for whatever comes out. */
#ifndef N64_SLOW_FUZZ_H
#define N64_SLOW_FUZZ_H

#include "fake_shell.h"

#define CHECK(x)                                                                    \
	do {                                                                        \
		if (!(x)) {                                                         \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);     \
			abort();                                                    \
		}                                                                   \
	} while (0)

/* Beside config "S", or "P" where one begins with "@". */
static const char *const fuzz_config[] = {
	"hairpin=intrinsic",
	"hairpin=simple;xlat4=198.51.100.0/24;zero-tc=on;clamp-mss4to6=on;clamp-mss6to4=on",
	"hairpin=off;strict-suffix=on;denylist4=198.51.100.128/25;inner-csum=drop",
	"multicast=embed;udp6-zero-csum=pass;tos=3;id-when-df=zero",
	"allow6=2001:db8:a::/48;no-translate=192.0.2.34/32;error-deny4to6=on;eam-to-eam=off",
	"@error-no-bib=on;error-adf=on",
	"@shared=1;pref64=2001:db8:1::/48;clamp-mss4to6=on;clamp-mss6to4=on",
	"@allow6=2001:db8:c::5/128;strict-suffix=on;filter=adf;no-session=1;udp6-zero-csum=pass",
};

#define N_CONFIGS (sizeof(fuzz_config) / sizeof(fuzz_config[0]))

static inline struct fake *fuzz_fake(__u8 which)
{
	static struct fake f[N_CONFIGS];
	struct fake *one = &f[which % N_CONFIGS];

	if (!one->scratch) {
		const char *config = fuzz_config[which % N_CONFIGS];

		fake_init(one);
		if (*config == '@')
			fake_config_p(one);
		else
			fake_config_s(one);
		fake_set_all(one, config + (*config == '@'));
		fake_ready(one, NULL);
	}
	return one;
}

/* Lengths, header checksum, ICMP checksum, sizes of section 5 and IN-13. */
static inline void fuzz_check_out(const struct fake *f, const struct fake_out *o, __u32 in_len)
{
	struct pkt p = { 0 };
	const __u8 *end = o->ip + o->len;
	bool v4 = o->ip[0] >> 4 == 4;
	__u64 sum = 0;

	CHECK(v4 ? parse_ip4((const void *)o->ip, end, &p) :
		   parse_ip6((const void *)o->ip, end, &p));
	CHECK(p.l3_len == o->len && o->len <= 65535);
	CHECK(!v4 || (p.ihl == IP4_LEN && p.hdr_csum_ok && !(p.df && p.more)));
	CHECK(o->len <= mtu_of_link(v4 ? FAM_4 : FAM_6, v4 ? f->mtu4 : f->mtu6) ||
	      p.proto == P_ICMP4 || o->flags == EMIT_ORIGINATED);
	p.fam = v4 ? FAM_4 : FAM_6;
	if (!pkt_is_icmp(&p) || pkt_is_fragment(&p)) {
		CHECK(o->len <= in_len + 28);
		return;
	}
	parse_l4(o->ip + p.l4_off, end, &p);
	CHECK(p.has_l4 && icmp_kind(&p) != ICMP_OTHER);
	if (icmp_kind(&p) == ICMP_QUERY)
		return;
	CHECK(o->len <= (v4 ? 576 : 1280));
	if (!v4)
		sum = csum_pseudo6(&p.src6, &p.dst6, P_ICMP6, p.l4_len);
	CHECK(csum_fold(sum + csum_bytes(o->ip + p.l4_off, p.l4_len)) == 0xffff);
}

/* Makes the checksums right that a mutation would otherwise never get past: of the
 * IPv4 header, and of an ICMP message behind it or behind IPv6 (IN-01). */
static inline void fuzz_repair(__u8 *b, __u32 len, enum ip_family fam)
{
	__u32 head = fam == FAM_4 ? (b[0] & 15u) * 4 : IP6_LEN, pointer, n;
	const struct ext_bytes bytes = { b, len };
	struct pkt p = { .fam = (__u8)fam };
	__u64 sum = 0;

	if (fam == FAM_6 && parse_ip6((const void *)b, b + len, &p)) {
		if (!ext6_walk(ext_load_bytes, &bytes, &p, &pointer))
			head = p.l4_off;
	} else if (fam == FAM_4 && head >= IP4_LEN && head <= len) {
		memset(b + 10, 0, 2);
		csum_field_update(b + 10, csum_bytes(b, head) + 0xffff, false);
		parse_ip4((const void *)b, b + len, &p);
	}
	n = p.l4_len;
	if (!pkt_is_icmp(&p) || n < ICMP_LEN || head + n > len)
		return;
	memset(b + head + 2, 0, 2);
	if (fam == FAM_6)
		sum = csum_pseudo6(&p.src6, &p.dst6, P_ICMP6, n);
	csum_field_update(b + head + 2, sum + csum_bytes(b + head, n) + 0xffff, false);
}

static inline int fuzz_one(const __u8 *data, size_t size, enum ip_family fam)
{
	static __u8 bytes[66000] __attribute__((aligned(4)));
	struct slow_in in = { .fam = fam, .ifindex = 7 };
	struct fake *f;
	enum reason r;
	__u32 len;

	if (size < 4 || size > 66000)
		return 0;
	f = fuzz_fake(data[0]);
	in.from_pair = data[1] & 1;
	in.l2_mcast = data[1] & 2;
	len = (__u32)size - 4;
	in.true_len = len + (data[1] & 4 ? 1000 : 0);
	f->limited = data[1] & 8;
	f->no_source = data[1] & 16;
	f->mtu4 = 68 + data[2] * 16u;
	f->mtu6 = 1280 + data[3] * 16u;
	memcpy(bytes, data + 4, len);
	if (len >= IP6_LEN && !(data[1] & 32))
		fuzz_repair(bytes, len, fam);
	r = fake_run(f, in, bytes, len, in.from_pair ? 0 : 1);
	CHECK(r != R_GO_ON && r < N_REASONS);
	CHECK(reason_kind(r) == KIND_DROP || reason_kind(r) == KIND_FWD ||
	      reason_kind(r) == KIND_ERROR || r == R_slow_syn);
	CHECK((reason_kind(r) != KIND_DROP && r != R_slow_syn) || !f->n_out);
	CHECK(reason_kind(r) != KIND_FWD || f->n_out);
	CHECK(reason_kind(r) != KIND_ERROR || f->n_out == f->note[R_icmp_sent]);
	for (__u32 i = 0; i < f->n_out; i++)
		if (f->out[i].flags != EMIT_RETURNED)
			fuzz_check_out(f, &f->out[i], in.true_len);
	return 0;
}

#endif

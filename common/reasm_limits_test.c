// SPDX-License-Identifier: GPL-2.0-only
/* Fragments in mode stateful: the limits of FRG-05 one by one, the memory behind them, and
 * that whoever fills it up slows nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_reasm.h"
#include "packet_text.h"

/* A fragment. */
struct shape {
	enum ip_family fam;	/* 0: IPv4 */
	__u32 src, id;
	bool first, last;	/* the first shows a UDP header */
	__u32 off;		/* of others, in bytes; 0: 4000 */
	__u32 n;		/* bytes behind the IP header; 0: 1480 */
	__u16 dport;
};

static __u32 build(const struct shape *s, __u8 *out)
{
	const __u32 head = s->fam == FAM_4 ? IP4_LEN : IP6_LEN + FRAGHDR_LEN;
	struct udp_hdr udp = { .sport = be16(53), .dport = be16(s->dport), .len = be16(60000),
			       .csum = 1 };

	memset(out, 0, head + s->n);
	if (s->fam == FAM_4) {
		struct ip4_hdr ip = {
			.ver_ihl = 0x45, .len = be16(head + s->n), .id = be16(s->id), .ttl = 64,
			.frag = be16(s->off / 8 | (s->last ? 0 : IP4_MF)), .proto = P_UDP,
			.src = be32(0x08000000u + s->src), .dst = fake_addr4("203.0.113.8"),
		};

		ip.csum = csum_ip4(&ip);
		memcpy(out, &ip, sizeof(ip));
	} else {
		struct ip6_hdr ip = { .ver_tc_flow = be32(6u << 28), .nexthdr = P_FRAGMENT,
				      .plen = be16(FRAGHDR_LEN + s->n), .hlim = 64 };
		struct frag_hdr fh = { .nexthdr = P_UDP, .id = be32(s->id),
				       .off_m = be16(s->off | (s->last ? 0 : 1)) };

		/* the low half of `src` is the host, the other the /64 */
		ip.src = fake_addr6("2001:db8::");
		ip.src.w[1] = be32(s->src >> 16);
		ip.src.w[3] = be32(s->src & 0xffff);
		ip.dst = packet_addr(FAM_6, "D6");
		memcpy(out, &ip, sizeof(ip));
		memcpy(out + IP6_LEN, &fh, sizeof(fh));
	}
	if (s->first)
		memcpy(out + head, &udp, sizeof(udp));
	return head + s->n;
}

/* What became of it: its reason, R_GO_ON while it is held. */
static enum reason give(struct fake_reasm *t, struct shape s, __u64 ms)
{
	static __u8 bytes[70000];
	struct slow_in in = { 0 };
	const char *wrong;

	s.n = s.n ? s.n : 1480;
	s.off = s.first ? 0 : s.off ? s.off : 4000;
	in.fam = s.fam = s.fam ? s.fam : FAM_4;
	fake_reasm_forget(t);
	fake_reasm_take(t, in, bytes, build(&s, bytes), ms);
	wrong = t->all_in % 64 && t->all_in > 256 ? NULL : fake_reasm_conserved(t);
	if (wrong)
		fail_msg("%s", wrong);
	return t->f.note[R_frags_held] ? R_GO_ON : t->done[t->n_done - 1];
}

#define FRAGMENT(...) ((struct shape){ __VA_ARGS__ })

static void test_datagrams(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, "frag-max-datagrams=40");
	for (__u32 i = 0; i < 40; i++)
		assert_int_equal(give(&t, FRAGMENT(.src = i), 0), R_GO_ON);
	assert_int_equal(give(&t, FRAGMENT(.src = 40), 1), R_frag_limit);
	assert_int_equal(give(&t, FRAGMENT(.src = 41, .first = true, .dport = 50002), 1),
			 R_frag_limit);
	/* those that are there stay, and go on */
	assert_int_equal(t.rs->dgrams.used, 40);
	assert_int_equal(give(&t, FRAGMENT(.src = 3, .first = true, .dport = 50002), 1),
			 R_sp_frags);
	assert_int_equal(t.n_done, 2);
	/* the end of one is room for another */
	assert_int_equal(give(&t, FRAGMENT(.src = 40), 4999), R_frag_limit);
	assert_int_equal(give(&t, FRAGMENT(.src = 40), 5000), R_GO_ON);
	fake_reasm_free(&t);
}

static void run_sources(enum ip_family fam, __u32 other)
{
	struct fake_reasm t;

	fake_reasm_init(&t, "frag-max-per-source=3");
	for (__u32 i = 0; i < 3; i++)
		assert_int_equal(give(&t, FRAGMENT(.fam = fam, .id = i), 0), R_GO_ON);
	assert_int_equal(give(&t, FRAGMENT(.fam = fam, .id = 3), 0), R_frag_limit);
	/* fragments of its open datagrams are not concerned, nor is anybody else */
	assert_int_equal(give(&t, FRAGMENT(.fam = fam, .id = 2, .off = 8000), 0), R_GO_ON);
	assert_int_equal(give(&t, FRAGMENT(.fam = fam, .id = 3, .src = other), 0), R_GO_ON);
	if (fam == FAM_6) /* the same /64 */
		assert_int_equal(give(&t, FRAGMENT(.fam = fam, .id = 9, .src = 1), 0),
				 R_frag_limit);
	reasm_expire(t.rs, 5000);
	assert_int_equal(t.rs->sources.used, 0);
	for (__u32 i = 0; i < 3; i++)
		assert_int_equal(give(&t, FRAGMENT(.fam = fam, .id = i), 5000), R_GO_ON);
	fake_reasm_free(&t);
}

static void test_sources(void **state)
{
	(void)state;
	run_sources(FAM_4, 1);
	run_sources(FAM_6, 1 << 16);
}

/* A source has room again as soon as its datagram is complete, whatever became of it. */
static void test_source_of_complete(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, "frag-max-per-source=1");
	for (__u32 i = 0; i < 10; i++) {
		__u16 dport = i & 1 ? 50002 : 50009;

		give(&t, FRAGMENT(.id = i, .first = true, .n = 400, .dport = dport), 0);
		assert_int_not_equal(t.done[0], R_frag_limit);
		give(&t, FRAGMENT(.id = i, .off = 400, .n = 80, .last = true), 0);
		assert_int_equal(t.rs->dgrams.used, 0);
	}
	fake_reasm_free(&t);
}

static void test_fragments(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, "frag-max-fragments=4");
	for (__u32 i = 1; i <= 4; i++)
		assert_int_equal(give(&t, FRAGMENT(.off = i * 80, .n = 80), 0), R_GO_ON);
	/* the first one, too, is one too many: the others wait in vain */
	assert_int_equal(give(&t, FRAGMENT(.off = 800, .n = 80), 0), R_frag_limit);
	assert_int_equal(give(&t, FRAGMENT(.first = true, .n = 80, .dport = 50002), 0),
			 R_frag_limit);
	assert_int_equal(t.rs->held, 4);
	/* the same where they are sent at once */
	assert_int_equal(give(&t, FRAGMENT(.id = 2, .first = true, .n = 80, .dport = 50002), 0),
			 R_kern_4to6);
	for (__u32 i = 1; i <= 3; i++)
		assert_int_equal(give(&t, FRAGMENT(.id = 2, .off = i * 80, .n = 80), 0),
				 R_kern_4to6);
	assert_int_equal(give(&t, FRAGMENT(.id = 2, .off = 800, .n = 80), 0), R_frag_limit);
	fake_reasm_free(&t);
}

static void test_bytes(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, "frag-max-bytes=65536");
	for (__u32 i = 0; i < 43; i++)
		assert_int_equal(give(&t, FRAGMENT(.id = i), 0), R_GO_ON);
	assert_int_equal(t.rs->bytes, 43 * 1500);
	assert_int_equal(give(&t, FRAGMENT(.id = 50), 0), R_frag_limit);
	assert_int_equal(t.rs->dgrams.used, 43); /* nothing is left of what had no room */
	assert_int_equal(give(&t, FRAGMENT(.id = 7, .off = 8000, .last = true), 0), R_frag_limit);
	assert_int_equal(give(&t, FRAGMENT(.id = 50, .n = 1016), 0), R_GO_ON); /* to the byte */
	assert_int_equal(t.rs->bytes, 65536);
	assert_int_equal(give(&t, FRAGMENT(.id = 7, .first = true, .dport = 50002), 0), R_sp_frags);
	assert_int_equal(t.rs->bytes, 65536 - 1500);
	assert_int_equal(t.rs->peak, 65536);
	/* that which had no room left no trace: the datagram can still be complete */
	assert_int_equal(give(&t, FRAGMENT(.id = 7, .off = 8000, .last = true), 0), R_sp_frags);
	fake_reasm_free(&t);
}

/* Short fragments use up the blocks before the bytes. */
static void test_blocks(void **state)
{
	struct fake_reasm t;
	__u32 n = 0;

	(void)state;
	fake_reasm_init(&t, "frag-max-bytes=65536");
	for (; n < t.rs->blocks.n - 1; n++)
		assert_int_equal(give(&t, FRAGMENT(.id = n / 60, .off = 80 + n % 60 * 8, .n = 8),
				      0), R_GO_ON);
	/* one block is left, and stays when it is not enough */
	assert_int_equal(give(&t, FRAGMENT(.id = 999, .n = 600), 0), R_frag_limit);
	assert_null(fake_reasm_conserved(&t));
	assert_int_equal(give(&t, FRAGMENT(.id = 999, .n = 8), 0), R_GO_ON);
	assert_int_equal(give(&t, FRAGMENT(.id = 998, .n = 8), 0), R_frag_limit);
	assert_true(t.rs->bytes < 65536);
	reasm_expire(t.rs, 5000);
	assert_int_equal(t.rs->blocks.used + t.rs->frags.used + t.rs->bytes, 0);
	assert_int_equal(t.all_in, t.all_done);
	fake_reasm_free(&t);
}

/* FRG-04: old for what arrives, also behind more old ones than an arrival clears away. */
static void test_old_among_many(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, NULL);
	for (__u32 i = 0; i < 10; i++)
		assert_int_equal(give(&t, FRAGMENT(.id = i), 0), R_GO_ON);
	give(&t, FRAGMENT(.id = 9, .first = true, .dport = 50002), 5000);
	assert_int_equal(t.n_done, REASM_EXPIRE_ON_ARRIVAL + 2);
	assert_int_equal(t.done[t.n_done - 2], R_frag_timeout);
	assert_int_equal(t.done[t.n_done - 1], R_sp_frags);
	assert_int_equal(t.rs->held, 10 - REASM_EXPIRE_ON_ARRIVAL - 1);
	fake_reasm_free(&t);
}

/* A fragment of 64 KiB lies in many blocks and comes out as it went in. */
static void test_long(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, "mtu6=65535;lowest-ipv6-mtu=65535");
	assert_int_equal(give(&t, FRAGMENT(.off = 800, .n = 64000, .last = true), 0), R_GO_ON);
	assert_int_equal(give(&t, FRAGMENT(.first = true, .n = 800, .dport = 50002), 0),
			 R_kern_4to6);
	assert_int_equal(t.f.n_out, 2);
	assert_int_equal(t.f.out[1].len, 64000 + 48);
	fake_reasm_free(&t);
}

/* Limits that change with a reload. */
static void test_reload(void **state)
{
	struct n64_conf conf;
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, "frag-max-per-source=9");
	conf = t.f.conf;
	for (__u32 i = 0; i < 5; i++)
		assert_int_equal(give(&t, FRAGMENT(.id = i), 0), R_GO_ON);
	conf.opt.frag_source = 5;
	conf.opt.frag_timeout = 2;
	assert_true(reasm_limit(t.rs, &conf));
	assert_int_equal(give(&t, FRAGMENT(.id = 9), 1999), R_frag_limit);
	assert_int_equal(give(&t, FRAGMENT(.id = 9), 2000), R_GO_ON);
	conf.opt.frag_datagrams = 1;
	assert_true(reasm_limit(t.rs, &conf));
	assert_int_equal(give(&t, FRAGMENT(.id = 10, .src = 1), 2000), R_frag_limit);
	conf.opt.frag_datagrams = 65;
	assert_false(reasm_limit(t.rs, &conf));
	conf.opt.frag_datagrams = 64;
	conf.opt.frag_bytes *= 2;
	assert_false(reasm_limit(t.rs, &conf));
	reasm_flush(t.rs);
	assert_int_equal(t.all_in, t.all_done);
	fake_reasm_free(&t);
}

/* ---- memory ------------------------------------------------------------------------------ */

static void test_memory(void **state)
{
	struct fake_reasm t;
	struct n64_conf conf;
	size_t n;

	(void)state;
	fake_reasm_init(&t, "frag-max-datagrams=8192;frag-max-bytes=33554432");
	n = reasm_size(&t.f.conf);
	print_message("%.1f MiB with the defaults, %zu bytes a datagram\n", (double)n / 1048576,
		      sizeof(struct reasm_dgram));
	assert_in_range(n, 42000000, 64u << 20);
	conf = t.f.conf;
	conf.opt.frag_datagrams = 1048576;
	conf.opt.frag_fragments = 8192;
	conf.opt.frag_bytes = 4294967294u;
	n = reasm_size(&conf);
	assert_true(n > 5368709120ull && n < 7ull << 30);
	fake_reasm_free(&t);
}

static __u32 longest(const struct reasm_slab *s, const __u32 *bucket, __u32 mask)
{
	__u32 most = 0;

	for (__u32 b = 0; b <= mask; b++) {
		__u32 n = 0;

		for (__u32 i = bucket[b]; i; i = s->next[i])
			n++;
		most = n > most ? n : most;
	}
	return most;
}

/* 10,000 datagrams that an attacker keeps open, in the patterns that he can choose: no
 * chain that an arrival has to walk becomes long, and one arrival clears away only a few
 * of what has run out. */
static void test_attack(void **state)
{
	static const struct {
		enum ip_family fam;
		__u32 src, id;	/* steps */
	} rows[] = {
		{ FAM_4, 1, 0 }, { FAM_4, 65536, 0 }, { FAM_4, 0, 1 }, { FAM_4, 257, 257 },
		{ FAM_6, 1, 0 }, { FAM_6, 65536, 0 }, { FAM_6, 0, 1 }, { FAM_6, 0, 65536 },
		{ FAM_6, 65537, 4096 },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct fake_reasm t;
		__u32 before;

		fake_reasm_init(&t, "frag-max-datagrams=16384;frag-max-per-source=16384;"
				    "frag-max-fragments=8;frag-max-bytes=3000000");
		for (__u32 i = 0; i < 10000; i++)
			assert_int_equal(give(&t, FRAGMENT(.fam = rows[k].fam, .n = 16,
							 .src = rows[k].src * i,
							 .id = rows[k].id * i), 0), R_GO_ON);
		assert_int_equal(t.rs->dgrams.used, 10000);
		assert_true(longest(&t.rs->dgrams, t.rs->dgram_bucket, t.rs->mask) < 10);
		assert_true(longest(&t.rs->sources, t.rs->source_bucket, t.rs->mask) < 10);
		before = t.rs->dgrams.used;
		give(&t, FRAGMENT(.src = 99, .id = 7777, .first = true, .dport = 50002), 6000);
		assert_int_equal(before - t.rs->dgrams.used, REASM_EXPIRE_ON_ARRIVAL - 1);
		fake_reasm_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_source_of_complete),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_old_among_many),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_attack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

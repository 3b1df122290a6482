/* SPDX-License-Identifier: GPL-2.0-only */
/* The hand-over header and the frames on the pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/frame.h"

#define PAYLOAD 60 /* of IP */

struct row {
	const char *name;
	__s32 cut;	/* bytes taken off the end (added, if negative) */
	void (*spoil)(struct n64_slow *h);
	enum reason reason;
};

static void bad_magic(struct n64_slow *h) { h->magic ^= 1; }
static void bad_abi(struct n64_slow *h) { h->abi++; }
static void reason_not_slow(struct n64_slow *h) { h->reason = R_fwd_4to6; }
static void reason_beyond(struct n64_slow *h) { h->reason = N_REASONS; }
static void bad_fam(struct n64_slow *h) { h->fam = 5; }
static void l3_in_eth(struct n64_slow *h) { h->l3_off = ETH_LEN - 4; }
static void l3_odd(struct n64_slow *h) { h->l3_off = ETH_LEN + 2; }
static void l3_beyond_tags(struct n64_slow *h) { h->l3_off = ETH_LEN + 12; }
static void longer(struct n64_slow *h) { h->frame_len++; }
static void shorter(struct n64_slow *h) { h->frame_len--; }
static void cut_longer(struct n64_slow *h) { h->flags |= SLOW_CUT; h->frame_len = 9000; }
static void cut_shorter(struct n64_slow *h) { h->flags |= SLOW_CUT; h->frame_len--; }
static void cut_monster(struct n64_slow *h) { h->flags |= SLOW_CUT; h->frame_len = ~0u; }
static void cut_tiny(struct n64_slow *h) { h->flags |= SLOW_CUT; h->frame_len = 3; }
static void only_eth(struct n64_slow *h) { h->frame_len = ETH_LEN; }
static void half_eth(struct n64_slow *h) { h->frame_len = ETH_LEN / 2; }
static void two_tags(struct n64_slow *h) { h->l3_off = ETH_LEN + 8; }

static const struct row rows[] = {
	{ "as handed over", 0, NULL, R_GO_ON },
	{ "behind two VLAN tags", 0, two_tags, R_GO_ON },
	{ "GEN-13 cut, true length in the header", 0, cut_longer, R_GO_ON },
	{ "magic", 0, bad_magic, R_sp_bad },
	{ "abi", 0, bad_abi, R_sp_bad },
	{ "reason of another kind", 0, reason_not_slow, R_sp_bad },
	{ "reason out of the list", 0, reason_beyond, R_sp_bad },
	{ "family", 0, bad_fam, R_sp_bad },
	{ "IP inside the Ethernet header", 0, l3_in_eth, R_sp_bad },
	{ "IP at an odd place", 0, l3_odd, R_sp_bad },
	{ "IP behind more tags than there are", 0, l3_beyond_tags, R_sp_bad },
	{ "longer than the frame", 0, longer, R_sp_bad },
	{ "shorter than the frame", 0, shorter, R_sp_bad },
	{ "cut, but shorter than what is there", 0, cut_shorter, R_sp_bad },
	{ "cut, longer than any packet", 0, cut_monster, R_sp_bad },
	{ "cut, shorter than Ethernet", 0, cut_tiny, R_sp_bad },
	{ "nothing behind Ethernet", PAYLOAD, NULL, R_sp_bad },
	{ "nothing behind Ethernet, as the header says", PAYLOAD, only_eth, R_sp_bad },
	{ "half of Ethernet, as the header says", PAYLOAD + ETH_LEN / 2, half_eth, R_sp_bad },
	{ "truncated Ethernet", PAYLOAD + 1, NULL, R_sp_bad },
	{ "truncated header", PAYLOAD + ETH_LEN + 1, NULL, R_sp_bad },
	{ "empty", PAYLOAD + ETH_LEN + 32, NULL, R_sp_bad },
};

static void test_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct n64_slow h = {
			.magic = N64_SLOW_MAGIC, .abi = N64_ABI, .reason = R_slow_frag6,
			.ifindex = 7, .frame_len = ETH_LEN + PAYLOAD, .l3_off = ETH_LEN,
			.fam = FAM_6,
		};
		__u32 len = sizeof(h) + ETH_LEN + PAYLOAD - r->cut;
		/* exactly as long as the frame, so that ASan sees a read behind it */
		__u8 *room = calloc(1, len + 2), *frame = room + 2;
		struct n64_slow got;
		struct slow_in in;
		enum reason reason;

		if (r->spoil)
			r->spoil(&h);
		memcpy(frame, &h, len < sizeof(h) ? len : sizeof(h));
		reason = frame_open(frame, len, &got, &in);
		if (reason != r->reason)
			fail_msg("%s: reason %d, not %d", r->name, reason, r->reason);
		if (reason == R_GO_ON) {
			assert_int_equal(in.len, len - 32 - h.l3_off);
			assert_int_equal(in.true_len, h.frame_len - h.l3_off);
			assert_int_equal((uintptr_t)in.ip % 4, 0);
			assert_int_equal(in.ifindex, 7);
			assert_int_equal(in.fam, FAM_6);
		}
		free(room);
	}
}

static void test_facts(void **state)
{
	static const __u8 ip4[20] = { 0x45, 0, 0x12, 0x34 };
	static const __u8 ip6[40] = { 0x60, 0, 0, 0, 0x01, 0x02 };
	struct slow_in in = { .ip = ip4, .len = 20, .true_len = 900, .fam = FAM_4 };

	(void)state;
	assert_int_equal(frame_ip_bytes(&in), 0x1234);
	in = (struct slow_in){ .ip = ip6, .len = 40, .true_len = 900, .fam = FAM_6 };
	assert_int_equal(frame_ip_bytes(&in), 40 + 0x102);
	in.len = 39;
	assert_int_equal(frame_ip_bytes(&in), 900);
}

static void test_group(void **state)
{
	struct n64_slow h = {
		.magic = N64_SLOW_MAGIC, .abi = N64_ABI, .reason = R_slow_frag4,
		.frame_len = ETH_LEN + 1, .l3_off = ETH_LEN, .fam = FAM_4,
		.flags = SLOW_FROM_PAIR,
	};
	__u8 frame[2 + 32 + ETH_LEN + 1] __attribute__((aligned(4))) = { 0 };
	struct n64_slow got;
	struct slow_in in;

	(void)state;
	memcpy(frame + 2, &h, sizeof(h));
	assert_int_equal(frame_open(frame + 2, sizeof(frame) - 2, &got, &in), R_GO_ON);
	assert_false(in.l2_mcast);
	assert_true(in.from_pair);
	frame[2 + 32] = 0x33; /* VAL-06 */
	assert_int_equal(frame_open(frame + 2, sizeof(frame) - 2, &got, &in), R_GO_ON);
	assert_true(in.l2_mcast);
}

static void test_eth(void **state)
{
	static const __u8 want[ETH_LEN] = { 2, 'N', '6', '4', 'x', 'k', 2, 5,
         1, 2, 3, 4, 0x86, 0xdd };
	struct eth_hdr eth;

	(void)state;
	frame_eth(&eth, FAM_6, 0x01020304,
		  frame_pair_flags(SLOW_FROM_PAIR, EMIT_ORIGINATED));
	assert_memory_equal(&eth, want, sizeof(want));
	frame_eth(&eth, FAM_4, 1, 0);
	assert_int_equal(eth.type, be16(0x0800));
	assert_int_equal(frame_pair_flags(0, EMIT_RETURNED), PAIR_RETURNED);
	assert_int_equal(frame_pair_flags(SLOW_CUT, 0), 0);
	assert_int_equal(frame_pair_flags(SLOW_STACK, 0), PAIR_KERNEL);
	assert_int_equal(frame_pair_flags(SLOW_STACK, EMIT_ORIGINATED), PAIR_ORIGINATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_eth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the loaded programs share: a network namespace with two ports and
 * the pair, golden rows, and what must hold of a packet that comes out. */
#ifndef N64_PATH_NET_H
#define N64_PATH_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <linux/if_link.h>

#include "addr.h"
#include "csum.h"
#include "hdr.h"
#include "parse.h"

#include "path_frames.h"

struct run {
	__u8 pad[2];
	__u8 out[4094];
	__u32 out_len;
	int action;
	enum reason reason; /* the one that was counted */
} __attribute__((aligned(4)));

static inline const char *reason_name(enum reason r)
{
	switch (r) {
#define REASON(name, kind, class, text, rule) \
	case R_##name:                        \
		return #name;
#include "reason.def"
#undef REASON
	default:
		return "go_on";
	}
}

/* ---- the namespace ------------------------------------------------------------ */

static inline void sh(const char *cmd)
{
	if (system(cmd))
		fail_msg("failed: %s", cmd);
}

static inline int world_start(void **state)
{
	static const char *const cmds[] = {
		"ip link set lo up",
		"ip link add v6 address 02:00:00:00:06:01 type veth peer name v6p",
		"ip link add v4 address 02:00:00:00:04:01 type veth peer name v4p",
		"ip link add nat64 mtu 65535 address 0e:00:00:00:01:01 type veth"
		" peer name nat64x mtu 65535",
		"for d in v6 v4 nat64 nat64x v6p v4p; do"
		" echo 0 > /proc/sys/net/ipv6/conf/$d/accept_dad; ip link set $d up; done",
		"echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
		"echo 1 > /proc/sys/net/ipv4/ip_forward",
		"ip addr add 2001:db8:ffff::1/64 dev v6 nodad",
		"ip addr add 203.0.113.1/24 dev v4",
		"ip addr add 192.0.0.8/32 dev nat64",
		"ip neigh add 2001:db8:ffff::2 lladdr 02:00:00:00:06:02 dev v6 nud permanent",
		"ip neigh add 203.0.113.2 lladdr 02:00:00:00:04:02 dev v4 nud permanent",
		"ip route add 2001:db8::/32 via 2001:db8:ffff::2",
		"ip route add 64:ff9b:1:fffe::/96 via 2001:db8:ffff::2",
		"ip route add default via 203.0.113.2",
		"ip route add blackhole 198.18.0.0/16",
		"ip route add unreachable 198.19.0.0/16",
	};

	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		sh(cmds[i]);
	return 0;
}

/* Attaches a program that passes everything: a receive queue known to XDP, which a test run
 * needs, exists while one is attached. Never the program under test: what the kernel says on
 * the link by itself (RFC 3810) would be counted too. The link's descriptor. */
static inline int attach_silent(const char *dev)
{
	struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	int prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "silent", "GPL", pass, 2, &o);
	int link = prog < 0 ? prog : bpf_link_create(prog, (int)if_nametoindex(dev), BPF_XDP, NULL);

	if (link < 0)
		fail_msg("attaching to %s: %s", dev, strerror(-link));
	close(prog);
	return link;
}

/* ---- golden rows -------------------------------------------------------------------- */

static inline json_t *golden_open(void)
{
	json_error_t e;
	json_t *j = json_load_file("testenv/golden-packets.json", 0, &e);

	if (!j)
		fail_msg("testenv/golden-packets.json: %s (run from the top of the source)",
			 e.text);
	return j;
}

static inline size_t unhex(const char *text, __u8 *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++)
		sscanf(text + 2 * i, "%2hhx", &out[i]);
	return n;
}

/* ---- what came out --------------------------------------------------------------------- */

static inline void frame_from(struct frame *f, const struct run *r)
{
	memcpy(f->bytes, r->out, r->out_len);
	f->len = r->out_len;
}

static inline void assert_reason(const struct run *r, const char *what, enum reason want)
{
	if (r->reason != want)
		fail_msg("%s: %s instead of %s", what, reason_name(r->reason), reason_name(want));
}

/* The hand-over header, and behind it the frame untouched. */
static inline void assert_handed_over(const struct run *r, const char *what, enum reason why,
			       const __u8 *ip, size_t len)
{
	const __u32 at = frame_l3_off();
	struct frame plain = {.v6 = ip[0] >> 4 == 6, .len = ETH_LEN};
	struct n64_slow s;

	assert_int_equal(r->action, XDP_REDIRECT);
	memcpy(&s, r->out, sizeof(s));
	assert_int_equal(s.magic, N64_SLOW_MAGIC);
	assert_int_equal(s.abi, N64_ABI);
	assert_int_equal(s.reason, why);
	assert_int_equal(s.l3_off, at);
	assert_int_equal(s.frame_len, at + len);
	assert_int_equal(s.fam, ip[0] >> 4);
	if (memcmp(r->out + sizeof(s) + 2 * MAC_LEN, frame_tagged(&plain)->bytes + 2 * MAC_LEN,
		   at - ETH_LEN))
		fail_msg("%s: its tags changed on the way to the worker", what);
	if (r->out_len != sizeof(s) + at + len || memcmp(r->out + sizeof(s) + at, ip, len))
		fail_msg("%s: the packet changed on its way to the worker", what);
}

/* Lengths and checksums of what was translated, recomputed from nothing. */
static inline void assert_valid_packet(const char *what, const __u8 *bytes, __u32 len)
{
	struct pkt p = {0};
	const __u8 *ip, *end = bytes + len;
	__u64 sum;

	assert_true(parse_eth(bytes, end, &p));
	ip = bytes + p.l3_off;
	p.avail = end - ip;
	assert_true(p.fam == FAM_4 ? parse_ip4((void *)ip, end, &p)
				   : parse_ip6((void *)ip, end, &p));
	assert_int_equal(rule_header(&p), R_GO_ON);
	assert_int_equal(p.avail, p.l3_len);
	parse_l4(ip + p.l4_off, end, &p);
	if (p.proto != P_UDP || !p.l4_csum)
		return;
	sum = p.fam == FAM_4 ? csum_pseudo4(p.src4, p.dst4, p.proto, p.l4_len)
			     : csum_pseudo6(&p.src6, &p.dst6, p.proto, p.l4_len);
	if (csum_fold(sum + csum_bytes(ip + p.l4_off, p.l4_len)) != 0xffff)
		fail_msg("%s: wrong checksum", what);
}

/* The bytes of a golden output as this shell must show them: the generated ID
 * (rows without a Fragment header show 0) is taken from the packet. */
static inline void assert_golden(const char *id, const __u8 *want, size_t len, const __u8 *got,
			  size_t got_len)
{
	_Alignas(4) __u8 copy[2048];
	struct ip4_hdr ip;

	if (len != got_len)
		fail_msg("%s: %zu bytes instead of %zu", id, got_len, len);
	memcpy(copy, got, len);
	if (copy[0] >> 4 == 4) {
		memcpy(&ip, copy, sizeof(ip));
		assert_int_equal(ip.csum, csum_ip4(&ip));
		ip.id = ((const struct ip4_hdr *)want)->id;
		ip.csum = csum_ip4(&ip);
		memcpy(copy, &ip, sizeof(ip));
	}
	for (size_t i = 0; i < len; i++)
		if (copy[i] != want[i])
			fail_msg("%s: byte %zu is %02x instead of %02x", id, i, copy[i], want[i]);
}

#endif

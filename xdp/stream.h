/* SPDX-License-Identifier: GPL-2.0-only */
/* Many packets in one call of the kernel, for tests that send millions: a program that writes the
 * headers of the next packet over what is left of the last one and calls the program under test,
 * run as often as there are packets (BPF_PROG_TEST_RUN, `repeat`). */
#ifndef N64_STREAM_H
#define N64_STREAM_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "path_frames.h"

/* Packet n is number k = n * `stride` % `all`: of host k % `hosts`, which is the second word of
 * its source, and from port `port` + k / `hosts`. Before it the test clock goes on by `step`, in
 * 2^-32 of a second. */
struct stream {
	__u64 n, stride, all, hosts, port, step, len;
	__u8 head[ETH_LEN + 40 + 8];
};

#define STREAM_HOST (ETH_LEN + 8 + 4)
#define STREAM_PORT (ETH_LEN + 40)
#define STREAM_CLOCK 4 /* where the fraction is in struct test_clock */
#define STREAM_AT(field) ((__s16)offsetof(struct stream, field))

struct stream_run {
	int map, ways, prog;
	struct frame frame;
};

/* ---- a program in the kernel's own words ---------------------------------------------------- */

#define STREAM_OP(op, d, s, o, i) \
	((struct bpf_insn){.code = (op), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define STREAM_ALU(op, d, s) STREAM_OP(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define STREAM_ALU_K(op, d, i) STREAM_OP(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define STREAM_LOAD(d, s, o) STREAM_OP(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define STREAM_STORE(size, d, s, o) STREAM_OP(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define STREAM_BE(d, bits) STREAM_OP(BPF_ALU | BPF_END | BPF_TO_BE, d, 0, 0, bits)
#define STREAM_MAP(d, kind, fd) STREAM_OP(BPF_LD | BPF_IMM | BPF_DW, d, kind, 0, fd), \
	STREAM_OP(0, 0, 0, 0, 0)
#define STREAM_CALL(f) STREAM_OP(BPF_JMP | BPF_CALL, 0, 0, 0, f)

static inline int stream_load(int map, int ways, int clock)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_XDP,
		    .prog_flags = BPF_F_XDP_HAS_FRAGS);
	const struct bpf_insn insns[] = {
		STREAM_ALU(BPF_MOV, 6, 1),
		STREAM_MAP(7, BPF_PSEUDO_MAP_VALUE, map),
		/* as long as it was */
		STREAM_CALL(BPF_FUNC_xdp_get_buff_len),
		STREAM_LOAD(1, 7, STREAM_AT(len)),
		STREAM_ALU(BPF_MOV, 2, 0),
		STREAM_ALU(BPF_SUB, 2, 1),
		STREAM_OP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 2, 0),
		STREAM_ALU(BPF_MOV, 1, 6),
		STREAM_CALL(BPF_FUNC_xdp_adjust_head),
		/* which packet it is */
		STREAM_LOAD(8, 7, STREAM_AT(n)),
		STREAM_ALU(BPF_MOV, 1, 8),
		STREAM_ALU_K(BPF_ADD, 1, 1),
		STREAM_STORE(BPF_DW, 7, 1, STREAM_AT(n)),
		STREAM_LOAD(1, 7, STREAM_AT(stride)),
		STREAM_ALU(BPF_MUL, 8, 1),
		STREAM_LOAD(1, 7, STREAM_AT(all)),
		STREAM_ALU(BPF_MOD, 8, 1),
		STREAM_LOAD(1, 7, STREAM_AT(hosts)),
		STREAM_ALU(BPF_MOV, 2, 8),
		STREAM_ALU(BPF_MOD, 2, 1),
		STREAM_BE(2, 32),
		STREAM_STORE(BPF_W, 7, 2, STREAM_AT(head) + STREAM_HOST),
		STREAM_ALU(BPF_DIV, 8, 1),
		STREAM_LOAD(1, 7, STREAM_AT(port)),
		STREAM_ALU(BPF_ADD, 8, 1),
		STREAM_BE(8, 16),
		STREAM_STORE(BPF_H, 7, 8, STREAM_AT(head) + STREAM_PORT),
		/* its headers */
		STREAM_ALU(BPF_MOV, 1, 6),
		STREAM_ALU_K(BPF_MOV, 2, 0),
		STREAM_ALU(BPF_MOV, 3, 7),
		STREAM_ALU_K(BPF_ADD, 3, STREAM_AT(head)),
		STREAM_ALU_K(BPF_MOV, 4, sizeof(((struct stream *)0)->head)),
		STREAM_CALL(BPF_FUNC_xdp_store_bytes),
		STREAM_MAP(9, BPF_PSEUDO_MAP_VALUE, clock),
		STREAM_OP(BPF_LDX | BPF_MEM | BPF_W, 1, 9, STREAM_CLOCK, 0),
		STREAM_LOAD(2, 7, STREAM_AT(step)),
		STREAM_ALU(BPF_ADD, 1, 2),
		STREAM_STORE(BPF_W, 9, 1, STREAM_CLOCK),
		/* to the program under test */
		STREAM_ALU(BPF_MOV, 1, 6),
		STREAM_MAP(2, BPF_PSEUDO_MAP_FD, ways),
		STREAM_ALU_K(BPF_MOV, 3, 0),
		STREAM_CALL(BPF_FUNC_tail_call),
		STREAM_ALU_K(BPF_MOV, 0, XDP_ABORTED),
		STREAM_OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "stream", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), &o);
}

/* ---- its use ------------------------------------------------------------------------------ */

/* Packets like `f`, a UDP packet from IPv6, through `prog`. `clock`: the map test_clock. */
static inline void stream_open(struct stream_run *r, int prog, int clock, const struct frame *f,
			       struct stream how)
{
	LIBBPF_OPTS(bpf_map_create_opts, o);
	__u32 zero = 0;

	r->frame = *f;
	how.len = f->len;
	memcpy(how.head, f->bytes, sizeof(how.head));
	r->map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "stream", 4, sizeof(how), 1, &o);
	r->ways = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "stream_ways", 4, 4, 1, &o);
	r->prog = stream_load(r->map, r->ways, clock);
	if (r->prog < 0 || bpf_map_update_elem(r->map, &zero, &how, 0) ||
	    bpf_map_update_elem(r->ways, &zero, &prog, 0))
		fail_msg("the program that makes packets: %s", strerror(errno));
}

static inline void stream_close(struct stream_run *r)
{
	close(r->prog);
	close(r->ways);
	close(r->map);
}

/* The next `n` packets; a call for more than one takes 0.4 ms by itself. The action of the last
 * one; *ns: what one took, with the making of the packet. */
static inline __u32 stream_next(const struct stream_run *r, __u32 ifindex, __u32 n, __u32 *ns)
{
	static __u8 out[4096];
	struct xdp_md ctx = {.data_end = r->frame.len, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = r->frame.bytes, .data_size_in = r->frame.len,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)n);

	if (bpf_prog_test_run_opts(r->prog, &o))
		fail_msg("test run: %s", strerror(errno));
	if (ns)
		*ns = o.duration;
	return o.retval;
}

#endif

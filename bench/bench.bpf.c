// SPDX-License-Identifier: GPL-2.0-only
/* Programs of the benchmark: a source of frames, the reference that only redirects,
 * and a sink that looks at every frame. What the source and the sink cost is in every
 * figure, of the reference too; so they do the same for each, and little. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bench.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* In constant memory, so that the verifier removes what a scenario does not use. */
const volatile struct source_conf from = {};
const volatile struct sink_conf to = {};

/* The source's own; every source is loaded apart. */
__u64 sent;
__u64 due;
__u64 t_first, n_first, t_last, n_last; /* as in struct sink_count */
__u32 at;

/* devices: where a port's frames go, by the ifindex of the one that receives. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devices SEC(".maps");

/* steps: the order of flows, made by user space and shared by the sources of a bed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct step);
} steps SEC(".maps");

/* externals: what the sink has learned of each flow, shared by the sinks of a bed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct external);
} externals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sink_count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} latency SEC(".maps");

#include "source.bpf.h"
#include "sink.bpf.h"

/* The pages of a live frame come back as the translator left them, so that all headers
 * are written every time. */
SEC("xdp")
int source(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	const struct step *s;
	__u32 now = at, step = from.pairs ? now >> 1 : now;

	if (!is_due())
		return XDP_DROP;
	s = bpf_map_lookup_elem(&steps, &step);
	if (!s || data + from.head_bytes > end)
		return XDP_ABORTED;
	at = now + 1 >= from.end ? from.begin : now + 1;
#pragma unroll
	for (__u32 i = 0; i < HEAD_WORDS; i++) {
		if (i >= from.head_bytes / 8)
			break;
		*(__u64 *)(data + i * 8) = from.pairs && now & 1 ? from.second[i] : from.head[i];
	}
	fill(data, s);
	if (unlikely(!(++sent & (OFFER_SAMPLE - 1))))
		note_time();
	return bpf_redirect(from.out_ifindex, 0);
}

SEC("xdp.frags")
int redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, ctx->ingress_ifindex, XDP_DROP);
}

SEC("xdp.frags")
int sink(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct sink_count *c = bpf_map_lookup_elem(&counts, &zero);
	int bad;

	if (!c)
		return XDP_ABORTED;
	c->seen++;
	if (unlikely(!(c->seen & (to.time_every - 1))))
		take_time(c);
	bad = bad_frame(ctx, c->seen, c);
	if (likely(bad < 0))
		c->good++;
	else
		c->bad[bad > CHATTER ? CHATTER : bad]++;
	if (to.off_time && bad < 0)
		take_latency(ctx);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";

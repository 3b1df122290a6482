/* SPDX-License-Identifier: GPL-2.0-only */
/* How the sink looks at a frame. */
#ifndef N64_BENCH_SINK_BPF_H
#define N64_BENCH_SINK_BPF_H

/* Which field is wrong; seldom called. */
static __attribute__((noinline)) int cause_of(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	const volatile __u8 *want = (const volatile __u8 *)to.want;
	const volatile __u8 *mask = (const volatile __u8 *)to.mask;

	if (data + 14 > end)
		return BAD_LENGTH;
	if (data[0] & 1)
		return CHATTER;
	if (data[12] != want[12] || data[13] != want[13])
		return BAD_FAMILY;
	for (__u32 i = 14; i < WANT_WORDS * 8; i++) {
		if (i >= to.bytes || data + i + 1 > end)
			break;
		if ((data[i] & mask[i]) == want[i])
			continue;
		if (i >= to.addr_from && i < to.addr_to)
			return BAD_ADDRESS;
		return i >= to.port_from && i < to.port_to ? BAD_PORT : BAD_HEADER;
	}
	return data + to.bytes > end ? BAD_LENGTH : BAD_HEADER;
}

/* The sum of all bytes from `off` on. */
static __attribute__((noinline)) __u64 sum_of(struct xdp_md *ctx, __u32 off)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u64 sum = 0;
	__u8 *p;

	if (off > 128)
		return 0;
	p = data + off;
	for (__u32 i = 0; i < SUM_MAX / 4; i++, p += 4) {
		if (p + 4 > end)
			break;
		sum += *(__u32 *)p;
	}
	if (p + 2 <= end) {
		sum += *(__u16 *)p;
		p += 2;
	}
	if (p + 1 <= end)
		sum += *p;
	return sum;
}

/* Both checksums of a frame, summed in full. */
static __always_inline int sums_hold(struct xdp_md *ctx, __u8 *data, __u8 *end)
{
	__u64 sum = 0, len = end - data;

	asm volatile("" : "+r"(len)); /* a number from here on, no pointer */
	if (to.ip_words) {
		if (data + to.off_l4 > end)
			return 0;
		for (__u32 i = 0; i < 15; i++) {
			if (i >= to.ip_words)
				break;
			sum += *(__u32 *)(data + to.off_l3 + i * 4);
		}
		if (fold(sum) != 0xffff)
			return 0;
	}
	if (to.no_csum)
		return 1;
	sum = 0;
	if (to.sum_const) {
		__u32 first = to.off_l3 + (to.ip_words ? 12 : 8);

		if (data + to.off_l4 > end)
			return 0;
		for (__u32 i = 0; i < 8; i++) {
			if (to.ip_words && i >= 2)
				break;
			sum += *(__u32 *)(data + first + i * 4);
		}
		sum += bpf_htonl((__u32)len - to.off_l4);
		sum += bpf_htonl(to.sum_const);
	}
	return fold(sum + sum_of(ctx, to.off_l4)) == 0xffff;
}

/* The external address and port of a flow: in the range, and always the same. */
static __always_inline int external_is_right(const __u8 *data, __u32 flow, __u64 nth,
					     struct sink_count *c)
{
	__u32 addr = *(__u32 *)(data + to.off_ext_addr);
	__u16 port = *(__u16 *)(data + to.off_ext_port);
	struct external *e;

	if (unlikely(bpf_ntohl(addr) - to.ext_base >= to.ext_count))
		return 0;
	if (nth & (to.every - 1))
		return 1;
	e = bpf_map_lookup_elem(&externals, &flow);
	if (!e)
		return 0;
	c->looked_up++;
	if (to.learn && !e->known) {
		e->addr = addr;
		e->port = port;
		e->known = 1;
	}
	return e->addr == addr && e->port == port;
}

static __always_inline int bad_flow(const __u8 *data, __u64 nth, struct sink_count *c)
{
	__u32 flow = *(__u32 *)(data + to.off_id);
	__u16 port;

	if (unlikely(flow >= to.flows))
		return BAD_PAYLOAD;
	if (to.off_host &&
	    *(__u32 *)(data + to.off_host) != bpf_htonl(to.host_base + (flow >> to.port_bits)))
		return BAD_ADDRESS;
	port = (__u16)(to.port_base + (flow & ((1u << to.port_bits) - 1)));
	if (to.off_port && *(__u16 *)(data + to.off_port) != bpf_htons(port))
		return BAD_PORT;
	if (to.off_ext_addr && !external_is_right(data, flow, nth, c))
		return BAD_MAPPING;
	return -1;
}

static __always_inline int bad_frame(struct xdp_md *ctx, __u64 nth, struct sink_count *c)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u64 wrong = 0;

	if (data + to.bytes > end)
		return cause_of(ctx);
#pragma unroll
	for (__u32 i = 0; i < WANT_WORDS; i++) {
		if (i >= to.bytes / 8)
			break;
		if (to.mask[i])
			wrong |= (*(__u64 *)(data + i * 8) & to.mask[i]) ^ to.want[i];
	}
	if (unlikely(wrong))
		return cause_of(ctx);
	if (unlikely(!(nth & (to.sum_every - 1)))) {
		c->summed++;
		if (!sums_hold(ctx, data, end))
			return BAD_CHECKSUM;
	}
	return to.flows ? bad_flow(data, nth, c) : -1;
}

static __always_inline void take_time(struct sink_count *c)
{
	__u64 now = bpf_ktime_get_ns();

	if (!c->t_begin)
		c->t_begin = now;
	if (!c->t_first && now - c->t_begin >= to.settle) {
		c->t_first = now;
		c->n_first = c->seen;
	}
	c->t_last = now;
	c->n_last = c->seen;
}

/* Buckets: below 2 * SUBS one each, then SUBS to an octave. */
static __always_inline void take_latency(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	__u32 bucket, ns, shift = 0;
	__u64 passed, *n;

	if (data + to.off_time + 8 > end)
		return;
	passed = bpf_ktime_get_ns() - *(__u64 *)(data + to.off_time);
	ns = passed > 0xffffffff ? 0xffffffff : (__u32)passed;
	for (__u32 step = 16; step; step >>= 1) {
		if (ns >> SUBS_BITS >> shift >> step)
			shift += step;
	}
	bucket = shift * SUBS + (ns >> shift);
	if (bucket >= BUCKETS)
		bucket = BUCKETS - 1;
	n = bpf_map_lookup_elem(&latency, &bucket);
	if (n)
		++*n;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* How a frame of the source is made of its template. */
#ifndef N64_BENCH_SOURCE_BPF_H
#define N64_BENCH_SOURCE_BPF_H

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

static __always_inline int is_due(void)
{
	__u64 now;

	if (!from.interval)
		return 1;
	now = bpf_ktime_get_ns();
	if (now < due)
		return 0;
	/* what could not be sent in the last millisecond is not made up for */
	due = now - due > 1000000 ? now + from.interval : due + from.interval;
	return 1;
}

/* What of the frame depends on the flow. The sums are those of the template, so that
 * the checksums are right whatever is added. */
static __always_inline void fill(__u8 *data, const struct step *s)
{
	__u64 sum = from.csum;
	__u32 host;
	__u16 port;

	if (from.by_step) {
		host = bpf_htonl(from.host_base + s->addr);
		port = bpf_htons(s->port);
	} else {
		host = bpf_htonl(from.host_base + (s->flow >> from.port_bits));
		port = (__u16)(from.port_base + (s->flow & ((1u << from.port_bits) - 1)));
		port = bpf_htons(port);
	}
	if (from.off_host)
		*(__u32 *)(data + from.off_host) = host;
	if (from.host_in_csum)
		sum += host;
	if (from.off_port) {
		*(__u16 *)(data + from.off_port) = port;
		sum += port;
	}
	if (from.off_id) {
		*(__u32 *)(data + from.off_id) = s->flow;
		sum += s->flow;
	}
	if (from.off_time) {
		__u64 now = bpf_ktime_get_ns();

		*(__u64 *)(data + from.off_time) = now;
		sum += (now & 0xffffffff) + (now >> 32);
	}
	if (from.off_csum) {
		__u16 csum = ~fold(sum);

		*(__u16 *)(data + from.off_csum) = from.zero_is_ffff && !csum ? 0xffff : csum;
	}
	if (from.off_ip_csum)
		*(__u16 *)(data + from.off_ip_csum) = ~fold((__u64)from.ip_csum + host);
}

static __always_inline void note_time(void)
{
	t_last = bpf_ktime_get_ns();
	n_last = sent;
	if (!t_first) {
		t_first = t_last;
		n_first = n_last;
	}
}

#endif

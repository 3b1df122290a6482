// SPDX-License-Identifier: GPL-2.0-only
/* Programs of the benchmark: a source of frames, the reference that only
 * redirects, and a sink. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FRAME_MAX 128

/* The frame and the device it leaves by. Its length is that of the data given to
 * BPF_PROG_TEST_RUN. */
const volatile __u64 frame[FRAME_MAX / 8] = {};
const volatile __u32 out_ifindex = 0;

/* devices: the port itself and its peer, by the ifindex of the one that receives. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devices SEC(".maps");

/* The pages of a live frame come back as the translator left them, so that the
 * whole frame is written every time. */
SEC("xdp")
int source(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;

	for (int i = 0; i < FRAME_MAX / 8; i++) {
		if (data + (i + 1) * 8 > end)
			break;
		*(__u64 *)(data + i * 8) = frame[i];
	}
	return bpf_redirect(out_ifindex, 0);
}

SEC("xdp.frags")
int redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, ctx->ingress_ifindex, XDP_DROP);
}

SEC("xdp.frags")
int sink(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";

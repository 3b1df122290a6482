/* SPDX-License-Identifier: GPL-2.0-only */
/* What this kernel can do, asked of the kernel itself: distributions bring
 * features to older versions. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "programs.h"

#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#endif
#define FIB_SKIP_NEIGH (1u << 2)

/* A lookup without a family: an unknown flag is -EINVAL, a known one
 * -EAFNOSUPPORT. */
static bool knows_skip_neigh(void)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = -64 },
#define ZERO(at) { .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = 10, .off = (at) }
		ZERO(-64), ZERO(-56), ZERO(-48), ZERO(-40),
		ZERO(-32), ZERO(-24), ZERO(-16), ZERO(-8),
#undef ZERO
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 64 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4, .imm = FIB_SKIP_NEIGH },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_fib_lookup },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "n64_probe", "GPL", code,
			       sizeof(code) / sizeof(code[0]), NULL);
	bool known;

	if (fd < 0)
		return false;
	known = !bpf_prog_test_run_opts(fd, &run) && (int)run.retval == -EAFNOSUPPORT;
	close(fd);
	return known;
}

/* Flags are judged before the device: with one that cannot exist an old kernel
 * says EINVAL and a new one something else. */
static bool knows_xsk_sg(void)
{
	struct sockaddr_xdp addr = { .sxdp_family = AF_XDP,
				     .sxdp_flags = XDP_USE_SG | XDP_COPY,
				     .sxdp_ifindex = 0x7fffffff };
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool known;

	if (fd < 0)
		return false;
	known = bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) && errno != EINVAL;
	close(fd);
	return known;
}

/* Nothing but a lost packet shows it, so this one goes by the version: frames of
 * several buffers are redirected since 6.3. */
static bool redirects_pieces(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	return !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 3));
}

__u32 probe_have(void)
{
	return (knows_skip_neigh() ? HAVE_SKIP_NEIGH : 0) | (knows_xsk_sg() ? HAVE_XSK_SG : 0) |
	       (redirects_pieces() ? HAVE_REDIRECT_SG : 0);
}

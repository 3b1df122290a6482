/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmark's programs and the process that loads them agree on. */
#ifndef N64_BENCH_H
#define N64_BENCH_H

#define HEAD_WORDS   20 /* words of 8 bytes that the source writes into every frame */
#define WANT_WORDS   12 /* of these, what the sink compares */
#define OFFER_SAMPLE 256 /* and the source takes the time */
#define SUM_MAX	     1536 /* bytes of a packet that it can sum */

/* Log-linear latency buckets: SUBS to an octave of nanoseconds. */
#define SUBS_BITS 5
#define SUBS	  (1 << SUBS_BITS)
#define BUCKETS	  (SUBS * 28)

/* Why the sink calls a frame bad. */
enum bad {
	BAD_LENGTH, /* shorter than its headers */
	BAD_FAMILY, /* not the family that must arrive */
	BAD_ADDRESS,
	BAD_PORT,
	BAD_HEADER, /* any other field of the headers */
	BAD_PAYLOAD, /* the flow in the payload is none of ours */
	BAD_MAPPING, /* the flow came from another external address and port before */
	BAD_CHECKSUM,
	BAD_CAUSES,
	CHATTER = BAD_CAUSES /* what hosts say to groups without being asked; not bad */
};

/* A place in the order in which flows are visited. The external address and port are
 * those of the flow, for frames from the IPv4 side. */
struct step {
	__u32 flow;
	__u16 addr; /* from the base */
	__u16 port; /* host byte order */
};

/* An external address and port of a flow, in network byte order. */
struct external {
	__u32 addr;
	__u16 port;
	__u16 known;
};

/* Offsets are from the first byte of the frame; 0: the frame has no such field. */
struct source_conf {
	__u64 head[HEAD_WORDS];
	__u64 second[HEAD_WORDS]; /* of every other frame, if there are `pairs` */
	__u32 head_bytes; /* a multiple of 8, or the whole frame */
	__u32 host_base; /* the first host's address: the 32 bits that count hosts */
	__u32 csum; /* unfolded sums of the template, without what varies */
	__u32 ip_csum;
	__u16 off_host, off_port, off_csum, off_ip_csum, off_id, off_time;
	__u16 port_base, port_bits; /* 2^bits flows to a host */
	__u8 by_step; /* address and port are the step's */
	__u8 host_in_csum;
	__u8 zero_is_ffff; /* UDP */
	__u8 pairs; /* two frames to a flow */
	__u32 begin, end; /* of the steps */
	__u32 out_ifindex;
	__u32 interval; /* nanoseconds between frames; 0: as fast as it goes */
};

struct sink_conf {
	__u64 want[WANT_WORDS], mask[WANT_WORDS];
	__u32 bytes; /* of the headers */
	__u32 flows; /* 0: no flow in the payload */
	__u32 host_base;
	__u32 ext_base, ext_count; /* external addresses, host byte order */
	__u32 every; /* a power of two: how often the external address is looked up */
	__u32 sum_every; /* a power of two: how often both checksums are summed */
	__u32 time_every; /* a power of two: how often the time is taken */
	__u32 settle; /* nanoseconds at the beginning of which no time is taken */
	__u32 sum_const; /* L4 protocol in the pseudo header; 0: none */
	__u16 off_host, off_port, off_ext_addr, off_ext_port, off_id, off_time;
	__u16 port_base, port_bits;
	__u16 off_l3, off_l4;
	__u16 addr_from, addr_to; /* where constant addresses and ports are, to name a cause */
	__u16 port_from, port_to;
	__u8 learn; /* the first frame of a flow says what its external address is */
	__u8 no_csum; /* the transport checksum cannot be verified (a fragment) */
	__u8 ip_words; /* of an IPv4 header, which has a checksum of its own */
	__u8 pad;
};

/* One for each CPU. The first and the last sample tell the rate without what starting
 * and ending a run of the source costs. */
struct sink_count {
	__u64 good;
	__u64 bad[BAD_CAUSES + 1];
	__u64 seen, looked_up, summed;
	__u64 t_begin; /* of the very first sample */
	__u64 t_first, n_first, t_last, n_last;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps of the remembered next hops (layout: common/hop.h). */
#ifndef N64_XDP_HOP_MAPS_H
#define N64_XDP_HOP_MAPS_H

#include "bpf.h"
#include "hop.h"

/* hops: what the worker knows of the routing tables. One entry, shared memory, 105 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_hops);
} hops SEC(".maps");

/* hopcache: conf.hop_slots + HOP_WAYS entries of 64 B for each CPU, two by two, written by the
 * programs on that CPU alone. An array that can be mapped begins on a page, so that an entry is
 * a cache line; one of type per CPU would cost a pointer more. Belongs to one generation of
 * programs. Full: older answers are forgotten. */
struct hop_pair {
	struct n64_hop e[HOP_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hop_pair);
} hopcache SEC(".maps");

/* pairs: what a CPU remembers of two addresses (pair.h), direct mapped: CPU *
 * hop_near(conf.hop_slots) + place. Of a generation of programs, as are the lists that it speaks
 * for. Full: a place that is wanted a few times is given away. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_pair);
} pairs SEC(".maps");

/* crowds: of how many packets nothing was remembered, as n64_hops.crowded. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOP_CROWDS);
	__type(key, __u32);
	__type(value, struct n64_crowd);
} crowds SEC(".maps");

/* What is looked for. */
struct hop_key {
	struct hop_dst d;	/* the destination */
	struct hop_dst block;	/* that it is remembered with */
	__u64 flow;
	__u64 meta;
	__u32 gen;
	__u32 now;		/* jiffies, lower half */
	__u32 level;		/* of the block */
	__u8 fam;
	bool away;		/* the worker is: an answer holds for a second */
};

/* hoprooms: the search, the question to the FIB, and which entry has the answer (-1: through
 * the pair to the kernel); per CPU and not on the stack. */
struct hop_room {
	struct hop_key k;
	__s32 entry;
	bool confirm;	/* the kernel shall send the packet itself */
	struct bpf_fib_lookup q;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hop_room);
} hoprooms SEC(".maps");

#endif

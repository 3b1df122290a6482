/* SPDX-License-Identifier: GPL-2.0-only */
/* Every map of the data plane. All are pinned by name in the folder of the
 * instance and outlive a program, except those of the lists, which belong to one
 * generation of programs. Values: common/abi.h. */
#ifndef N64_XDP_MAPS_H
#define N64_XDP_MAPS_H

#include "bpf.h"
#include "pol_may.h"

/* counters: how packets left each stage (GEN-10).
 * key slot * N_REASONS + reason; written per CPU by every program, read by
 * stats. 16 B an entry and CPU. Never full, no lock: a CPU has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, N64_SLOTS * N_REASONS);
	__type(key, __u32);
	__type(value, struct n64_count);
} counters SEC(".maps");

/* wcounters: the same for the worker, its only writer, through shared memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, N_REASONS);
	__type(key, __u32);
	__type(value, struct n64_count);
} wcounters SEC(".maps");

/* control: layout version, the worker's beat and ring drops. One entry, shared
 * memory; written by attach (abi, policy_gen) and the worker (the rest). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_control);
} control SEC(".maps");

/* ports: by slot, what a stage must know of its device (VAL-07, translate:).
 * Written by attach and, when an address changes, by the worker. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, N64_SLOTS);
	__type(key, __u32);
	__type(value, struct n64_port);
} ports SEC(".maps");

/* egress: L3 ifindex -> port and VLAN tags (L2-01). A device that is not here
 * is reached through the kernel. Written by attach and the worker. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct n64_egress);
} egress SEC(".maps");

/* vlans: (port, tags) -> L3 ifindex, for frames that come in (L2-01). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct n64_vlan_key);
	__type(value, __u32);
} vlans SEC(".maps");

/* local: addresses of the host itself, which the kernel delivers. Asked only when
 * the FIB does not forward. Written by attach and the worker. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct n64_local_key);
	__type(value, __u32);
} local SEC(".maps");

/* devmap: ifindex -> device; the ports and both ends of the pair. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devmap SEC(".maps");

/* xskmap: queue of nat64x * 2 + (1 for class bulk) -> socket of the worker. An
 * entry vanishes with its socket. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u32);
} xskmap SEC(".maps");

/* buckets: token bucket of each slow class (GEN-02), per CPU and so without a
 * lock. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, N_CLASSES);
	__type(key, __u32);
	__type(value, struct n64_bucket);
} buckets SEC(".maps");

/* ids: counters of the IPv4 ID generator (ID-01). One entry, per CPU, 2 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_ids);
} ids SEC(".maps");

/* facts: those of the packet in hand. Here and not on the stack, which is 512
 * bytes for a program and all that it calls. One entry, per CPU: a program is
 * never interrupted by another on the same CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pkt);
} facts SEC(".maps");

/* ways: the long way of the mode and what else is loaded once for all devices (enum n64_way).
 * The program of a device calls it as its last act (bpf_tail_call). Kept by a pin, as the
 * kernel empties one that no process and no pin holds; of a generation. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, N64_WAYS);
	__type(key, __u32);
	__type(value, __u32);
} ways SEC(".maps");

/* whence: what is known of the packet that the long way has in hand. Of a generation. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_whence);
} whence SEC(".maps");

/* pol4, pol6: the lists of the configuration, compiled; longest prefix -> row of pol4v,
 * pol6v. Filled before the programs that use them are attached, never changed afterwards: a
 * reload makes new ones. About 100 B an entry. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct n64_pol4_key);
	__type(value, __u32);
} pol4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct n64_pol6_key);
	__type(value, __u32);
} pol6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_pol4);
} pol4v SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_pol6);
} pol6v SEC(".maps");

/* known4, known6: answers of pol4 and pol6 that a CPU remembers, direct mapped: CPU *
 * N64_KNOWN_SLOTS + slot. Of a generation like them; smallest size without lists. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_known4);
} known4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_known6);
} known6 SEC(".maps");

#endif

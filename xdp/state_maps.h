/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps of modes stateful and dynamic (layout: common/state_abi.h). Sizes are set by attach;
 * in mode siit each has its smallest size. All are pinned and outlive a program,
 * except pool and dynamic, which belong to one generation of programs. */
#ifndef N64_XDP_STATE_MAPS_H
#define N64_XDP_STATE_MAPS_H

#include "bpf.h"
#include "siit.h"
#include "state_work.h"

/* bindings: row -> array of 65536 struct n64_binding by port. An inner array is made
 * by user space for each pool address and protocol: 2 MiB. (Sizes and not types in
 * inner maps: clang leaves out the BTF of what only a map points to.) */
struct binding_row {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, N64_ROW_PORTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct n64_binding));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, N64_MAX_ROWS);
	__type(key, __u32);
	__array(values, struct binding_row);
} bindings SEC(".maps");

/* rows: row -> one struct n64_row: which ports are free. */
struct row_info {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct n64_row));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, N64_MAX_ROWS);
	__type(key, __u32);
	__array(values, struct row_info);
} rows SEC(".maps");

/* blocks: slot -> one struct n64_blocks; only with port-block. */
struct block_owners {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct n64_blocks));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, N64_MAX_SLOTS);
	__type(key, __u32);
	__array(values, struct block_owners);
} blocks SEC(".maps");

/* The three hash tables (common/table.h). Entries of 32 bytes, two in a cache line, as the array
 * begins on a page; a subscriber has three lines. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_bib6);
} bib6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_session);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_subscriber);
} subs SEC(".maps");

/* reach: how far behind its home line an entry may lie, a byte for each line of bib6,
 * sessions and subs in this order, each table's part rounded up to 8 lines. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} reach SEC(".maps");

/* holds: chunks of subscribers' holdings. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_hold);
} holds SEC(".maps");

/* state: counts of the whole gateway. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_state);
} state SEC(".maps");

/* slots: pool addresses by slot, for user space and for what needs the address. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, N64_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct n64_slot);
} slots SEC(".maps");

/* pool: pool address -> slot, one line each by hash (common/pool.h). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_pool_line);
} pool SEC(".maps");

/* dynamic: the addresses that new subscribers may get. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct n64_dynamic);
} dynamic SEC(".maps");

/* calls: room for what n64_state works on: it can be preempted, so that a CPU's own would
 * not do, and its stack is needed for calls. Whoever finds one not busy has it for one
 * run. Not pinned. */
struct call_room {
	__u64 busy;
	struct st_work w;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct call_room);
} calls SEC(".maps");

/* scenes: what the path in mode stateful knows of the packet in hand beside facts, per CPU
 * and not on the stack, most of which the state needs. Not pinned. */
struct scene {
	struct st_work w;
	struct st_work in;	/* the second half of what is hairpinned */
	struct xlat x;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scene);
} scenes SEC(".maps");

#ifdef N64_TEST_CLOCK
/* test_clock: how far the state clock is ahead (ST-11). Only in test builds. */
struct test_clock {
	__u32 seconds, fraction; /* in 1/2^32 s */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct test_clock);
} test_clock SEC(".maps");
#endif

#endif

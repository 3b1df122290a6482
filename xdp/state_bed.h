/* SPDX-License-Identifier: GPL-2.0-only */
/* The world of the tests of modes stateful and dynamic: the programs with the test clock
 * loaded with a configuration, the maps of the state filled as attach does it and mapped,
 * and a reload over them. One program stands for both ports. */
#ifndef N64_STATE_BED_H
#define N64_STATE_BED_H

#include "path_net.h"

#include <sys/mman.h>
#include <time.h>

#include "config/policy.h"
#include "hop.h"
#ifdef BED_PRODUCT /* the programs as they are installed */
#include "nat64.skel.h"
#else
#include "clock/nat64.skel.h"
#endif
#include "dataplane/map_read.h"
#include "dataplane/map_sizes.h"
#include "dataplane/pool_rows.h"
#include "dataplane/programs.h"
#include "table_key.h"
#include "warm.h"

#define BED_ROWS 128
#define BED_SLOT 1 /* of the port; not the one of whom nobody has told */
#define OPTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What the tables of one row look like from here. */
struct bed_row {
	struct n64_binding *binding;
	struct n64_row *row;
};

static struct {
	struct config config;
	struct policy policy;
	struct nat64_bpf *skel;	 /* in force: the program of a port, and those for user space */
	struct nat64_bpf *called; /* with it: the programs that others call */
	struct nat64_bpf *owner; /* of the maps that a reload keeps */
	int attached[2];
	struct pool_maps maps;
	struct n64_slot slot[N64_MAX_SLOTS];
	struct n64_bib6 *bib6;
	struct n64_session *session;
	struct n64_subscriber *sub;
	struct n64_state *all;
	__u32 *clock; /* seconds, and behind them a fraction (struct test_clock) */
	struct bed_row row[BED_ROWS];
	struct n64_blocks *blocks[BED_ROWS / 4];
	struct {
		void *at;
		size_t len;
	} mapped[2 * BED_ROWS + 40];
	int n_mapped;
} bed;

#define bed_conf() ((const struct n64_conf *)&bed.policy.conf)

/* ---- memory --------------------------------------------------------------------------- */

static inline void *bed_mmap(int fd, size_t len, bool write)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at;

	len = (len + page - 1) / page * page;
	at = mmap(NULL, len, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		fail_msg("mmap: %s", strerror(errno));
	bed.mapped[bed.n_mapped].at = at;
	bed.mapped[bed.n_mapped++].len = len;
	return at;
}

static inline void *bed_mmap_inner(int outer, __u32 key, size_t len)
{
	void *at;
	__u32 id;
	int fd;

	if (bpf_map_lookup_elem(outer, &key, &id))
		return NULL;
	fd = bpf_map_get_fd_by_id(id);
	at = bed_mmap(fd, len, false);
	close(fd);
	return at;
}

static inline void bed_unmap(void)
{
	while (bed.n_mapped) {
		bed.n_mapped--;
		munmap(bed.mapped[bed.n_mapped].at, bed.mapped[bed.n_mapped].len);
	}
}

static inline void bed_map_all(void)
{
	const struct n64_state_conf *st = &bed_conf()->st;
	struct nat64_bpf *s = bed.owner;

	bed_unmap();
	bed.bib6 = bed_mmap(bpf_map__fd(s->maps.bib6), st->bib6_lines * 64ul, false);
	bed.session = bed_mmap(bpf_map__fd(s->maps.sessions), st->session_lines * 64ul, false);
	bed.sub = bed_mmap(bpf_map__fd(s->maps.subs), st->sub_lines * sizeof(*bed.sub), false);
	bed.all = bed_mmap(bpf_map__fd(s->maps.state), sizeof(*bed.all), false);
#ifndef BED_PRODUCT
	bed.clock = bed_mmap(bpf_map__fd(s->maps.test_clock), 8, true);
#endif
	for (__u32 i = 0; i < BED_ROWS; i++) {
		bed.row[i].binding = bed_mmap_inner(bed.maps.bindings, i, N64_ROW_PORTS * 32ul);
		bed.row[i].row = bed_mmap_inner(bed.maps.rows, i, sizeof(struct n64_row));
	}
	for (__u32 i = 0; i < BED_ROWS / 4; i++)
		bed.blocks[i] = bed_mmap_inner(bed.maps.blocks, i, sizeof(struct n64_blocks));
}

/* ---- questions to n64_state ------------------------------------------------------------ */

static inline enum reason bed_call(struct n64_call *q)
{
	if (pool_call(bed.maps.call, q))
		fail_msg("n64_state: %s", strerror(errno));
	return (enum reason)q->reason;
}

static inline __u32 bed_now(void)
{
	struct n64_call q = {.op = CALL_NOW};

	bed_call(&q);
	return q.now;
}

/* Puts the clock forward to this second; it may be one behind that a moment later. */
static inline void bed_until(__u32 second)
{
	__u32 now = bed_now();

	if (second < now)
		fail_msg("the clock stands at %u and cannot go back to %u", now, second);
	*bed.clock += second - now;
}

static inline void bed_wait(__u32 seconds)
{
	*bed.clock += seconds;
}

/* ---- loading --------------------------------------------------------------------------- */

static inline void bed_set(struct config *c, const char *key, const char *value)
{
	struct config_error err;

	if (config_set(c, key, value, "test", &err))
		fail_msg("%s", err.text);
}

/* "key=value", several of them; config P of the golden packets where they do not say. */
static inline void bed_configure(const char *const *opts)
{
	bool pref64 = false, pool4 = false;
	struct config_error err;
	char key[64];

	config_init(&bed.config);
	bed_set(&bed.config, "mode", "stateful");
	bed_set(&bed.config, "interfaces", "v6");
	bed_set(&bed.config, "interfaces", "v4");
	for (; *opts; opts++) {
		const char *eq = strchr(*opts, '=');

		snprintf(key, sizeof(key), "%.*s", (int)(eq - *opts), *opts);
		bed_set(&bed.config, key, eq + 1);
		pref64 |= !strcmp(key, "pref64");
		pool4 |= !strcmp(key, "pool4");
	}
	if (!pref64)
		bed_set(&bed.config, "pref64", "64:ff9b:1::/96");
	if (!pool4)
		bed_set(&bed.config, "pool4", "203.0.113.8/32");
	if (config_check(&bed.config, NULL, &err))
		fail_msg("%s", err.text);
}

/* `old`: what a reload keeps, NULL: attach. */
static inline void bed_compile(const struct n64_conf *old, const struct n64_slot *before)
{
	struct n64_slot *slot = calloc(N64_MAX_SLOTS, sizeof(*slot));
	struct n64_conf c;
	struct timespec res;

	clock_getres(CLOCK_MONOTONIC_COARSE, &res);
	config_to_conf(&bed.config, &c);
	c.pair_kernel = ifindex_of("nat64");
	c.pair_xlat = ifindex_of("nat64x");
	c.ncpu = libbpf_num_possible_cpus();
	c.hop_slots = HOP_SLOTS_MIN;
	c.xsk_queues = 1;
	c.key[0] = 1;
	c.have |= HAVE_VLAN | HAVE_XSK_SG | HAVE_REDIRECT_SG;
	c.hz = (__u32)(1000000000 / res.tv_nsec);
	c.st.hz_mul = (__u32)((1ull << 32) / (__u64)(1000000000 / res.tv_nsec));
	c.st.key[0] = 0x243f6a8885a308d3ull;
	c.st.key[1] = 0x13198a2e03707344ull;
	if (old) {
		conf_keep_pref64(old, &c);
		c.st.policy_gen = old->st.policy_gen + 1;
		c.st.bib6_lines = old->st.bib6_lines;
		c.st.session_lines = old->st.session_lines;
		c.st.sub_lines = old->st.sub_lines;
		c.st.hold_chunks = old->st.hold_chunks;
	}
	if (policy_compile(&bed.config, &c, NULL, 0, &bed.policy) ||
	    pool_slots(&bed.config, before, slot) || policy_pool_table(&bed.policy, slot))
		fail_msg("the policy does not compile");
	memcpy(bed.slot, slot, sizeof(bed.slot));
	free(slot);
}

#include "state_load.h"

static inline void bed_put(struct bpf_map *m, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(m), key, value, 0))
		fail_msg("map %s: %s", bpf_map__name(m), strerror(errno));
}

/* The host's own IPv4 address (GEN-05). */
static inline void bed_local(const char *addr)
{
	struct n64_local_key key = {.fam = FAM_4};

	inet_pton(AF_INET, addr, &key.addr.w[0]);
	bed_put(bed.owner->maps.local, &key, &key.fam);
}

static inline void bed_fill_policy(struct nat64_bpf *s)
{
	const struct policy_maps maps = {
		.pol4 = bpf_map__fd(s->maps.pol4), .pol6 = bpf_map__fd(s->maps.pol6),
		.pol4v = bpf_map__fd(s->maps.pol4v), .pol6v = bpf_map__fd(s->maps.pol6v)};

	if (tables_fill_policy(&maps, &bed.policy))
		fail_msg("policy: %s", strerror(errno));
	for (__u32 i = 0; i < bed_conf()->st.pool_lines; i++)
		bed_put(s->maps.pool, &i, &bed.policy.pool_line[i]);
	for (__u32 i = 0; i < bed_conf()->st.n_dynamic; i++)
		bed_put(s->maps.dynamic, &i, &bed.policy.dynamic[i]);
}

static inline void bed_fill_devices(struct nat64_bpf *s)
{
	struct n64_port port = {.flags = PORT_6TO4 | PORT_4TO6 | PORT_ANY_MAC};
	static const char *const dev[] = {"v6", "v4", "nat64", "nat64x"};
	__u32 slot = N64_SLOT_XLAT, own = BED_SLOT;

	bed_put(s->maps.ports, &own, &port);
	bed_put(s->maps.ports, &slot, &port);
	for (int i = 0; i < 4; i++) {
		struct bpf_devmap_val dm = {.ifindex = ifindex_of(dev[i])};
		struct n64_egress out = {.port = dm.ifindex, .mtu = 1500};

		bed_put(s->maps.devmap, &dm.ifindex, &dm);
		if (i < 2)
			bed_put(s->maps.egress, &dm.ifindex, &out);
		if (i < 2 && frame_tags) {
			struct n64_vlan_key vlan = frame_vlan(dm.ifindex);
			__u32 device = frame_device(!i);

			bed_put(s->maps.vlans, &vlan, &device);
		}
	}
	bed_local("203.0.113.1");
}

/* The ports that the configuration gives a row, as user/dataplane/pool.c does it. */
static inline void bed_ranges(__u32 s, enum st_proto proto)
{
	struct port_set have, want = {0};
	struct port_run run;
	struct n64_row row;
	__u32 from = 0;

	if (pool_row_read(&bed.maps, row_of(s, proto), &row))
		fail_msg("no row");
	memcpy(have.word, row.allowed, sizeof(have.word));
	if (!(bed.slot[s].flags & SLOT_DRAINING))
		port_set_of(&bed.config, bed.slot[s].addr, proto, &want);
	for (; port_set_next(&have, &want, from, &run); from = run.last + 1) {
		struct n64_call q = {.op = CALL_RANGE, .row = row_of(s, proto), .n = run.on,
				     .port4 = (__be16)run.first, .last = (__u16)run.last};

		assert_int_equal(bed_call(&q), R_GO_ON);
	}
}

static inline void bed_fill_pool(void)
{
	struct nat64_bpf *s = bed.owner;

	bed.maps = (struct pool_maps){
		.bindings = bpf_map__fd(s->maps.bindings), .rows = bpf_map__fd(s->maps.rows),
		.blocks = bpf_map__fd(s->maps.blocks), .slots = bpf_map__fd(s->maps.slots),
		.state = bpf_map__fd(s->maps.state),
		.call = bpf_program__fd(bed.skel->progs.n64_state)};
	if (rows_make(&bed.maps, bed.slot, bed.config.opt.port_block))
		fail_msg("no inner maps");
	for (__u32 i = 0; i < N64_MAX_SLOTS; i++) {
		if (!(bed.slot[i].flags & SLOT_USED))
			continue;
		assert_true(i < BED_ROWS / 4);
		bed_put(s->maps.slots, &i, &bed.slot[i]);
		for (__u32 p = 0; p < N_ST_PROTOS; p++)
			if (bed.slot[i].protos & 1u << p)
				bed_ranges(i, (enum st_proto)p);
	}
}

static inline void bed_close(void)
{
	bed_unmap();
	for (int i = 0; i < 2; i++)
		if (bed.attached[i] > 0)
			close(bed.attached[i]);
	if (bed.skel != bed.owner)
		nat64_bpf__destroy(bed.skel);
	nat64_bpf__destroy(bed.called);
	if (bed.owner)
		nat64_bpf__destroy(bed.owner);
	policy_free(&bed.policy);
	config_free(&bed.config);
	memset(&bed, 0, sizeof(bed));
}

static inline void bed_open(const char *const *opts)
{
	static const char *const dev[] = {"v6", "v4"};

	if (bed.owner)
		bed_close();
	bed_configure(opts);
	bed_compile(NULL, NULL);
	bed_load();
	bed.owner = bed.skel;
	for (int i = 0; i < 2; i++)
		bed.attached[i] = attach_silent(dev[i]);
	bed_fill_devices(bed.skel);
	bed_fill_policy(bed.skel);
	bed_fill_pool();
	bed_map_all();
}

/* New programs of another configuration over the same state. */
static inline void bed_reload(const char *const *opts)
{
	struct n64_conf old = *bed_conf();
	struct n64_slot *before = calloc(N64_MAX_SLOTS, sizeof(*before));
	struct nat64_bpf *last = bed.skel, *called = bed.called;

	memcpy(before, bed.slot, sizeof(bed.slot));
	policy_free(&bed.policy);
	config_free(&bed.config);
	bed_configure(opts);
	bed_compile(&old, before);
	free(before);
	bed_load();
	nat64_bpf__destroy(called);
	if (last != bed.owner)
		nat64_bpf__destroy(last);
	bed_fill_policy(bed.skel);
	bed_fill_pool();
	bed_map_all();
}

#include "state_find.h"

#endif

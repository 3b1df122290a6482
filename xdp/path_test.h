/* SPDX-License-Identifier: GPL-2.0-only */
/* The world of path_test.c: the programs of mode siit loaded with a configuration, and one
 * test run of a frame. */
#ifndef N64_PATH_TEST_H
#define N64_PATH_TEST_H

#include "path_net.h"

#include "config/policy.h"
#include "dataplane/map_sizes.h"
#include "dataplane/programs.h"
#include "hop.h"
#include "nat64.skel.h"
#include "warm.h"

/* ---- the programs ---------------------------------------------------------------- */

static struct {
	struct config config;
	struct n64_conf conf;
	struct policy policy;
	struct nat64_bpf *skel[N64_SLOTS], *tagged;
	__u32 hz; /* 0: 250 */
	int attached[N64_SLOTS];
	struct nat64_bpf *first; /* owns the maps */
	char key[512];		 /* what is loaded */
} world;

static struct bpf_map *map_named(struct nat64_bpf *s, const char *name)
{
	struct bpf_map *m = bpf_object__find_map_by_name(s->obj, name);

	if (!m)
		fail_msg("no map %s", name);
	return m;
}

static void map_put(const char *name, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map_named(world.first, name)), key, value, 0))
		fail_msg("map %s: %s", name, strerror(errno));
}

static void set_option(const char *key, const char *value)
{
	struct config_error err;

	if (config_set(&world.config, key, value, "test", &err))
		fail_msg("%s", err.text);
}

static void configure(json_t *c, json_t *over)
{
	const char *key;
	json_t *v, *e;
	size_t i;

	config_init(&world.config);
	set_option("interfaces", "v6");
	set_option("interfaces", "v4");
	v = json_object_get(over, "pref64");
	set_option("pref64", json_string_value(v ? v : json_object_get(c, "pref64")));
	v = json_object_get(over, "eam");
	json_array_foreach(v ? v : json_object_get(c, "eam"), i, e) {
		char text[128];

		snprintf(text, sizeof(text), "%s=%s", json_string_value(json_array_get(e, 0)),
			 json_string_value(json_array_get(e, 1)));
		set_option("eam", text);
	}
	json_array_foreach(json_object_get(over, "xlat4"), i, e)
		set_option("xlat4", json_string_value(e));
	json_object_foreach(over, key, v)
		if (!strcmp(key, "multicast") || !strcmp(key, "hairpin"))
			set_option(key, json_string_value(v));
}

static void mtu4(json_t *over)
{
	json_t *v = json_object_get(over, "mtu4");
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "ip link set v4 mtu %d", v ? (int)json_integer_value(v) : 1500);
	sh(cmd);
}

/* Loads one program, as attach does: those of another mode are not loaded, nor could they all
 * be. Over the maps of the first. */
static struct nat64_bpf *load_program(const char *name, struct n64_role role)
{
	struct nat64_bpf *s = nat64_bpf__open();
	struct bpf_program *p;
	struct bpf_map *m;

	assert_non_null(s);
	memcpy((void *)&s->rodata->conf, &world.conf, sizeof(world.conf));
	memcpy((void *)&s->rodata->role, &role, sizeof(role));
	tables_plain(&world.policy, (struct n64_plain *)&s->rodata->plain);
	bpf_object__for_each_program(p, s->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name) ||
						 (!world.first && p == s->progs.n64_query));
	generation_size(s->obj, &world.policy);
	if (world.first)
		bpf_object__for_each_map(m, s->obj)
			if (!strstr(bpf_map__name(m), ".rodata"))
				bpf_map__reuse_fd(m, bpf_map__fd(map_named(world.first,
									   bpf_map__name(m))));
	if (nat64_bpf__load(s))
		fail_msg("program %s of slot %u does not load", name, role.slot);
	return s;
}

/* The long way, which owns the maps. */
static void load_first(void)
{
	__u32 zero = 0;
	int fd;

	world.first = load_program("n64_port_long", (struct n64_role){.kind = ROLE_LONG});
	fd = bpf_program__fd(world.first->progs.n64_port_long);
	map_put("ways", &zero, &fd);
	if (frame_tags) {
		__u32 way = WAY_TAGGED;

		world.tagged = load_program("n64_port_tagged", (struct n64_role){.kind = ROLE_LONG});
		fd = bpf_program__fd(world.tagged->progs.n64_port_tagged);
		map_put("ways", &way, &fd);
	}
	warm.query = bpf_program__fd(world.first->progs.n64_query);
	warm.hops = bpf_map__fd(map_named(world.first, "hops"));
	warm.cache = bpf_map__fd(map_named(world.first, "hopcache"));
	warm.pairs = bpf_map__fd(map_named(world.first, "pairs"));
}

/* The program of one slot. */
static struct nat64_bpf *program(int slot)
{
	static const char *const dev[] = {"v6", "v4"};
	const struct n64_role role = {
		.kind = slot == N64_SLOT_XLAT ? ROLE_XLAT :
			slot == N64_SLOT_EXIT ? ROLE_EXIT : ROLE_PORT,
		.slot = (__u32)slot,
	};

	if (world.skel[slot])
		return world.skel[slot];
	world.skel[slot] = load_program(slot == N64_SLOT_EXIT ? "n64_exit" : "n64_port", role);
	world.attached[slot] = attach_silent(slot < 2 ? dev[slot]
					     : slot == N64_SLOT_EXIT ? "nat64" : "nat64x");
	return world.skel[slot];
}

static void fill_maps(void)
{
	static const struct { int slot; const char *dev; const __u8 *mac; } p[] = {
		{SLOT_V6, "v6", mac_v6}, {SLOT_V4, "v4", mac_v4},
		{N64_SLOT_XLAT, "nat64x", mac_pair}, {N64_SLOT_EXIT, "nat64", mac_pair},
	};
	struct n64_local_key own = {.fam = FAM_4, .addr = {{IP4(203, 0, 113, 1)}}};

	for (size_t i = 0; i < 4; i++) {
		struct n64_port port = {.ifindex = ifindex_of(p[i].dev),
					.flags = PORT_6TO4 | PORT_4TO6};
		struct bpf_devmap_val dm = {.ifindex = port.ifindex};
		struct n64_egress out = {.port = port.ifindex, .mtu = 1500};
		__u32 slot = p[i].slot;

		memcpy(port.mac, p[i].mac, MAC_LEN);
		map_put("ports", &slot, &port);
		map_put("devmap", &port.ifindex, &dm);
		if (slot < 2)
			map_put("egress", &port.ifindex, &out);
		if (slot < 2 && frame_tags) {
			struct n64_vlan_key vlan = frame_vlan(port.ifindex);
			__u32 device = frame_device(slot == SLOT_V6);

			map_put("vlans", &vlan, &device);
		}
	}
	const struct policy_maps maps = {
		.pol4 = bpf_map__fd(map_named(world.first, "pol4")),
		.pol6 = bpf_map__fd(map_named(world.first, "pol6")),
		.pol4v = bpf_map__fd(map_named(world.first, "pol4v")),
		.pol6v = bpf_map__fd(map_named(world.first, "pol6v")),
	};

	map_put("local", &own, &own.fam);
	if (tables_fill_policy(&maps, &world.policy))
		fail_msg("policy: %s", strerror(errno));
}

static void world_load_now(json_t *over)
{
	struct n64_conf *c = &world.conf;

	mtu4(over);
	config_to_conf(&world.config, c);
	c->pair_kernel = ifindex_of("nat64");
	c->pair_xlat = ifindex_of("nat64x");
	c->ncpu = libbpf_num_possible_cpus();
	c->hop_slots = HOP_SLOTS_MIN;
	c->hz = world.hz ? world.hz : 250;
	c->st.hz_mul = (__u32)((1ull << 32) / c->hz);
	c->xsk_queues = 1;
	c->key[0] = 1;
	c->have |= HAVE_VLAN | HAVE_XSK_SG | HAVE_REDIRECT_SG;
	if (policy_compile(&world.config, c, NULL, 0, &world.policy))
		fail_msg("policy_compile");
	load_first();
	fill_maps();
}

/* Programs stay loaded as long as the next case wants the same. */
static void world_drop(void)
{
	for (int i = 0; i < N64_SLOTS; i++) {
		if (world.skel[i]) {
			close(world.attached[i]);
			nat64_bpf__destroy(world.skel[i]);
		}
		world.skel[i] = NULL;
	}
	nat64_bpf__destroy(world.tagged);
	world.tagged = NULL;
	nat64_bpf__destroy(world.first);
	world.first = NULL;
	world.key[0] = 0;
	policy_free(&world.policy);
	config_free(&world.config);
	memset(&world.conf, 0, sizeof(world.conf));
}

/* A golden configuration, the overrides of a row, and one more option. */
static void world_load_all(json_t *config, json_t *over, const char *key, const char *value)
{
	char *text = over ? json_dumps(over, JSON_SORT_KEYS) : strdup("");
	char want[512];
	struct config_error err;

	snprintf(want, sizeof(want), "%s|%s|%s", text, key ? key : "", value ? value : "");
	free(text);
	if (world.first && !strcmp(want, world.key))
		return;
	if (world.first)
		world_drop();
	configure(config, over);
	if (key)
		set_option(key, value);
	if (config_check(&world.config, NULL, &err))
		fail_msg("%s", err.text);
	world_load_now(over);
	strcpy(world.key, want);
}

static void world_load(json_t *config, json_t *over)
{
	world_load_all(config, over, NULL, NULL);
}

static void world_load_set(json_t *config, const char *key, const char *value)
{
	world_load_all(config, NULL, key, value);
}

/* ---- runs -------------------------------------------------------------------------------- */

/* Sum of a reason's counter over CPUs. */
static __u64 counted(int slot, enum reason reason)
{
	int n = libbpf_num_possible_cpus();
	struct n64_count *c = calloc(n, sizeof(*c));
	__u32 key = slot * N_REASONS + reason;
	__u64 sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(map_named(world.first, "counters")), &key, c))
		fail_msg("counters");
	for (int i = 0; i < n; i++)
		sum += c[i].packets;
	free(c);
	return sum;
}

/* `linear`: bytes in the first buffer; the rest lies in fragments. */
static void run_pieces(struct run *r, int slot, const struct frame *f, __u32 linear)
{
	const struct frame *sent = slot == SLOT_V6 || slot == SLOT_V4 ? frame_tagged(f) : f;
	struct nat64_bpf *s = program(slot);
	struct xdp_md ctx = {.data_end = linear + sent->len - f->len};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = sent->bytes, .data_size_in = sent->len,
		    .data_out = r->out, .data_size_out = sizeof(r->out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));
	__u64 before[N_REASONS];
	int fd = bpf_program__fd(slot == N64_SLOT_EXIT ? s->progs.n64_exit : s->progs.n64_port);
	int n = 0;

	ctx.ingress_ifindex = slot == SLOT_V6 ? ifindex_of("v6") : slot == SLOT_V4 ? ifindex_of("v4")
			      : ifindex_of(slot == N64_SLOT_EXIT ? "nat64" : "nat64x");
	if (slot == SLOT_V6 || slot == SLOT_V4)
		warm_frame(&world.conf, slot == SLOT_V6, f->bytes + ETH_LEN,
			   frame_device(slot == SLOT_V6));
	for (int i = 1; i < N_REASONS; i++)
		before[i] = counted(slot, i);
	if (bpf_prog_test_run_opts(fd, &o))
		fail_msg("test run: %s", strerror(errno));
	r->action = o.retval;
	r->out_len = o.data_size_out;
	r->reason = R_GO_ON;
	for (int i = 1; i < N_REASONS; i++) {
		if (counted(slot, i) == before[i] || reason_kind(i) == KIND_NOTE)
			continue;
		r->reason = i;
		n += counted(slot, i) - before[i];
	}
	assert_int_equal(n, 1); /* GEN-10 */
	if (reason_kind(r->reason) == KIND_PASS && (slot == SLOT_V6 || slot == SLOT_V4)) {
		assert_int_equal(r->action, XDP_PASS);
		assert_int_equal(r->out_len, sent->len);
		assert_memory_equal(r->out, sent->bytes, sent->len);
	}
}

static void run_frame(struct run *r, int slot, const struct frame *f)
{
	run_pieces(r, slot, f, f->len);
}

static void run_ip(struct run *r, int slot, const __u8 *ip, size_t len)
{
	struct frame f;

	memset(&f, 0, sizeof(f));
	frame_eth(&f, slot, slot == SLOT_V6);
	memcpy(f.bytes + ETH_LEN, ip, len);
	f.len = ETH_LEN + len;
	run_frame(r, slot, &f);
}

/* G69 leaves through the pair: one more hop than the row shows. */
static void pair_ttl(__u8 *ip4)
{
	ip4[8]++;
	((struct ip4_hdr *)ip4)->csum = csum_ip4((void *)ip4);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of pool4 and static: the slots that they get and keep, the tables by which
 * the programs find them, and the file that hands them to the worker. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "options.h"
#include "policy_int.h"
#include "pool.h"

/* Words of the command line: the options of the translator under test. */
struct setting {
	const char *key, *value;
};

static void make(struct config *c, const char *pool4, const char *statics)
{
	const struct setting set[] = {
		{ "mode", "stateful" }, { "interfaces", "eth0" }, { "pref64", "2001:db8:64::/96" },
		{ "pool4", pool4 }, { "static", statics },
	};
	struct config_error err;

	config_init(c);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		if (set[i].value && config_set(c, set[i].key, set[i].value, "test", &err))
			fail_msg("%s", err.text);
	if (config_check(c, NULL, &err))
		fail_msg("%s", err.text);
}

#define TCP (1 << ST_TCP)
#define UDP (1 << ST_UDP)
#define ICMP (1 << ST_ICMP)

struct want_slot {
	__be32 addr;
	__u16 flags, protos;
};

/* A series of configurations, each made over the slots of the one before. */
struct slot_row {
	const char *rule, *pool4, *statics;
	struct want_slot slot[6];	/* from slot 0, then no more */
};

static const struct slot_row slot_rows[] = {
	{ "PORT-10 in order", "[192.0.2.4/31, 198.51.100.1:1-9]", NULL,
	  { { IP4(192, 0, 2, 4), SLOT_USED, 7 }, { IP4(192, 0, 2, 5), SLOT_USED, 7 },
	    { IP4(198, 51, 100, 1), SLOT_USED, 7 } } },
	{ "PORT-10 one drains, one comes", "[192.0.2.5, 198.51.100.1, 10.0.0.1]", NULL,
	  { { IP4(192, 0, 2, 4), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(192, 0, 2, 5), SLOT_USED, 7 },
	    { IP4(198, 51, 100, 1), SLOT_USED, 7 }, { IP4(10, 0, 0, 1), SLOT_USED, 7 } } },
	{ "PORT-10 back again", "[192.0.2.4:1-80:tcp, 192.0.2.4:1-80:udp]",
	  "[\"icmp,10.9.9.9:1,[2001:db8::1]:1\"]",
	  { { IP4(192, 0, 2, 4), SLOT_USED, 7 },
	    { IP4(192, 0, 2, 5), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(198, 51, 100, 1), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(10, 0, 0, 1), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(10, 9, 9, 9), SLOT_USED, ICMP } } },
	{ "ST-04 static and dynamic", "[10.9.9.9:1-80:tcp]", "[\"udp,10.9.9.9:1,[2001:db8::1]:1\"]",
	  { { IP4(192, 0, 2, 4), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(192, 0, 2, 5), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(198, 51, 100, 1), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(10, 0, 0, 1), SLOT_USED | SLOT_DRAINING, 7 },
	    { IP4(10, 9, 9, 9), SLOT_USED, TCP | UDP | ICMP } } },
};

static void expect_slots(const struct slot_row *r, const struct n64_slot *slot)
{
	for (int i = 0; i < 6; i++) {
		const struct want_slot *w = &r->slot[i];

		if (slot[i].addr != w->addr || slot[i].flags != w->flags ||
		    slot[i].protos != w->protos)
			fail_msg("%s: slot %d: %08x flags %u protos %u", r->rule, i,
				 host32(slot[i].addr), slot[i].flags, slot[i].protos);
	}
}

static void slots_are_kept(void **state)
{
	static struct n64_slot slot[2][N64_MAX_SLOTS];

	(void)state;
	for (size_t i = 0; i < sizeof(slot_rows) / sizeof(slot_rows[0]); i++) {
		const struct slot_row *r = &slot_rows[i];
		struct n64_slot *before = i ? slot[i & 1] : NULL, *after = slot[~i & 1];
		struct config c;

		make(&c, r->pool4, r->statics);
		assert_int_equal(pool_slots(&c, before, after), 0);
		expect_slots(r, after);
		/* who shares an address with the host is asked anew each time */
		after[1].flags |= SLOT_SHARED;
		config_free(&c);
	}
}

/* All slots taken: a draining address makes no room (PORT-10). */
static void slots_run_out(void **state)
{
	static struct n64_slot slot[N64_MAX_SLOTS], more[N64_MAX_SLOTS];
	struct config c;

	(void)state;
	make(&c, "10.0.0.0/20", NULL);
	assert_int_equal(pool_slots(&c, NULL, slot), 0);
	assert_int_equal(slot[N64_MAX_SLOTS - 1].addr, IP4(10, 0, 15, 255));
	assert_int_equal(pool_slots(&c, slot, more), 0);
	assert_memory_equal(slot, more, sizeof(slot));
	config_free(&c);
	make(&c, "10.1.0.0", NULL);
	assert_int_equal(pool_slots(&c, slot, more), -E2BIG);
	slot[77].flags = 0;
	assert_int_equal(pool_slots(&c, slot, more), 0);
	assert_int_equal(more[77].addr, IP4(10, 1, 0, 0));
	config_free(&c);
}

static void compile(const struct config *c, const struct n64_slot *slot, struct policy *p)
{
	struct n64_conf conf;

	config_to_conf(c, &conf);
	assert_int_equal(policy_compile(c, &conf, NULL, 0, p), 0);
	assert_int_equal(policy_pool_table(p, slot), 0);
}

/* Every address is found with its slot and flags, its neighbours are not (ADR-23). */
static void expect_found(const struct policy *p, const struct n64_slot *slot)
{
	const struct n64_env env = { .conf = &p->conf, .policy = p };

	for (int i = 0; i < N64_MAX_SLOTS; i++) {
		__u32 flags = 0;

		if (!(slot[i].flags & SLOT_USED))
			continue;
		assert_int_equal(pool_find(&env, slot[i].addr, &flags), i);
		assert_int_equal(flags & ~(__u32)SLOT_DISPLACES, slot[i].flags);
		assert_int_equal(pool_find(&env, slot[i].addr ^ IP4(1, 0, 0, 0), &flags), -1);
		/* by the run, if there is one */
		assert_int_equal(pool_find(&env, slot[i].addr, NULL), i);
		for (int k = -1; k <= 1; k += 2) {
			__be32 beside = be32(host32(slot[i].addr) + (__u32)k);

			assert_int_equal(pool_find(&env, beside, NULL),
					 pool_find(&env, beside, &flags));
		}
	}
	assert_int_equal(pool_find(&env, 0, &(__u32){ 0 }), -1);
	assert_int_equal(pool_find(&env, 0, NULL), -1);
	assert_memory_equal(p->slot, slot, N64_MAX_SLOTS * sizeof(*slot));
}

static __u64 random64(void)
{
	static __u64 x = 0x6e36346e36346e36ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Addresses in 10.0.0.0/8, each once: a run, a stride of /20, by chance. */
static __be32 address_of(int kind, __u32 n)
{
	__u32 addr = kind == 0 ? n : kind == 1 ? n << 12 : ((__u32)random64() & 0xfff000) | n;

	return be32(0x0a000000 | addr);
}

/* At most `most` addresses lie elsewhere than their hash says, which costs the packets of all a
 * guess. */
static void expect_at_home(const struct policy *p, __u32 most)
{
	const struct n64_state_conf *st = &p->conf.st;
	__u32 displaced = 0;

	for (__u32 i = 0; i < st->pool_lines * POOL_WAYS; i++) {
		const struct n64_pool_way *w = &p->pool_line[i / POOL_WAYS].way[i % POOL_WAYS];
		__u64 hash = pool_hash(w->addr, st->pool_seed);

		if (w->addr)
			displaced += pool_way(hash) != i % POOL_WAYS;
	}
	assert_in_range(displaced, 0, most);
}

/* Pools of every size and kind. */
static void tables_hold_all(void **state)
{
	static const __u32 size[] = { 1, 2, 8, 9, 31, 64, 255, 256, 1000, 4095, 4096 };
	static struct n64_slot slot[N64_MAX_SLOTS];
	struct policy p = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		for (int kind = 0; kind < 3; kind++) {
			memset(slot, 0, sizeof(slot));
			for (__u32 n = 0; n < size[i]; n++) {
				slot[n].addr = address_of(kind, n);
				slot[n].flags = SLOT_USED;
			}
			assert_int_equal(policy_pool_table(&p, slot), 0);
			assert_true(p.conf.st.pool_lines <= POOL_LINES_LEAST + 2 * size[i]);
			expect_found(&p, slot);
			expect_at_home(&p, size[i] <= 64 ? 0 : size[i] / 10);
		}
	}
	policy_free(&p);
}

/* A pool whose addresses and slots go up together is found without its table; no other. */
static void runs(void **state)
{
	static const struct {
		struct {
			__u16 slot;
			__u8 last;	/* byte of the address */
		} at[3];
		int used;
		__u32 n;
	} rows[] = {
		{ { { 0, 8 } }, 1, 1 },
		{ { { 0, 8 }, { 1, 9 }, { 2, 10 } }, 3, 3 },
		{ { { 5, 8 }, { 6, 9 }, { 7, 10 } }, 3, 3 }, /* those before have been released */
		{ { { N64_MAX_SLOTS - 2, 254 }, { N64_MAX_SLOTS - 1, 255 } }, 2, 2 },
		{ { { 0, 9 }, { 1, 8 } }, 2, 0 },
		{ { { 0, 8 }, { 2, 10 } }, 2, 0 },
		{ { { 0, 8 }, { 2, 9 } }, 2, 0 },
		{ { { 0, 8 }, { 1, 10 } }, 2, 0 },
		{ { { 0, 8 }, { 1, 9 }, { 2, 11 } }, 3, 0 },
		{ { { 0, 8 }, { 1, 9 }, { 3, 10 } }, 3, 0 },
		{ { { 0, 0 } }, 0, 0 },
	};
	static struct n64_slot slot[N64_MAX_SLOTS];
	struct policy p = { 0 };

	(void)state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		memset(slot, 0, sizeof(slot));
		for (int i = 0; i < rows[r].used; i++) {
			slot[rows[r].at[i].slot].addr = IP4(192, 0, 2, rows[r].at[i].last);
			slot[rows[r].at[i].slot].flags = i ? SLOT_USED : SLOT_USED | SLOT_DRAINING;
		}
		assert_int_equal(policy_pool_table(&p, slot), 0);
		assert_int_equal(p.conf.st.pool_run.n, rows[r].n);
		expect_found(&p, slot);
		for (__u32 i = 0; rows[r].n && i < N64_MAX_SLOTS; i++) {
			__be32 addr;

			assert_int_equal(pool_run_addr(&p.conf.st, i, &addr),
					 !!(slot[i].flags & SLOT_USED));
			if (slot[i].flags & SLOT_USED)
				assert_int_equal(addr, slot[i].addr);
		}
	}
	/* mode dynamic: a slot is 65536 addresses */
	memset(slot, 0, sizeof(slot));
	slot[0] = (struct n64_slot){ .addr = IP4(192, 0, 0, 0), .flags = SLOT_USED };
	p.conf.opt.mode = MODE_DYNAMIC;
	assert_int_equal(policy_pool_table(&p, slot), 0);
	assert_int_equal(p.conf.st.pool_run.n, 0);
	policy_free(&p);
}

/* PORT-04, PORT-10: who may be chosen for a new subscriber, and for which protocol. */
static void dynamic_addresses(void **state)
{
	static struct n64_slot before[N64_MAX_SLOTS], slot[N64_MAX_SLOTS];
	struct policy p;
	struct config c;

	(void)state;
	make(&c, "[192.0.2.1, 192.0.2.9]", NULL);
	assert_int_equal(pool_slots(&c, NULL, before), 0);
	config_free(&c);
	make(&c, "[192.0.2.9, '192.0.2.7:1-80:udp,tcp', 192.0.2.3:1-80:icmp]",
	     "[\"tcp,192.0.2.8:80,[2001:db8::1]:80\", \"tcp,192.0.2.3:80,[2001:db8::2]:80\"]");
	assert_int_equal(pool_slots(&c, before, slot), 0);
	compile(&c, slot, &p);
	expect_found(&p, slot); /* 192.0.2.1 is draining, and still a pool address */
	assert_int_equal(p.conf.st.n_dynamic, 3);
	assert_int_equal(p.dynamic[0].addr, IP4(192, 0, 2, 3));
	assert_int_equal(p.dynamic[0].protos, ICMP);
	assert_int_equal(p.dynamic[1].addr, IP4(192, 0, 2, 7));
	assert_int_equal(p.dynamic[1].protos, TCP | UDP);
	assert_int_equal(p.dynamic[2].addr, IP4(192, 0, 2, 9));
	assert_int_equal(p.dynamic[2].protos, TCP | UDP | ICMP);
	for (int i = 0; i < 3; i++)
		assert_int_equal(slot[p.dynamic[i].slot].addr, p.dynamic[i].addr);
	assert_int_equal(slot[0].flags, SLOT_USED | SLOT_DRAINING);
	/* one that whoever knows the host takes out */
	slot[p.dynamic[1].slot].flags |= SLOT_DRAINING;
	assert_int_equal(policy_pool_table(&p, slot), 0);
	assert_int_equal(p.conf.st.n_dynamic, 2);
	assert_int_equal(p.dynamic[1].addr, IP4(192, 0, 2, 9));
	policy_free(&p);
	config_free(&c);
}

/* What config_to_conf says about the state (CGN-02, 4787 REQ-5). */
static void conf_of_state(void **state)
{
	struct config_error err;
	struct n64_conf conf;
	struct config c;

	(void)state;
	make(&c, "[192.0.2.0/31, 192.0.2.9:1-80:tcp]", "tcp,192.0.2.2:80,[2001:db8::1]:80");
	assert_int_equal(config_set(&c, "max-udp-mappings", "1000", "test", &err), 0);
	assert_int_equal(config_set(&c, "udp-port-timeouts", "[53=20, 123=30]", "test", &err), 0);
	config_to_conf(&c, &conf);
	assert_int_equal(conf.st.max_mappings[ST_TCP], 4 * 65536);
	assert_int_equal(conf.st.max_mappings[ST_UDP], 1000);
	assert_int_equal(conf.st.max_mappings[ST_ICMP], 2 * 65536);
	assert_int_equal(conf.st.max_sessions, 129104 + 129104 / 4);
	assert_int_equal(conf.st.n_udp_port, 2);
	assert_int_equal(conf.st.udp_port[1].port, 123);
	assert_int_equal(conf.st.udp_port[1].seconds, 30);
	/* 2 * (129104 + 1000 + 131072 + 1) entries, two a line */
	assert_int_equal(conf.st.bib6_lines, 262144);
	assert_int_equal(conf.st.session_lines, 262144);
	assert_int_equal(conf.st.sub_lines, 1024);
	c.opt.mode = MODE_SIIT;
	config_to_conf(&c, &conf);
	assert_memory_equal(&conf.st, &(struct n64_state_conf){ 0 }, sizeof(conf.st));
	config_free(&c);
}

/* policy.bin: the tables come back as they were, and numbers that no table has are refused. */
static void save_and_load(void **state)
{
	static struct n64_slot slot[N64_MAX_SLOTS];
	char path[] = "/tmp/n64-pool-test-XXXXXX";
	struct policy p, q;
	struct config c;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	make(&c, "[192.0.2.0/28, 198.51.100.1:1-80:tcp]", "tcp,192.0.2.99:80,[2001:db8::1]:80");
	assert_int_equal(pool_slots(&c, NULL, slot), 0);
	compile(&c, slot, &p);
	assert_int_equal(policy_save(&p, path), 0);
	assert_int_equal(policy_load(&q, path), 0);
	assert_memory_equal(&q.conf, &p.conf, sizeof(p.conf));
	expect_found(&q, slot);
	assert_int_equal(q.conf.st.n_dynamic, 17);
	assert_memory_equal(q.dynamic, p.dynamic, 17 * sizeof(*p.dynamic));
	policy_free(&q);
	/* numbers of conf that do not fit the arrays, with a right checksum */
	p.conf.st.n_udp_port = N64_MAX_UDP_PORTS + 1;
	assert_int_equal(policy_save(&p, path), 0);
	assert_int_equal(policy_load(&q, path), -EBADMSG);
	p.conf.st.n_udp_port = 0;
	/* a length that is none (ADR-01), and a first pref64 that is a hole (ADR-08) */
	p.conf.n_pref64 = 2;
	p.conf.pref64[0].len = 97;
	assert_int_equal(policy_save(&p, path), 0);
	assert_int_equal(policy_load(&q, path), -EBADMSG);
	p.conf.pref64[0].len = 96;
	p.conf.first_pref64 = 1;
	assert_int_equal(policy_save(&p, path), 0);
	assert_int_equal(policy_load(&q, path), -EBADMSG);
	p.conf.first_pref64 = 0;
	p.dynamic[3].slot = N64_MAX_SLOTS;
	assert_int_equal(policy_save(&p, path), 0);
	assert_int_equal(policy_load(&q, path), -EBADMSG);
	unlink(path);
	policy_free(&p);
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_kept),
		cmocka_unit_test(slots_run_out),
		cmocka_unit_test(tables_hold_all),
		cmocka_unit_test(runs),
		cmocka_unit_test(dynamic_addresses),
		cmocka_unit_test(conf_of_state),
		cmocka_unit_test(save_and_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The compiled policy against a trivial model: walk every list, keep the longest
 * entry that covers the address. Random lists from a seed that is printed;
 * N64_SEED=... runs another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "policy.h"

static __u64 seed;

/* xorshift64* */
static __u32 rnd(__u32 below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (__u32)((seed * 0x2545f4914f6cdd1dull) >> 33) % below;
}

static void start_seed(void)
{
	const char *s = getenv("N64_SEED");

	seed = s ? strtoull(s, NULL, 0) : 0x6e36346e36346e36ull;
	print_message("N64_SEED=%#llx\n", (unsigned long long)seed);
	if (!seed)
		seed = 1;
}

/* ---- random lists: few bits, so that much nests ----------------------------------- */

#define ENTRIES 12

struct lists {
	struct config c;
	struct eam_entry eam[ENTRIES];
	struct prefix4 xlat4[ENTRIES], deny[ENTRIES];
	struct prefix6 allow[ENTRIES];
	struct noxlat_entry noxlat[ENTRIES];
	__be32 bcast[2];
};

static __be32 random_addr4(void)
{
	static const __u32 bytes[] = { 0, 1, 127, 128, 255 };

	return IP4(10 + rnd(2), bytes[rnd(5)], bytes[rnd(5)], bytes[rnd(5)]);
}

static struct addr6 random_addr6(void)
{
	static const __u32 words[] = { 0, 1, 0x80000000, 0xffffffff, 0x7fffffff };
	struct addr6 a = { { be32(0x20010db8 + rnd(2)), be32(words[rnd(5)]), be32(words[rnd(5)]),
			     be32(words[rnd(5)]) } };

	return a;
}

static struct prefix4 random_prefix4(void)
{
	struct prefix4 p = { 0, (__u8)(rnd(8) ? 5 + rnd(28) : rnd(33)) };

	p.addr = random_addr4() & mask4(p.len);
	return p;
}

static struct prefix6 random_prefix6(void)
{
	struct prefix6 p = { random_addr6(), (__u8)(rnd(8) ? 30 + rnd(99) : rnd(129)) };

	for (__u32 i = 0; i < 4; i++) {
		__u32 bits = p.len > 32 * i ? p.len - 32 * i : 0;

		p.addr.w[i] &= mask4(bits > 32 ? 32 : bits);
	}
	return p;
}

static bool same4(const struct prefix4 *a, const struct prefix4 *b)
{
	return a->addr == b->addr && a->len == b->len;
}

static bool same6(const struct prefix6 *a, const struct prefix6 *b)
{
	return addr6_equal(&a->addr, &b->addr) && a->len == b->len;
}

/* EAM-06: no twins, they would make the answer a matter of order. */
static size_t random_eam(struct eam_entry *v)
{
	size_t n = 0;

	for (size_t i = rnd(ENTRIES); i; i--) {
		bool twin = false;

		v[n].v4 = random_prefix4();
		v[n].v6 = random_prefix6();
		for (size_t j = 0; j < n; j++)
			twin |= same4(&v[j].v4, &v[n].v4) || same6(&v[j].v6, &v[n].v6);
		n += !twin;
	}
	return n;
}

static void random_lists(struct lists *l)
{
	memset(l, 0, sizeof(*l));
	l->c.eam.v = l->eam;
	l->c.eam.n = random_eam(l->eam);
	l->c.xlat4.v = l->xlat4;
	l->c.xlat4.n = rnd(ENTRIES);
	l->c.denylist4.v = l->deny;
	l->c.denylist4.n = rnd(ENTRIES);
	l->c.allow6.v = l->allow;
	l->c.allow6.n = rnd(ENTRIES);
	l->c.no_translate.v = l->noxlat;
	l->c.no_translate.n = rnd(ENTRIES);
	for (int i = 0; i < ENTRIES; i++) {
		l->xlat4[i] = random_prefix4();
		l->deny[i] = random_prefix4();
		l->allow[i] = random_prefix6();
		l->noxlat[i].fam = rnd(2) ? FAM_4 : FAM_6;
		l->noxlat[i].v4 = random_prefix4();
		l->noxlat[i].v6 = random_prefix6();
		/* of four ports, so that the limit is never met */
		l->noxlat[i].port = (__u16)(rnd(6) ? 1 + rnd(4) : 0);
	}
	l->bcast[0] = random_addr4();
	l->bcast[1] = random_addr4();
}

/* ---- the model ------------------------------------------------------------------------ */

static bool in4(const struct prefix4 *p, __be32 a)
{
	return prefix4_contains(p->addr, p->len, a);
}

static bool in6(const struct prefix6 *p, const struct addr6 *a)
{
	return prefix6_contains(&p->addr, p->len, a);
}

struct answer {
	__u32 flags;
	int eam;		/* index, -1: none */
	bool every_port;
	__u32 ports;		/* bit of each port */
};

static void model_noxlat(struct answer *m, const struct noxlat_entry *e)
{
	m->flags |= POL_NOXLAT;
	if (e->port)
		m->ports |= 1u << e->port;
	else
		m->every_port = true;
}

static struct answer model4(const struct lists *l, __be32 a)
{
	struct answer m = { .eam = -1 };

	for (size_t i = 0; i < l->c.eam.n; i++)
		if (in4(&l->eam[i].v4, a) &&
		    (m.eam < 0 || l->eam[i].v4.len > l->eam[m.eam].v4.len))
			m.eam = (int)i;
	m.flags |= m.eam >= 0 ? POL_EAM : 0;
	for (size_t i = 0; i < l->c.xlat4.n; i++)
		m.flags |= in4(&l->xlat4[i], a) ? POL_XLAT4 : 0;
	for (size_t i = 0; i < l->c.denylist4.n; i++)
		m.flags |= in4(&l->deny[i], a) ? POL_DENY : 0;
	for (size_t i = 0; i < l->c.no_translate.n; i++)
		if (l->noxlat[i].fam == FAM_4 && in4(&l->noxlat[i].v4, a))
			model_noxlat(&m, &l->noxlat[i]);
	if (l->bcast[0] == a || l->bcast[1] == a)
		m.flags |= POL_BCAST;
	return m;
}

static struct answer model6(const struct lists *l, const struct addr6 *a)
{
	struct answer m = { .eam = -1 };

	for (size_t i = 0; i < l->c.eam.n; i++)
		if (in6(&l->eam[i].v6, a) &&
		    (m.eam < 0 || l->eam[i].v6.len > l->eam[m.eam].v6.len))
			m.eam = (int)i;
	m.flags |= m.eam >= 0 ? POL_EAM : 0;
	for (size_t i = 0; i < l->c.allow6.n; i++)
		m.flags |= in6(&l->allow[i], a) ? POL_ALLOW : 0;
	for (size_t i = 0; i < l->c.no_translate.n; i++)
		if (l->noxlat[i].fam == FAM_6 && in6(&l->noxlat[i].v6, a))
			model_noxlat(&m, &l->noxlat[i]);
	return m;
}

static void expect_ports(const struct answer *m, __u8 n, const __u16 *port)
{
	__u32 ports = 0;

	if (!(m->flags & POL_NOXLAT))
		return;
	for (__u8 i = 0; i < n; i++)
		ports |= 1u << port[i];
	assert_int_equal(m->every_port, n == 0);
	if (!m->every_port)
		assert_int_equal(ports, m->ports);
}

static void expect4(const struct lists *l, const struct policy *p, __be32 a)
{
	struct answer m = model4(l, a);
	const struct n64_pol4 *v = policy_find4(p, a);

	assert_int_equal(v ? v->flags : 0, m.flags);
	if (!v)
		return;
	if (m.eam >= 0) {
		assert_int_equal(v->eam4_len, l->eam[m.eam].v4.len);
		assert_int_equal(v->eam6_len, l->eam[m.eam].v6.len);
		assert_true(addr6_equal(&v->eam6, &l->eam[m.eam].v6.addr));
	}
	expect_ports(&m, v->n_noxlat_port, v->noxlat_port);
}

static void expect6(const struct lists *l, const struct policy *p, const struct addr6 *a)
{
	struct answer m = model6(l, a);
	const struct n64_pol6 *v = policy_find6(p, a);

	assert_int_equal(v ? v->flags : 0, m.flags);
	if (!v)
		return;
	if (m.eam >= 0) {
		assert_int_equal(v->eam4_len, l->eam[m.eam].v4.len);
		assert_int_equal(v->eam4, l->eam[m.eam].v4.addr);
	}
	expect_ports(&m, v->n_noxlat_port, v->noxlat_port);
}

/* The rows as the kernel's trie sees them: the longest that covers. */
static const struct n64_pol4 *trie4(const struct policy *p, __be32 a)
{
	const struct policy_row4 *best = NULL;

	for (size_t i = 0; i < p->n4; i++)
		if (prefix4_contains(p->row4[i].key.addr, p->row4[i].key.prefixlen, a) &&
		    (!best || p->row4[i].key.prefixlen > best->key.prefixlen))
			best = &p->row4[i];
	return best ? &best->val : NULL;
}

static const struct n64_pol6 *trie6(const struct policy *p, const struct addr6 *a)
{
	const struct policy_row6 *best = NULL;

	for (size_t i = 0; i < p->n6; i++)
		if (prefix6_contains(&p->row6[i].key.addr, p->row6[i].key.prefixlen, a) &&
		    (!best || p->row6[i].key.prefixlen > best->key.prefixlen))
			best = &p->row6[i];
	return best ? &best->val : NULL;
}

static void random_lists_answer_like_the_model(void **state)
{
	static struct lists l;
	struct n64_conf conf = { .abi = N64_ABI };

	(void)state;
	start_seed();
	for (int round = 0; round < 2000; round++) {
		struct policy p;

		random_lists(&l);
		assert_int_equal(policy_compile(&l.c, &conf, l.bcast, rnd(3) ? 2 : 0, &p), 0);
		if (!(p.conf.have & HAVE_BCAST4))
			l.bcast[0] = l.bcast[1] = 0;
		for (int i = 0; i < 100; i++) {
			__be32 a4 = random_addr4();
			struct addr6 a6 = random_addr6();

			expect4(&l, &p, a4);
			expect6(&l, &p, &a6);
			assert_ptr_equal(policy_find4(&p, a4), trie4(&p, a4));
			assert_ptr_equal(policy_find6(&p, &a6), trie6(&p, &a6));
		}
		policy_free(&p);
	}
}

static void too_many_ports(void **state)
{
	static struct lists l;
	struct n64_conf conf = { .abi = N64_ABI };
	struct policy p;

	(void)state;
	memset(&l, 0, sizeof(l));
	l.c.no_translate.v = l.noxlat;
	l.c.no_translate.n = N64_NOXLAT_PORTS + 1;
	for (__u16 i = 0; i <= N64_NOXLAT_PORTS; i++) {
		l.noxlat[i] = (struct noxlat_entry){ .fam = FAM_4, .port = (__u16)(i + 1) };
		l.noxlat[i].v4 = (struct prefix4){ IP4(10, 0, 0, 0), (__u8)(8 + i) };
	}
	assert_int_equal(policy_compile(&l.c, &conf, NULL, 0, &p), -E2BIG);
	/* GEN-04: one entry for every port around them, and there is no limit */
	l.noxlat[0].port = 0;
	assert_int_equal(policy_compile(&l.c, &conf, NULL, 0, &p), 0);
	assert_int_equal(policy_find4(&p, IP4(10, 0, 0, 1))->n_noxlat_port, 0);
	policy_free(&p);
	/* on the same prefix, written last */
	l.c.no_translate.n = N64_NOXLAT_PORTS + 2;
	for (__u16 i = 0; i <= N64_NOXLAT_PORTS + 1; i++) {
		l.noxlat[i] = l.noxlat[0];
		l.noxlat[i].port = i == N64_NOXLAT_PORTS + 1 ? 0 : (__u16)(i + 1);
	}
	assert_int_equal(policy_compile(&l.c, &conf, NULL, 0, &p), 0);
	assert_int_equal(policy_find4(&p, IP4(10, 0, 0, 1))->n_noxlat_port, 0);
	policy_free(&p);
}

/* ---- policy.bin ---------------------------------------------------------------------------- */

static size_t read_whole(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, size);

	close(fd);
	assert_true(n > 0 && (size_t)n < size);
	return (size_t)n;
}

static void write_whole(const char *path, const char *buf, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, buf, len), (ssize_t)len);
	close(fd);
}

/* A file that was cut or changed anywhere is refused. */
static void expect_damage_is_seen(const char *path, char *buf, size_t len)
{
	struct policy p;

	for (size_t i = 0; i < len; i++) {
		buf[i] ^= 0x40;
		write_whole(path, buf, len);
		if (!policy_load(&p, path))
			fail_msg("byte %zu of %zu changed, and nobody saw it", i, len);
		buf[i] ^= 0x40;
	}
	for (size_t i = 0; i < len; i += 7) {
		write_whole(path, buf, i);
		assert_int_not_equal(policy_load(&p, path), 0);
	}
	buf[len] = 'x';
	write_whole(path, buf, len + 1);
	assert_int_not_equal(policy_load(&p, path), 0);
}

static void save_and_load(void **state)
{
	char dir[] = "/tmp/n64-policy-test-XXXXXX", path[64], sub[64];
	struct prefix4 pool4 = { IP4(203, 0, 113, 1), 32 };
	struct n64_conf conf = { .abi = N64_ABI, .n_pref64 = 2, .first_pref64 = 1,
				 .pref64 = { [1].len = 96 }, .have = HAVE_EAM };
	static char buf[65536];
	static struct lists l;
	struct policy p, q;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/policy.bin", dir);
	random_lists(&l);
	l.c.pool6791v4.v = &pool4;
	l.c.pool6791v4.n = 1;
	assert_int_equal(policy_compile(&l.c, &conf, l.bcast, 2, &p), 0);
	assert_int_equal(policy_load(&q, path), -ENOENT);
	assert_int_equal(policy_save(&p, path), 0);
	assert_int_equal(policy_save(&p, path), 0); /* over the old one */
	assert_int_equal(policy_load(&q, path), 0);
	assert_memory_equal(&p.conf, &q.conf, sizeof(p.conf));
	assert_int_equal(p.n4, q.n4);
	assert_memory_equal(p.row4, q.row4, p.n4 * sizeof(*p.row4));
	assert_int_equal(p.n6, q.n6);
	assert_memory_equal(p.row6, q.row6, p.n6 * sizeof(*p.row6));
	assert_int_equal(q.n_pool4, 1);
	assert_int_equal(q.pool4[0].addr, pool4.addr);
	assert_int_equal(q.n_pool6, 0);
	expect4(&l, &q, l.bcast[0]);
	policy_free(&q);
	assert_int_equal(policy_save(&p, "/nowhere/policy.bin"), -ENOENT);
	snprintf(sub, sizeof(sub), "%s/folder", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(policy_save(&p, sub), -EISDIR);
	assert_int_equal(rmdir(sub), 0);
	policy_free(&p);
	len = read_whole(path, buf, sizeof(buf) - 1);
	expect_damage_is_seen(path, buf, len);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* no temporary file was left */
}

/* ---- size and speed ------------------------------------------------------------------------- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* n host EAMs inside n/256 nets; ns of a lookup. */
static double many(size_t n, double *compile)
{
	struct config c = { 0 };
	struct n64_conf conf = { .abi = N64_ABI };
	struct policy p;
	double start;
	size_t hits = 0;

	c.eam.v = calloc(n, sizeof(*c.eam.v));
	c.eam.n = n;
	for (size_t i = 0; i < n; i++) {
		c.eam.v[i].v4.addr = be32(0x0a000000 + i * 16);
		c.eam.v[i].v4.len = 32;
		c.eam.v[i].v6.addr = (struct addr6){ { be32(0x20010db8), be32(i), 0, be32(1) } };
		c.eam.v[i].v6.len = 128;
	}
	start = seconds();
	assert_int_equal(policy_compile(&c, &conf, NULL, 0, &p), 0);
	*compile = seconds() - start;
	start = seconds();
	for (size_t i = 0; i < 1000000; i++)
		hits += policy_find4(&p, be32(0x0a000000 + (i * 7919 % n) * 16)) != NULL;
	start = (seconds() - start) * 1000;
	assert_int_equal(hits, 1000000);
	assert_null(policy_find4(&p, be32(0x0a000001)));
	policy_free(&p);
	free(c.eam.v);
	return start;
}

static void size_and_speed(void **state)
{
	double compile, ns;

	(void)state;
	ns = many(1000, &compile);
	print_message("1000 entries: compiled in %.1f ms, lookup %.0f ns\n", compile * 1e3, ns);
	ns = many(100000, &compile);
	print_message("100000 entries: compiled in %.1f ms, lookup %.0f ns\n", compile * 1e3, ns);
	/* a quadratic compiler would need minutes */
	assert_true(compile < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lists_answer_like_the_model),
		cmocka_unit_test(too_many_ports),
		cmocka_unit_test(save_and_load),
		cmocka_unit_test(size_and_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

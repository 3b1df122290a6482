/* SPDX-License-Identifier: GPL-2.0-only */
/* What the filters of `mapping` and `session` mean, and the ages that follow from
 * deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "state_filter.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))
#define NOW 1000000u

static struct n64_conf conf(void)
{
	static struct n64_conf c;

	memset(&c, 0, sizeof(c));
	c.opt.udp_timeout = 300;
	c.opt.icmp_timeout = 60;
	c.opt.tcp_est_timeout = 7200;
	c.opt.tcp_trans_timeout = 240;
	c.opt.tcp_open_timeout = 239;
	return c;
}

static __u64 ctl(enum ctl_state state, __u64 flags)
{
	return ctl_make(state, flags, 0, 0, 7);
}

/* ---- ages ------------------------------------------------------------------------- */

static const struct age_row {
	const char *what;
	enum st_proto proto;
	enum ctl_state state;
	__u64 flags;
	__u32 until, port_seconds; /* of udp-port-timeouts, 0: none */
	enum mapping_kind kind;
	__u32 left, idle;
} ages[] = {
	{ "UDP, just used", ST_UDP, CTL_ACTIVE, 0, NOW + 300, 0, MAPPING_DYNAMIC, 300, 0 },
	{ "UDP, idle for 100 s", ST_UDP, CTL_ACTIVE, 0, NOW + 200, 0, MAPPING_DYNAMIC, 200, 100 },
	{ "ST-10: the deadline is the last second", ST_UDP, CTL_ACTIVE, 0, NOW, 0, MAPPING_DYNAMIC, 0, 300 },
	{ "ST-10: one second later it has expired", ST_UDP, CTL_ACTIVE, 0, NOW - 1, 0, MAPPING_EXPIRED, 0, AGE_UNKNOWN },
	{ "UDP, longer than its timer: a reload made it shorter", ST_UDP, CTL_ACTIVE, 0, NOW + 310, 0, MAPPING_DYNAMIC, 310, AGE_UNKNOWN },
	{ "UDP that udp-port-timeouts may have set", ST_UDP, CTL_ACTIVE, 0, NOW + 20, 20, MAPPING_DYNAMIC, 20, AGE_UNKNOWN },
	{ "UDP beyond udp-port-timeouts", ST_UDP, CTL_ACTIVE, 0, NOW + 21, 20, MAPPING_DYNAMIC, 21, 279 },
	{ "ICMP", ST_ICMP, CTL_ACTIVE, 0, NOW + 50, 0, MAPPING_DYNAMIC, 50, 10 },
	{ "TCP, one session, established", ST_TCP, CTL_ACTIVE, CTL_QUIET, NOW + 7000, 0, MAPPING_DYNAMIC, 7000, 440 },
	{ "TCP in another state: which timer is not known", ST_TCP, CTL_ACTIVE, 0, NOW + 200, 0, MAPPING_DYNAMIC, 200, AGE_UNKNOWN },
	{ "ST-03: a static one never ends", ST_TCP, CTL_ACTIVE, CTL_STATIC, 0, 0, MAPPING_STATIC, 0, AGE_UNKNOWN },
	{ "free", ST_UDP, CTL_FREE, 0, NOW + 5, 0, MAPPING_FREE, 0, AGE_UNKNOWN },
};

static void test_mapping_age(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(ages); i++) {
		const struct age_row *r = &ages[i];
		struct mapping_info m = { .proto = r->proto, .until = r->until,
					  .ctl = ctl(r->state, r->flags) };
		struct n64_conf c = conf();

		c.st.n_udp_port = r->port_seconds != 0;
		c.st.udp_port[0].seconds = (__u16)r->port_seconds;
		mapping_age(&c, &m, NOW);
		if (m.kind != r->kind || m.left != r->left || m.idle != r->idle)
			fail_msg("%s: kind %d, left %u, idle %u", r->what, m.kind, m.left, m.idle);
	}
}

static const struct session_row {
	const char *what;
	enum tcp_state stored;
	__u32 until;
	enum tcp_state shown;
	__u32 left, idle;
} sessions[] = {
	{ "established", TCP_ESTABLISHED, NOW + 7440, TCP_ESTABLISHED, 7440, 0 },
	{ "TCP-19: idle for TCP_EST it is in TRANS", TCP_ESTABLISHED, NOW + 239, TCP_TRANS, 239, 7201 },
	{ "TCP-01", TCP_V6_INIT, NOW + 200, TCP_V6_INIT, 200, 39 },
	{ "TCP-16", TCP_V4_FIN_RCV, NOW + 7199, TCP_V4_FIN_RCV, 7199, 1 },
	{ "TCP-17", TCP_TRANS, NOW + 200, TCP_TRANS, 200, 40 },
	{ "ST-09: a permission has the timer of its protocol", TCP_PERMIT, NOW + 10, TCP_PERMIT, 10, AGE_UNKNOWN },
	{ "TCP-03", TCP_V4_STORED, NOW + 6 + STORED_KEEP, TCP_V4_STORED, 6, AGE_UNKNOWN },
	{ "TCP-03: over, not cleared away yet", TCP_V4_STORED, NOW + 1, TCP_V4_STORED, 0, AGE_UNKNOWN },
};

static void test_session_age(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(sessions); i++) {
		const struct session_row *r = &sessions[i];
		struct session_info s = { .until = r->until };
		struct n64_conf c = conf();

		session_age(&c, &s, session_word(r->stored | SESSION_PROBED, r->until), NOW);
		if (s.state != r->shown || s.left != r->left || s.idle != r->idle)
			fail_msg("%s: state %d, left %u, idle %u", r->what, s.state, s.left, s.idle);
	}
}

/* ---- filters ------------------------------------------------------------------------ */

/* tcp 192.0.2.1:5000 = [2001:db8:a::33]:443, dynamic, 100 s left, 10 s idle */
static struct mapping_info sample(void)
{
	return (struct mapping_info){
		.proto = ST_TCP, .addr4 = IP4(192, 0, 2, 1), .port4 = 5000, .port6 = 443,
		.host6 = { { be32(0x20010db8), be32(0x000a0000), 0, be32(0x33) } },
		.kind = MAPPING_DYNAMIC, .left = 100, .idle = 10,
	};
}

static struct state_filter everything(void)
{
	struct state_filter f;

	state_filter_init(&f);
	return f;
}

#define FILTER_ROW(what, meant, field, ...) \
	{ what, meant, offsetof(struct state_filter, field), \
	  sizeof(((struct state_filter *)NULL)->field), \
	  &(const struct state_filter){ .field = __VA_ARGS__ } }

/* One field of the filter, and whether the sample is meant. */
static const struct filter_row {
	const char *what;
	bool meant;
	size_t offset, size;
	const struct state_filter *from;
} filters[] = {
	FILTER_ROW("the address", true, addr4, { IP4(192, 0, 2, 1), 32 }),
	FILTER_ROW("its prefix", true, addr4, { IP4(192, 0, 2, 0), 24 }),
	FILTER_ROW("another address", false, addr4, { IP4(192, 0, 2, 2), 32 }),
	FILTER_ROW("the host", true, addr6, { { { be32(0x20010db8), be32(0x000a0000), 0, be32(0x33) } }, 128 }),
	FILTER_ROW("the subscriber", true, addr6, { { { be32(0x20010db8), be32(0x000a0000), 0, 0 } }, 64 }),
	FILTER_ROW("another subscriber", false, addr6, { { { be32(0x20010db8), be32(0x000b0000), 0, 0 } }, 64 }),
	FILTER_ROW("the protocol", true, protos, 1 << ST_TCP),
	FILTER_ROW("another protocol", false, protos, 1 << ST_UDP),
	FILTER_ROW("the port", true, port4, { 5000, 5000 }),
	FILTER_ROW("the first of a range", true, port4, { 5000, 5001 }),
	FILTER_ROW("the last of a range", true, port4, { 4999, 5000 }),
	FILTER_ROW("ports below", false, port4, { 0, 4999 }),
	FILTER_ROW("ports above", false, port4, { 5001, 65535 }),
	FILTER_ROW("the host's port", true, port6, { 443, 443 }),
	FILTER_ROW("another port of the host", false, port6, { 444, 444 }),
	FILTER_ROW("dynamic", true, kinds, 1 << MAPPING_DYNAMIC),
	FILTER_ROW("static", false, kinds, 1 << MAPPING_STATIC),
	FILTER_ROW("idle for so long", true, idle_min, 10),
	FILTER_ROW("not idle for so long", false, idle_min, 11),
	FILTER_ROW("ends soon", true, left_max, 100),
	FILTER_ROW("does not end so soon", false, left_max, 99),
};

static void test_mapping_filters(void **state)
{
	struct mapping_info m = sample();
	struct state_filter f = everything();

	(void)state;
	assert_true(filter_wants_mapping(&f, &m));
	for (size_t i = 0; i < N(filters); i++) {
		const struct filter_row *r = &filters[i];

		f = everything();
		memcpy((char *)&f + r->offset, (const char *)r->from + r->offset, r->size);
		if (filter_wants_mapping(&f, &m) != r->meant)
			fail_msg("%s", r->what);
	}
}

/* What is not known or never ends is not old and does not end soon. */
static void test_unknown_ages(void **state)
{
	struct state_filter f = everything();
	struct mapping_info m = sample();

	(void)state;
	f.idle_min = 1;
	m.idle = AGE_UNKNOWN;
	assert_false(filter_wants_mapping(&f, &m));
	f = everything();
	m.kind = MAPPING_STATIC;
	m.left = 0;
	assert_true(filter_wants_mapping(&f, &m));
	f.left_max = 1000;
	assert_false(filter_wants_mapping(&f, &m));
}

static void test_expired_ones_are_asked_for(void **state)
{
	struct state_filter f = everything();
	struct mapping_info m = sample();

	(void)state;
	m.kind = MAPPING_EXPIRED;
	assert_false(filter_wants_mapping(&f, &m));
	f.kinds |= 1u << MAPPING_EXPIRED;
	assert_true(filter_wants_mapping(&f, &m));
}

/* ST-09 */
static void test_session_filters(void **state)
{
	struct session_info s = { .map = sample(), .state = TCP_TRANS, .left = 5, .idle = 5,
				  .remote4 = IP4(198, 51, 100, 10), .remote_port = 80 };
	struct state_filter f = everything();

	(void)state;
	assert_true(filter_wants_session(&f, &s));
	f.remote4 = (struct prefix4){ IP4(198, 51, 100, 0), 24 };
	assert_true(filter_wants_session(&f, &s));
	f.remote4.addr = IP4(198, 51, 101, 0);
	assert_false(filter_wants_session(&f, &s));
	f = everything();
	f.remote_port[0] = 81;
	assert_false(filter_wants_session(&f, &s));
	f = everything();
	f.states = 1u << TCP_ESTABLISHED;
	assert_false(filter_wants_session(&f, &s));
	f = everything();
	f.port6[1] = 442;
	assert_false(filter_wants_session(&f, &s));
	f = everything();
	f.idle_min = 6;
	assert_false(filter_wants_session(&f, &s));
}

/* TCP-03: a stored SYN may have no IPv6 side. */
static void test_stored_syn_without_a_mapping(void **state)
{
	struct session_info s = { .map = sample(), .state = TCP_V4_STORED };
	struct state_filter f = everything();

	(void)state;
	s.map.kind = MAPPING_FREE;
	assert_true(filter_wants_session(&f, &s));
	f.addr4 = (struct prefix4){ IP4(192, 0, 2, 1), 32 };
	assert_true(filter_wants_session(&f, &s));
	f.port4[0] = 5001;
	assert_false(filter_wants_session(&f, &s));
	f = everything();
	f.addr6.len = 1;
	assert_false(filter_wants_session(&f, &s));
	f = everything();
	f.port6[0] = 1;
	assert_false(filter_wants_session(&f, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapping_age),
		cmocka_unit_test(test_session_age),
		cmocka_unit_test(test_mapping_filters),
		cmocka_unit_test(test_unknown_ages),
		cmocka_unit_test(test_expired_ones_are_asked_for),
		cmocka_unit_test(test_session_filters),
		cmocka_unit_test(test_stored_syn_without_a_mapping),
	};

	return cmocka_run_group_tests_name("state_filter", tests, NULL, NULL);
}

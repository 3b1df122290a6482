/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of `mapping` and `session`: what they are read as, and what is said about those
 * that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "filter.h"

#define N(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct addr6 host6(void)
{
	return (struct addr6){ { be32(0x20010db8), 0, 0, be32(5) } };
}

/* ---- endpoints ------------------------------------------------------------------------ */

static const struct endpoint_row {
	const char *word;
	enum ip_family fam;	/* FAM_NONE: refused */
	bool has_port;
	__u16 port;
} endpoints[] = {
	{ "192.0.2.1", FAM_4, false, 0 },
	{ "192.0.2.1:443", FAM_4, true, 443 },
	{ "192.0.2.1:0", FAM_4, true, 0 },
	{ "192.0.2.1:65535", FAM_4, true, 65535 },
	{ "2001:db8::5", FAM_6, false, 0 },
	{ "[2001:db8::5]", FAM_6, false, 0 },
	{ "[2001:db8::5]:443", FAM_6, true, 443 },
	{ "", FAM_NONE, false, 0 },
	{ ":", FAM_NONE, false, 0 },
	{ ":443", FAM_NONE, false, 0 },
	{ "192.0.2.1:", FAM_NONE, false, 0 },
	{ "192.0.2.1:65536", FAM_NONE, false, 0 },
	{ "192.0.2.1:-1", FAM_NONE, false, 0 },
	{ "192.0.2.1:443x", FAM_NONE, false, 0 },
	{ "192.0.2.1:443:1", FAM_NONE, false, 0 },
	{ "192.0.2.256", FAM_NONE, false, 0 },
	{ "[192.0.2.1]:443", FAM_NONE, false, 0 },
	{ "[2001:db8::5", FAM_NONE, false, 0 },
	{ "[2001:db8::5]443", FAM_NONE, false, 0 },
	{ "[2001:db8::5]:", FAM_NONE, false, 0 },
	{ "2001:db8::5::1", FAM_NONE, false, 0 },
	{ "[]:1", FAM_NONE, false, 0 },
	{ "[", FAM_NONE, false, 0 },
	{ "example.org:80", FAM_NONE, false, 0 },
	{ "[2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0005]:1", FAM_NONE, false, 0 },
};

static void test_endpoints(void **state)
{
	struct addr6 want = host6();

	(void)state;
	for (size_t i = 0; i < N(endpoints); i++) {
		const struct endpoint_row *r = &endpoints[i];
		struct config_error err = { "" };
		struct endpoint e;
		int rc = endpoint_read("add", "IPv4", "one", r->word, &e, &err);

		if (!rc != (r->fam != FAM_NONE))
			fail_msg("'%s': %d", r->word, rc);
		if (rc) {
			assert_non_null(strstr(err.text, "add: IPv4: '"));
			assert_non_null(strstr(err.text, "; write one"));
			continue;
		}
		if (e.fam != r->fam || e.has_port != r->has_port || e.port != r->port)
			fail_msg("'%s': family %d, port %u", r->word, e.fam, e.port);
		if (e.fam == FAM_4)
			assert_int_equal(e.addr4, IP4(192, 0, 2, 1));
		else
			assert_memory_equal(&e.addr6, &want, sizeof(want));
	}
}

static void test_endpoint_texts(void **state)
{
	struct addr6 h = host6();
	char buf[ENDPOINT_TEXT];

	(void)state;
	assert_string_equal(endpoint4_text(IP4(192, 0, 2, 1), 65535, buf), "192.0.2.1:65535");
	assert_string_equal(endpoint6_text(&h, 1, buf), "[2001:db8::5]:1");
	memset(&h, 0xff, sizeof(h));
	assert_string_equal(endpoint6_text(&h, 65535, buf),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

/* ---- filters -------------------------------------------------------------------------- */

static int read_filter(struct filter_words w, enum filter_of of, struct state_filter *f,
		       struct config_error *err)
{
	err->text[0] = '\0';
	return filter_read(&w, of, "list", f, err);
}

static void test_every_word(void **state)
{
	struct addr6 sub = { { be32(0x20010db8), be32(0x000a0000), 0, 0 } };
	struct config_error err;
	struct state_filter f;

	(void)state;
	assert_int_equal(read_filter((struct filter_words){
		.address = "192.0.2.0/24", .prefix = "2001:db8:a::/64", .protocol = "udp",
		.port = "1024-2047", .port6 = "53", .state = "static", .older = "60",
		.expires = "10", .remote = "198.51.100.10", .remote_port = "80-81" },
		FILTER_MAPPINGS, &f, &err), 0);
	assert_int_equal(f.addr4.addr, IP4(192, 0, 2, 0));
	assert_int_equal(f.addr4.len, 24);
	assert_memory_equal(&f.addr6.addr, &sub, sizeof(sub));
	assert_int_equal(f.addr6.len, 64);
	assert_int_equal(f.protos, 1 << ST_UDP);
	assert_int_equal(f.port4[0], 1024);
	assert_int_equal(f.port4[1], 2047);
	assert_int_equal(f.port6[0], 53);
	assert_int_equal(f.port6[1], 53);
	assert_int_equal(f.kinds, 1 << MAPPING_STATIC);
	assert_int_equal(f.idle_min, 60);
	assert_int_equal(f.left_max, 10);
	assert_int_equal(f.remote4.addr, IP4(198, 51, 100, 10));
	assert_int_equal(f.remote4.len, 32);
	assert_int_equal(f.remote_port[0], 80);
	assert_int_equal(f.remote_port[1], 81);
}

static void test_address_of_both_families(void **state)
{
	struct config_error err;
	struct state_filter f;

	(void)state;
	assert_int_equal(read_filter((struct filter_words){ .address = "2001:db8::5" },
				     FILTER_MAPPINGS, &f, &err), 0);
	assert_int_equal(f.addr6.len, 128);
	assert_int_equal(f.addr4.len, 0);
}

/* Every word that is shown can be filtered by. */
static void test_states_read_back(void **state)
{
	struct config_error err;
	struct state_filter f;

	(void)state;
	for (int s = 0; s < N_TCP_STATES; s++) {
		assert_int_equal(read_filter((struct filter_words){
			.state = tcp_state_text((enum tcp_state)s) }, FILTER_SESSIONS, &f, &err),
			0);
		assert_int_equal(f.states, 1 << s);
	}
	for (int k = MAPPING_DYNAMIC; k <= MAPPING_EXPIRED; k++) {
		assert_int_equal(read_filter((struct filter_words){
			.state = mapping_kind_text((enum mapping_kind)k) }, FILTER_MAPPINGS, &f,
			&err), 0);
		assert_int_equal(f.kinds, 1 << k);
	}
	for (int p = 0; p < N_ST_PROTOS; p++) {
		assert_int_equal(read_filter((struct filter_words){
			.protocol = proto_text((enum st_proto)p) }, FILTER_MAPPINGS, &f, &err), 0);
		assert_int_equal(f.protos, 1 << p);
	}
}

static const struct wrong_row {
	struct filter_words words;
	enum filter_of of;
	const char *said;
} wrong[] = {
	{ { .address = "192.0.2.1/24" }, FILTER_MAPPINGS, "list: --address: '192.0.2.1/24' is not a prefix" },
	{ { .address = "host" }, FILTER_MAPPINGS, "--address: 'host' is not an IPv4 prefix" },
	{ { .address = "2001:db8::/129" }, FILTER_MAPPINGS, "is not an IPv6 prefix" },
	{ { .address = "2001:db8::5", .prefix = "2001:db8::/64" }, FILTER_MAPPINGS, "is not possible beside --prefix" },
	{ { .prefix = "192.0.2.0/24" }, FILTER_MAPPINGS, "--prefix: '192.0.2.0/24' is not an IPv6 prefix" },
	{ { .protocol = "sctp" }, FILTER_MAPPINGS, "protocol: 'sctp' is not one of its words; write tcp, udp or icmp" },
	{ { .port = "" }, FILTER_MAPPINGS, "--port: '' is not a port" },
	{ { .port = "65536" }, FILTER_MAPPINGS, "--port: '65536' is not a port" },
	{ { .port = "2-1" }, FILTER_MAPPINGS, "--port: '2-1' is not a port" },
	{ { .port = "1-" }, FILTER_MAPPINGS, "--port: '1-' is not a port" },
	{ { .port6 = "1-2-3" }, FILTER_MAPPINGS, "--port6: '1-2-3' is not a port" },
	{ { .state = "trans" }, FILTER_MAPPINGS, "--state: 'trans' is not one of its words; write dynamic, static or expired" },
	{ { .state = "static" }, FILTER_SESSIONS, "trans, stored-syn or permission" },
	{ { .older = "-1" }, FILTER_MAPPINGS, "--older: '-1' is not a number" },
	{ { .expires = "2147483648" }, FILTER_MAPPINGS, "--expires: '2147483648' is not between 0 and 2147483647" },
	{ { .remote = "::1" }, FILTER_SESSIONS, "--remote: '::1' is not an IPv4 prefix" },
	{ { .remote_port = "http" }, FILTER_SESSIONS, "--remote-port: 'http' is not a port" },
};

static void test_wrong_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(wrong); i++) {
		struct config_error err;
		struct state_filter f;

		if (!read_filter(wrong[i].words, wrong[i].of, &f, &err))
			fail_msg("row %zu was accepted", i);
		if (!strstr(err.text, wrong[i].said) || !strstr(err.text, "write "))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void test_empty(void **state)
{
	struct filter_words w = { 0 };
	const char **word = (const char **)&w;

	(void)state;
	assert_true(filter_is_empty(&w));
	for (size_t i = 0; i < sizeof(w) / sizeof(*word); i++) {
		memset(&w, 0, sizeof(w));
		word[i] = "x";
		assert_false(filter_is_empty(&w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_endpoint_texts),
		cmocka_unit_test(test_every_word),
		cmocka_unit_test(test_address_of_both_families),
		cmocka_unit_test(test_states_read_back),
		cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}

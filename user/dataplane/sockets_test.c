/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of /proc/net/tcp, tcp6, udp and udp6 (GEN-12), as the kernel writes them on a
 * little-endian machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/shared.h"

#define REST " 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0"

static const struct row {
	const char *name, *line;
	bool tcp, ok, any, listening;
	__u32 addr;	/* host order */
	__u16 port;
} rows[] = {
	{ "heading", "  sl  local_address rem_address   st tx_queue rx_queue", true,
	  .ok = false },
	{ "a listener on one address", "   0: 010200C0:1F90 00000000:0000 0A" REST, true, true,
	  false, true, 0xc0000201, 8080 },
	{ "a listener on all", "  12: 00000000:0016 00000000:0000 0A" REST, true, true, true, true,
	  0, 22 },
	{ "a connection is no listener", "   3: 010200C0:1F90 0A3364C6:D431 01" REST, true, true,
	  false, false, 0xc0000201, 8080 },
	{ "UDP", "  96: 010200C0:1194 00000000:0000 07" REST, false, true, false, true, 0xc0000201,
	  4500 },
	{ "UDP, connected", "  96: 010200C0:1194 0A3364C6:D431 01" REST, false, true, false, false,
	  0xc0000201, 4500 },
	{ "IPv6, bound to nothing", "   0: 00000000000000000000000000000000:0035 "
	  "00000000000000000000000000000000:0000 0A" REST, true, true, true, true, 0, 53 },
	{ "IPv6, a mapped address", "   0: 0000000000000000FFFF0000010200C0:0035 "
	  "00000000000000000000000000000000:0000 0A" REST, true, true, false, true, 0xc0000201,
	  53 },
	{ "IPv6, an address that no IPv4 packet has", "   0: B80D01200000000000000000010200C0:0035 "
	  "00000000000000000000000000000000:0000 0A" REST, true, .ok = false },
	{ "IPv6, its own loopback", "   0: 00000000000000000000000001000000:0035 "
	  "00000000000000000000000000000000:0000 0A" REST, true, .ok = false },
	{ "cut", "   0: 010200C0", true, .ok = false },
	{ "an address of odd length", "   0: 0102:0016 00000000:0000 0A" REST, true, .ok = false },
};

static void test_lines(void **state)
{
	struct listener s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		print_message("%s\n", r->name);
		assert_int_equal(listener_parse(r->line, r->tcp, &s), r->ok);
		if (!r->ok)
			continue;
		assert_int_equal(s.any, r->any);
		assert_int_equal(s.listening, r->listening);
		assert_int_equal(s.addr, be32(r->addr));
		assert_int_equal(s.port, r->port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Configurations of mode stateful as an operator may write them: each row is a text and
 * what must come of it, with the rule that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "word.h"

#define HEAD "mode: stateful\ninterfaces: [eth0]\npref64: [\"2001:db8:64::/96\"]\n"
#define ST HEAD "pool4: [203.0.113.0/28]\n"	/* four lines */
#define SIIT "interfaces: [eth0]\npref64: [\"2001:db8:64::/96\"]\nxlat4: [192.0.2.0/24]\n"

static int warnings;
static char last_warning[512];

static void count_warning(const char *text)
{
	warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static int judge(struct config *c, const char *text, struct config_error *err)
{
	char path[] = "/tmp/n64-state-test-XXXXXX";
	int fd = mkstemp(path);
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	warnings = 0;
	last_warning[0] = '\0';
	config_init(c);
	memset(err, 0, sizeof(*err));
	rc = config_read_file(c, path, err);
	if (!rc)
		rc = config_check(c, count_warning, err);
	unlink(path);
	return rc;
}

struct row {
	const char *rule;
	const char *text;
	const char *want;	/* part of the sentence, or of the last warning; NULL: none */
};

static const struct row bad[] = {
	{ "DYN-07", HEAD "pool4: [203.0.113.8]\nstatic-hosts: [203.0.113.8=2001:db8::5]\n",
	  ":5: static-hosts: in mode stateful hosts share addresses; write static, or mode dynamic" },
	/* what a file says about an element */
	{ "PORT-10 prefix", HEAD "pool4: [203.0.113.1/28]\n",
	  ":4: pool4: '203.0.113.1/28' is not a prefix, it has bits set behind its length; "
	  "write 203.0.113.0/28" },
	{ "PORT-10 family", HEAD "pool4: [\"2001:db8::/64\"]\n",
	  ":4: pool4.prefix: '2001' is not an IPv4 prefix" },
	{ "PORT-05 port 0", HEAD "pool4: [203.0.113.8:0-1023]\n",
	  ":4: pool4.ports: '0-1023' is not a range of ports from 1 to 65535 (PORT-05); write" },
	{ "PORT-05 last", HEAD "pool4: [203.0.113.8:1024-65536]\n", "'1024-65536' is not a range" },
	{ "PORT-05 order", HEAD "pool4: [203.0.113.8:2000-1999]\n", "'2000-1999' is not a range" },
	{ "PORT-05 half", HEAD "pool4: [203.0.113.8:2000-]\n", "'2000-' is not a range" },
	{ "PORT-05 none", HEAD "pool4: [\"203.0.113.8:\"]\n", "pool4.ports: '' is not a range" },
	{ "PORT-05 zeros", HEAD "pool4: [203.0.113.8:01-2]\n", "'01-2' is not a range" },
	{ "PORT-05 sign", HEAD "pool4: [\"203.0.113.8:+1-2\"]\n", "'+1-2' is not a range" },
	{ "PORT-05 long", HEAD "pool4: [203.0.113.8:1-4294967297]\n", "is not a range" },
	{ "PORT-10 protocol", HEAD "pool4: [{prefix: 203.0.113.8, protocols: [tcp, sctp]}]\n",
	  ":4: pool4.protocols: 'tcp,sctp' is not a list of protocols; write some of [tcp, udp" },
	{ "PORT-10 protocol twice", HEAD "pool4: [{prefix: 203.0.113.8, protocols: [udp, udp]}]\n",
	  ":4: pool4.protocols: 'udp,udp' is not allowed, it names udp twice" },
	{ "PORT-10 no protocol", HEAD "pool4: [{prefix: 203.0.113.8, protocols: []}]\n",
	  ":4: pool4.protocols: '' is not a list of protocols" },
	{ "PORT-10 many", HEAD "pool4: [{prefix: 203.0.113.8, protocols: [tcp, tcp, tcp, tcp, tcp, "
	  "tcp, tcp, tcp, tcp]}]\n", "it names tcp twice" },
	{ "PORT-10 deep", HEAD "pool4: [{prefix: 203.0.113.8, protocols: [[tcp]]}]\n",
	  ":4: protocols: a list is not allowed here" },
	{ "PORT-10 list as word", HEAD "pool4: [{prefix: [203.0.113.8]}]\n",
	  ":4: prefix: a list is not allowed here; write one word" },
	{ "PORT-10 field", HEAD "pool4: [{prefix: 203.0.113.8, port: 1-2}]\n",
	  ":4: pool4: 'port' is not a field of its elements; write ports" },
	{ "ST-04 protocol", ST "static: [\"sctp,203.0.113.1:80,[2001:db8::1]:80\"]\n",
	  ":5: static.protocol: 'sctp' is not one of its words; write tcp, udp or icmp" },
	{ "ST-04 parts", ST "static: [\"tcp,203.0.113.1:80\"]\n",
	  ":5: static: 'tcp,203.0.113.1:80' is not complete; write {protocol: tcp" },
	{ "ST-04 no port", ST "static: [\"tcp,203.0.113.1,[2001:db8::1]:80\"]\n",
	  ":5: static.ipv4: '203.0.113.1' is not an IPv4 address and a port from 1 to 65535" },
	{ "ST-04 port 0", ST "static: [\"udp,203.0.113.1:0,[2001:db8::1]:80\"]\n",
	  "static.ipv4: '203.0.113.1:0' is not" },
	{ "ST-04 port 0 v6", ST "static: [\"udp,203.0.113.1:1,[2001:db8::1]:0\"]\n",
	  "static.ipv6: '[2001:db8::1]:0' is not an IPv6 address and a port" },
	{ "ST-04 brackets", ST "static: [\"tcp,203.0.113.1:80,2001:db8::1:80\"]\n",
	  "static.ipv6: '2001:db8::1:80' is not an IPv6 address" },
	{ "ST-04 half bracket", ST "static: [\"tcp,203.0.113.1:80,[2001:db8::1:80\"]\n",
	  "static.ipv6: '[2001:db8::1:80' is not an IPv6 address" },
	{ "ST-04 empty brackets", ST "static: [\"tcp,203.0.113.1:80,[]:80\"]\n", "'[]:80' is not" },
	{ "ST-04 identifier", ST "static: [\"icmp,203.0.113.1:65536,[2001:db8::1]:1\"]\n",
	  "static.ipv4: '203.0.113.1:65536' is not an IPv4 address and an ICMP identifier" },
	{ "ST-04 missing", ST "static: [{protocol: tcp, ipv4: \"203.0.113.1:80\"}]\n",
	  ":5: static: 'ipv6' is not given in this element" },
	{ "4787 REQ-5 port", ST "udp-port-timeouts: [1024=20]\n",
	  ":5: udp-port-timeouts.port: '1024' is not between 0 and 1023 (RFC 4787 REQ-5" },
	{ "4787 REQ-5 time", ST "udp-port-timeouts: [53=0]\n",
	  ":5: udp-port-timeouts.timeout: '0' is not between 1 and" },
	{ "4787 REQ-5 form", ST "udp-port-timeouts: [53]\n",
	  ":5: udp-port-timeouts: '53' is not complete; write {port: 53, timeout: 20}, or 53=20" },
	/* what only the whole tells */
	{ "ADR-23 pref64", "mode: stateful\ninterfaces: [a]\npool4: [203.0.113.1]\n",
	  "pref64: mode stateful needs one, by which IPv6 hosts reach IPv4; write a prefix" },
	{ "ADR-23 pool4", HEAD, "pool4: neither pool4 nor static is given" },
	{ "MIX-01 eam", ST "eam: [192.0.2.1=2001:db8::1]\n",
	  ":5: eam: '192.0.2.1/32=2001:db8::1/128' is not possible by itself in mode stateful" },
	{ "MIX-01 xlat4", ST "xlat4: [192.0.2.0/24]\n",
	  ":5: xlat4: '192.0.2.0/24' is not possible by itself in mode stateful; write it in an" },
	{ "MIX-01 no hosts", ST "stateless: [{pref64: \"2001:db8:64::/96\"}]\n",
	  ":5: stateless.pref64: '2001:db8:64::/96' has neither eam nor xlat4, so it has no hosts" },
	{ "MIX-01 empty", ST "stateless:\n- {}\n", ":6: stateless: '' has neither eam nor xlat4" },
	{ "MIX-01 no pref64", ST "stateless: [192.0.2.0/24]\n",
	  ":5: stateless: entry 1 has xlat4, whose hosts live at pref64 addresses, but no" },
	{ "MIX-01 two pref64", ST "stateless: [\"2001:db8:64::/96,2001:db8:65::/96\"]\n",
	  ":5: stateless: '2001:db8:65::/96' is not possible, the entry has a pref64 already" },
	{ "MIX-01 field", ST "stateless: [{pref6: \"2001:db8:64::/96\"}]\n",
	  ":5: stateless: 'pref6' is not a field of its elements; write pref64" },
	{ "MIX-01 pref64", ST "stateless: [{pref64: \"2001:db8:64::/95\", xlat4: [192.0.2.0]}]\n",
	  ":5: stateless.pref64: '2001:db8:64::/95' is not a NAT64 prefix" },
	{ "MIX-01 eam field", ST "stateless:\n- {eam: [{ipv4: 192.0.2.1, ip: \"::1\"}]}\n",
	  ":6: eam: a mapping is not an entry; write {ipv4: 192.0.2.0/24, ipv6:" },
	{ "EAM-02 mix", ST "stateless:\n- {eam: [\"192.0.2.0/24=2001:db8::1\"]}\n",
	  ":6: stateless.ipv6: '2001:db8::1' is not long enough behind its length" },
	{ "EAM-06 mix", ST "stateless: [192.0.2.1=2001:db8::1, 192.0.2.2=2001:db8::1]\n",
	  ":5: eam: '192.0.2.2/32=2001:db8::1/128' is not allowed, it has the same prefix as" },
	{ "MIX-02 pool4", ST "stateless: [\"2001:db8:64::/96,203.0.113.4/30\"]\n",
	  ":5: xlat4: '203.0.113.4/30' is not allowed, it overlaps 203.0.113.0/28 of pool4" },
	{ "MIX-02 eam", ST "stateless: [203.0.112.0/23=2001:db8::/112]\n",
	  ":5: eam: '203.0.112.0/23=2001:db8::/112' is not allowed, it overlaps 203.0.113.0/28" },
	{ "MIX-02 static", ST "static: [\"tcp,192.0.2.1:80,[2001:db8::1]:80\"]\n"
	  "stateless: [192.0.2.1=2001:db8::1]\n", "overlaps 192.0.2.1/32 of static (MIX-02)" },
	{ "MIX-02 entries", ST "stateless: [\"2001:db8:64::/96,192.0.2.0/24\", 192.0.2.1=::2:1]\n",
	  ":5: xlat4: '192.0.2.0/24' is not allowed, it overlaps 192.0.2.1/32 of eam" },
	{ "MIX-02 all", ST "stateless: [\"2001:db8:64::/96,0.0.0.0/0\"]\n",
	  ":5: xlat4: '0.0.0.0/0' is not possible, 0.0.0.0/8 has no hosts" },
	{ "MC-01 port", SIIT "multicast: embed\nmulticast-out4: [b]\n",
	  ":5: multicast-out4: 'b' is not among the interfaces; write one of these" },
	{ "MC-01 ports", SIIT "multicast: embed\nmulticast-out6: [eth0, eth0]\n",
	  ":5: multicast-out6: 'eth0' is not possible, groups leave by one interface" },
	{ "MC-02 length", SIIT "multicast: embed\nmpref64: [\"ff3e::/64\"]\n",
	  ":5: mpref64: 'ff3e::/64' is not a /96 of IPv6 groups of a scope over 2 (MC-03)" },
	{ "MC-02 unicast", SIIT "mpref64: [\"2001:db8:1::/96\"]\n", "is not a /96 of IPv6 groups" },
	{ "MC-03 scope", SIIT "mpref64: [\"ff02::/96\"]\n", "is not a /96 of IPv6 groups" },
	{ "MC-02 two", SIIT "mpref64: [\"ff3e::/96\", \"ff3f::/96\"]\n",
	  ":4: mpref64: 'ff3f::/96' is not possible, groups have one prefix; write one" },
	{ "MIX-01 siit", SIIT "stateless: [192.0.2.1=2001:db8::1]\n",
	  ":4: stateless: '192.0.2.1/32=2001:db8::1/128' is not possible in mode siit; write" },
	{ "PORT-01 same", HEAD "pool4:\n- 203.0.113.1\n- 203.0.113.1:2000-2000\n",
	  ":6: pool4: '203.0.113.1/32:2000-2000' is not allowed, it has addresses and ports of "
	  "203.0.113.1/32:1024-65535 (entry 1 in /tmp" },
	{ "PORT-01 inside", HEAD "pool4: [203.0.113.0/28:1024-2000, 203.0.113.5:2000-3000]\n",
	  "'203.0.113.5/32:2000-3000' is not allowed, it has addresses and ports of 203.0.113.0" },
	{ "PORT-01 outside", HEAD "pool4: [203.0.113.5:2000-3000, 203.0.113.0/28:1024-2000]\n",
	  "'203.0.113.0/28:1024-2000' is not allowed, it has addresses and ports of 203.0.113.5" },
	{ "PORT-01 third", HEAD "pool4: [203.0.113.0/28:1-63, 203.0.113.0/29:64-127, "
	  "203.0.113.4/30:128-191, 203.0.113.5:127-127]\n", "of 203.0.113.0/29:64-127 (entry 2" },
	{ "PORT-01 protocol", HEAD "pool4: [{prefix: 203.0.113.5, protocols: [tcp, udp]}, "
	  "{prefix: 203.0.113.5, protocols: [udp]}]\n",
	  "'203.0.113.5/32:1024-65535:udp' is not allowed" },
	{ "PORT-01 the right one", HEAD "pool4:\n- 203.0.113.0/28:100-200:udp\n"
	  "- 203.0.113.0/28:300-400:tcp\n- 203.0.113.0/28:100-200:tcp\n- 203.0.113.5:150-160:tcp\n",
	  ":8: pool4: '203.0.113.5/32:150-160:tcp' is not allowed, it has addresses and ports of "
	  "203.0.113.0/28:100-200:tcp (entry 3" },
	{ "ADR-20", HEAD "pool4: [127.0.0.0/28]\n",
	  ":4: pool4: '127.0.0.0/28' is not possible, 127.0.0.0/8 has no hosts" },
	{ "ADR-20 zero", HEAD "pool4: [0.0.0.1]\n", "0.0.0.0/8 has no hosts" },
	{ "ADR-20 link", HEAD "pool4: [169.254.1.1]\n", "169.254.0.0/16 has no hosts" },
	{ "ADR-20 group", HEAD "pool4: [239.1.1.1]\n", "224.0.0.0/3 has no hosts" },
	{ "ADR-20 reserved", HEAD "pool4: [255.255.255.255]\n", "224.0.0.0/3 has no hosts" },
	{ "ADR-20 static", HEAD "static: [\"tcp,127.0.0.1:80,[2001:db8::1]:80\"]\n",
	  ":4: static: '127.0.0.1/32' is not possible, 127.0.0.0/8 has no hosts" },
	{ "ADR-21 static", HEAD "static: [\"tcp,203.0.113.1:80,[fe80::1]:80\"]\n",
	  ":4: static: 'fe80::1/128' is not possible, fe80::/10 has no hosts" },
	{ "ADR-22 static", HEAD "static: [\"tcp,203.0.113.1:80,[2001:db8:64::1]:80\"]\n",
	  "its IPv6 address lies in pref64 2001:db8:64::/96, where IPv4 hosts are" },
	{ "ST-01 IPv4 side", ST "static:\n- \"tcp,203.0.113.1:80,[2001:db8::1]:80\"\n"
	  "- \"udp,203.0.113.1:80,[2001:db8::1]:80\"\n- \"tcp,203.0.113.1:80,[2001:db8::2]:80\"\n",
	  ":8: static: 'tcp,203.0.113.1:80,[2001:db8::2]:80' is not allowed, it has the same IPv4 "
	  "side as entry 1 in /tmp" },
	{ "ST-01 IPv6 side", ST "static:\n- \"tcp,203.0.113.2:80,[2001:db8::1]:80\"\n"
	  "- \"tcp,203.0.113.1:80,[2001:db8::1]:80\"\n", "it has the same IPv6 side as entry 1" },
	{ "4787 REQ-5 longer", ST "udp-timeout: 120\nudp-port-timeouts: [53=120, 123=121]\n",
	  ":6: udp-port-timeouts: '123=121' is not shorter than udp-timeout (RFC 4787 REQ-5); "
	  "write at most 120 seconds" },
	{ "4787 REQ-5 twice", ST "udp-port-timeouts: [53=20, 53=21]\n",
	  ":5: udp-port-timeouts: '53=21' is not allowed, it has the same port as entry 1" },
	{ "4787 REQ-5 many", ST
	  "udp-port-timeouts: [1=1, 2=1, 3=1, 4=1, 5=1, 6=1, 7=1, 8=1, 9=1]\n",
	  "'9=1' is not possible, it is number 9; write at most 8" },
	{ "TCP-17", ST "tcp-trans-timeout: 239\n",
	  ":5: tcp-trans-timeout: '239' is not allowed, RFC 6146 4 asks for 240 s" },
	{ "CGN-08 power", ST "port-block: 96\n",
	  ":5: port-block: '96' is not the size of a block (CGN-08); write 0, or a power of two" },
	{ "CGN-08 low", ST "port-block: 32\n", "port-block: '32' is not the size of a block" },
	{ "UDP-01 floor", ST "udp-timeout: 119\n", "'119' is not between 120 and 86400 (UDP-01)" },
	{ "TCP-18 floor", ST "tcp-est-timeout: 7199\n", "'7199' is not between 7200 and" },
	{ "ICQ-01 floor", ST "icmp-timeout: 59\n", "'59' is not between 60 and" },
	{ "ST size", HEAD "pool4: [10.0.0.0/8, 192.168.0.1]\n",
	  "pool4: addresses of pool4 and static together: 16777217 are not possible, the limit is "
	  "4096; write smaller prefixes" },
	{ "ST size static", HEAD "pool4: [10.0.0.0/20]\n"
	  "static: [\"tcp,10.1.0.1:80,[2001:db8::1]:80\"]\n", "together: 4097 are not possible" },
	/* other modes */
	{ "siit pool4", SIIT "pool4: [203.0.113.1]\n",
	  ":4: pool4: '203.0.113.1/32:1024-65535' is not possible in mode siit, which keeps no "
	  "mappings; write mode stateful" },
	{ "siit static", SIIT "static: [\"tcp,203.0.113.1:80,[2001:db8::1]:80\"]\n",
	  ":4: static: 'tcp,203.0.113.1:80,[2001:db8::1]:80' is not possible in mode siit" },
};

static void bad_files(void **state)
{
	int failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config_error err;
		struct config c;
		int rc = judge(&c, bad[i].text, &err);

		config_free(&c);
		if (rc && strstr(err.text, bad[i].want))
			continue;
		print_error("%s:\n%s\nrc %d, '%s'\nwanted '%s'\n", bad[i].rule, bad[i].text, rc,
			    err.text, bad[i].want);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static const struct row good[] = {
	{ "PORT-10", ST, NULL },
	{ "PORT-10 flow", HEAD "pool4: [203.0.113.0/28:1024-65535, 198.51.100.1]\n", NULL },
	{ "PORT-10 a list of one", HEAD "pool4: 203.0.113.8\n", NULL },
	{ "PORT-10 one port", HEAD "pool4: [203.0.113.8:80, 203.0.113.8:81]\n", NULL },
	{ "PORT-10 touch", HEAD "pool4: [203.0.113.0/28:1-1023, 203.0.113.5:1024-1024, "
	  "203.0.113.0/28:1025-65535, 203.0.113.6:1024]\n", NULL },
	{ "PORT-10 protocols", HEAD "pool4: [{prefix: 203.0.113.8, ports: 1-9, protocols: [tcp]}, "
	  "{prefix: 203.0.113.8, ports: 5-9, protocols: udp}, "
	  "{prefix: 203.0.113.8, ports: 5-9, protocols: [icmp]}]\n", NULL },
	/* side by side, and one after the other inside a wider one */
	{ "PORT-10 nested", HEAD "pool4: [203.0.113.0/28:1-9, 203.0.113.0/30:10-99, "
	  "203.0.113.4/30:10-99, 203.0.113.4:100-200, 203.0.113.5:100-200]\n", NULL },
	{ "ST-04 alone", HEAD "static: [\"tcp,203.0.113.1:80,[2001:db8::1]:80\"]\n", NULL },
	{ "ST-04 fields", ST "static: [{protocol: udp, ipv4: \"203.0.113.1:53\", "
	  "ipv6: \"[2001:db8::1]:53\"}]\n", NULL },
	{ "ST-04 identifiers", ST "static: [\"icmp,203.0.113.1:0,[2001:db8::1]:65535\"]\n", NULL },
	{ "ST-01 three BIBs", ST "static: [\"tcp,203.0.113.1:80,[2001:db8::1]:80\", "
	  "\"udp,203.0.113.1:80,[2001:db8::1]:80\", \"icmp,203.0.113.1:80,[2001:db8::1]:80\"]\n",
	  NULL },
	{ "4787 REQ-5", ST "udp-port-timeouts: [{port: 53, timeout: 20}, 123=300, 0=1]\n", NULL },
	{ "TCP-17", ST "tcp-trans-timeout: 4\ntcp-trans-short: true\n", NULL },
	{ "CGN-08", ST "port-block: 64\n", NULL },
	{ "CGN-08 most", ST "port-block: 4096\n", NULL },
	{ "ST size", HEAD "pool4: [10.0.0.0/20]\n", NULL },
	{ "ADR-07 st", "mode: stateful\ninterfaces: [a]\npref64: [\"64:ff9b::/96\"]\n"
	  "pool4: [203.0.113.1]\n", NULL },
	{ "ADR-25", ST "denylist4: [10.0.0.0/8, 203.0.113.8]\n",
	  ":5: denylist4: 203.0.113.8/32 covers 203.0.113.0/28 of pool4" },
	{ "hairpin", ST "hairpin: simple\n", ":5: hairpin: it has no effect in mode stateful" },
	{ "SRC-02", ST "pool6791v4: [192.0.2.1]\n", ":5: pool6791v4: it has no effect in mode" },
	{ "MC-01", ST "multicast: embed\n", ":5: multicast: it has no effect in mode stateful" },
	{ "MC-01", SIIT "multicast: embed\nmulticast-out4: eth0\nmulticast-out6: eth0\n"
	  "mpref64: [\"ff3e:40:2001:db8::/96\"]\n", NULL },
	{ "MC-01 off", SIIT "multicast-out4: eth0\n",
	  ":4: multicast-out4: it has no effect without multicast embed" },
	{ "MC-02 off", SIIT "mpref64: [\"ff3e::/96\"]\n",
	  ":4: mpref64: it has no effect without multicast embed" },
	{ "MIX-01 hairpin", ST "stateless: [192.0.2.1=2001:db8::1]\nhairpin: simple\n"
	  "eam-to-eam: off\npool6791v4: [192.0.2.1]\n", NULL },
	{ "MIX-01 forms", ST "stateless:\n- {pref64: \"64:ff9b:1::/96\", xlat4: [192.0.2.128/25],\n"
	  "   eam: [{ipv4: 192.0.2.1, ipv6: \"2001:db8::1\"}, 192.0.2.2=2001:db8::2]}\n"
	  "- \"192.0.2.3=2001:db8::3,64:ff9b:1::/96,192.0.2.4\"\n", NULL },
	{ "siit", SIIT "port-block: 96\n", ":4: port-block: it has no effect in mode siit" },
	{ "siit list", SIIT "udp-port-timeouts: [53=20]\n",
	  ":4: udp-port-timeouts: it has no effect in mode siit" },
};

static void good_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *want = good[i].want;
		struct config_error err;
		struct config c;
		int rc = judge(&c, good[i].text, &err);

		config_free(&c);
		if (rc || (want ? !strstr(last_warning, want) : warnings))
			fail_msg("%s:\n%s\nrc %d, '%s', warning '%s'", good[i].rule, good[i].text,
				 rc, err.text, last_warning);
	}
}

/* An element in one word, and what it is when it is written again. */
struct element {
	const char *rule, *key, *word, *text;	/* NULL: the same */
};

static const struct element elements[] = {
	{ "PORT-05 default", "pool4", "203.0.113.8", "203.0.113.8/32:1024-65535" },
	{ "PORT-10", "pool4", "203.0.113.0/28:1-80", NULL },
	{ "PORT-10 one", "pool4", "203.0.113.0/28:80", "203.0.113.0/28:80-80" },
	{ "PORT-10 protocols", "pool4", "203.0.113.0/28:1-80:tcp,icmp", NULL },
	{ "PORT-10 all", "pool4", "203.0.113.0/28:1-80:icmp,udp,tcp", "203.0.113.0/28:1-80" },
	{ "PORT-10 fields", "pool4", "{prefix: 203.0.113.0/28, protocols: [udp]}",
	  "203.0.113.0/28:1024-65535:udp" },
	{ "ST-04", "static", "tcp,203.0.113.1:443,[2001:db8::5]:8443", NULL },
	{ "ST-04 icmp", "static", "icmp,203.0.113.1:0,[2001:db8::5]:65535", NULL },
	{ "ST-04 fields", "static",
	  "{protocol: udp, ipv4: '203.0.113.1:1', ipv6: '[2001:db8::5]:2'}",
	  "udp,203.0.113.1:1,[2001:db8::5]:2" },
	{ "4787 REQ-5", "udp-port-timeouts", "53=20", NULL },
	{ "4787 REQ-5 fields", "udp-port-timeouts", "{timeout: 20, port: 53}", "53=20" },
};

static void words_of_elements(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		const struct element *e = &elements[i];
		enum opt_id id = option_find(e->key);
		struct config_error err;
		char text[160] = "";
		struct config c;
		int rc;

		config_init(&c);
		rc = config_set(&c, e->key, e->word, "word 3 (-6)", &err);
		if (!rc)
			option_elem_text(&c, id, 0, text, sizeof(text));
		if (rc || strcmp(text, e->text ? e->text : e->word))
			fail_msg("%s: %s: rc %d '%s', text '%s'", e->rule, e->word, rc,
				 rc ? err.text : "", text);
		config_free(&c);
	}
}

/* What is written arrives (PORT-10, ST-04). */
static void values_arrive(void **state)
{
	static const char text[] = HEAD
		"pool4: [203.0.113.0/28, "
		"{prefix: 198.51.100.1, ports: 1-80, protocols: [icmp, tcp]}]\n"
		"static: [\"udp,203.0.113.1:53,[2001:db8::5]:5353\"]\n"
		"udp-port-timeouts: [53=20]\n";
	struct config_error err;
	struct config c;

	(void)state;
	if (judge(&c, text, &err))
		fail_msg("%s", err.text);
	assert_int_equal(c.opt.mode, MODE_STATEFUL);
	assert_int_equal(c.pool4.n, 2);
	assert_int_equal(c.pool4.v[0].prefix.addr, IP4(203, 0, 113, 0));
	assert_int_equal(c.pool4.v[0].prefix.len, 28);
	assert_int_equal(c.pool4.v[0].first, 1024);
	assert_int_equal(c.pool4.v[0].last, 65535);
	assert_int_equal(c.pool4.v[0].protos, 7);
	assert_int_equal(c.pool4.v[1].first, 1);
	assert_int_equal(c.pool4.v[1].last, 80);
	assert_int_equal(c.pool4.v[1].protos, 1 << ST_ICMP | 1 << ST_TCP);
	assert_int_equal(c.statics.v[0].proto, ST_UDP);
	assert_int_equal(c.statics.v[0].addr4, IP4(203, 0, 113, 1));
	assert_int_equal(c.statics.v[0].port4, 53);
	assert_int_equal(c.statics.v[0].addr6.w[3], be32(5));
	assert_int_equal(c.statics.v[0].port6, 5353);
	assert_int_equal(c.udp_port_timeouts.v[0].port, 53);
	assert_int_equal(c.udp_port_timeouts.v[0].seconds, 20);
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),
		cmocka_unit_test(good_files),
		cmocka_unit_test(words_of_elements),
		cmocka_unit_test(values_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Configuration files and words as an operator may write them: each row is a
 * text and what must come of it, with the rule that says so. */
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

#define P64 "interfaces: [eth0]\npref64: [\"2001:db8:64::/96\"]\n"	/* two lines */

static int warnings;
static char last_warning[512];

static void count_warning(const char *text)
{
	warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

/* Reads and checks `text` as a file of the name `path`, which it returns. */
static int judge(struct config *c, const char *text, size_t len, struct config_error *err)
{
	char path[] = "/tmp/n64-config-test-XXXXXX";
	int fd = mkstemp(path);
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
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
	const char *want;	/* part of the sentence; bad rows name line, key and value */
};

static const struct row bad[] = {
	{ "empty", "", ": the file is empty; write" },
	{ "comment only", "# nothing\n", ": the file is empty; write" },
	{ "scalar", "hello", ":1: a single value is not a configuration; write lines KEY: VALUE" },
	{ "list", "- a\n- b\n", ":1: a list is not a configuration" },
	{ "two documents", P64 "---\nmode: siit\n", ":3: a second document begins here" },
	{ "alias to nothing", P64 "mode: *x\n", ":3: not YAML: found undefined alias" },
	{ "deep", P64 "eam: [[[[[[[[[[]]]]]]]]]]\n", ":3: it is nested too deeply" },
	{ "not YAML", P64 "mode: [siit\n", ":4: not YAML: " },
	{ "tab", "\tmode: siit\n", ":1: not YAML: " },
	{ "control bytes", "mode: \x01\x02\n", ":1: not YAML: " },
	{ "not UTF-8", "mode: \xff\xfe\n", ":1: not YAML: " },
	{ "zero byte in a word", "mode: \"si\\0it\"\n", ":1: mode: a single value is not allowed" },
	{ "key is a list", "? [a]\n: b\n", ":1: a list is not a key; write KEY: VALUE" },
	{ "unknown key", P64 "nat-pool: [192.0.2.0/24]\n", ":3: key: 'nat-pool' is not an option" },
	{ "misspelt key", P64 "lowest_ipv6_mtu: 1280\n",
	  ":3: key: 'lowest_ipv6_mtu' is not an option; write lowest-ipv6-mtu" },
	{ "misspelt key", "prefix64: x\n", ":1: key: 'prefix64' is not an option; write pref64" },
	{ "later key", P64 "rfc5837-ext: on\n", ":3: key: 'rfc5837-ext' is not in this release" },
	{ "key twice", P64 "mode: siit\nmode: siit\n",
	  ":4: key: 'mode' is not allowed twice, it stands in line 3" },
	{ "merge key", "a: &x {mode: siit}\n<<: *x\n", ":1: key: 'a' is not an option" },
	{ "list as scalar", P64 "mode: [siit]\n", ":3: mode: a list is not allowed here" },
	{ "map as scalar", P64 "tos: {a: b}\n", ":3: tos: a mapping is not allowed here" },
	{ "map as list", P64 "xlat4: {a: b}\n", ":3: xlat4: a mapping is not a list; write [" },
	{ "nothing as list", P64 "allow6:\n",
	  ":3: allow6: a single value is not a list; write []" },
	{ "list in list", P64 "xlat4: [[192.0.2.0/24]]\n", ":3: xlat4: a list is not an element" },
	{ "map in plain list", P64 "xlat4: [{prefix: 192.0.2.0/24}]\n",
	  ":3: xlat4: a mapping is not an element of this list" },
	{ "alias to itself", "eam: &a [*a]\n", ":1: eam: a list is not an element" },
	{ "MTU-46-03 low", P64 "lowest-ipv6-mtu: 1279\n",
	  ":3: lowest-ipv6-mtu: '1279' is not between 1280 and 65535 (MTU-46-03)" },
	{ "MTU-46-03 high", P64 "lowest-ipv6-mtu: 65536\n", "'65536' is not between" },
	{ "number too large", P64 "icmp-rate: 99999999999999999999\n", "is not between 1 and" },
	{ "negative", P64 "icmp-rate: -1\n", ":3: icmp-rate: '-1' is not a number" },
	{ "hexadecimal", P64 "icmp-rate: 0x10\n", ":3: icmp-rate: '0x10' is not a number" },
	{ "octal", P64 "icmp-rate: 010\n", ":3: icmp-rate: '010' is not a number" },
	{ "no number", P64 "icmp-rate:\n", ":3: icmp-rate: '' is not a number" },
	{ "tos", P64 "tos: 256\n", ":3: tos: '256' is not between 0 and 255" },
	{ "switch", P64 "zero-tc: maybe\n", ":3: zero-tc: 'maybe' is not a switch; write true" },
	{ "choice", P64 "hairpin: of\n",
	  ":3: hairpin: 'of' is not one of its words; write off, intrinsic or simple" },
	{ "choice is whole", P64 "mode: sii\n", ":3: mode: 'sii' is not one of its words" },
	{ "address", P64 "icmp-src4: 192.0.2.256\n",
	  ":3: icmp-src4: '192.0.2.256' is not an IPv4" },
	{ "address 6", P64 "icmp-src6: 192.0.2.1\n", ":3: icmp-src6: '192.0.2.1' is not an IPv6" },
	{ "host bits", P64 "xlat4: [192.0.2.1/24]\n",
	  ":3: xlat4: '192.0.2.1/24' is not a prefix, it has bits set behind its length; "
	  "write 192.0.2.0/24" },
	{ "host bits 6", P64 "allow6: [2001:db8::1/64]\n", "write 2001:db8::/64" },
	{ "length 4", P64 "xlat4: [192.0.2.0/33]\n", "'192.0.2.0/33' is not an IPv4 prefix" },
	{ "length 6", P64 "allow6: [\"::/129\"]\n", "'::/129' is not an IPv6 prefix" },
	{ "no length", P64 "xlat4: [192.0.2.0/]\n", "'192.0.2.0/' is not an IPv4 prefix" },
	{ "short address", P64 "xlat4: [192.0.2/24]\n", "'192.0.2/24' is not an IPv4 prefix" },
	{ "family", P64 "xlat4: [\"2001:db8::/32\"]\n",
	  ":3: xlat4: '2001:db8::/32' is not an IPv4" },
	{ "binary value", P64 "xlat4: [\"\\x07\\e[2J\"]\n", ":3: xlat4: '??[2J' is not an IPv4" },
	{ "ADR-01 length", "interfaces: [a]\npref64: [\"2001:db8::/33\"]\n",
	  ":2: pref64: '2001:db8::/33' is not a NAT64 prefix" },
	{ "ADR-01 length 128", "pref64: [\"2001:db8::1\"]\n",
	  "'2001:db8::1' is not a NAT64 prefix" },
	{ "ADR-01 host bits", "pref64: [\"2001:db8::1:0:0/96\", \"2001:db8::1/96\"]\n",
	  "'2001:db8::1/96' is not a prefix" },
	{ "ADR-01 octet 8", "pref64: [\"2001:db8:0:0:100::/96\"]\n",
	  "whose bits 64 to 71 are zero" },
	{ "ADR-01 multicast", "pref64: [\"ff00::/32\"]\n", "is not a NAT64 prefix" },
	{ "EAM-02", P64 "eam:\n  - {ipv4: 192.0.2.0/24, ipv6: \"2001:db8::/121\"}\n",
	  ":4: eam.ipv6: '2001:db8::/121' is not long enough" },
	{ "EAM-02 host", P64 "eam:\n  - {ipv4: 192.0.2.0/31, ipv6: \"2001:db8::1\"}\n",
	  "write a length of at most 127" },
	{ "EAM field", P64 "eam: [{ip4: 192.0.2.1, ipv6: \"::1\"}]\n",
	  ":3: eam: 'ip4' is not a field of its elements; write ipv4" },
	{ "EAM missing", P64 "eam: [{ipv4: 192.0.2.1}]\n",
	  ":3: eam: 'ipv6' is not given in this element; write {ipv4:" },
	{ "EAM field twice", P64 "eam: [{ipv4: 192.0.2.1, ipv4: 192.0.2.2}]\n",
	  ":3: eam: 'ipv4' is not allowed twice" },
	{ "EAM value list", P64 "eam: [{ipv4: [192.0.2.1]}]\n", ":3: ipv4: a list is not allowed" },
	{ "EAM one word", P64 "eam: [192.0.2.1]\n", ":3: eam: '192.0.2.1' is not complete" },
	{ "EAM-06 IPv4", P64 "eam:\n- 192.0.2.1=2001:db8::1\n- 192.0.2.1=2001:db8::2\n",
	  ":5: eam: '192.0.2.1/32=2001:db8::2/128' is not allowed, it has the same prefix as "
	  "entry 1 in /tmp" },
	{ "EAM-06 IPv6", P64 "eam: [192.0.2.1=2001:db8::1, 192.0.2.2=2001:db8::1]\n",
	  "it has the same prefix as entry 1" },
	{ "MIX-02 EAM in xlat4", P64 "eam: [192.0.2.1=2001:db8::1]\nxlat4: [192.0.2.0/24]\n",
	  ":4: xlat4: '192.0.2.0/24' is not allowed, it overlaps 192.0.2.1/32 of eam (entry 1)" },
	{ "MIX-02 xlat4 in EAM", P64 "eam: [192.0.2.0/24=2001:db8::/120]\nxlat4: [192.0.2.9]\n",
	  ":4: xlat4: '192.0.2.9/32' is not allowed, it overlaps 192.0.2.0/24 of eam" },
	{ "MIX-02 same", P64 "eam: [192.0.2.0/24=2001:db8::/120]\nxlat4: [192.0.2.0/24]\n",
	  ":4: xlat4: '192.0.2.0/24' is not allowed, it overlaps 192.0.2.0/24 of eam" },
	{ "prefix twice", P64 "denylist4: [10.0.0.0/8, 192.0.2.0/24, 10.0.0.0/8]\n",
	  ":3: denylist4: '10.0.0.0/8' is not allowed, it has the same prefix as entry 1" },
	{ "pref64 twice", "interfaces: [a]\npref64: [\"2001:db8::/96\", \"2001:db8::/96\"]\n",
	  ":2: pref64: '2001:db8::/96' is not allowed" },
	{ "ADR-03 nothing", "interfaces: [eth0]\n", "neither a pref64 nor an eam is given" },
	{ "GEN-03 xlat4", "interfaces: [a]\nxlat4: [192.0.2.0/24]\neam: [1.1.1.1=2001:db8::1]\n",
	  "xlat4: its hosts live at pref64 addresses" },
	{ "EAM-08", "interfaces: [a]\neam: [192.0.2.1=2001:db8::1]\neam-to-eam: false\n",
	  ":3: eam-to-eam: 'false' is not possible without a pref64" },
	{ "ADR-24", "interfaces: [a]\npref64: 2001:db8::/96\nxlat4: [192.0.2.0/24, 127.0.0.0/8]\n",
	  ":3: xlat4: '127.0.0.0/8' is not possible, 127.0.0.0/8 has no hosts" },
	{ "ADR-24", "interfaces: [a]\npref64: 2001:db8::/96\nxlat4: [0.0.0.0/1]\n",
	  ":3: xlat4: '0.0.0.0/1' is not possible, 0.0.0.0/8 has no hosts" },
	{ "ADR-20", "interfaces: [a]\npref64: 2001:db8::/96\neam: [240.1.2.3=2001:db8::1]\n",
	  ":3: eam: '240.1.2.3/32' is not possible, 224.0.0.0/3 has no hosts" },
	{ "ADR-21", "interfaces: [a]\npref64: 2001:db8::/96\neam: [192.0.2.1=ff02::1]\n",
	  ":3: eam: 'ff02::1/128' is not possible, ff00::/8 has no hosts" },
	{ "ADR-21", "interfaces: [a]\npref64: fe80::/64\n",
	  ":2: pref64: 'fe80::/64' is not possible, fe80::/10 has no hosts" },
	{ "ADR-21", "interfaces: [a]\npref64: ::/96\n",
	  ":2: pref64: '::/96' is not possible, ::/127 has no hosts" },
	{ "HP-01", "interfaces: [a]\neam: [192.0.2.1=2001:db8::1]\nhairpin: simple\n",
	  ":3: hairpin: 'simple' is not possible without a pref64" },
	{ "no interface", "pref64: [\"2001:db8::/96\"]\n", "interfaces: no interface is given" },
	{ "interface twice", "interfaces:\n- eth0\n- {name: eth0}\npref64: [\"2001:db8::/96\"]\n",
	  ":3: interfaces: 'eth0' is not allowed twice" },
	{ "interface name", "interfaces: [\"a b\"]\n", "'a b' is not the name of an interface" },
	{ "interface long", "interfaces: [abcdefghijklmnop]\n", "is not the name of an interface" },
	{ "interface pair", "interfaces: [nat64]\n", "'nat64' is not a port" },
	{ "interface word", "interfaces: [eth0:bot]\n",
	  ":1: interfaces.translate: 'bot' is not one of its words; write both, 6to4, 4to6 or" },
	{ "interface field", "interfaces: [{name: a, deliver: x}]\n",
	  ":1: interfaces.deliver: 'x' is not one of its words; write auto or stack" },
	{ "mode", P64 "mode: dynamical\n", ":3: mode: 'dynamical' is not one of its words" },
	{ "GERR-23 v4", P64 "icmp-src4: 127.0.0.1\n",
	  ":3: icmp-src4: '127.0.0.1' is not an address" },
	{ "GERR-23 v6", P64 "icmp-src6: fe80::1\n", ":3: icmp-src6: 'fe80::1' is not an address" },
	{ "SRC-02", P64 "pool6791v4: [224.0.0.0/24]\n", ":3: pool6791v4: '224.0.0.0/24' is not a" },
	{ "SRC-04", P64 "pool6791v6: [\"ff02::/16\"]\n", ":3: pool6791v6: 'ff02::/16' is not a" },
	{ "GEN-04 port", P64 "no-translate: [{prefix: 192.0.2.0/24, port: 0}]\n",
	  ":3: no-translate.port: '0' is not between 1 and 65535" },
	{ "GEN-04 ports",
	  P64 "no-translate:\n- {prefix: 192.0.2.0/24, port: 1}\n"
	      "- {prefix: 192.0.2.0/24, port: 2}\n- {prefix: 192.0.2.0/24, port: 3}\n"
	      "- {prefix: 192.0.0.0/16, port: 4}\n- {prefix: 192.0.2.7, port: 5}\n",
	  ":8: no-translate: '192.0.2.7/32 port 5' is not possible" },
	{ "GEN-04 twice", P64 "no-translate: [\"2001:db8::/32\", \"2001:db8::/32\"]\n",
	  "it has the same prefix and port as entry 1" },
	{ "MTU-46-11", P64 "mtu-plateaus: [1500, 67]\n",
	  ":3: mtu-plateaus: '67' is not between 68" },
	{ "MTU-46-11 twice", P64 "mtu-plateaus: [1500, 1500]\n",
	  ":3: mtu-plateaus: '1500' is not" },
};

static void bad_files(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config_error err;
		struct config c;
		int rc = judge(&c, bad[i].text, strlen(bad[i].text), &err);

		config_free(&c);
		if (rc < 0 && strstr(err.text, bad[i].want) && !strchr(err.text, '\n'))
			continue;
		print_error("%s:\n%s\nrc %d, '%s'\nwanted '%s'\n", bad[i].rule, bad[i].text, rc,
			    err.text, bad[i].want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* Rows whose sentence is a warning; NULL: none may come. */
static const struct row good[] = {
	{ "quiet", P64 "xlat4: [198.51.100.0/24]\n", NULL },
	{ "ADR-03 EAM only", "interfaces: [a]\neam: [192.0.2.1=2001:db8::1]\n", NULL },
	{ "alias", "interfaces: &i [a]\neam: [192.0.2.1=2001:db8::1]\nallow6: []\n", NULL },
	{ "one as list", "interfaces: a\neam: 192.0.2.1=2001:db8::1\n", NULL },
	{ "EAM in xlat4's neighbour", P64 "eam: [192.0.2.0/25=2001:db8::/120]\n"
	  "xlat4: [192.0.2.128/25]\n", NULL },
	{ "GEN-04 all ports win", P64 "xlat4: [192.0.2.0]\nno-translate: [192.0.2.0/24, "
	  "{prefix: 192.0.2.0/24, port: 1}, {prefix: 192.0.2.0/24, port: 2}, "
	  "{prefix: 192.0.2.0/24, port: 3}, {prefix: 192.0.2.1, port: 4}, "
	  "{prefix: 192.0.2.1, port: 5}]\n", NULL },
	{ "ADR-07", "interfaces: [a]\npref64: [\"64:ff9b::/96\"]\nxlat4: [9.0.0.0/8]\n",
	  ":2: pref64: 64:ff9b::/96 should not form the addresses of hosts" },
	{ "ADR-04", "interfaces: [a]\npref64: [\"64:ff9b::/96\"]\nxlat4: [10.0.0.0/8]\n",
	  ":3: xlat4: 10.0.0.0/8 is not global" },
	{ "MC-05", "interfaces: [a]\npref64: [\"64:ff9b::/96\"]\nxlat4: [9.0.0.0/8]\n"
	  "multicast: embed\n", ":4: multicast: 64:ff9b::/96 never carries a multicast group" },
	{ "EAM-06 overlap", P64 "eam: [192.0.2.0/24=2001:db8::/120, 192.0.2.1=2001:db8:1::1]\n",
	  ":3: eam: 192.0.2.1/32=2001:db8:1::1/128 lies inside 192.0.2.0/24=2001:db8::/120" },
	{ "nested", P64 "xlat4: [192.0.2.0]\nallow6: [\"2001:db8::/32\", \"2001:db8:1::/48\"]\n",
	  ":4: allow6: 2001:db8:1::/48 lies inside 2001:db8::/32" },
	{ "SRC-02 private", P64 "xlat4: [192.0.2.0]\npool6791v4: [10.0.0.1]\n",
	  ":4: pool6791v4: 10.0.0.1/32 is not public" },
	{ "no way from IPv4", P64, "no packet from IPv4 finds a target" },
	{ "none", "interfaces: [a:none]\neam: [192.0.2.1=2001:db8::1]\n",
	  ":1: interfaces: every interface has translate none" },
};

static void good_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *want = good[i].want;
		struct config_error err;
		struct config c;
		int rc = judge(&c, good[i].text, strlen(good[i].text), &err);

		config_free(&c);
		if (rc || (want ? !strstr(last_warning, want) : warnings))
			fail_msg("%s:\n%s\nrc %d, '%s', warning '%s'", good[i].rule, good[i].text,
				 rc, err.text, last_warning);
	}
}

/* Every option of option.def: its default is what the table says, and its text
 * is read back as the same value. */
static void defaults_round_trip(void **state)
{
	struct config_error err;
	struct config c, d;
	char text[64];

	(void)state;
	config_init(&c);
	config_init(&d);
	assert_string_equal(c.name, N64_DEFAULT_NAME);
	for (int id = 0; id < N_OPTS; id++) {
		assert_true(option_is_default(&c, id));
		assert_int_equal(option_find(options[id].key), id);
		option_text(&c, id, text, sizeof(text));
		if (options[id].type == OPT_TYPE_LIST || !strcmp(text, "unset"))
			continue;
		if (config_set(&d, options[id].key, text, "test", &err))
			fail_msg("%s: %s", options[id].key, err.text);
	}
	assert_memory_equal(&c.opt, &d.opt, sizeof(c.opt));
	assert_int_equal(c.opt.lowest_ipv6_mtu, 1280);
	assert_int_equal(c.opt.tos, OPT_IS_OFF);
	assert_int_equal(c.opt.urpf6, URPF_LOOSE);
	assert_int_equal(c.opt.hairpin, HAIRPIN_INTRINSIC);
	config_free(&d);
	config_free(&c);
}

static const char everything[] =
	"mode: siit\ninterfaces: [eth0, 'eth1:6to4', {name: eth2, translate: 4to6, "
	"deliver: stack}]\npref64: ['2001:db8:1::/64', '2001:db8:2::/96', '2001:db8:3::/96']\n"
	"eam: [{ipv4: 192.0.2.0/24, ipv6: '2001:db8:a::/120'}, 198.51.100.7=2001:db8:b::7]\n"
	"no-translate: [203.0.113.1, {prefix: '2001:db8:c::/48', port: 53}]\n"
	"icmp-src4: 192.0.2.1\nicmp-src6: 2001:db8::1\ntos: 8\nzero-tc: yes\n"
	"mtu-plateaus: [1492, 9000]\nwkp-strict: off\n";

/* What is written arrives, in struct config and in struct n64_conf. */
static void values_arrive(void **state)
{
	struct config_error err;
	struct n64_conf conf;
	struct config c;

	(void)state;
	if (judge(&c, everything, sizeof(everything) - 1, &err))
		fail_msg("%s", err.text);
	assert_int_equal(c.interfaces.n, 3);
	assert_int_equal(c.interfaces.v[0].flags, PORT_6TO4 | PORT_4TO6);
	assert_int_equal(c.interfaces.v[1].flags, PORT_6TO4);
	assert_string_equal(c.interfaces.v[2].name, "eth2");
	assert_int_equal(c.interfaces.v[2].flags, PORT_4TO6);
	assert_int_equal(c.interfaces.v[2].deliver, DELIVER_STACK);
	assert_int_equal(c.eam.n, 2);
	assert_int_equal(c.eam.v[1].v4.addr, IP4(198, 51, 100, 7));
	assert_int_equal(c.eam.v[1].v6.len, 128);
	assert_int_equal(c.no_translate.v[0].port, 0);
	assert_int_equal(c.no_translate.v[1].fam, FAM_6);
	assert_int_equal(c.no_translate.v[1].port, 53);
	config_to_conf(&c, &conf);
	assert_int_equal(conf.have, HAVE_EAM | HAVE_NOXLAT4 | HAVE_NOXLAT6);
	/* longest first, the one written first is remembered (ADR-08) */
	assert_int_equal(conf.n_pref64, 3);
	assert_int_equal(conf.first_pref64, 2);
	assert_int_equal(conf.pref64[0].prefix.w[1], be32(0x00020000));
	assert_int_equal(conf.pref64[1].prefix.w[1], be32(0x00030000));
	assert_int_equal(conf.pref64[2].len, 64);
	assert_int_equal(conf.n_plateaus, 2);
	assert_int_equal(conf.plateaus[0], 9000);
	assert_int_equal(conf.wkp_strict, 0);
	assert_int_equal(conf.opt.icmp_src4, IP4(192, 0, 2, 1));
	assert_int_equal(conf.opt.icmp_src6.w[3], be32(1));
	assert_int_equal(conf.opt.tos, 8);
	assert_int_equal(conf.opt.zero_tc, 1);
	config_free(&c);
}

/* What follows from the mode (ADR-04) and from nothing (MTU-46-11). */
static void conf_of_defaults(void **state)
{
	struct n64_conf conf;
	struct config c;

	(void)state;
	config_init(&c);
	config_to_conf(&c, &conf);
	assert_int_equal(conf.wkp_strict, 1);
	assert_int_equal(conf.plateaus[6], 1492);
	c.opt.mode = MODE_DYNAMIC;
	config_to_conf(&c, &conf);
	assert_int_equal(conf.wkp_strict, 0);
	config_free(&c);
}

struct word_row {
	const char *key, *value, *want;	/* NULL: accepted */
};

static const struct word_row words[] = {
	{ "pref64", "2001:db8::/96", NULL },
	{ "pref64", "2001:db8::/95", "word 3 (-6): pref64: '2001:db8::/95' is not a NAT64 prefix" },
	{ "eam", "192.0.2.0/24=2001:db8::/120", NULL },
	{ "eam", "{ipv4: 192.0.2.1, ipv6: '2001:db8::'}", NULL },
	{ "eam", "[192.0.2.2=2001:db8::1, 192.0.2.3=2001:db8::2]", NULL },
	{ "eam", "[192.0.2.2=2001:db8::1", "word 3 (-6): not YAML" },
	{ "eam", "{}", "word 3 (-6): eam: 'ipv4' is not given" },
	{ "interfaces", "eth0:none", NULL },
	{ "interfaces", ":both", "word 3 (-6): interfaces.name: '' is not the name" },
	{ "lowest-ipv6-mtu", "1400", NULL },
	{ "lowest-ipv6-mtu", "1", "word 3 (-6): lowest-ipv6-mtu: '1' is not between" },
	{ "rfc5837-ext", "1", "word 3 (-6): key: 'rfc5837-ext' is not in this release" },
	{ "fixed", "1", "word 3 (-6): key: 'fixed' is not an option" },
	{ "", "1", "word 3 (-6): key: '' is not an option" },
};

static void words_of_the_command_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word_row *w = &words[i];
		struct config_error err;
		struct config c;
		int rc;

		config_init(&c);
		rc = config_set(&c, w->key, w->value, "word 3 (-6)", &err);
		if (!rc != !w->want || (w->want && !strstr(err.text, w->want)))
			fail_msg("%s=%s: rc %d '%s'", w->key, w->value, rc, err.text);
		config_free(&c);
	}
}

static const struct row names[] = {
	{ "shortest", "a", NULL },	 { "longest", "abcde-12_45", NULL },
	{ "digit first", "0", NULL },	 { "too long", "abcdefghijkl", "1 to 11" },
	{ "empty", "", "is not" },	 { "dash first", "-a", "'-a' is not" },
	{ "folder", "../a", "is not" },	 { "large letter", "A", "'A' is not" },
	{ "space", "a b", "is not" },
};

static void instance_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct config_error err = { "" };
		int rc = config_name_check(names[i].text, &err);

		if (!rc != !names[i].want || (rc && !strstr(err.text, names[i].want)))
			fail_msg("%s: rc %d '%s'", names[i].rule, rc, err.text);
	}
}

/* ADR-06, with the examples of its row. */
static void checksum_neutral(void **state)
{
	static const struct { const char *prefix; bool neutral; } rows[] = {
		{ "64:ff9b::/96", true },	   { "64:ff9b:1:fffe::/96", true },
		{ "2001:db8:64::/96", false },	   { "2001:db8::/32", false },
		{ "64:ff9b:1::/96", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_error err;
		struct config c;

		config_init(&c);
		assert_int_equal(config_set(&c, "pref64", rows[i].prefix, "test", &err), 0);
		assert_int_equal(prefix6_is_neutral(&c.pref64.v[0]), rows[i].neutral);
		assert_int_equal(prefix6_is_wkp(&c.pref64.v[0]), i == 0);
		config_free(&c);
	}
}

/* Too many of what has a bound; many of what has none. */
static void numbers_of_entries(void **state)
{
	static const struct {
		const char *key, *form, *want;
		int n;
	} rows[] = {
		{ "pref64", "2001:db8:%x::/96",
		  "is not possible, it is number 17; write at most 16", N64_MAX_PREF64 },
		{ "interfaces", "e%x", "is not possible, it is number 63; write at most 62",
		  N64_MAX_PORTS },
		{ "mtu-plateaus", "%d", "is not possible, it is number 17; write at most 16",
		  N64_MAX_PLATEAUS },
		{ "denylist4", "100.%d.0.0/16", NULL, 250 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_error err;
		struct config c;
		char text[64];
		int n;

		config_init(&c);
		config_set(&c, "interfaces", "eth0", "test", &err);
		config_set(&c, "eam", "192.0.2.1=2001:db8::1", "test", &err);
		n = (int)option_list_len(&c, option_find(rows[i].key));
		for (; n < rows[i].n; n++) {
			snprintf(text, sizeof(text), rows[i].form, n + 100);
			if (!rows[i].want)
				snprintf(text, sizeof(text), rows[i].form, n);
			assert_int_equal(config_set(&c, rows[i].key, text, "test", &err), 0);
		}
		if (config_check(&c, NULL, &err))
			fail_msg("%s: %s", rows[i].key, err.text);
		snprintf(text, sizeof(text), rows[i].form, rows[i].want ? 1000 : 251);
		assert_int_equal(config_set(&c, rows[i].key, text, "test", &err), 0);
		if (!config_check(&c, NULL, &err) != !rows[i].want ||
		    (rows[i].want && !strstr(err.text, rows[i].want)))
			fail_msg("%s: '%s'", rows[i].key, err.text);
		config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),
		cmocka_unit_test(good_files),
		cmocka_unit_test(defaults_round_trip),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(conf_of_defaults),
		cmocka_unit_test(words_of_the_command_line),
		cmocka_unit_test(instance_names),
		cmocka_unit_test(checksum_neutral),
		cmocka_unit_test(numbers_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

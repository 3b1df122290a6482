/* SPDX-License-Identifier: GPL-2.0-only */
/* The rule file of the client shim, the choice of a prefix, and the answer of RFC 7050. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "destination.h"
#include "settings.h"

static struct dest_rules rules;
static int asked;

static bool finds(struct n64_pref64 *out)
{
	asked++;
	return !dest_pref64("2001:db8:d::/96", out);
}

static bool finds_wkp(struct n64_pref64 *out)
{
	return !dest_pref64("64:ff9b::/96", out);
}

static bool finds_none(struct n64_pref64 *out)
{
	(void)out;
	asked++;
	return false;
}

static __be32 v4(const char *text)
{
	__be32 a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

/* ---- what is refused --------------------------------------------------------------- */

static const struct {
	const char *text, *want;	/* NULL: good */
} files[] = {
	{ "", NULL },
	{ "# nothing\n\n   \t\r\n", NULL },
	{ "local 10.0.0.0/8", NULL },
	{ "local 10.1.2.3 # a host\r\n", NULL },
	{ "path 0.0.0.0/0:1-65535 64:ff9b::/96\n", NULL },
	{ "path 192.0.2.0/24:1,2,3,4,5,6,7,8 2001:db8::/32\n", NULL },
	{ "default discover\n", NULL },
	{ "default none\n", NULL },
	{ "default 2001:db8:1:2:0:3::/96\n", NULL },
	{ "Local 10.0.0.0/8\n", "line 1: 'Local' is not a rule" },
	{ "\nlocal\n", "line 2: 'local' needs one network" },
	{ "local 10.0.0.0/8 x\n", "'local' needs one network" },
	{ "local 10.0.0.0/8 x y\n", "'y' is one word too many" },
	{ "local 10.0.0.1/8\n", "'10.0.0.1/8' has bits behind its length" },
	{ "local 10.0.0.0/33\n", "is not an IPv4 network" },
	{ "local 10.0.0.0/\n", "is not an IPv4 network" },
	{ "local 10.0.0.0/-1\n", "is not an IPv4 network" },
	{ "local 10.0.0\n", "is not an IPv4 network" },
	{ "local 2001:db8::/32\n", "cannot have ports here" },
	{ "local 10.0.0.0/8:80\n", "cannot have ports here" },
	{ "path 10.0.0.0/8\n", "'path' needs a network and a prefix" },
	{ "path 10.0.0.0/8: 64:ff9b::/96\n", "ports that are none" },
	{ "path 10.0.0.0/8:0x50 64:ff9b::/96\n", "ports that are none" },
	{ "path 10.0.0.0/8:65536 64:ff9b::/96\n", "ports that are none" },
	{ "path 10.0.0.0/8:9-8 64:ff9b::/96\n", "ports that are none" },
	{ "path 10.0.0.0/8:1,,2 64:ff9b::/96\n", "ports that are none" },
	{ "path 10.0.0.0/8:1,2,3,4,5,6,7,8,9 64:ff9b::/96\n", "ports that are none" },
	{ "path 10.0.0.0/8 64:ff9b::\n", "'64:ff9b::' is not a NAT64 prefix" },
	{ "path 10.0.0.0/8 2001:db8::/44\n", "is not a NAT64 prefix" },
	{ "path 10.0.0.0/8 2001:db8::1/64\n", "is not a NAT64 prefix" },
	{ "path 10.0.0.0/8 2001:db8:0:0:100::/96\n", "is not a NAT64 prefix" },
	{ "default\n", "'default' needs one word" },
	{ "default maybe\n", "'maybe' is no default" },
	{ "default none\ndefault none\n", "line 2: 'default' is there twice" },
};

static void reading(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char err[DEST_ERROR] = "";
		int rc;

		dest_init(&rules);
		rc = dest_read(&rules, "FILE", files[i].text, err);
		if (files[i].want ? !rc || !strstr(err, files[i].want) : rc)
			fail_msg("'%s': %d '%s', wanted '%s'", files[i].text, rc, err,
				 files[i].want ? files[i].want : "no error");
	}
}

static void too_much(void **state)
{
	static char many[(DEST_RULES + 1) * 16 + 1], longest[700];
	char err[DEST_ERROR];

	(void)state;
	for (int i = 0; i <= DEST_RULES; i++)
		strcat(many, "local 10.0.0.0\n");
	dest_init(&rules);
	assert_int_equal(dest_read(&rules, "FILE", many, err), -1);
	assert_non_null(strstr(err, "line 257: 'local' is one line too many"));
	memset(longest, '#', sizeof(longest) - 1);
	dest_init(&rules);
	assert_int_equal(dest_read(&rules, "FILE", longest, err), -1);
	assert_non_null(strstr(err, "longer than 511 bytes"));
}

/* ---- choosing -------------------------------------------------------------------------- */

#define LINES "local 10.0.0.0/8\n" \
	"path 203.0.113.0/24:80,8000-8999 2001:db8:1::/48\n" \
	"path 203.0.113.0/24 2001:db8:2::/96\n" \
	"local 203.0.0.0/16\n"

static const struct {
	const char *name, *text, *addr;
	__u16 port;
	dest_discover_fn *discover;
	enum dest_why why;
	unsigned int line;
	const char *six;	/* NULL: not translated */
	int asks;
} choices[] = {
	{ "local", LINES, "10.255.0.1", 80, finds, DEST_LOCAL, 1, NULL, 0 },
	{ "one port", LINES, "203.0.113.9", 80, finds, DEST_PATH, 2, "2001:db8:1:cb00:71:900::", 0 },
	{ "last of a range", LINES, "203.0.113.9", 8999, finds, DEST_PATH, 2,
	  "2001:db8:1:cb00:71:900::", 0 },
	{ "behind the range", LINES, "203.0.113.9", 9000, finds, DEST_PATH, 3,
	  "2001:db8:2::203.0.113.9", 0 },
	{ "the first line that fits", LINES, "203.0.7.1", 80, finds, DEST_LOCAL, 4, NULL, 0 },
	{ "discovered", LINES, "8.8.8.8", 53, finds, DEST_DISCOVERED, 0, "2001:db8:d::8.8.8.8", 1 },
	{ "nothing found", LINES, "8.8.8.8", 53, finds_none, DEST_WELL_KNOWN, 0,
	  "64:ff9b::8.8.8.8", 1 },
	{ "RFC 6052 3.1", "", "192.168.1.1", 53, finds_none, DEST_NONGLOBAL, 0, NULL, 1 },
	{ "RFC 6052 3.1, discovered", "", "192.168.1.1", 53, finds_wkp, DEST_NONGLOBAL, 0, NULL, 0 },
	{ "the user's word", "default 64:ff9b::/96", "192.168.1.1", 53, finds, DEST_DEFAULT, 1,
	  "64:ff9b::192.168.1.1", 0 },
	{ "default", "default 2001:db8::/32", "8.8.8.8", 53, finds, DEST_DEFAULT, 1,
	  "2001:db8:808:808::", 0 },
	{ "none", "default none", "8.8.8.8", 53, finds, DEST_NO_PREFIX, 1, NULL, 0 },
	{ "loopback", "path 0.0.0.0/0 64:ff9b::/96", "127.1.2.3", 1, finds, DEST_HOST, 0, NULL, 0 },
	{ "this host", "path 0.0.0.0/0 64:ff9b::/96", "0.0.0.0", 1, finds, DEST_HOST, 0, NULL, 0 },
	{ "link-local", "path 0.0.0.0/0 64:ff9b::/96", "169.254.1.1", 1, finds, DEST_HOST, 0, NULL, 0 },
	{ "multicast", "path 0.0.0.0/0 64:ff9b::/96", "239.1.1.1", 1, finds, DEST_HOST, 0, NULL, 0 },
	{ "broadcast", "path 0.0.0.0/0 64:ff9b::/96", "255.255.255.255", 1, finds, DEST_HOST, 0, NULL,
	  0 },
};

static void choosing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		char err[DEST_ERROR], text[INET6_ADDRSTRLEN];
		struct dest_choice c;
		struct addr6 six, want;

		dest_init(&rules);
		assert_int_equal(dest_read(&rules, "FILE", choices[i].text, err), 0);
		asked = 0;
		c = dest_choose(&rules, v4(choices[i].addr), choices[i].port, choices[i].discover);
		if (c.why != choices[i].why || c.line != choices[i].line ||
		    c.translated != !!choices[i].six || asked != choices[i].asks)
			fail_msg("%s: why %d, line %u, asked %d", choices[i].name, c.why, c.line,
				 asked);
		if (!choices[i].six)
			continue;
		rfc6052_embed(&c.pref, v4(choices[i].addr), &six);
		inet_pton(AF_INET6, choices[i].six, &want);
		inet_ntop(AF_INET6, &six, text, sizeof(text));
		if (!addr6_equal(&six, &want))
			fail_msg("%s: %s", choices[i].name, text);
	}
}

/* ---- the way back -------------------------------------------------------------------------- */

static const struct {
	const char *text, *six, *four;	/* four NULL: none of ours */
	dest_discover_fn *discover;
} backs[] = {
	{ LINES, "2001:db8:1:cb00:71:900::", "203.0.113.9", finds },
	{ LINES, "2001:db8:2::203.0.113.9", "203.0.113.9", finds },
	{ LINES, "2001:db8:d::192.0.2.1", "192.0.2.1", finds },
	{ LINES, "2001:db8:3::1", NULL, finds },
	{ "", "64:ff9b::192.0.2.1", "192.0.2.1", finds_none },
	{ "default none", "64:ff9b::192.0.2.1", NULL, finds },
};

static void extracting(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(backs) / sizeof(backs[0]); i++) {
		char err[DEST_ERROR];
		struct addr6 six;
		__be32 four = 0;
		bool is;

		dest_init(&rules);
		assert_int_equal(dest_read(&rules, "FILE", backs[i].text, err), 0);
		inet_pton(AF_INET6, backs[i].six, &six);
		is = dest_extract(&rules, &six, backs[i].discover, &four);
		if (is != !!backs[i].four || (is && four != v4(backs[i].four)))
			fail_msg("%s: %d %08x", backs[i].six, is, host32(four));
	}
}

/* ---- RFC 7050 -------------------------------------------------------------------------------- */

#define HEAD(answers) "\0\1\x81\x80\0\1\0" answers "\0\0\0\0"
#define QUESTION "\10ipv4only\4arpa\0\0\34\0\1"
#define RECORD "\xc0\x0c\0\34\0\1\0\0\0\x3c\0\20"
#define P96 "\x20\1\x0d\xb8\0\x64\0\0\0\0\0\0\xc0\0\0\xaa"
#define P64 "\x20\1\x0d\xb8\0\x64\0\0\0\xc0\0\0\xab\0\0\0"
#define P64_U "\x20\1\x0d\xb8\0\x64\0\0\1\xc0\0\0\xab\0\0\0"
#define P32 "\x20\1\x0d\xb8\xc0\0\0\xaa\0\0\0\0\0\0\0\0"
#define OTHER "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define CNAME "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c"
#define MSG(text) (const unsigned char *)(text), sizeof(text) - 1

static const struct {
	const char *name;
	const unsigned char *msg;
	size_t len;
	const char *want;
	__u32 bits;	/* 0: none */
} answers[] = {
	{ "/96", MSG(HEAD("\1") QUESTION RECORD P96), "2001:db8:64::", 96 },
	{ "/64", MSG(HEAD("\1") QUESTION RECORD P64), "2001:db8:64::", 64 },
	{ "/32", MSG(HEAD("\1") QUESTION RECORD P32), "2001:db8::", 32 },
	{ "u octet", MSG(HEAD("\1") QUESTION RECORD P64_U), NULL, 0 },
	{ "the second", MSG(HEAD("\2") QUESTION RECORD OTHER RECORD P96), "2001:db8:64::", 96 },
	{ "behind a name", MSG(HEAD("\2") QUESTION CNAME RECORD P96), "2001:db8:64::", 96 },
	{ "nothing", MSG(HEAD("\0") QUESTION), NULL, 0 },
	{ "another address", MSG(HEAD("\1") QUESTION RECORD OTHER), NULL, 0 },
	{ "more said than there", MSG(HEAD("\2") QUESTION RECORD OTHER), NULL, 0 },
	{ "not a message", MSG("\0\1\x81"), NULL, 0 },
};

static void discovering(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct n64_pref64 p = { { { 0 } }, 0 };
		struct addr6 want;
		bool is = discover_read(answers[i].msg, answers[i].len, &p);

		if (is != !!answers[i].bits || p.len != answers[i].bits)
			fail_msg("%s: %d, length %u", answers[i].name, is, p.len);
		if (!is)
			continue;
		inet_pton(AF_INET6, answers[i].want, &want);
		assert_true(addr6_equal(&p.prefix, &want));
		/* cut anywhere it is refused, and nothing behind it is read (sanitizers) */
		for (size_t n = 0; n < answers[i].len; n++) {
			unsigned char *cut = malloc(n + !n);

			memcpy(cut, answers[i].msg, n);
			discover_read(cut, n, &p);
			free(cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(too_much),
		cmocka_unit_test(choosing),
		cmocka_unit_test(extracting),
		cmocka_unit_test(discovering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* RFC 7050: the AAAA records of ipv4only.arpa tell the NAT64 prefix of this network.
 * Asked by a resolver state of our own, so that the program's stays as it is, and with
 * timeouts of our own, because a program waits for it inside its connect(). */
#define _GNU_SOURCE
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <string.h>

#include "settings.h"

#define NAME "ipv4only.arpa"
#define ANSWER 2048

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct n64_pref64 prefix;
static bool found;

/* RFC 7050 3: 192.0.0.170 or .171 at the place of one of the six lengths. */
static bool prefix_of(const struct addr6 *a, struct n64_pref64 *out)
{
	static const __u32 lengths[] = { 96, 64, 56, 48, 40, 32 };

	for (int i = 0; i < 6; i++) {
		__be32 v4 = rfc6052_extract(lengths[i], a);
		struct n64_pref64 p = { *a, lengths[i] };

		if (v4 != IP4(192, 0, 0, 170) && v4 != IP4(192, 0, 0, 171))
			continue;
		if (!rfc6052_suffix_zero(p.len, a))
			continue;
		rfc6052_embed(&p, 0, &out->prefix);
		out->len = lengths[i];
		return true;
	}
	return false;
}

/* The end of the name at `p`; NULL: not inside the message. */
static const unsigned char *skip_name(const unsigned char *p, const unsigned char *end)
{
	while (p && p < end && *p) {
		if (*p >= 0xc0) /* the rest stands elsewhere */
			return p + 2 <= end ? p + 2 : NULL;
		p += 1 + *p;
	}
	return p && p < end ? p + 1 : NULL;
}

static unsigned int get16(const unsigned char *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

bool discover_read(const unsigned char *msg, size_t len, struct n64_pref64 *out)
{
	const unsigned char *p = msg + NS_HFIXEDSZ, *end = msg + len;

	if (len < NS_HFIXEDSZ)
		return false;
	for (unsigned int n = get16(msg + 4); n; n--) {
		p = skip_name(p, end);
		if (!p || end - p < NS_QFIXEDSZ)
			return false;
		p += NS_QFIXEDSZ;
	}
	for (unsigned int n = get16(msg + 6); n; n--) {
		struct addr6 a;

		p = skip_name(p, end);
		if (!p || end - p < NS_RRFIXEDSZ || end - p - NS_RRFIXEDSZ < get16(p + 8))
			return false;
		if (get16(p) == ns_t_aaaa && get16(p + 8) == sizeof(a)) {
			memcpy(&a, p + NS_RRFIXEDSZ, sizeof(a));
			if (prefix_of(&a, out))
				return true;
		}
		p += NS_RRFIXEDSZ + get16(p + 8);
	}
	return false;
}

static void ask(void)
{
	unsigned char answer[ANSWER];
	struct __res_state state;
	int n;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state))
		return;
	state.retrans = 1;
	state.retry = 2;
	n = res_nquery(&state, NAME, ns_c_in, ns_t_aaaa, answer, sizeof(answer));
	res_nclose(&state);
	found = n > 0 && discover_read(answer, n < ANSWER ? (size_t)n : ANSWER, &prefix);
}

bool settings_discover(struct n64_pref64 *out)
{
	pthread_once(&once, ask);
	if (found)
		*out = prefix;
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading one word: numbers, switches, choices, addresses, prefixes (RFC 6052
 * section 2.2 for pref64). A word that cannot be read is answered with what it
 * is not and what to write instead. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "word.h"

const char *word_shown(const char *value, char buf[SHOWN_MAX])
{
	size_t i;

	for (i = 0; i < SHOWN_MAX - 4 && value[i]; i++)
		buf[i] = value[i] >= ' ' && value[i] <= '~' ? value[i] : '?';
	buf[i] = '\0';
	if (value[i])
		strcpy(buf + i, "...");
	return buf;
}

int word_bad(const struct word *w, const char *fmt, ...)
{
	char shown[SHOWN_MAX], place[160], what[240];
	va_list ap;

	if (w->line)
		snprintf(place, sizeof(place), "%.140s:%u", w->source, w->line);
	else
		snprintf(place, sizeof(place), "%.140s", w->source);
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(w->err->text, sizeof(w->err->text), "%s: %.24s%s%.12s: '%s' %s", place, w->key,
		 w->field ? "." : "", w->field ? w->field : "",
		 word_shown(w->value ? w->value : "", shown), what);
	return -EINVAL;
}

/* Decimal digits only, no sign, no leading zero; false when it is no number at
 * all. Too large a number is UINT32_MAX + 1. */
static bool read_number(const char *s, size_t len, __u64 *out)
{
	__u64 v = 0;

	if (!len || (s[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (__u64)(s[i] - '0');
		if (v > 0xffffffffu)
			v = 0x100000000ull;
	}
	*out = v;
	return true;
}

int word_u32(const struct word *w, __u32 min, __u32 max, const char *rule, __u32 *out)
{
	__u64 v;

	if (!read_number(w->value, strlen(w->value), &v))
		return word_bad(w, "is not a number; write a number from %u to %u", min, max);
	if (v < min || v > max)
		return word_bad(w, "is not between %u and %u (%s); write a number in these bounds",
				min, max, rule);
	*out = (__u32)v;
	return 0;
}

int word_bool(const struct word *w, __u32 *out)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

	for (__u32 i = 0; i < 6; i++) {
		if (!strcmp(w->value, words[i])) {
			*out = i & 1;
			return 0;
		}
	}
	return word_bad(w, "is not a switch; write true or false");
}

/* "a|b|c" as "a, b or c". */
static void list_words(const char *words, char *buf, size_t size)
{
	size_t n = 0;

	while (*words && n < size - 1) {
		size_t len = strcspn(words, "|");
		const char *sep = !words[len] ? "" : strchr(words + len + 1, '|') ? ", " : " or ";

		n += (size_t)snprintf(buf + n, size - n, "%.*s%s", (int)len, words, sep);
		words += len + (words[len] == '|');
	}
}

int word_enum(const struct word *w, const char *words, __u32 *out)
{
	size_t len = strlen(w->value);
	char list[128] = "";
	const char *p = words;

	for (__u32 i = 0; *p; i++) {
		size_t n = strcspn(p, "|");

		if (n == len && !memcmp(p, w->value, n)) {
			*out = i;
			return 0;
		}
		p += n + (p[n] == '|');
	}
	list_words(words, list, sizeof(list));
	return word_bad(w, "is not one of its words; write %s", list);
}

int word_addr4(const struct word *w, __be32 *out)
{
	if (inet_pton(AF_INET, w->value, out) != 1)
		return word_bad(w, "is not an IPv4 address; write one like 192.0.2.1");
	return 0;
}

int word_addr6(const struct word *w, struct addr6 *out)
{
	if (inet_pton(AF_INET6, w->value, out) != 1)
		return word_bad(w, "is not an IPv6 address; write one like 2001:db8::1");
	return 0;
}

/* Splits ADDRESS[/LEN]; len = max without one. False: neither. */
static bool split_prefix(const char *value, char *addr, size_t size, __u32 max, __u8 *len)
{
	const char *slash = strchr(value, '/');
	size_t n = slash ? (size_t)(slash - value) : strlen(value);
	__u64 v = max;

	if (n >= size || (slash && !read_number(slash + 1, strlen(slash + 1), &v)) || v > max)
		return false;
	memcpy(addr, value, n);
	addr[n] = '\0';
	*len = (__u8)v;
	return true;
}

static struct addr6 masked(const struct addr6 *a, __u32 len)
{
	struct addr6 m = { { 0 } };

	for (__u32 i = 0; i < 4 && len > 32 * i; i++) {
		__u32 bits = len - 32 * i;

		m.w[i] = a->w[i] & mask4(bits > 32 ? 32 : bits);
	}
	return m;
}

int word_prefix4(const struct word *w, struct prefix4 *out)
{
	char addr[INET_ADDRSTRLEN], text[PREFIX_TEXT];
	__be32 full;

	if (!split_prefix(w->value, addr, sizeof(addr), 32, &out->len) ||
	    inet_pton(AF_INET, addr, &full) != 1)
		return word_bad(w, "is not an IPv4 prefix; write one like 192.0.2.0/24");
	out->addr = full & mask4(out->len);
	if (out->addr != full)
		return word_bad(w, "is not a prefix, it has bits set behind its length; write %s",
				prefix4_text(out, text));
	return 0;
}

int word_prefix6(const struct word *w, struct prefix6 *out)
{
	char addr[INET6_ADDRSTRLEN], text[PREFIX_TEXT];
	struct addr6 full;

	if (!split_prefix(w->value, addr, sizeof(addr), 128, &out->len) ||
	    inet_pton(AF_INET6, addr, &full) != 1)
		return word_bad(w, "is not an IPv6 prefix; write one like 2001:db8::/32");
	out->addr = masked(&full, out->len);
	if (memcmp(&out->addr, &full, sizeof(full)))
		return word_bad(w, "is not a prefix, it has bits set behind its length; write %s",
				prefix6_text(out, text));
	return 0;
}

/* ADR-01 */
int word_pref64(const struct word *w, struct prefix6 *out)
{
	int rc = word_prefix6(w, out);

	if (rc)
		return rc;
	switch (out->len) {
	case 32: case 40: case 48: case 56: case 64: case 96:
		break;
	default:
		return word_bad(w, "is not a NAT64 prefix (RFC 6052 2.2); "
				   "write a prefix of length 32, 40, 48, 56, 64 or 96");
	}
	if ((out->len == 96 && (host32(out->addr.w[2]) >> 24)) ||
	    (host32(out->addr.w[0]) >> 24) == 0xff)
		return word_bad(w, "is not a NAT64 prefix (RFC 6052 2.2); write a unicast prefix "
				   "whose bits 64 to 71 are zero, like 2001:db8:64::/96");
	return 0;
}

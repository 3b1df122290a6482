/* SPDX-License-Identifier: GPL-2.0-only */
/* What only the whole configuration can tell (RFC 6052 3.1, RFC 7757 5): what is
 * missing, what stands twice, what overlaps, what makes no sense together. The
 * lists are judged in check_lists.c. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "check.h"
#include "word.h"

static void check_vsay(const struct check *k, enum opt_id id, size_t i, char *buf, size_t size,
		       const char *fmt, va_list ap)
{
	char place[200], what[280];

	option_place(k->c, id, i, place, sizeof(place));
	vsnprintf(what, sizeof(what), fmt, ap);
	snprintf(buf, size, "%s%s: %s", place, options[id].key, what);
}

int check_fail(const struct check *k, enum opt_id id, size_t i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	check_vsay(k, id, i, k->err->text, sizeof(k->err->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void check_warn(const struct check *k, enum opt_id id, size_t i, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!k->warn)
		return;
	va_start(ap, fmt);
	check_vsay(k, id, i, text, sizeof(text), fmt, ap);
	va_end(ap);
	k->warn(text);
}

/* Short enough for "n-NAMEx" to be an interface name. */
int config_name_check(const char *name, struct config_error *err)
{
	size_t len = strnlen(name, N64_NAME_MAX + 1);
	bool good = len && len <= N64_NAME_MAX && name[0] != '_' && name[0] != '-';
	char shown[SHOWN_MAX];

	for (size_t i = 0; i < len && good; i++)
		good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
		       name[i] == '_' || name[i] == '-';
	if (good)
		return 0;
	snprintf(err->text, sizeof(err->text),
		 "name: '%s' is not the name of an instance; write 1 to %d of the characters "
		 "a-z 0-9 _ -, the first a letter or digit", word_shown(name, shown), N64_NAME_MAX);
	return -EINVAL;
}

bool config_wkp_strict(const struct config *c)
{
	return c->opt.wkp_strict == TRI_ON ||
	       (c->opt.wkp_strict == TRI_AUTO && c->opt.mode != MODE_DYNAMIC);
}

/* MIX-01: in mode stateful only. */
static int check_no_stateless(const struct check *k)
{
	char word[32], text[PREFIX_TEXT * 2];

	if (k->c->opt.mode == MODE_STATEFUL || !k->c->stateless.n)
		return 0;
	option_text(k->c, O_mode, word, sizeof(word));
	option_elem_text(k->c, O_stateless, 0, text, sizeof(text));
	return check_fail(k, O_stateless, 0, "'%s' is not possible in mode %s; write eam and xlat4 "
			  "by themselves in mode siit, or mode stateful", text, word);
}

/* ADR-03: mode dynamic needs no prefix of one's own. */
static int default_pref64(const struct check *k)
{
	if (k->c->opt.mode != MODE_DYNAMIC || k->c->pref64.n)
		return 0;
	return config_set(k->c, "pref64", "64:ff9b::/96", "the default", k->err);
}

static int check_interfaces(const struct check *k)
{
	const struct config *c = k->c;
	__u32 flags = 0;

	if (!c->interfaces.n)
		return check_fail(k, O_interfaces, 0, "no interface is given; "
						      "write 1 to %d names, like [eth0, eth1]",
				  N64_MAX_PORTS);
	if (c->interfaces.n > N64_MAX_PORTS)
		return check_fail(k, O_interfaces, N64_MAX_PORTS,
				  "'%s' is not possible, it is number %d; write at most %d",
				  c->interfaces.v[N64_MAX_PORTS].name, N64_MAX_PORTS + 1,
				  N64_MAX_PORTS);
	for (size_t i = 0; i < c->interfaces.n; i++) {
		const char *name = c->interfaces.v[i].name;

		flags |= c->interfaces.v[i].flags;
		if (!strcmp(name, "nat64") || !strcmp(name, "nat64x"))
			return check_fail(k, O_interfaces, i, "'%s' is not a port, attach makes it "
					  "itself; write the interfaces that carry traffic", name);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(name, c->interfaces.v[j].name))
				return check_fail(k, O_interfaces, i, "'%s' is not allowed twice; "
								      "write it once", name);
	}
	if (!flags)
		check_warn(k, O_interfaces, 0, "every interface has translate none, so only what "
					       "the kernel routes to nat64 is translated");
	return 0;
}

/* GERR-23: what can be the source of an ICMP error. */
static int check_icmp_src(const struct check *k)
{
	const struct n64_opts *o = &k->c->opt;
	char text[64];

	if (o->icmp_src4 && src4_is_illegal(o->icmp_src4)) {
		option_text(k->c, O_icmp_src4, text, sizeof(text));
		return check_fail(k, O_icmp_src4, 0, "'%s' is not an address that a host may send "
						     "from; write a unicast address", text);
	}
	if (!addr6_is_zero(&o->icmp_src6) && src6_is_illegal(&o->icmp_src6)) {
		option_text(k->c, O_icmp_src6, text, sizeof(text));
		return check_fail(k, O_icmp_src6, 0, "'%s' is not an address that a router may "
				  "answer from; write a global unicast address", text);
	}
	return 0;
}

/* ADR-07, ADR-04, MC-05 */
static void warn_wkp(const struct check *k)
{
	const struct config *c = k->c;
	size_t i;

	for (i = 0; i < c->pref64.n && !prefix6_is_wkp(&c->pref64.v[i]); i++)
		;
	if (i == c->pref64.n)
		return;
	if (c->opt.mode == MODE_SIIT)
		check_warn(k, O_pref64, i, "64:ff9b::/96 should not form the addresses of hosts "
					   "(RFC 6052 3.1); use one inside 64:ff9b:1::/48 "
					   "(RFC 8215) or a prefix of your own");
	if (c->opt.mode == MODE_SIIT && c->opt.multicast == MULTICAST_EMBED && config_wkp_strict(c))
		check_warn(k, O_multicast, 0, "64:ff9b::/96 never carries a multicast group "
					      "(RFC 6052 3.1); only other prefixes do");
	for (size_t j = 0; i == 0 && config_wkp_strict(c) && j < c->xlat4.n; j++) {
		char text[PREFIX_TEXT];

		if (!c->xlat4.v[j].len || !addr4_is_nonglobal(c->xlat4.v[j].addr))
			continue;
		check_warn(k, O_xlat4, j, "%s is not global, so 64:ff9b::/96 will not carry it "
					  "(RFC 6052 3.1); use a pref64 inside 64:ff9b:1::/48 "
					  "(RFC 8215), or wkp-strict off",
			   prefix4_text(&c->xlat4.v[j], text));
		return;
	}
}

/* MC-01, MC-02: where translated groups go. */
static int check_group_port(const struct check *k, enum opt_id id, const struct iface_entry *v,
			    size_t n)
{
	const struct config *c = k->c;
	size_t i = 0;

	if (n > 1)
		return check_fail(k, id, 1, "'%s' is not possible, groups leave by one interface; "
				  "write one", v[1].name);
	if (n && c->opt.multicast != MULTICAST_EMBED)
		check_warn(k, id, 0, "it has no effect without multicast embed");
	while (n && i < c->interfaces.n && strcmp(c->interfaces.v[i].name, v[0].name))
		i++;
	if (n && i == c->interfaces.n)
		return check_fail(k, id, 0, "'%s' is not among the interfaces; write one of these",
				  v[0].name);
	return 0;
}

static int check_groups(const struct check *k)
{
	const struct config *c = k->c;
	const struct prefix6 *m = c->mpref64.v;
	char text[PREFIX_TEXT];
	int rc = check_group_port(k, O_multicast_out4, c->multicast_out4.v, c->multicast_out4.n);

	if (!rc)
		rc = check_group_port(k, O_multicast_out6, c->multicast_out6.v,
				      c->multicast_out6.n);
	if (rc || !c->mpref64.n)
		return rc;
	if (c->mpref64.n > 1)
		return check_fail(k, O_mpref64, 1, "'%s' is not possible, groups have one prefix; "
				  "write one", prefix6_text(&m[1], text));
	if (m->len != 96 || !addr6_is_multicast(&m->addr) ||
	    (host32(m->addr.w[0]) >> 16 & 15) <= 2)
		return check_fail(k, O_mpref64, 0, "'%s' is not a /96 of IPv6 groups of a scope "
				  "over 2 (MC-03); write one like ff3e:40:2001:db8::/96",
				  prefix6_text(m, text));
	if (c->opt.multicast != MULTICAST_EMBED)
		check_warn(k, O_mpref64, 0, "it has no effect without multicast embed");
	return 0;
}

/* 0.0.0.0/0 is for a CLAT, whose IPv4 comes from its own programs. */
static void warn_everything(const struct check *k, size_t i)
{
	const struct config *c = k->c;

	for (size_t n = 0; n < c->interfaces.n; n++) {
		if (!(c->interfaces.v[n].flags & PORT_4TO6))
			continue;
		check_warn(k, O_xlat4, i, "0.0.0.0/0 takes every IPv4 packet that comes in by %s, "
					  "also those to this host; write %s:6to4 unless nothing "
					  "there speaks IPv4",
			   c->interfaces.v[n].name, c->interfaces.v[n].name);
		return;
	}
}

/* What must be there for anything to be translated in mode siit. */
static int check_siit(const struct check *k)
{
	const struct config *c = k->c;
	int rc;

	if (!c->pref64.n && !c->eam.n)
		return check_fail(k, O_pref64, 0,
				  "neither a pref64 nor an eam is given, so nothing "
				  "would be translated; write a prefix like 2001:db8:64::/96");
	if (!c->pref64.n && c->xlat4.n)
		return check_fail(k, O_xlat4, 0,
				  "its hosts live at pref64 addresses, but no pref64 "
				  "is given; write a pref64 or remove it");
	if (!c->pref64.n && !c->opt.eam_to_eam)
		return check_fail(k, O_eam_to_eam, 0, "'false' is not possible without a pref64, "
				  "nothing would be translated (EAM-08); write true or a pref64");
	if (!c->pref64.n && c->opt.hairpin == HAIRPIN_SIMPLE)
		return check_fail(k, O_hairpin, 0, "'simple' is not possible without a pref64, "
				  "which IPv4 sources are translated by (HP-01); write "
				  "intrinsic or a pref64");
	if (!c->eam.n && !c->xlat4.n)
		check_warn(k, O_pref64, 0, "neither eam nor xlat4 is given, so no packet from IPv4 "
					   "finds a target; name the IPv4 addresses of IPv6 hosts");
	if (c->opt.multicast == MULTICAST_EMBED && !c->pref64.n)
		check_warn(k, O_multicast, 0, "embed has no effect without a pref64");
	rc = check_groups(k);
	if (rc)
		return rc;
	for (size_t i = 0; i < c->xlat4.n; i++)
		if (!c->xlat4.v[i].len)
			warn_everything(k, i);
	return 0;
}

int config_check(struct config *c, void (*warn)(const char *text), struct config_error *err)
{
	const struct check k = { c, warn, err };
	int rc;

	err->text[0] = '\0';
	rc = config_name_check(c->name, err);
	if (!rc)
		rc = check_no_stateless(&k);
	if (!rc)
		rc = default_pref64(&k);
	if (!rc)
		rc = check_interfaces(&k);
	if (!rc)
		rc = check_icmp_src(&k);
	if (!rc)
		rc = check_lists(&k);
	if (!rc)
		rc = check_state(&k);
	if (!rc)
		rc = check_compile(&k);
	if (!rc && c->opt.mode == MODE_SIIT)
		rc = check_siit(&k);
	if (!rc)
		warn_wkp(&k);
	if (rc == -ENOMEM)
		snprintf(err->text, sizeof(err->text), "not enough memory to check the lists");
	return rc;
}

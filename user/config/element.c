/* SPDX-License-Identifier: GPL-2.0-only */
/* Elements of lists: what each type of option.def looks like in its one-word
 * form and by fields, and how it is stored. Both forms meet in `build`. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "word.h"

_Static_assert(sizeof(((struct iface_entry *)NULL)->name) == IFNAMSIZ, "interface name");

/* As the kernel's dev_valid_name, and printable. */
static bool is_device_name(const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= IFNAMSIZ || !strcmp(s, ".") || !strcmp(s, ".."))
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || *s == '/' || *s == ':')
			return false;
	return true;
}

static int build_iface(const struct word *val, void *elem)
{
	static const __u32 flags[] = { PORT_6TO4 | PORT_4TO6, PORT_6TO4, PORT_4TO6, 0 };
	struct iface_entry *e = elem;
	__u32 translate = 0, deliver = 0;
	int rc;

	if (!is_device_name(val[0].value))
		return word_bad(&val[0], "is not the name of an interface; write 1 to 15 letters "
					 "and digits, like eth0");
	strcpy(e->name, val[0].value);
	if (val[1].value) {
		rc = word_enum(&val[1], "both|6to4|4to6|none", &translate);
		if (rc)
			return rc;
	}
	if (val[2].value) {
		rc = word_enum(&val[2], "auto|stack", &deliver);
		if (rc)
			return rc;
	}
	e->flags = flags[translate];
	e->deliver = deliver ? DELIVER_STACK : DELIVER_AUTO;
	return 0;
}

/* EAM-02 (RFC 7757 3.2): the IPv6 prefix must leave room for the IPv4 suffix. */
static int build_eam(const struct word *val, void *elem)
{
	struct eam_entry *e = elem;
	int rc;

	rc = word_prefix4(&val[0], &e->v4);
	if (!rc)
		rc = word_prefix6(&val[1], &e->v6);
	if (rc)
		return rc;
	if (32 - e->v4.len > 128 - e->v6.len)
		return word_bad(&val[1], "is not long enough behind its length for the %u suffix "
					 "bits of the IPv4 prefix (RFC 7757 3.2); "
					 "write a length of at most %u",
				32 - e->v4.len, 96 + e->v4.len);
	return 0;
}

static int build_noxlat(const struct word *val, void *elem)
{
	struct noxlat_entry *e = elem;
	__u32 port = 0;
	int rc;

	if (strchr(val[0].value, ':')) {
		e->fam = FAM_6;
		rc = word_prefix6(&val[0], &e->v6);
	} else {
		e->fam = FAM_4;
		rc = word_prefix4(&val[0], &e->v4);
	}
	if (!rc && val[1].value)
		rc = word_u32(&val[1], 1, 65535, "RFC 6335", &port);
	e->port = (__u16)port;
	return rc;
}

static int build_prefix4(const struct word *val, void *elem)
{
	return word_prefix4(val, elem);
}

static int build_prefix6(const struct word *val, void *elem)
{
	return word_prefix6(val, elem);
}

static int build_pref64(const struct word *val, void *elem)
{
	return word_pref64(val, elem);
}

static int build_u32(const struct word *val, void *elem)
{
	return word_u32(val, 68, 65535, "RFC 1191 7.1", elem);
}

const struct elem_kind elem_kinds[N_ELEMS] = {
	[ELEM_IFACE] = { sizeof(struct iface_entry), { "name", "translate", "deliver" }, 1, 2, ':',
			 "DEV, DEV:both|6to4|4to6|none or {name: DEV, translate: both}",
			 build_iface, 0 },
	[ELEM_EAM] = { sizeof(struct eam_entry), { "ipv4", "ipv6" }, 2, 2, '=',
		       "{ipv4: 192.0.2.0/24, ipv6: 2001:db8::/120}, or V4=V6 in one word",
		       build_eam, 0 },
	[ELEM_NOXLAT] = { sizeof(struct noxlat_entry), { "prefix", "port" }, 1, 1, 0,
			  "PREFIX or {prefix: PREFIX, port: N}", build_noxlat, 0 },
	[ELEM_PREF64] = { sizeof(struct prefix6), { NULL }, 1, 1, 0,
			  "a prefix like 2001:db8:64::/96", build_pref64, 0 },
	[ELEM_PREFIX4] = { sizeof(struct prefix4), { NULL }, 1, 1, 0,
			   "an IPv4 prefix like 192.0.2.0/24", build_prefix4, 0 },
	[ELEM_PREFIX6] = { sizeof(struct prefix6), { NULL }, 1, 1, 0,
			   "an IPv6 prefix like 2001:db8::/32", build_prefix6, 0 },
	[ELEM_U32] = { sizeof(__u32), { NULL }, 1, 1, 0, "a number", build_u32, 0 },
	[ELEM_POOL4] = { sizeof(struct pool4_entry), { "prefix", "ports", "protocols" }, 1, 3, ':',
			 "PREFIX[:PORTS] like 203.0.113.0/28:1024-65535, "
			 "or {prefix: PREFIX, ports: A-B, protocols: [tcp, udp, icmp]}",
			 build_pool4, 1 << 2 },
	[ELEM_STATIC] = { sizeof(struct static_entry), { "protocol", "ipv4", "ipv6" }, 3, 3, ',',
			  "{protocol: tcp, ipv4: \"203.0.113.1:443\", "
			  "ipv6: \"[2001:db8::5]:443\"}, or tcp,A:PORT,[A]:PORT in one word",
			  build_static, 0 },
	[ELEM_HOST] = { sizeof(struct host_entry), { "ipv4", "ipv6" }, 2, 2, '=',
			"{ipv4: 10.0.1.5, ipv6: fc00::5}, or V4=V6 in one word", build_host, 0 },
	[ELEM_PORTTIME] = { sizeof(struct port_time), { "port", "timeout" }, 2, 2, '=',
			    "{port: 53, timeout: 20}, or 53=20 in one word", build_port_time, 0 },
	[ELEM_STATELESS] = { sizeof(struct stateless_entry), { "pref64", "eam", "xlat4" }, 0, 1, 0,
			     "{pref64: \"2001:db8:64::/96\", eam: [192.0.2.1=2001:db8::1], "
			     "xlat4: [198.51.100.0/24]}, or the same words in one with commas",
			     NULL, 1 << 1 | 1 << 2 },
};

/* Appends an element of `size` bytes; the array grows at powers of two. */
int config_append(struct config *c, enum opt_id id, const void *elem, size_t size)
{
	char *field = (char *)c + options[id].offset;
	struct config_raw_list l;

	memcpy(&l, field, sizeof(l));
	if (!(l.n & (l.n - 1))) {
		void *more = realloc(l.v, (l.n ? 2 * l.n : 1) * size);

		if (!more)
			return -ENOMEM;
		l.v = more;
	}
	memcpy((char *)l.v + l.n * size, elem, size);
	l.n++;
	memcpy(field, &l, sizeof(l));
	return 0;
}

union any_elem {
	struct iface_entry iface;
	struct eam_entry eam;
	struct noxlat_entry noxlat;
	struct prefix6 prefix6;
	struct prefix4 prefix4;
	struct pool4_entry pool4;
	struct static_entry fixed;
	struct host_entry host;
	struct port_time port_time;
	__u32 u32;
};

int config_put_fields(struct config *c, enum opt_id id, const struct word *val)
{
	const struct elem_kind *kind = &elem_kinds[options[id].elem];
	union any_elem elem;
	int rc;

	if (id == O_stateless)
		return config_put_stateless(c, val);
	memset(&elem, 0, sizeof(elem));
	rc = kind->build(val, &elem);
	if (rc)
		return rc;
	rc = config_note_place(c, id, option_list_len(c, id), &val[0]);
	return rc ? rc : config_append(c, id, &elem, kind->size);
}

/* The one-word form: the fields with the splitting character between them; what is
 * left of the word belongs to the last. */
static int put_element(struct config *c, enum opt_id id, const struct word *w)
{
	const struct elem_kind *kind = &elem_kinds[options[id].elem];
	struct word val[ELEM_FIELDS] = { *w, *w, *w };
	char *copy = strdup(w->value);
	unsigned int n = 1;
	int rc;

	if (!copy)
		return -ENOMEM;
	val[0].value = copy;
	val[1].value = NULL;
	val[2].value = NULL;
	for (char *at = copy; n < kind->words && (at = strchr(at, kind->split)) != NULL; n++) {
		*at++ = '\0';
		val[n].value = at;
	}
	for (unsigned int i = 0; n > 1 && i < n; i++)
		val[i].field = kind->field[i];
	if (n < kind->required)
		rc = word_bad(w, "is not complete; write %s", kind->form);
	else
		rc = config_put_fields(c, id, val);
	free(copy);
	return rc;
}

static int put_scalar(struct config *c, enum opt_id id, const struct word *w)
{
	const struct option_row *o = &options[id];
	char *field = (char *)c + o->offset;
	struct addr6 a6;
	__u32 v = 0;
	int rc;

	switch (o->type) {
	case OPT_TYPE_ADDR6:
		rc = word_addr6(w, &a6);
		if (!rc)
			memcpy(field, &a6, sizeof(a6));
		return rc;
	case OPT_TYPE_ADDR4:
		rc = word_addr4(w, &v);
		break;
	case OPT_TYPE_ENUM:
		rc = word_enum(w, o->words, &v);
		break;
	case OPT_TYPE_BOOL:
		rc = word_bool(w, &v);
		break;
	case OPT_TYPE_OFF:
		v = OPT_IS_OFF;
		if (!strcmp(w->value, "off"))
			rc = 0;
		else
			rc = word_u32(w, o->min, o->max, "or the word off", &v);
		break;
	default:
		rc = word_u32(w, o->min, o->max, o->rule, &v);
		break;
	}
	if (!rc)
		memcpy(field, &v, sizeof(v));
	return rc;
}

int config_put_word(struct config *c, enum opt_id id, const struct word *w)
{
	int rc;

	if (options[id].type == OPT_TYPE_LIST)
		return put_element(c, id, w);
	rc = put_scalar(c, id, w);
	return rc ? rc : config_note_place(c, id, 0, w);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of options, made from common/option.def, and what can be told about
 * an option from its row alone: defaults, values as text, the nearest key. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "word.h"

#define RELOAD false
#define RESTART true

#define ROW_SCALAR(f, k, t, d, lo, hi, w, ap, dc, ru)                                      \
	[O_##f] = { .key = (k), .type = (t), .def = (d), .min = (lo), .max = (hi),         \
		    .words = (w), .restart = (ap), .offset = offsetof(struct config, opt.f), \
		    .doc = (dc), .rule = (ru) },

const struct option_row options[N_OPTS] = {
#define OPT_U32(f, k, d, lo, hi, ap, dc, ru) \
	ROW_SCALAR(f, k, OPT_TYPE_U32, d, lo, hi, NULL, ap, dc, ru)
#define OPT_OFF(f, k, lo, hi, ap, dc, ru) \
	ROW_SCALAR(f, k, OPT_TYPE_OFF, OPT_IS_OFF, lo, hi, NULL, ap, dc, ru)
#define OPT_BOOL(f, k, d, ap, dc, ru) \
	ROW_SCALAR(f, k, OPT_TYPE_BOOL, d, 0, 1, NULL, ap, dc, ru)
#define OPT_ENUM(f, k, d, w, ap, dc, ru) \
	ROW_SCALAR(f, k, OPT_TYPE_ENUM, d, 0, 0, w, ap, dc, ru)
#define OPT_ADDR4(f, k, ap, dc, ru) \
	ROW_SCALAR(f, k, OPT_TYPE_ADDR4, 0, 0, 0, NULL, ap, dc, ru)
#define OPT_ADDR6(f, k, ap, dc, ru) \
	ROW_SCALAR(f, k, OPT_TYPE_ADDR6, 0, 0, 0, NULL, ap, dc, ru)
#define OPT_LIST(f, k, t, ap, dc, ru)                                             \
	[O_##f] = { .key = (k), .type = OPT_TYPE_LIST, .elem = ELEM_##t,          \
		    .restart = (ap), .offset = offsetof(struct config, f),        \
		    .doc = (dc), .rule = (ru) },
#define OPT_LATER(k, dc, ru)
#include "option.def"
#undef OPT_U32
#undef OPT_OFF
#undef OPT_BOOL
#undef OPT_ENUM
#undef OPT_ADDR4
#undef OPT_ADDR6
#undef OPT_LIST
#undef OPT_LATER
};

struct later_row {
	const char *key;
	const char *doc;
};

static const struct later_row later[] = {
#define OPT_U32(...)
#define OPT_OFF(...)
#define OPT_BOOL(...)
#define OPT_ENUM(...)
#define OPT_ADDR4(...)
#define OPT_ADDR6(...)
#define OPT_LIST(...)
#define OPT_LATER(k, dc, ru) { (k), (dc) },
#include "option.def"
	{ NULL, NULL },
};

const __u32 default_plateaus[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492 };
const size_t n_default_plateaus = sizeof(default_plateaus) / sizeof(default_plateaus[0]);

enum opt_id option_find(const char *key)
{
	enum opt_id id;

	for (id = 0; id < N_OPTS; id++)
		if (!strcmp(options[id].key, key))
			return id;
	return N_OPTS;
}

const char *option_later(const char *key)
{
	for (const struct later_row *l = later; l->key; l++)
		if (!strcmp(l->key, key))
			return l->doc;
	return NULL;
}

const char *option_nearest(const char *key)
{
	const char *keys[N_OPTS];

	for (int i = 0; i < N_OPTS; i++)
		keys[i] = options[i].key;
	return nearest_word(key, keys, N_OPTS);
}

/* Field of a scalar that is a number. */
static __u32 get_u32(const struct config *c, enum opt_id id)
{
	__u32 v;

	memcpy(&v, (const char *)c + options[id].offset, sizeof(v));
	return v;
}

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", N64_DEFAULT_NAME);
	for (int i = 0; i < N_OPTS; i++) {
		if (options[i].type > OPT_TYPE_ENUM)
			continue; /* unset or empty is zero */
		memcpy((char *)c + options[i].offset, &options[i].def, sizeof(__u32));
	}
}

static void list_header(const struct config *c, enum opt_id id, void **v, size_t *n)
{
	struct config_raw_list l;

	memcpy(&l, (const char *)c + options[id].offset, sizeof(l));
	*v = l.v;
	*n = l.n;
}

void config_free(struct config *c)
{
	for (int i = 0; i < N_OPTS; i++) {
		struct config_raw_list none = { NULL, 0 };
		void *v;
		size_t n;

		if (options[i].type != OPT_TYPE_LIST)
			continue;
		list_header(c, i, &v, &n);
		free(v);
		memcpy((char *)c + options[i].offset, &none, sizeof(none));
	}
	config_places_free(c->places);
	c->places = NULL;
}

size_t option_list_len(const struct config *c, enum opt_id id)
{
	size_t n = 0;
	void *v;

	if (options[id].type == OPT_TYPE_LIST)
		list_header(c, id, &v, &n);
	return n;
}

/* Word number `i` of "a|b|c". */
static void enum_word(const char *words, __u32 i, char *buf, size_t size)
{
	while (i-- && words) {
		words = strchr(words, '|');
		words = words ? words + 1 : NULL;
	}
	snprintf(buf, size, "%.*s", words ? (int)strcspn(words, "|") : 0, words ? words : "");
}

void option_text(const struct config *c, enum opt_id id, char *buf, size_t size)
{
	const struct option_row *o = &options[id];
	const char *field = (const char *)c + o->offset;
	static const struct addr6 unset6;
	__u32 v = o->type <= OPT_TYPE_ADDR4 ? get_u32(c, id) : 0;

	switch (o->type) {
	case OPT_TYPE_OFF:
	case OPT_TYPE_U32:
		if (o->type == OPT_TYPE_OFF && v == OPT_IS_OFF)
			snprintf(buf, size, "off");
		else
			snprintf(buf, size, "%u", v);
		break;
	case OPT_TYPE_BOOL:
		snprintf(buf, size, "%s", v ? "true" : "false");
		break;
	case OPT_TYPE_ENUM:
		enum_word(o->words, v, buf, size);
		break;
	case OPT_TYPE_ADDR4:
		if (!v || !inet_ntop(AF_INET, field, buf, size))
			snprintf(buf, size, "unset");
		break;
	case OPT_TYPE_ADDR6:
		if (!memcmp(field, &unset6, sizeof(unset6)) ||
		    !inet_ntop(AF_INET6, field, buf, size))
			snprintf(buf, size, "unset");
		break;
	case OPT_TYPE_LIST:
		snprintf(buf, size, "%zu entries", option_list_len(c, id));
		break;
	}
}

bool option_is_default(const struct config *c, enum opt_id id)
{
	static const struct addr6 unset6;

	switch (options[id].type) {
	case OPT_TYPE_LIST:
		return !option_list_len(c, id);
	case OPT_TYPE_ADDR6:
		return !memcmp((const char *)c + options[id].offset, &unset6, sizeof(unset6));
	default:
		return get_u32(c, id) == options[id].def;
	}
}

bool option_is_stateful(enum opt_id id)
{
	return !strncmp(options[id].doc, "stateful: ", strlen("stateful: "));
}

bool option_is_dynamic(enum opt_id id)
{
	return !strncmp(options[id].doc, "dynamic: ", strlen("dynamic: "));
}

const char *prefix4_text(const struct prefix4 *p, char buf[PREFIX_TEXT])
{
	char a[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &p->addr, a, sizeof(a));
	snprintf(buf, PREFIX_TEXT, "%s/%u", a, p->len);
	return buf;
}

const char *prefix6_text(const struct prefix6 *p, char buf[PREFIX_TEXT])
{
	char a[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &p->addr, a, sizeof(a));
	snprintf(buf, PREFIX_TEXT, "%s/%u", a, p->len);
	return buf;
}

static void iface_text(const struct iface_entry *e, char *buf, size_t size)
{
	static const char *const words[] = { ":none", ":6to4", ":4to6", "" };
	_Static_assert(PORT_6TO4 == 1 && PORT_4TO6 == 2, "index of the words");

	snprintf(buf, size, "%.15s%s", e->name, words[e->flags & (PORT_6TO4 | PORT_4TO6)]);
}

static void noxlat_text(const struct noxlat_entry *e, char *buf, size_t size)
{
	char p[PREFIX_TEXT];

	if (e->fam == FAM_4)
		prefix4_text(&e->v4, p);
	else
		prefix6_text(&e->v6, p);
	if (e->port)
		snprintf(buf, size, "%s port %u", p, e->port);
	else
		snprintf(buf, size, "%s", p);
}

void option_elem_text(const struct config *c, enum opt_id id, size_t i, char *buf,
		      size_t size)
{
	const struct elem_kind *kind = &elem_kinds[options[id].elem];
	char p4[PREFIX_TEXT], p6[PREFIX_TEXT];
	const void *e;
	void *v;
	size_t n;

	list_header(c, id, &v, &n);
	e = (const char *)v + i * kind->size;
	switch (options[id].elem) {
	case ELEM_IFACE:
		iface_text(e, buf, size);
		break;
	case ELEM_EAM:
		snprintf(buf, size, "%s=%s", prefix4_text(&((const struct eam_entry *)e)->v4, p4),
			 prefix6_text(&((const struct eam_entry *)e)->v6, p6));
		break;
	case ELEM_PREFIX4:
		snprintf(buf, size, "%s", prefix4_text(e, p4));
		break;
	case ELEM_PREF64:
	case ELEM_PREFIX6:
		snprintf(buf, size, "%s", prefix6_text(e, p6));
		break;
	case ELEM_NOXLAT:
		noxlat_text(e, buf, size);
		break;
	case ELEM_POOL4:
		pool4_text(e, c->opt.mode == MODE_DYNAMIC, buf, size);
		break;
	case ELEM_STATIC:
		static_text(e, buf, size);
		break;
	case ELEM_HOST:
		host_text(e, buf, size);
		break;
	case ELEM_PORTTIME:
		port_time_text(e, buf, size);
		break;
	case ELEM_STATELESS:
		stateless_text(c, i, buf, size);
		break;
	default:
		snprintf(buf, size, "%u", *(const __u32 *)e);
		break;
	}
}

bool prefix6_is_wkp(const struct prefix6 *p)
{
	struct n64_pref64 pref64 = { p->addr, p->len };

	return pref64_is_wkp(&pref64);
}

bool prefix6_is_neutral(const struct prefix6 *p)
{
	__u32 sum = 0;

	if (p->len != 96)
		return false;
	for (int i = 0; i < 3; i++) {
		__u32 w = host32(p->addr.w[i]);

		sum += (w >> 16) + (w & 0xffff);
	}
	return sum % 0xffff == 0;
}

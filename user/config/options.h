/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of common/option.def as a table: what the parser, the checks, `check`
 * and the help texts ask about an option. No key is written anywhere else. */
#ifndef N64_OPTIONS_H
#define N64_OPTIONS_H

#include "config.h"

enum opt_type { OPT_TYPE_U32, OPT_TYPE_OFF, OPT_TYPE_BOOL, OPT_TYPE_ENUM,
		OPT_TYPE_ADDR4, OPT_TYPE_ADDR6, OPT_TYPE_LIST };

/* Types of list elements, as option.def writes them. */
enum elem_type { ELEM_IFACE, ELEM_PREF64, ELEM_EAM, ELEM_PREFIX4, ELEM_PREFIX6,
		 ELEM_NOXLAT, ELEM_U32, ELEM_POOL4, ELEM_STATIC, ELEM_HOST,
		 ELEM_PORTTIME, ELEM_STATELESS, N_ELEMS };

enum opt_id {
#define OPT_U32(field, ...) O_##field,
#define OPT_OFF(field, ...) O_##field,
#define OPT_BOOL(field, ...) O_##field,
#define OPT_ENUM(field, ...) O_##field,
#define OPT_ADDR4(field, ...) O_##field,
#define OPT_ADDR6(field, ...) O_##field,
#define OPT_LIST(field, ...) O_##field,
#define OPT_LATER(...)
#include "option.def"
#undef OPT_U32
#undef OPT_OFF
#undef OPT_BOOL
#undef OPT_ENUM
#undef OPT_ADDR4
#undef OPT_ADDR6
#undef OPT_LIST
#undef OPT_LATER
	N_OPTS,
};

struct option_row {
	const char *key;
	enum opt_type type;
	enum elem_type elem;	/* of a list */
	__u32 def, min, max;	/* of a number */
	const char *words;	/* of an enum: "a|b|c" */
	bool restart;		/* takes effect with detach and attach only */
	size_t offset;		/* in struct config */
	const char *doc;
	const char *rule;
};

extern const struct option_row options[N_OPTS];

/* N_OPTS: no such key. */
enum opt_id option_find(const char *key);
/* The doc of an OPT_LATER row, NULL: the key is none of them. */
const char *option_later(const char *key);
/* The known key that is meant by a misspelt one, NULL: none is near. */
const char *option_nearest(const char *key);

/* The value of a scalar option as the file would write it; "unset" for an
 * address that is not set. */
void option_text(const struct config *c, enum opt_id id, char *buf, size_t size);
bool option_is_default(const struct config *c, enum opt_id id);

/* It belongs to mode stateful alone: option.def says so at the beginning of its doc. */
bool option_is_stateful(enum opt_id id);
/* And one of mode dynamic? */
bool option_is_dynamic(enum opt_id id);

/* 0 for a scalar. */
size_t option_list_len(const struct config *c, enum opt_id id);
/* Element i of a list in its one-word form. */
void option_elem_text(const struct config *c, enum opt_id id, size_t i, char *buf,
		      size_t size);

/* "FILE:LINE: " or "word 3 (-6): " of element i (scalar: i = 0), "" if unknown. */
void option_place(const struct config *c, enum opt_id id, size_t i, char *buf,
		  size_t size);

/* ^[a-z0-9][a-z0-9_-]*$, at most N64_NAME_MAX: 0, or -EINVAL with *err. */
int config_name_check(const char *name, struct config_error *err);

/* wkp-strict with `auto` resolved: off in `dynamic`, where a NAT44 usually
 * follows (ADR-04). */
bool config_wkp_strict(const struct config *c);

/* RFC 1191 plateaus that count (MTU-46-11), when mtu-plateaus is not set. */
extern const __u32 default_plateaus[];
extern const size_t n_default_plateaus;

/* Well-known prefix 64:ff9b::/96 (RFC 6052 2.1). */
bool prefix6_is_wkp(const struct prefix6 *p);
/* A /96 whose six words sum to a multiple of 0xffff (ADR-06, RFC 6052 4.1). */
bool prefix6_is_neutral(const struct prefix6 *p);

/* MIX-01: the entry, from 1, that element i of eam (xlat4) belongs to; 0: none. */
__u32 config_entry_of_eam(const struct config *c, size_t i);
__u32 config_entry_of_xlat4(const struct config *c, size_t i);

/* "tcp", "udp" or "icmp" of an enum st_proto. */
const char *st_proto_text(__u32 proto);

#define PREFIX_TEXT 64
const char *prefix4_text(const struct prefix4 *p, char buf[PREFIX_TEXT]);
const char *prefix6_text(const struct prefix6 *p, char buf[PREFIX_TEXT]);

/* The word of `words` (n of them, NULLs skipped) that is meant by a misspelt
 * one, NULL: none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t n);

#endif

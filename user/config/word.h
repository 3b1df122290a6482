/* SPDX-License-Identifier: GPL-2.0-only */
/* One word of the operator and what it can be read as. Every reader returns 0,
 * or -EINVAL with the sentence "PLACE: KEY: 'VALUE' is not ...; write ...". */
#ifndef N64_WORD_H
#define N64_WORD_H

#include "options.h"

struct word {
	const char *source;	/* file, or "word 3 (-6)" */
	unsigned int line;	/* 0: none */
	const char *key;
	const char *field;	/* of an element {field: value}; NULL: none */
	const char *value;	/* NULL: not given */
	struct config_error *err;
};

int word_bad(const struct word *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int word_u32(const struct word *w, __u32 min, __u32 max, const char *rule, __u32 *out);
int word_bool(const struct word *w, __u32 *out);
int word_enum(const struct word *w, const char *words, __u32 *out);
int word_addr4(const struct word *w, __be32 *out);
int word_addr6(const struct word *w, struct addr6 *out);
/* Without a length: a host. */
int word_prefix4(const struct word *w, struct prefix4 *out);
int word_prefix6(const struct word *w, struct prefix6 *out);
int word_pref64(const struct word *w, struct prefix6 *out);

/* The word as it may be shown: printable, and not too long. */
#define SHOWN_MAX 64
const char *word_shown(const char *value, char buf[SHOWN_MAX]);

/* ---- elements of lists ------------------------------------------------------ */

#define ELEM_FIELDS 3

struct elem_kind {
	size_t size;
	const char *field[ELEM_FIELDS];	/* of the form {field: value, ...} */
	unsigned int required;		/* how many of them must be given */
	unsigned int words;		/* how many the one-word form has at most */
	char split;			/* between them */
	const char *form;		/* accepted form, for messages */
	/* val: one word for each field, value NULL if not given */
	int (*build)(const struct word *val, void *elem);
	unsigned int lists;		/* 1 << i: field i may be a list of words */
};

extern const struct elem_kind elem_kinds[N_ELEMS];

/* Those of mode stateful, and their one-word forms. */
/* An entry of pool4 that says nothing about ports and protocols (PORT-05). */
#define POOL_ALL_PROTOS (1u << ST_TCP | 1u << ST_UDP | 1u << ST_ICMP)
#define POOL_FIRST_PORT 1024
#define POOL_LAST_PORT 65535

int build_pool4(const struct word *val, void *elem);
int build_host(const struct word *val, void *elem);
int build_static(const struct word *val, void *elem);
int build_port_time(const struct word *val, void *elem);
/* `bare`: what it does not say, it is not asked about (mode dynamic). */
void pool4_text(const struct pool4_entry *e, bool bare, char *buf, size_t size);
void static_text(const struct static_entry *e, char *buf, size_t size);
void host_text(const struct host_entry *e, char *buf, size_t size);
void port_time_text(const struct port_time *e, char *buf, size_t size);

/* An entry of `stateless` with all that belongs to it (stateless.c). */
int config_put_stateless(struct config *c, const struct word *val);
void stateless_text(const struct config *c, size_t i, char *buf, size_t size);

/* Head of every CONFIG_LIST, whatever its elements are. */
struct config_raw_list {
	void *v;
	size_t n;
};

/* ---- storing ------------------------------------------------------------------ */

/* Sets a scalar option, or appends an element in its one-word form. w->key is
 * the option's. */
int config_put_word(struct config *c, enum opt_id id, const struct word *w);
/* Appends an element given by fields. */
int config_put_fields(struct config *c, enum opt_id id, const struct word *val);
/* Appends an element of `size` bytes to a list. */
int config_append(struct config *c, enum opt_id id, const void *elem, size_t size);
/* Remembers where a scalar (i = 0) or the element i was written. */
int config_note_place(struct config *c, enum opt_id id, size_t i, const struct word *w);
void config_places_free(struct config_places *p);

#endif

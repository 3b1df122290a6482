/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors in the words of the other family (RFC 7915 4.2 and 5.2): the
 * tables of requirements 6.1 to 6.3, one row a rule. Echo is hdr.h's. */
#ifndef N64_ICMP_H
#define N64_ICMP_H

#include "rules.h"

/* What becomes of the second word of the ICMP header. */
enum icmp_word {
	WORD_UNUSED,	 /* 0, or a length of RFC 4884 */
	WORD_MTU,	 /* mtu.h */
	WORD_POINTER,	 /* figures 3 and 6 */
	WORD_POINTER_NH, /* 6: the Next Header field of the quoted packet */
};

#define CODE_SAME 0xff

/* Types of the family that it comes from; codes from `first` to `last`. */
struct icmp_rule {
	__u8 type, first, last;
	__u8 to_type, to_code; /* CODE_SAME: the code is copied */
	enum icmp_word word;
};

static const struct icmp_rule icmp_rules_4to6[] = {
	{ ICMP4_UNREACH, 0, 1, ICMP6_UNREACH, 0, WORD_UNUSED },		/* ICMP-46-03 */
	{ ICMP4_UNREACH, 2, 2, ICMP6_PARAM, 1, WORD_POINTER_NH },	/* ICMP-46-04 */
	{ ICMP4_UNREACH, 3, 3, ICMP6_UNREACH, 4, WORD_UNUSED },		/* ICMP-46-05 */
	{ ICMP4_UNREACH, 4, 4, ICMP6_TOO_BIG, 0, WORD_MTU },		/* ICMP-46-06 */
	{ ICMP4_UNREACH, 5, 8, ICMP6_UNREACH, 0, WORD_UNUSED },		/* ICMP-46-03 */
	{ ICMP4_UNREACH, 9, 10, ICMP6_UNREACH, 1, WORD_UNUSED },	/* ICMP-46-07 */
	{ ICMP4_UNREACH, 11, 12, ICMP6_UNREACH, 0, WORD_UNUSED },	/* ICMP-46-03 */
	{ ICMP4_UNREACH, 13, 13, ICMP6_UNREACH, 1, WORD_UNUSED },	/* ICMP-46-07 */
	{ ICMP4_UNREACH, 15, 15, ICMP6_UNREACH, 1, WORD_UNUSED },	/* ICMP-46-07 */
	{ ICMP4_TIME_EXCEEDED, 0, 255, ICMP6_TIME_EXCEEDED, CODE_SAME, WORD_UNUSED }, /* -09 */
	{ ICMP4_PARAM, 0, 0, ICMP6_PARAM, 0, WORD_POINTER },		/* ICMP-46-10 */
	{ ICMP4_PARAM, 2, 2, ICMP6_PARAM, 0, WORD_POINTER },		/* ICMP-46-10 */
};

static const struct icmp_rule icmp_rules_6to4[] = {
	{ ICMP6_UNREACH, 0, 0, ICMP4_UNREACH, 1, WORD_UNUSED },		/* ICMP-64-03 */
	{ ICMP6_UNREACH, 1, 1, ICMP4_UNREACH, 10, WORD_UNUSED },	/* ICMP-64-04 */
	{ ICMP6_UNREACH, 2, 3, ICMP4_UNREACH, 1, WORD_UNUSED },		/* ICMP-64-03 */
	{ ICMP6_UNREACH, 4, 4, ICMP4_UNREACH, 3, WORD_UNUSED },		/* ICMP-64-05 */
	{ ICMP6_TOO_BIG, 0, 255, ICMP4_UNREACH, 4, WORD_MTU },		/* ICMP-64-07 */
	{ ICMP6_TIME_EXCEEDED, 0, 255, ICMP4_TIME_EXCEEDED, CODE_SAME, WORD_UNUSED }, /* -08 */
	{ ICMP6_PARAM, 0, 0, ICMP4_PARAM, 0, WORD_POINTER },		/* ICMP-64-09 */
	{ ICMP6_PARAM, 1, 1, ICMP4_UNREACH, 2, WORD_UNUSED },		/* ICMP-64-10 */
};

#define N_RULES(table) (sizeof(table) / sizeof((table)[0]))

/* NULL: no counterpart (ICMP-46-08/11/12, ICMP-64-06/11/12). `fam` is that of
 * the message as received. */
static inline const struct icmp_rule *icmp_rule(enum ip_family fam, __u8 type, __u8 code)
{
	const struct icmp_rule *t = fam == FAM_4 ? icmp_rules_4to6 : icmp_rules_6to4;
	size_t n = fam == FAM_4 ? N_RULES(icmp_rules_4to6) : N_RULES(icmp_rules_6to4);

	for (size_t i = 0; i < n; i++)
		if (t[i].type == type && code >= t[i].first && code <= t[i].last)
			return &t[i];
	return NULL;
}

static inline __u8 icmp_to_code(const struct icmp_rule *rule, __u8 code)
{
	return rule->to_code == CODE_SAME ? code : rule->to_code;
}

/* ---- parameter-problem pointers (RFC 7915 figures 3 and 6) ------------------------ */

struct pointer_rule {
	__u8 first, last; /* offset in the header that it comes from */
	__u8 to;
};

static const struct pointer_rule pointers_4to6[] = {
	{ 0, 0, 0 },	/* version */
	{ 1, 1, 1 },	/* TOS */
	{ 2, 3, 4 },	/* total length */
	{ 8, 8, 7 },	/* TTL */
	{ 9, 9, 6 },	/* protocol */
	{ 12, 15, 8 },	/* source */
	{ 16, 19, 24 },	/* destination */
};

static const struct pointer_rule pointers_6to4[] = {
	{ 0, 0, 0 },	/* version */
	{ 1, 1, 1 },	/* traffic class */
	{ 4, 5, 2 },	/* payload length */
	{ 6, 6, 9 },	/* next header */
	{ 7, 7, 8 },	/* hop limit */
	{ 8, 23, 12 },	/* source */
	{ 24, 39, 16 },	/* destination */
};

/* -1: the field has no counterpart. */
static inline int icmp_pointer(enum ip_family fam, __u32 pointer)
{
	const struct pointer_rule *t = fam == FAM_4 ? pointers_4to6 : pointers_6to4;
	size_t n = fam == FAM_4 ? N_RULES(pointers_4to6) : N_RULES(pointers_6to4);

	for (size_t i = 0; i < n; i++)
		if (pointer >= t[i].first && pointer <= t[i].last)
			return t[i].to;
	return -1;
}

#endif

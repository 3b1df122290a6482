/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration as the operator wrote it, checked. From a YAML file or from
 * the options of `attach`; both end in the same checks. */
#ifndef N64_CONFIG_H
#define N64_CONFIG_H

#include "abi.h"

#define N64_NAME_MAX 11	 /* "n-NAMEx" must fit IFNAMSIZ */
#define N64_DEFAULT_NAME "default"

/* Lists are arrays of these, by the type in option.def. Addresses wire order,
 * host bits zero. */
struct prefix4 {
	__be32 addr;
	__u8 len;
};

struct prefix6 {
	struct addr6 addr;
	__u8 len;
};

struct eam_entry {
	struct prefix4 v4;
	struct prefix6 v6;
};

struct noxlat_entry {
	enum ip_family fam;
	struct prefix4 v4;
	struct prefix6 v6;
	__u16 port; /* 0: every port */
};

/* A range of ports of a prefix, for some protocols. Entries may touch but not overlap. */
struct pool4_entry {
	struct prefix4 prefix;
	__u16 first, last;	/* host order; ICMP identifiers are not limited by them */
	__u32 protos;		/* 1 << enum st_proto */
};

struct static_entry {
	__u32 proto;		/* enum st_proto */
	__be32 addr4;
	struct addr6 addr6;
	__u16 port4, port6;	/* host order; or ICMP identifiers */
	bool host;		/* mode dynamic: of a whole host (common/dynamic.h) */
};

/* Mode dynamic: a host that always has the same address. */
struct host_entry {
	__be32 addr4;
	struct addr6 addr6;
};

struct port_time {
	__u16 port;
	__u16 seconds;
};

/* One entry of `stateless`; its EAM and ranges stand in the lists eam and xlat4, which
 * mode stateful does not have otherwise. */
struct stateless_entry {
	struct prefix6 pref64;	/* len 0: none */
	size_t eam, n_eam;	/* the first of them, and how many */
	size_t xlat4, n_xlat4;
};

enum iface_deliver { DELIVER_AUTO, DELIVER_STACK };

struct iface_entry {
	char name[16];
	__u32 flags; /* PORT_6TO4 | PORT_4TO6 */
	enum iface_deliver deliver;
};

#define CONFIG_LIST(type) \
	struct {          \
		type *v;  \
		size_t n; \
	}

struct config {
	char name[N64_NAME_MAX + 1];
	struct n64_opts opt;
	CONFIG_LIST(struct iface_entry) interfaces;
	CONFIG_LIST(struct prefix6) pref64; /* in the order written */
	CONFIG_LIST(struct pool4_entry) pool4;
	CONFIG_LIST(struct static_entry) statics;
	CONFIG_LIST(struct host_entry) static_hosts;
	CONFIG_LIST(struct port_time) udp_port_timeouts;
	CONFIG_LIST(struct stateless_entry) stateless;
	CONFIG_LIST(struct eam_entry) eam;
	CONFIG_LIST(struct prefix4) xlat4;
	CONFIG_LIST(struct prefix4) denylist4;
	CONFIG_LIST(struct prefix6) allow6;
	CONFIG_LIST(struct noxlat_entry) no_translate;
	CONFIG_LIST(struct iface_entry) multicast_out4, multicast_out6; /* at most one each */
	CONFIG_LIST(struct prefix6) mpref64;				/* at most one */
	CONFIG_LIST(struct prefix4) pool6791v4;
	CONFIG_LIST(struct prefix6) pool6791v6;
	CONFIG_LIST(__u32) mtu_plateaus;
	bool adapted;	/* mode dynamic: as the tables of mode stateful are told (hosts.c) */
	struct config_places *places; /* where each value was written, for messages; may be NULL */
};

/* One sentence: what, where, why, what to do. */
struct config_error {
	char text[512];
};

/* Defaults of every option. Free with config_free. */
void config_init(struct config *c);
void config_free(struct config *c);

/* Reads a YAML file. Unknown keys, wrong types, values out of bounds are errors
 * "FILE:LINE: KEY: 'VALUE' is not ...; use ..." . 0 or -EINVAL/-errno with *err. */
int config_read_file(struct config *c, const char *path, struct config_error *err);

/* Sets one option from a word of the command line, with the same parser as the
 * file; for lists: appends one element. `where` names the place in messages
 * ("-6", "--eam"). An iface is DEV[:both|6to4|4to6|none], an eam V4=V6. */
int config_set(struct config *c, const char *key, const char *value,
	       const char *where, struct config_error *err);

/* What only the whole can tell: missing pref64, overlapping or duplicate
 * entries, impossible combinations; fills defaults that depend on the mode.
 * Warnings go to `warn` (may be NULL), one call each. 0 or -EINVAL with *err. */
int config_check(struct config *c, void (*warn)(const char *text),
		 struct config_error *err);

/* The part of n64_conf that follows from the configuration alone (pref64
 * sorted, options, plateaus, have flags of the lists, wkp_strict); the rest
 * (pair ifindexes, key, ncpu, ...) is zero. */
void config_to_conf(const struct config *c, struct n64_conf *conf);

/* Mode stateful, at reload: a pref64 that `before` has keeps its index, which mappings and
 * sessions hold (ADR-08); new ones take free indexes, those that left leave holes. */
void conf_keep_pref64(const struct n64_conf *before, struct n64_conf *conf);

#endif

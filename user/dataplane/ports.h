/* SPDX-License-Identifier: GPL-2.0-only */
/* The interfaces that an instance is attached to: whether they can be, and what
 * has to be changed on them. */
#ifndef N64_PORTS_H
#define N64_PORTS_H

#include "journal.h"
#include "links.h"

struct port {
	char name[16];
	__u32 ifindex;
	__u32 mtu;
	__u32 flags;	/* enum n64_port_flags that the configuration asks for */
	__u8 mac[MAC_LEN];
};

struct ports {
	struct port v[N64_MAX_PORTS];
	__u32 ifindex[N64_MAX_PORTS];	/* the same, for link_port */
	__u32 n;
};

/* Every reason against an interface, before anything is changed: missing, down,
 * without Ethernet headers, slave of a bond, MTU too small, another XDP program,
 * another instance. 0 or -errno with *err. */
int ports_judge(const struct config *c, const struct links *l, struct ports *out,
		struct config_error *err);

/* The interfaces as they stand in the journal, for reload, detach and status. */
void ports_of_state(const struct state *s, struct ports *out);
int ports_to_state(struct state *s, const struct ports *p);

/* Forwarding, router advertisements and offloads; each change is recorded, done
 * and said. */
int ports_prepare_host(struct state *s, const struct links *l, struct nl *nl,
		       const struct ports *p, say_fn say, struct config_error *err);
int ports_change(struct state *s, const struct links *l, const struct ports *p, say_fn say,
		 struct config_error *err);

/* Warns of what breaks XDP on a veth port (L2-06). */
void ports_warn(const struct links *l, const struct ports *p, say_fn say);

/* "NAME (id N)" of a loaded program. */
#define PROG_TEXT 48
const char *prog_text(__u32 id, char buf[PROG_TEXT]);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding things in the tables of the state, from the tests (state_bed.h). */
#ifndef N64_STATE_FIND_H
#define N64_STATE_FIND_H

static inline int bed_slot(__be32 addr)
{
	for (int i = 0; i < N64_MAX_SLOTS; i++)
		if (bed.slot[i].flags & SLOT_USED && bed.slot[i].addr == addr)
			return i;
	fail_msg("no such pool address");
	return -1;
}

static inline const struct n64_binding *bed_binding(enum st_proto proto, __be32 t, __u16 port)
{
	return &bed.row[row_of((__u32)bed_slot(t), proto)].binding[port];
}

static inline __u32 bed_index(enum st_proto proto, __be32 t, __u16 port)
{
	return binding_index(row_of((__u32)bed_slot(t), proto), port);
}

static inline const struct n64_bib6 *bed_bib6(enum st_proto proto, const char *host, __u16 port)
{
	struct addr6 a;
	struct st_key k;

	inet_pton(AF_INET6, host, &a);
	k = key_bib6(bed_conf(), proto, &a, be16(port));
	for (__u32 i = 0; i < 2 * TAB_REACH; i++) {
		const struct n64_bib6 *e =
			&bed.bib6[tab_place(bed_conf(), TAB_BIB6, &k, i / 2, i % 2)];

		if (ctl_state(e->ctl) == CTL_ACTIVE && addr6_equal(&e->host6, &a) &&
		    e->port6 == be16(port) && (ctl_row(e->ctl) & 3) == proto)
			return e;
	}
	return NULL;
}

/* The session of the mapping at `index` in its life now (`stored`: a stored SYN). */
static inline const struct n64_session *bed_session(__u32 index, const char *peer, __u16 port,
						    bool stored)
{
	__u32 gen = stored ? 0 : ctl_gen(bed.row[index >> 16].binding[index & 0xffff].ctl);
	struct st_key k;
	__be32 a;

	inet_pton(AF_INET, peer, &a);
	k = key_session(bed_conf(), index, gen, a, be16(port));
	for (__u32 i = 0; i < 2 * TAB_REACH; i++) {
		const struct n64_session *e =
			&bed.session[tab_place(bed_conf(), TAB_SESSION, &k, i / 2, i % 2)];

		if (ctl_state(e->ctl) == CTL_ACTIVE && e->binding == index && e->remote4 == a &&
		    e->remote_port == be16(port) && ctl_gen(e->ctl) == gen)
			return e;
	}
	return NULL;
}

#endif

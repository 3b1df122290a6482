/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold of all tables of the state when nobody is at work: each mapping is whole,
 * and every count is what a recount finds. */
#ifndef N64_STATE_AUDIT_H
#define N64_STATE_AUDIT_H

#include "state_run.h"

static struct {
	__u32 mappings[N_ST_PROTOS], statics, sessions, subscribers;
	__u32 *of_sub; /* by place in `subs` * 4 + kind */
} audit;

static inline int audit_sub(const struct addr6 *host)
{
	struct st_key k = key_sub(bed_conf(), host);

	for (__u32 d = 0; d < TAB_REACH; d++) {
		__u32 n = tab_place(bed_conf(), TAB_SUB, &k, d, 0);

		if (ctl_state(bed.sub[n].ctl) == CTL_ACTIVE &&
		    addr6_equal(&bed.sub[n].prefix, &k.a))
			return (int)n;
	}
	return -1;
}

static inline void audit_row(__u32 row)
{
	const struct bed_row *r = &bed.row[row];
	__u32 used = 0;

	if (!r->binding)
		return;
	for (__u32 port = 0; port < N64_ROW_PORTS; port++) {
		const struct n64_binding *b = &r->binding[port];
		enum ctl_state st = ctl_state(b->ctl);
		int sub;

		if (st == CTL_FREE)
			continue;
		if (st != CTL_ACTIVE)
			fail_msg("row %u port %u is left in state %d", row, port, st);
		used++;
		if (b->ctl & CTL_STATIC) {
			audit.statics++;
			continue;
		}
		audit.mappings[row & 3]++;
		sub = audit_sub(&b->host6);
		if (sub < 0)
			fail_msg("row %u port %u belongs to no subscriber", row, port);
		audit.of_sub[sub * 4 + (int)(row & 3)]++;
	}
	assert_int_equal(r->row->used, used);
}

/* A bib6 entry points to a record that points back. */
static inline void audit_bib6(void)
{
	__u32 n = 0, all = audit.statics;

	for (__u32 i = 0; i < bed_conf()->st.bib6_lines * 2; i++) {
		const struct n64_bib6 *e = &bed.bib6[i];
		const struct n64_binding *b;

		if (ctl_state(e->ctl) == CTL_FREE)
			continue;
		if (ctl_state(e->ctl) != CTL_ACTIVE)
			fail_msg("bib6 entry %u is left in state %d", i, ctl_state(e->ctl));
		n++;
		b = &bed.row[ctl_row(e->ctl)].binding[host16(e->port4)];
		if (ctl_state(b->ctl) != CTL_ACTIVE || ctl_gen(b->ctl) != ctl_gen(e->ctl) ||
		    !addr6_equal(&b->host6, &e->host6) || b->port6 != e->port6)
			fail_msg("bib6 entry %u and its record differ", i);
	}
	for (int p = 0; p < N_ST_PROTOS; p++)
		all += audit.mappings[p];
	assert_int_equal(n, all);
}

static inline void audit_sessions(void)
{
	for (__u32 i = 0; i < bed_conf()->st.session_lines * 2; i++) {
		const struct n64_session *e = &bed.session[i];
		int sub = session_sub(e->ctl);

		if (ctl_state(e->ctl) == CTL_FREE)
			continue;
		if (ctl_state(e->ctl) != CTL_ACTIVE)
			fail_msg("session %u is left in state %d", i, ctl_state(e->ctl));
		if (sub < 0)
			continue; /* a stored SYN */
		audit.sessions++;
		audit.of_sub[sub * 4 + 3]++;
	}
}

static inline void audit_all(void)
{
	__u32 subs = bed_conf()->st.sub_lines;

	memset(&audit, 0, sizeof(audit));
	audit.of_sub = calloc(subs * 4, sizeof(__u32));
	assert_non_null(audit.of_sub);
	for (__u32 i = 0; i < BED_ROWS; i++)
		audit_row(i);
	audit_bib6();
	audit_sessions();
	for (__u32 i = 0; i < subs; i++) {
		if (ctl_state(bed.sub[i].ctl) == CTL_FREE)
			continue;
		assert_int_equal(ctl_state(bed.sub[i].ctl), CTL_ACTIVE);
		audit.subscribers++;
		for (__u32 k = 0; k < 4; k++)
			if (bed.sub[i].count[k] != audit.of_sub[i * 4 + k])
				fail_msg("subscriber %u has %u of kind %u, counted %u", i,
					 audit.of_sub[i * 4 + k], k, bed.sub[i].count[k]);
	}
	for (int p = 0; p < N_ST_PROTOS; p++)
		assert_int_equal(bed.all->count[p].n, audit.mappings[p]);
	assert_int_equal(bed.all->count[3].n, audit.sessions);
	assert_int_equal(bed.all->subscribers, audit.subscribers);
	free(audit.of_sub);
}

#endif

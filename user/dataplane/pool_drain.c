/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of pool addresses and ports that are not in the configuration any more
 * (PORT-10): they live out their mappings, or these are ended at once. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool_rows.h"

#define SWEEP_PORTS 4096

/* ---- draining ------------------------------------------------------------- */

/* Reclaims what has expired and returns how many mappings the row still has. */
static long sweep_row(const struct pool_maps *m, __u32 row)
{
	struct n64_call call;
	__u32 port;

	for (port = 0; port < N64_ROW_PORTS; port += SWEEP_PORTS) {
		call = (struct n64_call){ .op = CALL_SWEEP, .row = row, .n = SWEEP_PORTS };
		call.port4 = (__be16)port; /* host order here */
		if (pool_call(m->call, &call) || call.reason != R_GO_ON)
			return -EIO;
	}
	return call.until;
}

static bool is_drained(const struct pool_maps *m, __u32 s, const struct n64_slot *slot)
{
	__u32 p;

	for (p = 0; p < N_ST_PROTOS; p++) {
		if (slot->protos & 1u << p && sweep_row(m, row_of(s, (enum st_proto)p)))
			return false;
	}
	return true;
}

int pool_collect(const struct pool_maps *m, int most)
{
	struct n64_slot slot;
	int n = 0;
	__u32 s;

	for (s = 0; s < N64_MAX_SLOTS && n < most; s++) {
		if (bpf_map_lookup_elem(m->slots, &s, &slot) || !(slot.flags & SLOT_DRAINING) ||
		    !is_drained(m, s, &slot))
			continue;
		/* a reload may have taken it back meanwhile */
		if (bpf_map_lookup_elem(m->slots, &s, &slot) || !(slot.flags & SLOT_DRAINING))
			continue;
		slot_drop(m, s);
		n++;
	}
	return n;
}

/* ---- --now ----------------------------------------------------------------- */

static int map_bindings(const struct pool_maps *m, __u32 row, const struct n64_binding **b)
{
	__u32 id;
	void *at;
	int fd;

	if (bpf_map_lookup_elem(m->bindings, &row, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	at = mmap(NULL, N64_ROW_PORTS * sizeof(**b), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return -errno;
	*b = at;
	return 0;
}

static long delete_binding(const struct pool_maps *m, __u32 row, __u32 port, __u64 ctl)
{
	struct n64_call call = { .op = CALL_DEL, .ctl = ctl };
	int rc;

	call.binding = binding_index(row, (__u16)port);
	rc = pool_call(m->call, &call);
	return rc ? rc : (long)call.n;
}

/* A mapping that lives on meanwhile has another ctl (its flags): tried again. */
static long flush_row(const struct pool_maps *m, __u32 row, const struct port_set *keep,
		      bool statics)
{
	const struct n64_binding *b = NULL;
	long done = 0, n;
	int rc = map_bindings(m, row, &b);
	__u32 port;

	if (rc)
		return rc;
	for (port = 0; port < N64_ROW_PORTS; port++) {
		int tries;

		if (port_set_has(keep, port))
			continue;
		for (tries = 0, n = 0; tries < 3 && !n; tries++) {
			__u64 ctl = __atomic_load_n(&b[port].ctl, __ATOMIC_RELAXED);

			if (ctl_state(ctl) != CTL_ACTIVE || (ctl & CTL_STATIC && !statics))
				break;
			n = delete_binding(m, row, port, ctl);
			done += n > 0 ? n : 0;
		}
	}
	munmap((void *)b, N64_ROW_PORTS * sizeof(*b));
	return done;
}

long pool_flush_removed(const struct pool_maps *m, const struct pool_plan *plan)
{
	long all = 0, n;
	__u32 s, p;

	for (s = 0; s < N64_MAX_SLOTS; s++) {
		bool gone = plan->after[s].flags & SLOT_DRAINING;

		for (p = 0; p < N_ST_PROTOS; p++) {
			struct port_set keep = { 0 };
			struct n64_row row;

			if (pool_row_read(m, row_of(s, (enum st_proto)p), &row) || !row.used)
				continue;
			if (!gone)
				port_set_of(plan->c, plan->after[s].addr, (enum st_proto)p, &keep);
			n = flush_row(m, row_of(s, (enum st_proto)p), &keep, gone);
			if (n < 0)
				return n;
			all += n;
		}
	}
	return all;
}

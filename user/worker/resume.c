/* SPDX-License-Identifier: GPL-2.0-only */
/* The sums of GEN-10 across workers: what was handed over and neither received nor
 * refused lay in the rings of one that was killed, and counts as ring drops. */
#include "worker/parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

/* One reason in slots `from` to `to`, over all CPUs. */
static int count_slots(int fd, enum reason r, __u32 from, __u32 to, __u64 *sum)
{
	int ncpu = libbpf_num_possible_cpus(), rc = 0;
	struct n64_count *cpu = ncpu > 0 ? calloc(ncpu, sizeof(*cpu)) : NULL;

	if (!cpu)
		return -ENOMEM;
	for (__u32 slot = from; slot <= to && !rc; slot++) {
		__u32 key = slot * N_REASONS + r;

		rc = bpf_map_lookup_elem(fd, &key, cpu) ? -errno : 0;
		for (int i = 0; i < ncpu && !rc; i++)
			*sum += cpu[i].packets;
	}
	free(cpu);
	return rc;
}

static int count_lost(int fd, __u64 received, __u64 *lost)
{
	__u64 over = 0, handed = 0;
	/* what is on its way counts too much here, and never too little: whatever
	 * overflowed was handed over before */
	int r = count_slots(fd, R_sp_overflow, N64_SLOT_XLAT, N64_SLOT_XLAT, &over);

	for (unsigned int i = 0; i < N_REASONS && !r; i++)
		if (reason_kind((enum reason)i) == KIND_SLOW)
			r = count_slots(fd, i, 0, N64_SLOTS - 1, &handed);
	*lost = handed > over + received ? handed - over - received : 0;
	return r;
}

int worker_resume(struct worker *w, int counters_fd)
{
	struct n64_control *c = w->control;
	__u64 received = 0, lost;
	int r;

	for (unsigned int i = 0; i < N_REASONS; i++)
		if (reason_kind((enum reason)i) != KIND_NOTE)
			received += w->world.count[i].packets;
	r = count_lost(counters_fd, received, &lost);
	if (r)
		return r;
	w->received = received;
	w->dropped_before = lost > c->xsk_rx_dropped ? lost : c->xsk_rx_dropped;
	__atomic_store_n(&c->xsk_rx_received, w->received, __ATOMIC_RELAXED);
	__atomic_store_n(&c->held, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&c->xsk_rx_dropped, w->dropped_before, __ATOMIC_RELAXED);
	return 0;
}

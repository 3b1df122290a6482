/* SPDX-License-Identifier: GPL-2.0-only */
/* The counters of an instance, added up over the CPUs (GEN-10). */
#ifndef N64_COUNTERS_H
#define N64_COUNTERS_H

#include "ports.h"

enum stage_kind { STAGE_PORT, STAGE_XLAT, STAGE_EXIT, STAGE_WORKER };

struct stage {
	char name[24];
	enum stage_kind kind;
	struct n64_count by[N_REASONS];
	struct n64_count in;	/* the sum of all reasons but NOTE */
};

struct counters {
	struct stage v[N64_MAX_PORTS + 3];
	__u32 n;
	struct n64_control control;
};

/* 0, or -errno when the pinned maps cannot be read. */
int counters_read(const struct state *s, const struct ports *p, struct counters *c);

/* Packets of a stage that left with a reason of this kind. */
__u64 stage_kind_sum(const struct stage *s, enum reason_kind kind);
/* Packets of one reason over all stages. */
__u64 counters_total(const struct counters *c, enum reason r);

/* The two sums between the stages: what the ports and nat64x handed over must
 * have reached the worker or be counted as dropped by its rings, and what the
 * worker took must have left it with a reason, or be held. */
struct handover {
	__u64 handed_over;	/* SLOW reasons of ports and nat64x */
	__u64 ring_drops;	/* between nat64x and the worker's rings */
	__u64 overflow;		/* nat64x: no worker, or its socket was full */
	__u64 received;		/* taken from the rings */
	__u64 held;		/* by the worker: fragments that wait for others */
	__u64 worker_in;	/* left the worker with a reason, or held */
	long long missing;	/* handed over, and neither received nor counted */
	__u64 in_flight;	/* set by counters_settle: between two counters just now */
	bool holds;
};

void counters_handover(const struct counters *c, struct handover *h);

/* Reads until the sums hold, or until everything that had been handed over at the
 * first look has arrived: on a busy gateway packets are always between two
 * counters. On an idle one the sums are exact, and a gap stays one. */
int counters_settle(const struct state *s, const struct ports *p, struct counters *c,
		    struct handover *h);
bool handover_arrived(const struct handover *first, const struct handover *now);

const char *reason_name(enum reason r);
const char *reason_text(enum reason r);
const char *reason_kind_name(enum reason_kind k);

#endif

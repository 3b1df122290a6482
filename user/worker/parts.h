/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker as a whole, and its parts: opening (open.c), packets (packets.c), the event
 * loop (worker.c); in mode stateful also fragments (fragments.c), stored SYNs (syn.c) and
 * the rounds (sweep.c) and the first touch of the tables (warm.c). */
#ifndef N64_WORKER_PARTS_H
#define N64_WORKER_PARTS_H

#include "drain.h"
#include "log.h"
#include "mapstate.h"
#include "queue.h"
#include "sweep.h"
#include "syn_store.h"
#include "warm.h"
#include "world.h"
#include "worker.h"

/* Kinds of lines that packets cause. */
enum packet_log { LOG_UDP_ZERO, LOG_EH, LOG_NO_SOURCE, LOG_TX, LOG_POOL, N_PACKET_LOGS };

/* The packet in hand. */
struct packet {
	struct queue *q;
	struct n64_slow slow;
	struct slow_in in;
	bool tx_failed;
	enum reason tx_reason;	/* why, when tx_failed */
};

struct fragments {
	struct reasm *reasm;
	size_t bytes;		/* of memory */
};

struct worker {
	struct instance_paths path;
	struct world world;
	struct n64_env env;	/* of the core: conf and policy of `world` */
	struct slow_ops ops;
	struct queue *queue;
	__u32 n_queues;
	__u32 next_bulk;	/* queue whose bulk ring is looked at next */
	int xskmap;
	int lock;
	struct n64_control *control;
	struct n64_hops *hops;
	__u64 policy_gen;	/* of the policy that is loaded */
	__u64 refused_gen;	/* of the one that could not be read */
	__u64 dropped_before;	/* by sockets of earlier workers */
	__u64 received;
	struct packet now;
	__u8 *scratch;
	__u64 now_ms;		/* coarse clock, as in world, but it does not wrap */
	/* mode stateful */
	struct mapstate state;
	__u32 second;		/* of the state clock, at the last tick */
	struct fragments frag;
	struct syn_store syns;
	struct sweep sweep;
	struct warm warm;
	struct drain drain;
	struct log_limit limit[N_PACKET_LOGS];
	bool told_vlan, told_view;	/* warned, and it holds still */
};

/* ---- open.c: as root ---------------------------------------------------------- */

/* The lock, the pinned maps, the sockets; puts those into the map xskmap. 0 or
 * -errno with *err. worker_close frees in every case. */
int worker_open(struct worker *w, const char *name, struct config_error *err);
void worker_close(struct worker *w);

/* Reads policy.bin again; what is broken leaves the old one in force, and is said
 * once for each generation, or whenever somebody `asked`. The maps are brought up
 * to date at the next view_sync, as whoever wrote the policy wrote them too. */
void worker_reload(struct worker *w, bool asked);

/* What the workers before received and lost, from the counters, which outlive them:
 * one that died had no time to say it. Before sockets are plugged in. 0 or -errno. */
int worker_resume(struct worker *w, int counters_fd);

/* Takes the sockets out of xskmap: what comes from now on is counted by the
 * programs (sp_overflow). */
void worker_unplug(struct worker *w);

/* ---- packets.c ------------------------------------------------------------------ */

void packets_init(struct worker *w);
/* Everything that waits in the first rings, and a batch of each bulk ring. True:
 * there may be more. */
bool packets_serve(struct worker *w);
void packets_clock(struct worker *w);

/* What is emitted from here on comes of this packet, which may have been held. */
void packet_begin(struct worker *w, const struct slow_in *in, __u16 slow_flags);
/* One packet leaves: counted, and said where it is worth a line. */
void packet_done(struct worker *w, enum reason r, __u32 bytes);
void packet_log(struct worker *w, enum reason r);

/* ---- mode stateful ----------------------------------------------------------------- */

bool worker_is_stateful(const struct worker *w);
bool worker_has_state(const struct worker *w);

/* fragments.c: 0 or -ENOMEM. */
int fragments_open(struct worker *w);
void fragments_close(struct worker *w);
void fragments_reload(struct worker *w);
/* The packet in hand, a fragment or not; packet_done tells what becomes of it, and of
 * others that it sets free. */
void fragments_take(struct worker *w);
void fragments_tick(struct worker *w);
/* Packets that are held now; 0 in the other modes. */
__u64 fragments_held(const struct worker *w);

/* syn.c: the SYN in hand is to be stored (TCP-03): the reason with which it leaves. */
enum reason syn_keep(struct worker *w);
/* Ends the waiting of one stored SYN whose time is over; false: there is none. */
bool syn_step(struct worker *w);
void syn_tick(struct worker *w);

#endif

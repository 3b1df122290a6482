/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker as a whole, and its three parts: opening (open.c), packets
 * (packets.c), the event loop (worker.c). */
#ifndef N64_WORKER_PARTS_H
#define N64_WORKER_PARTS_H

#include "log.h"
#include "queue.h"
#include "world.h"
#include "worker.h"

/* Kinds of lines that packets cause. */
enum packet_log { LOG_UDP_ZERO, LOG_EH, LOG_NO_SOURCE, LOG_TX, N_PACKET_LOGS };

/* The packet in hand. */
struct packet {
	struct queue *q;
	struct n64_slow slow;
	struct slow_in in;
	bool tx_failed;
	enum reason tx_reason;	/* why, when tx_failed */
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
	__u64 policy_gen;	/* of the policy that is loaded */
	__u64 refused_gen;	/* of the one that could not be read */
	__u64 dropped_before;	/* by sockets of earlier workers */
	__u64 received;
	struct packet now;
	__u8 *scratch;
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

#endif

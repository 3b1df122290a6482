/* SPDX-License-Identifier: GPL-2.0-only */
/* The AF_XDP sockets of one queue of nat64x: one UMEM, one fill, completion and
 * TX ring, and two RX rings. Class bulk has a ring of its own, so that it never
 * delays the others (GEN-02). */
#ifndef N64_QUEUE_H
#define N64_QUEUE_H

#include <xdp/xsk.h>

#include "frame.h"

enum queue_ring { RING_FIRST, RING_BULK, N_RINGS };

/* A frame of several buffers on its way together (jumbo). */
struct assembly {
	__u8 *buf;
	__u32 len;
	bool open;	/* more is to come */
};

struct queue {
	struct xsk_umem *umem;
	void *area;
	size_t area_size;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons comp, rx[N_RINGS];
	struct xsk_socket *xsk[N_RINGS];
	struct assembly part[N_RINGS];
	__u64 *tx_free;		/* addresses of TX buffers that nobody uses */
	__u32 n_tx_free, n_tx;
	__u32 queued;		/* descriptors since the last kick */
	bool sg;		/* frames may have several buffers */
};

/* How many buffers a queue gets when there are `queues` of them. */
__u32 queue_buffers(__u32 queues);

/* Opens both sockets of queue `id` of `ifname`. `sg`: try for frames of several
 * buffers; q->sg tells whether it worked. 0 or -errno. */
int queue_open(struct queue *q, const char *ifname, __u32 id, __u32 buffers, bool sg);
void queue_close(struct queue *q);

typedef void (*queue_packet_fn)(void *ctx, struct queue *q, const __u8 *frame, __u32 len);

/* Hands up to `max` descriptors of a ring to `fn` and gives their buffers back.
 * Returns how many there were. A frame longer than any packet is handed over
 * with length 0. */
__u32 queue_receive(struct queue *q, enum queue_ring ring, __u32 max,
		    queue_packet_fn fn, void *ctx);

/* Puts a frame on the TX ring. 0; -ENOBUFS: ring or buffers stay full;
 * -EMSGSIZE: more than one buffer, which this kernel cannot send. */
int queue_send(struct queue *q, const struct eth_hdr *eth, const __u8 *ip, __u32 len);

/* Has the kernel send what is on the TX ring, and takes buffers back. True: some
 * of it waits still, and another kick may help at once. */
bool queue_kick(struct queue *q);

/* XDP_STATISTICS of both sockets: frames that found no buffer or a full ring. */
__u64 queue_dropped(const struct queue *q);

#endif

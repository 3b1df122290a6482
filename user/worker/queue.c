/* SPDX-License-Identifier: GPL-2.0-only */
/* AF_XDP sockets in copy mode (veth knows no other). */
#include "worker/queue.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linux 6.6 and later; not in the headers of older distributions */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#endif
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)
#endif
/* Linux 6.17: how many frames one sendto() takes */
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define BUF_SIZE 4096u
/* The kernel leaves XDP_PACKET_HEADROOM = 256 bytes; two more, and the IP header
 * behind hand-over header and Ethernet is four-byte aligned. */
#define HEADROOM 2u
/* The same in front of what we send. */
#define TX_OFFSET 2u
#define TX_ROOM (BUF_SIZE - TX_OFFSET)

#define MAX_FRAME (sizeof(struct n64_slow) + ETH_LEN + N64_MAX_TAGS * VLAN_LEN + SLOW_SCRATCH)

/* A second in which the kernel may let go of the sockets of a worker that died. */
#define BIND_TRIES 100
#define BIND_WAIT_US 10000

#define KICK_EVERY 256	 /* descriptors */
#define KICK_TRIES 256	 /* sendto() takes 32 frames at least */

__u32 queue_buffers(__u32 queues)
{
	__u32 n = 4096;

	/* 128 MiB in all, as long as 512 a queue remain */
	while (n > 512 && n * queues > 32768)
		n /= 2;
	return n;
}

static int bind_socket(struct queue *q, const char *ifname, __u32 id, __u32 buffers,
		       enum queue_ring ring)
{
	struct xsk_socket_config cfg = {
		/* half and a quarter: full RX rings leave a quarter of the
		 * buffers in the fill ring */
		.rx_size = ring == RING_FIRST ? buffers / 2 : buffers / 4,
		.tx_size = buffers / 2,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP | (q->sg ? XDP_USE_SG : 0),
	};

	return xsk_socket__create_shared(&q->xsk[ring], ifname, id, q->umem, &q->rx[ring],
					 ring == RING_FIRST ? &q->tx : NULL, &q->fill,
					 &q->comp, &cfg);
}

static int bind_both(struct queue *q, const char *ifname, __u32 id, __u32 buffers)
{
	const struct xsk_umem_config cfg = {
		.fill_size = buffers,
		.comp_size = buffers / 2,
		.frame_size = BUF_SIZE,
		.frame_headroom = HEADROOM,
	};
	int r = xsk_umem__create(&q->umem, q->area, q->area_size, &q->fill, &q->comp, &cfg);

	for (int i = 0; !r && i < N_RINGS; i++)
		r = bind_socket(q, ifname, id, buffers, i);
	return r;
}

static void unbind(struct queue *q)
{
	for (int i = N_RINGS - 1; i >= 0; i--) {
		if (q->xsk[i])
			xsk_socket__delete(q->xsk[i]);
		q->xsk[i] = NULL;
	}
	if (q->umem)
		xsk_umem__delete(q->umem);
	q->umem = NULL;
}

/* A dead worker's sockets leave their queue only some time after it. */
static int bind_patiently(struct queue *q, const char *ifname, __u32 id, __u32 buffers)
{
	int r = bind_both(q, ifname, id, buffers);

	for (int i = 0; r == -EBUSY && i < BIND_TRIES; i++) {
		unbind(q);
		usleep(BIND_WAIT_US);
		r = bind_both(q, ifname, id, buffers);
	}
	return r;
}

static int make_room(struct queue *q, __u32 buffers)
{
	q->n_tx = buffers / 2;
	q->area_size = (size_t)(buffers + q->n_tx) * BUF_SIZE;
	q->area = mmap(NULL, q->area_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->area == MAP_FAILED) {
		q->area = NULL;
		return -errno;
	}
	q->tx_free = calloc(q->n_tx, sizeof(*q->tx_free));
	for (int i = 0; i < N_RINGS; i++)
		q->part[i].buf = malloc(MAX_FRAME + TX_OFFSET);
	if (!q->tx_free || !q->part[RING_FIRST].buf || !q->part[RING_BULK].buf)
		return -ENOMEM;
	return 0;
}

/* The first `buffers` of the area are for receiving, the others for sending. */
static void deal_buffers(struct queue *q, __u32 buffers)
{
	__u32 at = 0;

	xsk_ring_prod__reserve(&q->fill, buffers, &at);
	for (__u32 i = 0; i < buffers; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = (__u64)i * BUF_SIZE;
	xsk_ring_prod__submit(&q->fill, buffers);
	for (__u32 i = 0; i < q->n_tx; i++)
		q->tx_free[i] = (__u64)(buffers + i) * BUF_SIZE;
	q->n_tx_free = q->n_tx;
}

int queue_open(struct queue *q, const char *ifname, __u32 id, __u32 buffers, bool sg)
{
	__u32 budget = 256;
	int r;

	memset(q, 0, sizeof(*q));
	q->sg = sg;
	r = make_room(q, buffers);
	if (!r)
		r = bind_patiently(q, ifname, id, buffers);
	if (r == -EINVAL && q->sg) {
		/* before 6.6 the flag is refused */
		unbind(q);
		q->sg = false;
		r = bind_patiently(q, ifname, id, buffers);
	}
	if (r) {
		queue_close(q);
		return r;
	}
	/* fewer system calls where the kernel knows it */
	setsockopt(xsk_socket__fd(q->xsk[RING_FIRST]), SOL_XDP, XDP_MAX_TX_SKB_BUDGET,
		   &budget, sizeof(budget));
	deal_buffers(q, buffers);
	return 0;
}

void queue_close(struct queue *q)
{
	unbind(q);
	if (q->area)
		munmap(q->area, q->area_size);
	for (int i = 0; i < N_RINGS; i++)
		free(q->part[i].buf);
	free(q->tx_free);
	memset(q, 0, sizeof(*q));
}

/* ---- receiving ---------------------------------------------------------------- */

static void assemble(struct assembly *a, const void *data, __u32 len)
{
	if (!a->open)
		a->len = 0;
	/* longer than any packet: remember that, whatever else follows */
	if (a->len + len > MAX_FRAME)
		a->len = MAX_FRAME + 1;
	else
		memcpy(a->buf + TX_OFFSET + a->len, data, len);
	if (a->len <= MAX_FRAME)
		a->len += len;
}

static void receive_one(struct queue *q, struct assembly *a, const struct xdp_desc *d,
			queue_packet_fn fn, void *ctx)
{
	const __u8 *data = xsk_umem__get_data(q->area, d->addr);
	bool more = d->options & XDP_PKT_CONTD;

	if (likely(!a->open && !more)) {
		fn(ctx, q, data, d->len);
		return;
	}
	assemble(a, data, d->len);
	a->open = more;
	if (!more)
		fn(ctx, q, a->buf + TX_OFFSET, a->len > MAX_FRAME ? 0 : a->len);
}

__u32 queue_receive(struct queue *q, enum queue_ring ring, __u32 max,
		    queue_packet_fn fn, void *ctx)
{
	struct xsk_ring_cons *rx = &q->rx[ring];
	/* The kernel shows packets a moment before it shows that it has taken their
	 * buffers from the fill ring: no more of them than can be given back. */
	__u32 room = xsk_prod_nb_free(&q->fill, max);
	__u32 at = 0, to = 0;
	__u32 n = xsk_ring_cons__peek(rx, room < max ? room : max, &at);

	if (!n)
		return 0;
	xsk_ring_prod__reserve(&q->fill, n, &to);
	for (__u32 i = 0; i < n; i++) {
		const struct xdp_desc *d = xsk_ring_cons__rx_desc(rx, at + i);

		receive_one(q, &q->part[ring], d, fn, ctx);
		*xsk_ring_prod__fill_addr(&q->fill, to + i) = d->addr & ~(__u64)(BUF_SIZE - 1);
	}
	xsk_ring_prod__submit(&q->fill, n);
	xsk_ring_cons__release(rx, n);
	return n;
}

/* ---- sending -------------------------------------------------------------------- */

static void take_back(struct queue *q)
{
	__u32 at = 0, n = xsk_ring_cons__peek(&q->comp, q->n_tx, &at);

	for (__u32 i = 0; i < n; i++)
		q->tx_free[q->n_tx_free++] = *xsk_ring_cons__comp_addr(&q->comp, at + i) &
					     ~(__u64)(BUF_SIZE - 1);
	xsk_ring_cons__release(&q->comp, n);
}

bool queue_kick(struct queue *q)
{
	int fd = xsk_socket__fd(q->xsk[RING_FIRST]);
	bool down = false;

	for (int i = 0; i < KICK_TRIES && q->queued && !down; i++) {
		int r = (int)sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0);

		take_back(q);
		if (xsk_prod_nb_free(&q->tx, q->tx.size) == q->tx.size)
			q->queued = 0;
		else if (r < 0 && (errno == EAGAIN || errno == EBUSY || errno == ENOBUFS))
			sched_yield(); /* softirq has a backlog: let it work */
		else if (r < 0)
			down = errno != EINTR;
	}
	take_back(q);
	return q->queued && !down;
}

/* Room for `n` descriptors and buffers, after as many kicks as that may need. */
static bool tx_room(struct queue *q, __u32 n)
{
	for (int i = 0; i < 8; i++) {
		if (q->n_tx_free >= n && xsk_prod_nb_free(&q->tx, n) >= n)
			return true;
		queue_kick(q);
	}
	return false;
}

/* Copies up to one buffer's worth of the frame that begins with `eth`. */
static __u32 fill_buffer(__u8 *to, const struct eth_hdr *eth, const __u8 *ip, __u32 len,
			 __u32 done)
{
	__u32 n = ETH_LEN + len - done;

	if (n > TX_ROOM)
		n = TX_ROOM;
	if (done) {
		memcpy(to, ip + done - ETH_LEN, n);
		return n;
	}
	memcpy(to, eth, ETH_LEN);
	memcpy(to + ETH_LEN, ip, n - ETH_LEN);
	return n;
}

int queue_send(struct queue *q, const struct eth_hdr *eth, const __u8 *ip, __u32 len)
{
	__u32 n = (ETH_LEN + len + TX_ROOM - 1) / TX_ROOM, at = 0, done = 0;

	if (n > 1 && !q->sg)
		return -EMSGSIZE;
	if (!tx_room(q, n))
		return -ENOBUFS;
	xsk_ring_prod__reserve(&q->tx, n, &at);
	for (__u32 i = 0; i < n; i++) {
		struct xdp_desc *d = xsk_ring_prod__tx_desc(&q->tx, at + i);

		d->addr = q->tx_free[--q->n_tx_free] + TX_OFFSET;
		d->len = fill_buffer(xsk_umem__get_data(q->area, d->addr), eth, ip, len, done);
		d->options = i + 1 < n ? XDP_PKT_CONTD : 0;
		done += d->len;
	}
	xsk_ring_prod__submit(&q->tx, n);
	q->queued += n;
	if (q->queued >= KICK_EVERY)
		queue_kick(q);
	return 0;
}

__u64 queue_dropped(const struct queue *q)
{
	__u64 sum = 0;

	for (int i = 0; i < N_RINGS; i++) {
		struct xdp_statistics s = { 0 };
		socklen_t len = sizeof(s);

		if (!getsockopt(xsk_socket__fd(q->xsk[i]), SOL_XDP, XDP_STATISTICS, &s, &len))
			sum += s.rx_dropped + s.rx_ring_full;
	}
	return sum;
}

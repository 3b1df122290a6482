/* SPDX-License-Identifier: GPL-2.0-only */
/* What a queue does with its rings while the kernel is behind. The rings are plain
 * memory here, and the kernel is this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>

#include "worker/queue.h"

#define SIZE 8u
#define BUF 4096u

/* One queue whose fill ring holds every buffer but those that were received. */
struct bench {
	struct queue q;
	__u32 fill_prod, fill_cons, rx_prod, rx_cons, tx_prod, tx_cons, comp_prod, comp_cons;
	__u64 fill[SIZE], comp[SIZE];
	struct xdp_desc rx[SIZE], tx[SIZE];
	__u8 area[SIZE * BUF];
};

static struct bench b;

static void set_up(__u32 shown, __u32 taken)
{
	b = (struct bench){ .rx_prod = shown, .fill_prod = SIZE, .fill_cons = taken };
	b.q.area = b.area;
	b.q.fill = (struct xsk_ring_prod){
		.cached_prod = SIZE, .cached_cons = SIZE, .mask = SIZE - 1, .size = SIZE,
		.producer = &b.fill_prod, .consumer = &b.fill_cons, .ring = b.fill,
	};
	b.q.rx[RING_FIRST] = (struct xsk_ring_cons){
		.mask = SIZE - 1, .size = SIZE,
		.producer = &b.rx_prod, .consumer = &b.rx_cons, .ring = b.rx,
	};
	b.q.tx = (struct xsk_ring_prod){
		.cached_prod = b.tx_prod, .cached_cons = SIZE, .mask = SIZE - 1, .size = SIZE,
		.producer = &b.tx_prod, .consumer = &b.tx_cons, .ring = b.tx,
	};
	b.q.comp = (struct xsk_ring_cons){
		.mask = SIZE - 1, .size = SIZE,
		.producer = &b.comp_prod, .consumer = &b.comp_cons, .ring = b.comp,
	};
	for (__u32 i = 0; i < SIZE; i++) {
		b.fill[i] = (__u64)i * BUF;
		b.rx[i] = (struct xdp_desc){ .addr = (__u64)i * BUF + 256, .len = 64 };
	}
}

static void count(void *ctx, struct queue *q, const __u8 *frame, __u32 len)
{
	(void)q;
	(void)frame;
	(void)len;
	++*(__u32 *)ctx;
}

struct receive_row {
	const char *name;
	__u32 shown;	/* packets that the kernel shows in the RX ring */
	__u32 taken;	/* buffers that it shows as taken from the fill ring */
	__u32 want;	/* packets to be served now */
};

static const struct receive_row receive_rows[] = {
	{ "both shown", 3, 3, 3 },
	{ "no buffer shown as taken yet", 3, 0, 0 },
	{ "one of three shown as taken", 3, 1, 1 },
	{ "more taken than shown", 2, 5, 2 },
	{ "nothing", 0, 0, 0 },
};

/* GEN-02: a buffer that finds no room in the fill ring would overwrite another. */
static void test_receive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(receive_rows) / sizeof(receive_rows[0]); i++) {
		const struct receive_row *r = &receive_rows[i];
		__u32 served = 0, n;

		set_up(r->shown, r->taken);
		n = queue_receive(&b.q, RING_FIRST, SIZE, count, &served);
		if (n != r->want || served != n || b.rx_cons != n || b.fill_prod != SIZE + n)
			fail_msg("%s: %u received, %u served, fill ring at %u", r->name, n,
				 served, b.fill_prod);
		/* the kernel catches up: the rest comes, and no buffer was lost */
		b.fill_cons = r->taken > r->shown ? r->taken : r->shown;
		queue_receive(&b.q, RING_FIRST, SIZE, count, &served);
		if (served != r->shown || b.fill_prod != SIZE + r->shown)
			fail_msg("%s: %u of %u in the end", r->name, served, r->shown);
		for (__u32 k = 0; k < r->shown; k++)
			assert_int_equal(b.fill[k], (__u64)k * BUF);
	}
}

/* ---- sending ------------------------------------------------------------------- */

static int answer;	/* of sendto(): 0 or an errno */
static unsigned int asked;

int xsk_socket__fd(const struct xsk_socket *xsk)
{
	(void)xsk;
	return -1;
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
	       socklen_t len)
{
	(void)fd, (void)buf, (void)n, (void)flags, (void)to, (void)len;
	asked++;
	if (!answer) {
		b.tx_cons = b.tx_prod;
		return 0;
	}
	errno = answer;
	return -1;
}

struct kick_row {
	const char *name;
	int answer;
	__u32 queued;
	bool again;	/* another kick may help */
	unsigned int most;	/* system calls */
};

static const struct kick_row kick_rows[] = {
	{ "everything sent", 0, 2, false, 1 },
	{ "nothing to send", 0, 0, false, 0 },
	{ "the kernel has a backlog", EAGAIN, 2, true, 1000 },
	{ "the ring is busy", EBUSY, 2, true, 1000 },
	{ "the device is down", ENETDOWN, 2, false, 1 },
	{ "the device is gone", ENXIO, 2, false, 1 },
};

/* GEN-06: what stays in the ring is asked for again, but not where that is idle. */
static void test_kick(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kick_rows) / sizeof(kick_rows[0]); i++) {
		const struct kick_row *r = &kick_rows[i];
		bool again;

		set_up(0, 0);
		b.tx_prod = b.q.tx.cached_prod = r->queued;
		b.q.queued = r->queued;
		answer = r->answer;
		asked = 0;
		again = queue_kick(&b.q);
		if (again != r->again || asked > r->most)
			fail_msg("%s: again %d, %u system calls", r->name, again, asked);
		assert_int_equal(b.q.queued, r->answer ? r->queued : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_kick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

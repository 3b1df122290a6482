/* SPDX-License-Identifier: GPL-2.0-only */
/* Freeing drained pool addresses beside the packets. */
#include "worker/drain.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "dataplane/dataplane.h"
#include "dataplane/pool_rows.h"

#define LOCK_TRIES 50
#define LOCK_WAIT_US 100000

/* False: a command is at work, which may be taking the address back; the next round sees
 * what has become of it. */
static bool take_lock(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return true;
		usleep(LOCK_WAIT_US);
	}
	return false;
}

static void *free_slot(void *arg)
{
	struct drain *d = arg;
	int fd = open(N64_RUN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		if (take_lock(fd) && d->state->slots[d->slot].flags & SLOT_DRAINING)
			slot_drop(&d->state->maps, d->slot);
		close(fd);
	}
	__atomic_store_n(&d->done, true, __ATOMIC_RELEASE);
	return NULL;
}

void drain_end(struct drain *d)
{
	if (d->started)
		pthread_join(d->thread, NULL);
	d->started = false;
}

void drain_slot(struct drain *d, const struct mapstate *state, __u32 slot)
{
	if (d->started && !__atomic_load_n(&d->done, __ATOMIC_ACQUIRE))
		return;
	drain_end(d);
	d->state = state;
	d->slot = slot;
	d->done = false;
	d->started = !pthread_create(&d->thread, NULL, free_slot, d);
}

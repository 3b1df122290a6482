/* SPDX-License-Identifier: GPL-2.0-only */
/* Health: the worker, the pins, the programs on their devices. */
#include "health.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "programs.h"
#include "worker_process.h"

#define BEAT_OLD_MS 2000

void health_add(struct health *h, bool bad, const char *remedy, const char *fmt, ...)
{
	struct problem *p;
	va_list ap;

	if (bad)
		h->n_bad++;
	if (h->n == MAX_PROBLEMS)
		return;
	p = &h->v[h->n++];
	p->bad = bad;
	snprintf(p->remedy, sizeof(p->remedy), "%s", remedy);
	va_start(ap, fmt);
	vsnprintf(p->what, sizeof(p->what), fmt, ap);
	va_end(ap);
}

__u32 pinned_link(const struct state *s, __u32 slot, __u32 *ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char path[192], name[LINK_NAME];
	int fd;

	*ifindex = 0;
	link_pin_name(slot, name);
	snprintf(path, sizeof(path), "%s/%s", s->path.pin, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.prog_id = 0;
	*ifindex = info.xdp.ifindex;
	close(fd);
	return info.prog_id;
}

/* ---- programs on devices ------------------------------------------------ */

static void check_hook(const struct attachment *a, __u32 slot, const struct link *d, bool native,
		       struct health *h)
{
	char remedy[128], prog[PROG_TEXT];
	__u32 ifindex, id = pinned_link(&a->state, slot, &ifindex);
	const char *name = state_str(&a->state, "name");

	snprintf(remedy, sizeof(remedy), "xdp-nat64 detach --name %s, then attach", name);
	if (!id)
		health_add(h, true, remedy, "the pinned link of %s is gone", d->name);
	else if (ifindex != d->ifindex)
		health_add(h, true, remedy, "the program of %s is not on it any more", d->name);
	else if (d->xdp_id && d->xdp_id != id)
		health_add(h, true, "remove that program, then reload",
			   "%s runs the XDP program %s, which is not ours", d->name,
			   prog_text(d->xdp_id, prog));
	else if (d->xdp_mode != (native ? XDP_ATTACHED_DRV : XDP_ATTACHED_SKB))
		health_add(h, true, remedy, "%s does not run its program in %s mode", d->name,
			   native ? "native" : "skb");
}

static void check_device(const struct attachment *a, __u32 slot, const char *name, __u32 ifindex,
			 bool native, struct health *h)
{
	const struct link *d = link_by_index(&a->links, ifindex);
	char remedy[128];

	if (!d) {
		snprintf(remedy, sizeof(remedy), "xdp-nat64 detach --name %s, then attach",
			 state_str(&a->state, "name"));
		health_add(h, true, remedy, "%s is gone", name);
		return;
	}
	snprintf(remedy, sizeof(remedy), "ip link set %s up", d->name);
	if (!(d->flags & IFF_UP))
		health_add(h, true, remedy, "%s is down", d->name);
	else if (!(d->flags & IFF_RUNNING))
		health_add(h, true, "check its cable, or the other end of the veth",
			   "%s has no carrier", d->name);
	check_hook(a, slot, d, native, h);
}

static void check_devmap(const struct attachment *a, struct health *h)
{
	struct bpf_devmap_val val;
	char path[192];
	__u32 i;
	int fd;

	snprintf(path, sizeof(path), "%s/devmap", a->state.path.pin);
	fd = bpf_obj_get(path);
	for (i = 0; fd >= 0 && i < a->ports.n; i++) {
		if (bpf_map_lookup_elem(fd, &a->ports.ifindex[i], &val))
			health_add(h, true, "xdp-nat64 reload",
				   "%s is not in the devmap, so nothing is redirected to it",
				   attachment_port_name(a, i));
	}
	if (fd >= 0)
		close(fd);
	else
		health_add(h, true, "xdp-nat64 detach, then attach",
			   "the pinned maps in %s are gone",
			   a->state.path.pin);
}

void health_devices(const struct attachment *a, struct health *h)
{
	bool native = strcmp(state_str(&a->state, "xdp"), "skb");
	__u32 i;

	for (i = 0; i < a->ports.n; i++)
		check_device(a, i, a->ports.v[i].name, a->ports.ifindex[i], native, h);
	check_device(a, N64_SLOT_XLAT, a->state.path.xlat, a->pair.xlat, true, h);
	check_device(a, N64_SLOT_EXIT, a->state.path.kernel, a->pair.kernel, true, h);
	check_devmap(a, h);
}

/* ---- worker ------------------------------------------------------------- */

static void check_worker(const struct attachment *a, const struct counters *c, struct health *h)
{
	char remedy[96];
	struct timespec now;

	snprintf(remedy, sizeof(remedy), "xdp-nat64 worker --name %s",
		 state_str(&a->state, "name"));
	h->beat_ms = -1;
	h->worker = worker_pid(&a->state.path);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (c && c->control.beat)
		h->beat_ms = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
			     (long long)(c->control.beat / 1000000);
	if (!h->worker) {
		health_add(h, true, remedy,
			   "no worker runs: fragments, ICMP errors and packets with options are "
			   "dropped");
		return;
	}
	if (c && (h->beat_ms < 0 || h->beat_ms > BEAT_OLD_MS)) {
		snprintf(remedy, sizeof(remedy),
			 "kill -9 %d; xdp-nat64 worker --name %s", h->worker,
			 state_str(&a->state, "name"));
		health_add(h, true, remedy, "the worker (pid %d) does not answer: its last beat "
					    "is %lld ms old",
			   h->worker, h->beat_ms);
	}
}

void health_check(const struct attachment *a, const struct n64_conf *conf,
		  const struct counters *counters, const struct pool_use *use, struct health *h)
{
	char remedy[96];

	memset(h, 0, sizeof(*h));
	if (!state_bool(&a->state, "complete")) {
		snprintf(remedy, sizeof(remedy), "xdp-nat64 detach --name %s",
			 state_str(&a->state, "name"));
		health_add(h, true, remedy, "the attach of this instance was interrupted");
	}
	check_worker(a, counters, h);
	health_devices(a, h);
	health_host(a, conf, h);
	if (counters)
		health_traffic(a, counters, h);
	health_state(use, conf, h);
	health_firewall(h);
}

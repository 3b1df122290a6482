/* SPDX-License-Identifier: GPL-2.0-only */
/* Is the gateway well? Each problem is one sentence with its remedy. */
#ifndef N64_HEALTH_H
#define N64_HEALTH_H

#include "counters.h"
#include "instance.h"
#include "pool_use.h"

#define MAX_PROBLEMS 96

struct problem {
	bool bad;	/* packets are lost; false: worth knowing */
	char what[224];
	char remedy[224];
};

struct health {
	struct problem v[MAX_PROBLEMS];
	unsigned int n;
	unsigned int n_bad;
	pid_t worker;		/* 0: none */
	long long beat_ms;	/* age of the worker's last beat, -1: none */
	unsigned int n_proxy;	/* addresses that are answered by ARP */
};

/* `conf` is that of policy.bin, `counters` may be NULL when they cannot be read, `use`
 * says itself whether it is known. */
void health_check(const struct attachment *a, const struct n64_conf *conf,
		  const struct counters *counters, const struct pool_use *use, struct health *h);

void health_add(struct health *h, bool bad, const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The parts, by question. */
void health_devices(const struct attachment *a, struct health *h);
void health_host(const struct attachment *a, const struct n64_conf *conf, struct health *h);
void health_traffic(const struct attachment *a, const struct counters *c, struct health *h);
void health_state(const struct pool_use *u, const struct n64_conf *conf, struct health *h);
void health_firewall(struct health *h);

/* Program id behind a pinned link, 0: no such link. ifindex 0: its device is gone. */
__u32 pinned_link(const struct state *s, __u32 slot, __u32 *ifindex);

#endif

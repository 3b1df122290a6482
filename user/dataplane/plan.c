/* SPDX-License-Identifier: GPL-2.0-only */
/* From a configuration to rodata and policy. */
#include "plan.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dynamic.h"
#include "hop.h"
#include "programs.h"

#define WORKER_USER "nobody"
#define PROBED (HAVE_SKIP_NEIGH | HAVE_XSK_SG | HAVE_REDIRECT_SG)

/* Programs count time in jiffies; the coarse clock shows how long one is. 0: it does not. */
static __u32 jiffies_per_second(void)
{
	struct timespec res;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) || res.tv_sec || res.tv_nsec < 1000)
		return 0;
	return (__u32)(1000000000 / res.tv_nsec);
}

static bool on_port(const struct links *l, const struct ports *p, __u32 ifindex, __u32 *n_tags)
{
	const struct link *dev = link_by_index(l, ifindex);
	struct vlan_hdr tag[N64_MAX_TAGS];

	*n_tags = 0;
	return dev && link_port(l, dev, p->ifindex, p->n, tag, n_tags);
}

static bool has_vlans(const struct links *l, const struct ports *p)
{
	__u32 n_tags;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (on_port(l, p, l->v[i].ifindex, &n_tags) && n_tags)
			return true;
	}
	return false;
}

/* ADR-20: of each subnet on a port or on a VLAN device of it. */
static int broadcasts(const struct links *l, const struct ports *p, __be32 **v, size_t *n)
{
	__u32 n_tags;
	size_t i;

	*n = 0;
	*v = calloc(l->n_addr + 1, sizeof(**v));
	if (!*v)
		return -ENOMEM;
	for (i = 0; i < l->n_addr; i++) {
		const struct addr *a = &l->addr[i];

		if (a->fam == AF_INET && a->len >= 1 && a->len <= 30 &&
		    on_port(l, p, a->ifindex, &n_tags))
			(*v)[(*n)++] = a->prefix.w[0] | be32(~0u >> a->len);
	}
	return 0;
}

/* MC-01, MC-02: config_check has seen that they are ports. */
static void group_ports(const struct config *c, const struct ports *p, struct n64_conf *conf)
{
	const struct iface_entry *out[2] = {
		c->multicast_out4.n ? c->multicast_out4.v : NULL,
		c->multicast_out6.n ? c->multicast_out6.v : NULL,
	};

	for (__u32 slot = 0; slot < p->n; slot++) {
		for (int i = 0; i < 2; i++) {
			if (!out[i] || strcmp(out[i]->name, p->v[slot].name))
				continue;
			conf->group_out[i].ifindex = p->v[slot].ifindex;
			conf->group_out[i].slot = slot;
		}
	}
}

static int fill_conf(const struct config *c, const struct links *l, const struct ports *ports,
		     const struct pair *pair, const struct n64_conf *before,
		     struct n64_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	config_to_conf(c, conf);
	conf->abi = N64_ABI;
	conf->pair_kernel = pair->kernel;
	conf->pair_xlat = pair->xlat;
	conf->xsk_queues = pair->queues;
	conf->ncpu = (__u32)libbpf_num_possible_cpus();
	conf->hop_slots = hop_slots_for(conf->ncpu);
	conf->hz = jiffies_per_second();
	if (!conf->hz)
		return -EIO;
	conf->st.hz_mul = (__u32)((1ull << 32) / conf->hz);
	group_ports(c, ports, conf);
	if (has_vlans(l, ports))
		conf->have |= HAVE_VLAN;
	if (before) {
		if (conf_has_state(conf))
			conf_keep_pref64(before, conf);
		memcpy(conf->key, before->key, sizeof(conf->key));
		conf->have |= before->have & PROBED;
		return 0;
	}
	conf->have |= probe_have();
	return getrandom(conf->key, sizeof(conf->key), 0) == sizeof(conf->key) ? 0 : -EIO;
}

static int compile(const struct config *c, const struct n64_conf *conf, const __be32 *bcast,
		   size_t n_bcast, struct policy *pol, struct config_error *err)
{
	int rc = policy_compile(c, conf, bcast, n_bcast, pol);

	return rc ? report_error(err, rc, "cannot compile the lists of the configuration: %s",
				 strerror(-rc)) : 0;
}

int plan_make(const struct config *c, const struct links *l, const struct ports *ports,
	      const struct pair *pair, const struct plan_before *before, struct policy *pol,
	      say_fn say, struct config_error *err)
{
	const struct n64_conf *old = before ? before->conf : NULL;
	bool stateful = c->opt.mode != MODE_SIIT;
	struct n64_conf conf;
	__be32 *bcast = NULL;
	size_t n_bcast = 0;
	int rc = fill_conf(c, l, ports, pair, old, &conf);

	if (!rc)
		rc = broadcasts(l, ports, &bcast, &n_bcast);
	if (rc) {
		free(bcast);
		return report_error(err, rc, "cannot plan the configuration (memory, randomness, "
				    "or the kernel's tick by the coarse clock): %s",
				    strerror(-rc));
	}
	if (n_bcast)
		conf.have |= HAVE_BCAST4;
	if (stateful)
		rc = plan_state_conf(old, &conf, say, err);
	if (!rc)
		rc = compile(c, &conf, bcast, n_bcast, pol, err);
	if (!rc && stateful)
		rc = plan_state_pool(c, l, before ? before->slot : NULL, pol, err);
	free(bcast);
	return rc;
}

int plan_save(const struct policy *pol, const struct instance_paths *p,
	      struct config_error *err)
{
	const struct passwd *pw = getpwnam(WORKER_USER);
	uid_t owner = pw ? pw->pw_uid : (uid_t)-1;
	struct stat old;
	int rc;

	/* a worker that runs as another user (--user) has made the file its own */
	if (!stat(p->policy, &old))
		owner = old.st_uid;
	rc = policy_save(pol, p->policy);
	if (!rc && chown(p->policy, owner, (gid_t)-1))
		rc = -errno;
	if (rc)
		return report_error(err, rc, "cannot write %s: %s", p->policy, strerror(-rc));
	return 0;
}

static sigset_t mask_before;

static sigset_t held_signals(void)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	return held;
}

void signals_hold(void)
{
	const sigset_t held = held_signals();

	sigprocmask(SIG_BLOCK, &held, &mask_before);
}

void signals_drop(void)
{
	const struct timespec now = { 0 };
	const sigset_t held = held_signals();

	while (sigtimedwait(&held, NULL, &now) > 0)
		;
}

bool signals_waiting(void)
{
	sigset_t waiting;

	return !sigpending(&waiting) &&
	       (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1 ||
		sigismember(&waiting, SIGHUP) == 1);
}

void signals_release(void)
{
	fflush(NULL); /* a held signal ends us here: what was done is told first */
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

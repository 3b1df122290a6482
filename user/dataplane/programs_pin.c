/* SPDX-License-Identifier: GPL-2.0-only */
/* Pinning maps, attaching programs by pinned links, and swapping the programs
 * behind the links without a packet lost (bpf_link_update). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "programs.h"

#include "nat64.skel.h"

#define PIN_PATH 192

void link_pin_name(__u32 slot, char name[LINK_NAME])
{
	if (slot == N64_SLOT_XLAT)
		snprintf(name, LINK_NAME, "link_xlat");
	else if (slot == N64_SLOT_EXIT)
		snprintf(name, LINK_NAME, "link_exit");
	else
		snprintf(name, LINK_NAME, "link_%u", slot);
}

static void link_path(const struct instance_paths *p, __u32 slot, char path[PIN_PATH])
{
	char name[LINK_NAME];

	link_pin_name(slot, name);
	snprintf(path, PIN_PATH, "%s/%s", p->pin, name);
}

/* What a generation has of its own behind a pin: programs that are run by it, and map ways,
 * which the kernel empties when no process and no pin holds it any more. */
enum run_pin { PIN_QUERY, PIN_STATE, PIN_WAYS, N_RUN_PINS };
static const char *const run_pins[] = { "prog_query", "prog_state", "ways" };

static void run_paths(const struct instance_paths *p, int i, char path[PIN_PATH],
		      char fresh[PIN_PATH])
{
	snprintf(path, PIN_PATH, "%s/%s", p->pin, run_pins[i]);
	snprintf(fresh, PIN_PATH, "%s/%s_new", p->pin, run_pins[i]);
}

static int run_prog(const struct programs *g, int i)
{
	return i == PIN_QUERY ? g->query : i == PIN_STATE ? g->state : g->ways;
}

#define OLD_MS 100 /* longer than a program has a packet in hand */

/* Programs of the last generation may still have a packet in hand after the swap, for which
 * they need their long way. */
static void wait_for_old(const char *path)
{
	if (access(path, F_OK))
		return;
	/* waits, as the kernel does with a program, until every CPU has left what it was in */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(OLD_MS * 1000);
}

int programs_stage(const struct programs *g, const struct instance_paths *p,
		   struct config_error *err)
{
	char path[PIN_PATH], fresh[PIN_PATH];
	struct stat policy;
	int i;

	for (i = 0; i < N_RUN_PINS; i++) {
		if (run_prog(g, i) < 0)
			continue;
		run_paths(p, i, path, fresh);
		unlink(fresh);
		if (bpf_obj_pin(run_prog(g, i), fresh))
			return report_error(err, -errno, "cannot pin %s: %s", fresh,
					    strerror(errno));
		/* the worker opens it without privileges, as it does with policy.bin */
		if (!stat(p->policy, &policy) && chown(fresh, policy.st_uid, (gid_t)-1))
			return report_error(err, -errno, "cannot give %s to the worker: %s",
					    fresh, strerror(errno));
	}
	return 0;
}

int programs_adopt(const struct programs *g, const struct instance_paths *p,
		   struct config_error *err)
{
	char path[PIN_PATH], fresh[PIN_PATH];
	int i;

	for (i = 0; i < N_RUN_PINS; i++) {
		run_paths(p, i, path, fresh);
		if (i == PIN_WAYS)
			wait_for_old(path);
		if (run_prog(g, i) >= 0 && rename(fresh, path))
			return report_error(err, -errno, "cannot pin %s: %s", path,
					    strerror(errno));
	}
	return 0;
}

void programs_unstage(const struct instance_paths *p)
{
	char path[PIN_PATH], fresh[PIN_PATH];
	int i;

	for (i = 0; i < N_RUN_PINS; i++) {
		run_paths(p, i, path, fresh);
		unlink(fresh);
	}
}

/* A command of another container, with this BPF file system but a lock of its own, may remove
 * the root while it is empty. */
static int make_folder(const char *pin, struct config_error *err)
{
	const char *folder[] = { N64_PIN_ROOT, pin };
	int tries, i;

	for (tries = 0; tries < 1000; tries++) {
		for (i = 0; i < 2 && (!mkdir(folder[i], 0700) || errno == EEXIST); i++)
			;
		if (i == 2)
			return 0;
		if (!i || errno != ENOENT)
			break;
	}
	return report_error(err, -errno, "cannot make %s: %s", folder[i], strerror(errno));
}

int programs_pin(struct programs *g, const struct instance_paths *p, struct config_error *err)
{
	struct bpf_map *map;
	char path[PIN_PATH];
	int rc;

	rc = make_folder(p->pin, err);
	if (rc)
		return rc;
	bpf_object__for_each_map(map, g->base->obj) {
		const char *name = bpf_map__name(map);

		if (bpf_map__is_internal(map) || programs_owns_map(name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", p->pin, name);
		if (bpf_obj_pin(bpf_map__fd(map), path) && errno != EEXIST)
			return report_error(err, -errno,
					    "cannot pin %s: %s", path, strerror(errno));
	}
	rc = programs_stage(g, p, err);
	return rc ? rc : programs_adopt(g, p, err);
}

/* ---- attaching ---------------------------------------------------------- */

/* The link call has no room for the driver's reason; the old call has. */
static void driver_words(struct nl *nl, __u32 ifindex, int prog, __u32 flags)
{
	nl->why[0] = '\0';
	if (!nl_xdp_try(nl, ifindex, prog, flags | XDP_FLAGS_UPDATE_IF_NOEXIST))
		nl_xdp_try(nl, ifindex, -1, flags);
}

static const char *attach_remedy(int rc, bool skb)
{
	if (rc == -EBUSY || rc == -EEXIST)
		return "another XDP program holds it; see: ip link";
	if (skb)
		return "see: dmesg";
	switch (rc) {
	case -EOPNOTSUPP:
		return "its driver has no native XDP; use --skb (slower)";
	case -ERANGE:
	case -EINVAL:
		return "check its MTU, LRO and number of queues (ethtool -k, ethtool -l), or use "
		       "--skb (slower)";
	case -ENOSPC:
	case -ENOMEM:
		return "the driver has too few queues or memory; lower its queue count (ethtool "
		       "-L), or use --skb (slower)";
	default:
		return "or use --skb (slower)";
	}
}

static int attach_one(int prog, __u32 ifindex, const char *dev, const char *path, bool skb,
		      struct nl *nl, struct config_error *err)
{
	__u32 flags = skb ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(prog, (int)ifindex, BPF_XDP, &opts), rc = 0;

	if (fd < 0) {
		rc = -errno;
		driver_words(nl, ifindex, prog, flags);
		return report_error(err, rc, "cannot attach to %s in %s mode: %s%s%s; %s", dev,
				    skb ? "skb" : "native", strerror(-rc), nl->why[0] ? ": " : "",
				    nl->why, attach_remedy(rc, skb));
	}
	if (bpf_obj_pin(fd, path))
		rc = report_error(err, -errno, "cannot pin %s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

int programs_attach(const struct programs *g, const struct instance_paths *p,
		    const struct pair *pair, const struct ports *ports, bool skb,
		    struct nl *nl, struct config_error *err)
{
	char path[PIN_PATH];
	__u32 i;
	int rc;

	/* The pair is ours: native always, its frames are bigger than a page. */
	link_path(p, N64_SLOT_XLAT, path);
	rc = attach_one(g->prog[N64_SLOT_XLAT], pair->xlat, p->xlat, path, false, nl, err);
	link_path(p, N64_SLOT_EXIT, path);
	if (!rc)
		rc = attach_one(g->prog[N64_SLOT_EXIT], pair->kernel, p->kernel, path, false, nl,
				err);
	for (i = 0; i < ports->n && !rc; i++) {
		link_path(p, i, path);
		rc = attach_one(g->prog[i], ports->ifindex[i], ports->v[i].name, path, skb, nl,
				err);
	}
	return rc;
}

/* ---- swapping ----------------------------------------------------------- */

struct swap {
	__u32 slot;
	int link;	/* pinned link */
	int old;	/* the program behind it */
};

static int swap_open(struct swap *s, const struct instance_paths *p, struct config_error *err)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PIN_PATH];

	link_path(p, s->slot, path);
	s->link = bpf_obj_get(path);
	if (s->link < 0)
		return report_error(err, -errno,
				    "the pinned link %s is gone (%s), so nothing was changed; "
				    "use: xdp-nat64 detach, then attach",
				    path, strerror(errno));
	if (bpf_obj_get_info_by_fd(s->link, &info, &len))
		return report_error(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	s->old = bpf_prog_get_fd_by_id(info.prog_id);
	if (s->old < 0)
		return report_error(err, -errno, "cannot keep the old program of %s: %s", path,
				    strerror(errno));
	return 0;
}

static int swap_all(const struct programs *g, struct swap *s, __u32 n, struct config_error *err)
{
	__u32 i;
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		if (bpf_link_update(s[i].link, g->prog[s[i].slot], NULL))
			rc = -errno;
	}
	if (!rc)
		return 0;
	for (n = i - 1, i = 0; i < n; i++)
		bpf_link_update(s[i].link, s[i].old, NULL);
	return report_error(err, rc, "cannot replace the program of slot %u: %s; the old programs "
				     "run on",
			    s[n].slot, strerror(-rc));
}

int programs_swap(const struct programs *g, const struct instance_paths *p,
		  const struct ports *ports, struct config_error *err)
{
	struct swap s[N64_SLOTS];
	__u32 i, n = ports->n + 2;
	int rc = 0;

	for (i = 0; i < N64_SLOTS; i++)
		s[i] = (struct swap){ i, -1, -1 };
	s[ports->n].slot = N64_SLOT_XLAT;
	s[ports->n + 1].slot = N64_SLOT_EXIT;
	for (i = 0; i < n && !rc; i++)
		rc = swap_open(&s[i], p, err);
	if (!rc)
		rc = swap_all(g, s, n, err);
	for (i = 0; i < n; i++) {
		if (s[i].link >= 0)
			close(s[i].link);
		if (s[i].old >= 0)
			close(s[i].old);
	}
	return rc;
}

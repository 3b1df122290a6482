/* SPDX-License-Identifier: GPL-2.0-only */
/* detach: the journal backwards. Works for a finished attach, one that was
 * killed in the middle, one whose worker is dead, whose interfaces are gone, or
 * whose journal is lost. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "pins.h"
#include "place.h"
#include "plan.h"
#include "worker_process.h"

/* Without a journal that can be read: what is known by name. Changes of sysctls and offloads
 * cannot be undone then, and that is said; where there are no journal, pins and pair at all
 * there were none. */
static void detach_by_name(const char *name, const char *why, say_fn say)
{
	struct instance_paths p;
	struct nl nl;
	__u32 pair;

	instance_paths(name, &p);
	pair = if_nametoindex(p.kernel);
	worker_stop(&p, say);
	if (!pair && access(p.pin, F_OK) && access(p.state, F_OK)) {
		report_say(say, "removed %s, which an attach that ended early had left", p.run);
		return;
	}
	pins_remove(p.pin, say);
	if (pair && !nl_open(&nl)) {
		if (!nl_link_del(&nl, pair))
			report_say(say, "removed %s and %s with their routes", p.kernel, p.xlat);
		nl_close(&nl);
	}
	report_say(say,
		   "warning: %s %s, so forwarding and offloads of the interfaces stay as "
		   "attach set them",
		   p.state, why);
}

/* Its namespace is gone, with interfaces, routes and sysctls. */
static void detach_ruin(const struct state *s, say_fn say)
{
	worker_stop(&s->path, say);
	pins_remove(s->path.pin, say);
	report_say(say, "the network namespace of '%s' is gone; nothing was left to restore there",
		   state_str(s, "name"));
}

static int detach_locked(const char *wanted, say_fn say, struct config_error *err)
{
	char name[N64_NAME_MAX + 1];
	struct instance_paths p;
	struct state s;
	int rc = place_choose(wanted, name, err);

	/* behind a hidden BPF file system the programs would stay */
	if (!rc)
		rc = bpffs_check(say, err);
	if (rc)
		return rc;
	instance_paths(name, &p);
	if (access(p.state, F_OK)) {
		detach_by_name(name, "was lost", say);
		instance_forget(&p);
		return 0;
	}
	rc = state_load(&s, name, err);
	if (rc == -EINVAL) {
		detach_by_name(name, "is damaged", say);
		instance_forget(&p);
		return 0;
	}
	if (rc)
		return rc;
	rc = instance_here(&s, "detach", err);
	if (rc == -ESTALE) {
		detach_ruin(&s, say);
		rc = 0;
	} else if (!rc) {
		/* A worker that was started by hand is in no journal. */
		worker_stop(&p, say);
		state_undo(&s, say);
	}
	if (!rc) {
		instance_forget(&p);
		report_say(say, "detached instance '%s'", name);
	}
	state_close(&s);
	return rc;
}

int instance_detach(const char *name, say_fn say, struct config_error *err)
{
	int lock, rc;

	if (geteuid())
		return report_error(err, -EPERM, "detach changes interfaces; run it as root");
	lock = place_lock(err);
	if (lock < 0)
		return lock;
	signals_hold();
	rc = detach_locked(name, say, err);
	place_unlock(lock);
	signals_release();
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of everything that belongs to an instance. */
#include "dataplane.h"

#include <stdio.h>
#include <string.h>

void instance_paths(const char *name, struct instance_paths *p)
{
	bool def = !strcmp(name, N64_DEFAULT_NAME);

	memset(p, 0, sizeof(*p));
	snprintf(p->pin, sizeof(p->pin), "%s/%.*s", N64_PIN_ROOT, N64_NAME_MAX, name);
	snprintf(p->run, sizeof(p->run), "%s/%.*s", N64_RUN_ROOT, N64_NAME_MAX, name);
	snprintf(p->policy, sizeof(p->policy), "%s/policy.bin", p->run);
	snprintf(p->state, sizeof(p->state), "%s/state.json", p->run);
	snprintf(p->lock, sizeof(p->lock), "%s/worker.lock", p->run);
	/* Eleven characters: "n-NAMEx" fills IFNAMSIZ. */
	snprintf(p->kernel, sizeof(p->kernel), "%s%.*s", def ? "" : "n-", N64_NAME_MAX,
		 def ? "nat64" : name);
	snprintf(p->xlat, sizeof(p->xlat), "%s%.*sx", def ? "" : "n-", N64_NAME_MAX,
		 def ? "nat64" : name);
}

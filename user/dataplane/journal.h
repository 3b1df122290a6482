/* SPDX-License-Identifier: GPL-2.0-only */
/* state.json: what an instance is and what attach did to the host, written
 * before each step, so that detach can undo a finished attach as well as one
 * that was killed in the middle.
 *
 *	{"version": 1, "name": "default", "netns": 4711, "complete": true,
 *	 "mode": "siit", "xdp": "native", "proxy_arp": "auto",
 *	 "interfaces": [{"name": "eth0", "ifindex": 2, "slot": 0, "translate": 3,
 *	                 "deliver": 0}],
 *	 "undo": [{"kind": "sysctl", ...}, ...]}
 */
#ifndef N64_JOURNAL_H
#define N64_JOURNAL_H

#include <jansson.h>

#include "report.h"

#define STATE_VERSION 1

struct state {
	struct instance_paths path;
	json_t *doc;
};

/* An empty journal of a new instance; makes the run folder. 0 or -errno. */
int state_new(struct state *s, const char *name);
/* 0; -ENOENT: there is none; -EINVAL: damaged; -EPROTO: of another version; *err
 * says why. */
int state_load(struct state *s, const char *name, struct config_error *err);
/* Temporary name, fsync, rename. */
int state_save(const struct state *s);
void state_close(struct state *s);

/* Appends a record (its reference is taken, NULL is -ENOMEM) and saves, before
 * the step that it undoes is done. */
int state_push(struct state *s, json_t *record);
/* The last record, NULL: nothing is left to undo. */
json_t *state_last(const struct state *s);
int state_pop(struct state *s);

const char *state_str(const struct state *s, const char *key);
__u64 state_u64(const struct state *s, const char *key);
bool state_bool(const struct state *s, const char *key);

/* ---- undoing ------------------------------------------------------------ */

/* Undoes every record, the last first. A step that fails is said and left. */
void state_undo(struct state *s, say_fn say);

#endif

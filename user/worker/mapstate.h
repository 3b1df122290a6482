/* SPDX-License-Identifier: GPL-2.0-only */
/* The mapping state as the worker sees it in mode stateful: it reads what is in shared
 * memory and asks n64_state for everything else (design 2, principle 8). Opened as
 * root, used without privileges. */
#ifndef N64_MAPSTATE_H
#define N64_MAPSTATE_H

#include "dataplane/pool.h"

struct mapstate {
	bool open;
	int folder;		/* of the pins */
	struct pool_maps maps;	/* .call: n64_state of the programs in force */
	const struct n64_slot *slots;
	const struct n64_session *sessions;
	__u32 n_sessions, n_subs;	/* places */
	/* BPF programs write it too: stored_syn, but only when this worker asks them for
	 * CALL_SYN_STORE and CALL_SYN_TAKE, so that it may be set in between; frag_* is the
	 * worker's alone. */
	struct n64_state *shared;
};

/* 0 or -errno with *err. mapstate_close frees in every case. */
int mapstate_open(struct mapstate *s, const struct instance_paths *p,
		  const struct n64_conf *conf, struct config_error *err);
/* n64_state of newer programs, whose policy, timers and limits are others. 0 or -errno:
 * the one that was open stays. */
int mapstate_renew(struct mapstate *s);
void mapstate_close(struct mapstate *s);

/* struct slow_ops: 0 with the answer in `call`, or -errno. */
int mapstate_ask(const struct mapstate *s, struct n64_call *call);

#endif

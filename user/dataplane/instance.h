/* SPDX-License-Identifier: GPL-2.0-only */
/* What attach, detach, reload and status hold while they work. */
#ifndef N64_INSTANCE_H
#define N64_INSTANCE_H

#include "journal.h"
#include "links.h"
#include "nl.h"
#include "pair.h"
#include "ports.h"

struct attachment {
	struct state state;
	struct nl nl;
	struct links links;
	struct ports ports;
	struct pair pair;
};

int attachment_open(struct attachment *a, struct config_error *err);
/* Reads the interfaces of the host (again). */
int attachment_look(struct attachment *a, struct config_error *err);
/* Opens a finished instance, from its own network namespace: state, ports, pair
 * and links. `command` is what a hint tells to repeat there. */
int attachment_load(struct attachment *a, const char *name, const char *command,
		    struct config_error *err);
void attachment_close(struct attachment *a);
/* The present name of a port; that of attach when it is gone. */
const char *attachment_port_name(const struct attachment *a, __u32 i);

/* Refuses from another network namespace, with the line that works. -ESTALE:
 * the instance's namespace is gone. */
int instance_here(const struct state *s, const char *command, struct config_error *err);

/* Removes the run folder. */
void instance_forget(const struct instance_paths *p);

/* The words of the command line that built the configuration, so that a reload
 * without words means the same: put into the journal, which the caller saves, and
 * read from it. `words` ends with NULL. NULL: none are known. */
int instance_remember(struct state *s, char *const *words);
json_t *instance_words(const char *name);

#endif

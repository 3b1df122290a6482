/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening and forgetting instances. */
#include "instance.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"

int attachment_open(struct attachment *a, struct config_error *err)
{
	int rc;

	memset(a, 0, sizeof(*a));
	rc = nl_open(&a->nl);
	return rc ? report_error(err, rc, "cannot talk to the kernel (rtnetlink): "
					  "%s", strerror(-rc)) : 0;
}

int attachment_look(struct attachment *a, struct config_error *err)
{
	int rc;

	links_free(&a->links);
	rc = links_read(&a->nl, &a->links);
	return rc ? report_error(err, rc, "cannot read the interfaces: %s", strerror(-rc)) : 0;
}

int attachment_load(struct attachment *a, const char *name, const char *command,
		    struct config_error *err)
{
	int rc = attachment_open(a, err);

	if (!rc)
		rc = state_load(&a->state, name, err);
	if (rc)
		return rc;
	rc = instance_here(&a->state, command, err);
	if (!rc)
		rc = attachment_look(a, err);
	ports_of_state(&a->state, &a->ports);
	a->pair.kernel = if_nametoindex(a->state.path.kernel);
	a->pair.xlat = if_nametoindex(a->state.path.xlat);
	return rc;
}

void attachment_close(struct attachment *a)
{
	links_free(&a->links);
	state_close(&a->state);
	nl_close(&a->nl);
}

const char *attachment_port_name(const struct attachment *a, __u32 i)
{
	const struct link *d = link_by_index(&a->links, a->ports.ifindex[i]);

	return d ? d->name : a->ports.v[i].name;
}

int instance_here(const struct state *s, const char *command, struct config_error *err)
{
	__u64 cookie = state_u64(s, "netns");
	char hint[NETNS_HINT];

	if (!cookie || cookie == netns_cookie())
		return 0;
	if (!netns_find(cookie, hint))
		return report_error(err, -ESTALE,
				    "the network namespace of instance '%s' is gone, and its "
				    "interfaces with it; use: xdp-nat64 detach --name %s",
				    state_str(s, "name"), state_str(s, "name"));
	return report_error(err, -EXDEV,
			    "instance '%s' lives in another network namespace; use: %s xdp-nat64 "
			    "%s --name %s",
			    state_str(s, "name"), hint, command, state_str(s, "name"));
}

void instance_forget(const struct instance_paths *p)
{
	struct dirent **list;
	char path[512];
	int i, n = scandir(p->run, &list, NULL, alphasort);

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", p->run, list[i]->d_name);
		if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, ".."))
			unlink(path);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	rmdir(p->run);
}

int instance_remember(struct state *s, char *const *words)
{
	json_t *list = json_array();

	for (; words && *words; words++) {
		if (json_array_append_new(list, json_string(*words))) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	return json_object_set_new(s->doc, "words", list) ? -ENOMEM : 0;
}

json_t *instance_words(const char *name)
{
	struct state s;
	json_t *list;

	if (state_load(&s, name, NULL))
		return NULL;
	list = json_incref(json_object_get(s.doc, "words"));
	state_close(&s);
	return json_is_array(list) ? list : NULL;
}

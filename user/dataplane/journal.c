/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading and writing of state.json. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int state_new(struct state *s, const char *name)
{
	memset(s, 0, sizeof(*s));
	instance_paths(name, &s->path);
	if (mkdir(s->path.run, 0755) && errno != EEXIST)
		return -errno;
	/* Whatever the umask: the worker reads policy.bin there as another user. */
	if (chmod(s->path.run, 0755))
		return -errno;
	s->doc = json_pack("{s:i, s:s, s:b, s:[], s:[]}", "version", STATE_VERSION, "name", name,
			   "complete", 0, "interfaces", "undo");
	return s->doc ? 0 : -ENOMEM;
}

int state_load(struct state *s, const char *name, struct config_error *err)
{
	json_error_t why;
	__u64 version;

	memset(s, 0, sizeof(*s));
	instance_paths(name, &s->path);
	if (access(s->path.state, F_OK))
		return report_error(err, -errno, "no instance '%s' is attached", name);
	s->doc = json_load_file(s->path.state, 0, &why);
	if (!s->doc)
		return report_error(err, -EINVAL,
				    "%s cannot be read (line %d: %s); use: xdp-nat64 detach --name "
				    "%s, which removes what is known by name",
				    s->path.state, why.line, why.text, name);
	version = state_u64(s, "version");
	if (version == STATE_VERSION && json_is_array(json_object_get(s->doc, "undo")) &&
	    json_is_array(json_object_get(s->doc, "interfaces")))
		return 0;
	state_close(s);
	if (version && version != STATE_VERSION)
		return report_error(err, -EPROTO,
				    "%s is of version %llu, this program knows version %d; detach "
				    "with the program that attached",
				    s->path.state, (unsigned long long)version, STATE_VERSION);
	return report_error(err, -EINVAL,
			    "%s lacks its version or its lists; use: xdp-nat64 detach --name %s, "
			    "which removes what is known by name",
			    s->path.state, name);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	int rc = 0;

	if (fd < 0)
		return -errno;
	while (len && !rc) {
		ssize_t n = write(fd, text, len);

		if (n < 0) {
			rc = -errno;
		} else {
			text += n;
			len -= (size_t)n;
		}
	}
	if (!rc && fsync(fd))
		rc = -errno;
	close(fd);
	return rc;
}

int state_save(const struct state *s)
{
	char tmp[sizeof(s->path.state) + 8];
	char *text = json_dumps(s->doc, JSON_INDENT(1));
	int rc;

	if (!text)
		return -ENOMEM;
	snprintf(tmp, sizeof(tmp), "%s.new", s->path.state);
	rc = write_file(tmp, text);
	free(text);
	if (!rc && rename(tmp, s->path.state))
		rc = -errno;
	if (rc)
		unlink(tmp);
	return rc;
}

void state_close(struct state *s)
{
	json_decref(s->doc);
	s->doc = NULL;
}

int state_push(struct state *s, json_t *record)
{
	if (!record || json_array_append_new(json_object_get(s->doc, "undo"), record))
		return -ENOMEM;
	return state_save(s);
}

json_t *state_last(const struct state *s)
{
	const json_t *undo = json_object_get(s->doc, "undo");
	size_t n = json_array_size(undo);

	return n ? json_array_get(undo, n - 1) : NULL;
}

int state_pop(struct state *s)
{
	json_t *undo = json_object_get(s->doc, "undo");

	json_array_remove(undo, json_array_size(undo) - 1);
	return state_save(s);
}

const char *state_str(const struct state *s, const char *key)
{
	const char *v = json_string_value(json_object_get(s->doc, key));

	return v ? v : "";
}

__u64 state_u64(const struct state *s, const char *key)
{
	return (__u64)json_integer_value(json_object_get(s->doc, key));
}

bool state_bool(const struct state *s, const char *key)
{
	return json_is_true(json_object_get(s->doc, key));
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Building the tree: thin words over jansson that cannot fail. */
#define _GNU_SOURCE /* vasprintf */

#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

static json_t *must(json_t *j)
{
	if (j)
		return j;
	fputs("xdp-nat64: not enough memory to show the result\n", stderr);
	exit(1);
}

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, must(value)))
		must(NULL);
}

/* printf into a JSON string; bytes that are not UTF-8 become '?'. */
static json_t *vstring(const char *fmt, va_list ap)
{
	char *text = NULL;
	json_t *j;

	if (vasprintf(&text, fmt, ap) < 0)
		must(NULL);
	j = json_string(text);
	if (!j) {
		for (char *c = text; *c; c++)
			if (*c & 0x80)
				*c = '?';
		j = json_string(text);
	}
	free(text);
	return must(j);
}

json_t *out_section(json_t *parent, const char *key)
{
	json_t *s = json_object();

	set(parent, key, s);
	return s;
}

json_t *out_table(json_t *parent, const char *key)
{
	json_t *t = json_array();

	set(parent, key, t);
	return t;
}

json_t *out_row(json_t *table)
{
	json_t *r = must(json_object());

	if (json_array_append_new(table, r))
		must(NULL);
	return r;
}

json_t *out_list(json_t *parent, const char *key)
{
	return out_table(parent, key);
}

void out_item(json_t *list, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (json_array_append_new(list, vstring(fmt, ap)))
		must(NULL);
	va_end(ap);
}

void out_str(json_t *object, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(object, key, vstring(fmt, ap));
	va_end(ap);
}

void out_int(json_t *object, const char *key, long long value)
{
	set(object, key, json_integer(value));
}

void out_real(json_t *object, const char *key, double value)
{
	set(object, key, json_real(value));
}

void out_bool(json_t *object, const char *key, bool value)
{
	set(object, key, json_boolean(value));
}

void out_null(json_t *object, const char *key)
{
	set(object, key, json_null());
}

int output_print(const json_t *root, bool json, FILE *f)
{
	if (json) {
		if (json_dumpf(root, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6)))
			return errno ? -errno : -EIO;
		putc('\n', f);
	} else {
		render_text(root, f);
	}
	if (fflush(f) || ferror(f))
		return errno ? -errno : -EIO;
	return 0;
}

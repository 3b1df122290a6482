/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the YAML of an operator into struct config, by libyaml's document API:
 * its nodes still know the line they stand in, which every message needs.
 *
 * The schema is two levels deep (key -> value, key -> list of elements), so
 * aliases that point back at themselves or multiply cost nothing: they end as a
 * node of the wrong kind. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shape.h"
#include "word.h"

/* 16 MiB hold 200,000 entries; more is not a configuration. */
#define FILE_MAX (16u << 20)

struct reader {
	struct config *c;
	const char *source;	/* file, or place on the command line */
	bool lines;		/* line numbers mean something */
	yaml_document_t doc;
	struct config_error *err;
	enum opt_id append_to;		/* of config_set */
	unsigned int seen[N_OPTS];	/* line of a key that was met, 0: not yet */
	char *joined[ELEM_FIELDS];	/* fields that are lists of words, of one element */
};

static unsigned int line_of(const struct reader *r, const yaml_node_t *n)
{
	return r->lines ? (unsigned int)n->start_mark.line + 1 : 0;
}

static int bad_node(const struct reader *r, const yaml_node_t *n, const char *key,
		    const char *text)
{
	static const char *const kinds[] = { "nothing", "a single value", "a list", "a mapping" };
	char place[32] = "";

	if (r->lines)
		snprintf(place, sizeof(place), ":%u", line_of(r, n));
	snprintf(r->err->text, sizeof(r->err->text), "%.180s%s: %.60s%s%s %s", r->source, place,
		 key, *key ? ": " : "", kinds[n->type], text);
	return -EINVAL;
}

/* A scalar as a C string; NULL: not a scalar, or it holds a zero byte. */
static const char *scalar(const yaml_node_t *n)
{
	const char *s = (const char *)n->data.scalar.value;

	if (n->type != YAML_SCALAR_NODE || strlen(s) != n->data.scalar.length)
		return NULL;
	return s;
}

static struct word word_of(const struct reader *r, const yaml_node_t *n, const char *key)
{
	return (struct word){
		.source = r->source, .line = line_of(r, n), .key = key,
		.value = scalar(n), .err = r->err,
	};
}

static yaml_node_t *node(struct reader *r, int index)
{
	return yaml_document_get_node(&r->doc, index);
}

/* {ipv4: V4, ipv6: V6} in a field, as V4=V6. */
static int join_eam(struct reader *r, const yaml_node_t *n, FILE *text)
{
	const struct elem_kind *kind = &elem_kinds[ELEM_EAM];
	const char *part[2] = { NULL, NULL };
	const yaml_node_pair_t *p;

	for (p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		const char *key = scalar(node(r, p->key));

		for (int i = 0; key && i < 2; i++)
			if (!strcmp(key, kind->field[i]) && !part[i])
				part[i] = scalar(node(r, p->value));
	}
	if (!part[0] || !part[1] || n->data.mapping.pairs.top - n->data.mapping.pairs.start != 2)
		return bad_node(r, n, options[O_eam].key, "is not an entry; write {ipv4: "
				"192.0.2.0/24, ipv6: 2001:db8::/120}, or V4=V6 in one word");
	fprintf(text, "%s=%s,", part[0], part[1]);
	return 0;
}

/* A field that may be a list of words: they are joined by commas, as they stand in the
 * one-word form. */
static int join_words(struct reader *r, const yaml_node_t *v, struct word *out, char **joined)
{
	yaml_node_item_t *item;
	size_t size;
	FILE *text = open_memstream(joined, &size);
	int rc = text ? 0 : -ENOMEM;

	for (item = v->data.sequence.items.start; !rc && item < v->data.sequence.items.top;
	     item++) {
		const yaml_node_t *i = node(r, *item);
		struct word w = word_of(r, i, out->key);

		if (i->type == YAML_MAPPING_NODE && !strcmp(out->field, options[O_eam].key)) {
			rc = join_eam(r, i, text);
		} else if (!w.value) {
			rc = bad_node(r, i, out->field, "is not allowed here; write one word");
		} else {
			fprintf(text, "%s,", w.value);
		}
	}
	if (text && fclose(text))
		rc = -ENOMEM;
	if (rc)
		return rc;
	if (size)
		(*joined)[size - 1] = '\0'; /* the last comma */
	out->value = *joined;
	return 0;
}

/* One `field: value` of an element into its place in `val`. */
static int read_field(struct reader *r, enum opt_id id, const yaml_node_pair_t *pair,
		      struct word *val)
{
	const struct elem_kind *kind = &elem_kinds[options[id].elem];
	const yaml_node_t *k = node(r, pair->key), *v = node(r, pair->value);
	struct word w = word_of(r, k, options[id].key);
	const char *near;

	if (!w.value)
		return bad_node(r, k, options[id].key, "is no name of a field; write a word");
	for (unsigned int i = 0; i < ELEM_FIELDS; i++) {
		if (!kind->field[i] || strcmp(kind->field[i], w.value))
			continue;
		if (val[i].value)
			return word_bad(&w, "is not allowed twice in one element; write it once");
		val[i] = word_of(r, v, options[id].key);
		val[i].field = kind->field[i];
		if (v->type == YAML_SEQUENCE_NODE && kind->lists & 1u << i)
			return join_words(r, v, &val[i], &r->joined[i]);
		if (!val[i].value)
			return bad_node(r, v, val[i].field, "is not allowed here; write one word");
		return 0;
	}
	near = nearest_word(w.value, kind->field, ELEM_FIELDS);
	return word_bad(&w, "is not a field of its elements; write %s", near ? near : kind->form);
}

static int read_fields_of(struct reader *r, enum opt_id id, const yaml_node_t *n,
			  struct word *val)
{
	const struct elem_kind *kind = &elem_kinds[options[id].elem];
	char text[200];
	const yaml_node_pair_t *p;

	snprintf(text, sizeof(text), "is not an element of this list; write %s", kind->form);
	if (!kind->field[0])
		return bad_node(r, n, options[id].key, text);
	for (p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		int rc = read_field(r, id, p, val);

		if (rc)
			return rc;
	}
	for (unsigned int i = 0; i < kind->required; i++) {
		struct word w = word_of(r, n, options[id].key);

		if (val[i].value)
			continue;
		w.value = kind->field[i];
		return word_bad(&w, "is not given in this element; write %s", kind->form);
	}
	return config_put_fields(r->c, id, val);
}

static int read_fields(struct reader *r, enum opt_id id, const yaml_node_t *n)
{
	const struct word none = word_of(r, n, options[id].key);
	struct word val[ELEM_FIELDS] = { none, none, none };
	int rc;

	for (int i = 0; i < ELEM_FIELDS; i++)
		val[i].value = NULL;
	rc = read_fields_of(r, id, n, val);
	for (int i = 0; i < ELEM_FIELDS; i++) {
		free(r->joined[i]);
		r->joined[i] = NULL;
	}
	return rc;
}

static int read_element(struct reader *r, enum opt_id id, const yaml_node_t *n)
{
	struct word w = word_of(r, n, options[id].key);
	char text[200];

	if (w.value)
		return config_put_word(r->c, id, &w);
	if (n->type == YAML_MAPPING_NODE)
		return read_fields(r, id, n);
	snprintf(text, sizeof(text), "is not an element of this list; write %s",
		 elem_kinds[options[id].elem].form);
	return bad_node(r, n, options[id].key, text);
}

static int read_list(struct reader *r, enum opt_id id, const yaml_node_t *n)
{
	const char *key = options[id].key;
	yaml_node_item_t *item;

	if (n->type == YAML_SCALAR_NODE && !n->data.scalar.length)
		return bad_node(r, n, key, "is not a list; write [] for an empty one, "
					   "or leave out the key");
	if (n->type == YAML_SCALAR_NODE)
		return read_element(r, id, n); /* a list of one */
	if (n->type != YAML_SEQUENCE_NODE)
		return bad_node(r, n, key, "is not a list; write [ELEMENT, ...], "
					   "or a line \"- ELEMENT\" for each");
	for (item = n->data.sequence.items.start; item < n->data.sequence.items.top; item++) {
		int rc = read_element(r, id, node(r, *item));

		if (rc)
			return rc;
	}
	return 0;
}

static int read_key(struct reader *r, const yaml_node_t *k, enum opt_id *id)
{
	struct word w = word_of(r, k, "key");
	const char *near;

	if (!w.value)
		return bad_node(r, k, "", "is not a key; write KEY: VALUE");
	*id = option_find(w.value);
	if (*id < N_OPTS) {
		if (r->seen[*id])
			return word_bad(&w, "is not allowed twice, it stands in line %u already; "
					    "write it once", r->seen[*id]);
		r->seen[*id] = (unsigned int)k->start_mark.line + 1;
		return 0;
	}
	if (option_later(w.value))
		return word_bad(&w, "is not in this release (%s); remove the line",
				option_later(w.value));
	near = option_nearest(w.value);
	if (near)
		return word_bad(&w, "is not an option; write %s", near);
	return word_bad(&w, "is not an option of this release; write one of those that "
			    "xdp-nat64 check lists");
}

static int read_root(struct reader *r, const yaml_node_t *root)
{
	const yaml_node_pair_t *p;

	if (root->type != YAML_MAPPING_NODE)
		return bad_node(r, root, "", "is not a configuration; write lines KEY: VALUE");
	for (p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		const yaml_node_t *v = node(r, p->value);
		enum opt_id id = N_OPTS;
		struct word w;
		int rc;

		rc = read_key(r, node(r, p->key), &id);
		if (rc)
			return rc;
		w = word_of(r, v, options[id].key);
		if (options[id].type == OPT_TYPE_LIST)
			rc = read_list(r, id, v);
		else if (!w.value)
			rc = bad_node(r, v, w.key, "is not allowed here; write one word");
		else
			rc = config_put_word(r->c, id, &w);
		if (rc)
			return rc;
	}
	return 0;
}

typedef int (*root_fn)(struct reader *r, const yaml_node_t *root);

static int read_text(struct reader *r, const char *text, size_t len, root_fn fn)
{
	const struct yaml_text t = { r->source, r->lines, text, len };
	yaml_parser_t parser;
	yaml_node_t *root;
	int rc = yaml_shape(&t, r->err);

	if (rc)
		return rc;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &r->doc)) {
		rc = yaml_problem(&t, &parser, r->err); /* an alias to nothing */
		yaml_parser_delete(&parser);
		return rc;
	}
	root = yaml_document_get_root_node(&r->doc);
	if (root) {
		rc = fn(r, root);
	} else {
		snprintf(r->err->text, sizeof(r->err->text),
			 "%.180s: the file is empty; write lines KEY: VALUE", r->source);
		rc = -EINVAL;
	}
	yaml_document_delete(&r->doc);
	yaml_parser_delete(&parser);
	return rc;
}

/* The whole file; *text is freed by the caller. */
static int slurp(int fd, char **text, size_t *len)
{
	size_t room = 0;

	*text = NULL;
	*len = 0;
	for (;;) {
		ssize_t got;

		if (*len == room) {
			char *more = realloc(*text, room ? 2 * room : 65536);

			if (!more)
				return -ENOMEM;
			*text = more;
			room = room ? 2 * room : 65536;
		}
		got = read(fd, *text + *len, room - *len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			return 0;
		*len += (size_t)got;
		if (*len > FILE_MAX)
			return -EFBIG;
	}
}

int config_read_file(struct config *c, const char *path, struct config_error *err)
{
	struct reader r = { .c = c, .source = path, .lines = true, .err = err };
	char *text = NULL;
	size_t len = 0;
	int fd, rc;

	err->text[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : slurp(fd, &text, &len);
	if (fd >= 0)
		close(fd);
	if (rc == -EFBIG)
		snprintf(err->text, sizeof(err->text), "%.180s: the file is not a configuration, "
			 "it is longer than %u MiB; write a shorter one", path, FILE_MAX >> 20);
	else if (rc)
		snprintf(err->text, sizeof(err->text), "%.180s: the file cannot be read (%s); "
			 "write the name of a YAML file", path, strerror(-rc));
	else
		rc = read_text(&r, text, len, read_root);
	free(text);
	if (rc == -ENOMEM && !err->text[0])
		snprintf(err->text, sizeof(err->text), "%.180s: not enough memory to read it; "
			 "free some and try again", path);
	return rc;
}

static int append_root(struct reader *r, const yaml_node_t *root)
{
	return root->type == YAML_SEQUENCE_NODE ? read_list(r, r->append_to, root)
						: read_element(r, r->append_to, root);
}

int config_set(struct config *c, const char *key, const char *value, const char *where,
	       struct config_error *err)
{
	struct word w = { .source = where, .key = "key", .value = key, .err = err };
	struct reader r = { .c = c, .source = where, .err = err };
	enum opt_id id = option_find(key);
	const char *near;
	int rc;

	err->text[0] = '\0';
	if (id == N_OPTS && option_later(key))
		return word_bad(&w, "is not in this release (%s); leave it out", option_later(key));
	near = option_nearest(key);
	if (id == N_OPTS)
		return word_bad(&w, "is not an option; write %s",
				near ? near : "a key of xdp-nat64.yaml(5)");
	w.key = options[id].key;
	w.value = value;
	/* what begins with { or [ means what it means in the file */
	r.append_to = id;
	if (options[id].type == OPT_TYPE_LIST && (*value == '{' || *value == '['))
		rc = read_text(&r, value, strlen(value), append_root);
	else
		rc = config_put_word(c, id, &w);
	if (rc == -ENOMEM)
		snprintf(err->text, sizeof(err->text), "%.180s: not enough memory", where);
	return rc;
}

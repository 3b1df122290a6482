/* SPDX-License-Identifier: GPL-2.0-only */
/* Walks the events of a YAML text once and refuses what no configuration needs:
 * libyaml takes quadratic time for deep nesting and many anchors, and hundreds
 * of bytes for each node of its tree. */
#include "shape.h"

#include <errno.h>
#include <stdio.h>

#define DEPTH_MAX 8		/* key -> list -> fields -> value, and some for a clear message */
#define EVENTS_MAX 2000000	/* 300,000 mappings */
#define ANCHORS_MAX 100

struct walk {
	int documents, depth;
	unsigned int events, anchors;
};

static int refuse(const struct yaml_text *t, const yaml_event_t *e, const char *what,
		  struct config_error *err)
{
	char place[32] = "";

	if (t->lines)
		snprintf(place, sizeof(place), ":%zu", e->start_mark.line + 1);
	snprintf(err->text, sizeof(err->text), "%.180s%s: %s", t->source, place, what);
	return -EINVAL;
}

int yaml_problem(const struct yaml_text *t, const yaml_parser_t *p, struct config_error *err)
{
	size_t line = p->error == YAML_READER_ERROR ? p->mark.line : p->problem_mark.line;
	char place[32] = "";

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (t->lines)
		snprintf(place, sizeof(place), ":%zu", line + 1);
	snprintf(err->text, sizeof(err->text),
		 "%.180s%s: not YAML: %.80s%s%.80s; write lines KEY: VALUE", t->source, place,
		 p->context ? p->context : "", p->context ? ", " : "",
		 p->problem ? p->problem : "it cannot be read");
	return -EINVAL;
}

static int judge(const struct yaml_text *t, struct walk *w, const yaml_event_t *e,
		 struct config_error *err)
{
	const yaml_char_t *anchor = NULL;

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (w->documents++)
			return refuse(t, e, "a second document begins here; write one document, "
					    "without a line \"---\" in between", err);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		anchor = e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.anchor
							      : e->data.mapping_start.anchor;
		if (++w->depth > DEPTH_MAX)
			return refuse(t, e, "it is nested too deeply for a configuration; write "
					    "KEY: VALUE or KEY: [ELEMENT, ...]", err);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		w->depth--;
		break;
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		break;
	default:
		break;
	}
	if (anchor && ++w->anchors > ANCHORS_MAX)
		return refuse(t, e, "more than 100 anchors are not possible; write the values",
			      err);
	if (++w->events > EVENTS_MAX)
		return refuse(t, e, "more than 2000000 parts are not possible; write fewer entries",
			      err);
	return 0;
}

int yaml_shape(const struct yaml_text *t, struct config_error *err)
{
	struct walk w = { 0 };
	yaml_parser_t parser;
	bool end = false;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)t->text, t->len);
	while (!rc && !end) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			rc = yaml_problem(t, &parser, err);
			break;
		}
		rc = judge(t, &w, &e, err);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The shape of a YAML text, before it becomes a tree. */
#ifndef N64_SHAPE_H
#define N64_SHAPE_H

#include <yaml.h>

#include "config.h"

struct yaml_text {
	const char *source;	/* file, or place on the command line */
	bool lines;		/* line numbers mean something */
	const char *text;
	size_t len;
};

/* One document, not deeper and not larger than a configuration can be. 0, or
 * -EINVAL with *err. */
int yaml_shape(const struct yaml_text *t, struct config_error *err);

/* What libyaml says about a text that it cannot parse, as a sentence. */
int yaml_problem(const struct yaml_text *t, const yaml_parser_t *p, struct config_error *err);

#endif

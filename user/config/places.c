/* SPDX-License-Identifier: GPL-2.0-only */
/* Where each value of a configuration was written, so that a check of the whole
 * can still name file and line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "word.h"

struct place {
	__u32 source;	/* index + 1 into `source`; 0: not known */
	__u32 line;
};

struct config_places {
	char **source;
	__u32 n_source;
	struct place *at[N_OPTS];
	size_t n[N_OPTS];
};

static __u32 source_index(struct config_places *p, const char *text)
{
	char **more;

	/* a file is one source for many values: it is nearly always the last */
	if (p->n_source && !strcmp(p->source[p->n_source - 1], text))
		return p->n_source;
	more = realloc(p->source, (p->n_source + 1) * sizeof(*more));
	if (!more)
		return 0;
	p->source = more;
	p->source[p->n_source] = strdup(text);
	if (!p->source[p->n_source])
		return 0;
	return ++p->n_source;
}

static int grow(struct config_places *p, enum opt_id id, size_t want)
{
	size_t n = p->n[id] ? p->n[id] : 1;
	struct place *more;

	if (want <= p->n[id])
		return 0;
	while (n < want)
		n *= 2;
	more = realloc(p->at[id], n * sizeof(*more));
	if (!more)
		return -ENOMEM;
	memset(more + p->n[id], 0, (n - p->n[id]) * sizeof(*more));
	p->at[id] = more;
	p->n[id] = n;
	return 0;
}

int config_note_place(struct config *c, enum opt_id id, size_t i, const struct word *w)
{
	__u32 source;

	if (!c->places)
		c->places = calloc(1, sizeof(*c->places));
	if (!c->places || grow(c->places, id, i + 1))
		return -ENOMEM;
	source = source_index(c->places, w->source);
	if (!source)
		return -ENOMEM;
	c->places->at[id][i].source = source;
	c->places->at[id][i].line = w->line;
	return 0;
}

void option_place(const struct config *c, enum opt_id id, size_t i, char *buf, size_t size)
{
	const struct config_places *p = c->places;
	const struct place *at;

	buf[0] = '\0';
	if (!p || i >= p->n[id] || !p->at[id][i].source)
		return;
	at = &p->at[id][i];
	if (at->line)
		snprintf(buf, size, "%.180s:%u: ", p->source[at->source - 1], at->line);
	else
		snprintf(buf, size, "%.180s: ", p->source[at->source - 1]);
}

void config_places_free(struct config_places *p)
{
	if (!p)
		return;
	for (__u32 i = 0; i < p->n_source; i++)
		free(p->source[i]);
	free(p->source);
	for (int id = 0; id < N_OPTS; id++)
		free(p->at[id]);
	free(p);
}

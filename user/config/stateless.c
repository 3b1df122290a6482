/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of `stateless` (MIX-01): hosts that are translated one to one beside mode
 * stateful. What belongs to an entry is appended to the lists eam and xlat4, so that all
 * that is checked and compiled about these is the same. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "word.h"

/* The next of the words with commas in between; it is cut off. */
static char *next_word(char **at)
{
	char *word = *at, *comma = word ? strchr(word, ',') : NULL;

	if (comma)
		*comma++ = '\0';
	*at = comma;
	return word;
}

static int put_pref64(const struct word *w, struct stateless_entry *e)
{
	if (e->pref64.len)
		return word_bad(w, "is not possible, the entry has a pref64 already; "
				   "write another entry");
	return word_pref64(w, &e->pref64);
}

/* What a word of the one-word form is, its look says. */
static int put_any(struct config *c, const struct word *w, struct stateless_entry *e)
{
	if (strchr(w->value, '='))
		return config_put_word(c, O_eam, w);
	if (strchr(w->value, ':'))
		return put_pref64(w, e);
	return config_put_word(c, O_xlat4, w);
}

static int put_words(struct config *c, const struct word *val, int field,
		     struct stateless_entry *e)
{
	struct word w = *val;
	char *copy, *at;
	int rc = 0;

	if (!val->value)
		return 0;
	copy = strdup(val->value);
	if (!copy)
		return -ENOMEM;
	for (at = copy; !rc && at && *copy;) {
		w.value = next_word(&at);
		if (!field)
			rc = put_any(c, &w, e);
		else
			rc = config_put_word(c, field == 1 ? O_eam : O_xlat4, &w);
	}
	free(copy);
	return rc;
}

int config_put_stateless(struct config *c, const struct word *val)
{
	struct stateless_entry e = { .eam = c->eam.n, .xlat4 = c->xlat4.n };
	const struct word *first = val;
	int rc = 0;

	for (int i = 0; !rc && i < ELEM_FIELDS; i++)
		rc = put_words(c, &val[i], i, &e);
	if (rc)
		return rc;
	e.n_eam = c->eam.n - e.eam;
	e.n_xlat4 = c->xlat4.n - e.xlat4;
	while (!first->value && first < &val[ELEM_FIELDS - 1])
		first++;
	if (!e.n_eam && !e.n_xlat4)
		return word_bad(first->value ? first : &(struct word){ .source = val->source,
			.line = val->line, .key = "stateless", .value = "", .err = val->err },
			"has neither eam nor xlat4, so it has no hosts; write %s",
			elem_kinds[ELEM_STATELESS].form);
	rc = config_note_place(c, O_stateless, c->stateless.n, first);
	return rc ? rc : config_append(c, O_stateless, &e, sizeof(e));
}

__u32 config_entry_of_eam(const struct config *c, size_t i)
{
	for (size_t n = 0; n < c->stateless.n; n++)
		if (i - c->stateless.v[n].eam < c->stateless.v[n].n_eam)
			return (__u32)n + 1;
	return 0;
}

__u32 config_entry_of_xlat4(const struct config *c, size_t i)
{
	for (size_t n = 0; n < c->stateless.n; n++)
		if (i - c->stateless.v[n].xlat4 < c->stateless.v[n].n_xlat4)
			return (__u32)n + 1;
	return 0;
}

/* Its pref64 and its first words, as many as there is room for. */
void stateless_text(const struct config *c, size_t i, char *buf, size_t size)
{
	const struct stateless_entry *e = &c->stateless.v[i];
	size_t n = 0, all = e->n_eam + e->n_xlat4;
	char text[PREFIX_TEXT * 2];

	buf[0] = '\0';
	if (e->pref64.len)
		n = (size_t)snprintf(buf, size, "%s", prefix6_text(&e->pref64, text));
	for (size_t j = 0; j < all; j++) {
		if (j < e->n_eam)
			option_elem_text(c, O_eam, e->eam + j, text, sizeof(text));
		else
			option_elem_text(c, O_xlat4, e->xlat4 + j - e->n_eam, text, sizeof(text));
		if (n + strlen(text) + 2 > size)
			return;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? "," : "", text);
	}
}

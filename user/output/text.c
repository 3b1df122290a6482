/* SPDX-License-Identifier: GPL-2.0-only */
/* The tree as text. Values of a section stand in two columns, an array of
 * objects is a table, an array of words one line; what is inside something is
 * indented by two. Columns are measured before they are written. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"

#define VALUE_TEXT 512
#define MAX_COLUMNS 16
#define LIST_WIDTH 78

/* Bytes of a UTF-8 text that take a place on the screen. */
static int shown_width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void pad(FILE *f, int n)
{
	if (n > 0)
		fprintf(f, "%*s", n, "");
}

static void put_key(FILE *f, const char *key)
{
	for (; *key; key++)
		putc(*key == '_' ? ' ' : *key, f);
}

/* A scalar as text: its own string, or written into buf. */
static const char *value_text(const json_t *v, char buf[VALUE_TEXT])
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_string_value(v);
	case JSON_INTEGER:
		snprintf(buf, VALUE_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return buf;
	case JSON_REAL:
		snprintf(buf, VALUE_TEXT, "%.2f", json_real_value(v));
		return buf;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	default:
		return "-";
	}
}

/* A cell of a table may hold a list of words. */
static const char *cell_text(const json_t *v, char buf[VALUE_TEXT])
{
	char word[VALUE_TEXT];
	size_t i, n = 0;
	json_t *e;

	if (!v)
		return "-";
	if (!json_is_array(v))
		return value_text(v, buf);
	if (!json_array_size(v))
		return "-";
	buf[0] = '\0';
	json_array_foreach((json_t *)v, i, e) {
		if (n < VALUE_TEXT - 1)
			n += (size_t)snprintf(buf + n, VALUE_TEXT - n, "%s%s", i ? ", " : "",
					      value_text(e, word));
	}
	return buf;
}

static bool is_table(const json_t *v)
{
	return json_is_array(v) && json_is_object(json_array_get(v, 0));
}

struct table {
	const char *column[MAX_COLUMNS];
	int width[MAX_COLUMNS];
	bool number[MAX_COLUMNS];	/* written to the right */
	int n;
};

static void measure_cell(struct table *t, const char *key, const json_t *v)
{
	char buf[VALUE_TEXT];
	int i, w;

	for (i = 0; i < t->n && strcmp(t->column[i], key); i++)
		;
	if (i == MAX_COLUMNS)
		return;
	if (i == t->n) {
		t->column[i] = key;
		t->width[i] = shown_width(key);
		t->number[i] = true;
		t->n++;
	}
	if (!json_is_number(v) && !json_is_null(v))
		t->number[i] = false;
	w = shown_width(cell_text(v, buf));
	if (w > t->width[i])
		t->width[i] = w;
}

/* `text` in a column; `gap`: another one follows. */
static void put_cell(FILE *f, const struct table *t, int i, const char *text, bool is_key)
{
	int space = t->width[i] - shown_width(text);
	bool last = i == t->n - 1;

	if (t->number[i])
		pad(f, space);
	if (is_key)
		put_key(f, text);
	else
		fputs(text, f);
	if (!t->number[i] && !last)
		pad(f, space);
	if (!last)
		fputs("  ", f);
}

static void put_table(FILE *f, const json_t *rows, int indent)
{
	struct table t = { .n = 0 };
	char buf[VALUE_TEXT];
	const char *key;
	json_t *row, *v;
	size_t r;

	json_array_foreach((json_t *)rows, r, row) {
		json_object_foreach(row, key, v) {
			measure_cell(&t, key, v);
		}
	}
	pad(f, indent);
	for (int i = 0; i < t.n; i++)
		put_cell(f, &t, i, t.column[i], true);
	putc('\n', f);
	json_array_foreach((json_t *)rows, r, row) {
		pad(f, indent);
		for (int i = 0; i < t.n; i++)
			put_cell(f, &t, i, cell_text(json_object_get(row, t.column[i]), buf),
				 false);
		putc('\n', f);
	}
}

/* Words side by side, broken at the width of a terminal. */
static void put_list(FILE *f, const json_t *list, int indent)
{
	char buf[VALUE_TEXT];
	int at = indent;
	size_t i;
	json_t *e;

	json_array_foreach((json_t *)list, i, e) {
		const char *text = value_text(e, buf);
		int w = shown_width(text);

		if (i && at + 2 + w > LIST_WIDTH) {
			fputs(",\n", f);
			pad(f, indent);
			at = indent;
		} else if (i) {
			fputs(", ", f);
			at += 2;
		}
		fputs(text, f);
		at += w;
	}
	if (!json_array_size(list))
		fputs("none", f);
	putc('\n', f);
}

/* Sections of sections are rendered level by level; trees are as deep as their
 * authors wrote them, never deeper. */
static void put_object(FILE *f, const json_t *object, int indent)
{
	char buf[VALUE_TEXT];
	const char *key;
	bool first = true;
	int width = 0;
	json_t *v;

	json_object_foreach((json_t *)object, key, v) {
		if (!json_is_object(v) && !is_table(v) && shown_width(key) > width)
			width = shown_width(key);
	}
	json_object_foreach((json_t *)object, key, v) {
		bool block = json_is_object(v) || is_table(v);

		if (block && indent == 0 && !first)
			putc('\n', f);
		first = false;
		pad(f, indent);
		put_key(f, key);
		if (block) {
			putc('\n', f);
			if (json_is_object(v))
				put_object(f, v, indent + 2);
			else
				put_table(f, v, indent + 2);
			continue;
		}
		pad(f, width - shown_width(key) + 2);
		if (json_is_array(v))
			put_list(f, v, indent + width + 2);
		else
			fprintf(f, "%s\n", value_text(v, buf));
	}
}

void render_text(const json_t *root, FILE *f)
{
	put_object(f, root, 0);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* One structure, several renderers. A command builds a tree of sections, tables
 * and values (a jansson tree, keys in snake_case); output_print writes it as
 * aligned text or as JSON.
 *
 *	json_t *root = json_object();
 *	out_str(root, "instance", "%s", name);          instance   default
 *	json_t *s = out_section(root, "worker");        worker
 *	out_bool(s, "alive", true);                       alive    yes
 *	out_int(s, "pid", 4711);                          pid      4711
 *	json_t *t = out_table(root, "ports");           ports
 *	json_t *r = out_row(t);                           name  mode
 *	out_str(r, "name", "eth0");                       eth0  native
 *	out_str(r, "mode", "native");
 *	output_print(root, cli.json, stdout);
 *	json_decref(root);
 *
 * A table in which no row was made is written "none" (JSON: []). Text shows keys
 * with spaces for underscores, true and false as yes and no, null as "-".
 * Out of memory ends the program with a message: nothing can be shown then. */
#ifndef N64_OUTPUT_H
#define N64_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The new parts belong to their parent: don't decref them. */
json_t *out_section(json_t *parent, const char *key);
json_t *out_table(json_t *parent, const char *key);
json_t *out_row(json_t *table);
/* A list of plain words: text writes them side by side. */
json_t *out_list(json_t *parent, const char *key);
void out_item(json_t *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void out_str(json_t *object, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void out_int(json_t *object, const char *key, long long value);
void out_real(json_t *object, const char *key, double value);
void out_bool(json_t *object, const char *key, bool value);
void out_null(json_t *object, const char *key);

/* Renders to `f`; 0, or -errno when writing failed (full disk, closed pipe). */
int output_print(const json_t *root, bool json, FILE *f);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The renderer for people: aligned text without colours. */
#ifndef N64_RENDER_H
#define N64_RENDER_H

#include <jansson.h>
#include <stdio.h>

void render_text(const json_t *root, FILE *f);

#endif

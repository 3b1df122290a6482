/* SPDX-License-Identifier: GPL-2.0-only */
/* "Did you mean": the word of a list with the smallest edit distance. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define LONGEST 32

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap two neighbours) from a to b. */
static unsigned int distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned int rows[3][LONGEST + 1];
	unsigned int *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		char ca = a[i - 1];
		unsigned int *next = before;

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (ca != b[j - 1]));
			if (i > 1 && j > 1 && ca == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = next;
	}
	return last[nb];
}

const char *nearest_word(const char *word, const char *const *words, size_t n)
{
	size_t len = strlen(word);
	unsigned int best;
	const char *found = NULL;

	if (!len || len > LONGEST)
		return NULL;
	/* a third of the letters may be wrong, never all of them */
	best = (unsigned int)(len < 3 ? 1 : len / 3) + 1;
	for (size_t i = 0; i < n; i++) {
		size_t nb = words[i] ? strlen(words[i]) : 0;
		unsigned int d;

		if (!nb || nb > LONGEST)
			continue;
		d = distance(word, len, words[i], nb);
		if (d < best && d < len) {
			best = d;
			found = words[i];
		}
	}
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a configuration file: refused with one sentence, or accepted, and
 * then checked, compiled and looked up. Twice over the same bytes must say the
 * same. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/options.h"
#include "config/policy.h"
#include "pool.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

/* What was accepted has its sizes, its slots, and a table that finds each of them. */
static void use_pool(const struct config *c, struct policy *p)
{
	static struct n64_slot slot[N64_MAX_SLOTS];
	const struct n64_env env = { .conf = &p->conf, .policy = p };
	struct config_error err;
	struct state_sizes s;

	if (c->opt.mode != MODE_STATEFUL)
		return;
	if (state_sizes(c, &s, &err) || pool_slots(c, NULL, slot) || policy_pool_table(p, slot))
		abort();
	for (int i = 0; i < N64_MAX_SLOTS; i++) {
		__u32 flags;

		if (slot[i].flags & SLOT_USED && pool_find(&env, slot[i].addr, &flags) != i)
			abort();
	}
	if (p->conf.st.n_dynamic > s.addresses || s.bytes < s.rows * 2101248ull)
		abort();
}

static void use(const struct config *c)
{
	struct n64_conf conf;
	struct policy p;
	char text[160];

	config_to_conf(c, &conf);
	for (int id = 0; id < N_OPTS; id++) {
		option_text(c, id, text, sizeof(text));
		for (size_t i = 0; i < option_list_len(c, id); i++)
			option_elem_text(c, id, i, text, sizeof(text));
	}
	if (policy_compile(c, &conf, NULL, 0, &p))
		abort(); /* what was accepted can be compiled */
	for (size_t i = 0; i < p.n4; i++)
		if (!policy_find4(&p, p.row4[i].key.addr))
			abort();
	for (size_t i = 0; i < p.n6; i++)
		if (!policy_find6(&p, &p.row6[i].key.addr))
			abort();
	use_pool(c, &p);
	policy_free(&p);
}

static int judge(const char *path, struct config_error *err)
{
	struct config c;
	int rc;

	config_init(&c);
	rc = config_read_file(&c, path, err);
	if (!rc)
		rc = config_check(&c, NULL, err);
	if (rc && (!*err->text || strchr(err->text, '\n')))
		abort(); /* a refusal is one sentence */
	if (!rc)
		use(&c);
	config_free(&c);
	return rc;
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	int fd = memfd_create("config", 0);
	struct config_error one = { "" }, two = { "" };
	char path[40];
	int rc;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = judge(path, &one);
	if (judge(path, &two) != rc || strcmp(one.text, two.text))
		abort();
	close(fd);
	return 0;
}

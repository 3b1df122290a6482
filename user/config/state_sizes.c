/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of mode stateful, counted before they are made: how many entries the
 * configuration asks for, and the kernel memory that these take. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_int.h"

#define ENTRIES_MAX (1ull << 31) /* an index plus one fits 32 bits */
#define LINES_MIN 64
#define SUBS_MIN 1024
#define SUBS_MAX (1u << 20)	/* unless max-subscribers asks for more */
#define PORTS_OF_SUBSCRIBER 256
#define PAGE 4096ull
#define ARRAY_HEAD 320ull	/* struct bpf_array */

static __u64 power_of_two(__u64 n)
{
	__u64 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __u64 most(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

static __u64 pages(__u64 bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* As array_map_mem_usage of the kernel counts an array that can be mapped. */
static __u64 shared_array(__u64 n, __u64 size)
{
	return pages(ARRAY_HEAD) + pages(n * size);
}

static __u64 plain_array(__u64 n, __u64 size)
{
	return pages(ARRAY_HEAD + n * size);
}

static __u32 option_max(const struct config *c, __u32 proto)
{
	return proto == ST_TCP ? c->opt.max_tcp :
	       proto == ST_UDP ? c->opt.max_udp : c->opt.max_icmp;
}

static void count_addresses(const struct pool_addr *v, __u64 n, struct state_sizes *s)
{
	s->addresses = (__u32)n;
	for (__u64 i = 0; i < n; i++) {
		for (__u32 proto = 0; proto < N_ST_PROTOS; proto++) {
			s->ports[proto] += v[i].ports[proto];
			if ((v[i].dynamic | v[i].fixed) & 1u << proto)
				s->proto_rows[proto]++;
		}
	}
	for (__u32 proto = 0; proto < N_ST_PROTOS; proto++)
		s->rows += s->proto_rows[proto];
}

/* Sessions: those of TCP, a quarter more than mappings; under address-dependent
 * filtering (ST-09) at least a permission for each of the others. */
static __u64 wanted_sessions(const struct config *c, const struct state_sizes *s)
{
	__u64 n = s->mappings[ST_TCP] + s->mappings[ST_TCP] / 4;

	if (c->opt.max_sessions)
		return c->opt.max_sessions;
	if (c->opt.filtering_udp == FILTERING_ADF)
		n += s->mappings[ST_UDP] + s->mappings[ST_ICMP];
	return n;
}

static __u64 wanted_subscribers(const struct config *c, const struct state_sizes *s)
{
	__u64 ports = most(s->ports[ST_TCP], most(s->ports[ST_UDP], s->ports[ST_ICMP]));

	if (c->opt.max_subscribers)
		return c->opt.max_subscribers;
	return least(ports / PORTS_OF_SUBSCRIBER, SUBS_MAX / 2);
}

/* Twice what is wanted, so that a line is nearly never full; two entries a line. */
static __u64 lines_for(__u64 wanted)
{
	return most(power_of_two(2 * wanted) / 2, LINES_MIN);
}

static void count_memory(const struct config *c, struct state_sizes *s)
{
	s->binding_bytes = s->rows * shared_array(N64_ROW_PORTS, sizeof(struct n64_binding));
	s->row_bytes = s->rows * shared_array(1, sizeof(struct n64_row));
	if (c->opt.port_block)
		s->block_bytes = s->addresses * shared_array(1, sizeof(struct n64_blocks));
	s->bytes = s->binding_bytes + s->row_bytes + s->block_bytes;
	s->bytes += 2 * plain_array(N64_MAX_ROWS, 8) + plain_array(N64_MAX_SLOTS, 8);
	s->bytes += shared_array(s->bib6_lines, 2 * sizeof(struct n64_bib6));
	s->bytes += shared_array(s->session_lines, 2 * sizeof(struct n64_session));
	s->bytes += shared_array(s->sub_lines, sizeof(struct n64_subscriber));
	s->bytes += shared_array(s->hold_chunks, sizeof(struct n64_hold));
	s->bytes += plain_array(s->reach_words, 8);
	s->bytes += shared_array(1, sizeof(struct n64_state));
	s->bytes += shared_array(N64_MAX_SLOTS, sizeof(struct n64_slot));
	s->bytes += plain_array(s->pool_lines, sizeof(struct n64_pool_line));
	s->bytes += plain_array(s->addresses, sizeof(struct n64_dynamic));
}

static int refuse(const char *what, __u64 n, __u64 limit, const char *remedy,
		  struct config_error *err)
{
	snprintf(err->text, sizeof(err->text), "%s: %llu are not possible, the limit is %llu; %s",
		 what, (unsigned long long)n, (unsigned long long)limit, remedy);
	return -E2BIG;
}

static int size_tables(const struct config *c, struct state_sizes *s, struct config_error *err)
{
	__u64 mappings = c->statics.n, lines;

	for (__u32 proto = 0; proto < N_ST_PROTOS; proto++) {
		__u32 max = option_max(c, proto);

		s->mappings[proto] = max ? least(s->ports[proto], max) : s->ports[proto];
		mappings += s->mappings[proto];
	}
	s->sessions = wanted_sessions(c, s);
	s->subscribers = wanted_subscribers(c, s);
	lines = lines_for(mappings);
	if (2 * lines > ENTRIES_MAX)
		return refuse("pool4: entries of the table of mappings", 2 * lines, ENTRIES_MAX,
			      "write max-tcp-mappings, max-udp-mappings or a smaller pool4", err);
	s->bib6_lines = (__u32)lines;
	lines = lines_for(s->sessions);
	if (2 * lines > ENTRIES_MAX)
		return refuse("max-sessions: entries of the table of sessions", 2 * lines,
			      ENTRIES_MAX, "write a smaller max-sessions", err);
	s->session_lines = (__u32)lines;
	s->sub_lines = (__u32)most(power_of_two(2 * s->subscribers), SUBS_MIN);
	s->hold_chunks = (__u32)(2ull * s->sub_lines + mappings / 8 + s->sessions / 8);
	s->reach_words = (s->bib6_lines + 7) / 8 + (s->session_lines + 7) / 8 +
			 (s->sub_lines + 7) / 8;
	s->pool_lines = (__u32)most(power_of_two(s->addresses), POOL_LINES_LEAST);
	return 0;
}

int state_sizes(const struct config *c, struct state_sizes *out, struct config_error *err)
{
	struct pool_addr *v;
	__u64 n = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	err->text[0] = '\0';
	rc = pool_addresses(c, &v, &n);
	if (rc == -E2BIG)
		return refuse(c->opt.mode == MODE_DYNAMIC ?
			      "pool4: blocks of 65536 addresses that share their upper half" :
			      "pool4: addresses of pool4 and static together", n,
			      N64_MAX_SLOTS, "write smaller prefixes", err);
	if (rc) {
		snprintf(err->text, sizeof(err->text), "pool4: not enough memory to count it");
		return rc;
	}
	count_addresses(v, n, out);
	free(v);
	rc = size_tables(c, out, err);
	if (!rc)
		count_memory(c, out);
	return rc;
}

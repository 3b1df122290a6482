// SPDX-License-Identifier: GPL-2.0-only
/* The order in which flows are visited: an array that the source walks from end to end,
 * so that a random order costs it no cache miss of its own. Uniform: a permutation, every
 * flow once. Zipf: draws, where the flow of rank r comes with a weight of 1 / r^s, and
 * ranks are dealt to flows at random. */
#include "order.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/types.h>

#include "bench.h"
#include "measure.h"

/* xorshift64*: fast, and the same order every time. */
static __u64 random_state;

static __u64 next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ull;
}

static __u32 below(__u32 n)
{
	return (__u32)(((next_random() >> 32) * n) >> 32);
}

static void shuffle(__u32 *v, __u32 n)
{
	for (__u32 i = n; i > 1; i--) {
		__u32 j = below(i), t = v[i - 1];

		v[i - 1] = v[j];
		v[j] = t;
	}
}

static __u32 *deal(__u32 flows)
{
	__u32 *v = malloc(sizeof(*v) * flows);

	for (__u32 i = 0; v && i < flows; i++)
		v[i] = i;
	return v;
}

/* `length` draws from the ranks of `dealt`. */
static __u32 *zipf(__u32 *dealt, __u32 flows, __u32 length, double exponent)
{
	double *up_to = malloc(sizeof(*up_to) * flows), sum = 0;
	__u32 *v = malloc(sizeof(*v) * length);

	for (__u32 i = 0; up_to && i < flows; i++) {
		sum += 1 / pow(i + 1.0, exponent);
		up_to[i] = sum;
	}
	for (__u32 i = 0; up_to && v && i < length; i++) {
		double x = (double)(next_random() >> 11) / 9007199254740992.0 * sum;
		__u32 low = 0, high = flows - 1;

		while (low < high) {
			__u32 middle = low + (high - low) / 2;

			if (up_to[middle] < x)
				low = middle + 1;
			else
				high = middle;
		}
		v[i] = dealt[low];
	}
	free(up_to);
	free(dealt);
	return v;
}

/* The flows of a spec in their order; *length of them. */
static __u32 *order_of(json_t *spec, __u32 *length)
{
	__u32 flows = (__u32)number_of(spec, "flows");
	const char *pattern = text_of(spec, "pattern");
	__u32 *v = deal(flows);

	random_state = (__u64)number_of(spec, "seed") | 1;
	*length = flows;
	if (!v || !strcmp(pattern, "sequential"))
		return v;
	shuffle(v, flows);
	if (strcmp(pattern, "zipf"))
		return v;
	*length = (__u32)number_of(spec, "length");
	return zipf(v, flows, *length, json_real_value(json_object_get(spec, "exponent")));
}

json_t *draw(json_t *spec)
{
	json_t *list = json_array();
	__u32 length, *v = order_of(spec, &length);

	for (__u32 i = 0; v && i < length; i++)
		json_array_append_new(list, json_integer(v[i]));
	free(v);
	return list;
}

/* A pinned array that this process can write to; what was pinned there is let go. */
static void *make_array(const char *pin, const char *name, __u32 value, __u32 entries, int *fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	void *at;
	int rc;

	*fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32), value, entries, &o);
	if (*fd < 0) {
		fail("making the array", pin, *fd);
		return NULL;
	}
	unlink(pin);
	rc = bpf_obj_pin(*fd, pin);
	at = mmap(NULL, (size_t)value * entries, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (!rc && at != MAP_FAILED)
		return at;
	fail("pinning the array", pin, rc ? rc : -errno);
	close(*fd);
	return NULL;
}

static struct external *open_externals(const char *pin, __u32 flows)
{
	int fd = bpf_obj_get(pin);
	void *at;

	if (fd < 0) {
		fail("opening the array", pin, fd);
		return NULL;
	}
	at = mmap(NULL, sizeof(struct external) * flows, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at != MAP_FAILED)
		return at;
	fail("mapping the array", pin, -errno);
	return NULL;
}

/* Empty, or filled with what a translator could have given: `per` ports from 1024 on of
 * each address. */
json_t *make_externals(json_t *spec)
{
	__u32 flows = (__u32)number_of(spec, "flows"), per = (__u32)number_of(spec, "per");
	__u32 base = (__u32)number_of(spec, "base");
	struct external *e;
	int fd;

	e = make_array(text_of(spec, "pin"), "externals", sizeof(*e), flows, &fd);
	if (!e)
		return NULL;
	for (__u32 i = 0; per && i < flows; i++) {
		e[i].addr = htonl(base + i / per);
		e[i].port = htons((__u16)(1024 + i % per));
		e[i].known = 1;
	}
	close(fd);
	return json_pack("{s:i}", "flows", (int)flows);
}

json_t *make_steps(json_t *spec)
{
	__u32 length, base = (__u32)number_of(spec, "base"), *v = order_of(spec, &length);
	const char *learned = text_of(spec, "externals");
	const struct external *e = NULL;
	struct step *s;
	int fd;

	if (!v)
		return NULL;
	if (learned) {
		e = open_externals(learned, (__u32)number_of(spec, "flows"));
		if (!e)
			return NULL;
	}
	s = make_array(text_of(spec, "pin"), "steps", sizeof(*s), length, &fd);
	if (!s)
		return NULL;
	for (__u32 i = 0; i < length; i++) {
		s[i].flow = v[i];
		if (e) {
			s[i].addr = (__u16)(ntohl(e[v[i]].addr) - base);
			s[i].port = ntohs(e[v[i]].port);
		}
	}
	free(v);
	close(fd);
	return json_pack("{s:i}", "length", (int)length);
}

/* How many flows have an external address, and how many share one with another. */
json_t *audit(json_t *spec)
{
	__u32 flows = (__u32)number_of(spec, "flows"), base = (__u32)number_of(spec, "base");
	__u32 count = (__u32)number_of(spec, "count"), known = 0, shared = 0, strange = 0;
	const struct external *e = open_externals(text_of(spec, "pin"), flows);
	__u8 *taken = e ? calloc(count, 65536 / 8) : NULL;

	if (!taken)
		return NULL;
	for (__u32 i = 0; i < flows; i++) {
		__u32 addr = ntohl(e[i].addr) - base, port = ntohs(e[i].port);
		__u8 *byte, bit = (__u8)(1u << port % 8);

		if (!e[i].known)
			continue;
		known++;
		if (addr >= count) {
			strange++;
			continue;
		}
		byte = taken + ((size_t)addr * 65536 + port) / 8;
		shared += !!(*byte & bit);
		*byte |= bit;
	}
	free(taken);
	return json_pack("{s:i, s:i, s:i}", "known", (int)known, "shared", (int)shared, "strange",
			 (int)strange);
}

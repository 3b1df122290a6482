// SPDX-License-Identifier: GPL-2.0-only
/* The words of a specification are the names of the fields of bench.h. */
#include "spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "measure.h"

json_int_t number_of(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_true(value) ? 1 : json_integer_value(value);
}

const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

__u32 bytes_of(json_t *object, const char *key, __u8 *bytes, __u32 max)
{
	const char *hex = text_of(object, key);
	unsigned int byte;
	__u32 n = 0;

	for (; hex && hex[(size_t)n * 2]; n++) {
		if (n == max || sscanf(hex + (size_t)n * 2, "%2x", &byte) != 1) {
			fail("reading the bytes of", key, -EINVAL);
			return 0;
		}
		bytes[n] = (__u8)byte;
	}
	return n;
}

#define TAKE(field) c->field = (__typeof__(c->field))number_of(spec, #field)

int source_conf_of(json_t *spec, struct source_conf *c)
{
	__u8 head[HEAD_WORDS * 8] = { 0 };

	if (!bytes_of(spec, "head", head, sizeof(head)))
		return 1;
	memcpy(c->head, head, sizeof(head));
	TAKE(pairs);
	if (c->pairs && !bytes_of(spec, "second", head, sizeof(head)))
		return 1;
	memcpy(c->second, head, sizeof(head));
	TAKE(head_bytes);
	TAKE(host_base);
	TAKE(csum);
	TAKE(ip_csum);
	TAKE(off_host);
	TAKE(off_port);
	TAKE(off_csum);
	TAKE(off_ip_csum);
	TAKE(off_id);
	TAKE(off_time);
	TAKE(port_base);
	TAKE(port_bits);
	TAKE(by_step);
	TAKE(host_in_csum);
	TAKE(zero_is_ffff);
	TAKE(begin);
	TAKE(end);
	TAKE(interval);
	return 0;
}

int sink_conf_of(json_t *spec, struct sink_conf *c)
{
	__u8 bytes[WANT_WORDS * 8] = { 0 };

	if (!bytes_of(spec, "want", bytes, sizeof(bytes)))
		return 1;
	memcpy(c->want, bytes, sizeof(bytes));
	memset(bytes, 0, sizeof(bytes));
	if (!bytes_of(spec, "mask", bytes, sizeof(bytes)))
		return 1;
	memcpy(c->mask, bytes, sizeof(bytes));
	TAKE(bytes);
	TAKE(flows);
	TAKE(host_base);
	TAKE(ext_base);
	TAKE(ext_count);
	TAKE(every);
	TAKE(sum_every);
	TAKE(time_every);
	TAKE(settle);
	TAKE(sum_const);
	TAKE(off_host);
	TAKE(off_port);
	TAKE(off_ext_addr);
	TAKE(off_ext_port);
	TAKE(off_id);
	TAKE(off_time);
	TAKE(port_base);
	TAKE(port_bits);
	TAKE(off_l3);
	TAKE(off_l4);
	TAKE(addr_from);
	TAKE(addr_to);
	TAKE(port_from);
	TAKE(port_to);
	TAKE(learn);
	TAKE(no_csum);
	TAKE(ip_words);
	return 0;
}

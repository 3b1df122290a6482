/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode dynamic (DYN-01): a mapping is a whole host, one IPv6 address and one of the pool,
 * for all protocols and ports. It lies in the tables of mode stateful as if it were one
 * of UDP: a slot stands for the 65536 addresses that share their upper half, and the
 * lower half takes the place of the port. So 4->6 finds its record by index, and one
 * bitmap says which addresses are free. The host has no port (0). */
#ifndef N64_DYNAMIC_H
#define N64_DYNAMIC_H

#include "abi.h"

#define ST_HOST ST_UDP	/* the protocol whose tables are used */
#define HOST_LOW 0xffffu

n64_inline bool conf_is_dynamic(const struct n64_conf *conf)
{
	return conf->opt.mode == MODE_DYNAMIC;
}

/* Are there mappings at all? */
n64_inline bool conf_has_state(const struct n64_conf *conf)
{
	return conf->opt.mode != MODE_SIIT;
}

/* What a slot has for the address of a pool. */
n64_inline __be32 host_block(__be32 addr)
{
	return addr & be32(~HOST_LOW);
}

/* What stands in the place of a port. */
n64_inline __be16 host_port(__be32 addr)
{
	return be16(host32(addr) & HOST_LOW);
}

n64_inline __be32 host_addr(__be32 block, __be16 port)
{
	return block | be32(host16(port));
}

/* DYN-03: how a packet leaves whose source is not in allow6 (dyn-others). */
n64_inline enum reason dynamic_not_allowed(const struct n64_conf *conf)
{
	return conf->opt.dyn_others == DYN_OTHERS_PASS ? R_others_pass :
	       conf->opt.dyn_others == DYN_OTHERS_DROP ? R_others_drop : R_not_allowed6;
}

#endif

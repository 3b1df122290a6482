/* SPDX-License-Identifier: GPL-2.0-only */
/* Filters of mappings and sessions (ST-04, ST-09), and their ages from their deadlines
 * (RFC 6146 section 4, ST-10). */
#include "state_filter.h"

#include <string.h>

#include "addr.h"
#include "tcp.h"

#define ALL_PROTOS (1u << ST_TCP | 1u << ST_UDP | 1u << ST_ICMP)

void state_filter_init(struct state_filter *f)
{
	memset(f, 0, sizeof(*f));
	f->protos = ALL_PROTOS;
	f->port4[1] = f->port6[1] = f->remote_port[1] = 0xffff;
	f->kinds = 1u << MAPPING_DYNAMIC | 1u << MAPPING_STATIC;
	f->states = ~0u;
	f->left_max = AGE_UNKNOWN;
}

/* ---- time ---------------------------------------------------------------------- */

/* Seconds of a clock that may wrap. */
bool deadline_is_past(__u32 until, __u32 now)
{
	return (__s32)(now - until) > 0;
}

/* The timer that set the deadline of a mapping, 0: it cannot be known. */
static __u32 mapping_timer(const struct n64_conf *conf, const struct mapping_info *m)
{
	const struct n64_opts *opt = &conf->opt;

	switch (m->proto) {
	case ST_TCP:
		return m->ctl & CTL_QUIET ? opt->tcp_est_timeout + opt->tcp_trans_timeout : 0;
	case ST_UDP:
		for (__u32 i = 0; i < conf->st.n_udp_port && i < N64_MAX_UDP_PORTS; i++) {
			if (m->left <= conf->st.udp_port[i].seconds)
				return 0;
		}
		return opt->udp_timeout;
	default:
		return opt->icmp_timeout;
	}
}

/* A reload may have changed the timer: what it does not explain is not known. */
static __u32 idle_of(__u32 timer, __u32 left)
{
	return timer >= left && timer ? timer - left : AGE_UNKNOWN;
}

void mapping_age(const struct n64_conf *conf, struct mapping_info *m, __u32 now)
{
	m->left = 0;
	m->idle = AGE_UNKNOWN;
	if (ctl_state(m->ctl) != CTL_ACTIVE) {
		m->kind = MAPPING_FREE;
		return;
	}
	if (m->ctl & CTL_STATIC) {
		m->kind = MAPPING_STATIC;
		return;
	}
	m->kind = deadline_is_past(m->until, now) ? MAPPING_EXPIRED : MAPPING_DYNAMIC;
	if (m->kind == MAPPING_DYNAMIC) {
		m->left = m->until - now;
		m->idle = idle_of(mapping_timer(conf, m), m->left);
	}
}

static __u32 session_timer(const struct n64_opts *opt, enum tcp_state state)
{
	switch (state) {
	case TCP_V4_INIT:
	case TCP_V6_INIT:
		return opt->tcp_open_timeout;
	case TCP_V4_FIN_RCV:
	case TCP_V6_FIN_RCV:
		return opt->tcp_est_timeout;
	case TCP_ESTABLISHED:
		return opt->tcp_est_timeout + opt->tcp_trans_timeout;
	case TCP_V4_V6_FIN:
	case TCP_TRANS:
		return opt->tcp_trans_timeout;
	default: /* permissions follow their protocol, stored SYNs have no timer of ours */
		return 0;
	}
}

void session_age(const struct n64_conf *conf, struct session_info *s, __u64 word, __u32 now)
{
	enum tcp_state stored = (enum tcp_state)(word & 0xff);

	s->left = 0;
	s->idle = AGE_UNKNOWN;
	s->state = tcp_now(&conf->opt, word, now);
	if (stored == TCP_V4_STORED)
		s->until -= STORED_KEEP;
	if (deadline_is_past(s->until, now))
		return;
	s->left = s->until - now;
	/* in TRANS by time alone the deadline is still that of ESTABLISHED */
	s->idle = idle_of(session_timer(&conf->opt, stored), s->left);
}

/* ---- filters --------------------------------------------------------------------- */

static bool in_range(const __u16 range[2], __u16 port)
{
	return port >= range[0] && port <= range[1];
}

static bool is_any(const __u16 range[2])
{
	return !range[0] && range[1] == 0xffff;
}

bool filter_wants_row(const struct state_filter *f, __be32 addr4, enum st_proto proto)
{
	return f->protos & 1u << proto &&
	       prefix4_contains(f->addr4.addr, f->addr4.len, addr4);
}

/* An age that is not known is not old. */
static bool ages_match(const struct state_filter *f, __u32 left, __u32 idle)
{
	if (f->idle_min && (idle == AGE_UNKNOWN || idle < f->idle_min))
		return false;
	return left <= f->left_max;
}

/* What a mapping is, without its ages. */
static bool is_meant(const struct state_filter *f, const struct mapping_info *m)
{
	return filter_wants_row(f, m->addr4, m->proto) && in_range(f->port4, m->port4) &&
	       in_range(f->port6, m->port6) &&
	       prefix6_contains(&f->addr6.addr, f->addr6.len, &m->host6);
}

bool filter_wants_mapping(const struct state_filter *f, const struct mapping_info *m)
{
	if (!(f->kinds & 1u << m->kind) || !is_meant(f, m))
		return false;
	/* a static one never goes */
	if (m->kind == MAPPING_STATIC && f->left_max != AGE_UNKNOWN)
		return false;
	return ages_match(f, m->left, m->idle);
}

bool filter_wants_session(const struct state_filter *f, const struct session_info *s)
{
	/* a stored SYN may have no IPv6 side that could be compared */
	bool bare = s->map.kind == MAPPING_FREE;

	if (!(f->states & 1u << s->state) ||
	    !prefix4_contains(f->remote4.addr, f->remote4.len, s->remote4) ||
	    !in_range(f->remote_port, s->remote_port))
		return false;
	if (bare && (f->addr6.len || !is_any(f->port6)))
		return false;
	return (bare ? filter_wants_row(f, s->map.addr4, s->map.proto) &&
			       in_range(f->port4, s->map.port4)
		     : is_meant(f, &s->map)) &&
	       ages_match(f, s->left, s->idle);
}

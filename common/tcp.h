/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP state machine of a NAT64 (RFC 6146 3.5.2.2, requirements section 11): what a
 * packet does to the state and the timer of its session. Pure; how a session comes into
 * being (CLOSED) is session.h's. */
#ifndef N64_TCP_H
#define N64_TCP_H

#include "abi.h"

enum tcp_event { EV_OTHER, EV_SYN, EV_FIN, EV_RST, N_TCP_EVENTS };
enum tcp_side { SIDE_V6, SIDE_V4 };
enum tcp_timer { TIMER_KEEP, TIMER_OPEN, TIMER_EST, TIMER_TRANS };

/* First match: RST, SYN (with or without ACK), FIN, other. */
n64_inline enum tcp_event tcp_event(__u32 flags)
{
	if (flags & TCP_RST)
		return EV_RST;
	if (flags & TCP_SYN)
		return EV_SYN;
	return flags & TCP_FIN ? EV_FIN : EV_OTHER;
}

struct tcp_step {
	enum tcp_state next;
	enum tcp_timer timer;
};

/* TCP-08 to TCP-28 and TCP-31. `state` is the one at this moment (tcp_now). */
n64_inline struct tcp_step tcp_step(const struct n64_opts *opt, enum tcp_state state,
				    enum tcp_side side, enum tcp_event ev)
{
	switch (state) {
	case TCP_V4_INIT:
		if (side == SIDE_V6 && ev == EV_SYN)
			return (struct tcp_step){ TCP_ESTABLISHED, TIMER_EST };	/* TCP-08 */
		return (struct tcp_step){ state, TIMER_KEEP };		/* TCP-09, -10 */
	case TCP_V6_INIT:
		if (side == SIDE_V4 && ev == EV_SYN)
			return (struct tcp_step){ TCP_ESTABLISHED, TIMER_EST };	/* TCP-12 */
		if (side == SIDE_V6 && ev == EV_SYN)
			return (struct tcp_step){ state, TIMER_OPEN };	/* TCP-13 */
		return (struct tcp_step){ state, TIMER_KEEP };		/* TCP-14 */
	case TCP_ESTABLISHED:
		if (ev == EV_RST)
			return (struct tcp_step){ TCP_TRANS, TIMER_TRANS };	/* TCP-17 */
		if (ev == EV_FIN)					/* TCP-16 */
			return (struct tcp_step){
				side == SIDE_V4 ? TCP_V4_FIN_RCV : TCP_V6_FIN_RCV, TIMER_KEEP };
		return (struct tcp_step){ state, TIMER_EST };		/* TCP-18 */
	case TCP_V4_FIN_RCV:
		if (side == SIDE_V6 && ev == EV_FIN)
			return (struct tcp_step){ TCP_V4_V6_FIN, TIMER_TRANS };	/* TCP-20 */
		return (struct tcp_step){ state, TIMER_EST };		/* TCP-21 */
	case TCP_V6_FIN_RCV:
		if (side == SIDE_V4 && ev == EV_FIN)
			return (struct tcp_step){ TCP_V4_V6_FIN, TIMER_TRANS };	/* TCP-22 */
		return (struct tcp_step){ state, TIMER_EST };		/* TCP-23 */
	case TCP_V4_V6_FIN:
		if (side == SIDE_V6 && ev == EV_SYN && opt->tcp_reuse_close)
			return (struct tcp_step){ TCP_V6_INIT, TIMER_OPEN };	/* TCP-31 */
		return (struct tcp_step){ state, TIMER_KEEP };		/* TCP-25 */
	case TCP_TRANS:
		if (ev == EV_RST)
			return (struct tcp_step){ state, TIMER_KEEP };	/* TCP-28 */
		return (struct tcp_step){ TCP_ESTABLISHED, TIMER_EST };	/* TCP-27 */
	default:
		return (struct tcp_step){ state, TIMER_KEEP };
	}
}

/* The state at `now` of a session that was stored as `word`: an ESTABLISHED one that has
 * been idle for TCP_EST is in TRANS (TCP-19, ST-10). */
n64_inline enum tcp_state tcp_now(const struct n64_opts *opt, __u64 word, __u32 now)
{
	enum tcp_state state = (enum tcp_state)(word & 0xff);
	__u32 until = (__u32)(word >> 32);

	if (state == TCP_ESTABLISHED && now + opt->tcp_trans_timeout > until)
		return TCP_TRANS;
	return state;
}

/* The deadline that a timer gives. What ESTABLISHED has beyond TCP_EST is the time in
 * TRANS that follows (7200 + 240 s). `word`, `state`: as stored, and at `now`. */
n64_inline __u32 tcp_until(const struct n64_opts *opt, __u64 word, enum tcp_state state,
			   struct tcp_step s, __u32 now)
{
	__u32 until = (__u32)(word >> 32);

	switch (s.timer) {
	case TIMER_OPEN:
		return now + opt->tcp_open_timeout;
	case TIMER_TRANS:
		return now + opt->tcp_trans_timeout;
	case TIMER_EST:
		until = now + opt->tcp_est_timeout;
		return s.next == TCP_ESTABLISHED ? until + opt->tcp_trans_timeout : until;
	default:
		/* TCP-16 leaves the timer, and there is no TRANS behind it any more */
		if (state == TCP_ESTABLISHED && s.next != TCP_ESTABLISHED)
			return until - opt->tcp_trans_timeout;
		return until;
	}
}

/* TCP-36: does inbound-refresh=off leave the timer alone? State changes still count. */
n64_inline bool tcp_no_refresh(const struct n64_opts *opt, enum tcp_state state,
			       enum tcp_side side, struct tcp_step s)
{
	return side == SIDE_V4 && !opt->inbound_refresh && s.next == state &&
	       s.timer == TIMER_EST;
}

#endif

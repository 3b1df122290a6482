/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef N64_XDP_MICRO_STEP_H
#define N64_XDP_MICRO_STEP_H

/* Steps of the short way (quick.h), and of a packet that makes a mapping (quick_new.h), that
 * bench/micro measures: a build of its own ends there. */
enum micro_step {
	MICRO_NOTHING, MICRO_PARSE, MICRO_POLICY, MICRO_LOOKUP, MICRO_ROUTE, MICRO_ALL,
	MICRO_NEW_NOTHING, MICRO_NEW_SHORT, MICRO_NEW_JUDGE, MICRO_NEW_LOOK, MICRO_NEW_ROUTE,
	MICRO_NEW_MAKE, MICRO_NEW_ALL
};

#endif

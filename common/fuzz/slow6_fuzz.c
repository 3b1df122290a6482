// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes that come as IPv6 through the slow path. The first four choose the
 * configuration and the world (slow_fuzz.h). */
#include "fuzz/slow_fuzz.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	return fuzz_one(data, size, FAM_6);
}

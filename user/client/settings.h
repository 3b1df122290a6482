/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the client shim is told what to do: its environment and its rule file, read alike
 * by the library and by `xdp-nat64 run`. */
#ifndef N64_SETTINGS_H
#define N64_SETTINGS_H

#include "destination.h"

#define CLIENT_FILE "/etc/xdp-nat64/client.conf"
#define CLIENT_ENV_CONFIG "XDP_NAT64_CONFIG"
#define CLIENT_ENV_PREF64 "XDP_NAT64_PREF64"
#define CLIENT_ENV_VERBOSE "XDP_NAT64_VERBOSE"
#define CLIENT_ENV_LOG "XDP_NAT64_LOG"

/* Where the rules came from; NULL: no file. The text stays. */
const char *settings_file(void);
/* The rules in force; 0, or -1 with the sentence in `err`. A program with more rights than
 * its user does not see the user's environment. */
int settings_read(struct dest_rules *r, char err[DEST_ERROR]);

/* The prefix of this network (RFC 7050), asked once for a process: at most a few seconds.
 * False: the name servers know none. */
bool settings_discover(struct n64_pref64 *out);
/* Of the DNS answer `msg`. */
bool discover_read(const unsigned char *msg, size_t len, struct n64_pref64 *out);

#endif

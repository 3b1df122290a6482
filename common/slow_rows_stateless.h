/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of slow_test.c for stateless entries beside mode stateful (MIX-01 to MIX-03, S30):
 * config "P" with an entry of the same pref64 and EAM for H and K, and one of another
 * pref64, whose hosts are 192.0.2.128/25. */
#ifndef N64_SLOW_ROWS_STATELESS_H
#define N64_SLOW_ROWS_STATELESS_H

#define MIXED "@stateless=64:ff9b:1::/96,192.0.2.33=2001:db8:a::33,192.0.2.34=2001:db8:b::34;" \
	      "stateless=2001:db8:66::/96,192.0.2.128/25"
#define B6 "2001:db8:66::192.0.2.130"
#define BS6 "2001:db8:66::198.51.100.10"

static const struct row st_entries[] = {
	{ "S30", MIXED, "v6 H6>D6 udp=16", R_kern_6to4, "v4 H4>S4 ttl=63 udp=16" },
	{ "S30", MIXED, "v4 S4>H4 udp=16", R_kern_4to6, "v6 D6>H6 ttl=63 udp=16" },
	{ "S30", MIXED, "v6 " B6 ">" BS6 " udp=16", R_kern_6to4,
	  "v4 192.0.2.130>S4 ttl=63 udp=16" },
	{ "S30", MIXED, "v4 S4>192.0.2.130 udp=16", R_kern_4to6,
	  "v6 " BS6 ">" B6 " ttl=63 udp=16" },
	{ "S30", MIXED, C6_UDP, R_kern_6to4, "v4 T>S4 ttl=63 sport=50002 dport=53 udp=16" },
	{ "S30", MIXED, T_UDP, R_kern_4to6, D6_UDP },
	{ "S30", MIXED, "v6 64:ff9b:1::192.0.2.9>D6 udp=16", R_src6_in_pref64, NULL },
	{ "ADR-22", MIXED, "v6 2001:db8:66::192.0.2.9>D6 udp=16", R_src6_in_pref64, NULL },
	{ "MIX-01", MIXED, "v6 " B6 ">D6 udp=16", R_src6_in_pref64, NULL },
	{ "MIX-01", MIXED, "v6 H6>" BS6 " udp=16", R_sp_returned, "=" },
	{ "MIX-01", MIXED, "v6 C6>" BS6 " udp=16", R_sp_returned, "=" },
	{ "MIX-01", MIXED, "v4 S4>192.0.2.35 udp=16", R_sp_returned, "=" },
	{ "MIX-01", MIXED, "v6 H6>D6 ttl=1 udp=16", R_ttl_expired,
	  "v6 GW6>H6 icmp=3:0:0:56 [ v6 H6>D6 ttl=1 udp=16 ]" },
	/* the rules with a mode mark are those of siit */
	{ "MIX-03", MIXED, "v6 H6>D6 raw=132:20", R_kern_6to4, "v4 H4>S4 ttl=63 raw=132:20" },
	{ "MIX-03", MIXED, "v4 S4>H4 raw=132:20", R_kern_4to6, "v6 D6>H6 ttl=63 raw=132:20" },
	/* an intrinsic hairpin stays inside its entry */
	{ "HP-02", MIXED, "v6 H6>64:ff9b:1::192.0.2.34 udp=16", R_kern_hairpin,
	  "v6 64:ff9b:1::192.0.2.33>K6 ttl=63 udp=16" },
	{ "MIX-01", MIXED, "v6 H6>64:ff9b:1::192.0.2.130 udp=16", R_kern_6to4,
	  "v4 H4>192.0.2.130 ttl=63 udp=16" },
	{ "EAM-08", MIXED ";eam-to-eam=off", "v6 H6>K6 udp=16", R_sp_returned, "=" },
	/* an error about a host is that of its entry, whoever sends it */
	{ "MIX-03", MIXED, "v4 R4>H4 icmp=11:0:0:36 [ v4 H4>S4 udp=16 ]", R_kern_4to6,
	  "v6 64:ff9b:1::198.51.100.254>H6 ttl=63 icmp=3:0:0:56 [ v6 H6>D6 udp=16 ]" },
	{ "MIX-03", MIXED, "v6 R6>D6 icmp=3:0:0:56 [ v6 D6>H6 udp=16 ]", R_kern_6to4,
	  "v4 T>S4 ttl=63 icmp=11:0:0:36 [ v4 S4>H4 udp=16 ]" },
	{ "MIX-03", MIXED, "v6 R6>" BS6 " icmp=3:0:0:56 [ v6 " BS6 ">" B6 " udp=16 ]",
	  R_kern_6to4, "v4 T>S4 ttl=63 icmp=11:0:0:36 [ v4 S4>192.0.2.130 udp=16 ]" },
	{ "MIX-03", MIXED, "v6 R6>H6 icmp=3:0:0:56 [ v6 H6>K6 udp=16 ]", R_kern_6to4,
	  "v4 T>H4 ttl=63 icmp=11:0:0:36 [ v4 H4>K4 udp=16 ]" },
	{ "MIX-03", MIXED, "v6 R6>" BS6 " icmp=3:0:0:56 [ v6 " BS6 ">2001:db8:66::192.0.2.9 udp=16 ]",
	  R_sp_returned, "=" },
};

#endif

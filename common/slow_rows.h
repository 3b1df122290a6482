/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of slow_test.c. */
#ifndef N64_SLOW_ROWS_H
#define N64_SLOW_ROWS_H

/* ---- ours? (GEN-03, GEN-04, EAM-08, HP-07) ---------------------------------------- */

static const struct row targets[] = {
	{ "GEN-03", NULL, "v4 S4>R4 udp=16", R_sp_returned, "=" },
	{ "GEN-03", NULL, "v6 H6>2001:db8:77::1 udp=16", R_sp_returned, "=" },
	{ "GEN-03", NULL, "v4 S4>R4 hc udp=16 pad=5", R_sp_returned, "=" },
	{ "GEN-08", NULL, "v4 S4>H4 udp=16 cut=19", R_sp_returned, "=" },
	{ "GEN-08", NULL, "v6 H6>S6 udp=16 cut=39", R_sp_returned, "=" },
	{ "HP-07", NULL, "pair v4 S4>R4 udp=16", R_pair_not_target, NULL },
	{ "HP-07", NULL, "pair v6 H6>S6 udp=16 cut=39", R_pair_not_target, NULL },
	{ "GEN-04", "no-translate=192.0.2.32/28", "v4 S4>H4 udp=16", R_sp_returned, "=" },
	{ "GEN-04", "no-translate=192.0.2.32/28;noxlat-port=40001", "v4 S4>H4 udp=16",
	  R_sp_returned, "=" },
	{ "GEN-04", "no-translate=192.0.2.32/28;noxlat-port=40002", "v4 S4>H4 udp=16", R_kern_4to6,
	  "v6 S6>H6 ttl=63 udp=16" },
	{ "GEN-04", "no-translate=2001:db8:64::198.51.100.0/120", "v6 H6>S6 udp=16", R_sp_returned,
	  "=" },
	{ "GEN-04", "no-translate=2001:db8:64::198.51.100.0/120;noxlat-port=40001",
	  "v6 H6>S6 eh=0:00010400000000 udp=16", R_sp_returned, "=" },
	/* lists speak of groups too */
	{ "GEN-04", "!pref64=2001:db8:64::/96;multicast=embed;no-translate=234.0.0.0/8",
	  "v4 S4>234.203.0.113 udp=16", R_sp_returned, "=" },
	{ "ADR-25", "!pref64=2001:db8:64::/96;multicast=embed;denylist4=234.0.0.0/8",
	  "v4 S4>234.203.0.113 udp=16", R_deny4, NULL },
	/* with a port: whole packets only, or a datagram would be torn apart */
	{ "GEN-04", "no-translate=192.0.2.32/28;noxlat-port=40001", "v4 S4>H4 id=9 mf udp=16",
	  R_kern_4to6, "v6 S6>H6 ttl=63 fh=0:1:9 udp=16" },
	/* A14 */
	{ "EAM-08", NULL, "v6 2001:db8:9::1>H6 tcp=20", R_sp_returned, "=" },
	{ "EAM-08", NULL, "v6 R6>H6 icmp=2:0:500:48 [ v6 H6>S6 udp=100 ]", R_sp_returned, "=" },
	{ "EAM-08", NULL, "v6 K6>H6 udp=16", R_kern_6to4, "v4 K4>H4 ttl=63 udp=16" },
	{ "EAM-08", "eam-to-eam=off", "v6 K6>H6 udp=16", R_sp_returned, "=" },
	{ "EAM-08", "eam-to-eam=off", "v6 R4as6>H6 udp=16", R_kern_6to4, "v4 R4>H4 ttl=63 udp=16" },
	{ "GEN-04", "no-translate=192.0.2.32/28;noxlat-port=40001", "v4 S4>H4 echo=16", R_kern_4to6,
	  "v6 S6>H6 ttl=63 echo=16" },
	/* an error about a packet between EAM hosts, from a router without IPv4 */
	{ "EAM-08", NULL, "v6 R6>H6 icmp=3:0:0:48 [ v6 H6>K6 ttl=0 udp=100 ]", R_kern_6to4,
	  "v4 GW4>H4 ttl=63 icmp=11:0:0:28 [ v4 H4>K4 ttl=0 udp=100 ]" },
	{ "EAM-08", "eam-to-eam=off", "v6 R6>H6 icmp=3:0:0:48 [ v6 H6>K6 ttl=0 udp=100 ]",
	  R_sp_returned, "=" },
	{ "EAM-08", "xlat4=198.51.100.0/24", "v6 R6>H6 icmp=3:0:0:48 [ v6 H6>S6 ttl=0 udp=100 ]",
	  R_kern_6to4, "v4 GW4>H4 ttl=63 icmp=11:0:0:28 [ v4 H4>S4 ttl=0 udp=100 ]" },
	{ "EAM-08", NULL, "v6 R6>H6 icmp=3:0:0:30 [ v6 H6>K6 udp=100 ]", R_sp_returned, "=" },
	{ "EAM-08", NULL, "v6 R6>H6 echo=16", R_sp_returned, "=" },
	/* A15: no pref64 */
	{ "A15", "!eam=198.51.100.10/32=2001:db8:e::10/128;eam=192.0.2.33/32=2001:db8:a::33/128",
	  "v6 H6>2001:db8:e::10 udp=16", R_kern_6to4, "v4 H4>S4 ttl=63 udp=16" },
	{ "A15", "!eam=198.51.100.10/32=2001:db8:e::10/128;eam=192.0.2.33/32=2001:db8:a::33/128",
	  "v6 R6>2001:db8:e::10 icmp=3:0:0:48 [ v6 2001:db8:e::10>H6 ttl=0 udp=100 ]", R_kern_6to4,
	  "v4 GW4>S4 ttl=63 icmp=11:0:0:28 [ v4 S4>H4 ttl=0 udp=100 ]" },
};

/* ---- validation (VAL-01 to -06, GEN-08, GEN-13) -------------------------------------- */

static const struct row headers[] = {
	{ "VAL-01", NULL, "v4 S4>H4 udp=16 ihl=4", R_bad_hdr4, NULL },
	{ "VAL-01", NULL, "v4 S4>H4 udp=16 len=19", R_bad_hdr4, NULL },
	{ "VAL-01", NULL, "v4 S4>H4 udp=16 len=37", R_bad_hdr4, NULL },
	{ "VAL-01", NULL, "v4 S4>H4 udp=16 hc", R_bad_hdr4, NULL },
	{ "VAL-01", NULL, "v4 S4>H4 opt=01010101 hc udp=16", R_bad_hdr4, NULL },
	{ "VAL-01", NULL, "v4 S4>H4 udp=16 ihl=15", R_bad_hdr4, NULL },
	{ "VAL-02", NULL, "v6 H6>S6 udp=16 len=17", R_bad_hdr6, NULL },
	{ "VAL-02", NULL, "v6 H6>S6 udp=16 len=0", R_bad_hdr6, NULL },
	{ "VAL-03", NULL, "v4 S4>H4 tcp=20 pad=6", R_kern_4to6, "v6 S6>H6 ttl=63 tcp=20" },
	{ "VAL-03", NULL, "v6 H6>S6 udp=16 pad=6", R_kern_6to4, "v4 H4>S4 ttl=63 udp=16" },
	{ "VAL-04", NULL, "v4 S4>H4 raw=6:19", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v4 S4>H4 data=6:100:40", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v4 S4>H4 udp=7", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v4 S4>H4 udp=16 udplen=7", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v4 S4>H4 udp=16 udplen=17", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v4 S4>H4 raw=1:7", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v6 H6>S6 udp=7", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v6 H6>S6 raw=58:7", R_bad_l4, NULL },
	{ "VAL-04", NULL, "v6 H6>S6 raw=6:19 pad=60", R_bad_l4, NULL },
	{ "VAL-05", NULL, "v4 S4>H4 udp=16 ck", R_kern_4to6, "v6 S6>H6 ttl=63 udp=16 ck" },
	{ "VAL-06", NULL, "mcast v4 S4>H4 udp=16", R_l2_mcast, NULL },
	{ "VAL-06", NULL, "mcast v6 H6>S6 ttl=1 udp=16", R_l2_mcast, NULL },
	/* the order of GEN-08: the earlier step wins */
	{ "GEN-08 2,4", NULL, "v4 127.0.0.1>H4 hc udp=16", R_bad_hdr4, NULL },
	{ "GEN-08 4,5", NULL, "v4 127.0.0.1>H4 opt=830704cb00714d00 udp=16", R_src4_illegal, NULL },
	{ "GEN-08 5,6", "denylist4=198.51.100.0/24", "v4 S4>H4 opt=830704cb00714d00 udp=16",
	  R_source_route,
	  "v4 GW4>S4 icmp=3:5:0:44 [ v4 S4>H4 opt=830704cb00714d00 udp=16 ]" },
	{ "GEN-08 6,7", "denylist4=198.51.100.0/24", "v4 S4>H4 ttl=1 udp=16", R_deny4, NULL },
	{ "GEN-08 7,8", NULL, "v4 S4>H4 ttl=1 mf udp=13/100", R_ttl_expired,
	  "v4 GW4>S4 icmp=11:0:0:33 [ v4 S4>H4 ttl=1 mf udp=13/100 ]" },
	{ "GEN-08 8,9", NULL, "v4 S4>H4 mf udp0=13/100", R_bad_frag, NULL },
	{ "GEN-08 9,10", NULL, "v6 R6>S6 raw=1:8", R_bad_proto, NULL },
	{ "GEN-08 10,11", "mtu4=1400", "v6 R6>S6 udp=1460", R_src6_untranslatable,
	  "v6 GW6>R6 icmp=1:1:0:1232 [ v6 R6>S6 udp=1460 ]" },
	/* cut on the way here: an error as if it had not been */
	{ "GEN-13", NULL, "whole=9000 v4 S4>H4 df udp=8980 cut=1280", R_too_big,
	  "v4 GW4>S4 icmp=3:4:5c8:548 [ v4 S4>H4 df udp=8980 ]" },
	{ "GEN-13", NULL, "whole=9040 v6 H6>S6 udp=9000 cut=1280", R_too_big,
	  "v6 GW6>H6 icmp=2:0:5f0:1232 [ v6 H6>S6 udp=9000 ]" },
	{ "GEN-13", "mtu6=9000", "whole=8000 v4 S4>H4 df udp=7980 cut=1280", R_sp_too_long, NULL },
	{ "GEN-13", NULL, "whole=8000 v4 S4>H4 udp=7980 cut=1280", R_sp_too_long, NULL },
	{ "GEN-13", NULL, "whole=8000 v4 S4>R4 udp=7980 cut=1280", R_sp_too_long, NULL },
	{ "GEN-13", NULL,
	  "whole=1500 v4 R4>H4 icmp=3:1:0:1472 [ v4 H4>S4 udp=1480 ] cut=1280",
	  R_sp_too_long, NULL },
	{ "GEN-13", "mtu6=9000", "whole=8000 v6 H6>K4as6 udp=7960 cut=1280", R_sp_too_long, NULL },
	{ "GEN-13", "mtu4=9000", "whole=8000 v6 H6>S6 udp=7960 cut=1280", R_sp_too_long, NULL },
	/* nat64x: TTL 1 is valid, and not decremented by us */
	{ "GEN-09", NULL, "pair v4 S4>H4 ttl=1 udp=16", R_kern_4to6, "v6 S6>H6 ttl=1 udp=16" },
	{ "GEN-09", NULL, "pair v6 H6>S6 ttl=1 udp=16", R_kern_6to4, "v4 H4>S4 ttl=1 udp=16" },
	{ "GEN-09", NULL, "pair v4 S4>H4 ttl=0 udp=16", R_ttl_expired,
	  "v4 GW4>S4 ttl=65 icmp=11:0:0:36 [ v4 S4>H4 ttl=0 udp=16 ]" },
};

/* ---- addresses (section 2) -------------------------------------------------------------- */

#define CFG_A02 "!pref64=64:ff9b::/96;wkp-strict=off;eam=192.0.2.1=2001:db8:aaaa::;"  \
	"eam=192.0.2.2=2001:db8:bbbb::b;eam=192.0.2.16/28=2001:db8:cccc::/124;"      \
	"eam=192.0.2.128/26=2001:db8:dddd::/64;eam=192.0.2.192/29=2001:db8:eeee:8::/62;" \
	"eam=192.0.2.224/31=64:ff9b::/127"

static const struct row addresses[] = {
	/* A01: each length both ways */
	{ "A01 /32", "!pref64=2001:db8::/32;xlat4=192.0.2.0/24", "v4 9.9.9.9>H4 udp=16",
	  R_kern_4to6, "v6 2001:db8:909:909::>2001:db8:c000:221:: ttl=63 udp=16" },
	{ "A01 /40", "!pref64=2001:db8:100::/40;xlat4=192.0.2.0/24", "v4 9.9.9.9>H4 udp=16",
	  R_kern_4to6, "v6 2001:db8:109:909:9::>2001:db8:1c0:2:21:: ttl=63 udp=16" },
	{ "A01 /48", "!pref64=2001:db8:122::/48;xlat4=192.0.2.0/24", "v4 9.9.9.9>H4 udp=16",
	  R_kern_4to6, "v6 2001:db8:122:909:9:900::>2001:db8:122:c000:2:2100:: ttl=63 udp=16" },
	{ "A01 /56", "!pref64=2001:db8:122:300::/56;xlat4=192.0.2.0/24", "v4 9.9.9.9>H4 udp=16",
	  R_kern_4to6, "v6 2001:db8:122:309:9:909::>2001:db8:122:3c0:0:221:: ttl=63 udp=16" },
	{ "A01 /64", "!pref64=2001:db8:122:344::/64;xlat4=192.0.2.0/24", "v4 9.9.9.9>H4 udp=16",
	  R_kern_4to6,
	  "v6 2001:db8:122:344:9:909:900::>2001:db8:122:344:c0:2:2100:: ttl=63 udp=16" },
	{ "A01 /32", "!pref64=2001:db8::/32", "v6 2001:db8:909:909::>2001:db8:c000:221:: udp=16",
	  R_kern_6to4, "v4 9.9.9.9>H4 ttl=63 udp=16" },
	{ "A01 /40", "!pref64=2001:db8:100::/40",
	  "v6 2001:db8:109:909:9::>2001:db8:1c0:2:21:: udp=16", R_kern_6to4,
	  "v4 9.9.9.9>H4 ttl=63 udp=16" },
	{ "A01 /48", "!pref64=2001:db8:122::/48",
	  "v6 2001:db8:122:909:9:900::>2001:db8:122:c000:2:2100:: udp=16", R_kern_6to4,
	  "v4 9.9.9.9>H4 ttl=63 udp=16" },
	{ "A01 /56", "!pref64=2001:db8:122:300::/56",
	  "v6 2001:db8:122:309:9:909::>2001:db8:122:3c0:0:221:: udp=16", R_kern_6to4,
	  "v4 9.9.9.9>H4 ttl=63 udp=16" },
	{ "A01 /64", "!pref64=2001:db8:122:344::/64",
	  "v6 2001:db8:122:344:9:909:900::>2001:db8:122:344:c0:2:2100:: udp=16", R_kern_6to4,
	  "v4 9.9.9.9>H4 ttl=63 udp=16" },
	/* A02, A03: EAM */
	{ "A02", CFG_A02, "v4 192.0.2.152>192.0.2.24 udp=16", R_kern_4to6,
	  "v6 2001:db8:dddd:0:6000::>2001:db8:cccc::8 ttl=63 udp=16" },
	{ "A02", CFG_A02, "v4 192.0.2.183>192.0.2.195 udp=16", R_kern_4to6,
	  "v6 2001:db8:dddd:0:dc00::>2001:db8:eeee:9:8000:: ttl=63 udp=16" },
	{ "A02", CFG_A02, "v4 192.0.2.248>192.0.2.225 udp=16", R_kern_4to6,
	  "v6 64:ff9b::c000:2f8>64:ff9b::1 ttl=63 udp=16" },
	{ "A02", CFG_A02, "v6 2001:db8:eeee:9:8000::>64:ff9b::c000:2f8 udp=16", R_kern_6to4,
	  "v4 192.0.2.195>192.0.2.248 ttl=63 udp=16" },
	{ "A03", CFG_A02, "v6 2001:db8:dddd:0:6000::ffff>64:ff9b::c000:2f8 udp=16", R_kern_6to4,
	  "v4 192.0.2.152>192.0.2.248 ttl=63 udp=16" },
	/* A04: suffix */
	{ "A04", "!pref64=2001:db8:100::/40",
	  "v6 2001:db8:109:909:9::>2001:db8:1c0:2:21:dead:beef:1 udp=16", R_kern_6to4,
	  "v4 9.9.9.9>H4 ttl=63 udp=16" },
	{ "A04", "!pref64=2001:db8:100::/40;strict-suffix=on",
	  "v6 2001:db8:109:909:9::>2001:db8:1c0:2:21:dead:beef:1 udp=16", R_strict_suffix, NULL },
	{ "A04", "!pref64=2001:db8:100::/40;strict-suffix=on",
	  "v6 2001:db8:109:909:9::1>2001:db8:1c0:2:21:: udp=16", R_strict_suffix, NULL },
	/* A05, A06: the well-known prefix */
	{ "A05", "!pref64=64:ff9b::/96;eam=8.8.8.8=2001:db8:8::8",
	  "v6 2001:db8:8::8>64:ff9b::10.0.0.1 udp=16", R_wkp_forbidden,
	  "v6 GW6>2001:db8:8::8 icmp=1:1:0:56 [ v6 2001:db8:8::8>64:ff9b::10.0.0.1 udp=16 ]" },
	{ "A05", "!pref64=64:ff9b::/96;eam=8.8.8.8=2001:db8:8::8;wkp-strict=off",
	  "v6 2001:db8:8::8>64:ff9b::10.0.0.1 udp=16", R_kern_6to4,
	  "v4 8.8.8.8>10.0.0.1 ttl=63 udp=16" },
	{ "A06", "!pref64=64:ff9b:1::/96;eam=8.8.8.8=2001:db8:8::8",
	  "v6 2001:db8:8::8>64:ff9b:1::10.0.0.1 udp=16", R_kern_6to4,
	  "v4 8.8.8.8>10.0.0.1 ttl=63 udp=16" },
	{ "ADR-04", "!pref64=64:ff9b::/96", "v6 64:ff9b::10.0.0.1>64:ff9b::9.9.9.9 udp=16",
	  R_wkp_forbidden,
	  "v6 GW6>64:ff9b::10.0.0.1 icmp=1:1:0:56 "
	  "[ v6 64:ff9b::10.0.0.1>64:ff9b::9.9.9.9 udp=16 ]" },
	{ "ADR-04", "!pref64=64:ff9b::/96;eam=8.8.8.8=2001:db8:8::8", "v4 10.0.0.1>8.8.8.8 udp=16",
	  R_wkp_nonglobal, NULL },
	{ "ADR-08", "pref64=2001:db8:64::/48", "v6 H6>2001:db8:64:c633:64:a00:: udp=16",
	  R_kern_6to4, "v4 H4>S4 ttl=63 udp=16" },
	/* A08: sources */
	{ "A08", NULL, "v4 127.0.0.1>H4 ttl=1 udp=16", R_src4_illegal, NULL },
	{ "A08", NULL, "v4 0.0.0.0>H4 udp=16", R_src4_illegal, NULL },
	{ "A08", NULL, "v4 224.0.0.1>H4 udp=16", R_src4_illegal, NULL },
	{ "A08", NULL, "v4 255.255.255.255>H4 udp=16", R_src4_illegal, NULL },
	{ "A08", NULL, "v6 ::>S6 udp=16", R_src6_illegal, NULL },
	{ "A08", NULL, "v6 ::1>S6 udp=16", R_src6_illegal, NULL },
	{ "A08", NULL, "v6 fe80::1>S6 ttl=1 udp=16", R_src6_illegal, NULL },
	{ "A08", NULL, "v6 ff02::1>S6 udp=16", R_src6_illegal, NULL },
	{ "ADR-20", NULL, "v4 169.254.1.1>H4 udp=16", R_src4_illegal, NULL },
	{ "ADR-20", NULL, "v4 198.51.100.255>H4 udp=16", R_src4_illegal, NULL },
	{ "ADR-21", NULL, "v6 ::ffff:1.2.3.4>S6 udp=16", R_src6_illegal, NULL },
	{ "ADR-21", NULL, "v6 fe80::1>S6 icmp=1:0:0:48 [ v6 S6>H6 udp=16 ]", R_src6_illegal, NULL },
	{ "ADR-24", NULL, "v6 H6>2001:db8:64::127.0.0.1 udp=16", R_dst4_illegal, NULL },
	{ "ADR-24", NULL, "v6 H6>2001:db8:64::255.255.255.255 udp=16", R_dst4_illegal, NULL },
	{ "ADR-24", NULL, "v6 H6>2001:db8:64::0.0.0.1 udp=16", R_dst4_illegal, NULL },
	{ "ADR-24", NULL, "v6 H6>2001:db8:64::224.1.1.1 udp=16", R_dst4_illegal, NULL },
	/* lists */
	{ "ADR-25", "denylist4=198.51.100.0/24", "v6 H6>S6 udp=16", R_deny6to4,
	  "v6 GW6>H6 icmp=1:1:0:56 [ v6 H6>S6 udp=16 ]" },
	{ "ADR-25", "denylist4=192.0.2.33/32", "v6 H6>S6 udp=16", R_deny6to4,
	  "v6 GW6>H6 icmp=1:1:0:56 [ v6 H6>S6 udp=16 ]" },
	{ "ADR-25", "denylist4=198.51.100.0/24", "v4 S4>H4 udp=16", R_deny4, NULL },
	{ "ADR-25", "denylist4=192.0.2.33/32", "v4 S4>H4 udp=16", R_deny4, NULL },
	{ "GENERR-08", "denylist4=192.0.2.33/32;error-deny4to6=on", "v4 S4>H4 udp=16", R_deny4to6,
	  "v4 GW4>S4 icmp=3:13:0:36 [ v4 S4>H4 udp=16 ]" },
	{ "ADR-26", "allow6=2001:db8:b::/48", "v6 H6>S6 udp=16", R_not_allowed6,
	  "v6 GW6>H6 icmp=1:1:0:56 [ v6 H6>S6 udp=16 ]" },
	{ "ADR-26", "allow6=2001:db8:a::/48", "v6 H6>S6 udp=16", R_kern_6to4,
	  "v4 H4>S4 ttl=63 udp=16" },
	/* A09 */
	{ "A09", NULL, "v6 R6>S6 udp=16", R_src6_untranslatable,
	  "v6 GW6>R6 icmp=1:1:0:56 [ v6 R6>S6 udp=16 ]" },
	{ "EAM-05", "!eam=192.0.2.33=2001:db8:a::33", "v4 S4>H4 udp=16", R_eam_untranslatable,
	  "v4 GW4>S4 icmp=3:13:0:36 [ v4 S4>H4 udp=16 ]" },
};

/* ---- hairpinning (2.3) --------------------------------------------------------------------- */

#define CFG_A10 CFG_A02 ";pool6791v4=198.51.100.1/32"

static const struct row hairpins[] = {
	{ "HP-02", NULL, "v6 H6>K4as6 udp=16", R_kern_hairpin, "v6 H4as6>K6 ttl=63 udp=16" },
	{ "HP-02", NULL, "v6 H6>K4as6 tcp=1460", R_kern_hairpin, "v6 H4as6>K6 ttl=63 tcp=1460" },
	{ "HP-02", NULL, "v6 H6>K4as6 echo=16", R_kern_hairpin, "v6 H4as6>K6 ttl=63 echo=16" },
	{ "HP-02", NULL, "v6 H6>K4as6 eh=60:00010400000000 udp=16", R_kern_hairpin,
	  "v6 H4as6>K6 ttl=63 udp=16" },
	{ "HP-02", NULL, "v6 H6>K4as6 fh=0:1:cafebabe udp=608/1000", R_kern_hairpin,
	  "v6 H4as6>K6 ttl=63 fh=0:1:babe udp=608/1000" },
	{ "HP-02", NULL, "v6 H6>K4as6 fh=76:0:cafebabe data=17:600:392", R_kern_hairpin,
	  "v6 H4as6>K6 ttl=63 fh=76:0:babe data=17:600:392" },
	{ "HP-02", "mtu6=1400", "v6 H6>K4as6 tcp=1460", R_too_big,
	  "v6 GW6>H6 icmp=2:0:578:1232 [ v6 H6>K4as6 tcp=1460 ]" },
	{ "HP-02", "tos=32;zero-tc=off", "v6 H6>K4as6 tos=9 udp=16", R_kern_hairpin,
	  "v6 H4as6>K6 tos=32 ttl=63 udp=16" },
	{ "HP-02", NULL, "v6 H6>K4as6 ttl=1 udp=16", R_ttl_expired,
	  "v6 GW6>H6 icmp=3:0:0:56 [ v6 H6>K4as6 ttl=1 udp=16 ]" },
	{ "HP-02", "hairpin=off", "v6 H6>K4as6 udp=16", R_kern_6to4, "v4 H4>K4 ttl=63 udp=16" },
	{ "HP-02", "hairpin=simple", "v6 H6>K4as6 udp=16", R_kern_6to4, "v4 H4>K4 ttl=63 udp=16" },
	/* HP-01: only under simple do packets from IPv4 follow it */
	{ "HP-01", NULL, "v4 H4>K4 udp=16", R_kern_4to6, "v6 H6>K6 ttl=63 udp=16" },
	{ "HP-01 1", "hairpin=simple", "v4 H4>K4 udp=16",
	  R_kern_4to6, "v6 H4as6>K6 ttl=63 udp=16" },
	{ "HP-01 2", "hairpin=simple", "v4 R4>H4 icmp=11:0:0:28 [ v4 H4>K4 ttl=0 udp=16 ]",
	  R_kern_4to6, "v6 R4as6>H6 ttl=63 icmp=3:0:0:48 [ v6 H6>K4as6 ttl=0 udp=16 ]" },
	{ "HP-01 3", "hairpin=simple", "v4 K4>H4 icmp=3:3:0:28 [ v4 H4>K4 udp=16 ]", R_kern_4to6,
	  "v6 K4as6>H6 ttl=63 icmp=1:4:0:48 [ v6 H6>K4as6 udp=16 ]" },
	{ "HP-01", NULL, "v4 K4>H4 icmp=3:3:0:28 [ v4 H4>K4 udp=16 ]", R_kern_4to6,
	  "v6 K6>H6 ttl=63 icmp=1:4:0:48 [ v6 H6>K6 udp=16 ]" },
	/* errors about hairpinned packets */
	{ "A10", CFG_A10,
	  "v6 2001:db8::1234>64:ff9b::192.0.2.1 icmp=3:0:0:48 "
	  "[ v6 64:ff9b::192.0.2.1>2001:db8:bbbb::b ttl=0 udp=16 ]", R_kern_hairpin,
	  "v6 64:ff9b::198.51.100.1>2001:db8:aaaa:: ttl=63 icmp=3:0:0:48 "
	  "[ v6 2001:db8:aaaa::>64:ff9b::192.0.2.2 ttl=0 udp=16 ]" },
	{ "A11", CFG_A10,
	  "v6 2001:db8:bbbb::b>64:ff9b::192.0.2.1 icmp=1:4:0:48 "
	  "[ v6 64:ff9b::192.0.2.1>2001:db8:bbbb::b udp=16 ]", R_kern_hairpin,
	  "v6 64:ff9b::192.0.2.2>2001:db8:aaaa:: ttl=63 icmp=1:4:0:48 "
	  "[ v6 2001:db8:aaaa::>64:ff9b::192.0.2.2 udp=16 ]" },
	{ "HP-02 TOS", CFG_A10 ";tos=5",
	  "v6 2001:db8:bbbb::b>64:ff9b::192.0.2.1 tos=9 icmp=1:4:0:48 "
	  "[ v6 64:ff9b::192.0.2.1>2001:db8:bbbb::b tos=9 udp=16 ]", R_kern_hairpin,
	  "v6 64:ff9b::192.0.2.2>2001:db8:aaaa:: tos=5 ttl=63 icmp=1:4:0:48 "
	  "[ v6 2001:db8:aaaa::>64:ff9b::192.0.2.2 tos=5 udp=16 ]" },
	{ "HP-02 MTU", CFG_A10,
	  "v6 2001:db8:bbbb::b>64:ff9b::192.0.2.1 icmp=2:0:578:48 "
	  "[ v6 64:ff9b::192.0.2.1>2001:db8:bbbb::b udp=1460 ]", R_kern_hairpin,
	  "v6 64:ff9b::192.0.2.2>2001:db8:aaaa:: ttl=63 icmp=2:0:578:48 "
	  "[ v6 2001:db8:aaaa::>64:ff9b::192.0.2.2 udp=1460 ]" },
	{ "HP-02 pointer", CFG_A10,
	  "v6 2001:db8:bbbb::b>64:ff9b::192.0.2.1 icmp=4:0:17:48 "
	  "[ v6 64:ff9b::192.0.2.1>2001:db8:bbbb::b udp=16 ]", R_kern_hairpin,
	  "v6 64:ff9b::192.0.2.2>2001:db8:aaaa:: ttl=63 icmp=4:0:8:48 "
	  "[ v6 2001:db8:aaaa::>64:ff9b::192.0.2.2 udp=16 ]" },
	{ "HP-02 4/1", CFG_A10,
	  "v6 2001:db8:bbbb::b>64:ff9b::192.0.2.1 icmp=4:1:6:48 "
	  "[ v6 64:ff9b::192.0.2.1>2001:db8:bbbb::b echo=16 ]", R_kern_hairpin,
	  "v6 64:ff9b::192.0.2.2>2001:db8:aaaa:: ttl=63 icmp=4:1:6:48 "
	  "[ v6 2001:db8:aaaa::>64:ff9b::192.0.2.2 echo=16 ]" },
	/* HP-08: what would come straight back */
	{ "HP-08", "hairpin=off", "pair v6 H6>K4as6 udp=16", R_hairpin_loop, NULL },
	{ "HP-08", "hairpin=simple", "pair v6 H6>K4as6 udp=16", R_kern_6to4, "v4 H4>K4 udp=16" },
	{ "HP-08", NULL, "pair v6 H6>K4as6 udp=16", R_kern_hairpin, "v6 H4as6>K6 udp=16" },
	{ "HP-08", "xlat4=198.51.100.0/24", "pair v6 H6>S6 udp=16", R_hairpin_loop, NULL },
	{ "HP-08", "xlat4=198.51.100.0/24",
	  "pair v6 H6>S6 icmp=3:0:0:48 [ v6 S6>H6 ttl=0 udp=16 ]", R_hairpin_loop, NULL },
	{ "HP-08", "xlat4=198.51.100.0/24", "v6 H6>S6 udp=16", R_kern_6to4,
	  "v4 H4>S4 ttl=63 udp=16" },
};

/* ---- multicast (2.5) ------------------------------------------------------------------------- */

#define CFG_MC "!pref64=2001:db8:64::/96;multicast=embed"

static const struct row groups[] = {
	{ "MC-01", CFG_MC, "v6 S6>2001:db8:64::234.203.0.113 udp=16", R_kern_6to4,
	  "v4 S4>234.203.0.113 ttl=63 udp=16" },
	{ "MC-02", CFG_MC, "v4 S4>234.203.0.113 udp=16", R_kern_4to6,
	  "v6 S6>2001:db8:64::234.203.0.113 ttl=63 udp=16" },
	{ "MC-02", CFG_MC, "mcast v4 S4>234.203.0.113 udp=16", R_kern_4to6,
	  "v6 S6>2001:db8:64::234.203.0.113 ttl=63 udp=16" },
	{ "MC-03", CFG_MC, "v6 S6>2001:db8:64::224.0.0.5 udp=16", R_mcast_scope, NULL },
	{ "MC-03", CFG_MC, "v4 S4>224.0.0.5 udp=16", R_sp_returned, "=" },
	{ "MC-03", CFG_MC, "v4 S4>234.203.0.113 ttl=1 udp=16", R_mcast_scope, NULL },
	{ "MC-03", CFG_MC, "v6 S6>2001:db8:64::234.203.0.113 ttl=1 udp=16", R_mcast_scope, NULL },
	{ "MC-04", CFG_MC, "v6 R6>2001:db8:64::234.203.0.113 udp=16", R_src6_untranslatable, NULL },
	{ "MC-04", CFG_MC, "v4 S4>234.203.0.113 df udp=1480", R_too_big, NULL },
	{ "MC-04", CFG_MC, "v4 S4>234.203.0.113 opt=830704cb00714d00 udp=16", R_source_route,
	  NULL },
	{ "MC-05", NULL, "v4 S4>234.203.0.113 udp=16", R_sp_returned, "=" },
	{ "MC-05", CFG_MC, "v4 S4>234.203.0.113 raw=2:8", R_sp_returned, "=" },
	{ "MC-05", NULL, "v4 S4>H4 raw=2:8", R_bad_proto, NULL },
	{ "MC-05", NULL, "v6 H6>S6 raw=2:8", R_bad_proto, NULL },
	{ "MC-05", NULL, "v6 H6>S6 icmp=131:0:0:16 [ v6 ::>ff02::1 udp=16 ]", R_icmp_untranslatable,
	  NULL },
};

#include "slow_rows_header.h"
#include "slow_rows_icmp.h"
#include "slow_rows_state.h"
#include "slow_rows_stateless.h"

#endif

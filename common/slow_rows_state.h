/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of slow_test.c in mode stateful (config "P"): C6 has (T,50000) in TCP, (T,50002)
 * in UDP and the identifier 8001 for 1234; X6 has (T,50010) in UDP. */
#ifndef N64_SLOW_ROWS_STATE_H
#define N64_SLOW_ROWS_STATE_H

#define C6_UDP "v6 C6>D6 sport=40002 dport=53 udp=16"
#define T_UDP "v4 S4>T sport=53 dport=50002 udp=16"
#define D6_UDP "v6 D6>C6 ttl=63 sport=53 dport=40002 udp=16"
#define STATEFUL "!mode=stateful;pool4=203.0.113.8;refuses=no_port"

/* ---- ours? whose? (GEN-03, GEN-04, GEN-08, ADR-23, HP-07) ----------------- */

static const struct row st_targets[] = {
	{ "UDP-01", "@", C6_UDP, R_kern_6to4, "v4 T>S4 ttl=63 sport=50002 dport=53 udp=16" },
	{ "UDP-02", "@", T_UDP, R_kern_4to6, D6_UDP },
	{ "ADR-23", "@", "v6 C6>2001:db8:77::1 udp=16", R_sp_returned, "=" },
	{ "ADR-23", "@", "v4 S4>203.0.113.9 udp=16", R_sp_returned, "=" },
	{ "GEN-03", "@", "v4 S4>203.0.113.9 hc udp=16 pad=5", R_sp_returned, "=" },
	{ "HP-07", "@", "pair v4 S4>203.0.113.9 udp=16", R_pair_not_target, NULL },
	{ "GEN-04", "@no-translate=64:ff9b:1::198.51.100.0/120", C6_UDP, R_sp_returned, "=" },
	{ "GEN-04", "@no-translate=64:ff9b:1::198.51.100.0/120;noxlat-port=53", C6_UDP,
	  R_sp_returned, "=" },
	{ "GEN-04", "@no-translate=203.0.113.8/32;noxlat-port=50002", T_UDP, R_sp_returned, "=" },
	{ "GEN-04", "@no-translate=203.0.113.8/32;noxlat-port=50003", T_UDP, R_kern_4to6, D6_UDP },
	{ "ST-04", "@static=udp,203.0.113.77:53,[2001:db8:c::9]:5353;"
	  "map=u,2001:db8:c::9,5353,203.0.113.77,53,0,1",
	  "v4 S4>203.0.113.77 sport=9 dport=53 udp=16", R_kern_4to6,
	  "v6 D6>2001:db8:c::9 ttl=63 sport=9 dport=5353 udp=16" },
	/* ADR-08: the pref64 of the packet, that of the mapping */
	{ "ADR-08", "@pref64=2001:db8:1::/48;map=u,2001:db8:c::7,9,203.0.113.8,900,1,0",
	  "v4 S4>T sport=53 dport=900 udp=16", R_kern_4to6,
	  "v6 2001:db8:1:c633:64:a00::>2001:db8:c::7 ttl=63 sport=53 dport=9 udp=16" },
	{ "ADR-08", "@pref64=2001:db8:1::/48", "v6 C6>2001:db8:1:c633:64:a00:: sport=40002 dport=53 "
	  "udp=16", R_kern_6to4, "v4 T>S4 ttl=63 sport=50002 dport=53 udp=16" },
	{ "GEN-02", "@", "v6 C6>D6 eh=0:00010400000000 sport=40002 dport=53 udp=16", R_kern_6to4,
	  "v4 T>S4 ttl=63 sport=50002 dport=53 udp=16" },
	{ "GEN-02", "@", "v4 S4>T opt=94040000 sport=53 dport=50002 udp=16", R_kern_4to6, D6_UDP },
};

/* ---- lists, addresses, protocols ----------------------------------------------- */

static const struct row st_rules[] = {
	{ "ADR-22", "@", "v6 64:ff9b:1::1.2.3.4>D6 sport=40002 dport=53 udp=16", R_src6_in_pref64,
	  NULL },
	{ "ADR-22", "@", "v6 64:ff9b:1::1.2.3.4>D6 icmp=3:0:0:48 [ v6 D6>C6 sport=53 dport=40002 "
	  "udp=16 ]", R_src6_in_pref64, NULL },
	{ "ADR-21", "@", "v6 fe80::1>D6 sport=40002 dport=53 udp=16", R_src6_illegal, NULL },
	{ "ADR-24", "@", "v6 C6>64:ff9b:1::234.1.1.1 sport=40002 udp=16", R_dst4_illegal, NULL },
	{ "ADR-24", "@", "v6 C6>64:ff9b:1::127.0.0.1 sport=40002 udp=16", R_dst4_illegal, NULL },
	{ "ADR-20", "@", "v4 127.0.0.1>T sport=53 dport=50002 udp=16", R_src4_illegal, NULL },
	{ "ADR-20", "@", "v4 198.51.100.255>T sport=53 dport=50002 udp=16", R_src4_illegal, NULL },
	{ "ADR-27", "@", "v4 T>T sport=50010 dport=50002 udp=16", R_src4_is_pool4, NULL },
	{ "ADR-27", "@", "pair v4 T>T sport=50010 dport=50002 udp=16", R_kern_4to6,
	  "v6 TD6>C6 sport=50010 dport=40002 udp=16" },
	{ "ADR-25", "@denylist4=198.51.100.0/24", C6_UDP, R_deny6to4,
	  "v6 GW6>C6 icmp=1:1:0:56 [ " C6_UDP " ]" },
	{ "ADR-25", "@denylist4=198.51.100.0/24", T_UDP, R_deny4, NULL },
	{ "GENERR-08", "@denylist4=198.51.100.0/24;error-deny4to6=on", T_UDP, R_deny4to6,
	  "v4 T>S4 icmp=3:13:0:36 [ " T_UDP " ]" },
	{ "ADR-26", "@allow6=2001:db8:d::/48", C6_UDP, R_not_allowed6,
	  "v6 GW6>C6 icmp=1:1:0:56 [ " C6_UDP " ]" },
	{ "GEN-11", "@allow6=2001:db8:d::/48;map=u,2001:db8:c::9,9,203.0.113.8,900,0,1",
	  "v6 2001:db8:c::9>D6 sport=9 udp=16", R_kern_6to4, "v4 T>S4 ttl=63 sport=900 udp=16" },
	{ "GEN-11", "@allow6=2001:db8:d::/48", T_UDP, R_no_bib, NULL },
	{ "GEN-11", "@allow6=2001:db8:d::/48;map=u,2001:db8:c::9,9,203.0.113.8,900,0,1",
	  "v4 S4>T sport=53 dport=900 udp=16", R_kern_4to6,
	  "v6 D6>2001:db8:c::9 ttl=63 sport=53 dport=9 udp=16" },
	{ "GEN-08", "@allow6=2001:db8:d::/48;denylist4=198.51.100.0/24", C6_UDP, R_not_allowed6,
	  "v6 GW6>C6 icmp=1:1:0:56 [ " C6_UDP " ]" },
	{ "ADR-02", "!mode=stateful;pref64=2001:db8:1::/48;pool4=203.0.113.8;strict-suffix=on",
	  "v6 C6>2001:db8:1:c633:64:a00::1 udp=16", R_strict_suffix, NULL },
	/* the well-known prefix: A05, A13 */
	{ "ADR-04", STATEFUL ";pref64=64:ff9b::/96", "v6 C6>64:ff9b::10.0.0.1 udp=16",
	  R_wkp_forbidden, "v6 GW6>C6 icmp=1:1:0:56 [ v6 C6>64:ff9b::10.0.0.1 udp=16 ]" },
	{ "ADR-04", STATEFUL ";pref64=64:ff9b::/96;map=u,2001:db8:c::5,9,203.0.113.8,900,0,0",
	  "v4 10.0.0.1>T sport=53 dport=900 udp=16", R_wkp_nonglobal, NULL },
	{ "ADR-04", STATEFUL ";pref64=64:ff9b::/96;wkp-strict=off;"
	  "map=u,2001:db8:c::5,9,203.0.113.8,900,0,0",
	  "v4 10.0.0.1>T sport=53 dport=900 udp=16", R_kern_4to6,
	  "v6 64:ff9b::10.0.0.1>C6 ttl=63 sport=53 dport=9 udp=16" },
	/* of two pref64 that of the mapping counts; index 0 is the longer one */
	{ "ADR-04", STATEFUL ";pref64=64:ff9b::/96;pref64=2001:db8:1::/48;"
	  "map=u,2001:db8:c::5,9,203.0.113.8,900,0,0",
	  "v4 10.0.0.1>T sport=53 dport=900 udp=16", R_wkp_nonglobal, NULL },
	{ "ADR-05", STATEFUL ";pref64=64:ff9b::/96;pref64=2001:db8:1::/48;"
	  "map=u,2001:db8:c::5,9,203.0.113.8,900,1,0",
	  "v4 10.0.0.1>T sport=53 dport=900 udp=16", R_kern_4to6,
	  "v6 2001:db8:1:a00:0:100::>C6 ttl=63 sport=53 dport=9 udp=16" },
	{ "A13", "!mode=stateful;pool4=10.0.0.1;pref64=64:ff9b::/96;"
	  "map=u,2001:db8:c::5,40002,10.0.0.1,50002,0,0;"
	  "map=u,2001:db8:c::6,7000,10.0.0.1,50010,0,0",
	  "v6 C6>64:ff9b::10.0.0.1 sport=40002 dport=50010 udp=16", R_kern_hairpin,
	  "v6 64:ff9b::10.0.0.1>X6 ttl=63 sport=50002 dport=7000 udp=16" },
	/* protocols */
	{ "L4-09", "@", "v6 C6>D6 raw=47:16", R_unsupported_proto,
	  "v6 GW6>C6 icmp=1:4:0:56 [ v6 C6>D6 raw=47:16 ]" },
	{ "L4-09", "@", "v4 S4>T raw=47:16", R_unsupported_proto,
	  "v4 T>S4 icmp=3:2:0:36 [ v4 S4>T raw=47:16 ]" },
	{ "GEN-08", "@", "v4 S4>T ttl=1 raw=47:16", R_ttl_expired,
	  "v4 T>S4 icmp=11:0:0:36 [ v4 S4>T ttl=1 raw=47:16 ]" },
	{ "X-4TO6-12", "@", "v4 S4>T raw=58:16", R_bad_proto, NULL },
	{ "VAL-04", "@", "v4 S4>T raw=17:4", R_bad_l4, NULL },
	{ "ICMP-64-12", "@", "v6 C6>D6 icmp=135:0:0:16 [ v6 C6>D6 udp=16 ]", R_icmp_untranslatable,
	  NULL },
	{ "ICQ-04", "@drop-icmp6-info=on", "v6 C6>D6 echo=16", R_icmp6_info, NULL },
	{ "ICQ-04", "@drop-icmp6-info=on", "v4 S4>T eid=8001 reply=16", R_kern_4to6,
	  "v6 D6>C6 ttl=63 reply=16" },
	{ "ICQ-01", "@", "v6 C6>D6 echo=16", R_kern_6to4, "v4 T>S4 ttl=63 eid=8001 echo=16" },
	{ "ICQ-01", "@", "v6 C6>D6 reply=16", R_kern_6to4, "v4 T>S4 ttl=63 eid=8001 reply=16" },
	{ "ICQ-02", "@", "v4 S4>T eid=8001 echo=16", R_kern_4to6, "v6 D6>C6 ttl=63 echo=16" },
	{ "L4-03", "@udp-zero-csum=drop", "v4 S4>T sport=53 dport=50002 udp0=16", R_kern_4to6,
	  D6_UDP },
	{ "L4-06", "@", "v6 C6>D6 sport=40002 udp0=16", R_udp6_zero, NULL },
	{ "L4-06", "@udp6-zero-csum=pass", "v6 C6>D6 sport=40002 udp0=16", R_kern_6to4,
	  "v4 T>S4 ttl=63 sport=50002 udp0=16" },
	{ "L4-11", "@clamp-mss6to4=on", "v6 C6>D6 sport=40000 dport=80 syn=1480", R_kern_6to4,
	  "v4 T>S4 ttl=63 sport=50000 dport=80 syn=1460" },
	{ "TCP-37", "@", "v6 C6>D6 sport=40000 dport=80 flags=39 tcp=99", R_kern_6to4,
	  "v4 T>S4 ttl=63 sport=50000 dport=80 flags=39 tcp=99" },
	{ "VAL-05", "@", "v6 C6>D6 sport=40000 dport=80 tcp=40 ck", R_kern_6to4,
	  "v4 T>S4 ttl=63 sport=50000 dport=80 tcp=40 ck" },
	{ "VAL-03", "@", C6_UDP " pad=9", R_kern_6to4, "v4 T>S4 ttl=63 sport=50002 dport=53 udp=16" },
};

/* ---- a pool address that is the host's own (GEN-05, S22) --------------------------- */

#define SHARED "@shared=1"
static const struct row st_shared[] = {
	{ "GEN-05", SHARED, T_UDP, R_kern_4to6, D6_UDP },
	{ "GEN-05", SHARED, "v4 S4>T dport=50003 udp=16", R_sp_returned, "=" },
	{ "GEN-05", SHARED, "v4 S4>T dport=22 syn=1460", R_sp_returned, "=" },
	{ "GEN-05", SHARED, "v4 S4>T dport=22 tcp=40", R_sp_returned, "=" },
	{ "GEN-05", SHARED, "v4 S4>T echo=16", R_sp_returned, "=" },
	{ "L4-09", SHARED, "v4 S4>T raw=47:16", R_sp_returned, "=" },
	{ "X-4TO6-12", SHARED, "v4 S4>T raw=2:8", R_sp_returned, "=" },
	{ "VAL-04", SHARED, "v4 S4>T raw=17:4", R_sp_returned, "=" },
	{ "ICMP-46-12", SHARED, "v4 S4>T icmp=13:0:0:12 [ v4 T>S4 udp=16 ]", R_sp_returned, "=" },
	/* what a rule refuses is ours only if it has a mapping */
	{ "GENERR-01", SHARED, "v4 S4>T ttl=1 dport=22 tcp=40", R_sp_returned, "=" },
	{ "GENERR-01", SHARED, "v4 S4>T ttl=1 raw=89:40", R_sp_returned, "=" },
	{ "GENERR-01", SHARED, "v4 S4>T ttl=1 sport=53 dport=50002 udp=16", R_ttl_expired,
	  "v4 T>S4 icmp=11:0:0:36 [ v4 S4>T ttl=1 sport=53 dport=50002 udp=16 ]" },
	{ "ADR-25", SHARED ";denylist4=198.51.100.0/24", "v4 S4>T dport=22 tcp=40", R_sp_returned,
	  "=" },
	{ "ADR-25", SHARED ";denylist4=198.51.100.0/24", T_UDP, R_deny4, NULL },
	{ "ADR-20", SHARED, "v4 169.254.1.1>T dport=22 tcp=40", R_sp_returned, "=" },
	{ "GENERR-03", SHARED, "v4 S4>T opt=830704cb00714d00 dport=22 tcp=40", R_sp_returned, "=" },
	{ "GENERR-13", SHARED ";error-no-bib=on", "v4 S4>T dport=50003 udp=16", R_sp_returned, "=" },
	{ "VAL-01", SHARED, "v4 S4>T hc dport=22 tcp=40", R_bad_hdr4, NULL },
	{ "ADR-27", SHARED, "v4 T>T dport=22 tcp=40", R_src4_is_pool4, NULL },
	/* errors */
	{ "IN-11", SHARED, "v4 R4>T icmp=3:4:578:28 [ v4 T>S4 sport=2000 dport=80 tcp=40 ]",
	  R_sp_returned, "=" },
	{ "IN-11", SHARED, "v4 R4>T icmp=3:3:0:28 [ v4 T>S4 raw=47:16 ]", R_sp_returned, "=" },
	{ "IN-09", SHARED, "v4 R4>T icmp=3:3:0:22 [ v4 T>S4 sport=50002 udp=16 ]", R_sp_returned,
	  "=" },
	{ "IN-10", SHARED, "v4 R4>T icmp=3:3:0:28 [ v4 T>S4 off=9 data=17:0:16 ]", R_sp_returned,
	  "=" },
	{ "ICMP-46-08", SHARED, "v4 R4>T icmp=3:14:0:28 [ v4 T>S4 udp=16 ]", R_sp_returned, "=" },
	{ "IN-11", SHARED, "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 sport=50002 dport=53 udp=16 ]",
	  R_kern_4to6,
	  "v6 R4D6>C6 ttl=63 icmp=3:0:0:48 [ v6 C6>D6 sport=40002 dport=53 udp=16 ]" },
	{ "IN-14", SHARED, "v4 R4>T ttl=1 icmp=11:0:0:28 [ v4 T>S4 sport=50002 dport=53 udp=16 ]",
	  R_icmp_ttl, NULL },
	/* no way in for clients */
	{ "HP-04", SHARED, "v6 C6>TD6 sport=40002 dport=53 udp=16", R_no_bib, NULL },
	{ "HP-04", SHARED, "v6 C6>TD6 sport=40000 dport=22 syn=1440", R_tcp_no_state, NULL },
};

/* ---- route, size, state (GEN-08, section 5) -------------------------------------- */

static const struct row st_sizes[] = {
	{ "MTU-64-01", "@mtu4=1400", "v6 C6>D6 sport=40002 udp=1460", R_too_big,
	  "v6 GW6>C6 icmp=2:0:58c:1232 [ v6 C6>D6 sport=40002 udp=1460 ]" },
	{ "MTU-64-02", "@mtu4=1000", "v6 C6>D6 sport=40002 dport=53 udp=1240", R_sp_frags,
	  "v4 T>S4 ttl=63 mf sport=50002 dport=53 udp=976/1240|"
	  "v4 T>S4 ttl=63 off=122 data=17:968:264" },
	{ "MTU-46-02", "@", "v4 S4>T df sport=53 dport=50002 udp=1480", R_too_big,
	  "v4 T>S4 icmp=3:4:5c8:548 [ v4 S4>T df sport=53 dport=50002 udp=1480 ]" },
	{ "MTU-46-03", "@", "v4 S4>T id=7 sport=53 dport=50002 udp=1300", R_sp_frags,
	  "v6 D6>C6 ttl=63 fh=0:1:7 sport=53 dport=40002 udp=1232/1300|"
	  "v6 D6>C6 ttl=63 fh=154:0:7 data=17:1224:68" },
	{ "GENERR-12", "@", "v6 C6>D6 sport=999 udp=16", R_no_port,
	  "v6 GW6>C6 icmp=1:3:0:56 [ v6 C6>D6 sport=999 udp=16 ]" },
	{ "GENERR-12", "@refuses=quota", "v6 C6>D6 sport=999 dport=80 syn=1440", R_quota,
	  "v6 GW6>C6 icmp=1:3:0:64 [ v6 C6>D6 sport=999 dport=80 syn=1440 ]" },
	{ "GENERR-12", "@refuses=table_full", "v6 C6>D6 eid=9 echo=16", R_table_full,
	  "v6 GW6>C6 icmp=1:3:0:56 [ v6 C6>D6 eid=9 echo=16 ]" },
	{ "GENERR-12", "@filter=table_full", "v4 S4>T dport=50000 flags=10 tcp=40", R_table_full,
	  NULL },
	{ "TCP-07", "@refuses=tcp_no_state", "v6 C6>D6 sport=999 dport=80 tcp=40", R_tcp_no_state,
	  NULL },
	{ "design 4", "@refuses=state_busy", "v6 C6>D6 sport=999 udp=16", R_state_busy, NULL },
	{ "design 4", "@broken=1", C6_UDP, R_internal, NULL },
	{ "design 4", "@broken=1", T_UDP, R_internal, NULL },
	{ "FRG-02", "@", "v4 S4>T id=7 mf sport=53 dport=50002 udp=16/40", R_kern_4to6,
	  "v6 D6>C6 ttl=63 fh=0:1:7 sport=53 dport=40002 udp=16/40" },
	{ "FRG-02", "@", "v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40", R_kern_6to4,
	  "v4 T>S4 ttl=63 id=7 mf sport=50002 dport=53 udp=16/40" },
	{ "FRG-02", "@", "v4 S4>T id=7 off=2 data=17:8:24", R_internal, NULL },
	{ "FRG-09", "@", "v6 C6>D6 fh=0:0:10007 sport=40002 dport=53 udp=16", R_kern_6to4,
	  "v4 T>S4 ttl=63 id=7 sport=50002 dport=53 udp=16" },
	{ "FRG-13", "@", "v4 S4>T mf eid=8001 echo=16", R_frag_icmp, NULL },
};

/* ---- two hosts behind the gateway (HP-04, HP-05, S20) ------------------------------ */

#define HAIRPIN "v6 C6>TD6 sport=40002 dport=50010 udp=16"
static const struct row st_hairpins[] = {
	{ "S20", "@", HAIRPIN, R_kern_hairpin, "v6 TD6>X6 ttl=63 sport=50002 dport=7000 udp=16" },
	{ "S20", "@", "v6 X6>TD6 sport=7000 dport=50002 udp=16", R_kern_hairpin,
	  "v6 TD6>C6 ttl=63 sport=50010 dport=40002 udp=16" },
	{ "HP-04", "@map=t,2001:db8:c::6,9,203.0.113.8,50009,0,0",
	  "v6 C6>TD6 sport=40000 dport=50009 syn=1440", R_kern_hairpin,
	  "v6 TD6>X6 ttl=63 sport=50000 dport=9 syn=1440" },
	{ "HP-04", "@pool4=203.0.113.9;map=i,2001:db8:c::6,7,203.0.113.9,32769,0,0",
	  "v6 C6>64:ff9b:1::203.0.113.9 echo=16", R_kern_hairpin,
	  "v6 TD6>X6 ttl=63 eid=7 echo=16" },
	/* the identifier is both ends: a ping of T comes back to who sent it */
	{ "HP-04", "@", "v6 C6>TD6 echo=16", R_kern_hairpin, "v6 TD6>C6 ttl=63 echo=16" },
	/* the second mapping decides which pref64 its host sees */
	{ "ADR-08", "@pref64=2001:db8:1::/48;map=u,2001:db8:c::7,9,203.0.113.8,900,1,0",
	  "v6 C6>TD6 sport=40002 dport=900 udp=16", R_kern_hairpin,
	  "v6 2001:db8:1:cb00:71:800::>2001:db8:c::7 ttl=63 sport=50002 dport=9 udp=16" },
	{ "HP-03", "@", "v6 C6>TD6 ttl=2 sport=40002 dport=50010 udp=16", R_kern_hairpin,
	  "v6 TD6>X6 ttl=1 sport=50002 dport=7000 udp=16" },
	{ "HP-04", "@tos=8", HAIRPIN, R_kern_hairpin,
	  "v6 TD6>X6 ttl=63 tos=8 sport=50002 dport=7000 udp=16" },
	{ "HP-08", "@", "pair " HAIRPIN, R_kern_hairpin,
	  "v6 TD6>X6 sport=50002 dport=7000 udp=16" },
	{ "HP-04", "@", "v6 C6>TD6 sport=40002 dport=53 udp=16", R_no_bib, NULL },
	{ "HP-04", "@error-no-bib=on", "v6 C6>TD6 sport=40002 dport=53 udp=16", R_no_bib, NULL },
	{ "HP-04", "@", "v6 C6>TD6 sport=40000 dport=53 tcp=40", R_tcp_no_state, NULL },
	{ "HP-04", "@", "v6 C6>TD6 sport=40000 dport=53 syn=1440", R_tcp_no_state, NULL },
	{ "HP-04", "@filter=adf;error-adf=on", HAIRPIN, R_adf, NULL },
	{ "HP-04", "@filter=table_full", HAIRPIN, R_table_full,
	  "v6 GW6>C6 icmp=1:3:0:56 [ " HAIRPIN " ]" },
	{ "ADR-25", "@denylist4=203.0.113.8/32", HAIRPIN, R_deny6to4,
	  "v6 GW6>C6 icmp=1:1:0:56 [ " HAIRPIN " ]" },
	{ "MTU-64-01", "@mtu6=1400", "v6 C6>TD6 sport=40002 dport=50010 udp=1400", R_too_big,
	  "v6 GW6>C6 icmp=2:0:578:1232 [ v6 C6>TD6 sport=40002 dport=50010 udp=1400 ]" },
	{ "HP-04", "@", "v6 C6>TD6 fh=0:1:10007 sport=40002 dport=50010 udp=16/40", R_kern_hairpin,
	  "v6 TD6>X6 ttl=63 fh=0:1:7 sport=50002 dport=7000 udp=16/40" },
	/* errors about them: from the second host, and from a router on his side */
	{ "HP-04", "@", "v6 X6>TD6 icmp=1:4:0:56 [ v6 TD6>X6 sport=50002 dport=7000 udp=16 ]",
	  R_kern_hairpin,
	  "v6 TD6>C6 ttl=63 icmp=1:4:0:56 [ v6 C6>TD6 sport=40002 dport=50010 udp=16 ]" },
	{ "HP-04", "@", "v6 R6>TD6 icmp=2:0:500:56 [ v6 TD6>X6 sport=50002 dport=7000 udp=16 ]",
	  R_kern_hairpin,
	  "v6 TD6>C6 ttl=63 icmp=2:0:500:56 [ v6 C6>TD6 sport=40002 dport=50010 udp=16 ]" },
	{ "HP-04", "@pool4=203.0.113.9;map=i,2001:db8:c::6,7,203.0.113.9,32769,0,0",
	  "v6 X6>TD6 icmp=3:0:0:56 [ v6 TD6>X6 eid=7 echo=16 ]", R_kern_hairpin,
	  "v6 64:ff9b:1::203.0.113.9>C6 ttl=63 icmp=3:0:0:56 "
	  "[ v6 C6>64:ff9b:1::203.0.113.9 echo=16 ]" },
	{ "IN-11", "@", "v6 X6>TD6 icmp=1:4:0:56 [ v6 TD6>X6 sport=9 dport=7000 udp=16 ]",
	  R_inner_no_session, NULL },
};

/* ---- ICMP errors through mappings (section 7) --------------------------------------- */

#define Q4 "[ v4 T>S4 sport=50002 dport=53 udp=16 ]"
#define Q6 "[ v6 D6>C6 sport=53 dport=40002 udp=16 ]"
#define C6_Q6 "[ v6 C6>D6 sport=40002 dport=53 udp=16 ]"
#define S4_Q4 "[ v4 S4>T sport=53 dport=50002 udp=16 ]"
static const struct row st_quotes[] = {
	{ "SRC-04", "@", "v4 R4>T icmp=11:0:0:28 " Q4, R_kern_4to6,
	  "v6 R4D6>C6 ttl=63 icmp=3:0:0:48 " C6_Q6 },
	{ "SRC-05", "@", "v4 S4>T icmp=3:3:0:36 " Q4, R_kern_4to6,
	  "v6 D6>C6 ttl=63 icmp=1:4:0:56 " C6_Q6 },
	{ "SRC-03", "@", "v6 C6>D6 icmp=1:4:0:56 " Q6, R_kern_6to4,
	  "v4 T>S4 ttl=63 icmp=3:3:0:36 " S4_Q4 },
	{ "SRC-03", "@", "v6 R6>D6 icmp=3:0:0:56 " Q6, R_kern_6to4,
	  "v4 T>S4 ttl=63 icmp=11:0:0:36 " S4_Q4 },
	/* routers whose address nobody may see, or that are ours */
	{ "SRC-04", "@", "v4 127.0.0.1>T icmp=11:0:0:28 " Q4, R_kern_4to6,
	  "v6 GW6>C6 ttl=63 icmp=3:0:0:48 " C6_Q6 },
	{ "SRC-04", "@", "v4 198.51.100.255>T icmp=11:0:0:28 " Q4, R_kern_4to6,
	  "v6 GW6>C6 ttl=63 icmp=3:0:0:48 " C6_Q6 },
	{ "SRC-04", STATEFUL ";pref64=64:ff9b::/96;map=u,2001:db8:c::5,9,203.0.113.8,900,0,0",
	  "v4 10.0.0.1>T icmp=11:0:0:28 [ v4 T>9.9.9.9 sport=900 dport=53 udp=16 ]", R_kern_4to6,
	  "v6 GW6>C6 ttl=63 icmp=3:0:0:48 [ v6 C6>64:ff9b::9.9.9.9 sport=9 dport=53 udp=16 ]" },
	{ "ADR-27", "@", "pair v4 T>T icmp=11:0:0:28 " Q4, R_kern_4to6,
	  "v6 TD6>C6 icmp=3:0:0:48 " C6_Q6 },
	{ "ADR-25", "@denylist4=198.51.100.254/32", "v4 R4>T icmp=11:0:0:28 " Q4, R_deny4, NULL },
	{ "ADR-26", "@allow6=2001:db8:d::/48", "v6 C6>D6 icmp=1:4:0:56 " Q6, R_not_allowed6, NULL },
	{ "ADR-26", "@allow6=2001:db8:c::/48", "v6 R6>D6 icmp=3:0:0:56 " Q6, R_kern_6to4,
	  "v4 T>S4 ttl=63 icmp=11:0:0:36 " S4_Q4 },
	/* IN-07: echo */
	{ "IN-07", "@", "v4 R4>T icmp=11:0:0:36 [ v4 T>S4 eid=8001 echo=16 ]", R_kern_4to6,
	  "v6 R4D6>C6 ttl=63 icmp=3:0:0:56 [ v6 C6>D6 echo=16 ]" },
	{ "IN-07", "@", "v6 R6>D6 icmp=3:0:0:56 [ v6 D6>C6 reply=16 ]", R_kern_6to4,
	  "v4 T>S4 ttl=63 icmp=11:0:0:36 [ v4 S4>T eid=8001 reply=16 ]" },
	{ "IN-08", "@", "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 icmp=3:3:0:28 [ v4 S4>T udp=16 ] ]",
	  R_inner_icmp_error, NULL },
	/* IN-06: what of the transport header is there */
	{ "IN-06", "@", "v4 R4>T icmp=11:0:0:24 " Q4, R_kern_4to6,
	  "v6 R4D6>C6 ttl=63 icmp=3:0:0:44 " C6_Q6 },
	{ "IN-06", "@", "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 sport=50000 dport=80 tcp=40 ]",
	  R_kern_4to6, "v6 R4D6>C6 ttl=63 icmp=3:0:0:48 [ v6 C6>D6 sport=40000 dport=80 tcp=40 ]" },
	{ "IN-06", "@", "v4 R4>T icmp=11:0:0:60 [ v4 T>S4 sport=50000 dport=80 tcp=40 ]",
	  R_kern_4to6, "v6 R4D6>C6 ttl=63 icmp=3:0:0:80 [ v6 C6>D6 sport=40000 dport=80 tcp=40 ]" },
	{ "IN-06", "@", "v4 R4>T icmp=11:0:0:36 [ v4 T>S4 sport=50002 dport=53 udp0=16 ]",
	  R_kern_4to6, "v6 R4D6>C6 ttl=63 icmp=3:0:0:56 [ v6 C6>D6 sport=40002 dport=53 udp0=16 ]" },
	{ "IN-05", "@", "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 id=7 mf sport=50002 dport=53 udp=16/40 ]",
	  R_kern_4to6, "v6 R4D6>C6 ttl=63 icmp=3:0:0:56 "
	  "[ v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40 ]" },
	{ "IN-09", "@", "v4 R4>T icmp=11:0:0:23 " Q4, R_inner_short, NULL },
	{ "IN-09", "@", "v4 R4>T icmp=11:0:0:27 [ v4 T>S4 eid=8001 echo=16 ]", R_inner_short, NULL },
	{ "IN-09", "@", "v6 R6>D6 icmp=3:0:0:43 " Q6, R_inner_short, NULL },
	{ "IN-10", "@", "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 off=9 data=17:0:16 ]", R_inner_frag, NULL },
	{ "IN-10", "@", "v6 R6>D6 icmp=3:0:0:64 [ v6 D6>C6 fh=9:0:7 data=17:0:16 ]", R_inner_frag,
	  NULL },
	{ "IN-11", "@", "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 sport=50003 dport=53 udp=16 ]",
	  R_inner_no_session, NULL },
	{ "IN-11", "@no-session=1", "v4 R4>T icmp=11:0:0:28 " Q4, R_inner_no_session, NULL },
	{ "IN-11", "@no-session=1", "v6 R6>D6 icmp=3:0:0:56 " Q6, R_inner_no_session, NULL },
	{ "IN-11", "@", "v6 R6>D6 icmp=3:0:0:56 [ v6 D6>C6 sport=53 dport=40003 udp=16 ]",
	  R_inner_no_session, NULL },
	{ "IN-11", "@", "v4 R4>T icmp=11:0:0:28 [ v4 T>S4 raw=47:16 ]", R_inner_no_session, NULL },
	{ "IN-12", "@", "v6 R6>R4D6 icmp=3:0:0:56 " Q6, R_inner_mismatch, NULL },
	{ "IN-12", "@pool4=203.0.113.9", "v4 R4>203.0.113.9 icmp=11:0:0:28 " Q4, R_inner_mismatch,
	  NULL },
	{ "IN-12", "@pool4=203.0.113.9", "pair v4 R4>203.0.113.9 icmp=11:0:0:28 " Q4,
	  R_inner_mismatch, NULL },
	{ "IN-14", "@", "v4 R4>T ttl=1 icmp=11:0:0:28 " Q4, R_icmp_ttl, NULL },
	{ "IN-14", "@", "v6 R6>D6 ttl=1 icmp=3:0:0:56 " Q6, R_icmp_ttl, NULL },
	{ "IN-01", "@", "v4 R4>T icmp=11:0:0:28 " Q4 " ck", R_icmp_bad_csum, NULL },
	{ "MTU-46-10", "@", "v4 R4>T icmp=3:4:240:28 " Q4, R_kern_4to6,
	  "v6 R4D6>C6 ttl=63 icmp=2:0:500:48 " C6_Q6 },
	{ "design 4", "@broken=1", "v4 R4>T icmp=11:0:0:28 " Q4, R_internal, NULL },
};

/* ---- section 8 ------------------------------------------------------------------------- */

static const struct row st_errors[] = {
	{ "UDP-02", "@", "v4 S4>T dport=50003 udp=16", R_no_bib, NULL },
	{ "GENERR-13", "@error-no-bib=on", "v4 S4>T dport=50003 udp=16", R_no_bib_error,
	  "v4 T>S4 icmp=3:3:0:36 [ v4 S4>T dport=50003 udp=16 ]" },
	{ "GENERR-13", "@error-no-bib=on", "v4 S4>T echo=16", R_no_bib_error,
	  "v4 T>S4 icmp=3:1:0:36 [ v4 S4>T echo=16 ]" },
	{ "GENERR-13", "@error-no-bib=on", "v4 S4>T dport=9 tcp=40", R_tcp_no_state, NULL },
	{ "UDP-03", "@filter=adf", T_UDP, R_adf, NULL },
	{ "GENERR-14", "@filter=adf;error-adf=on", T_UDP, R_adf_error,
	  "v4 T>S4 icmp=3:13:0:36 [ " T_UDP " ]" },
	{ "TCP-02", "@filter=v4_tcp", "v4 S4>T dport=50000 syn=1460", R_v4_tcp, NULL },
	{ "TCP-03", "@", "v4 S4>T dport=50999 syn=1460", R_slow_syn, NULL },
	{ "TCP-09", "@filter=syn_again", "v4 S4>T dport=50000 syn=1460", R_syn_again, NULL },
	{ "TCP-07", "@", "v4 S4>T dport=50999 tcp=40", R_tcp_no_state, NULL },
	{ "GENERR-01", "@", "v6 C6>D6 ttl=1 sport=40000 dport=80 syn=1440", R_ttl_expired,
	  "v6 GW6>C6 icmp=3:0:0:64 [ v6 C6>D6 ttl=1 sport=40000 dport=80 syn=1440 ]" },
	{ "GENERR-03", "@", "v6 C6>D6 eh=43:02000100000000"
	  "00000000000000000000000000000000 udp=16", R_source_route,
	  "v6 GW6>C6 icmp=4:0:2b:80 [ v6 C6>D6 eh=43:02000100000000"
	  "00000000000000000000000000000000 udp=16 ]" },
	{ "GERR-21", "@allow6=2001:db8:d::/48", "v6 C6>D6 echo=16", R_not_allowed6, NULL },
	{ "GERR-26", "@error-no-bib=on;icmp-errors4=off", "v4 S4>T dport=50003 udp=16",
	  R_no_bib_error, NULL },
};

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of reassembly_test.c: what comes when, what leaves and with which reasons. A
 * packet may be a fragment of the one that its text says: [OFFSET+LENGTH], m with M, and
 * #ID in front. */
#ifndef N64_REASM_ROWS_H
#define N64_REASM_ROWS_H

#define MAX_STEPS 7

struct step {
	unsigned int ms;
	const char *in;		/* NULL: the timer; "pair " in front */
	const char *done;	/* reasons in order; NULL: the row ends here */
	const char *out;	/* packets, "|" between them; "=": as received; "*": whatever */
};

struct scenario {
	const char *rule, *config;
	struct step step[MAX_STEPS];
};

#define IN4 "v4 S4>T sport=53 dport=50002 udp=1000"
#define OUT6 "v6 D6>C6 ttl=63 sport=53 dport=40002 udp=1000"
#define IN6 "v6 C6>D6 sport=40002 dport=53 udp=1000"
#define OUT4 "v4 T>S4 ttl=63 sport=50002 dport=53 udp=1000"
#define ZERO4 "v4 S4>T sport=53 dport=50002 udp0=1000"
#define NO4 "v4 S4>T sport=53 dport=50009 udp=1000"
#define NO6 "v6 X6>D6 sport=9 dport=53 udp=1000"
#define TCP4 "v4 S4>T sport=80 dport=50000 tcp=1000"
#define TCP6 "v6 C6>D6 sport=40000 dport=80 tcp=1000"
#define ECHO6 "v6 C6>D6 eid=1234 echo=1000"
#define ECHO_OUT4 "v4 T>S4 ttl=63 id=0x1234 eid=8001 echo=1000"
#define REPLY4 "v4 S4>T eid=8001 reply=1000"
#define REPLY_OUT6 "v6 D6>C6 ttl=63 eid=1234 reply=1000"
/* two halves; three parts */
#define A "[0+600m#1234] "
#define B "[600+400#1234] "
#define P "[0+400m#1234] "
#define Q "[400+400m#1234] "
#define R "[800+200#1234] "
#define DST6 "v6 C6>D6 eh=60:00010400000000 "
#define A32 "[0+600m#abcd1234] "
#define B32 "[600+400#abcd1234] "

static const struct scenario order[] = {
	{ "S13", NULL, { { 0, B IN4, "", "" },
		{ 9, A IN4, "kern_4to6 kern_4to6", A OUT6 "|" B OUT6 } } },
	{ "S13", NULL, { { 0, B32 IN6, "", "" },
		{ 9, A32 IN6, "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "FRG-02", NULL, { { 0, A IN4, "kern_4to6", A OUT6 },
		{ 9, B IN4, "kern_4to6", B OUT6 } } },
	{ "FRG-02", NULL, { { 0, R IN6, "", "" }, { 1, Q IN6, "", "" },
		{ 2, P IN6, "kern_6to4 kern_6to4 kern_6to4", P OUT4 "|" Q OUT4 "|" R OUT4 } } },
	{ "FRG-02", NULL, { { 0, R IN4, "", "" },
		{ 1, P IN4, "kern_4to6 kern_4to6", P OUT6 "|" R OUT6 },
		{ 2, Q IN4, "kern_4to6", Q OUT6 } } },
	{ "FRG-02", NULL, { { 0, B TCP4, "", "" }, { 1, A TCP4, "kern_4to6 kern_4to6",
		A "v6 D6>C6 ttl=63 sport=80 dport=40000 tcp=1000|"
		B "v6 D6>C6 ttl=63 sport=80 dport=40000 tcp=1000" } } },
	/* an ID that is used again at once */
	{ "FRG-02", NULL, { { 0, A IN4, "kern_4to6", A OUT6 }, { 0, B IN4, "kern_4to6", B OUT6 },
		{ 1, A IN4, "kern_4to6", A OUT6 }, { 1, B IN4, "kern_4to6", B OUT6 } } },
	/* pieces are cut again (MTU-46-05) */
	{ "MTU-46-05", NULL, { { 0, "[1480+1520#7] v4 S4>T sport=53 dport=50002 udp=3000", "", "" },
		{ 0, "[0+1480m#7] v4 S4>T sport=53 dport=50002 udp=3000", "sp_frags sp_frags",
		  "[0+1232m#7] v6 D6>C6 ttl=63 sport=53 dport=40002 udp=3000|"
		  "[1232+248m#7] v6 D6>C6 ttl=63 sport=53 dport=40002 udp=3000|"
		  "[1480+1232m#7] v6 D6>C6 ttl=63 sport=53 dport=40002 udp=3000|"
		  "[2712+288#7] v6 D6>C6 ttl=63 sport=53 dport=40002 udp=3000" } } },
	{ "HP-04", NULL, { { 0, B "v6 C6>TD6 sport=40002 dport=50010 udp=1000", "", "" },
		{ 0, A "v6 C6>TD6 sport=40002 dport=50010 udp=1000", "kern_hairpin kern_hairpin",
		  A "v6 TD6>X6 ttl=63 sport=50002 dport=7000 udp=1000|"
		  B "v6 TD6>X6 ttl=63 sport=50002 dport=7000 udp=1000" } } },
	/* each fragment has a hop limit of its own */
	{ "GENERR-01", NULL, { { 0, A IN4, "kern_4to6", A OUT6 },
		{ 0, B "v4 S4>T ttl=1 sport=53 dport=50002 udp=1000", "ttl_expired", "" } } },
};

static const struct scenario keys[] = {
	{ "FRG-03", NULL, { { 0, B IN4, "", "" },
		{ 0, "[0+600m#1235] " IN4, "kern_4to6", "[0+600m#1235] " OUT6 },
		{ 0, A TCP4, "kern_4to6", A "v6 D6>C6 ttl=63 sport=80 dport=40000 tcp=1000" },
		{ 0, A "v4 R4>T sport=53 dport=50002 udp=1000", "kern_4to6",
		  A "v6 R4D6>C6 ttl=63 sport=53 dport=40002 udp=1000" },
		{ 0, A IN4, "kern_4to6 kern_4to6", A OUT6 "|" B OUT6 } } },
	{ "FRG-03", NULL, { { 0, B32 IN6, "", "" }, { 0, A IN6, "kern_6to4", A OUT4 },
		{ 0, A32 "v6 X6>D6 sport=7000 dport=53 udp=1000", "kern_6to4",
		  A "v4 T>S4 ttl=63 sport=50010 dport=53 udp=1000" },
		{ 0, A32 IN6, "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "FRG-03", NULL, { { 0, B IN6, "", "" },
		{ 0, A "v6 C6>R4D6 sport=40002 dport=53 udp=1000", "kern_6to4",
		  A "v4 T>R4 ttl=63 sport=50002 dport=53 udp=1000" } } },
	/* RFC 8200 4.5: the next header of the first fragment counts */
	{ "FRG-03", NULL, { { 0, "v6 C6>D6 fh=75:0:1234 data=50:592:400", "", "" },
		{ 0, A IN6, "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "FRG-03", NULL, { { 0, A IN6, "kern_6to4", A OUT4 },
		{ 0, "v6 C6>D6 fh=75:0:1234 data=50:592:400", "kern_6to4", B OUT4 } } },
	{ "X-6TO4-09", NULL, { { 0, DST6 "fh=75:0:1234 data=17:592:400", "", "" },
		{ 0, A IN6, "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "FRG-09", NULL, { { 0, B IN6, "", "" },
		{ 0, "v6 C6>D6 fh=0:0:1234 sport=40002 dport=53 udp=1000", "kern_6to4",
		  "v4 T>S4 ttl=63 id=0x1234 sport=50002 dport=53 udp=1000" },
		{ 0, A IN6, "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "GEN-03", NULL, { { 0, A "v4 S4>198.51.100.1 udp=1000", "sp_returned",
		"=" A "v4 S4>198.51.100.1 udp=1000" } } },
	{ "VAL-01", NULL, { { 0, "v4 S4>T off=75 hc data=17:592:400", "bad_hdr4", "" },
		{ 0, A IN4, "kern_4to6", A OUT6 } } },
};

static const struct scenario times[] = {
	{ "FRG-04", NULL, { { 10, B IN4, "", "" }, { 5009, NULL, "", "" },
		{ 5010, NULL, "frag_timeout", "" }, { 5011, A IN4, "kern_4to6", A OUT6 } } },
	{ "FRG-04", NULL, { { 10, B IN4, "", "" },
		{ 5009, A IN4, "kern_4to6 kern_4to6", A OUT6 "|" B OUT6 } } },
	{ "FRG-04", NULL, { { 10, B IN4, "", "" },
		{ 5010, A IN4, "frag_timeout kern_4to6", A OUT6 } } },
	/* never refreshed */
	{ "FRG-04", NULL, { { 0, R IN6, "", "" }, { 4000, Q IN6, "", "" }, { 4999, NULL, "", "" },
		{ 5000, NULL, "frag_timeout frag_timeout", "" } } },
	{ "FRG-04", "frag-timeout=2", { { 0, B IN4, "", "" }, { 1999, NULL, "", "" },
		{ 2000, NULL, "frag_timeout", "" } } },
	{ "FRG-04", "frag-timeout=60", { { 0, B IN4, "", "" }, { 59999, NULL, "", "" },
		{ 60000, NULL, "frag_timeout", "" } } },
	/* what was sent is not counted again */
	{ "FRG-04", NULL, { { 0, A IN4, "kern_4to6", A OUT6 }, { 5000, NULL, "", "" },
		{ 5001, B IN4, "", "" } } },
	{ "FRG-11", NULL, { { 0, A NO4, "no_bib", "" }, { 4999, Q NO4, "frag_overlap", "" },
		{ 5000, B NO4, "", "" } } },
	{ "S14", NULL, { { 0, A IN6, "kern_6to4", A OUT4 }, { 1, Q IN6, "frag_overlap", "" },
		{ 2, B IN6, "frag_overlap", "" }, { 3, A IN6, "frag_overlap", "" },
		{ 4999, R IN6, "frag_overlap", "" }, { 5000, A IN6, "kern_6to4", A OUT4 } } },
	{ "FRG-07", NULL, { { 0, B IN4, "", "" }, { 1, R IN4, "frag_overlap frag_overlap", "" },
		{ 2, A IN4, "frag_overlap", "" }, { 4999, B IN4, "frag_overlap", "" },
		{ 5000, A IN4, "kern_4to6", A OUT6 } } },
};

static const struct scenario refusals[] = {
	{ "FRG-06", NULL, { { 0, B IN6, "", "" }, { 0, B IN6, "frag_duplicate", "" },
		{ 0, A IN6, "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "FRG-06", NULL, { { 0, P IN4, "kern_4to6", P OUT6 }, { 0, P IN4, "frag_duplicate", "" },
		{ 0, Q IN4, "kern_4to6", Q OUT6 }, { 0, Q IN4, "frag_duplicate", "" },
		{ 0, R IN4, "kern_4to6", R OUT6 } } },
	{ "FRG-08", NULL, { { 0, "[8+400m#1] " TCP4, "frag_tiny", "" } } },
	{ "FRG-08", NULL, { { 0, "[8+400m#1] " TCP6, "frag_tiny", "" } } },
	{ "FRG-08", NULL, { { 0, "[0+16m#1] " TCP4, "bad_l4", "" } } },
	{ "FRG-08", NULL, { { 0, A TCP6, "kern_6to4", "*" },
		{ 0, "v6 C6>D6 fh=1:1:1234 data=50:0:8", "frag_tiny", "" } } },
	{ "X-6TO4-15", NULL, { { 0, "[0+16m#1] " TCP6, "frag_hdr_incomplete", "" },
		{ 0, "[16+984#1] " TCP6, "frag_refused", "" } } },
	{ "X-6TO4-15", NULL, { { 0, "v6 C6>D6 fh=0:1:1 raw=58:0", "frag_hdr_incomplete", "" } } },
	{ "VAL-04", NULL, { { 0, "v4 S4>T mf id=1 raw=1:0", "bad_l4", "" } } },
	{ "X-6TO4-11", NULL, { { 0, "v6 C6>D6 fh=75:0:1 data=51:0:8", "eh_after_frag", "" } } },
	{ "FRG-10", NULL, { { 0, "v4 S4>T mf off=50 data=17:0:401", "bad_frag", "" },
		{ 0, NULL, "", "" } } },
	{ "X-6TO4-16", NULL, { { 0, "v6 C6>D6 fh=50:1:1 data=17:0:401", "bad_frag", "" } } },
	{ "X-6TO4-16", NULL, { { 0, "v6 C6>D6 fh=8191:0:1 data=17:0:8", "bad_frag", "" } } },
	{ "FRG-10", NULL, { { 0, "v4 S4>T off=8191 data=17:0:8", "bad_frag", "" } } },
	{ "FRG-10", NULL, { { 0, "v4 S4>T mf off=9 raw=17:0", "bad_frag", "" } } },
	{ "FRG-11", NULL, { { 0, B NO4, "", "" }, { 0, A NO4, "no_bib frag_refused", "" } } },
	{ "FRG-11", NULL, { { 0, R NO4, "", "" }, { 0, P NO4, "no_bib frag_refused", "" },
		{ 0, Q NO4, "frag_refused", "" }, { 0, NULL, "", "" } } },
	{ "FRG-11", NULL, { { 0, B NO6, "", "" }, { 0, A NO6, "no_port frag_refused", "*" } } },
	{ "FRG-11", "filter=adf", { { 0, B IN4, "", "" }, { 0, A IN4, "adf frag_refused", "" } } },
	{ "FRG-11", "broken=1", { { 0, B IN4, "", "" },
		{ 0, A IN4, "internal frag_refused", "" } } },
	{ "FRG-11", NULL, { { 0, B IN4, "", "" },
		{ 0, A "v4 S4>T ttl=1 sport=53 dport=50002 udp=1000", "ttl_expired frag_refused",
		  "*" } } },
	{ "FRG-11", NULL, { { 0, B "v4 S4>T sport=80 dport=50001 flags=2 tcp=1000", "", "" },
		{ 0, A "v4 S4>T sport=80 dport=50001 flags=2 tcp=1000",
		  "frag_refused frag_refused", "" } } },
	/* the lists refuse every fragment at once */
	{ "ADR-25", "denylist4=198.51.100.0/24", { { 0, B IN4, "deny4", "" },
		{ 0, A IN4, "deny4", "" }, { 0, B IN4, "deny4", "" } } },
	{ "ADR-25", "denylist4=198.51.100.0/24", { { 0, B IN6, "deny6to4", "*" } } },
	/* and do not wait until a datagram is whole */
	{ "ADR-25", "denylist4=198.51.100.0/24", { { 0, A ZERO4, "deny4", "" } } },
	{ "ADR-20", NULL, { { 0, B "v4 127.0.0.1>T udp=1000", "src4_illegal", "" } } },
	{ "GENERR-03", NULL, { { 0, B IN6, "", "" },
		{ 0, "v6 C6>D6 eh=43:00020100000000 fh=0:1:1234 sport=40002 dport=53 udp=600/1000",
		  "source_route frag_refused", "*" } } },
	{ "L4-09", NULL, { { 0, "v4 S4>T id=1 mf raw=47:600", "unsupported_proto", "*" } } },
};

static const struct scenario wholes[] = {
	{ "L4-05", NULL, { { 0, A ZERO4, "", "" }, { 0, B ZERO4, "kern_4to6 kern_4to6", OUT6 } } },
	{ "L4-05", NULL, { { 0, R ZERO4, "", "" }, { 0, P ZERO4, "", "" },
		{ 0, Q ZERO4, "kern_4to6 kern_4to6 kern_4to6", OUT6 } } },
	{ "L4-05", NULL, { { 0, "[1000+1000#7] v4 S4>T sport=53 dport=50002 udp0=2000", "", "" },
		{ 0, "[0+1000m#7] v4 S4>T sport=53 dport=50002 udp0=2000", "sp_frags sp_frags",
		  "[0+1232m#7] v6 D6>C6 ttl=63 sport=53 dport=40002 udp=2000|"
		  "[1232+768#7] v6 D6>C6 ttl=63 sport=53 dport=40002 udp=2000" } } },
	{ "L4-05", NULL, { { 0, A ZERO4, "", "" }, { 5000, NULL, "frag_timeout", "" } } },
	{ "FRG-13", NULL, { { 0, A32 ECHO6, "", "" },
		{ 0, B32 ECHO6, "kern_6to4 kern_6to4", ECHO_OUT4 } } },
	{ "FRG-13", NULL, { { 0, B REPLY4, "", "" },
		{ 0, A REPLY4, "kern_4to6 kern_4to6", REPLY_OUT6 } } },
	{ "FRG-13", "mtu4=600", { { 0, A32 ECHO6, "", "" }, { 0, B32 ECHO6, "sp_frags sp_frags",
		"[0+576m#1234] v4 T>S4 ttl=63 eid=8001 echo=1000|"
		"[576+424#1234] v4 T>S4 ttl=63 eid=8001 echo=1000" } } },
	{ "FRG-13", "frag=reassemble", { { 0, A32 IN6, "", "" },
		{ 0, B32 IN6, "kern_6to4 kern_6to4",
		  "v4 T>S4 ttl=63 id=0x1234 sport=50002 dport=53 udp=1000" } } },
	{ "FRG-02", "frag=reassemble", { { 0, B TCP4, "", "" }, { 0, A TCP4, "kern_4to6 kern_4to6",
		"v6 D6>C6 ttl=63 sport=80 dport=40000 tcp=1000" } } },
	{ "HP-04", "frag=reassemble", {
		{ 0, A "v6 C6>TD6 sport=40002 dport=50010 udp=1000", "", "" },
		{ 0, B "v6 C6>TD6 sport=40002 dport=50010 udp=1000", "kern_hairpin kern_hairpin",
		  "v6 TD6>X6 ttl=63 sport=50002 dport=7000 udp=1000" } } },
	{ "FRG-14", NULL, { { 0, A ECHO6 " ck", "", "" },
		{ 0, B ECHO6 " ck", "icmp_bad_csum frag_refused", "" } } },
	{ "FRG-14", NULL, { { 0, A REPLY4 " ck", "", "" },
		{ 0, B REPLY4 " ck", "icmp_bad_csum frag_refused", "" } } },
	{ "FRG-11", NULL, { { 0, A "v4 S4>T eid=9 reply=1000", "", "" },
		{ 0, B "v4 S4>T eid=9 reply=1000", "no_bib frag_refused", "" } } },
	{ "FRG-06", NULL, { { 0, A ECHO6, "", "" }, { 0, Q ECHO6, "frag_overlap frag_overlap", "" },
		{ 0, B ECHO6, "frag_overlap", "" } } },
	/* RFC 3168 5.3: congestion met by any fragment was met by the datagram */
	{ "FRG-13", NULL, { { 0, A "v4 S4>T tos=2 eid=8001 reply=1000", "", "" },
		{ 0, B "v4 S4>T tos=3 eid=8001 reply=1000", "kern_4to6 kern_4to6",
		  "v6 D6>C6 ttl=63 tos=3 eid=1234 reply=1000" } } },
	/* options and extension headers do not go along */
	{ "FRG-13", "frag=reassemble", { { 0, "v4 S4>T id=1 off=75 data=17:592:400", "", "" },
		{ 0, "v4 S4>T id=1 mf opt=01010101 sport=53 dport=50002 udp=600/1000",
		  "kern_4to6 kern_4to6", OUT6 } } },
	{ "FRG-13", "frag=reassemble", { { 0, B32 IN6, "", "" },
		{ 0, DST6 "fh=0:1:abcd1234 sport=40002 dport=53 udp=600/1000",
		  "kern_6to4 kern_6to4",
		  "v4 T>S4 ttl=63 id=0x1234 sport=50002 dport=53 udp=1000" } } },
	{ "X-6TO4-09", NULL, { { 0, DST6 "fh=75:0:1234 data=17:592:400", "", "" },
		{ 0, "v6 C6>D6 fh=0:1:1234 sport=40002 dport=53 udp=600/1000",
		  "kern_6to4 kern_6to4", A OUT4 "|" B OUT4 } } },
	{ "FRG-12", "frag-id4=generate", { { 0, B32 IN6, "", "" },
		{ 0, A32 IN6, "kern_6to4 kern_6to4",
		  "[0+600m#4242] " OUT4 "|[600+400#4242] " OUT4 } } },
	{ "FRG-12", "frag-id4=generate", { { 0, A32 ECHO6, "", "" }, { 0, B32 ECHO6,
		"kern_6to4 kern_6to4", "v4 T>S4 ttl=63 id=0x4242 eid=8001 echo=1000" } } },
	{ "FRG-12", "frag-id4=generate", { { 0, A IN4, "kern_4to6", A OUT6 } } },
	{ "FRG-12", "frag-id4=generate", { { 0, A NO6, "no_port", "*" },
		{ 0, B NO6, "frag_refused", "" } } },
};

/* GEN-05: T is the host's own address. */
static const struct scenario shared[] = {
	{ "GEN-05", "shared=1", { { 0, B NO4, "", "" },
		{ 0, A NO4, "sp_returned sp_returned", "=" A NO4 "|=" B NO4 } } },
	{ "GEN-05", "shared=1", { { 0, R NO4, "", "" },
		{ 0, P NO4, "sp_returned sp_returned", "=" P NO4 "|=" R NO4 },
		{ 0, P NO4, "sp_returned", "=" P NO4 }, { 0, Q NO4, "sp_returned", "=" Q NO4 },
		{ 0, Q NO4, "", "" } } },
	{ "GEN-05", "shared=1", { { 0, B IN4, "", "" },
		{ 0, A IN4, "kern_4to6 kern_4to6", A OUT6 "|" B OUT6 } } },
	{ "GEN-05", "shared=1", { { 0, B "v4 S4>T eid=9 reply=1000", "", "" },
		{ 0, A "v4 S4>T eid=9 reply=1000", "sp_returned sp_returned",
		  "=" A "v4 S4>T eid=9 reply=1000|=" B "v4 S4>T eid=9 reply=1000" } } },
	{ "GEN-05", "shared=1", { { 0, A REPLY4, "", "" }, { 0, B REPLY4, "kern_4to6 kern_4to6",
		REPLY_OUT6 } } },
	{ "GEN-05", "shared=1", { { 0, "v4 S4>T id=1 mf raw=47:600", "sp_returned",
		"=v4 S4>T id=1 mf raw=47:600" },
		{ 0, "v4 S4>T id=1 off=75 raw=47:60", "sp_returned",
		  "=v4 S4>T id=1 off=75 raw=47:60" } } },
	{ "GEN-05", "shared=1", { { 0, "v4 S4>T mf id=1 raw=1:0", "sp_returned",
		"=v4 S4>T mf id=1 raw=1:0" } } },
	{ "GEN-05", "shared=1;denylist4=198.51.100.0/24", { { 0, B NO4, "", "" },
		{ 0, A NO4, "sp_returned sp_returned", "=" A NO4 "|=" B NO4 } } },
	{ "GEN-05", "shared=1;denylist4=198.51.100.0/24", { { 0, B IN4, "", "" },
		{ 0, A IN4, "deny4 frag_refused", "" } } },
	{ "FRG-08", "shared=1", { { 0, "[8+400m#1] " TCP4, "", "" } } },
	{ "HP-07", "shared=1", { { 0, "pair " B NO4, "", "" },
		{ 0, "pair " A NO4, "pair_not_target frag_refused", "" } } },
};

#endif

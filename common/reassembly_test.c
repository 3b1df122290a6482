// SPDX-License-Identifier: GPL-2.0-only
/* Fragments in mode stateful: rows of reasm_rows.h, then what rows cannot say: every order
 * of arrival, every kind of overlap, every limit, the errors that quote a fragment, the
 * golden row G80. After each packet the memory is looked over and every fragment that came
 * has left once or is held (GEN-10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "fake_reasm.h"
#include "packet_text.h"
#include "reasm_rows.h"

#define GOLDEN "testenv/golden-packets.json"

/* ---- packets ------------------------------------------------------------------------ */

struct cut {
	unsigned int off, len, id;
	bool more;
};

/* The fragment `c` of the packet of `n` bytes at `p`, in place. Returns its length. */
static __u32 fragment_of(__u8 *p, __u32 n, struct cut c)
{
	bool v4 = p[0] >> 4 == 4;
	__u32 head = v4 ? IP4_LEN : IP6_LEN, from = head + c.off;
	struct frag_hdr fh = { .off_m = be16(c.off | (c.more ? 1 : 0)), .id = be32(c.id) };

	assert_true(from + c.len <= n);
	if (v4) {
		struct ip4_hdr ip;

		memcpy(&ip, p, sizeof(ip));
		ip.len = be16(head + c.len);
		ip.id = be16(c.id);
		ip.frag |= be16(c.off / 8 | (c.more ? IP4_MF : 0));
		ip.csum = 0;
		ip.csum = csum_ip4(&ip);
		memcpy(p, &ip, sizeof(ip));
		memmove(p + head, p + from, c.len);
		return head + c.len;
	}
	memmove(p + head + FRAGHDR_LEN, p + from, c.len);
	fh.nexthdr = p[6];
	p[6] = P_FRAGMENT;
	p[4] = (__u8)((FRAGHDR_LEN + c.len) >> 8);
	p[5] = (__u8)(FRAGHDR_LEN + c.len);
	memcpy(p + head, &fh, sizeof(fh));
	return head + FRAGHDR_LEN + c.len;
}

/* "[OFFSET+LENGTHm#ID] TEXT", or the text alone. */
static __u32 bytes_from_text(const char *text, __u8 *out)
{
	struct cut c = { 0 };
	__u32 n;

	text += strspn(text, " ");
	if (*text != '[')
		return packet_from_text(text, out);
	if (sscanf(text, "[%u+%u", &c.off, &c.len) != 2 ||
	    sscanf(strchr(text, '#'), "#%x", &c.id) != 1)
		abort();
	c.more = strchr(text, '#')[-1] == 'm';
	n = packet_from_text(strchr(text, ']') + 2, out);
	return fragment_of(out, n, c);
}

static void sound(const struct fake_reasm *t, const char *what)
{
	const char *wrong = fake_reasm_conserved(t);

	if (wrong)
		fail_msg("%s: %s", what, wrong);
}

/* One packet or, without one, the timer. */
static void go(struct fake_reasm *t, unsigned int ms, const char *text)
{
	static __u8 bytes[70000];
	struct slow_in in = { 0 };
	__u32 n;

	fake_reasm_forget(t);
	if (!text) {
		reasm_expire(t->rs, ms);
		sound(t, "the timer");
		return;
	}
	if (!strncmp(text, "pair ", 5)) {
		in.from_pair = true;
		text += 5;
	}
	n = bytes_from_text(text, bytes);
	in.fam = bytes[0] >> 4 == 4 ? FAM_4 : FAM_6;
	fake_reasm_take(t, in, bytes, n, ms);
	sound(t, text);
}

static const char *done_words(const struct fake_reasm *t)
{
	static char words[4096];

	words[0] = 0;
	for (__u32 i = 0; i < t->n_done; i++) {
		if (i)
			strcat(words, " ");
		strcat(words, reason_word(t->done[i]));
	}
	return words;
}

/* ---- rows ----------------------------------------------------------------------------- */

static void check_out(const struct fake_reasm *t, const struct scenario *row,
		      const struct step *s)
{
	static __u8 want[70000];
	char *copy = strdup(s->out), *save = NULL;
	__u32 i = 0;

	for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save), i++) {
		const struct fake_out *o = &t->f.out[i];
		__u32 n = bytes_from_text(w + (*w == '='), want);

		if (i >= t->f.n_out)
			fail_msg("%s at %u: only %u packets left", row->rule, s->ms, i);
		if (o->len != n || memcmp(o->ip, want, n))
			fail_msg("%s at %u: \"%s\": packet %u is another one", row->rule, s->ms, w,
				 i);
		assert_int_equal(o->flags, *w == '=' ? EMIT_RETURNED : 0);
	}
	free(copy);
	if (i != t->f.n_out)
		fail_msg("%s at %u: %u packets left, not %u", row->rule, s->ms, t->f.n_out, i);
}

static void check_row(const struct scenario *row)
{
	struct fake_reasm t;

	fake_reasm_init(&t, row->config);
	for (int i = 0; i < MAX_STEPS && row->step[i].done; i++) {
		const struct step *s = &row->step[i];

		go(&t, s->ms, s->in);
		if (strcmp(done_words(&t), s->done))
			fail_msg("%s at %u: \"%s\": \"%s\", not \"%s\"", row->rule, s->ms,
				 s->in ? s->in : "the timer", done_words(&t), s->done);
		if (strcmp(s->out, "*"))
			check_out(&t, row, s);
		if (s->in && !*s->done)
			assert_int_equal(t.f.note[R_frags_held], 1);
	}
	fake_reasm_forget(&t);
	reasm_flush(t.rs);
	assert_int_equal(t.all_in, t.all_done);
	assert_int_equal(t.rs->bytes + t.rs->frags.used + t.rs->blocks.used + t.rs->dgrams.used +
			 t.rs->sources.used, 0);
	fake_reasm_free(&t);
}

#define TEST(table)                                                        \
	static void test_##table(void **state)                             \
	{                                                                  \
		(void)state;                                               \
		for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) \
			check_row(&(table)[i]);                            \
		print_message("%zu rows\n", sizeof(table) / sizeof((table)[0])); \
	}

TEST(order)
TEST(keys)
TEST(times)
TEST(refusals)
TEST(wholes)
TEST(shared)

/* ---- every order ------------------------------------------------------------------------ */

static const struct {
	const char *config, *in, *out;
	bool whole;
} orders[] = {
	{ "", IN4, OUT6, false },
	{ "", IN6, OUT4, false },
	{ "frag=reassemble", IN6, OUT4, true },
	{ "frag=reassemble", IN4, OUT6, true },
	{ "", ZERO4, OUT6, true },
	{ "", ECHO6, "v4 T>S4 ttl=63 eid=8001 echo=1000", true },
	{ "", REPLY4, REPLY_OUT6, true },
};

static const char *const parts[3] = { P, Q, R };
static const int perms[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
				 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

/* FRG-02: which parts shall have left after the first `n` of `perm`, in order. */
static __u32 expect_order(const int *perm, int n, bool whole, int *left)
{
	bool first = false, held[3] = { false };
	__u32 k = 0;

	for (int i = 0; i < n && !whole; i++) {
		if (first)
			left[k++] = perm[i];
		held[perm[i]] = !first;
		if (perm[i])
			continue;
		first = true;
		for (int j = 0; j < 3; j++)
			if (held[j])
				left[k++] = j;
	}
	return k;
}

static void run_order(size_t which, const int *perm)
{
	static __u8 want[70000];
	struct fake_reasm t;
	char text[256];
	__u32 sent = 0;
	int left[3];

	fake_reasm_init(&t, orders[which].config);
	for (int i = 0; i < 3; i++) {
		__u32 all = expect_order(perm, i + 1, orders[which].whole, left);

		t.ifindex = 7 + (__u32)perm[i];
		snprintf(text, sizeof(text), "%s%s", parts[perm[i]], orders[which].in);
		go(&t, 0, text);
		if (orders[which].whole) {
			assert_int_equal(t.f.n_out, i == 2);
			continue;
		}
		assert_int_equal(t.f.n_out, all - sent);
		for (__u32 k = 0; sent < all; sent++, k++) {
			snprintf(text, sizeof(text), "%s%s", parts[left[sent]], orders[which].out);
			assert_int_equal(t.f.out[k].len, bytes_from_text(text, want));
			assert_memory_equal(t.f.out[k].ip, want, t.f.out[k].len);
		}
	}
	if (orders[which].whole) {
		assert_int_equal(t.f.note[R_frags_reassembled], 1);
		assert_int_equal(t.begun_ifindex, 7); /* that of the first fragment */
	}
	assert_int_equal(t.all_done, 3);
	assert_int_equal(t.rs->dgrams.used, 0);
	fake_reasm_free(&t);
}

static void test_every_order(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(orders) / sizeof(orders[0]); k++)
		for (int i = 0; i < 6; i++)
			run_order(k, perms[i]);
}

/* FRG-11: the state is asked once for a datagram, by its first fragment. FRG-03: whatever
 * the port; what is emitted is said to be of the packet that it comes of. */
static void test_state_is_asked_once(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, NULL);
	t.ifindex = 8;
	go(&t, 0, R IN4);
	assert_int_equal(t.f.st.n_calls, 0);
	t.ifindex = 9;
	go(&t, 0, P IN4);
	assert_int_equal(t.f.st.n_calls, 1);
	assert_int_equal(t.f.st.call[0].op, CALL_IN);
	assert_int_equal(t.begun_ifindex, 8);
	go(&t, 0, Q IN4);
	assert_int_equal(t.f.st.n_calls, 0);
	assert_int_equal(t.begun_ifindex, 9);
	t.ifindex = 11;
	go(&t, 0, A IN6);
	assert_int_equal(t.begun_ifindex, 11);
	fake_reasm_free(&t);
}

/* ---- overlaps --------------------------------------------------------------------------- */

static const struct {
	const char *cut;
	enum reason reason;	/* against [400+400m] and [1000+96] */
} fits[] = {
	{ "[400+400m#9] ", R_frag_duplicate },
	{ "[1000+96#9] ", R_frag_duplicate },
	{ "[392+16m#9] ", R_frag_overlap },	/* its beginning */
	{ "[792+16m#9] ", R_frag_overlap },	/* its end */
	{ "[480+80m#9] ", R_frag_overlap },	/* inside */
	{ "[320+560m#9] ", R_frag_overlap },	/* around */
	{ "[400+80m#9] ", R_frag_overlap },	/* the same beginning */
	{ "[720+80m#9] ", R_frag_overlap },	/* the same end */
	{ "[400+400#9] ", R_frag_overlap },	/* the same, but an end */
	{ "[1000+88#9] ", R_frag_overlap },	/* another end */
	{ "[800+192#9] ", R_frag_overlap },	/* an end before another */
	{ "[1096+8#9] ", R_frag_overlap },	/* an end behind the end */
	{ "[1096+8m#9] ", R_frag_overlap },	/* beyond the end */
	{ "[800+200m#9] ", R_GO_ON },
	{ "[320+80m#9] ", R_GO_ON },
};

static void run_fit(size_t which, const char *whole)
{
	struct fake_reasm t;
	char text[256];

	fake_reasm_init(&t, NULL);
	snprintf(text, sizeof(text), "[400+400m#9] %s", whole);
	go(&t, 0, text);
	snprintf(text, sizeof(text), "[1000+96#9] %s", whole);
	go(&t, 0, text);
	snprintf(text, sizeof(text), "%s%s", fits[which].cut, whole);
	go(&t, 0, text);
	if (fits[which].reason == R_frag_overlap)
		assert_string_equal(done_words(&t), "frag_overlap frag_overlap frag_overlap");
	else
		assert_string_equal(done_words(&t), fits[which].reason ?
				    reason_word(fits[which].reason) : "");
	assert_int_equal(t.rs->held, fits[which].reason == R_frag_overlap ? 0 :
				     fits[which].reason ? 2 : 3);
	assert_int_equal(t.f.n_out, 0); /* no ICMP */
	fake_reasm_free(&t);
}

static void test_overlaps(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++) {
		run_fit(i, "v4 S4>T sport=53 dport=50002 udp=1200");
		run_fit(i, "v6 C6>D6 sport=40002 dport=53 udp=1200");
	}
}

/* An end before what was seen is an overlap too when no end was known (FRG-10). */
static void test_late_end(void **state)
{
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, NULL);
	go(&t, 0, "[800+80m#9] " IN4);
	go(&t, 0, "[400+40#9] " IN4);
	assert_string_equal(done_words(&t), "frag_overlap frag_overlap");
	fake_reasm_free(&t);
}

/* ---- sizes ------------------------------------------------------------------------------ */

/* FRG-17: the longest datagrams that can and cannot be IPv4. */
static void test_too_big(void **state)
{
	static const struct {
		const char *whole;
		unsigned int total;
		const char *done;
	} rows[] = {
		{ "v6 C6>D6 eid=1234 echo", 65515, "sp_frags sp_frags" },
		{ "v6 C6>D6 eid=1234 echo", 65516, "frag_too_big frag_refused" },
		{ "v6 C6>D6 eid=1234 echo", 65535, "frag_too_big frag_refused" },
		{ "v4 S4>T eid=8001 reply", 65516, "frag_too_big frag_refused" },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake_reasm t;

		/* no fragment is longer than the next hop takes (FRG-16) */
		fake_reasm_init(&t, "mtu4=41000");
		snprintf(text, sizeof(text), "[0+40000m#9] %s=%u", rows[i].whole, rows[i].total);
		go(&t, 0, text);
		snprintf(text, sizeof(text), "[40000+%u#9] %s=%u",
			 rows[i].total - 40000, rows[i].whole, rows[i].total);
		go(&t, 0, text);
		assert_string_equal(done_words(&t), rows[i].done);
		assert_int_equal(t.f.n_out, *rows[i].done == 's' ? 2 : 0);
		fake_reasm_free(&t);
	}
}

/* FRG-16: Packet Too Big and frag-needed quote the first fragment as it came. */
static void test_quotes(void **state)
{
	static const struct {
		const char *config, *first, *last;
		__u32 at, mtu_at, mtu;	/* of the quoted packet, of the MTU */
	} rows[] = {
		{ "mtu4=1000", "[0+1400m#9] v6 C6>D6 eid=1234 echo=2800",
		  "[1400+1400#9] v6 C6>D6 eid=1234 echo=2800", 48, 46, 1280 },
		{ "mtu6=1280", "[0+1400m#9] v4 S4>T df eid=8001 reply=2800",
		  "[1400+1400#9] v4 S4>T df eid=8001 reply=2800", 28, 26, 1252 },
	};
	static __u8 first[70000];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fake_reasm t;
		const struct fake_out *o;

		fake_reasm_init(&t, rows[i].config);
		go(&t, 0, rows[i].last);
		go(&t, 0, rows[i].first);
		assert_string_equal(done_words(&t), "too_big frag_refused");
		assert_int_equal(t.f.n_out, 1);
		o = &t.f.out[0];
		bytes_from_text(rows[i].first, first);
		assert_memory_equal(o->ip + rows[i].at, first, o->len - rows[i].at);
		assert_int_equal(o->ip[rows[i].mtu_at] << 8 | o->ip[rows[i].mtu_at + 1],
				 rows[i].mtu);
		fake_reasm_free(&t);
	}
}

/* GEN-13: what was cut on the way cannot be held. */
static void test_cut_frames(void **state)
{
	struct slow_in in = { .fam = FAM_4, .true_len = 420 };
	static __u8 bytes[70000];
	struct fake_reasm t;

	(void)state;
	fake_reasm_init(&t, NULL);
	bytes_from_text(B IN4, bytes);
	fake_reasm_take(&t, in, bytes, 300, 0);
	assert_string_equal(done_words(&t), "sp_too_long");
	sound(&t, "a frame that was cut");
	assert_int_equal(t.rs->dgrams.used, 0);
	fake_reasm_free(&t);
}

/* G80, its input in fragments of 504 bytes, backwards. */
static void test_golden(void **state)
{
	static __u8 whole[2000], part[2000], want[2000];
	json_t *all = json_load_file(GOLDEN, 0, NULL), *row;
	struct fake_reasm t;
	__u32 n = 0, out = 0;
	size_t i;

	(void)state;
	assert_non_null(all);
	json_array_foreach(json_object_get(all, "vectors"), i, row) {
		if (strcmp(json_string_value(json_object_get(row, "id")), "G80"))
			continue;
		n = packet_hex(json_string_value(json_object_get(row, "input")), whole);
		out = packet_hex(json_string_value(json_array_get(json_object_get(row, "output"),
								  0)), want);
	}
	assert_int_equal(n, 1220);
	fake_reasm_init(&t, NULL);
	for (int k = 2; k >= 0; k--) {
		struct cut c = { .off = (__u32)k * 504, .len = k == 2 ? 192 : 504, .id = 0x3333,
				 .more = k < 2 };
		struct slow_in in = { .fam = FAM_4 };

		memcpy(part, whole, n);
		fake_reasm_forget(&t);
		fake_reasm_take(&t, in, part, fragment_of(part, n, c), 0);
	}
	assert_int_equal(t.f.n_out, 1);
	assert_int_equal(t.f.out[0].len, out);
	assert_memory_equal(t.f.out[0].ip, want, out);
	fake_reasm_free(&t);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_wholes),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_every_order),
		cmocka_unit_test(test_state_is_asked_once),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_late_end),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_cut_frames),
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/test.h"
#include "ledger/tlog_policy.h"

/* A checkpoint note that any subset of parties has signed, and policies about them. */
static const char ORIGIN[] = "log.example/1";
enum { LOG, LOG_MLDSA44, A, B, C, D, PARTIES };
static struct {
	struct note_key keys[PARTIES];
	char vkeys[PARTIES][2000];
	uint8_t seeds[PARTIES][32];
	struct mldsa44_private *mldsa44;
} f;

static int
make_keys(void **) {
	static const char *const names[PARTIES] = {ORIGIN, ORIGIN, "w/a", "w/b", "w/c", "w/d"};
	for (size_t i = 0; i < PARTIES; i++) {
		uint8_t public_key[MLDSA44_PUBLIC_SIZE];
		f.seeds[i][0] = (uint8_t)(i + 1);
		enum note_key_type type = i == LOG ? NOTE_ED25519 : NOTE_COSIGNATURE_ED25519;
		size_t len = 32;
		assert_ok(ed25519_public_key(f.seeds[i], public_key));
		if (i == LOG_MLDSA44) {
			assert_ok(mldsa44_private_create(&f.mldsa44, f.seeds[i]));
			mldsa44_private_public_key(f.mldsa44, public_key);
			type = NOTE_COSIGNATURE_MLDSA44;
			len = sizeof public_key;
		}
		assert_ok(note_key_make(bytes_of_text(names[i]), type, bytes_of(public_key, len), &f.keys[i]));
		_cleanup_(buffer_free) struct buffer vkey = {};
		note_key_format(&f.keys[i], &vkey);
		memcpy(f.vkeys[i], vkey.data, vkey.len);
	}
	return 0;
}

static int
free_keys(void **) {
	for (size_t i = 0; i < PARTIES; i++)
		note_key_free(&f.keys[i]);
	mldsa44_private_destroy(&f.mldsa44);
	return 0;
}

/* "@A" stands for the vkey of A, and so on. */
static enum status
parse(const char *text, struct tlog_policy **policy) {
	static const char *const names[PARTIES] = {"@LOG1", "@LOG6", "@A", "@B", "@C", "@D"};
	_cleanup_(buffer_free) struct buffer whole = {};
	while (*text != '\0') {
		size_t i = 0;
		while (i < PARTIES && strncmp(text, names[i], strlen(names[i])) != 0)
			i++;
		if (i == PARTIES) {
			buffer_append_byte(&whole, (uint8_t)*text++);
		} else {
			buffer_append_text(&whole, f.vkeys[i]);
			text += strlen(names[i]);
		}
	}
	return tlog_policy_parse(buffer_bytes(&whole), policy);
}

static void
sign(struct buffer *note, const char *body, struct hash256 root, size_t party) {
	uint8_t ed25519[64], mldsa44[MLDSA44_SIGNATURE_SIZE], message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	_cleanup_(buffer_free) struct buffer v1 = {};
	switch (party) {
	case LOG:
		assert_ok(ed25519_sign(f.seeds[LOG], f.keys[LOG].public_key, bytes_of_text(body), ed25519));
		note_append_signature(note, &f.keys[LOG], BYTES_OF_ARRAY(ed25519));
		break;
	case LOG_MLDSA44: {
		size_t len =
			cosignature_subtree_message(bytes_of_text(ORIGIN), 9, bytes_of_text(ORIGIN), 8, &root, message);
		assert_ok(mldsa44_sign(f.mldsa44, bytes_of(message, len), mldsa44));
		note_append_timestamped(note, &f.keys[LOG_MLDSA44], 9, BYTES_OF_ARRAY(mldsa44));
		break;
	}
	default:
		cosignature_v1_message(&v1, 100 + party, bytes_of_text(body));
		assert_ok(ed25519_sign(f.seeds[party], f.keys[party].public_key, buffer_bytes(&v1), ed25519));
		note_append_timestamped(note, &f.keys[party], 100 + party, BYTES_OF_ARRAY(ed25519));
	}
}

#define BODY "log.example/1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"

/* signers is a set of bits. */
static enum status
check(const char *policy_text, unsigned signers, struct tlog_verdict *verdict) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct note note;
	struct checkpoint checkpoint;
	assert_ok(parse(policy_text, &policy));
	assert_ok(checkpoint_parse(BYTES_OF_LITERAL(BODY), &checkpoint));
	buffer_append_text(&text, BODY "\n");
	for (size_t party = 0; party < PARTIES; party++)
		if (signers & 1U << party)
			sign(&text, BODY, checkpoint.root, party);
	assert_ok(note_parse(&arena, buffer_bytes(&text), &note));
	return tlog_policy_check(policy, &note, &checkpoint, verdict);
}

enum {
	L1 = 1 << LOG,
	L6 = 1 << LOG_MLDSA44,
	WA = 1 << A,
	WB = 1 << B,
	WC = 1 << C,
	WD = 1 << D,
};

#define LOGS "log @LOG1\nlog @LOG6\n"
#define WITNESSES "witness a @A\nwitness b @B\nwitness c @C\nwitness d @D http://d.example/\n"

static void
a_quorum_is_met_exactly_by_enough_members(void **) {
	/* Every set of witnesses against rules whose meaning is written beside them. */
	static const char *const rules[] = {
		"quorum a\n",
		"group g any a b c\nquorum g\n",
		"group g all a b c\nquorum g\n",
		"group g 2 a b c\nquorum g\n",
		"group g 2 a b c\ngroup h all g d\nquorum h\n",
		"group g any a b\ngroup h any c d\ngroup all 2 g h\nquorum all\n",
		"quorum none\n",
	};
	for (size_t rule = 0; rule < ARRAY_LENGTH(rules); rule++) {
		for (unsigned set = 0; set < 16; set++) {
			bool a = set & 1, b = set & 2, c = set & 4, d = set & 8;
			bool expected[] = {
				a,
				a || b || c,
				a && b && c,
				a + b + c >= 2,
				a + b + c >= 2 && d,
				(a || b) && (c || d),
				false,
			};
			_cleanup_(buffer_free) struct buffer text = {};
			buffer_append_text(&text, LOGS WITNESSES);
			buffer_append_text(&text, rules[rule]);
			buffer_append_byte(&text, '\0');
			struct tlog_verdict verdict;
			assert_ok(check((const char *)text.data, L1 | L6 | set << A, &verdict));
			assert_int_equal(expected[rule], verdict.has_quorum);
			assert_int_equal(a + b + c + d, verdict.cosignatures);
		}
	}
}

static void
missing_signatures_of_the_log_show_in_the_verdict(void **) {
	struct tlog_verdict verdict;
	static const char policy[] = LOGS WITNESSES "quorum a\n";
	assert_ok(check(policy, L1 | WA, &verdict));
	assert_true(verdict.has_ed25519 && !verdict.has_mldsa44 && verdict.has_quorum);
	assert_ok(check(policy, L6 | WA, &verdict));
	assert_true(!verdict.has_ed25519 && verdict.has_mldsa44 && verdict.has_quorum);
	assert_int_equal(9, verdict.log_time_s);
	assert_fails(STATUS_UNAUTHORIZED, "policy.unsigned", check(policy, WA, &verdict));
	/* A signature by a key that the policy does not know is not one. */
	assert_ok(check("log @LOG6\nquorum none\n", L1 | L6, &verdict));
	assert_false(verdict.has_ed25519);
	assert_fails(STATUS_UNAUTHORIZED, "policy.unsigned", check("log @LOG6\nquorum none\n", L1, &verdict));
	assert_fails(STATUS_UNAUTHORIZED, "policy.origin", check("witness a @A\nquorum a\n", L1 | L6 | WA, &verdict));
}

static void
one_bad_signature_of_a_known_key_refuses_the_whole_note(void **) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	struct checkpoint checkpoint;
	assert_ok(parse(LOGS WITNESSES "quorum a\n", &policy));
	assert_ok(checkpoint_parse(BYTES_OF_LITERAL(BODY), &checkpoint));
	buffer_append_text(&text, BODY "\n");
	for (size_t party = LOG; party <= A; party++)
		sign(&text, BODY, checkpoint.root, party);
	sign(&text, "log.example/1\n9\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n", checkpoint.root, B);
	_cleanup_(arena_free) struct arena arena = {};
	struct note note;
	struct tlog_verdict verdict;
	assert_ok(note_parse(&arena, buffer_bytes(&text), &note));
	assert_int_equal(STATUS_UNAUTHORIZED, tlog_policy_check(policy, &note, &checkpoint, &verdict));
}

static void
a_policy_is_read_as_specified(void **) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	assert_ok(parse("# comment \xff\n\n \t# indented\n\tlog\t@LOG1   https://log.example/ \n"
			"witness \xe2\x84\xaa @A\nwitness K @B http://b/\n"
			"group g 2 K \xe2\x84\xaa\nquorum g\n",
			&policy));
	assert_int_equal(1, tlog_policy_log_count(policy));
	assert_bytes(BYTES_OF_LITERAL("https://log.example/"), tlog_policy_log(policy, 0)->url);
	assert_int_equal(2, tlog_policy_witness_count(policy));
	assert_bytes(BYTES_OF_LITERAL("K"), tlog_policy_witness(policy, 1)->name);
	assert_int_equal(0, tlog_policy_witness(policy, 0)->url.len);
	assert_true(tlog_policy_demands_witnesses(policy));
}

static void
bad_policies_are_refused_by_name(void **) {
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"policy.quorum", ""},
		{"policy.quorum", "log @LOG1\n"},
		{"policy.quorum", "quorum none\nquorum none\n"},
		{"policy.line", "quorum none"},
		{"policy.keyword", "logs @LOG1\nquorum none\n"},
		{"policy.words", "log\nquorum none\n"},
		{"policy.words", "log @LOG1 url more\nquorum none\n"},
		{"policy.words", "quorum\n"},
		{"policy.words", "quorum a b\n"},
		{"policy.words", "witness a\nquorum none\n"},
		{"policy.words", "witness a @A\ngroup g any\nquorum none\n"},
		{"policy.vkey", "log nothing\nquorum none\n"},
		{"policy.key_type", "log @A\nquorum none\n"},
		{"policy.key_type", "witness a @LOG1\nquorum none\n"},
		{"policy.duplicate_key", "log @LOG1\nlog @LOG1\nquorum none\n"},
		{"policy.duplicate_key", "witness a @A\nwitness b @A\nquorum none\n"},
		{"policy.name", "witness a @A\nwitness a @B\nquorum none\n"},
		{"policy.name", "witness a @A\ngroup a any a\nquorum none\n"},
		{"policy.name", "witness none @A\nquorum none\n"},
		{"policy.undefined", "quorum a\nwitness a @A\n"},
		{"policy.undefined", "group g any a\nwitness a @A\nquorum g\n"},
		{"policy.undefined", "witness a @A\ngroup g any a none\nquorum g\n"},
		{"policy.undefined", "witness a @A\ngroup g any g\nquorum g\n"},
		{"policy.member", "witness a @A\ngroup g 2 a a\nquorum g\n"},
		{"policy.member", "witness a @A\ngroup g any a\ngroup h any a\nquorum g\n"},
		{"policy.threshold", "witness a @A\ngroup g 0 a\nquorum g\n"},
		{"policy.threshold", "witness a @A\ngroup g 2 a\nquorum g\n"},
		{"policy.threshold", "witness a @A\ngroup g 01 a\nquorum g\n"},
		{"policy.threshold", "witness a @A\ngroup g some a\nquorum g\n"},
		{"policy.character", "quorum none\r\n"},
		{"policy.character", "quorum n\x7fne\n"},
		{"policy.character", "quorum n\x01ne\n"},
		{"policy.character", "# \x1b[2K\nquorum none\n"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
		assert_fails(STATUS_INVALID, cases[i].name, parse(cases[i].text, &policy));
		assert_null(policy);
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(a_quorum_is_met_exactly_by_enough_members),
		T(missing_signatures_of_the_log_show_in_the_verdict),
		T(one_bad_signature_of_a_known_key_refuses_the_whole_note),
		T(a_policy_is_read_as_specified),
		T(bad_policies_are_refused_by_name),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}

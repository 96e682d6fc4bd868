#include "tests/test.h"

#include "cli/key_audit.h"
#include "tests/frost_holders.h"

static const uint8_t CHALLENGE[AUDIT_CHALLENGE_SIZE] = {7};

/* A sharing of 2 of 3, and as much of its shares as somebody knows. */
struct known {
	struct sharing sharing;
	struct frost_scalar first; /* the share of holder 1 */
};

static struct known honest, own, forged;

static void
deal(struct known *known) {
	static const char *const names[] = {"a", "b", "c"};
	struct frost_holders holders = {};
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 3);
	sharing_of_frost(&holders.key, &known->sharing);
	known->first = *frost_key_share_value(holders.shares[1]);
	frost_holders_end(&holders);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		strcpy(known->sharing.names[i], names[i]);
}

/* Of the honest key, by whoever knows no share of it: share 1 is its own, and the others are what lies on one line with the key. */
static void
forge(void) {
	const struct frost_suite *suite = &frost_ed25519;
	const struct frost_scalar zero = suite->scalar_of(0);
	struct frost_element key, at_one, terms[2], sum;
	forged = honest;
	forged.first = own.first;
	assert_ok(suite->element_read(honest.sharing.key.public_key, &key));
	assert_ok(suite->element_of(&forged.first, &at_one));
	memcpy(forged.sharing.key.public_shares[0], at_one.bytes, suite->element_size);
	for (uint64_t i = 2; i <= 3; i++) { /* (1 − i)·key + i·share 1 */
		struct frost_scalar factor = suite->scalar_of(i - 1), index = suite->scalar_of(i);
		factor = suite->subtract(&zero, &factor);
		assert_ok(suite->element_multiply(&key, &factor, &terms[0]));
		assert_ok(suite->element_multiply(&at_one, &index, &terms[1]));
		assert_ok(suite->element_add(&terms[0], &terms[1], &sum));
		memcpy(forged.sharing.key.public_shares[i - 1], sum.bytes, suite->element_size);
	}
}

static int
set_up(void **) {
	deal(&honest);
	deal(&own);
	forge();
	return 0;
}

/* What a gateway answers that knows so much, saying that it is instance; the proof is made for proof_instance. */
static const json *
answer_for(struct arena *arena, const struct known *known, const char *instance, const char *proof_instance,
	   const uint8_t *challenge) {
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	struct json_writer w;
	uint8_t proof[AUDIT_PROOF_MAX];
	size_t len;
	assert_ok(share_audit_prove(&known->sharing, 1, &known->first, bytes_of_text(proof_instance), challenge, proof,
				    &len));
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_integer(&w, "holder", 1);
	json_write_member_text(&w, "instance", instance);
	json_write_member_hex(&w, "proof", bytes_of(proof, len));
	json_write_key(&w, "sharing");
	sharing_write(&w, &known->sharing);
	json_write_end(&w);
	assert_ok(json_writer_finish(&w));
	assert_ok(json_read(arena, arena_copy(arena, buffer_bytes(&text)), (struct json_limits){}, &document));
	return document;
}

static const json *
answer(struct arena *arena, const struct known *known) {
	return answer_for(arena, known, "northwind", "northwind", CHALLENGE);
}

static const char *
hex_of(struct arena *arena, struct bytes bytes) {
	char *hex = arena_alloc(arena, 2 * bytes.len + 1);
	assert_non_null(hex);
	hex_encode(bytes, hex);
	return hex;
}

/* What somebody knows who noted public key and hash of the honest sharing. */
static struct key_audit_expected
expectation(struct arena *arena) {
	struct hash256 hash;
	assert_ok(sharing_hash(&honest.sharing, &hash));
	return (struct key_audit_expected){.key = "vault",
					   .instance = "northwind",
					   .challenge = CHALLENGE,
					   .public_key = hex_of(arena, sharing_public_key(&honest.sharing)),
					   .sharing_hash = hex_of(arena, BYTES_OF_ARRAY(hash.bytes))};
}

static void
what_was_proved_and_what_was_compared_is_said(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {}, less = {};
	struct key_audit_expected expected = expectation(&arena);
	struct key_audit audit;
	struct json_writer w;
	assert_ok(key_audit_check(answer(&arena, &honest), &expected, &audit));
	json_writer_start(&w, &text);
	key_audit_write(&w, &audit, &expected);
	assert_ok(json_writer_finish(&w));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&text)));
	const char *whole = arena_format(
		&arena,
		"{\"compared\":[\"instance\",\"key\",\"public_key\",\"sharing_hash\"],\"epoch\":1,\"holds\":\"a\","
		"\"key\":\"vault\",\"public_key\":\"%s\",\"scheme\":\"ed25519\",\"sharing_hash\":\"%s\"}",
		expected.public_key, expected.sharing_hash);
	assert_bytes(bytes_of_text(whole), buffer_bytes(&text));
	expected.public_key = expected.sharing_hash = nullptr;
	assert_ok(key_audit_check(answer(&arena, &honest), &expected, &audit));
	json_writer_start(&w, &less);
	key_audit_write(&w, &audit, &expected);
	assert_ok(json_writer_finish(&w));
	assert_non_null(memmem(less.data, less.len, BYTES_OF_LITERAL("[\"instance\",\"key\"]").data, 18));
}

static void
a_gateway_that_answers_with_a_sharing_of_its_own_is_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct key_audit_expected all = expectation(&arena);
	struct key_audit_expected expected = all;
	struct key_audit audit;
	assert_fails(STATUS_UNAUTHORIZED, "audit.public_key", key_audit_check(answer(&arena, &own), &all, &audit));
	expected.public_key = nullptr;
	assert_fails(STATUS_UNAUTHORIZED, "audit.sharing_hash",
		     key_audit_check(answer(&arena, &own), &expected, &audit));
	/* One of the asked key's public key can be made by anyone: the public key alone does not tell. */
	assert_fails(STATUS_UNAUTHORIZED, "audit.sharing_hash", key_audit_check(answer(&arena, &forged), &all, &audit));
	expected = all;
	expected.sharing_hash = nullptr;
	assert_ok(key_audit_check(answer(&arena, &forged), &expected, &audit));
	/* An earlier or another holder's name is another sharing. */
	struct known renamed = honest;
	strcpy(renamed.sharing.names[0], "x");
	assert_fails(STATUS_UNAUTHORIZED, "audit.sharing_hash",
		     key_audit_check(answer(&arena, &renamed), &all, &audit));
}

static void
an_answer_of_another_key_or_installation_is_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct key_audit_expected expected = expectation(&arena);
	struct known other = own;
	struct key_audit audit;
	static const uint8_t earlier[AUDIT_CHALLENGE_SIZE] = {8};
	expected.public_key = expected.sharing_hash = nullptr;
	strcpy(other.sharing.key.id, "till");
	assert_fails(STATUS_UNAUTHORIZED, "audit.key", key_audit_check(answer(&arena, &other), &expected, &audit));
	assert_fails(
		STATUS_UNAUTHORIZED, "audit.instance",
		key_audit_check(answer_for(&arena, &honest, "southwind", "southwind", CHALLENGE), &expected, &audit));
	/* What another installation's keeper proved, under this one's name; and what was proved before. */
	assert_fails(
		STATUS_UNAUTHORIZED, "frost_knowledge.proof",
		key_audit_check(answer_for(&arena, &honest, "northwind", "southwind", CHALLENGE), &expected, &audit));
	assert_fails(
		STATUS_UNAUTHORIZED, "frost_knowledge.proof",
		key_audit_check(answer_for(&arena, &honest, "northwind", "northwind", earlier), &expected, &audit));
	/* Public shares that are of no one key. */
	other = honest;
	memcpy(other.sharing.key.public_shares[2], own.sharing.key.public_shares[2], POINT_SIZE);
	assert_fails(STATUS_CORRUPT, "sharing.polynomial", key_audit_check(answer(&arena, &other), &expected, &audit));
}

static void
what_is_not_well_formed_is_named(void **) {
	static const struct {
		const char *member, *value, *name;
	} rows[] = {
		{"holder", "0", "audit.holder"},         {"holder", "256", "audit.holder"},
		{"holder", "4", "sharing.holder"},       {"holder", "\"a\"", "audit.holder"},
		{"instance", "1", "audit.instance"},     {"proof", "\"00\"", "audit.proof"},
		{"proof", "null", "audit.proof"},        {"sharing", "[]", "audit.sharing"},
		{"sharing", "{}", "sharing.chain_code"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const struct key_audit_expected expected = expectation(&arena);
		struct json_iterator iterator = json_iterate(answer(&arena, &honest));
		_cleanup_(buffer_free) struct buffer text = {};
		struct key_audit audit;
		const json *document;
		struct bytes name;
		char found[64];
		for (const json *value; (value = json_next(&iterator, &name)) != nullptr;) {
			_cleanup_(buffer_free) struct buffer kept = {};
			struct json_writer w;
			json_writer_start(&w, &kept);
			json_write_value(&w, value);
			assert_ok(json_writer_finish(&w));
			buffer_append_format(&text, "%s\"%.*s\":", text.len == 0 ? "{" : ",", BYTES_ARGS(name));
			if (bytes_equal_text(name, rows[i].member))
				buffer_append_text(&text, rows[i].value);
			else
				buffer_append_bytes(&text, buffer_bytes(&kept));
		}
		buffer_append_byte(&text, '}');
		assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &document));
		assert_true(key_audit_check(document, &expected, &audit) != OK);
		fail_name(found, sizeof found);
		if (strcmp(found, rows[i].name) != 0)
			fail_msg("%s %s: %s", rows[i].member, rows[i].value, fail_message());
	}
	_cleanup_(arena_free) struct arena arena = {};
	static const char *const odd[] = {"", "0", "zz",
					  "02020202020202020202020202020202020202020202020202020202020202020202"};
	struct key_audit_expected expected;
	struct key_audit audit;
	for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
		expected = expectation(&arena);
		expected.public_key = odd[i];
		assert_fails(STATUS_INVALID, "usage.public-key",
			     key_audit_check(answer(&arena, &honest), &expected, &audit));
		expected = expectation(&arena);
		expected.sharing_hash = odd[i];
		assert_fails(STATUS_INVALID, "usage.sharing-hash",
			     key_audit_check(answer(&arena, &honest), &expected, &audit));
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(what_was_proved_and_what_was_compared_is_said),
		T(a_gateway_that_answers_with_a_sharing_of_its_own_is_refused),
		T(an_answer_of_another_key_or_installation_is_refused),
		T(what_is_not_well_formed_is_named),
	};
	return cmocka_run_group_tests(tests, set_up, nullptr);
}

/* Keys that are brought: approved by their commitment, made when their secret comes at last, and once; of those that come in as parts, how
 * these are sealed. */
#include "tests/test.h"

#include "base/io.h"
#include "crypto/sign.h"
#include "gate/import_key.h"
#include "keys/threshold/ecdsa/share.h"
#include "keys/threshold/import.h"
#include "tests/gate_fixture.h"
#include "tests/seeded_kem.h"
#include "tests/threshold_parties.h"

/* 0x1111…12, committed to with a salt of zeros. */
static struct firm_operation
import_of(struct arena *arena, const char *id, const char *value) {
	const uint8_t salt[32] = {};
	char salt_hex[65], commitment[65];
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(salt), bytes_of_text(value));
	hex_encode(hash256_bytes(&hash), commitment);
	hex_encode(BYTES_OF_ARRAY(salt), salt_hex);
	return (struct firm_operation){
		.by = FIRM_PERSON_4,
		.kind = "key.import",
		.resource = "account:options-hot",
		.payload = arena_format(
			arena,
			"{\"algorithm\":\"secp256k1\",\"commitment\":\"%s\",\"id\":\"%s\","
			"\"material\":\"single\",\"purpose\":\"transfer\",\"secret_kind\":\"private_key\"}",
			commitment, id),
		.secret = arena_format(arena, "{\"salt\":\"%s\",\"value\":\"%s\"}", salt_hex, value),
		.idempotency_key = arena_format(arena, "import-%s", id)};
}

static const char OLD_KEY[] = "1111111111111111111111111111111111111111111111111111111111111112";

static void
an_imported_key_waits_for_approvals_and_then_for_its_secret(void **) {
	const char *value = OLD_KEY;
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	struct firm_operation import = import_of(&arena, "old", value);
	set_up(&b);
	_cleanup_(submitted_free) struct submitted asked, early, last, known;
	submit(&b, &import, &asked);
	assert_int_equal(OPERATION_HELD, asked.step.state);
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_3, "approve"));
	submit(&b, &import, &early);
	assert_int_equal(GATE_KNOWN, early.step.kind);
	assert_int_equal(OPERATION_HELD, early.step.state);
	size_t used = asked.step.operation->held->arena.used; /* it may be brought as often as one likes */
	for (int i = 0; i < 3; i++) {
		_cleanup_(submitted_free) struct submitted again;
		submit(&b, &import, &again);
		assert_int_equal(OPERATION_HELD, again.step.state);
	}
	assert_int_equal(used, asked.step.operation->held->arena.used);
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_5, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{}"), asked.step.operation->held->missing);
	b.now_ms += 1000;
	submit(&b, &import, &last);
	assert_ok(last.status);
	assert_int_equal(GATE_DECIDED, last.step.kind);
	assert_int_equal(OPERATION_DONE, last.step.state);
	assert_non_null(gate_state_key(b.gate->state, BYTES_OF_LITERAL("old")));
	submit(&b, &import, &known);
	assert_int_equal(OPERATION_DONE, known.step.state);
	for (size_t i = 0; i < b.count; i++)
		assert_null(memmem(b.leaves[i].data, b.leaves[i].len, value, strlen(value)));
	assert_replays(&b, 2);
	gate_destroy(&b.gate);
	start_gate(&b);
	assert_non_null(gate_state_key(b.gate->state, BYTES_OF_LITERAL("old")));
}

/* Its time is over, though nobody has written that down yet: the approvals were given for that long. */
static void
a_secret_that_comes_too_late_makes_no_key(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	struct firm_operation import = import_of(&arena, "old", OLD_KEY);
	_cleanup_(submitted_free) struct submitted asked, late;
	set_up(&b);
	submit(&b, &import, &asked);
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_5, "approve"));
	b.now_ms = asked.step.operation->expires_ms;
	submit(&b, &import, &late);
	assert_fails(STATUS_EXPIRED, "operation.expired", late.status);
	assert_null(gate_state_key(b.gate->state, BYTES_OF_LITERAL("old")));
}

/* Limits of a key count by its name. */
static void
a_key_that_is_there_comes_in_by_no_second_name(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	set_up(&b);
	activate(&b, "@id(\"all\") permit (principal, action, resource);");
	for (size_t i = 0; i < 3; i++) {
		static const char *const ids[] = {"old", "second", "third"};
		_cleanup_(submitted_free) struct submitted s;
		struct firm_operation import = import_of(&arena, ids[i], OLD_KEY);
		submit(&b, &import, &s);
		assert_ok(s.status);
		if (i == 1) {
			assert_int_equal(OPERATION_FAILED, s.step.state);
			assert_bytes(BYTES_OF_LITERAL("key.known: it is key \"old\", which has no second name"),
				     s.step.record->error);
			assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_1, "key.freeze", "key:old", "{}"));
			_cleanup_(submitted_free) struct submitted destroy;
			struct firm_operation gone = {
				.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:old", .payload = "{}"};
			submit(&b, &gone, &destroy);
			assert_int_equal(OPERATION_UNKNOWN, destroy.step.state);
			_cleanup_(gate_step_free) struct gate_step done = {};
			assert_ok(gate_perform(b.gate, destroy.step.operation, b.now_ms, &done));
			write_step(&b, &done);
			assert_int_equal(OPERATION_DONE, done.state);
		} else
			assert_int_equal(OPERATION_DONE, s.step.state);
	}
}

/* --- Known answers: tests/vectors/threshold-import.json, whose parts tests/threshold_import_vectors.py opens in another language, from
 * docs/PROTOCOL.threshold §11. What is sealed draws from the system, so that it is recorded once and opened ever after.
 * GATEHOUSE_WRITE_VECTORS=1 writes the file anew. --- */

constexpr size_t KEEPERS = 3;
#define KEY_ID "brought"

struct known_import {
	struct joint_key wanted;
	uint8_t parts[KEEPERS][SCALAR_SIZE], salt[32];
	uint8_t private_keys[KEEPERS][KEM_PRIVATE_SIZE], public_keys[KEEPERS][KEM_PUBLIC_SIZE];
	struct buffer value; /* the sealed parts, in base64 */
};

/* Who brings the key draws from the stream of party 0, the keepers from theirs. */
static void
make_known(const char *seed, bool is_extended, struct known_import *known) {
	static const char *const names[KEEPERS] = {"one", "two", "three"};
	struct repeating stream = repeating_stream(seed, 0);
	struct randomness randomness = {repeating_fill, &stream};
	const struct scalar number = scalar_random(&randomness);
	struct joint_key *wanted = &known->wanted;
	uint8_t private_key[SCALAR_SIZE];
	*known = (struct known_import){.wanted = {.key = {.id = KEY_ID, .public_key_len = 33}, .party_count = KEEPERS}};
	if (is_extended)
		randomness_fill(&randomness, wanted->chain_code, sizeof wanted->chain_code);
	scalar_write(&number, private_key);
	assert_ok(secp256k1_public_key(private_key, wanted->key.public_key));
	assert_ok(ecdsa_split_private_key(private_key, KEEPERS, &randomness, known->parts));
	randomness_fill(&randomness, known->salt, sizeof known->salt);
	for (uint8_t i = 0; i < KEEPERS; i++) {
		stream = repeating_stream(seed, (uint8_t)(i + 1));
		seeded_kem_key(&randomness, known->private_keys[i]);
		assert_ok(kem_public_of(BYTES_OF_ARRAY(known->private_keys[i]), known->public_keys[i]));
		memcpy(wanted->names[i], names[i], strlen(names[i]));
	}
}

static void
seal_known(struct known_import *known) {
	_cleanup_(buffer_free) struct buffer all = {};
	for (size_t i = 0; i < KEEPERS; i++) {
		uint8_t sealed[IMPORT_PART_SIZE];
		const struct import_terms terms = {.instance = bytes_of_text(INSTANCE),
						   .key_id = BYTES_OF_LITERAL(KEY_ID),
						   .public_key = key_public(&known->wanted.key),
						   .chain_code = BYTES_OF_ARRAY(known->wanted.chain_code),
						   .keeper = bytes_of_text(known->wanted.names[i])};
		assert_ok(import_seal_part(&terms, BYTES_OF_ARRAY(known->public_keys[i]), known->parts[i], sealed));
		buffer_append(&all, sealed, sizeof sealed);
	}
	buffer_append_base64(&known->value, buffer_bytes(&all));
	assert_ok(buffer_status(&known->value));
}

static void
take_recorded(struct known_import *known, struct bytes recorded, const char *kind) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *root, *of_kind;
	struct bytes value;
	assert_ok(json_read(&arena, recorded, (struct json_limits){}, &root));
	assert_ok(json_need(root, "vectors", kind, JSON_OBJECT, &of_kind));
	assert_ok(json_need_string(of_kind, "vectors", "value", &value));
	buffer_append_bytes(&known->value, value);
	assert_ok(buffer_status(&known->value));
}

static struct hash256
commitment_of(const struct known_import *known) {
	return SHA256_PARTS(BYTES_OF_ARRAY(known->salt), buffer_bytes(&known->value));
}

/* As key.import brings them: each keeper opens its own, and gets the number that was sealed to it. */
static void
open_as_keeper(const struct known_import *known, size_t at) {
	static const char *const authorities[] = {AUTHORITY};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(gate_destroy) struct gate *gate = nullptr;
	const struct hash256 commitment = commitment_of(known);
	char commitment_hex[65], salt_hex[65];
	uint8_t part[SCALAR_SIZE] = {};
	const json *payload, *secret;
	assert_ok(gate_create(&gate, &(struct gate_config){.instance = bytes_of_text(INSTANCE),
							   .keeper = bytes_of_text(known->wanted.names[at]),
							   .authorities = authorities,
							   .authority_count = 1}));
	gate->import_key = calloc(1, sizeof *gate->import_key);
	assert_non_null(gate->import_key);
	assert_ok(secret_alloc(&gate->import_key->private_key, KEM_PRIVATE_SIZE));
	memcpy(gate->import_key->private_key.data, known->private_keys[at], KEM_PRIVATE_SIZE);
	hex_encode(hash256_bytes(&commitment), commitment_hex);
	hex_encode(BYTES_OF_ARRAY(known->salt), salt_hex);
	const char *text = arena_format(&arena, "{\"commitment\":\"%s\"}", commitment_hex);
	assert_ok(json_read(&arena, bytes_of_text(text), (struct json_limits){}, &payload));
	text = arena_format(&arena, "{\"salt\":\"%s\",\"value\":\"%.*s\"}", salt_hex,
			    BYTES_ARGS(buffer_bytes(&known->value)));
	assert_ok(json_read(&arena, bytes_of_text(text), (struct json_limits){}, &secret));
	assert_ok(import_open(gate, &known->wanted, payload, secret, part));
	assert_memory_equal(known->parts[at], part, sizeof part);
}

static void
write_known(struct json_writer *w, const char *kind, const char *seed, const struct known_import *known) {
	const struct hash256 commitment = commitment_of(known);
	json_write_key(w, kind);
	json_write_object(w);
	json_write_member_hex(w, "chain_code", BYTES_OF_ARRAY(known->wanted.chain_code));
	json_write_member_hex(w, "commitment", hash256_bytes(&commitment));
	json_write_key(w, "import_keys_sha256");
	json_write_array(w);
	for (size_t i = 0; i < KEEPERS; i++) {
		const struct hash256 hash = sha256(BYTES_OF_ARRAY(known->public_keys[i]));
		char hex[65];
		hex_encode(hash256_bytes(&hash), hex);
		json_write_text(w, hex);
	}
	json_write_end(w);
	json_write_member_text(w, "instance", INSTANCE);
	json_write_member_text(w, "key_id", KEY_ID);
	json_write_member_hex(w, "public_key", key_public(&known->wanted.key));
	json_write_member_hex(w, "salt", BYTES_OF_ARRAY(known->salt));
	json_write_member_text(w, "seed", seed);
	json_write_member_string(w, "value", buffer_bytes(&known->value));
	json_write_end(w);
}

static void
the_recorded_parts_of_a_key_open_for_whom_they_were_sealed(void **) {
	static const char *const kinds[] = {"extended", "single"},
				 *const seeds[] = {"gatehouse threshold import vectors, extended",
						   "gatehouse threshold import vectors, single"};
	_cleanup_(buffer_free) struct buffer text = {}, recorded = {};
	bool is_written = getenv("GATEHOUSE_WRITE_VECTORS") != nullptr;
	struct json_writer w;
	char path[4096];
	snprintf(path, sizeof path, "%s/tests/vectors/threshold-import.json", test_source_root());
	if (!is_written)
		assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	json_writer_start(&w, &text);
	json_write_object(&w);
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		struct known_import known;
		make_known(seeds[i], i == 0, &known);
		if (is_written)
			seal_known(&known);
		else
			take_recorded(&known, buffer_bytes(&recorded), kinds[i]);
		for (size_t at = 0; at < KEEPERS; at++)
			open_as_keeper(&known, at);
		write_known(&w, kinds[i], seeds[i], &known);
		buffer_free(&known.value);
	}
	json_write_end(&w);
	assert_ok(json_writer_finish(&w));
	buffer_append_text(&text, "\n");
	if (is_written)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	else
		assert_bytes(buffer_bytes(&recorded), buffer_bytes(&text));
}

RUN_TESTS(T(an_imported_key_waits_for_approvals_and_then_for_its_secret), T(a_secret_that_comes_too_late_makes_no_key),
	  T(a_key_that_is_there_comes_in_by_no_second_name),
	  T(the_recorded_parts_of_a_key_open_for_whom_they_were_sealed))

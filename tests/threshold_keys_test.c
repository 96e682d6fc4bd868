/*
 * The kinds of shared keys, through the whole gate of each keeper: those that sign opaque digests, and nothing else; extended ones,
 * which sign at paths below them.
 * The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team.h"

#include "crypto/sign.h"
#include "tests/extended_payment.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "keys/bip32.h"
#include "keys/threshold/ecdsa/signing.h"

static struct ecdsa_key
key_of(struct team *team, const char *id) {
	const struct shared_key *key = shared_keys_find(state_of(team, 0), bytes_of_text(id));
	assert_non_null(key);
	return key->sharing.key;
}

/* By which what is asked for in these tests may be signed. */
static const char DIGESTS[] =
	"@id(\"digests\") permit (principal, action == Action::\"digest.sign\", resource) "
	"when { context has change && context.change has digest && context.key.state == \"active\" };";

static void
make_key(struct team *team, const struct team_key *wanted) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_ask_key_as(team, wanted, &arena, &response);
	assert_answer(200, "done", &response);
}

static const char DIGEST[] = "5b1e0b1cd4e8f9f8a2a0b3a1c4f00d5e6b7c8d9eaf0b1c2d3e4f5061728394a5";

static struct firm_operation
digest_operation(struct arena *arena, const char *resource, const char *digest) {
	return (struct firm_operation){.by = FIRM_PERSON_1,
				       .kind = "digest.sign",
				       .resource = resource,
				       .payload = arena_format(arena, "{\"digest\":\"%s\"}", digest)};
}

/* What the answer holds is a signature of the digest by the key: libsecp256k1 and OpenSSL say so. */
static void
assert_digest_signed(const char *digest_hex, const uint8_t public_key[POINT_SIZE], struct arena *arena,
		     const struct ipc_response *response) {
	const json *document, *result;
	struct bytes text;
	uint8_t digest[32], signature[64], recovered[65];
	int64_t recovery;
	assert_answer(200, "done", response);
	assert_ok(hex_decode(bytes_of_text(digest_hex), digest, sizeof digest));
	assert_ok(json_read(arena, arena_copy(arena, response->body), (struct json_limits){}, &document));
	assert_ok(json_need(document, "answer", "result", JSON_OBJECT, &result));
	assert_ok(json_need_string(result, "result", "signature", &text));
	assert_ok(hex_decode(text, signature, sizeof signature));
	assert_ok(json_need_integer(result, "result", "recovery", &recovery));
	assert_ok(json_need_string(result, "result", "digest", &text));
	assert_true(bytes_equal_text(text, digest_hex));
	assert_ok(secp256k1_verify(bytes_of(public_key, POINT_SIZE), digest, signature));
	assert_ok(secp256k1_recover(digest, signature, (int)recovery, recovered));
	assert_memory_equal(recovered + 1, public_key + 1, 32);
}

/* Who holds what stands in the log. The share would open under that as well: but a file that says otherwise is of nobody's making. */
static void
a_share_that_is_stored_as_of_another_sharing_stops_the_start(void **) {
	static const char row_name[] = "vault/1";
	_cleanup_(team_free) struct team team;
	_cleanup_(buffer_free) struct buffer row = {};
	team_found(&team, 3, 11);
	make_key(&team, &(struct team_key){.id = "vault", .threshold = "2-of-3"});
	struct team_member *member = &team.members[0];
	struct secrets *secrets = member->house.installation.secrets;
	assert_ok(secrets_get(secrets, "share", bytes_of_text(row_name), &row));
	uint8_t *name = memmem(row.data, row.len, "\"name\":\"", 8);
	assert_non_null(name);
	name[8] = 'z';
	assert_ok(secrets_replace(secrets, "share", bytes_of_text(row_name), buffer_bytes(&row)));
	team_stop(&team, 0);
	assert_fails(STATUS_CORRUPT, "key.share_row", house_open(&member->house));
	house_close(&member->house);
}

/* --- Opaque digests. --- */

/* What is on the wire while an opaque digest is signed: which frames, and in which order. */
struct watch {
	unsigned starts, openings, finishes, prepared, online, proposed;
	bool is_early;                /* something of R left before every signer had committed to the digest */
	const struct hash256 *inject; /* into the proposal, in the place of none */
};

static bool
watch(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	struct watch *watch = team->context;
	struct proposal proposal;
	if (kind == PEER_PROPOSE && proposal_read(buffer_bytes(body), &proposal) == OK) {
		watch->prepared += proposal.kind == PROPOSE_PREPARE && bytes_equal_text(proposal.key_id, "seal");
		watch->proposed += proposal.kind == PROPOSE_SIGN;
		if (proposal.kind == PROPOSE_SIGN && watch->inject != nullptr) {
			proposal.presignatures[0] = *watch->inject;
			buffer_reset(body);
			proposal_write(body, &proposal);
		}
	}
	if (kind != PEER_PROTOCOL)
		return true;
	switch (body->data[6]) {
	case 5:
		watch->starts++;
		return true;
	case 6:
		watch->is_early = watch->is_early || watch->starts < 2;
		watch->openings++;
		return true;
	case 7:
		watch->finishes++;
		return true;
	case 8:
		watch->online++;
		return true;
	default:
		return true;
	}
}

static void
an_opaque_digest_is_signed_in_full_rounds_by_a_key_that_was_made_for_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct watch seen = {};
	struct ipc_response response;
	team_found(&team, 3, 31);
	team_activate(&team, DIGESTS);
	team.on_message = watch;
	team.context = &seen;
	make_key(&team, &(struct team_key){.id = "seal", .threshold = "2-of-3", .purpose = "digest"});
	team_pass_ms(&team, 60'000);
	team_settle(&team);
	assert_int_equal(0, seen.starts); /* nothing is ever prepared for it */
	assert_int_equal(0, seen.prepared);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(0, threshold_prepared(team.members[i].house.keeper, BYTES_OF_LITERAL("seal")));
	for (size_t at = 0; at < 3; at++) {
		const char *digest = arena_format(&arena, "%.62s0%zu", DIGEST, at);
		struct ecdsa_key key = key_of(&team, "seal");
		seen = (struct watch){};
		team_submit(&team, at, digest_operation(&arena, "key:seal", digest), &arena, &response);
		assert_digest_signed(digest, key.public_key, &arena, &response);
		assert_int_equal(2, seen.starts);
		assert_int_equal(2, seen.openings);
		assert_int_equal(2, seen.finishes);
		assert_int_equal(0, seen.online + seen.prepared);
		assert_false(seen.is_early);
		for (size_t i = 0; i < 3; i++) {
			struct hash256 id = {};
			assert_ok(hex_decode(response.operation, id.bytes, sizeof id.bytes));
			assert_int_equal(OPERATION_DONE, team_state(&team, i, &id));
		}
	}
}

static void
no_key_signs_what_it_was_not_made_for(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 32);
	team_make_key(&team, "vault", "2-of-3");
	make_key(&team, &(struct team_key){.id = "seal", .threshold = "2-of-3", .purpose = "digest"});
	/* The shipped policies let nobody have a digest signed. */
	team_submit(&team, 0, digest_operation(&arena, "key:seal", DIGEST), &arena, &response);
	assert_answer(403, "denied", &response);
	team_activate(&team, DIGESTS);
	team_submit(&team, 0, digest_operation(&arena, "key:vault", DIGEST), &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.purpose: key vault signs for purpose transfer only"));
	struct firm_operation transfer = house_sign(house_transfer(&arena, 10, 0, 30));
	transfer.resource = "key:seal";
	team_submit(&team, 0, transfer, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.purpose: key seal signs for purpose digest only"));
	static const struct {
		const char *payload, *error;
	} refused[] = {
		{"{}", "problem:payload.digest"},
		{"{\"digest\":\"00\"}", "problem:payload.digest"},
		{"{\"digest\":\"5b1e0b1cd4e8f9f8a2a0b3a1c4f00d5e6b7c8d9eaf0b1c2d3e4f5061728394a5ff\"}",
		 "problem:payload.digest"},
		{"{\"digest\":\"5b1e0b1cd4e8f9f8a2a0b3a1c4f00d5e6b7c8d9eaf0b1c2d3e4f5061728394ag\"}",
		 "problem:payload.digest"},
		{"{\"digest\":\"5b1e0b1cd4e8f9f8a2a0b3a1c4f00d5e6b7c8d9eaf0b1c2d3e4f5061728394a5\",\"path\":\"m/x\"}",
		 "problem:payload.path"},
		{"{\"digest\":\"5b1e0b1cd4e8f9f8a2a0b3a1c4f00d5e6b7c8d9eaf0b1c2d3e4f5061728394a5\",\"scheme\":"
		 "\"bip340\"}",
		 "unknown member \\\"scheme\\\""},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
		struct firm_operation asked = digest_operation(&arena, "key:seal", DIGEST);
		asked.payload = refused[i].payload;
		team_submit(&team, 0, asked, &arena, &response);
		assert_true(response.status >= 400);
		if (!says(&response, refused[i].error))
			fail_msg("%s: %.*s", refused[i].error, BYTES_ARGS(response.body));
	}
	struct firm_operation below = digest_operation(&arena, "key:seal", DIGEST);
	below.payload = arena_format(&arena, "{\"digest\":\"%s\",\"path\":\"m/0\"}", DIGEST);
	team_submit(&team, 0, below, &arena, &response);
	assert_answer(403, nullptr, &response);
	assert_true(says(&response, "problem:digest.path"));
	below.payload = arena_format(&arena, "{\"digest\":\"%s\",\"path\":\"m/0'\"}", DIGEST);
	team_submit(&team, 0, below, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.path: key seal is a single key"));
}

/* One that was prepared for transfers, by a keeper that lies about what it is for. */
static void
no_presignature_signs_an_opaque_digest_whoever_proposes_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct watch seen = {};
	struct ipc_response response;
	struct hash256 prepared;
	struct party_set signers;
	team_found(&team, 3, 33);
	team_activate(&team, DIGESTS);
	team_make_key(&team, "vault", "2-of-3");
	make_key(&team, &(struct team_key){.id = "seal", .threshold = "2-of-3", .purpose = "digest"});
	struct ecdsa_key vault = key_of(&team, "vault");
	assert_ok(party_set_choose(&vault.holders, (const uint8_t[]){1, 2}, 2, &signers));
	struct map *ready = &team.members[0].house.keeper->threshold->pool.ready;
	size_t at = 0;
	void *value;
	assert_true(map_next(ready, &at, nullptr, &value));
	prepared = ((const struct presignature *)value)->id;
	seen.inject = &prepared;
	team.on_message = watch;
	team.context = &seen;
	team_submit(&team, 0, digest_operation(&arena, "key:seal", DIGEST), &arena, &response);
	assert_int_equal(1, seen.proposed);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.presignature: "));
	assert_int_equal(0, seen.openings + seen.online); /* the asker began alone */
}

/* --- Extended keys. --- */

static enum status
derive_at(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	return gate_state_public_key(context, BYTES_OF_LITERAL("tree"), path, public_key);
}

/* BIP-32's own way down, from what the sharing says. */
static void
derive_by_bip32(const struct ecdsa_key *key, const struct signing_path *path, uint8_t public_key[33]) {
	uint8_t chain_code[32];
	memcpy(chain_code, key->chain_code, sizeof chain_code);
	memcpy(public_key, key->public_key, 33);
	for (size_t i = 0; i < path->count; i++)
		assert_ok(bip32_public_child(public_key, chain_code, path->steps[i]));
}

static void
make_tree(struct team *team, const char *purpose) {
	make_key(team, &(struct team_key){.id = "tree",
					  .threshold = "2-of-3",
					  .material = "extended",
					  .purpose = purpose,
					  .more = ",\"branches\":[\"m/0\",\"m/1\"]"});
}

static void
all_keepers_derive_what_bip32_says(void **) {
	static const struct signing_path paths[] = {{},
						    {.steps = {0}, .count = 1},
						    {.steps = {1, 2'147'483'647}, .count = 2},
						    {.steps = {0, 1, 2, 3}, .count = 4}};
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 41);
	make_tree(&team, "transfer");
	struct ecdsa_key key = key_of(&team, "tree");
	uint8_t fingerprint[4];
	bip32_fingerprint(key.public_key, fingerprint);
	for (size_t restarts = 0; restarts < 2; restarts++)
		for (size_t i = 0; i < 3; i++) {
			const struct key_info *record = gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("tree"));
			assert_int_equal(KEY_MATERIAL_EXTENDED, record->material);
			assert_memory_equal(fingerprint, record->fingerprint, sizeof fingerprint);
			for (size_t j = 0; j < ARRAY_LENGTH(paths); j++) {
				uint8_t expected[33], derived[33];
				derive_by_bip32(&key, &paths[j], expected);
				assert_ok(derive_at(state_of(&team, i), &paths[j], derived));
				assert_memory_equal(expected, derived, sizeof derived);
			}
			uint8_t derived[33];
			struct signing_path hardened = {.steps = {BIP32_HARDENED}, .count = 1};
			assert_fails(STATUS_INVALID, "ecdsa.path", derive_at(state_of(&team, i), &hardened, derived));
			team_stop(&team, i);
			team_start(&team, i);
		}
}

static struct firm_operation
payment(struct gate_state *state, struct arena *arena, const struct signing_path *change, uint32_t seed) {
	_cleanup_(buffer_free) struct buffer base64 = {};
	const struct key_info *key = gate_state_key(state, BYTES_OF_LITERAL("tree"));
	struct bytes psbt = extended_payment(arena, key->fingerprint, derive_at, state, change, seed);
	buffer_append_base64(&base64, psbt);
	assert_ok(buffer_status(&base64));
	return (struct firm_operation){
		.by = FIRM_SETTLEMENT,
		.kind = "sign",
		.resource = "key:tree",
		.payload = arena_format(arena, "{\"format\":\"psbt\",\"transaction\":\"%.*s\"}", BYTES_ARGS(base64))};
}

static const struct signing_path TRUE_CHANGE = {.steps = {1, 5}, .count = 2};

static void
each_input_is_signed_at_its_path_by_any_two(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 42);
	make_tree(&team, "transfer");
	for (uint32_t at = 0; at < 3; at++) {
		if (at > 0) /* each of the three sets of two once */
			team_stop(&team, at - 1);
		team_submit(&team, at, payment(state_of(&team, at), &arena, &TRUE_CHANGE, at), &arena, &response);
		assert_answer(200, "done", &response);
		const json *document, *result;
		struct bytes text;
		struct bitcoin_transaction final;
		uint8_t bytes[2048];
		assert_ok(json_read(&arena, arena_copy(&arena, response.body), (struct json_limits){}, &document));
		assert_ok(json_need(document, "answer", "result", JSON_OBJECT, &result));
		assert_ok(json_need_string(result, "result", "transaction", &text));
		assert_true(text.len / 2 <= sizeof bytes);
		assert_ok(hex_decode(text, bytes, text.len / 2));
		assert_ok(bitcoin_transaction_read(&arena, bytes_of(bytes, text.len / 2), &final));
		assert_int_equal(EXTENDED_COINS, final.input_count);
		assert_int_equal(2, final.output_count);
		if (at > 0)
			team_start(&team, at - 1);
		team_settle(&team);
	}
}

static void
a_false_claim_to_be_change_is_a_destination(void **) {
	static const struct signing_path false_claims[] = {
		{.steps = {1, 6}, .count = 2}, {.steps = {0, 5}, .count = 2}, {.steps = {1, 5, 0}, .count = 3}};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 43);
	make_tree(&team, "transfer");
	for (uint32_t i = 0; i < ARRAY_LENGTH(false_claims); i++) {
		team_submit(&team, 0, payment(state_of(&team, 0), &arena, &false_claims[i], i), &arena, &response);
		assert_answer(403, "denied", &response);
		assert_true(says(&response, "no policy permits it"));
	}
}

/* An extended key may also be one of opaque digests, by itself: below a branch a signature of one would be one of another. */
static void
an_opaque_digest_is_signed_by_the_key_itself(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 44);
	team_activate(&team, DIGESTS);
	make_key(&team,
		 &(struct team_key){.id = "tree", .threshold = "2-of-3", .material = "extended", .purpose = "digest"});
	struct ecdsa_key key = key_of(&team, "tree");
	struct firm_operation asked = digest_operation(&arena, "key:tree", DIGEST);
	team_submit(&team, 1, asked, &arena, &response);
	assert_digest_signed(DIGEST, key.public_key, &arena, &response);
	static const struct {
		const char *path, *error;
		unsigned status;
	} refused[] = {{"m/0/9", "problem:digest.path", 403},
		       {"m/0'/9", "problem:digest.path", 403},
		       {"m/9/0'", "problem:digest.path", 403},
		       {"m/0'", "ecdsa.path", 409}};
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
		asked.payload = arena_format(&arena, "{\"digest\":\"%s\",\"path\":\"%s\"}", DIGEST, refused[i].path);
		team_submit(&team, 1, asked, &arena, &response);
		if (refused[i].status != response.status || !says(&response, refused[i].error))
			fail_msg("%s: %.*s", refused[i].path, BYTES_ARGS(response.body));
	}
}

static void
a_shared_key_has_no_hardened_branch(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 45);
	team_ask_key_as(&team,
			&(struct team_key){.id = "tree",
					   .threshold = "2-of-3",
					   .material = "extended",
					   .more = ",\"branches\":[\"m/84'/0'/0'\"]"},
			&arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key_record.branches"));
}

RUN_TESTS(T(a_share_that_is_stored_as_of_another_sharing_stops_the_start),
	  T(an_opaque_digest_is_signed_in_full_rounds_by_a_key_that_was_made_for_it),
	  T(no_key_signs_what_it_was_not_made_for), T(no_presignature_signs_an_opaque_digest_whoever_proposes_it),
	  T(all_keepers_derive_what_bip32_says), T(each_input_is_signed_at_its_path_by_any_two),
	  T(a_false_claim_to_be_change_is_a_destination), T(an_opaque_digest_is_signed_by_the_key_itself),
	  T(a_shared_key_has_no_hardened_branch))

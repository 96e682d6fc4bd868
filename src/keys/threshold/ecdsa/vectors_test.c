/*
 * Whole transcripts from fixed seeds. tests/vectors/threshold-ecdsa.json: a key of 2 of 3, a signature in full rounds,
 * one with a presignature; threshold-ecdsa-imported.json: a key that comes in as parts, of opaque digests, and one of
 * them signed; threshold-ecdsa-reshared.json: a key that is dealt to others by a higher threshold, refreshed, and signs,
 * and its shares at rest.
 * tests/threshold_vectors_test.py computes them again in another language, from docs/PROTOCOL.threshold. A change here
 * is a change of the protocol: it needs another version in its labels. GATEHOUSE_WRITE_VECTORS=1 writes the files anew.
 */
#include "tests/test.h"

#include <stdio.h>

#include "base/json.h"
#include "tests/seeded_seals.h"
#include "tests/threshold_keepers.h"

static const char SEED[] = "gatehouse threshold ecdsa vectors";
static const uint8_t SIGNING_NONCE[32] = {1}, PREPARING_NONCE[32] = {2};
static struct keepers keepers;
static const char IMPORTED_SEED[] = "gatehouse threshold ecdsa vectors, imported";
static const uint8_t PARTS[3][SCALAR_SIZE] = {{1, [31] = 1}, {2, [31] = 2}, {3, [31] = 3}};
static const uint8_t IMPORTED_CHAIN_CODE[32] = {5};
/* A key that is dealt anew: party 1 deals and goes, party 2 stays and does not deal, party 4 comes, and three are needed;
 * then a refresh of all. */
static const struct change {
	uint8_t dealers[3], dealer_count, holders[3], threshold, nonce[32];
} CHANGES[] = {{{1, 3}, 2, {2, 3, 4}, 3, {43}}, {{2, 3, 4}, 3, {2, 3, 4}, 3, {44}}};
static const char RESHARED_SEED[] = "gatehouse threshold ecdsa vectors, reshared";
static struct json_writer writer;
static size_t frames; /* of a document */

static void
write_frame(void *, uint8_t from, uint8_t to, struct buffer *frame) {
	struct hash256 hash = sha256(buffer_bytes(frame));
	frames++;
	json_write_object(&writer);
	json_write_member_integer(&writer, "bytes", (int64_t)frame->len);
	json_write_member_integer(&writer, "from", from);
	json_write_member_hex(&writer, "sha256", hash256_bytes(&hash));
	json_write_member_integer(&writer, "to", to);
	json_write_member_integer(&writer, "type", frame->data[6]);
	json_write_end(&writer);
}

static void
write_request(const struct ecdsa_request *request) {
	json_write_key(&writer, "request");
	json_write_object(&writer);
	json_write_member_hex(&writer, "bundle_hash", BYTES_OF_ARRAY(request->bundle_hash));
	json_write_member_hex(&writer, "digest", BYTES_OF_ARRAY(request->digest));
	json_write_key(&writer, "path");
	json_write_array(&writer);
	for (size_t i = 0; i < request->path.count; i++)
		json_write_integer(&writer, request->path.steps[i]);
	json_write_end(&writer);
	json_write_end(&writer);
}

static void
write_indices(const char *name, const struct party_set *parties) {
	json_write_key(&writer, name);
	json_write_array(&writer);
	for (size_t i = 0; i < parties->count; i++)
		json_write_integer(&writer, parties->parties[i].index);
	json_write_end(&writer);
}

static void
write_end_of_case(const struct ecdsa_signature *signature, const struct party_set *signers) {
	json_write_member_hex(&writer, "signature", BYTES_OF_ARRAY(signature->compact));
	write_indices("signers", signers);
	json_write_end(&writer);
}

static void
write_dealing(const char *name, const struct dealing_terms *terms) {
	struct network network = {.on_frame = write_frame};
	json_write_key(&writer, name);
	json_write_array(&writer);
	keepers_deal(&keepers, terms, &network);
	json_write_end(&writer);
}

/* Frames come first by name; the nonce follows, and the request. */
static void
write_prepared(const struct party_set *signers) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *onlines[KEEPERS_MAX + 1] = {};
	struct network network = {.on_frame = write_frame}, online = {.on_frame = write_frame};
	struct ecdsa_request request = plain_request("prepared");
	struct ecdsa_signature signature;
	request.path = (struct signing_path){.steps = {44, 0, 1}, .count = 3};
	json_write_key(&writer, "prepared");
	json_write_object(&writer);
	json_write_key(&writer, "frames");
	json_write_array(&writer);
	keepers_start_signing(&keepers, signers, nullptr, PREPARING_NONCE, signings, &network);
	network_run(&network);
	for (size_t i = 0; i < signers->count; i++) {
		uint8_t index = signers->parties[i].index;
		presignatures[index] = signing_take_presignature(signings[index]);
		assert_non_null(presignatures[index]);
	}
	keepers_start_online(&keepers, presignatures, signers, &request, onlines, &online);
	network_run(&online);
	assert_true(online_result(onlines[signers->parties[0].index], &signature));
	json_write_end(&writer);
	json_write_member_hex(&writer, "nonce", BYTES_OF_ARRAY(PREPARING_NONCE));
	write_request(&request);
	write_end_of_case(&signature, signers);
	end_signings(signings);
	end_onlines(onlines);
}

static void
write_signing(const struct party_set *signers, bool opaque) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {.on_frame = write_frame};
	struct ecdsa_request request = plain_request("in full rounds");
	struct ecdsa_signature signature;
	request.path = (struct signing_path){.steps = {7}, .count = opaque ? 0 : 1};
	request.opaque = opaque;
	json_write_key(&writer, "signing");
	json_write_object(&writer);
	json_write_key(&writer, "frames");
	json_write_array(&writer);
	keepers_start_signing(&keepers, signers, &request, SIGNING_NONCE, signings, &network);
	network_run(&network);
	assert_true(signing_result(signings[signers->parties[0].index], &signature));
	json_write_end(&writer);
	json_write_member_hex(&writer, "nonce", BYTES_OF_ARRAY(SIGNING_NONCE));
	write_request(&request);
	write_end_of_case(&signature, signers);
	end_signings(signings);
}

/* The dealing comes first in time, the key's values before it by name. */
static void
write_key_and_dealing(const struct dealing_terms *terms) {
	_cleanup_(buffer_free) struct buffer later = {};
	struct json_writer outer = writer;
	json_writer_start(&writer, &later);
	json_write_object(&writer);
	write_dealing("dealing", terms);
	json_write_end(&writer);
	assert_ok(json_writer_finish(&writer));
	struct bytes dealing = bytes_of(later.data + strlen("{\"dealing\":"), later.len - strlen("{\"dealing\":}"));
	writer = outer;
	json_write_member_hex(&writer, "chain_code", BYTES_OF_ARRAY(keepers.key.chain_code));
	json_write_key(&writer, "dealing");
	json_write_canonical(&writer, dealing);
	write_indices("holders", &keepers.key.holders);
	json_write_member_string(&writer, "instance", KEEPERS_INSTANCE);
	json_write_member_text(&writer, "key_id", keepers.key.id);
	json_write_member_hex(&writer, "nonce", BYTES_OF_ARRAY(KEEPERS_NONCE));
}

static void
start_keepers(const char *seed) {
	frames = 0;
	keepers = (struct keepers){.seeded = true};
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
		keepers.streams[i] = repeating_stream(seed, i);
}

static void
end_document(struct buffer *text, uint8_t first_threshold) {
	json_write_member_integer(&writer, "threshold", first_threshold);
	json_write_end(&writer);
	assert_ok(json_writer_finish(&writer));
	buffer_append_text(text, "\n");
	keepers_end(&keepers);
}

static void
write_generated(struct buffer *text) {
	struct party_set one_and_three, all_three = parties_up_to(3);
	struct dealing_terms terms = generate_terms(2, 3);
	start_keepers(SEED);
	json_writer_start(&writer, text);
	json_write_object(&writer);
	write_key_and_dealing(&terms);
	one_and_three = choose_signers(&keepers, (const uint8_t[]){1, 3}, 2);
	write_prepared(&one_and_three);
	json_write_member_hex(&writer, "public_key", BYTES_OF_ARRAY(keepers.key.public_key));
	json_write_member_text(&writer, "seed", SEED);
	write_signing(&all_three, false);
	end_document(text, terms.key.threshold);
}

/* The sum of the parts times G. */
static void
imported_public_key(uint8_t public_key[POINT_SIZE]) {
	struct scalar sum = {}, part;
	struct point point;
	for (size_t i = 0; i < ARRAY_LENGTH(PARTS); i++) {
		assert_ok(scalar_read(PARTS[i], &part));
		sum = scalar_add(&sum, &part);
	}
	assert_ok(point_of_secret(&sum, &point));
	point_write(&point, public_key);
}

static void
write_imported(struct buffer *text) {
	struct dealing_terms terms = generate_terms(2, 3);
	terms.kind = DEALING_IMPORT;
	terms.part = PARTS[0];
	terms.key.purpose = KEY_PURPOSE_DIGEST;
	memcpy(terms.key.chain_code, IMPORTED_CHAIN_CODE, sizeof terms.key.chain_code);
	imported_public_key(terms.key.public_key);
	start_keepers(IMPORTED_SEED);
	json_writer_start(&writer, text);
	json_write_object(&writer);
	write_key_and_dealing(&terms);
	json_write_key(&writer, "parts");
	json_write_array(&writer);
	for (size_t i = 0; i < ARRAY_LENGTH(PARTS); i++) {
		char hex[2 * SCALAR_SIZE + 1];
		hex_encode(BYTES_OF_ARRAY(PARTS[i]), hex);
		json_write_text(&writer, hex);
	}
	json_write_end(&writer);
	json_write_member_hex(&writer, "public_key", BYTES_OF_ARRAY(keepers.key.public_key));
	json_write_member_text(&writer, "seed", IMPORTED_SEED);
	struct party_set two_and_three = choose_signers(&keepers, (const uint8_t[]){2, 3}, 2);
	write_signing(&two_and_three, true);
	end_document(text, terms.key.threshold);
}

/* The key in its next epoch. */
static void
write_change(const struct change *change) {
	struct party_set dealers, holders, all = parties_up_to(KEEPERS_MAX);
	const struct ecdsa_key old = keepers.key;
	assert_ok(party_set_choose(&old.holders, change->dealers, change->dealer_count, &dealers));
	assert_ok(party_set_choose(&all, change->holders, ARRAY_LENGTH(change->holders), &holders));
	struct dealing_terms terms = {.kind = DEALING_RESHARE,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = change->nonce,
				      .key = old,
				      .old_key = &old,
				      .dealers = &dealers};
	terms.key.epoch++;
	terms.key.holders = holders;
	terms.key.threshold = change->threshold;
	json_write_object(&writer);
	write_indices("dealers", &dealers);
	write_dealing("frames", &terms);
	write_indices("holders", &holders);
	json_write_member_hex(&writer, "nonce", bytes_of(change->nonce, 32));
	json_write_member_integer(&writer, "threshold", change->threshold);
	json_write_end(&writer);
	assert_memory_equal(old.public_key, keepers.key.public_key, POINT_SIZE);
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
		if (!party_set_has(&holders, i))
			ecdsa_share_destroy(&keepers.shares[i]); /* of who left */
}

/* The share of one holder, at rest; it opens again, as it was. */
static void
write_stored(uint8_t holder) {
	_cleanup_(buffer_free) struct buffer blob = {}, again = {};
	_cleanup_(ecdsa_share_destroy) struct ecdsa_share *opened = nullptr;
	struct repeating stream = keepers.streams[holder];
	uint8_t key[AEAD_KEY_SIZE];
	seals_key(ECDSA_SHARE_LABEL, key);
	seals_draw_from(&keepers.streams[holder]);
	assert_ok(ecdsa_share_seal(keepers.shares[holder], key, KEEPERS_INSTANCE, &blob));
	seals_draw_from(&stream);
	assert_ok(ecdsa_share_open(&opened, &keepers.key, holder, key, KEEPERS_INSTANCE, buffer_bytes(&blob)));
	assert_ok(ecdsa_share_seal(opened, key, KEEPERS_INSTANCE, &again));
	seals_draw_from(nullptr);
	assert_bytes(buffer_bytes(&blob), buffer_bytes(&again));
	const struct hash256 hash = sha256(buffer_bytes(&blob));
	json_write_object(&writer);
	json_write_member_integer(&writer, "bytes", (int64_t)blob.len);
	json_write_member_integer(&writer, "holder", holder);
	json_write_key(&writer, "lost");
	json_write_array(&writer);
	for (size_t i = 0; i < keepers.key.holders.count; i++) {
		uint8_t peer = keepers.key.holders.parties[i].index;
		if (peer != holder && !ecdsa_share_pair(keepers.shares[holder], peer)->ready)
			json_write_integer(&writer, peer);
	}
	json_write_end(&writer);
	json_write_member_hex(&writer, "sha256", hash256_bytes(&hash));
	json_write_end(&writer);
}

/* Of all holders, and of the first once more without its pair with the last. */
static void
write_all_stored(void) {
	const struct party_set *holders = &keepers.key.holders;
	uint8_t first = holders->parties[0].index, last = holders->parties[holders->count - 1].index;
	json_write_key(&writer, "stored");
	json_write_array(&writer);
	for (size_t i = 0; i < holders->count; i++)
		write_stored(holders->parties[i].index);
	pairwise_forget(ecdsa_share_pair(keepers.shares[first], last));
	write_stored(first);
	json_write_end(&writer);
}

static void
write_reshared(struct buffer *text) {
	struct dealing_terms terms = generate_terms(2, 3);
	start_keepers(RESHARED_SEED);
	json_writer_start(&writer, text);
	json_write_object(&writer);
	write_key_and_dealing(&terms);
	json_write_member_hex(&writer, "public_key", BYTES_OF_ARRAY(keepers.key.public_key));
	json_write_key(&writer, "resharings");
	json_write_array(&writer);
	for (size_t i = 0; i < ARRAY_LENGTH(CHANGES); i++)
		write_change(&CHANGES[i]);
	json_write_end(&writer);
	json_write_member_text(&writer, "root_key", SEALS_ROOT_KEY);
	json_write_member_text(&writer, "seed", RESHARED_SEED);
	const struct party_set signers = keepers.key.holders;
	write_signing(&signers, false);
	write_all_stored();
	end_document(text, terms.key.threshold);
}

static void
assert_recorded(const char *name, void (*write_document)(struct buffer *text), size_t expected_frames) {
	_cleanup_(buffer_free) struct buffer text = {};
	char path[4096], recorded[32768];
	snprintf(path, sizeof path, "%s/tests/vectors/%s", test_source_root(), name);
	write_document(&text);
	print_message("%s: %zu frames\n", name, frames);
	assert_int_equal(expected_frames, frames);
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr) {
		FILE *to = fopen(path, "wbe");
		assert_non_null(to);
		assert_int_equal(fwrite(text.data, 1, text.len, to), text.len);
		assert_int_equal(fclose(to), 0);
	}
	FILE *from = fopen(path, "rbe");
	assert_non_null(from);
	size_t len = fread(recorded, 1, sizeof recorded, from);
	fclose(from);
	assert_bytes(bytes_of(recorded, len), buffer_bytes(&text));
}

static void
transcripts_are_the_recorded_ones(void **) {
	assert_recorded("threshold-ecdsa.json", write_generated, 42);
}

static void
a_key_that_comes_in_and_its_opaque_digest_are_the_recorded_ones(void **) {
	assert_recorded("threshold-ecdsa-imported.json", write_imported, 24);
}

static void
a_key_that_is_dealt_anew_and_refreshed_and_its_signature_are_the_recorded_ones(void **) {
	assert_recorded("threshold-ecdsa-reshared.json", write_reshared, 90);
}

RUN_TESTS(T(transcripts_are_the_recorded_ones), T(a_key_that_comes_in_and_its_opaque_digest_are_the_recorded_ones),
	  T(a_key_that_is_dealt_anew_and_refreshed_and_its_signature_are_the_recorded_ones))

/*
 * Whole transcripts of FROST's keys from fixed seeds, tests/vectors/threshold-frost.json: of each scheme a key of 2 of 3 that is dealt, dealt
 * anew by two of them to four, of whom three sign; signatures, of BIP-340 with tweaks of each kind; and all shares at rest.
 * tests/threshold_frost_vectors_test.py computes them again in another language, from docs/PROTOCOL.threshold. A change here is a change of
 * the protocol: it needs another version in its labels. GATEHOUSE_WRITE_VECTORS=1 writes the file anew.
 */
#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "base/json.h"
#include "crypto/sign.h"
#include "tests/frost_holders.h"
#include "tests/seeded_seals.h"

static const char *const SEEDS[] = {[FROST_SCHEME_ED25519] = "gatehouse threshold frost vectors, ed25519",
				    [FROST_SCHEME_BIP340] = "gatehouse threshold frost vectors, bip340"};
static const char *const NAMES[] = {[FROST_SCHEME_ED25519] = "ed25519", [FROST_SCHEME_BIP340] = "bip340"};
static const uint8_t SIGNERS[] = {1, 2, 4}, DEALERS[] = {1, 3};
#define MESSAGE BYTES_OF_LITERAL("sell 3 calls")

/* Without a tweak, as for an output of Taproot, and as below a path for one: of key, nonce and shares each sign is needed. */
static const struct frost_tweak TAPROOT[] = {{{7, 3}, true}}, BELOW_A_PATH[] = {{{8, 2}, false}, {{9, 3}, true}};
static const struct signing {
	uint8_t nonce[32];
	const struct frost_tweak *tweaks;
	size_t tweak_count;
} SIGNINGS[] = {{{50}, nullptr, 0}, {{51}, TAPROOT, 1}, {{52}, BELOW_A_PATH, 2}};

constexpr size_t RECORDS_MAX = 64;
static size_t frames; /* of all cases */

struct record {
	uint8_t type, from, to;
	size_t len;
	struct hash256 hash;
};

/* Of one run. */
struct transcript {
	struct record records[RECORDS_MAX];
	size_t count;
};

static void
note_frame(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct transcript *transcript = context;
	assert_true(transcript->count < RECORDS_MAX);
	frames++;
	transcript->records[transcript->count++] = (struct record){
		.type = frame->data[6], .from = from, .to = to, .len = frame->len, .hash = sha256(buffer_bytes(frame))};
}

static struct repeating streams[KEEPERS_MAX + 1];

static void
deal(struct frost_holders *holders, const struct frost_dealing_terms *terms, struct transcript *transcript) {
	struct frost_dealing *dealings[KEEPERS_MAX + 1] = {};
	struct network network = {.protocol = &frost_dealing_protocol, .on_frame = note_frame, .context = transcript};
	for (uint8_t i = 1; i <= terms->key.holders.count; i++) {
		struct frost_dealing_terms own = *terms;
		own.self = i;
		own.randomness = (struct randomness){repeating_fill, &streams[i]};
		if (terms->dealers != nullptr && party_set_has(terms->dealers, i))
			own.old_share = holders->shares[i];
		assert_ok(frost_dealing_start(&dealings[i], &own));
		network.machines[i] = dealings[i];
	}
	network_run(&network);
	network_expect_ok(&network);
	for (uint8_t i = 1; i <= terms->key.holders.count; i++) {
		assert_true(frost_dealing_confirmed(dealings[i], &holders->key));
		frost_key_share_destroy(&holders->shares[i]);
		holders->shares[i] = frost_dealing_take_share(dealings[i]);
		frost_dealing_destroy(&dealings[i]);
	}
}

static void
assert_verifies(const struct frost_key_info *info, const struct signing *signing, const uint8_t signature[64]) {
	struct frost_key key;
	uint8_t x[32];
	if (info->scheme == FROST_SCHEME_ED25519) {
		assert_ok(ed25519_verify(info->public_key.bytes, MESSAGE, signature));
		return;
	}
	assert_ok(frost_key_open(info->public_key.bytes, &key));
	for (size_t i = 0; i < signing->tweak_count; i++)
		assert_ok(frost_key_tweak(&key, signing->tweaks[i].number, signing->tweaks[i].is_x_only));
	frost_key_x_only(&key, x);
	assert_ok(bip340_verify(x, MESSAGE, signature));
}

static void
sign(const struct frost_holders *holders, const struct signing *signing, uint8_t signature[64],
     struct transcript *transcript) {
	struct frost_quorum *quorums[KEEPERS_MAX + 1] = {};
	struct network network = {.protocol = &frost_quorum_protocol, .on_frame = note_frame, .context = transcript};
	struct party_set signers;
	assert_ok(party_set_choose(&holders->key.holders, SIGNERS, ARRAY_LENGTH(SIGNERS), &signers));
	for (size_t i = 0; i < ARRAY_LENGTH(SIGNERS); i++) {
		uint8_t index = SIGNERS[i];
		struct frost_quorum_terms terms = {.share = holders->shares[index],
						   .signers = &signers,
						   .instance = KEEPERS_INSTANCE,
						   .nonce = signing->nonce,
						   .message = MESSAGE,
						   .tweaks = signing->tweaks,
						   .tweak_count = signing->tweak_count,
						   .randomness = {repeating_fill, &streams[index]}};
		assert_ok(frost_quorum_start(&quorums[index], &terms));
		network.machines[index] = quorums[index];
	}
	network_run(&network);
	network_expect_ok(&network);
	assert_true(frost_quorum_signature(quorums[SIGNERS[0]], signature));
	assert_verifies(&holders->key, signing, signature);
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_quorum_destroy(&quorums[i]);
}

/* --- As JSON. --- */

static void
write_indices(struct json_writer *w, const char *name, const uint8_t *indices, size_t count) {
	json_write_key(w, name);
	json_write_array(w);
	for (size_t i = 0; i < count; i++)
		json_write_integer(w, indices[i]);
	json_write_end(w);
}

static void
write_frames(struct json_writer *w, const char *name, const struct transcript *transcript) {
	json_write_key(w, name);
	json_write_array(w);
	for (size_t i = 0; i < transcript->count; i++) {
		const struct record *record = &transcript->records[i];
		json_write_object(w);
		json_write_member_integer(w, "bytes", (int64_t)record->len);
		json_write_member_integer(w, "from", record->from);
		json_write_member_hex(w, "sha256", hash256_bytes(&record->hash));
		json_write_member_integer(w, "to", record->to);
		json_write_member_integer(w, "type", record->type);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_reshare(struct json_writer *w, struct frost_holders *holders) {
	static const uint8_t four[] = {1, 2, 3, 4};
	struct transcript transcript = {};
	const struct frost_key_info old = holders->key;
	struct party_set dealers;
	assert_ok(party_set_choose(&old.holders, DEALERS, ARRAY_LENGTH(DEALERS), &dealers));
	struct frost_dealing_terms terms = frost_reshare_terms(&old, &dealers);
	terms.key.holders = parties_up_to(4);
	terms.key.threshold = 3;
	deal(holders, &terms, &transcript);
	json_write_key(w, "reshare");
	json_write_object(w);
	write_indices(w, "dealers", DEALERS, ARRAY_LENGTH(DEALERS));
	write_frames(w, "frames", &transcript);
	write_indices(w, "holders", four, ARRAY_LENGTH(four));
	json_write_member_integer(w, "threshold", 3);
	json_write_end(w);
}

static void
write_tweaks(struct json_writer *w, const struct signing *signing) {
	json_write_key(w, "tweaks");
	json_write_array(w);
	for (size_t i = 0; i < signing->tweak_count; i++) {
		json_write_object(w);
		json_write_member_hex(w, "number", BYTES_OF_ARRAY(signing->tweaks[i].number));
		json_write_member_boolean(w, "x_only", signing->tweaks[i].is_x_only);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_signing(struct json_writer *w, const struct frost_holders *holders, const struct signing *signing) {
	struct transcript transcript = {};
	uint8_t signature[64];
	sign(holders, signing, signature, &transcript);
	json_write_object(w);
	write_frames(w, "frames", &transcript);
	json_write_member_hex(w, "message", MESSAGE);
	if (holders->key.scheme == FROST_SCHEME_BIP340)
		json_write_member_hex(w, "nonce", BYTES_OF_ARRAY(signing->nonce));
	json_write_member_hex(w, "signature", BYTES_OF_ARRAY(signature));
	write_indices(w, "signers", SIGNERS, ARRAY_LENGTH(SIGNERS));
	if (holders->key.scheme == FROST_SCHEME_BIP340)
		write_tweaks(w, signing);
	json_write_end(w);
}

static void
write_signings(struct json_writer *w, const struct frost_holders *holders) {
	struct signing of_ed25519 = {};
	memcpy(of_ed25519.nonce, KEEPERS_NONCE, sizeof of_ed25519.nonce);
	if (holders->key.scheme == FROST_SCHEME_ED25519) {
		json_write_key(w, "signing");
		write_signing(w, holders, &of_ed25519);
		return;
	}
	json_write_key(w, "signings");
	json_write_array(w);
	for (size_t i = 0; i < ARRAY_LENGTH(SIGNINGS); i++)
		write_signing(w, holders, &SIGNINGS[i]);
	json_write_end(w);
}

/* Of each holder, as it is at rest; it opens again. */
static void
write_stored(struct json_writer *w, const struct frost_holders *holders) {
	uint8_t key[AEAD_KEY_SIZE];
	seals_key(FROST_SHARE_LABEL, key);
	json_write_key(w, "stored");
	json_write_array(w);
	for (uint8_t i = 1; i <= holders->key.holders.count; i++) {
		_cleanup_(buffer_free) struct buffer blob = {};
		_cleanup_(frost_key_share_destroy) struct frost_key_share *opened = nullptr;
		seals_draw_from(&streams[i]);
		assert_ok(frost_key_share_seal(holders->shares[i], key, KEEPERS_INSTANCE, &blob));
		seals_draw_from(nullptr);
		assert_ok(frost_key_share_open(&opened, &holders->key, i, key, KEEPERS_INSTANCE, buffer_bytes(&blob)));
		json_write_object(w);
		json_write_member_hex(w, "blob", buffer_bytes(&blob));
		json_write_member_integer(w, "holder", i);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_case(struct json_writer *w, enum frost_scheme scheme) {
	static const uint8_t three[] = {1, 2, 3};
	struct frost_holders holders = {};
	struct transcript dealing = {};
	const struct frost_dealing_terms terms = frost_generate_terms(scheme, 2, 3);
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
		streams[i] = repeating_stream(SEEDS[scheme], i);
	deal(&holders, &terms, &dealing);
	json_write_object(w);
	json_write_member_hex(w, "chain_code", BYTES_OF_ARRAY(holders.key.chain_code));
	write_frames(w, "dealing", &dealing);
	write_indices(w, "holders", three, ARRAY_LENGTH(three));
	json_write_member_string(w, "instance", KEEPERS_INSTANCE);
	json_write_member_text(w, "key_id", holders.key.id);
	json_write_member_hex(w, "nonce", BYTES_OF_ARRAY(KEEPERS_NONCE));
	json_write_member_hex(w, "public_key",
			      frost_element_bytes(frost_scheme_suite(scheme), &holders.key.public_key));
	write_reshare(w, &holders);
	json_write_member_text(w, "root_key", SEALS_ROOT_KEY);
	json_write_member_text(w, "scheme", NAMES[scheme]);
	json_write_member_text(w, "seed", SEEDS[scheme]);
	write_signings(w, &holders);
	write_stored(w, &holders);
	json_write_member_integer(w, "threshold", 2);
	json_write_end(w);
	frost_holders_end(&holders);
}

static void
transcripts_are_the_recorded_ones(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, recorded = {};
	struct json_writer w;
	char path[4096];
	json_writer_start(&w, &text);
	json_write_array(&w);
	write_case(&w, FROST_SCHEME_ED25519);
	write_case(&w, FROST_SCHEME_BIP340);
	json_write_end(&w);
	assert_ok(json_writer_finish(&w));
	buffer_append_text(&text, "\n");
	snprintf(path, sizeof path, "%s/tests/vectors/threshold-frost.json", test_source_root());
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	assert_bytes(buffer_bytes(&recorded), buffer_bytes(&text));
	print_message("%zu frames\n", frames);
	assert_int_equal(156, frames);
}

RUN_TESTS(T(transcripts_are_the_recorded_ones))

#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "keys/threshold/escrow.h"
#include "keys/threshold/recovery.h"
#include "tests/seeded_kem.h"
#include "tests/threshold_parties.h"

/* Offsets: magic 4, version 2, choices 32, then 128 pairs of seed 32, part 32, ciphertext 1120, masked part 32. */
constexpr size_t CHOICES_AT = 6;
constexpr size_t PAIRS_AT = 38;
constexpr size_t PAIR_SIZE = 32 + 32 + 1120 + 32;

struct fixture {
	struct escrow_terms terms;
	struct frost_scalar share;
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct secret private_key;
	struct buffer escrow;
};

static const struct randomness SYSTEM;

static void
open_fixture(struct fixture *f, const struct frost_suite *suite) {
	uint8_t random[32];
	*f = (struct fixture){};
	random_bytes(random, sizeof random);
	const struct bytes part = BYTES_OF_ARRAY(random);
	f->share = suite->nonce(&part, 1);
	assert_ok(kem_generate(f->recovery_key, &f->private_key));
	f->terms = (struct escrow_terms){.suite = suite,
					 .context = BYTES_OF_LITERAL("northwind/btc-1/3/2"),
					 .recovery_key = BYTES_OF_ARRAY(f->recovery_key)};
	assert_ok(suite->element_of(&f->share, &f->terms.public_share));
	assert_ok(escrow_create(&f->terms, &f->share, &SYSTEM, &f->escrow));
}

static void
close_fixture(struct fixture *f) {
	secret_free(&f->private_key);
	buffer_free(&f->escrow);
}

static const struct frost_suite *const SUITES[] = {&frost_ed25519, &frost_secp256k1};

static void
what_verifies_gives_the_share(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(SUITES); i++) {
		_cleanup_(close_fixture) struct fixture f;
		struct frost_scalar share;
		open_fixture(&f, SUITES[i]);
		assert_int_equal(PAIRS_AT + ESCROW_PAIRS * PAIR_SIZE, f.escrow.len);
		assert_ok(escrow_verify(&f.terms, buffer_bytes(&f.escrow)));
		assert_ok(escrow_recover(&f.terms, buffer_bytes(&f.escrow), secret_bytes(&f.private_key), &share));
		assert_memory_equal(f.share.bytes, share.bytes, sizeof share.bytes);
	}
}

/* Each kind of byte, in some pairs; a choice flipped in either direction is among them. */
static void
nothing_that_is_changed_verifies(void **) {
	static const size_t within[] = {0, 31, 32, 63, 64, 64 + 1088, 64 + 1119, 64 + 1120, PAIR_SIZE - 1};
	_cleanup_(close_fixture) struct fixture f;
	size_t cases = 0;
	open_fixture(&f, &frost_secp256k1);
	for (size_t at = CHOICES_AT; at < PAIRS_AT; at += 7, cases++) {
		f.escrow.data[at] ^= 0x10;
		assert_fails(STATUS_UNAUTHORIZED, "escrow.proof", escrow_verify(&f.terms, buffer_bytes(&f.escrow)));
		f.escrow.data[at] ^= 0x10;
	}
	for (size_t pair = 0; pair < ESCROW_PAIRS; pair += 31)
		for (size_t i = 0; i < ARRAY_LENGTH(within); i++, cases++) {
			uint8_t *byte = &f.escrow.data[PAIRS_AT + pair * PAIR_SIZE + within[i]];
			*byte ^= 1;
			assert_fails(STATUS_UNAUTHORIZED, "escrow.proof",
				     escrow_verify(&f.terms, buffer_bytes(&f.escrow)));
			*byte ^= 1;
		}
	print_message("%zu changes refused\n", cases);
	assert_ok(escrow_verify(&f.terms, buffer_bytes(&f.escrow)));
}

static void
it_holds_for_its_terms_only(void **) {
	_cleanup_(close_fixture) struct fixture f, other;
	struct frost_scalar share;
	open_fixture(&f, &frost_ed25519);
	open_fixture(&other, &frost_ed25519);
	struct escrow_terms terms = f.terms;
	terms.context = BYTES_OF_LITERAL("northwind/btc-1/4/2");
	assert_fails(STATUS_UNAUTHORIZED, "escrow.proof", escrow_verify(&terms, buffer_bytes(&f.escrow)));
	assert_fails(STATUS_UNAUTHORIZED, "escrow.recovery",
		     escrow_recover(&terms, buffer_bytes(&f.escrow), secret_bytes(&f.private_key), &share));
	terms = f.terms;
	terms.recovery_key = other.terms.recovery_key;
	assert_fails(STATUS_UNAUTHORIZED, "escrow.proof", escrow_verify(&terms, buffer_bytes(&f.escrow)));
	terms = f.terms;
	terms.public_share = other.terms.public_share;
	assert_fails(STATUS_UNAUTHORIZED, "escrow.proof", escrow_verify(&terms, buffer_bytes(&f.escrow)));
	assert_fails(STATUS_UNAUTHORIZED, "escrow.recovery",
		     escrow_recover(&f.terms, buffer_bytes(&f.escrow), secret_bytes(&other.private_key), &share));
	for (size_t i = 0; i < sizeof share.bytes; i++)
		assert_int_equal(0, share.bytes[i]);
}

/* One sound pair is enough, whatever became of the others. */
static void
a_damaged_escrow_still_gives_the_share(void **) {
	_cleanup_(close_fixture) struct fixture f;
	struct frost_scalar share;
	open_fixture(&f, &frost_ed25519);
	for (size_t pair = 0; pair + 1 < ESCROW_PAIRS; pair++)
		f.escrow.data[PAIRS_AT + pair * PAIR_SIZE + 100] ^= 1;
	assert_ok(escrow_recover(&f.terms, buffer_bytes(&f.escrow), secret_bytes(&f.private_key), &share));
	assert_memory_equal(f.share.bytes, share.bytes, sizeof share.bytes);
	f.escrow.data[PAIRS_AT + (ESCROW_PAIRS - 1) * PAIR_SIZE + 100] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "escrow.recovery",
		     escrow_recover(&f.terms, buffer_bytes(&f.escrow), secret_bytes(&f.private_key), &share));
}

static void
malformed_ones_are_refused_by_name(void **) {
	_cleanup_(close_fixture) struct fixture f;
	struct frost_scalar share;
	_cleanup_(buffer_free) struct buffer unused = {};
	open_fixture(&f, &frost_ed25519);
	struct bytes whole = buffer_bytes(&f.escrow);
	assert_fails(STATUS_INVALID, "escrow.magic", escrow_verify(&f.terms, bytes_of(whole.data, 3)));
	assert_fails(STATUS_INVALID, "escrow.version", escrow_verify(&f.terms, bytes_of(whole.data, 5)));
	assert_fails(STATUS_INVALID, "escrow.length", escrow_verify(&f.terms, bytes_of(whole.data, 6)));
	assert_fails(STATUS_INVALID, "escrow.length", escrow_verify(&f.terms, bytes_of(whole.data, whole.len - 1)));
	f.escrow.data[5] = 2;
	assert_fails(STATUS_UNSUPPORTED, "escrow.version",
		     escrow_recover(&f.terms, whole, secret_bytes(&f.private_key), &share));
	f.escrow.data[0] = 'X';
	assert_fails(STATUS_INVALID, "escrow.magic",
		     escrow_recover(&f.terms, whole, secret_bytes(&f.private_key), &share));
	f.share.bytes[0] ^= 1;
	assert_fails(STATUS_INVALID, "escrow.share", escrow_create(&f.terms, &f.share, &SYSTEM, &unused));
	f.share.bytes[0] ^= 1;
	f.terms.recovery_key.len--;
	assert_fails(STATUS_INVALID, "kem.public_key", escrow_create(&f.terms, &f.share, &SYSTEM, &unused));
}

/* --- Known answers: tests/vectors/threshold-escrow.json, of which tests/threshold_escrow_vectors.py makes everything again in another
 * language, from docs/PROTOCOL.threshold. GATEHOUSE_WRITE_VECTORS=1 writes the file anew. --- */

constexpr uint8_t HOLDER = 2;
#define INSTANCE BYTES_OF_LITERAL("northwind")

static const struct known {
	const char *scheme, *seed;
	enum key_sharing sharing;
} KNOWN[] = {
	{"ecdsa", "gatehouse threshold escrow vectors, ecdsa", KEY_SHARED_ECDSA},
	{"ed25519", "gatehouse threshold escrow vectors, ed25519", KEY_SHARED_ED25519},
};

/* The escrow of one holder's share, made from the stream as key.backup makes it from the system's randomness: it holds, and the share
 * comes out. */
static void
make_known(const struct sharing *sharing, const struct frost_scalar *share, const uint8_t private_key[KEM_PRIVATE_SIZE],
	   const uint8_t public_key[KEM_PUBLIC_SIZE], const struct randomness *randomness, struct buffer *escrow) {
	_cleanup_(buffer_free) struct buffer context = {};
	struct escrow_terms terms = {.suite = sharing_suite(sharing),
				     .recovery_key = bytes_of(public_key, KEM_PUBLIC_SIZE)};
	struct frost_scalar recovered;
	buffer_append_text(&context, "gatehouse/share-escrow/v1");
	buffer_append_prefixed(&context, INSTANCE);
	buffer_append_prefixed(&context, bytes_of_text(sharing->key.id));
	buffer_append_u32be(&context, sharing->key.epoch);
	buffer_append_byte(&context, HOLDER);
	terms.context = buffer_bytes(&context);
	assert_ok(terms.suite->element_of(share, &terms.public_share));
	assert_ok(escrow_create(&terms, share, randomness, escrow));
	assert_ok(recovery_check(sharing, HOLDER, INSTANCE, terms.recovery_key, buffer_bytes(escrow)));
	assert_ok(escrow_recover(&terms, buffer_bytes(escrow), bytes_of(private_key, KEM_PRIVATE_SIZE), &recovered));
	assert_memory_equal(share->bytes, recovered.bytes, sizeof recovered.bytes);
}

static void
write_known(struct json_writer *w, const struct known *known) {
	_cleanup_(buffer_free) struct buffer escrow = {};
	struct repeating stream = repeating_stream(known->seed, HOLDER);
	const struct randomness randomness = {repeating_fill, &stream};
	struct sharing sharing = {.scheme = known->sharing,
				  .key = {.id = "vault", .threshold = 2, .epoch = 3, .holders = parties_up_to(3)}};
	const struct frost_suite *suite = sharing_suite(&sharing);
	uint8_t private_key[KEM_PRIVATE_SIZE], public_key[KEM_PUBLIC_SIZE];
	struct frost_element public_share = {};
	seeded_kem_key(&randomness, private_key);
	assert_ok(kem_public_of(BYTES_OF_ARRAY(private_key), public_key));
	const struct frost_scalar share = frost_scalar_random(suite, &randomness);
	assert_ok(suite->element_of(&share, &public_share));
	memcpy(sharing.key.public_shares[HOLDER - 1], public_share.bytes, sizeof sharing.key.public_shares[0]);
	make_known(&sharing, &share, private_key, public_key, &randomness, &escrow);
	const struct hash256 hash = sha256(buffer_bytes(&escrow)), key_hash = sha256(BYTES_OF_ARRAY(public_key));
	json_write_object(w);
	json_write_member_integer(w, "bytes", (int64_t)escrow.len);
	json_write_member_hex(w, "choices", bytes_of(escrow.data + CHOICES_AT, 32));
	json_write_member_integer(w, "epoch", sharing.key.epoch);
	json_write_member_hex(w, "first_pair", bytes_of(escrow.data + PAIRS_AT, PAIR_SIZE));
	json_write_member_integer(w, "holder", HOLDER);
	json_write_member_string(w, "instance", INSTANCE);
	json_write_member_text(w, "key_id", sharing.key.id);
	json_write_member_hex(w, "public_share", frost_element_bytes(suite, &public_share));
	json_write_member_hex(w, "recovery_key_sha256", hash256_bytes(&key_hash));
	json_write_member_text(w, "scheme", known->scheme);
	json_write_member_text(w, "seed", known->seed);
	json_write_member_hex(w, "sha256", hash256_bytes(&hash));
	json_write_member_hex(w, "share", BYTES_OF_ARRAY(share.bytes));
	json_write_end(w);
}

static void
escrows_are_the_recorded_ones(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, recorded = {};
	struct json_writer w;
	char path[4096];
	json_writer_start(&w, &text);
	json_write_array(&w);
	for (size_t i = 0; i < ARRAY_LENGTH(KNOWN); i++)
		write_known(&w, &KNOWN[i]);
	json_write_end(&w);
	assert_ok(json_writer_finish(&w));
	buffer_append_text(&text, "\n");
	snprintf(path, sizeof path, "%s/tests/vectors/threshold-escrow.json", test_source_root());
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	assert_bytes(buffer_bytes(&recorded), buffer_bytes(&text));
	print_message("%zu escrows of %zu pairs\n", ARRAY_LENGTH(KNOWN), ESCROW_PAIRS);
}

RUN_TESTS(T(what_verifies_gives_the_share), T(nothing_that_is_changed_verifies), T(it_holds_for_its_terms_only),
	  T(a_damaged_escrow_still_gives_the_share), T(malformed_ones_are_refused_by_name),
	  T(escrows_are_the_recorded_ones))

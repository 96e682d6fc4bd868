#include "tests/test.h"

#include "crypto/kem.h"
#include "keys/threshold/escrow.h"

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

RUN_TESTS(T(what_verifies_gives_the_share), T(nothing_that_is_changed_verifies), T(it_holds_for_its_terms_only),
	  T(a_damaged_escrow_still_gives_the_share), T(malformed_ones_are_refused_by_name))

/* The public vectors: Project Wycheproof's edge cases for what is verified here, and BIP-340's. */
#include "tests/test.h"

#include "tests/corpora.h"

#include "crypto/aead.h"
#include "crypto/sign.h"

enum verdict { VERDICT_VALID, VERDICT_INVALID };

/* No file used here calls a case "acceptable"; one that did would need a decision of its own. */
static enum verdict
expected_verdict(const json *test) {
	struct bytes result = json_string(json_get(test, "result"));
	if (bytes_equal_text(result, "valid"))
		return VERDICT_VALID;
	if (!bytes_equal_text(result, "invalid"))
		fail_msg("case %d: result %.*s has no meaning here", (int)json_integer(json_get(test, "tcId")),
			 BYTES_ARGS(result));
	return VERDICT_INVALID;
}

static void
assert_verdict(const json *test, enum status status) {
	enum verdict expected = expected_verdict(test);
	if ((status == OK) != (expected == VERDICT_VALID))
		fail_msg("case %d, %.*s: expected %s, got %s (%s)", (int)json_integer(json_get(test, "tcId")),
			 BYTES_ARGS(json_string(json_get(test, "comment"))),
			 expected == VERDICT_VALID ? "valid" : "invalid", status_name(status),
			 status == OK ? "" : fail_message());
}

/* Calls run for each test of each group with a fresh arena; returns how many there were. */
static size_t
each_test(const char *file, void (*run)(struct arena *arena, const json *group, const json *test)) {
	_cleanup_(arena_free) struct arena arena = {}, scratch = {};
	size_t executed = 0;
	const json *groups = json_get(corpora_read_json(&arena, file), "testGroups"), *group, *test;
	assert_non_null(groups);
	struct json_iterator group_iterator = json_iterate(groups);
	while ((group = json_next(&group_iterator, nullptr)) != nullptr) {
		struct json_iterator test_iterator = json_iterate(json_get(group, "tests"));
		while ((test = json_next(&test_iterator, nullptr)) != nullptr) {
			arena_reset(&scratch);
			run(&scratch, group, test);
			executed++;
		}
	}
	return executed;
}

static struct bytes
group_public_key(struct arena *arena, const json *group, const char *member) {
	return corpora_hex(arena, json_get(group, "publicKey"), member);
}

static void
run_ed25519(struct arena *arena, const json *group, const json *test) {
	struct bytes key = group_public_key(arena, group, "pk"), signature = corpora_hex(arena, test, "sig");
	assert_int_equal(key.len, 32);
	/* Another length cannot be given to ed25519_verify(): its readers refuse it. */
	enum status status = signature.len != 64
				     ? STATUS_INVALID
				     : ed25519_verify(key.data, corpora_hex(arena, test, "msg"), signature.data);
	assert_verdict(test, status);
}

static void
wycheproof_ed25519(void **) {
	corpora_expect("ed25519", each_test("wycheproof/ed25519_test.json", run_ed25519), 151);
}

/* s to n − s. */
static void
negate_s(uint8_t signature[64]) {
	static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
					  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
	int borrow = 0;
	for (int i = 31; i >= 0; i--) {
		int difference = order[i] - signature[32 + i] - borrow;
		borrow = difference < 0;
		signature[32 + i] = (uint8_t)(difference & 0xff);
	}
}

static size_t high_s_seen;

/* Wycheproof's plain and P1363 files hold the mathematical rule, in which a high s is valid. Ours is Bitcoin's: it must be
 * refused by that name, and verify once it is made low. */
static enum status
verify_either_s(struct bytes key, const uint8_t digest[32], const uint8_t given[64]) {
	enum status status = secp256k1_verify(key, digest, given);
	char name[64];
	fail_name(name, sizeof name);
	if (status == OK || strcmp(name, "signature.secp256k1_high_s") != 0)
		return status;
	high_s_seen++;
	uint8_t low[64];
	memcpy(low, given, sizeof low);
	negate_s(low);
	return secp256k1_verify(key, digest, low);
}

static void
run_secp256k1_plain(struct arena *arena, const json *group, const json *test) {
	struct bytes key = group_public_key(arena, group, "uncompressed");
	struct hash256 digest = sha256(corpora_hex(arena, test, "msg"));
	uint8_t signature[64];
	enum status status = secp256k1_ecdsa_from_der(corpora_hex(arena, test, "sig"), signature);
	assert_verdict(test, status != OK ? status : verify_either_s(key, digest.bytes, signature));
}

static void
run_secp256k1_p1363(struct arena *arena, const json *group, const json *test) {
	struct bytes key = group_public_key(arena, group, "uncompressed"), signature = corpora_hex(arena, test, "sig");
	struct hash256 digest = sha256(corpora_hex(arena, test, "msg"));
	assert_verdict(test, signature.len != 64 ? STATUS_INVALID : verify_either_s(key, digest.bytes, signature.data));
}

static void
run_secp256k1_bitcoin(struct arena *arena, const json *group, const json *test) {
	struct bytes key = group_public_key(arena, group, "uncompressed");
	struct hash256 digest = sha256(corpora_hex(arena, test, "msg"));
	uint8_t signature[64];
	enum status status = secp256k1_ecdsa_from_der(corpora_hex(arena, test, "sig"), signature);
	assert_verdict(test, status != OK ? status : secp256k1_verify(key, digest.bytes, signature));
}

static void
wycheproof_secp256k1(void **) {
	high_s_seen = 0;
	corpora_expect("secp256k1, DER", each_test("wycheproof/ecdsa_secp256k1_sha256_test.json", run_secp256k1_plain),
		       476);
	corpora_expect("secp256k1, P1363",
		       each_test("wycheproof/ecdsa_secp256k1_sha256_p1363_test.json", run_secp256k1_p1363), 252);
	corpora_expect("of these with a high s, refused as such", high_s_seen, 161);
	corpora_expect("secp256k1, Bitcoin",
		       each_test("wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json", run_secp256k1_bitcoin), 463);
}

static void
run_p256(struct arena *arena, const json *group, const json *test) {
	struct bytes key = group_public_key(arena, group, "uncompressed");
	struct hash256 digest = sha256(corpora_hex(arena, test, "msg"));
	assert_verdict(test, p256_verify_der(key, digest.bytes, corpora_hex(arena, test, "sig")));
}

static void
wycheproof_p256(void **) {
	corpora_expect("P-256", each_test("wycheproof/ecdsa_secp256r1_sha256_test.json", run_p256), 484);
}

static size_t other_sizes;

/* Only keys of 256 bits, nonces of 96 and tags of 128 exist here; the rest is counted apart. */
static void
run_aes_gcm(struct arena *arena, const json *, const json *test) {
	struct bytes key = corpora_hex(arena, test, "key"), nonce = corpora_hex(arena, test, "iv");
	struct bytes cipher = corpora_hex(arena, test, "ct"), tag = corpora_hex(arena, test, "tag");
	if (key.len != 32 || nonce.len != 12 || tag.len != 16) {
		other_sizes++;
		return;
	}
	size_t len = nonce.len + cipher.len + tag.len;
	uint8_t *sealed = arena_alloc(arena, len), *plain = arena_alloc(arena, cipher.len + 1);
	memcpy(sealed, nonce.data, nonce.len);
	if (cipher.len > 0)
		memcpy(sealed + nonce.len, cipher.data, cipher.len);
	memcpy(sealed + nonce.len + cipher.len, tag.data, tag.len);
	enum status status = aead_open(key.data, corpora_hex(arena, test, "aad"), bytes_of(sealed, len), plain);
	assert_verdict(test, status);
	if (status == OK)
		assert_bytes(corpora_hex(arena, test, "msg"), bytes_of(plain, cipher.len));
}

static void
wycheproof_aes_256_gcm(void **) {
	other_sizes = 0;
	size_t all = each_test("wycheproof/aes_gcm_test.json", run_aes_gcm);
	corpora_expect("AES-256-GCM", all - other_sizes, 66);
	corpora_expect("other key, nonce and tag sizes, not offered here", other_sizes, 250);
}

static void
run_hkdf(struct arena *arena, const json *, const json *test) {
	size_t size = (size_t)json_integer(json_get(test, "size"));
	uint8_t *key = arena_alloc(arena, size + 1);
	enum status status = hkdf_sha256(corpora_hex(arena, test, "ikm"), corpora_hex(arena, test, "salt"),
					 corpora_hex(arena, test, "info"), key, size);
	assert_verdict(test, status);
	if (status == OK)
		assert_bytes(corpora_hex(arena, test, "okm"), bytes_of(key, size));
}

static void
wycheproof_hkdf(void **) {
	corpora_expect("HKDF-SHA-256", each_test("wycheproof/hkdf_sha256_test.json", run_hkdf), 86);
}

static void
run_hmac(struct arena *arena, const json *, const json *test) {
	struct bytes tag = corpora_hex(arena, test, "tag");
	struct hash256 mac = hmac_sha256(corpora_hex(arena, test, "key"), corpora_hex(arena, test, "msg"));
	assert_true(tag.len == 16 || tag.len == 32); /* whole or cut to its first half */
	assert_verdict(test, secret_equal(tag, bytes_of(mac.bytes, tag.len)) ? OK : STATUS_UNAUTHORIZED);
}

static void
wycheproof_hmac(void **) {
	corpora_expect("HMAC-SHA-256", each_test("wycheproof/hmac_sha256_test.json", run_hmac), 174);
}

/* The next field of a line of comma-separated values without quotes. */
static struct bytes
next_field(struct bytes *line) {
	size_t len = 0;
	while (len < line->len && line->data[len] != ',')
		len++;
	struct bytes field = bytes_of(line->data, len);
	size_t skipped = len < line->len ? len + 1 : len;
	*line = bytes_of(line->data + skipped, line->len - skipped);
	return field;
}

static struct bytes
next_hex(struct arena *arena, struct bytes *line) {
	struct bytes text = next_field(line);
	uint8_t *bytes = arena_alloc(arena, text.len / 2 + 1);
	assert_ok(hex_decode(text, bytes, text.len / 2));
	return bytes_of(bytes, text.len / 2);
}

static void
bip340_vectors(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes text = corpora_read(&arena, "bips/bip-0340/test-vectors.csv");
	size_t executed = 0, signed_count = 0;
	bool header = true;
	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end == nullptr ? text.len : (size_t)(end - text.data);
		struct bytes line = bytes_of(text.data, len > 0 && text.data[len - 1] == '\r' ? len - 1 : len);
		size_t taken = end == nullptr ? len : len + 1;
		text = bytes_of(text.data + taken, text.len - taken);
		if (header || line.len == 0) {
			header = false;
			continue;
		}
		struct bytes index = next_field(&line), key = next_hex(&arena, &line),
			     public_key = next_hex(&arena, &line);
		struct bytes aux = next_hex(&arena, &line), message = next_hex(&arena, &line),
			     signature = next_hex(&arena, &line);
		bool valid = bytes_equal_text(next_field(&line), "TRUE");
		assert_int_equal(public_key.len, 32);
		assert_int_equal(signature.len, 64);
		if (key.len > 0) {
			uint8_t made[64], derived[33];
			assert_ok(secp256k1_public_key(key.data, derived));
			assert_memory_equal(derived + 1, public_key.data, 32);
			assert_ok(bip340_sign(key.data, message, aux.data, made));
			assert_memory_equal(made, signature.data, 64);
			signed_count++;
		}
		if ((bip340_verify(public_key.data, message, signature.data) == OK) != valid)
			fail_msg("vector %.*s: expected %s", BYTES_ARGS(index), valid ? "valid" : "invalid");
		executed++;
	}
	corpora_expect("BIP-340", executed, 19);
	corpora_expect("BIP-340, signed too", signed_count, 8);
}

RUN_TESTS(T(wycheproof_ed25519), T(wycheproof_secp256k1), T(wycheproof_p256), T(wycheproof_aes_256_gcm),
	  T(wycheproof_hkdf), T(wycheproof_hmac), T(bip340_vectors))

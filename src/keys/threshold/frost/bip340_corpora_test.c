/* The vectors of BIP-445, all six files: nonces, sums, partial signatures, tweaks, aggregation, and deterministic signing, which
 * exists here only. */
#include "tests/test.h"

#include "tests/corpora.h"

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "keys/threshold/frost/bip340.h"

/* --- Reading a case --- */

constexpr size_t LIST_MAX = 16;

struct list {
	const json *items[LIST_MAX];
	size_t count;
};

static struct list
list_of(const json *array) {
	struct list list = {};
	if (array == nullptr)
		return list;
	struct json_iterator iterator = json_iterate(array);
	for (const json *item; (item = json_next(&iterator, nullptr)) != nullptr;) {
		assert_true(list.count < LIST_MAX);
		list.items[list.count++] = item;
	}
	return list;
}

static bool
is_null(const json *value) {
	return value == nullptr || json_type_of(value) == JSON_NULL;
}

static struct bytes
hex_value(struct arena *arena, const json *value) {
	struct bytes text = json_string(value);
	uint8_t *bytes = arena_alloc(arena, text.len / 2 + 1);
	assert_non_null(bytes);
	assert_ok(hex_decode(text, bytes, text.len / 2));
	return bytes_of(bytes, text.len / 2);
}

/* The elements of group's list that the test's list of indices names, each of size bytes, one behind the other. */
static size_t
chosen(struct arena *arena, const json *group, const char *list, const json *test, const char *indices, size_t size,
       uint8_t *to) {
	const struct list values = list_of(json_get(group, list)), wanted = list_of(json_get(test, indices));
	for (size_t i = 0; i < wanted.count; i++) {
		size_t index = (size_t)json_integer(wanted.items[i]);
		assert_true(index < values.count);
		struct bytes value = hex_value(arena, values.items[index]);
		assert_int_equal(size, value.len);
		memcpy(to + i * size, value.data, size);
	}
	return wanted.count;
}

static struct bytes
one_of(struct arena *arena, const json *group, const char *list, const json *test, const char *index) {
	const struct list values = list_of(json_get(group, list));
	return hex_value(arena, values.items[json_integer(json_get(test, index))]);
}

static enum status
open_signers(struct arena *arena, const json *group, const json *test, struct frost_signers *signers) {
	uint8_t shares[LIST_MAX][POINT_SIZE];
	uint32_t ids[LIST_MAX];
	const struct list wanted = list_of(json_get(test, "ids"));
	for (size_t i = 0; i < wanted.count; i++)
		ids[i] = (uint32_t)json_integer(wanted.items[i]);
	assert_int_equal(wanted.count,
			 chosen(arena, group, "pubshares", test, "pubshare_indices", POINT_SIZE, shares[0]));
	return frost_signers_open((uint32_t)json_integer(json_get(group, "n")),
				  (uint32_t)json_integer(json_get(group, "t")), ids,
				  (const uint8_t(*)[POINT_SIZE])shares, wanted.count,
				  corpora_hex(arena, group, "thresh_pk").data, signers);
}

/* Tweaks stand in the test ("tweaks") or are chosen from the group's ("tweak_indices"), or there are none. A tweak that is no 32
 * bytes, and a mode that is missing, are no values that the interface takes: they are refused here. */
static enum status
open_key(struct arena *arena, const json *group, const json *test, struct frost_key *key) {
	struct list tweaks = list_of(json_get(test, "tweaks")), modes = list_of(json_get(test, "is_xonly"));
	const struct list indices = list_of(json_get(test, "tweak_indices")), all = list_of(json_get(group, "tweaks"));
	for (size_t i = 0; i < indices.count; i++)
		tweaks.items[tweaks.count++] = all.items[json_integer(indices.items[i])];
	TRY(frost_key_open(corpora_hex(arena, group, "thresh_pk").data, key));
	if (tweaks.count != modes.count)
		return fail(STATUS_INVALID, "test.modes: %zu tweaks and %zu modes", tweaks.count, modes.count);
	for (size_t i = 0; i < tweaks.count; i++) {
		struct bytes tweak = hex_value(arena, tweaks.items[i]);
		if (tweak.len != 32)
			return fail(STATUS_INVALID, "test.tweak: %zu bytes", tweak.len);
		TRY(frost_key_tweak(key, tweak.data, json_boolean(modes.items[i])));
	}
	return OK;
}

static enum status
open_session(struct arena *arena, const json *group, const json *test, struct bytes nonce_sum,
	     struct frost_session *session) {
	struct frost_signers *signers = ARENA_NEW(arena, struct frost_signers);
	struct frost_key key;
	assert_non_null(signers);
	TRY(open_signers(arena, group, test, signers));
	TRY(open_key(arena, group, test, &key));
	return frost_session_open(signers, &key, nonce_sum.data, corpora_hex(arena, test, "msg"), session);
}

/* A nonce that is no number, or zero, is none that the interface takes. */
static enum status
read_nonce(struct bytes bytes, struct frost_nonce *nonce) {
	assert_int_equal(64, bytes.len);
	for (size_t i = 0; i < 2; i++) {
		TRY(scalar_read(bytes.data + 32 * i, &nonce->numbers[i]));
		TRY(point_of_secret(&nonce->numbers[i], &nonce->commitments[i]));
	}
	return OK;
}

static enum status
sign(struct arena *arena, const json *group, const json *test, uint8_t partial[32]) {
	struct frost_session session;
	struct frost_nonce nonce;
	struct scalar share;
	TRY(open_session(arena, group, test, corpora_hex(arena, test, "aggnonce"), &session));
	TRY(read_nonce(one_of(arena, group, "secnonces", test, "secnonce_index"), &nonce));
	TRY(scalar_read(one_of(arena, group, "secshares", test, "secshare_index").data, &share));
	enum status status =
		frost_sign(&session, (uint32_t)json_integer(json_get(test, "my_id")), &share, &nonce, partial);
	assert_true(scalar_is_zero(&nonce.numbers[0]) && scalar_is_zero(&nonce.numbers[1]));
	return status;
}

/* --- Running them --- */

static const char *running = "";

static size_t
each(const char *file, const char *list, void (*run)(struct arena *arena, const json *group, const json *test)) {
	_cleanup_(arena_free) struct arena arena = {};
	size_t count = 0;
	char path[64];
	snprintf(path, sizeof path, "bips/bip-0445/%s_vectors.json", file);
	const json *root = corpora_read_json(&arena, path), *groups = json_get(root, "test_groups");
	struct list all = {{root}, 1};
	if (groups != nullptr)
		all = list_of(groups);
	for (size_t g = 0; g < all.count; g++) {
		struct json_iterator iterator = json_iterate(json_get(all.items[g], list));
		for (const json *test; (test = json_next(&iterator, nullptr)) != nullptr; count++) {
			running = (const char *)json_string(json_get(test, "comment")).data;
			run(&arena, all.items[g], test);
		}
	}
	return count;
}

static void
expect_failure(enum status status) {
	if (status == OK)
		fail_msg("%s: was accepted", running);
}

static void
fill_fixed(void *context, void *to, size_t len) {
	assert_int_equal(32, len);
	memcpy(to, context, len);
}

static void
nonce_gen(struct arena *arena, const json *, const json *test) {
	uint8_t random[32], public_nonce[FROST_PUBLIC_NONCE_SIZE], secret[64];
	struct randomness randomness = {fill_fixed, random};
	struct frost_nonce_inputs inputs = {};
	struct frost_nonce nonce;
	struct scalar share;
	struct bytes message;
	memcpy(random, corpora_hex(arena, test, "rand").data, sizeof random);
	if (!is_null(json_get(test, "secshare"))) {
		assert_ok(scalar_read(corpora_hex(arena, test, "secshare").data, &share));
		inputs.share = &share;
	}
	if (!is_null(json_get(test, "pubshare")))
		inputs.public_share = corpora_hex(arena, test, "pubshare");
	if (!is_null(json_get(test, "thresh_pk_xonly")))
		inputs.key = corpora_hex(arena, test, "thresh_pk_xonly");
	if (!is_null(json_get(test, "msg"))) {
		message = corpora_hex(arena, test, "msg");
		inputs.message = &message;
	}
	if (!is_null(json_get(test, "extra_in")))
		inputs.extra = corpora_hex(arena, test, "extra_in");
	assert_ok(frost_nonce_create(&inputs, &randomness, &nonce, public_nonce));
	scalar_write(&nonce.numbers[0], secret);
	scalar_write(&nonce.numbers[1], secret + 32);
	const struct list expected = list_of(json_get(test, "expected"));
	assert_bytes(hex_value(arena, expected.items[0]), BYTES_OF_ARRAY(secret));
	assert_bytes(hex_value(arena, expected.items[1]), BYTES_OF_ARRAY(public_nonce));
}

static void
nonce_agg(struct arena *arena, const json *group, const json *test) {
	uint8_t nonces[LIST_MAX][FROST_PUBLIC_NONCE_SIZE], sum[FROST_PUBLIC_NONCE_SIZE];
	size_t culprit,
		count = chosen(arena, group, "pubnonces", test, "pubnonce_indices", FROST_PUBLIC_NONCE_SIZE, nonces[0]);
	assert_ok(frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])nonces, count, sum, &culprit));
	assert_bytes(corpora_hex(arena, test, "expected"), BYTES_OF_ARRAY(sum));
}

static void
nonce_agg_error(struct arena *arena, const json *group, const json *test) {
	uint8_t nonces[LIST_MAX][FROST_PUBLIC_NONCE_SIZE], sum[FROST_PUBLIC_NONCE_SIZE];
	size_t culprit,
		count = chosen(arena, group, "pubnonces", test, "pubnonce_indices", FROST_PUBLIC_NONCE_SIZE, nonces[0]);
	assert_fails(STATUS_INVALID, "frost.public_nonce",
		     frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])nonces, count, sum, &culprit));
	assert_int_equal(json_integer(json_get(json_get(test, "error"), "signer_index")), culprit);
}

/* The partial signature is what is expected, and verifies with the nonces of all where they are given and add up to the sum. */
static void
sign_verify(struct arena *arena, const json *group, const json *test) {
	uint8_t partial[32], nonces[LIST_MAX][FROST_PUBLIC_NONCE_SIZE];
	struct frost_session session;
	enum status status = sign(arena, group, test, partial);
	if (status != OK)
		fail_msg("%s: %s", running, fail_message());
	assert_bytes(corpora_hex(arena, test, "expected"), BYTES_OF_ARRAY(partial));
	chosen(arena, group, "pubnonces", test, "pubnonce_indices", FROST_PUBLIC_NONCE_SIZE, nonces[0]);
	assert_ok(open_session(arena, group, test, corpora_hex(arena, test, "aggnonce"), &session));
	const struct list ids = list_of(json_get(test, "ids"));
	for (size_t i = 0; i < ids.count; i++)
		if (json_integer(ids.items[i]) == json_integer(json_get(test, "my_id")))
			assert_ok(frost_partial_verify(&session, i, nonces[i], partial));
}

static void
sign_error(struct arena *arena, const json *group, const json *test) {
	uint8_t partial[32];
	expect_failure(sign(arena, group, test, partial));
}

static enum status
verify(struct arena *arena, const json *group, const json *test, size_t *culprit) {
	uint8_t nonces[LIST_MAX][FROST_PUBLIC_NONCE_SIZE], sum[FROST_PUBLIC_NONCE_SIZE];
	struct frost_session session;
	size_t signer = (size_t)json_integer(json_get(test, "signer_index"));
	size_t count = chosen(arena, group, "pubnonces", test, "pubnonce_indices", FROST_PUBLIC_NONCE_SIZE, nonces[0]);
	TRY(frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])nonces, count, sum, culprit));
	TRY(open_session(arena, group, test, BYTES_OF_ARRAY(sum), &session));
	return frost_partial_verify(&session, signer, nonces[signer], corpora_hex(arena, test, "psig").data);
}

static void
verify_fail(struct arena *arena, const json *group, const json *test) {
	size_t culprit;
	assert_fails(STATUS_UNAUTHORIZED, "frost.partial", verify(arena, group, test, &culprit));
}

static void
verify_error(struct arena *arena, const json *group, const json *test) {
	size_t culprit = FROST_NO_CULPRIT;
	expect_failure(verify(arena, group, test, &culprit));
	const json *blamed = json_get(json_get(test, "error"), "signer_index");
	if (!is_null(blamed))
		assert_int_equal(json_integer(blamed), culprit);
}

static enum status
aggregate(struct arena *arena, const json *group, const json *test, struct frost_session *session,
	  uint8_t signature[64], size_t *culprit) {
	uint8_t partials[LIST_MAX][SCALAR_SIZE];
	const struct list given = list_of(json_get(test, "psigs"));
	TRY(open_session(arena, group, test, corpora_hex(arena, test, "aggnonce"), session));
	*culprit = FROST_NO_CULPRIT;
	if (given.count != session->signers->count) /* the interface takes one for each signer */
		return fail(STATUS_INVALID, "test.count: %zu partial signatures", given.count);
	for (size_t i = 0; i < given.count; i++)
		memcpy(partials[i], hex_value(arena, given.items[i]).data, SCALAR_SIZE);
	return frost_aggregate(session, (const uint8_t(*)[SCALAR_SIZE])partials, nullptr, signature, culprit);
}

static void
sig_agg(struct arena *arena, const json *group, const json *test) {
	struct frost_session session;
	uint8_t signature[64];
	size_t culprit;
	assert_ok(aggregate(arena, group, test, &session, signature, &culprit));
	assert_bytes(corpora_hex(arena, test, "expected"), BYTES_OF_ARRAY(signature));
	assert_ok(bip340_verify(session.x, session.message, signature));
}

static void
sig_agg_error(struct arena *arena, const json *group, const json *test) {
	struct frost_session session;
	uint8_t signature[64];
	size_t culprit;
	expect_failure(aggregate(arena, group, test, &session, signature, &culprit));
	const json *blamed = json_get(json_get(test, "error"), "signer_index");
	if (!is_null(blamed))
		assert_int_equal(json_integer(blamed), culprit);
}

/* --- Deterministic signing (BIP-445, "Deterministic and Stateless Signing"): for its vectors, and nowhere else --- */

static enum status
deterministic_nonce(struct arena *arena, const json *group, const json *test, const uint8_t share[32],
		    struct frost_nonce *nonce, uint8_t public_nonce[66]) {
	_cleanup_(buffer_free) struct buffer hashed = {};
	const struct list ids = list_of(json_get(test, "ids"));
	struct bytes message = corpora_hex(arena, test, "msg");
	struct frost_key key;
	uint8_t x[32], masked[32];
	TRY(open_key(arena, group, test, &key));
	frost_key_x_only(&key, x);
	memcpy(masked, share, sizeof masked);
	if (!is_null(json_get(test, "aux_rand"))) {
		struct hash256 mask = tagged_hash("BIP0445/aux", corpora_hex(arena, test, "aux_rand"));
		for (size_t i = 0; i < sizeof masked; i++)
			masked[i] ^= mask.bytes[i];
	}
	buffer_append(&hashed, masked, sizeof masked);
	buffer_append_u32be(&hashed, (uint32_t)json_integer(json_get(test, "my_id")));
	buffer_append_u32be(&hashed, (uint32_t)ids.count);
	for (int64_t id = 0; id < 16; id++) /* ascending */
		for (size_t i = 0; i < ids.count; i++)
			if (json_integer(ids.items[i]) == id)
				buffer_append_u32be(&hashed, (uint32_t)id);
	if (!is_null(json_get(test, "aggothernonce")))
		buffer_append_bytes(&hashed, corpora_hex(arena, test, "aggothernonce"));
	buffer_append(&hashed, x, sizeof x);
	buffer_append_u64be(&hashed, message.len);
	buffer_append_bytes(&hashed, message);
	buffer_append_byte(&hashed, 0);
	assert_ok(buffer_status(&hashed));
	for (uint8_t i = 0; i < 2; i++) {
		hashed.data[hashed.len - 1] = i;
		struct hash256 hash = tagged_hash("BIP0445/deterministic/nonce", buffer_bytes(&hashed));
		nonce->numbers[i] = scalar_reduce(hash.bytes);
		TRY(point_of_secret(&nonce->numbers[i], &nonce->commitments[i]));
		point_write(&nonce->commitments[i], public_nonce + i * POINT_SIZE);
	}
	return OK;
}

static enum status
sign_deterministically(struct arena *arena, const json *group, const json *test, uint8_t public_nonce[66],
		       uint8_t partial[32]) {
	uint8_t nonces[2][FROST_PUBLIC_NONCE_SIZE], sum[FROST_PUBLIC_NONCE_SIZE];
	struct bytes share_bytes = one_of(arena, group, "secshares", test, "secshare_index");
	size_t count = 1, culprit;
	struct frost_session session;
	struct frost_nonce nonce;
	struct scalar share;
	TRY(scalar_read(share_bytes.data, &share));
	TRY(deterministic_nonce(arena, group, test, share_bytes.data, &nonce, public_nonce));
	memcpy(nonces[0], public_nonce, sizeof nonces[0]);
	if (!is_null(json_get(test, "aggothernonce")))
		memcpy(nonces[count++], corpora_hex(arena, test, "aggothernonce").data, sizeof nonces[1]);
	TRY(frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])nonces, count, sum, &culprit));
	TRY(open_session(arena, group, test, BYTES_OF_ARRAY(sum), &session));
	return frost_sign(&session, (uint32_t)json_integer(json_get(test, "my_id")), &share, &nonce, partial);
}

static void
det_sign(struct arena *arena, const json *group, const json *test) {
	uint8_t public_nonce[FROST_PUBLIC_NONCE_SIZE], partial[32];
	enum status status = sign_deterministically(arena, group, test, public_nonce, partial);
	if (status != OK)
		fail_msg("%s: %s", running, fail_message());
	const struct list expected = list_of(json_get(test, "expected"));
	assert_bytes(hex_value(arena, expected.items[0]), BYTES_OF_ARRAY(public_nonce));
	assert_bytes(hex_value(arena, expected.items[1]), BYTES_OF_ARRAY(partial));
}

static void
det_sign_error(struct arena *arena, const json *group, const json *test) {
	uint8_t public_nonce[FROST_PUBLIC_NONCE_SIZE], partial[32];
	expect_failure(sign_deterministically(arena, group, test, public_nonce, partial));
}

static void
every_vector_of_bip445_holds(void **) {
	static const struct {
		const char *file, *list;
		void (*run)(struct arena *, const json *, const json *);
		size_t count;
	} suites[] = {
		{"nonce_gen", "valid_tests", nonce_gen, 5},
		{"nonce_agg", "valid_tests", nonce_agg, 2},
		{"nonce_agg", "error_tests", nonce_agg_error, 3},
		{"sign_verify", "valid_tests", sign_verify, 25},
		{"sign_verify", "sign_error_tests", sign_error, 52},
		{"sign_verify", "verify_fail_tests", verify_fail, 12},
		{"sign_verify", "verify_error_tests", verify_error, 8},
		{"tweak", "valid_tests", sign_verify, 28},
		{"tweak", "error_tests", sign_error, 16},
		{"sig_agg", "valid_tests", sig_agg, 14},
		{"sig_agg", "error_tests", sig_agg_error, 8},
		{"det_sign", "valid_tests", det_sign, 33},
		{"det_sign", "error_tests", det_sign_error, 48},
	};
	size_t all = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(suites); i++) {
		assert_int_equal(suites[i].count, each(suites[i].file, suites[i].list, suites[i].run));
		all += suites[i].count;
	}
	corpora_expect("BIP-445", all, 254);
}

RUN_TESTS(T(every_vector_of_bip445_holds))

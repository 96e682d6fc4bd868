#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>

#include "crypto/hash.h"

static void
assert_digest(const char *expected, struct bytes digest) {
	char text[129];
	hex_encode(digest, text);
	assert_string_equal(expected, text);
}

static void
assert_hash(const char *expected, struct hash256 digest) {
	assert_digest(expected, hash256_bytes(&digest));
}

/* FIPS 180-4's examples. */
static void
sha2_gives_the_known_answers(void **) {
	assert_hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256((struct bytes){}));
	assert_hash("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		    sha256(BYTES_OF_LITERAL("abc")));
	assert_hash("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		    sha256(BYTES_OF_LITERAL("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")));
	assert_hash("4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358",
		    sha256_twice(BYTES_OF_LITERAL("abc")));
}

static void
keccak_pads_as_ethereum_does(void **) {
	assert_hash("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470", keccak256((struct bytes){}));
	assert_hash("5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02",
		    keccak256(BYTES_OF_LITERAL("testing")));
}

static void
hash160_gives_the_identifier_of_bip32s_first_vector(void **) {
	uint8_t key[33], digest[20];
	assert_ok(hex_decode(BYTES_OF_LITERAL("0339a36013301597daef41fbe593a02cc513d0b55527ec2df1050e2e8ff49c85c2"),
			     key, 33));
	hash160(BYTES_OF_ARRAY(key), digest);
	assert_digest("3442193e1bb70916e914552172cd4e2dbc9df811", BYTES_OF_ARRAY(digest));
}

/* RFC 4231, cases 1, 2 and 6. */
static void
hmac_gives_the_known_answers(void **) {
	uint8_t mac[64], key[131];
	memset(key, 0x0b, 20);
	struct bytes first = BYTES_OF_LITERAL("Hi There");
	assert_hash("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		    hmac_sha256(bytes_of(key, 20), first));
	hmac_sha512(bytes_of(key, 20), first, mac);
	assert_digest("87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
		      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
		      BYTES_OF_ARRAY(mac));
	struct bytes second = BYTES_OF_LITERAL("what do ya want for nothing?");
	assert_hash("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		    hmac_sha256(BYTES_OF_LITERAL("Jefe"), second));
	memset(key, 0xaa, sizeof key);
	assert_hash("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		    hmac_sha256(BYTES_OF_ARRAY(key),
				BYTES_OF_LITERAL("Test Using Larger Than Block-Size Key - Hash Key First")));
}

static void
hmac_with_an_empty_key_does_not_reuse_the_last_one(void **) {
	struct hash256 before = hmac_sha256((struct bytes){}, BYTES_OF_LITERAL("message"));
	(void)hmac_sha256(BYTES_OF_LITERAL("another key"), BYTES_OF_LITERAL("message"));
	struct hash256 after = hmac_sha256((struct bytes){}, BYTES_OF_LITERAL("message"));
	assert_true(hash256_equal(&before, &after));
	struct hash256 zeros = hmac_sha256(bytes_of((uint8_t[1]){0}, 1), BYTES_OF_LITERAL("message"));
	assert_true(hash256_equal(&before, &zeros)); /* RFC 2104 pads the key with zeros */
}

static void
a_tagged_hash_is_what_bip340_defines(void **) {
	struct hash256 tag = sha256(BYTES_OF_LITERAL("BIP0340/aux"));
	uint8_t all[64 + 3];
	memcpy(all, tag.bytes, 32);
	memcpy(all + 32, tag.bytes, 32);
	all[64] = 'a';
	all[65] = 'b';
	all[66] = 'c';
	struct hash256 expected = sha256(BYTES_OF_ARRAY(all)),
		       tagged = tagged_hash("BIP0340/aux", BYTES_OF_LITERAL("abc"));
	assert_true(hash256_equal(&expected, &tagged));
}

static void
parts_and_streams_hash_as_the_whole_does(void **) {
	uint8_t message[300];
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (uint8_t)(i * 7);
	struct hash256 whole = sha256(BYTES_OF_ARRAY(message));
	_cleanup_(sha256_stream_destroy) struct sha256_stream *stream = nullptr;
	assert_ok(sha256_stream_create(&stream));
	for (size_t cut = 0; cut <= sizeof message; cut++) {
		struct bytes head = bytes_of(message, cut), tail = bytes_of(message + cut, sizeof message - cut);
		struct hash256 parts = SHA256_PARTS(head, tail);
		assert_true(hash256_equal(&whole, &parts));
		struct hash256 expected = sha256(head), of_secret = sha256_of_secret(head);
		assert_true(hash256_equal(&expected, &of_secret));
		sha256_stream_add(stream, head);
		sha256_stream_add(stream, tail);
		struct hash256 streamed = sha256_stream_finish(stream);
		assert_true(hash256_equal(&whole, &streamed));
	}
}

static void *
hash_many(void *result) {
	struct hash256 digest = {};
	for (int i = 0; i < 1000; i++) {
		digest = SHA256_PARTS(BYTES_OF_LITERAL("x"), hash256_bytes(&digest));
		digest = keccak256(hash256_bytes(&digest));
		digest = hmac_sha256(hash256_bytes(&digest), hash256_bytes(&digest));
	}
	*(struct hash256 *)result = digest;
	return nullptr;
}

static void
threads_hash_without_disturbing_each_other(void **) {
	pthread_t threads[4];
	struct hash256 results[ARRAY_LENGTH(threads)], expected;
	for (size_t i = 0; i < ARRAY_LENGTH(threads); i++)
		assert_int_equal(pthread_create(&threads[i], nullptr, hash_many, &results[i]), 0);
	hash_many(&expected);
	for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
		assert_int_equal(pthread_join(threads[i], nullptr), 0);
		assert_true(hash256_equal(&expected, &results[i]));
	}
}

RUN_TESTS(T(sha2_gives_the_known_answers), T(keccak_pads_as_ethereum_does),
	  T(hash160_gives_the_identifier_of_bip32s_first_vector), T(hmac_gives_the_known_answers),
	  T(hmac_with_an_empty_key_does_not_reuse_the_last_one), T(a_tagged_hash_is_what_bip340_defines),
	  T(parts_and_streams_hash_as_the_whole_does), T(threads_hash_without_disturbing_each_other))

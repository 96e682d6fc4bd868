#include "tests/test.h"

#include "tests/corpora.h"

#include "crypto/random.h"
#include "keys/bip32.h"
#include "keys/bip39_testing.h"

static void
assert_vector(struct arena *arena, const json *vector) {
	struct json_iterator iterator = json_iterate(vector);
	struct bytes fields[4];
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		fields[i] = json_string(json_next(&iterator, nullptr));
	uint8_t *entropy = arena_alloc(arena, fields[0].len / 2), expected_seed[64], seed[64], read[BIP39_ENTROPY_MAX];
	char text[BIP39_TEXT_SIZE], xprv[BIP32_TEXT_SIZE];
	size_t len;
	assert_ok(hex_decode(fields[0], entropy, fields[0].len / 2));
	bip39_write(bytes_of(entropy, fields[0].len / 2), text);
	assert_bytes(fields[1], bytes_of_text(text));
	assert_ok(bip39_read(fields[1], read, &len));
	assert_bytes(bytes_of(entropy, fields[0].len / 2), bytes_of(read, len));
	assert_ok(hex_decode(fields[2], expected_seed, 64));
	assert_ok(bip39_seed(fields[1], BYTES_OF_LITERAL("TREZOR"), seed));
	assert_memory_equal(expected_seed, seed, 64);

	struct bip32_node master;
	assert_ok(bip32_master(BYTES_OF_ARRAY(seed), &master));
	struct bip32_extended extended = {.is_private = true};
	memcpy(extended.chain_code, master.chain_code, 32);
	memcpy(extended.key + 1, master.key, 32);
	assert_ok(bip32_encode(&extended, xprv));
	assert_bytes(fields[3], bytes_of_text(xprv));
}

static void
mnemonic_vectors_in_english(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *vectors = json_get(corpora_read_json(&arena, "mnemonic/vectors.json"), "english"), *vector;
	assert_non_null(vectors);
	size_t executed = 0;
	struct json_iterator iterator = json_iterate(vectors);
	while ((vector = json_next(&iterator, nullptr)) != nullptr) {
		assert_vector(&arena, vector);
		executed++;
	}
	corpora_expect("mnemonics", executed, 24);
}

static void
the_word_list_is_bip39s(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes text = corpora_read(&arena, "bips/bip-0039/english.txt");
	size_t executed = 0;
	while (text.len > 0) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end == nullptr ? text.len : (size_t)(end - text.data),
		       taken = end == nullptr ? len : len + 1;
		assert_true(executed < BIP39_LIST_SIZE);
		assert_bytes(bytes_of(text.data, len), bytes_of_text(bip39_words[executed]));
		text = bytes_of(text.data + taken, text.len - taken);
		executed++;
	}
	corpora_expect("words", executed, 2048);
}

/* BIP-39's first vector, so that something is known without the public test data. */
static void
the_first_vector_is_right(void **) {
	uint8_t zero[16] = {}, seed[64];
	char text[BIP39_TEXT_SIZE], hex[129];
	bip39_write(BYTES_OF_ARRAY(zero), text);
	assert_string_equal(
		"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", text);
	assert_ok(bip39_seed(bytes_of_text(text), BYTES_OF_LITERAL("TREZOR"), seed));
	hex_encode(BYTES_OF_ARRAY(seed), hex);
	assert_string_equal("c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f"
			    "2cf141630c7a3c"
			    "4ab7c81b2f001698e7463b04",
			    hex);
}

static void
what_is_written_reads_back(void **) {
	uint8_t entropy[32], read[32];
	char text[BIP39_TEXT_SIZE];
	for (size_t len = 16; len <= 32; len += 4)
		for (int i = 0; i < 50; i++) {
			size_t read_len;
			random_bytes(entropy, len);
			bip39_write(bytes_of(entropy, len), text);
			assert_true(strlen(text) < sizeof text);
			assert_ok(bip39_read(bytes_of_text(text), read, &read_len));
			assert_bytes(bytes_of(entropy, len), bytes_of(read, read_len));
		}
}

#define ELEVEN "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon"

static void
bad_mnemonics_are_refused_by_name(void **) {
	static const struct {
		const char *reason, *text;
	} cases[] = {
		{"mnemonic.count", ""},
		{"mnemonic.count", "abandon"},
		{"mnemonic.count", ELEVEN},
		{"mnemonic.count", ELEVEN " about about"},
		{"mnemonic.count", ELEVEN " about "},
		{"mnemonic.count", ELEVEN " " ELEVEN " about about about about about"},
		{"mnemonic.checksum", ELEVEN " abandon"},
		{"mnemonic.checksum", ELEVEN " zoo"},
		{"mnemonic.word", ELEVEN " abou"},
		{"mnemonic.word", ELEVEN " About"},
		{"mnemonic.word", ELEVEN " aboutabou"},
		{"mnemonic.word", ELEVEN " ab"},
		{"mnemonic.word", ELEVEN " \tabout"},
		{"mnemonic.word", "abandon  "
				  "abandon abandon abandon abandon abandon abandon abandon abandon abandon about"},
		{"mnemonic.word", " " ELEVEN},
		{"mnemonic.word",
		 "\xc3\xa1"
		 "bandon"
		 " abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"},
	};
	uint8_t entropy[32], seed[64];
	size_t len;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_fails(STATUS_INVALID, cases[i].reason, bip39_read(bytes_of_text(cases[i].text), entropy, &len));
		assert_fails(STATUS_INVALID, cases[i].reason,
			     bip39_seed(bytes_of_text(cases[i].text), (struct bytes){}, seed));
	}
	static const char padded[] = ELEVEN " zoo\0\0";
	assert_fails(STATUS_INVALID, "mnemonic.word", bip39_read(BYTES_OF_LITERAL(padded), entropy, &len));
	assert_fails(STATUS_UNSUPPORTED, "mnemonic.passphrase",
		     bip39_seed(bytes_of_text(ELEVEN " about"), BYTES_OF_LITERAL("na\xc3\xafve"), seed));
}

static void
an_error_never_repeats_a_word(void **) {
	uint8_t entropy[32];
	size_t len;
	assert_int_equal(bip39_read(bytes_of_text(ELEVEN " aboux"), entropy, &len), STATUS_INVALID);
	assert_null(strstr(fail_message(), "aboux"));
	assert_non_null(strstr(fail_message(), "word 12"));
}

RUN_TESTS(T(mnemonic_vectors_in_english), T(the_word_list_is_bip39s), T(the_first_vector_is_right),
	  T(what_is_written_reads_back), T(bad_mnemonics_are_refused_by_name), T(an_error_never_repeats_a_word))

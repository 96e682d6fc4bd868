/*
 * Extended keys and paths as text: what is accepted is written back the same.
 * Reader: keys/bip32.c
 */
#include "base/base58.h"
#include "crypto/sign.h"
#include "keys/bip32.h"
#include "tests/fuzz.h"

static void
check_extended(struct bytes text) {
	struct bip32_extended extended;
	char written[BIP32_TEXT_SIZE];
	if (bip32_decode(text, &extended) != OK)
		return;
	must(bip32_encode(&extended, written) == OK && bytes_equal_text(text, written));
}

/* The input as the 78 bytes of a key, under a checksum that a fuzzer would not find. */
static void
check_serialised(struct bytes serialised) {
	uint8_t bytes[82];
	char text[BASE58_TEXT_SIZE];
	struct hash256 checksum = sha256_twice(serialised);
	memcpy(bytes, serialised.data, 78);
	memcpy(bytes + 78, checksum.bytes, 4);
	must(base58_encode(BYTES_OF_ARRAY(bytes), text) == OK);
	check_extended(bytes_of_text(text));
}

static void
check_public_child(const struct bip32_node *parent, uint32_t step) {
	struct bip32_node child;
	uint8_t public_key[33], chain_code[32], expected[33];
	memcpy(chain_code, parent->chain_code, sizeof chain_code);
	must(secp256k1_public_key(parent->key, public_key) == OK &&
	     bip32_child(parent, public_key, step, &child) == OK);
	must(bip32_public_child(public_key, chain_code, step) == OK);
	must(secp256k1_public_key(child.key, expected) == OK && memcmp(expected, public_key, sizeof expected) == 0);
}

/* And as a seed, with steps from it. */
static void
check_derivation(struct bytes seed) {
	struct bip32_node node, child;
	uint8_t step[4] = {};
	if (bip32_master(seed, &node) != OK)
		return;
	memcpy(step, seed.data, sizeof step);
	uint32_t number = load_u32be(step);
	struct signing_path path = {.steps = {number, number ^ BIP32_HARDENED}, .count = 2};
	must(bip32_descend(&node, &path, &child) == OK);
	must(bip32_path_starts_with(&path, &(struct signing_path){}));
	check_public_child(&node, number % BIP32_HARDENED);
}

static void
check_path(struct bytes text) {
	struct signing_path path, again;
	char written[BIP32_PATH_TEXT_SIZE];
	if (bip32_path_parse(text, &path) != OK)
		return;
	bip32_path_format(&path, written);
	must(bip32_path_parse(bytes_of_text(written), &again) == OK && memcmp(&path, &again, sizeof again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	check_extended(bytes_of(data, size));
	check_path(bytes_of(data, size));
	check_derivation(bytes_of(data, size));
	if (size == 78)
		check_serialised(bytes_of(data, size));
	return 0;
}

/*
 * Mnemonics as text: what is accepted is written back the same; and entropy of every length is written and read.
 * Reader: keys/bip39.c
 */
#include "keys/bip39_testing.h"
#include "tests/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	uint8_t entropy[BIP39_ENTROPY_MAX];
	uint8_t seed[BIP39_SEED_SIZE];
	char text[BIP39_TEXT_SIZE];
	size_t len;
	/* The input as passphrase; refused ones cost nothing, others 2048 rounds. */
	if (size > 0 && data[0] % 64 == 0)
		IGNORE_STATUS(bip39_seed(
			BYTES_OF_LITERAL("abandon abandon abandon abandon abandon abandon abandon abandon abandon "
					 "abandon abandon about"),
			bytes_of(data, size), seed));
	if (bip39_read(bytes_of(data, size), entropy, &len) == OK) {
		bip39_write(bytes_of(entropy, len), text);
		must(bytes_equal_text(bytes_of(data, size), text));
	}
	if (size >= 16 && size <= BIP39_ENTROPY_MAX && size % 4 == 0) {
		bip39_write(bytes_of(data, size), text);
		must(bip39_read(bytes_of_text(text), entropy, &len) == OK &&
		     bytes_equal(bytes_of(data, size), bytes_of(entropy, len)));
	}
	return 0;
}

/* Mnemonics of entropy that tests make up: not in constant time. Gatehouse makes none itself. */
#ifndef GATEHOUSE_KEYS_BIP39_TESTING_H
#define GATEHOUSE_KEYS_BIP39_TESTING_H

#include "crypto/hash.h"
#include "keys/bip39_words.h"

constexpr size_t BIP39_TEXT_SIZE = BIP39_WORDS_MAX * 9; /* eight letters and a space or NUL each */

/* Entropy of 16, 20, 24, 28 or 32 bytes; text holds BIP39_TEXT_SIZE. BIP-39, Generating the mnemonic. */
static inline void
bip39_write(struct bytes entropy, char *text) {
	uint8_t bits[BIP39_ENTROPY_MAX + 1];
	struct hash256 digest = sha256(entropy);
	size_t words = entropy.len * 3 / 4;
	memcpy(bits, entropy.data, entropy.len);
	bits[entropy.len] = digest.bytes[0]; /* the checksum, and more that is not read */
	for (size_t i = 0; i < words; i++) {
		size_t index = 0;
		for (size_t bit = i * 11; bit < (i + 1) * 11; bit++)
			index = index << 1 | (bits[bit / 8] >> (7 - bit % 8) & 1);
		text = stpcpy(text, bip39_words[index]);
		*text++ = i + 1 < words ? ' ' : '\0';
	}
}

#endif

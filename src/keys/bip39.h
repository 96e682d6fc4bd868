/*
 * Mnemonics of English words, and the seed that they and a passphrase give.
 *
 * Words are looked up in constant time; how many there are and how long each is counts as public. A passphrase must be
 * ASCII: the normalisation that BIP-39 demands of other text (NFKD) is not done here and never skipped silently.
 * Errors: STATUS_INVALID "mnemonic.*". Threads: any. Source: BIP-39.
 */
#ifndef GATEHOUSE_KEYS_BIP39_H
#define GATEHOUSE_KEYS_BIP39_H

#include "base/secret.h"

constexpr size_t BIP39_WORDS_MAX = 24;
constexpr size_t BIP39_ENTROPY_MAX = 32;
constexpr size_t BIP39_SEED_SIZE = 64;
constexpr size_t BIP39_LIST_SIZE = 2048;

/* The entropy of 12 to 24 words: 16, 20, 24, 28 or 32 bytes. Lower case, single spaces. entropy holds 32 bytes. Errors: mnemonic.count, mnemonic.word (says which one, never
 * the word itself), mnemonic.checksum. */
enum status bip39_read(struct bytes mnemonic, uint8_t *entropy, size_t *len);
/* The seed, after bip39_read() has found the mnemonic good. Errors: also mnemonic.passphrase. */
enum status bip39_seed(struct bytes mnemonic, struct bytes passphrase, uint8_t seed[64]);

#endif

/*
 * The word list, for bip39.c and its test only: rows are padded with zeros so that each can be read as one 64-bit number.
 */
#ifndef GATEHOUSE_KEYS_BIP39_WORDS_H
#define GATEHOUSE_KEYS_BIP39_WORDS_H

#include "keys/bip39.h"

extern const char bip39_words[BIP39_LIST_SIZE][9];

#endif

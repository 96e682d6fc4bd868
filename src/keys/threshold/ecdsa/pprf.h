/*
 * All-but-one seeds: from base transfers, trees of which one side knows every leaf and the other every leaf but one.
 *
 * A block is a tree of depth k with 2^k leaves of 16 bytes; 128/k blocks use 128 base transfers. The level that decides
 * bit b of a leaf's position uses transfer k·block + b. The side that chose the bits of Δ misses, in block i, the leaf
 * at the position Δ_i, the k bits of Δ from k·i on. The maker of the trees proves that they are well formed: of each
 * leaf a check value, their sum (so that the other computes the missing one) and a hash over all. k is a compromise:
 * what is sent goes with 1/k, work with 2^k/k. Measured for a signature of two, bytes to the other and processor time
 * of one: k = 1: 59,984 and 1.36 ms; 2: 54,864 and 1.40 ms; 4: 52,304 and 1.39 ms; 8: 51,024 and 2.92 ms. Memory: plain
 * structs that the caller keeps in secret memory. Errors: STATUS_UNAUTHORIZED "pprf.check". Source: Roy, SoftSpokenOT,
 * ePrint 2022/192 (the punctured pseudorandom functions and their check).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_PPRF_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_PPRF_H

#include "keys/threshold/ecdsa/oblivious.h"

#if !defined(GATEHOUSE_SOFTSPOKEN_K)
#define GATEHOUSE_SOFTSPOKEN_K 4
#endif
constexpr size_t PPRF_K = GATEHOUSE_SOFTSPOKEN_K;
constexpr size_t PPRF_LEAVES = (size_t)1 << PPRF_K;
constexpr size_t PPRF_BLOCKS = OT_KAPPA / PPRF_K;
static_assert(OT_KAPPA % PPRF_K == 0 && PPRF_K <= 8);

struct pprf_message {
	uint8_t corrections[PPRF_BLOCKS][PPRF_K == 1 ? 1 : PPRF_K - 1][2][OT_SEED_SIZE]; /* from the second level on */
	uint8_t sums[PPRF_BLOCKS][32];
	uint8_t hashes[PPRF_BLOCKS][32];
};

struct pprf_full {
	uint8_t leaves[PPRF_BLOCKS][PPRF_LEAVES][OT_SEED_SIZE];
};

/* At place z stands the leaf of position z ⊕ Δ_i: the missing one, zeros, always first. */
struct pprf_punctured {
	uint8_t delta[OT_KAPPA / 8];
	uint8_t leaves[PPRF_BLOCKS][PPRF_LEAVES][OT_SEED_SIZE];
};

void pprf_make(struct oblivious *oblivious, const struct hash256 *context,
	       const uint8_t keys[OT_KAPPA][2][OT_SEED_SIZE], struct pprf_full *full, struct pprf_message *message);
/* keys: of the base transfers with the choices ¬Δ. */
enum status pprf_open(struct oblivious *oblivious, const struct hash256 *context,
		      const uint8_t keys[OT_KAPPA][OT_SEED_SIZE], const uint8_t delta[OT_KAPPA / 8],
		      const struct pprf_message *message, struct pprf_punctured *punctured);

#endif
